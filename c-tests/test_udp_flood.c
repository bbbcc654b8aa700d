/* Datagrams in numbers: never merged, split, reordered or cut, however the system hands them over
 * (udp.md 5.1, 5.2, 5.5); a flood neither grows memory nor starves TCP on the same reactor. */
#include <stdatomic.h>
#include <unistd.h>

#include "calls_socket.h"
#include "calls_udp.h"

static uint64_t state = 88172645463325252u;
static uint32_t random_number(void) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 32);
}

/* Byte k of datagram n: no two neighbours look alike. */
static void make(unsigned char *to, uint32_t n, size_t len) {
    for (size_t k = 0; k < len; k++) to[k] = (unsigned char)(n * 197 + k * 3 + (k >> 8));
}

static void expect_made(fx *f, int32_t id, uint32_t n, size_t len) {
    static unsigned char want[65536];
    make(want, n, len);
    datagram_bytes(f, id, want, len);
}

static int32_t bound_for_all_sizes(fx *f, uint16_t *port) {
    chrome_sockets_udp_properties p = udp_props(UDP_BUFFER_SIZE, NULL, 65536, 0);
    return bound_with(f, &p, port);
}

/* 10,000 of random sizes, 0 included, a few of them huge; so many at a time as no socket loses. */
static void random_sizes(fx *f) {
    enum { AT_ONCE = 48 };
    static unsigned char data[65536];
    const uint32_t total = (uint32_t)scaled(10000);
    uint16_t port, peer_port;
    int peer = udp_peer(&peer_port);
    int32_t id = bound_for_all_sizes(f, &port);
    size_t len[AT_ONCE];
    for (uint32_t n = 0; n < total;) {
        uint32_t count = 1 + random_number() % AT_ONCE;
        if (random_number() % 16 == 0) count = 1;
        for (uint32_t k = 0; k < count; k++) {
            len[k] = count == 1 ? random_number() % 65508 : random_number() % 1401;
            if (random_number() % 9 == 0) len[k] = 0;
            make(data, n + k, len[k]);
            udp_peer_send(peer, data, len[k], "127.0.0.1", port);
        }
        for (uint32_t k = 0; k < count; k++) expect_made(f, id, n + k, len[k]);
        n += count;
        if (f->len > 2000) fx_compact(f);
    }
    settle(f);
    no_datagram(f, id);
    close(peer);
}

/* Equal sizes sent as one train, which the receiving system joins again (GRO): as many events as
 * segments, the short tail too. */
static void trains(fx *f) {
    static const uint16_t sizes[] = {1200, 1, 100, 1400, 512, 1472, 2, 999};
    static unsigned char data[65536];
    const uint32_t total = (uint32_t)scaled(10000);
    uint16_t port, peer_port;
    int peer = udp_peer(&peer_port);
    int32_t id = bound(f, &port);
    uint32_t n = 0;
    for (size_t round = 0; n < total; round++) {
        uint16_t segment = sizes[round % (sizeof sizes / sizeof sizes[0])];
        uint32_t count = 2 + random_number() % 43, first = n;
        size_t tail = 1 + random_number() % segment, len = 0;
        for (uint32_t k = 0; k < count; k++) {
            size_t each = k + 1 < count ? segment : tail;
            make(data + len, n++, each);
            len += each;
        }
        if (!udp_peer_send_train(peer, data, len, segment, port)) {
            printf("  no UDP_SEGMENT here\n");
            break;
        }
        /* a plain one right behind it, of the same size */
        make(data, n, segment);
        udp_peer_send(peer, data, segment, "127.0.0.1", port);
        for (uint32_t k = 0; k < count; k++)
            expect_made(f, id, first + k, k + 1 < count ? segment : tail);
        expect_made(f, id, n++, segment);
        if (f->len > 2000) fx_compact(f);
    }
    settle(f);
    no_datagram(f, id);
    close(peer);
}

/* Trains that wait while paused, each segment judged by itself: too long ones are an error each, what
 * is behind them stays (5.2, 5.3). */
static void trains_and_pauses(fx *f) {
    static unsigned char data[65536];
    chrome_sockets_udp_properties p = udp_props(UDP_BUFFER_SIZE, NULL, 1000, 0);
    uint16_t port, peer_port;
    int peer = udp_peer(&peer_port);
    int32_t id = bound_with(f, &p, &port);
    IS_OK(udp_set_paused(f, id, 1));
    make(data, 1, 3 * 1200 + 700);
    if (!udp_peer_send_train(peer, data, 3 * 1200 + 700, 1200, port)) return;
    udp_peer_text(peer, "behind", port);
    settle(f);
    no_datagram(f, id);
    no_udp_error(f, id);
    for (int n = 0; n < 3; n++) {
        IS_OK(udp_set_paused(f, id, 0));
        udp_error(f, id, CHROMESOCK_MSG_TOO_BIG);
        settle(f);
        no_udp_error(f, id);
        no_datagram(f, id);
        CHECK_INT(udp_info_of(f, id)->paused, 1);
    }
    IS_OK(udp_set_paused(f, id, 0));
    datagram_bytes(f, id, data + 3600, 700);
    datagram(f, id, "behind");
    /* paused between two trains, closed in the middle of one */
    IS_OK(udp_set_paused(f, id, 1));
    for (int n = 0; n < 2; n++) CHECK(udp_peer_send_train(peer, data, 40 * 500, 500, port));
    IS_OK(udp_set_paused(f, id, 0));
    for (int n = 0; n < 60; n++) datagram_bytes(f, id, data + (n % 40) * 500, 500);
    close_udp(f, id);
    close(peer);
}

/* chrome.socket: one recvFrom, one datagram, also out of a train (socket-legacy.md 4.8). */
static void trains_on_request(fx *f) {
    static unsigned char data[65536];
    uint16_t port, peer_port;
    int peer = udp_peer(&peer_port);
    int32_t id = sock_bound(f, &port);
    make(data, 7, 20 * 300);
    if (!udp_peer_send_train(peer, data, 20 * 300, 300, port)) return;
    udp_peer_text(peer, "single", port);
    for (int n = 0; n < 20; n++) {
        if (n == 10) { /* too small a buffer costs this one only (row 6) */
            RECEIVE_FAILED(sock_recv_from(f, id, 299), CHROMESOCK_MSG_TOO_BIG);
            continue;
        }
        RECEIVED_BYTES(sock_recv_from(f, id, n % 2 ? 300 : NOT_GIVEN), data + n * 300, 300, peer_port);
    }
    RECEIVED(sock_recv_from(f, id, NOT_GIVEN), "single", peer_port);
    close(peer);
}

/* ---- floods ---- */

struct flood {
    uint16_t port;
    size_t len;
    atomic_int go;
    atomic_ulong sent;
    pthread_t thread;
};

static void *flood_run(void *arg) {
    static unsigned char zeros[2000];
    struct flood *x = arg;
    uint16_t own;
    int fd = udp_peer(&own);
    unsigned char data[2000];
    memcpy(data, zeros, sizeof data);
    while (x->go) {
        uint32_t n = (uint32_t)x->sent;
        if (x->len >= sizeof n) memcpy(data, &n, sizeof n);
        if (udp_peer_try_send(fd, data, x->len, "127.0.0.1", x->port) == 0) x->sent++;
    }
    close(fd);
    return NULL;
}

/* The last number that take_all has seen, and of which socket. */
static uint32_t last;
static int32_t last_id;

static void flood_start(struct flood *x, uint16_t port, size_t len) {
    x->port = port;
    x->len = len;
    x->go = 1;
    x->sent = 0;
    last_id = 0;
    CHECK_INT(pthread_create(&x->thread, NULL, flood_run, x), 0);
}

static unsigned long flood_stop(struct flood *x) {
    x->go = 0;
    CHECK_INT(pthread_join(x->thread, NULL), 0);
    return x->sent;
}

/* Takes all onReceive of the socket recorded so far: each whole, the numbers rising. */
static size_t take_all(fx *f, int32_t id, size_t len) {
    size_t got = 0;
    pthread_mutex_lock(&f->mutex);
    if (last_id != id) last = 0;
    last_id = id;
    for (size_t n = 0; n < f->len; n++) {
        ev *e = f->events[n];
        uint32_t number;
        if (e->taken || e->type != CHROME_SOCKETS_UDP_ON_RECEIVE || e->id != id) continue;
        e->taken = 1;
        got++;
        CHECK_INT(e->len, len);
        if (len < sizeof number) continue;
        memcpy(&number, e->data, sizeof number);
        if (last && number <= last) FAIL("datagram %u after %u", (unsigned)number, (unsigned)last);
        last = number;
    }
    pthread_mutex_unlock(&f->mutex);
    fx_compact(f);
    return got;
}

static void round_trips(fx *f, int32_t id, int peer, int n) {
    while (n-- > 0) {
        IS_SENT(tcp_send(f, id, "ping", 4), 4);
        peer_expect(peer, "ping");
        peer_text(peer, "pong");
        receive(f, id, "pong");
    }
}

enum { MARK = 256 << 10, SLACK = 4 << 20, LONG_ENOUGH = 200000 };

/* The host of one app does not drain: what waits for it is bounded in bytes and in events, and an app
 * on the same reactor works on; after the drain the datagrams are whole and in order. */
static void an_undrained_app(size_t len) {
    for (int mode = MODE_DISPATCH; mode <= MODE_PULL; mode++) {
        chromesock_reactor *reactor = NULL;
        chromesock_app_options o;
        fx *lazy, *busy;
        struct flood x;
        uint16_t port, own_port;
        int peer, own;
        int32_t id, tcp;
        chromesock_app_stats s;
        long before, after;
        size_t got = 0;
        memset(&o, 0, sizeof o);
        CHECK_INT(chromesock_reactor_new(&reactor), CHROMESOCK_OK);
        o.reactor = reactor;
        busy = fx_new((enum mode)mode, &o);
        tcp = connected(busy, &peer);
        o.present = CHROMESOCK_APP_OPTIONS_UNDELIVERED_PER_SOCKET;
        o.undelivered_bytes_per_socket = MARK;
        lazy = fx_new((enum mode)mode, &o);
        id = bound(lazy, &port);
        before = rss_kib();
        flood_start(&x, port, len);
        while (x.sent < (unsigned long)scaled(LONG_ENOUGH)) {
            current = busy;
            round_trips(busy, tcp, peer, 5);
            s = fx_stats(lazy);
            if (s.undelivered_bytes > MARK + SLACK)
                FAIL("%llu bytes undelivered", (unsigned long long)s.undelivered_bytes);
            if (s.undelivered_events > (MARK + SLACK) / 64)
                FAIL("%llu events undelivered", (unsigned long long)s.undelivered_events);
            if (busy->len > 2000) fx_compact(busy);
        }
        after = rss_kib();
        s = fx_stats(lazy);
        CHECK(s.undelivered_events > 0);
        CHECK(len == 0 ? s.undelivered_bytes == 0 : s.undelivered_bytes > 0);
        flood_stop(&x);
        if (!SANITIZED && after - before > 24 << 10)
            FAIL("%ld KiB more after a flood of %zu-byte datagrams", after - before, len);
        /* what had come is there, in order, each whole */
        for (long long end = now_ms() + deadline_ms();;) {
            got += take_all(lazy, id, len);
            s = fx_stats(lazy);
            if (s.undelivered_events == 0 && s.undelivered_bytes == 0) break;
            if (now_ms() > end) FAIL("deadline: the drain");
            fx_pump(lazy, 1);
        }
        CHECK(got > 10);
        printf("  %s: %zu of %lu datagrams of %zu bytes, %ld KiB\n", mode_name((enum mode)mode), got,
               (unsigned long)x.sent, len, after - before);
        settle(lazy);
        take_all(lazy, id, len); /* what the system itself still held */
        own = udp_peer(&own_port);
        udp_peer_text(own, "and on", port);
        datagram(lazy, id, "and on");
        close(own);
        close(peer);
        fx_end(lazy);
        fx_end(busy);
        chromesock_reactor_free(reactor);
    }
}

static void undrained_empty(void) { an_undrained_app(0); }
static void undrained_1400(void) { an_undrained_app(1400); }

/* A host that does drain, under a flood: TCP of the same app goes on, and so do calls. */
static void a_flood_and_tcp(fx *f) {
    for (size_t len = 0; len <= 1400; len += 700) {
        struct flood x;
        uint16_t port;
        int peer;
        int32_t id = bound(f, &port), tcp = connected(f, &peer);
        flood_start(&x, port, len);
        await_event(f, CHROME_SOCKETS_UDP_ON_RECEIVE, id);
        for (int n = 0; n < 20; n++) {
            round_trips(f, tcp, peer, 1);
            take_all(f, id, len);
        }
        IS_OK(udp_set_paused(f, id, 1));
        round_trips(f, tcp, peer, 5);
        flood_stop(&x);
        close_udp(f, id);
        take_all(f, id, len);
        close_tcp(f, tcp, 1);
        close(peer);
    }
}

int main(int argc, char **argv) {
    harness_init(argc, argv);
    RUN_ALL_MODES(random_sizes);
    RUN_ALL_MODES(trains);
    RUN_ALL_MODES(trains_and_pauses);
    RUN_ALL_MODES(trains_on_request);
    RUN(undrained_empty);
    RUN(undrained_1400);
    RUN_ALL_MODES(a_flood_and_tcp);
    return harness_finish();
}
