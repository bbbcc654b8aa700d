/* Many of everything: 5,000 sends in FIFO order, connect/close cycles that leave
 * nothing behind, many idle connections. CHROMESOCK_SCALE (percent) makes the numbers smaller. */
#include <malloc.h>
#include <sched.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "harness.h"

/* S-4, O-2: 5,000 sends before anything is drained, echoed back by the peer. */
static void five_thousand_sends(fx *f) {
    long sends = scaled(5000);
    call **c = calloc((size_t)sends, sizeof *c);
    size_t total = 0, got = 0;
    uint16_t port;
    int listen_fd = peer_listen(&port);
    peer_thread *echo = peer_thread_start(listen_fd, PEER_ECHO, 1);
    int32_t id = new_tcp(f);
    char *want = malloc((size_t)sends * 8);
    CHECK(c && want);
    IS_OK0(tcp_connect(f, id, "127.0.0.1", port));
    for (long n = 0; n < sends; n++) {
        char text[16];
        int len = snprintf(text, sizeof text, "%06ld;", n);
        memcpy(want + total, text, (size_t)len);
        total += (size_t)len;
        c[n] = tcp_send(f, id, text, (size_t)len);
    }
    for (long n = 0; n < sends; n++) {
        IS_SENT(c[n], 7);
        if (n) CHECK(c[n]->done->seq > c[n - 1]->done->seq);
    }
    while (got < total) {
        const ev *e = await_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE, id);
        CHECK_MEM(e->data, e->len, want + got, e->len);
        got += e->len;
    }
    close_tcp(f, id, 1);
    CHECK_INT(peer_thread_join(echo), total);
    close(listen_fd);
    free(c);
    free(want);
}

/* The cycles: both ends ours; the client closes first, then the accepted end. */
struct cycle {
    int32_t server;
    uint16_t port;
};

static void one_batch(fx *f, struct cycle *base, int n) {
    enum { BATCH = 50 };
    int32_t id[BATCH], other[BATCH];
    call *c[BATCH];
    CHECK(n <= BATCH);
    for (int k = 0; k < n; k++) {
        tcp_create(f, NULL, &id[k]);
        c[k] = tcp_connect(f, id[k], "127.0.0.1", base->port);
    }
    for (int k = 0; k < n; k++) {
        IS_OK0(c[k]);
        other[k] = await_event(f, CHROME_SOCKETS_TCP_SERVER_ON_ACCEPT, base->server)->client;
    }
    for (int k = 0; k < n; k++) c[k] = tcp_close(f, id[k]);
    for (int k = 0; k < n; k++) IS_OK(c[k]);
    for (int k = 0; k < n; k++) receive_error(f, id[k], CHROMESOCK_CONNECTION_CLOSED);
    for (int k = 0; k < n; k++) c[k] = tcp_close(f, other[k]);
    for (int k = 0; k < n; k++) IS_OK(c[k]);
    fx_compact(f);
}

static void cycles_leave_nothing(enum mode mode, long cycles) {
    fx *f = fx_new(mode, NULL);
    struct cycle base;
    long done = 0;
    int fds, after;
    long rss = 0;
    long long start = now_ms();
    memset(&base, 0, sizeof base);
    base.server = listening(f, &base.port);
    one_batch(f, &base, 50);
    fds = count_fds();
    while (done < cycles) {
        one_batch(f, &base, 50);
        done += 50;
        if (rss == 0 && done >= cycles / 10) rss = rss_kib(); /* warm by now */
        if (done % 20000 == 0) { /* a fresh port: 28,000 local ports per destination */
            IS_OK(server_close(f, base.server));
            base.server = listening(f, &base.port);
        }
    }
    for (long long end = now_ms() + deadline_ms(); (after = count_fds()) > fds;)
        if (now_ms() > end) FAIL("%d descriptors after %ld cycles, %d before", after, done, fds);
    printf("  %ld cycles in %lld ms, %ld KiB -> %ld KiB\n", done, now_ms() - start, rss, rss_kib());
    /* the recorder's bitmap of ids grows by 25 KiB per 100,000 ids; allow for allocator noise */
    if (!SANITIZED && rss_kib() - rss > 4096) FAIL("memory grew from %ld to %ld KiB", rss, rss_kib());
    CHECK_INT(fx_stats(f).sockets_open, 1);
    fx_end(f);
}

static void a_hundred_thousand_cycles(void) { cycles_leave_nothing(MODE_DISPATCH, scaled(100000)); }
static void cycles_on_the_reactor(void) { cycles_leave_nothing(MODE_REACTOR, scaled(10000)); }

/* Many connections at once on one app, both ends ours; all exchange data and all go away. */
static void many_connections(fx *f) {
    long many = scaled(1000);
    int32_t *client = calloc((size_t)many, sizeof *client), *server_end = calloc((size_t)many, sizeof *client);
    call **c = calloc((size_t)many, sizeof *c);
    uint16_t port;
    int32_t server = listening(f, &port);
    int before = count_fds();
    CHECK(client && server_end && c);
    for (long n = 0; n < many; n++) {
        tcp_create(f, NULL, &client[n]);
        c[n] = tcp_connect(f, client[n], "127.0.0.1", port);
    }
    for (long n = 0; n < many; n++) IS_OK0(c[n]);
    for (long n = 0; n < many; n++)
        server_end[n] = await_event(f, CHROME_SOCKETS_TCP_SERVER_ON_ACCEPT, server)->client;
    for (long n = 0; n < many; n++) c[n] = tcp_send(f, server_end[n], "hello", 5);
    for (long n = 0; n < many; n++) IS_SENT(c[n], 5);
    for (long n = 0; n < many; n++) receive(f, client[n], "hello");
    fx_compact(f);
    for (long n = 0; n < many; n++) {
        tcp_close(f, client[n]);
        tcp_close(f, server_end[n]);
    }
    for (long n = 0; n < many; n++) receive_error(f, client[n], CHROMESOCK_CONNECTION_CLOSED);
    wait_until(f, count_fds() <= before);
    free(client);
    free(server_end);
    free(c);
}

static atomic_int reactor_waits, reactor_goes_on;

static void wait_inside(chromesock_app *app, const chromesock_event *event, void *user_data) {
    (void)app;
    (void)event;
    (void)user_data;
    reactor_waits = 1;
    while (!reactor_goes_on) sched_yield();
}

static uint64_t unsent(chromesock_app *app) {
    chromesock_app_stats stats = {.size = sizeof stats};
    CHECK_INT(chromesock_app_get_stats(app, &stats), CHROMESOCK_OK);
    return stats.unsent_bytes;
}

/* What many sends have taken is given back once they are done, though no call follows. */
static void a_flood_leaves_no_memory(void) {
    static const uint8_t block[16 * 1024];
    chromesock_app_options options = {.size = sizeof options, .delivery = CHROMESOCK_DELIVERY_REACTOR};
    long sends = scaled(6400), before;
    long long end = now_ms() + deadline_ms();
    uint16_t port;
    int listen_fd = peer_listen(&port);
    peer_thread *drain = peer_thread_start(listen_fd, PEER_DRAIN, 1);
    chromesock_app *app;
    int32_t id;
    CHECK_INT(chromesock_app_new(&options, &app), CHROMESOCK_OK);
    CHECK_INT(chrome_sockets_tcp_create(app, NULL, &id, NULL, NULL), CHROMESOCK_OK);
    CHECK_INT(chrome_sockets_tcp_connect(app, id, "127.0.0.1", port, 0, wait_inside, NULL), CHROMESOCK_OK);
    while (!reactor_waits) sched_yield();
    before = rss_kib();
    for (long n = 0; n < sends; n++)
        CHECK_INT(chrome_sockets_tcp_send(app, id, block, sizeof block, NULL, NULL), CHROMESOCK_OK);
    reactor_goes_on = 1;
    while (unsent(app) > 0)
        if (now_ms() > end) FAIL("%llu bytes unsent", (unsigned long long)unsent(app));
    for (long now = rss_kib(); !SANITIZED && now - before > 8 * 1024 + sends; now = rss_kib()) {
        if (now_ms() > end) FAIL("%ld KiB kept after %ld sends of 16 KiB", now - before, sends);
        malloc_trim(0); /* what the allocator keeps is not ours */
    }
    chromesock_app_free(app);
    peer_thread_join(drain);
    close(listen_fd);
}

int main(int argc, char **argv) {
    struct rlimit limit;
    harness_init(argc, argv);
    CHECK_INT(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    CHECK_INT(setrlimit(RLIMIT_NOFILE, &limit), 0);
    RUN_ALL_MODES(five_thousand_sends);
    RUN_ALL_MODES(many_connections);
    RUN(a_hundred_thousand_cycles);
    RUN(cycles_on_the_reactor);
    RUN(a_flood_leaves_no_memory);
    return harness_finish();
}
