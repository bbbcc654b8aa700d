/* Suspension with traffic running (tcp.md LC-2, LC-3, LC-7; header "What waits is bounded"): peers send
 * all the time, no byte is lost or doubled over many suspensions, and a sleeping app stays small. */
#include <sys/socket.h>
#include <unistd.h>

#include "life.h"

static void compact_if_long(fx *f) {
    if (f->len > 3000) fx_compact(f);
}

/* Two persistent streams, one connected and one accepted, and in each cycle others that die. */
static void cycles_lose_nothing(fx *f) {
    uint16_t port;
    int peer[2], fresh[3];
    int32_t server = server_made_persistent(f, listening(f, &port)), id[2];
    stream s[2];
    talker *t[2], *u[3];
    int32_t newest = 0;
    long cycles = scaled(12);
    id[0] = made_persistent(f, connected(f, &peer[0]));
    id[1] = made_persistent(f, accepted(f, server, port, &peer[1]));
    IS_OK(tcp_set_paused(f, id[1], 0));
    for (int n = 0; n < 2; n++) {
        t[n] = talker_start(peer[n]);
        s[n] = (stream){id[n], t[n], 0, 0};
    }
    for (long cycle = 0; cycle < cycles; cycle++) {
        int32_t dying[3];
        for (int n = 0; n < 3; n++) {
            dying[n] = n < 2 ? connected(f, &fresh[n]) : accepted(f, server, port, &fresh[n]);
            CHECK(dying[n] > newest); /* G-1 */
            newest = dying[n];
            if (n == 2) IS_OK(tcp_set_paused(f, dying[n], 0));
            u[n] = talker_start(fresh[n]);
        }
        for (int n = 0; n < 2; n++) receive_stream(f, &s[n], 300000);
        compact_if_long(f);
        int wanted = count_events(f, CHROMESOCK_APP_WANTED, 0);
        size_t asleep = sleep_now(f);
        for (int n = 0; n < 2; n++) stream_take(f, &s[n]);
        await_wanted(f); /* the peers never stop; it may come before the barrier */
        IS_SENT(tcp_send(f, id[0], "ping", 4), 4);
        peer_expect(peer[0], "ping");
        prod(f);
        wanted_since(f, asleep);
        CHECK_INT(count_events(f, CHROMESOCK_APP_WANTED, 0) - wanted, 1);
        CHECK_INT(info_of(f, id[0])->connected + info_of(f, id[1])->connected, 2);
        CHECK_INT(server_info_of(f, server)->local_port, port);
        CHECK_INT(alive(f, dying[0]) + alive(f, dying[1]) + alive(f, dying[2]), 0);
        app_resume(f);
        CHECK_INT(sockets_of(f), 2);
        for (int n = 0; n < 3; n++) {
            talker_stop(u[n]);
            close(fresh[n]);
        }
    }
    for (int n = 0; n < 2; n++) receive_stream_to_its_end(f, &s[n]);
    CHECK(s[0].got >= (uint64_t)cycles * 300000);
    no_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE_ERROR, 0);
    for (int n = 0; n < 2; n++) {
        close(peer[n]);
        receive_error(f, id[n], CHROMESOCK_CONNECTION_CLOSED);
    }
    no_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE, id[0]);
    no_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE, id[1]);
}

/* ---- what waits is bounded ---- */

enum { MARK = 65536, MOST = 256 << 20 };

static unsigned char pattern[1 << 20];

static size_t flood(int peer, uint64_t from) {
    size_t total = 0;
    while (total < MOST) {
        size_t n;
        for (size_t k = 0; k < sizeof pattern; k++) pattern[k] = stream_byte(from + total + k);
        n = peer_send_until_blocked(peer, pattern, sizeof pattern, sizeof pattern);
        total += n;
        if (n < sizeof pattern) return total;
    }
    FAIL("the peer never blocked");
}

/* One peer floods a sleeping app: it blocks, the app holds about the mark, says so in its statistics,
 * and after the resume every byte comes. */
static void a_flood_while_asleep(fx *f) {
    int peer;
    int32_t id = made_persistent(f, connected(f, &peer));
    stream s = {id, NULL, 0, 0};
    uint64_t total = 0;
    for (int round = 0; round < 3; round++) {
        uint64_t held;
        size_t asleep = sleep_now(f);
        total += flood(peer, total);
        prod(f);
        CHECK_INT(wanted_since(f, asleep), 1);
        held = fx_stats(f).undelivered_bytes; /* "Received bytes that were not delivered yet" */
        if (held < MARK / 2 || held > 2 * MARK + 65536)
            FAIL("%llu bytes undelivered, mark %d", (unsigned long long)held, MARK);
        app_resume(f);
        receive_stream_to(f, &s, total);
        wait_until(f, fx_stats(f).undelivered_bytes == 0);
        fx_compact(f);
    }
    close(peer);
}

/* What a socket's buffers take without waiting. */
static uint64_t fill(int peer) {
    uint64_t total = 0;
    for (;;) {
        ssize_t n;
        for (size_t k = 0; k < 65536; k++) pattern[k] = stream_byte(total + k);
        n = send(peer, pattern, 65536, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n <= 0) return total;
        total += (uint64_t)n;
    }
}

/* Many peers: the mark of the whole app holds while it sleeps. */
static void many_floods_while_asleep(fx *f) {
    enum { PEERS = 16 };
    int peer[PEERS];
    stream s[PEERS];
    uint64_t total[PEERS], sum = 0;
    long before, after;
    memset(pattern, 1, sizeof pattern);
    /* Large events: who pulls looks at all that have come, once for each. */
    chrome_sockets_tcp_properties large = tcp_props(CHROME_SOCKETS_TCP_PROPERTIES_BUFFER_SIZE, NULL, 65536, 0);
    for (int n = 0; n < PEERS; n++) {
        s[n] = (stream){made_persistent(f, connected(f, &peer[n])), NULL, 0, 0};
        IS_OK(tcp_update(f, s[n].id, &large));
    }
    sleep_now(f);
    before = rss_kib();
    for (int n = 0; n < PEERS; n++) sum += total[n] = fill(peer[n]);
    CHECK(sum > PEERS * 200000);
    prod(f);
    after = rss_kib();
    if (!SANITIZED && after - before > 4096)
        FAIL("memory grew from %ld to %ld KiB while %llu bytes were sent", before, after,
             (unsigned long long)sum);
    app_resume(f);
    for (int n = 0; n < PEERS; n++) {
        receive_stream_to(f, &s[n], total[n]);
        close(peer[n]);
        fx_compact(f);
    }
}

/* A sleeping app's servers accept 64 connections, the others wait in the backlog and are accepted after
 * the resume; all of them in the order they came, none twice. */
static void beyond_64_connections(fx *f) {
    enum { FIRST = 60, CLIENTS = 100 };
    uint16_t port[2];
    int client[CLIENTS], peer;
    int32_t server[2], last[2] = {0, 0};
    int got[2] = {0, 0};
    made_persistent(f, connected(f, &peer));
    for (int n = 0; n < 2; n++) server[n] = server_made_persistent(f, listening(f, &port[n]));
    for (int round = 0; round < 2; round++) {
        uint64_t before = fx_stats(f).sockets_open;
        got[0] = got[1] = 0;
        size_t asleep = sleep_now(f);
        for (int n = 0; n < FIRST; n++) { /* one by one, so that no batch fits the bound by chance */
            client[n] = peer_connect("127.0.0.1", port[n % 2]);
            wait_until(f, fx_stats(f).sockets_open == before + (uint64_t)n + 1);
        }
        for (int n = FIRST; n < CLIENTS; n++) client[n] = peer_connect("127.0.0.1", port[n % 2]);
        prod(f);
        CHECK_INT(fx_stats(f).sockets_open, before + 64);
        CHECK_INT(wanted_since(f, asleep), 1);
        app_resume(f);
        for (int n = 0; n < CLIENTS; n++) {
            const ev *e = await_event(f, CHROME_SOCKETS_TCP_SERVER_ON_ACCEPT, 0);
            int which = e->id == server[1];
            CHECK(e->client > last[which]);
            last[which] = e->client;
            got[which]++;
            CHECK_INT(info_of(f, e->client)->connected, 1);
        }
        CHECK_INT(got[0], CLIENTS / 2);
        CHECK_INT(got[1], CLIENTS / 2);
        await_event(f, CHROMESOCK_APP_WANTED, 0);
        for (int n = 0; n < CLIENTS; n++) close(client[n]);
        sleep_now(f); /* they die; the bound counts anew */
        CHECK_INT(fx_stats(f).sockets_open, before);
        app_resume(f);
        barrier(f);
    }
    no_event(f, CHROME_SOCKETS_TCP_SERVER_ON_ACCEPT, 0);
    no_event(f, CHROMESOCK_APP_WANTED, 0);
    close(peer);
}

/* Descriptors and memory over many suspensions and unloads with sockets in use. */
static void nothing_is_left_behind(fx *f) {
    long cycles = scaled(150), rss = 0;
    int before = 0;
    for (long n = 0; n < cycles; n++) {
        uint16_t port;
        int a, b, c;
        int32_t id = made_persistent(f, connected(f, &a)), server = listening(f, &port);
        connected(f, &b);
        c = peer_connect("127.0.0.1", port);
        await_event(f, CHROME_SOCKETS_TCP_SERVER_ON_ACCEPT, server);
        peer_text(a, "1");
        peer_text(b, "2");
        sleep_now(f);
        peer_text(a, "3");
        if (n % 3) app_resume(f);
        if (n % 2) {
            app_unload(f);
        } else {
            tcp_close(f, id);
            app_resume(f);
        }
        barrier(f);
        CHECK_INT(sockets_of(f), 0);
        close(a);
        close(b);
        close(c);
        prod(f);
        pthread_mutex_lock(&f->mutex);
        for (size_t k = 0; k < f->len; k++) f->events[k]->taken = 1;
        pthread_mutex_unlock(&f->mutex);
        fx_compact(f);
        if (n == cycles / 3) {
            before = count_fds();
            rss = rss_kib();
        }
    }
    wait_until(f, count_fds() <= before); /* closed connections drain for a moment */
    if (!SANITIZED && rss_kib() - rss > 2048) FAIL("memory grew from %ld to %ld KiB", rss, rss_kib());
}

int main(int argc, char **argv) {
    chromesock_app_options o;
    harness_init(argc, argv);
    RUN_ALL_MODES(cycles_lose_nothing);
    memset(&o, 0, sizeof o);
    o.present = CHROMESOCK_APP_OPTIONS_UNDELIVERED_PER_SOCKET | CHROMESOCK_APP_OPTIONS_UNDELIVERED_PER_APP;
    o.undelivered_bytes_per_socket = MARK;
    o.undelivered_bytes_per_app = 4 * MARK;
    RUN_ALL_MODES_WITH(a_flood_while_asleep, &o);
    RUN_ALL_MODES_WITH(many_floods_while_asleep, &o);
    RUN_ALL_MODES(beyond_64_connections);
    RUN_ALL_MODES(nothing_is_left_behind);
    return harness_finish();
}
