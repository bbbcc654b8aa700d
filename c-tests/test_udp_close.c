/* chrome.sockets.udp: close with work pending, suspension, unload, the end of the app, and ordering
 * (udp.md 4.7, 7, 8, 10). */
#include <unistd.h>

#include "calls_udp.h"
#include "life.h"
#include "resolve_shim.h"

static void until_stalled(fx *f, int n) { wait_until(f, shim_stalled() == n); }

/* udp.md 4.7: port free at the completion, id unknown from the call on, second close unknown (8). */
static void close_row(fx *f) {
    uint16_t port;
    int32_t id = bound(f, &port), fresh = new_udp(f);
    call *c = udp_close(f, id), *again = udp_close(f, id), *info = udp_get_info(f, id);
    IS_OK(c);
    CHECK_INT(udp_probe_bind("127.0.0.1", port), 0);
    IS_FAIL_TEXT(again, NOT_FOUND);
    IS_FAIL_TEXT(info, NOT_FOUND);
    IS_OK(udp_close(f, fresh));
    IS_FAIL_TEXT(udp_close(f, fresh), NOT_FOUND);
    CHECK_INT(fx_stats(f).sockets_open, 0);
}

/* D14, udp.md 5.5: after the close no event of that id, though datagrams were on their way; a close
 * made by the host keeps even those that were queued away. */
static void the_barrier(fx *f) {
    enum { ROUNDS = 30, EACH = 20 };
    uint16_t peer_port;
    int peer = udp_peer(&peer_port);
    for (int n = 0; n < ROUNDS; n++) {
        uint16_t port;
        int32_t id = bound(f, &port);
        size_t len;
        call *c;
        for (int k = 0; k < EACH; k++) udp_peer_text(peer, "late", port);
        if (n % 3 == 1) settle(f); /* now some are queued for us */
        c = udp_close(f, id);
        IS_OK(c);
        settle(f);
        pthread_mutex_lock(&f->mutex);
        len = f->len;
        for (size_t k = 0; k < len; k++)
            if (f->events[k]->type == CHROME_SOCKETS_UDP_ON_RECEIVE && f->events[k]->id == id &&
                f->events[k]->seq > c->done->seq)
                FAIL("onReceive #%zu of id %d after its close #%zu", f->events[k]->seq, (int)id,
                     c->done->seq);
        pthread_mutex_unlock(&f->mutex);
        no_udp_error(f, id); /* 4.7: no event for the outstanding receive */
    }
    CHECK_INT(fx_stats(f).undelivered_bytes, 0);
    close(peer);
}

/* The close in the middle of the callbacks of a burst: the one that runs is the last. */
static atomic_int got_of_burst;
static void close_inside(fx *f, const chromesock_event *event) {
    if (event->type != CHROME_SOCKETS_UDP_ON_RECEIVE) return;
    if (++got_of_burst == 3) udp_close(f, event->socket_id);
}
static void close_in_the_middle(fx *f) {
    uint16_t port, peer_port;
    int peer = udp_peer(&peer_port);
    int32_t id = new_udp(f);
    IS_OK(udp_set_paused(f, id, 1));
    IS_OK0(udp_bind(f, id, "127.0.0.1", 0));
    port = (uint16_t)udp_info_of(f, id)->local_port;
    for (int n = 0; n < 40; n++) udp_peer_text(peer, "burst", port);
    got_of_burst = 0;
    f->inside = close_inside;
    IS_OK(udp_set_paused(f, id, 0));
    wait_until(f, got_of_burst >= 3);
    settle(f);
    fx_stop_inside(f);
    CHECK_INT(got_of_burst, 3);
    IS_FAIL_TEXT(udp_get_info(f, id), NOT_FOUND);
    close(peer);
}

/* udp.md 8 row 2: a send that resolves: "Socket not found", before the close answer, also one
 * behind it; each exactly once, and nothing leaves. */
static void close_with_sends_pending(fx *f) {
    uint16_t port, peer_port;
    int peer = udp_peer(&peer_port);
    int32_t id = bound(f, &port);
    call *resolving, *behind, *c;
    shim_clear();
    resolving = udp_text(f, id, "name", "a.stall.test", peer_port);
    behind = udp_text(f, id, "another", "b.stall.test", peer_port);
    until_stalled(f, 2);
    c = udp_close(f, id);
    IS_FAIL_TEXT(resolving, NOT_FOUND);
    IS_FAIL_TEXT(behind, NOT_FOUND);
    IS_OK(c);
    CHECK(resolving->done->seq < c->done->seq);
    CHECK(behind->done->seq < c->done->seq);
    CHECK(resolving->done->seq < behind->done->seq); /* 6.2: in order */
    CHECK_INT(fx_stats(f).unsent_bytes, 0);
    shim_release();
    settle(f);
    CHECK_INT(udp_peer_waiting(peer), 0);
    close(peer);
}

/* udp.md 8 row 4: bind, join, leave and setBroadcast right before the close: each completes once,
 * with its result or -3. */
static void close_behind_calls(fx *f) {
    for (int n = 0; n < 20; n++) {
        int32_t id = new_udp(f);
        call *c[4] = {udp_bind(f, id, "127.0.0.1", 0), udp_join(f, id, "239.255.41.9"),
                      udp_leave(f, id, "239.255.41.9"), udp_set_broadcast(f, id, 1)};
        call *last = udp_close(f, id);
        IS_OK(last);
        await(c[0]);
        CHECK(c[0]->done->result == 0 || c[0]->done->result == CHROMESOCK_ABORTED);
        for (int k = 0; k < 4; k++) {
            await(c[k]);
            CHECK(c[k]->done->present & CHROMESOCK_EVENT_RESULT);
            CHECK(c[k]->done->seq < last->done->seq);
        }
    }
}

/* udp.md 9 row 4: a send while the bind is pending is decided when the name is there: it is bound. */
static void send_behind_bind(fx *f) {
    uint16_t peer_port;
    int peer = udp_peer(&peer_port);
    int32_t id = new_udp(f);
    call *b = udp_bind(f, id, "127.0.0.1", 0);
    call *c = udp_text(f, id, "at once", "localhost", peer_port);
    IS_OK0(b);
    IS_SENT(c, 7);
    udp_peer_expect(peer, "at once");
    /* the other way round: it was resolving when the bind came */
    id = new_udp(f);
    shim_clear();
    c = udp_text(f, id, "later", "a.stall.test", peer_port);
    until_stalled(f, 1);
    IS_OK0(udp_bind(f, id, "127.0.0.1", 0));
    shim_release();
    IS_SENT(c, 5);
    udp_peer_expect(peer, "later");
    close(peer);
}

/* udp.md 7: completions of one socket in call order, never inside the call (the wrapper records the
 * call as accepted before its completion counts); bind before the first onReceive; a send completed
 * before close has left. */
static void order(fx *f) {
    uint16_t port, peer_port;
    int peer = udp_peer(&peer_port);
    int32_t id = new_udp(f);
    call *c[9];
    size_t before;
    port = quiet_port();
    c[0] = udp_set_ttl(f, id, 3);
    c[1] = udp_bind(f, id, "127.0.0.1", port);
    c[2] = udp_set_paused(f, id, 1);
    c[3] = udp_update(f, id, NULL);
    c[4] = udp_set_broadcast(f, id, 1);
    c[5] = udp_text(f, id, "left", "127.0.0.1", peer_port);
    c[6] = udp_set_paused(f, id, 0);
    c[7] = udp_get_info(f, id);
    for (int n = 0; n < 8; n++) await(c[n]);
    for (int n = 1; n < 8; n++) CHECK(c[n - 1]->done->seq < c[n]->done->seq);
    before = c[1]->done->seq;
    udp_peer_text(peer, "first", port);
    CHECK(datagram(f, id, "first")->seq > before);
    c[8] = udp_text(f, id, "last words", "127.0.0.1", peer_port);
    IS_OK(udp_close(f, id));
    IS_SENT(c[8], 10);
    udp_peer_expect(peer, "left");
    udp_peer_expect(peer, "last words");
    close(peer);
}

/* udp.md 7 row 2: while the peer shouts, the bind's completion still comes before any onReceive. */
static atomic_int shouting;
static uint16_t shout_port;
static void *shout(void *arg) {
    uint16_t own;
    int fd = udp_peer(&own);
    (void)arg;
    while (shouting) udp_peer_try_send(fd, "now", 3, "127.0.0.1", shout_port);
    close(fd);
    return NULL;
}
static void bind_comes_first(fx *f) {
    pthread_t t;
    shout_port = quiet_port();
    shouting = 1;
    CHECK_INT(pthread_create(&t, NULL, shout, NULL), 0);
    for (int n = 0; n < 20; n++) {
        int32_t id = new_udp(f);
        call *b = udp_bind(f, id, "127.0.0.1", shout_port);
        const ev *e;
        IS_OK0(b);
        e = datagram(f, id, "now");
        CHECK(b->done->seq < e->seq);
        close_udp(f, id);
        fx_compact(f);
        while (1) { /* events raised before the close are of no interest */
            ev *stale = NULL;
            pthread_mutex_lock(&f->mutex);
            for (size_t k = 0; k < f->len && !stale; k++)
                if (!f->events[k]->taken) stale = f->events[k];
            if (stale) stale->taken = 1;
            pthread_mutex_unlock(&f->mutex);
            if (!stale) break;
        }
    }
    shouting = 0;
    CHECK_INT(pthread_join(t, NULL), 0);
}

/* udp.md 10: suspension destroys those that are not persistent, without an event; the others keep
 * their id, port and properties, receive meanwhile, and deliver after the resume. */
static void suspension(fx *f) {
    chrome_sockets_udp_properties p = udp_props(UDP_PERSISTENT | UDP_NAME, "kept", 0, 1);
    uint16_t port, gone_port, peer_port;
    int peer = udp_peer(&peer_port);
    int32_t kept = bound_with(f, &p, &port), gone = bound(f, &gone_port), later = new_udp(f);
    const chromesock_socket_info *info;
    call *c;
    p = udp_props(UDP_PERSISTENT, NULL, 0, 1);
    IS_OK(udp_update(f, later, &p)); /* changed at any time */
    app_suspend(f);
    IS_FAIL_TEXT(udp_get_info(f, gone), NOT_FOUND);
    CHECK_INT(udp_probe_bind("127.0.0.1", gone_port), 0);
    c = udp_get_sockets(f);
    IS_OK(c);
    CHECK_INT(c->done->info_len, 2);
    CHECK_INT(c->done->info[0].socket_id, kept);
    CHECK_INT(c->done->info[1].socket_id, later);
    info = udp_info_of(f, kept);
    CHECK_STR(info->name, "kept");
    CHECK_INT(info->local_port, port);
    udp_peer_text(peer, "one", port);
    udp_peer_text(peer, "two", port);
    await_wanted(f);
    udp_peer_text(peer, "three", port);
    prod(f);
    no_datagram(f, kept);
    IS_SENT(udp_text(f, kept, "still sending", "127.0.0.1", peer_port), 13);
    udp_peer_expect(peer, "still sending");
    app_resume(f);
    datagram(f, kept, "one");
    datagram(f, kept, "two");
    datagram(f, kept, "three");
    no_event(f, CHROMESOCK_APP_WANTED, 0); /* once */
    no_udp_error(f, gone);
    CHECK_INT(udp_info_of(f, kept)->socket_id, kept);
    close(peer);
}

/* udp.md 10 "advises pausing in the suspend handler": a paused one wakes nobody. */
static void suspended_and_paused(fx *f) {
    chrome_sockets_udp_properties p = udp_props(UDP_PERSISTENT, NULL, 0, 1);
    uint16_t port, peer_port;
    int peer = udp_peer(&peer_port);
    int32_t id = bound_with(f, &p, &port);
    IS_OK(udp_set_paused(f, id, 1));
    app_suspend(f);
    udp_peer_text(peer, "quiet", port);
    prod(f);
    no_event(f, CHROMESOCK_APP_WANTED, 0);
    app_resume(f);
    settle(f);
    no_datagram(f, id);
    IS_OK(udp_set_paused(f, id, 0));
    datagram(f, id, "quiet");
    close(peer);
}

/* udp.md 10 rows 1 and 3, with work pending: each call once. */
static void suspend_and_unload_with_sends(fx *f) {
    uint16_t port, peer_port;
    int peer = udp_peer(&peer_port);
    chrome_sockets_udp_properties p = udp_props(UDP_PERSISTENT, NULL, 0, 1);
    int32_t id = bound(f, &port), kept = bound_with(f, &p, &port);
    call *c, *d;
    shim_clear();
    c = udp_text(f, id, "x", "a.stall.test", peer_port);
    d = udp_text(f, kept, "y", "b.stall.test", peer_port);
    until_stalled(f, 2);
    app_suspend(f);
    IS_FAIL_TEXT(c, NOT_FOUND);
    CHECK(d->done == NULL);
    shim_release();
    IS_SENT(d, 1);
    udp_peer_expect(peer, "y");
    app_resume(f);
    udp_peer_text(peer, "raised before the unload", port);
    app_unload(f);
    IS_FAIL_TEXT(udp_get_info(f, kept), NOT_FOUND);
    CHECK_INT(udp_probe_bind("127.0.0.1", port), 0);
    CHECK_INT(fx_stats(f).sockets_open, 0);
    bound(f, &port); /* the app may be used again */
    close(peer);
}

/* The end of the app: pending calls complete, ports are free. */
static void app_close(fx *f) {
    uint16_t port, peer_port;
    int peer = udp_peer(&peer_port);
    int32_t id = bound(f, &port);
    call *c, *d;
    shim_clear();
    c = udp_text(f, id, "x", "a.stall.test", peer_port);
    d = udp_text(f, id, "y", "b.stall.test", peer_port);
    until_stalled(f, 2);
    udp_peer_text(peer, "unread", port);
    fx_close_and_check(f);
    CHECK_INT(c->completions, 1);
    CHECK_STR(c->done->message, NOT_FOUND);
    CHECK_STR(d->done->message, NOT_FOUND);
    CHECK_INT(udp_probe_bind("127.0.0.1", port), 0);
    shim_release();
    CHECK_INT(udp_peer_waiting(peer), 0);
    close(peer);
}

int main(int argc, char **argv) {
    harness_init(argc, argv);
    RUN_ALL_MODES(close_row);
    RUN_ALL_MODES(the_barrier);
    RUN_ALL_MODES(close_in_the_middle);
    RUN_ALL_MODES(close_with_sends_pending);
    RUN_ALL_MODES(close_behind_calls);
    RUN_ALL_MODES(send_behind_bind);
    RUN_ALL_MODES(order);
    RUN_ALL_MODES(bind_comes_first);
    RUN_ALL_MODES(suspension);
    RUN_ALL_MODES(suspended_and_paused);
    RUN_ALL_MODES(suspend_and_unload_with_sends);
    RUN_ALL_MODES(app_close);
    return harness_finish();
}
