/* The write quota (tcp.md 4.1, S-2) and the bound on undelivered bytes (R-10; README "Limits on memory"),
 * both set small by options. */
#include <unistd.h>

#include "harness.h"

#define EXCEEDED "Exceeded write quota."
enum { QUOTA = 1000000 };
static char data[QUOTA + 1];

/* exactly reaching is allowed, one more is not; bytes count from call to response. */
static void exactly_the_quota(fx *f) {
    int32_t id = new_tcp(f);
    int peer;
    call *all = tcp_send(f, id, data, QUOTA);
    IS_SEND_FAIL(all, CHROMESOCK_SOCKET_NOT_CONNECTED);
    IS_FAIL_TEXT(tcp_send(f, id, data, QUOTA + 1), EXCEEDED);
    id = connected(f, &peer);
    all = tcp_send(f, id, data, QUOTA);
    peer_read(peer, data, QUOTA);
    IS_SENT(all, QUOTA);
    IS_FAIL_TEXT(tcp_send(f, id, data, QUOTA + 1), EXCEEDED);
    all = tcp_send(f, id, data, QUOTA); /* the refused call took nothing */
    peer_read(peer, data, QUOTA);
    IS_SENT(all, QUOTA);
    CHECK_INT(fx_stats(f).unsent_bytes, 0);
    close(peer);
}

/* summed over all sockets of the app; S-2: before the look-up; S-5: length 0 always fits. */
static void the_sum_counts(fx *f) {
    static char chunk[QUOTA];
    int one, two;
    int32_t a, b;
    call *first, *second, *over;
    a = connected(f, &one);
    b = connected(f, &two);
    shrink_sending(library_end(one));
    first = tcp_send(f, a, chunk, HELD);
    second = tcp_send(f, a, chunk, QUOTA - HELD); /* exactly full */
    over = tcp_send(f, a, "x", 1);
    IS_FAIL_TEXT(over, EXCEEDED);
    IS_FAIL_TEXT(tcp_send(f, b, "x", 1), EXCEEDED);
    IS_FAIL_TEXT(tcp_send(f, 999, "x", 1), EXCEEDED); /* S-2 */
    IS_SENT(tcp_send(f, b, NULL, 0), 0);
    IS_FAIL_TEXT(tcp_send(f, 999, NULL, 0), NOT_FOUND);
    CHECK(first->done == NULL && second->done == NULL);
    IS_OK(tcp_disconnect(f, a));
    IS_SEND_FAIL(first, CHROMESOCK_SOCKET_NOT_CONNECTED);
    IS_SEND_FAIL(second, CHROMESOCK_SOCKET_NOT_CONNECTED);
    IS_SENT(tcp_send(f, b, "x", 1), 1); /* given back */
    peer_expect(two, "x");
    close(one);
    close(two);
}

/* A quota of 0 is a value (present bit): nothing but empty sends. */
static void no_quota_at_all(fx *f) {
    int peer;
    int32_t id = connected(f, &peer);
    IS_FAIL_TEXT(tcp_send(f, id, "x", 1), EXCEEDED);
    IS_SENT(tcp_send(f, id, NULL, 0), 0);
    peer_text(peer, "receiving works");
    receive(f, id, "receiving works");
    close(peer);
}

/* Without the present bit the default of 200 MiB stands. */
static void the_default(fx *f) {
    static const size_t most = (size_t)200 << 20;
    char *big = calloc(1, most + 1);
    int32_t id = new_tcp(f);
    CHECK(big != NULL);
    IS_FAIL_TEXT(tcp_send(f, id, big, most + 1), EXCEEDED);
    IS_SEND_FAIL(tcp_send(f, id, big, most), CHROMESOCK_SOCKET_NOT_CONNECTED);
    free(big);
}

/* ---- undelivered bytes ---- */

enum { MARK = 65536 };

static chromesock_reactor *reactor;

/* Settles the reactor through an app of its own: nothing is taken from the others. */
static void settle_beside(void) {
    chromesock_app_options o = {.reactor = reactor};
    fx *beside = fx_new(MODE_PULL, &o);
    settle(beside);
    fx_end(beside);
}

/* the host does not drain: reading stops, the peer blocks; after the drain all bytes come,
 * in order and once. */
static void a_host_that_does_not_drain(fx *f) {
    static char pattern[99991];
    int peer;
    int32_t id;
    size_t total, got = 0;
    chromesock_app_stats s;
    if (mode_is_reactor(f->mode)) return; /* nothing is ever undelivered there */
    for (size_t n = 0; n < sizeof pattern; n++) pattern[n] = (char)(n * 17 + n / 253);
    id = connected(f, &peer);
    total = peer_send_until_blocked(peer, pattern, sizeof pattern, (size_t)256 << 20);
    if (total >= (size_t)256 << 20) FAIL("the peer never blocked");
    wait_idly(fx_stats(f).undelivered_bytes > 0);
    s = fx_stats(f);
    if (s.undelivered_bytes > 2 * MARK + 65536)
        FAIL("%llu bytes undelivered, mark %d", (unsigned long long)s.undelivered_bytes, MARK);
    while (got < total) {
        const ev *e = await_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE, id);
        for (size_t n = 0; n < e->len; n++)
            if (e->data[n] != (unsigned char)pattern[(got + n) % sizeof pattern])
                FAIL("byte %zu is wrong", got + n);
        got += e->len;
        if (f->len > 4096) fx_compact(f);
    }
    CHECK_INT(got, total);
    CHECK_INT(fx_stats(f).undelivered_bytes, 0);
    peer_text(peer, "and on");
    receive(f, id, "and on");
    no_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE, id);
    close(peer);
}

/* Pull: credit comes back with the release of the event, not with the taking of it. */
static void credit_on_release(void) {
    enum { KEPT = 4096 };
    static const chromesock_event *kept[KEPT + 1];
    static char block[65536];
    chromesock_app_options o;
    fx *f;
    int peer, n = 0;
    chromesock_status s = CHROMESOCK_OK;
    memset(&o, 0, sizeof o);
    o.present = CHROMESOCK_APP_OPTIONS_UNDELIVERED_PER_SOCKET;
    o.undelivered_bytes_per_socket = MARK;
    o.reactor = reactor;
    f = fx_new(MODE_PULL, &o);
    connected(f, &peer);
    peer_send_until_blocked(peer, block, sizeof block, (size_t)256 << 20);
    settle_beside();
    while (n < KEPT && (s = chromesock_app_next_event(f->app, 0, &kept[n])) == CHROMESOCK_OK) n++;
    CHECK_INT(s, CHROMESOCK_TIMED_OUT);
    settle_beside();
    s = chromesock_app_next_event(f->app, 0, &kept[n]);
    CHECK_INT(s, CHROMESOCK_TIMED_OUT); /* taken but not released: reading has stopped */
    CHECK(fx_stats(f).undelivered_bytes > 0);
    for (int k = 0; k < n; k++) chromesock_event_release(kept[k]);
    s = chromesock_app_next_event(f->app, (int32_t)deadline_ms(), &kept[0]);
    CHECK_INT(s, CHROMESOCK_OK);
    CHECK_INT(kept[0]->type, CHROME_SOCKETS_TCP_ON_RECEIVE);
    chromesock_event_release(kept[0]);
    close(peer);
    fx_end(f);
}

/* The bound per app: many sockets together; another socket of the same app still completes calls. */
static void the_bound_per_app(fx *f) {
    enum { SOCKETS = 20 };
    static char block[65536];
    int peer[SOCKETS];
    size_t total = 0, got = 0;
    uint64_t undelivered;
    if (mode_is_reactor(f->mode)) return;
    for (int n = 0; n < SOCKETS; n++) connected(f, &peer[n]);
    for (int n = 0; n < SOCKETS; n++) {
        peer_send(peer[n], block, sizeof block);
        total += sizeof block;
    }
    settle_beside();
    undelivered = fx_stats(f).undelivered_bytes;
    CHECK(undelivered > 0);
    if (undelivered > MARK + 2 * 65536)
        FAIL("%llu bytes undelivered, mark %d", (unsigned long long)undelivered, MARK);
    while (got < total) got += await_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE, 0)->len;
    CHECK_INT(got, total);
    for (int n = 0; n < SOCKETS; n++) close(peer[n]);
}

int main(int argc, char **argv) {
    chromesock_app_options quota, none, mark, app_mark;
    memset(&quota, 0, sizeof quota);
    none = mark = app_mark = quota;
    quota.present = none.present = CHROMESOCK_APP_OPTIONS_WRITE_QUOTA;
    quota.write_quota_bytes = QUOTA;
    mark.present = CHROMESOCK_APP_OPTIONS_UNDELIVERED_PER_SOCKET;
    mark.undelivered_bytes_per_socket = MARK;
    app_mark.present = CHROMESOCK_APP_OPTIONS_UNDELIVERED_PER_APP;
    app_mark.undelivered_bytes_per_app = MARK;
    CHECK_INT(chromesock_reactor_new(&reactor), CHROMESOCK_OK);
    app_mark.reactor = reactor;
    harness_init(argc, argv);
    RUN_ALL_MODES_WITH(exactly_the_quota, &quota);
    RUN_ALL_MODES_WITH(the_sum_counts, &quota);
    RUN_ALL_MODES_WITH(no_quota_at_all, &none);
    RUN_ALL_MODES(the_default);
    RUN_ALL_MODES_WITH(a_host_that_does_not_drain, &mark);
    RUN(credit_on_release);
    RUN_ALL_MODES_WITH(the_bound_per_app, &app_mark);
    chromesock_reactor_free(reactor);
    return harness_finish();
}
