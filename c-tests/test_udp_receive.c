/* chrome.sockets.udp: the receive loop, sizes, pause (udp.md 5). */
#include <unistd.h>

#include "calls_udp.h"

static char block[70000];

static void fill_block(void) {
    for (size_t n = 0; n < sizeof block; n++) block[n] = (char)(n * 31 + n / 257);
}

/* udp.md 5.2 rows 1 and 2 with the default of 4096: one byte, exactly full, nothing. */
static void sizes_with_the_default(fx *f) {
    static const size_t sizes[] = {1, 0, 4095, 4096, 0, 0, 2};
    uint16_t port, peer_port;
    int peer = udp_peer(&peer_port);
    int32_t id = bound(f, &port);
    for (size_t n = 0; n < sizeof sizes / sizeof sizes[0]; n++) {
        const ev *e;
        udp_peer_send(peer, block, sizes[n], "127.0.0.1", port);
        e = datagram_bytes(f, id, block, sizes[n]);
        CHECK_STR(e->address, "127.0.0.1");
        CHECK_INT(e->port, peer_port);
    }
    close(peer);
}

/* udp.md 5.2 row 3, 5.1 row 5: one byte too many: -142, lost, paused, still bound; what came behind
 * it is there after the resume, in order. */
static void oversize(fx *f) {
    uint16_t port, peer_port;
    int peer = udp_peer(&peer_port);
    int32_t id = bound(f, &port);
    udp_peer_text(peer, "before", port);
    udp_peer_send(peer, block, 4097, "127.0.0.1", port);
    udp_peer_text(peer, "behind 1", port);
    udp_peer_send(peer, "", 0, "127.0.0.1", port);
    udp_peer_text(peer, "behind 2", port);
    datagram(f, id, "before");
    udp_error(f, id, CHROMESOCK_MSG_TOO_BIG);
    settle(f);
    no_datagram(f, id); /* paused */
    CHECK_INT(udp_info_of(f, id)->paused, 1);
    CHECK_INT(udp_info_of(f, id)->local_port, port);
    IS_OK(udp_set_paused(f, id, 0));
    datagram(f, id, "behind 1");
    datagram(f, id, "");
    datagram(f, id, "behind 2");
    no_udp_error(f, id);
    /* sending was possible all the time (5.3 "Pause does not affect send") */
    IS_SENT(udp_text(f, id, "x", "127.0.0.1", peer_port), 1);
    udp_peer_expect(peer, "x");
    close(peer);
}

/* Several too long ones in a row: one error for each, one after the other. */
static void oversize_after_oversize(fx *f) {
    uint16_t port, peer_port;
    int peer = udp_peer(&peer_port);
    int32_t id = bound(f, &port);
    for (int n = 0; n < 3; n++) udp_peer_send(peer, block, 5000, "127.0.0.1", port);
    udp_peer_text(peer, "end", port);
    for (int n = 0; n < 3; n++) {
        udp_error(f, id, CHROMESOCK_MSG_TOO_BIG);
        settle(f);
        no_udp_error(f, id);
        no_datagram(f, id);
        IS_OK(udp_set_paused(f, id, 0));
    }
    datagram(f, id, "end");
    close(peer);
}

/* udp.md 2.1: 0 and negative act as 4096, above 65536 as 65536 (5.2: every datagram fits then). */
static void effective_sizes(fx *f) {
    static const struct {
        int32_t given;
        size_t fits;
    } rows[] = {{1, 1},     {512, 512},     {0, 4096},         {-1, 4096},
                {4096, 4096}, {65507, 65507}, {INT32_MAX, 65507}, {65536, 65507}};
    uint16_t peer_port;
    int peer = udp_peer(&peer_port);
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        chrome_sockets_udp_properties p = udp_props(UDP_BUFFER_SIZE, NULL, rows[n].given, 0);
        uint16_t port;
        int32_t id = bound_with(f, &p, &port);
        udp_peer_send(peer, block, rows[n].fits, "127.0.0.1", port);
        datagram_bytes(f, id, block, rows[n].fits);
        if (rows[n].fits < 65507) {
            udp_peer_send(peer, block, rows[n].fits + 1, "127.0.0.1", port);
            udp_error(f, id, CHROMESOCK_MSG_TOO_BIG);
        }
        close_udp(f, id);
    }
    close(peer);
}

/* udp.md 4.2: a new size is in force from the second datagram on at the latest. */
static void update_of_the_size(fx *f) {
    uint16_t port, peer_port;
    int peer = udp_peer(&peer_port);
    int32_t id = bound(f, &port);
    resize_buffer(f, id, 10000);
    udp_peer_text(peer, "the first, which fits either way", port);
    datagram(f, id, "the first, which fits either way");
    udp_peer_send(peer, block, 10000, "127.0.0.1", port);
    datagram_bytes(f, id, block, 10000);
    resize_buffer(f, id, 3);
    udp_peer_text(peer, "abc", port);
    datagram(f, id, "abc");
    udp_peer_text(peer, "abcd", port);
    udp_error(f, id, CHROMESOCK_MSG_TOO_BIG);
    close(peer);
}

/* udp.md 5.1 rows 1 and 2, 5.3 row 2: paused before bind: nothing until it is resumed. */
static void paused_before_bind(fx *f) {
    uint16_t port, peer_port;
    int peer = udp_peer(&peer_port);
    int32_t id = new_udp(f);
    call *resume;
    const ev *e;
    IS_OK(udp_set_paused(f, id, 1));
    IS_OK0(udp_bind(f, id, "127.0.0.1", 0));
    port = (uint16_t)udp_info_of(f, id)->local_port;
    udp_peer_text(peer, "early", port);
    settle(f);
    no_datagram(f, id);
    IS_SENT(udp_text(f, id, "x", "127.0.0.1", peer_port), 1);
    udp_peer_expect(peer, "x");
    resume = udp_set_paused(f, id, 0);
    IS_OK(resume);
    e = datagram(f, id, "early");
    CHECK(resume->done->seq < e->seq); /* 7 row 3 */
    close(peer);
}

/* udp.md 5.3 row 3, the upstream test: one sent while paused, one after: two events after the resume,
 * none before; nothing stray either (README S4). */
static void pause_and_resume(fx *f) {
    uint16_t port, peer_port;
    int peer = udp_peer(&peer_port);
    int32_t id = bound(f, &port);
    udp_peer_text(peer, "running", port);
    datagram(f, id, "running");
    for (int round = 0; round < 5; round++) {
        IS_OK(udp_set_paused(f, id, 1));
        udp_peer_text(peer, "while paused", port);
        settle(f);
        no_datagram(f, id);
        IS_OK(udp_set_paused(f, id, 0));
        udp_peer_text(peer, "after", port);
        datagram(f, id, "while paused");
        datagram(f, id, "after");
    }
    /* value unchanged: nothing happens, no second receive (9 row 8) */
    IS_OK(udp_set_paused(f, id, 0));
    IS_OK(udp_set_paused(f, id, 0));
    udp_peer_text(peer, "once", port);
    datagram(f, id, "once");
    settle(f);
    no_datagram(f, id);
    close(peer);
}

/* Pause from inside onReceive, in the middle of many that came at once: the rest is held, not lost,
 * and nothing is delivered while paused once the call has completed. */
static int32_t pause_at;
static atomic_int seen;
static void pause_inside(fx *f, const chromesock_event *event) {
    if (event->type != CHROME_SOCKETS_UDP_ON_RECEIVE) return;
    if (++seen == pause_at) udp_set_paused(f, event->socket_id, 1);
}
static void pause_in_the_middle(fx *f) {
    enum { N = 60 };
    uint16_t port, peer_port;
    int peer = udp_peer(&peer_port);
    int32_t id = new_udp(f);
    size_t before = 0;
    IS_OK(udp_set_paused(f, id, 1));
    IS_OK0(udp_bind(f, id, "127.0.0.1", 0));
    port = (uint16_t)udp_info_of(f, id)->local_port;
    for (int n = 0; n < N; n++) {
        char text[16];
        snprintf(text, sizeof text, "%d", n);
        udp_peer_text(peer, text, port);
    }
    seen = 0;
    pause_at = 5;
    f->inside = pause_inside;
    IS_OK(udp_set_paused(f, id, 0));
    wait_until(f, seen >= pause_at);
    fx_stop_inside(f);
    IS_OK(udp_get_sockets(f));      /* behind the pause */
    settle(f);
    pthread_mutex_lock(&f->mutex);
    for (size_t n = 0; n < f->len; n++) before += f->events[n]->type == CHROME_SOCKETS_UDP_ON_RECEIVE;
    pthread_mutex_unlock(&f->mutex);
    settle(f);
    CHECK_INT(udp_info_of(f, id)->paused, 1);
    pthread_mutex_lock(&f->mutex);
    for (size_t n = 0; n < f->len; n++) before -= f->events[n]->type == CHROME_SOCKETS_UDP_ON_RECEIVE;
    pthread_mutex_unlock(&f->mutex);
    CHECK_INT(before, 0);
    IS_OK(udp_set_paused(f, id, 0));
    for (int n = 0; n < N; n++) {
        char text[16];
        snprintf(text, sizeof text, "%d", n);
        datagram(f, id, text);
    }
    close(peer);
}

/* README S4: a datagram raised after the completion of setPaused(true) is a fault in every mode that
 * shows the order. */
static void nothing_after_the_pause(fx *f) {
    enum { ROUNDS = 40 };
    uint16_t port, peer_port;
    int peer = udp_peer(&peer_port);
    int32_t id = bound(f, &port);
    for (int n = 0; n < ROUNDS; n++) {
        call *c;
        size_t len;
        udp_peer_text(peer, "a", port);
        udp_peer_text(peer, "b", port);
        c = udp_set_paused(f, id, 1);
        udp_peer_text(peer, "c", port);
        IS_OK(c);
        settle(f);
        pthread_mutex_lock(&f->mutex);
        len = f->len;
        for (size_t k = c->done->seq; k < len; k++)
            if (f->events[k]->type == CHROME_SOCKETS_UDP_ON_RECEIVE && f->events[k]->seq > c->done->seq)
                FAIL("onReceive #%zu after the pause #%zu", f->events[k]->seq, c->done->seq);
        pthread_mutex_unlock(&f->mutex);
        IS_OK(udp_set_paused(f, id, 0));
        datagram(f, id, "a");
        datagram(f, id, "b");
        datagram(f, id, "c");
    }
    close(peer);
}

/* udp.md 5.5: in the onReceiveError listener getInfo says paused; resuming there goes on. */
static atomic_int errors;
static call *_Atomic info_call, *_Atomic resume_call;
static void resume_inside(fx *f, const chromesock_event *event) {
    if (event->type != CHROME_SOCKETS_UDP_ON_RECEIVE_ERROR) return;
    CHECK_INT(event->result, CHROMESOCK_MSG_TOO_BIG);
    info_call = udp_get_info(f, event->socket_id);
    resume_call = udp_set_paused(f, event->socket_id, 0);
    errors++;
}
static void resume_in_the_listener(fx *f) {
    uint16_t port, peer_port;
    int peer = udp_peer(&peer_port);
    int32_t id = bound(f, &port);
    errors = 0;
    f->inside = resume_inside;
    udp_peer_send(peer, block, 4097, "127.0.0.1", port);
    udp_peer_text(peer, "goes on", port);
    datagram(f, id, "goes on");
    CHECK_INT(errors, 1);
    IS_OK(info_call);
    CHECK_INT(info_call->done->info[0].paused, 1);
    IS_OK(resume_call);
    fx_stop_inside(f);
    close(peer);
}

/* udp.md 5.5 row 1, 7: two senders and two sockets: each socket's datagrams in their order. */
static void two_of_each(fx *f) {
    enum { N = 30 };
    uint16_t port[2], peer_port[2];
    int peer[2] = {udp_peer(&peer_port[0]), udp_peer(&peer_port[1])};
    int32_t id[2] = {bound(f, &port[0]), bound(f, &port[1])};
    char text[32];
    for (int n = 0; n < N; n++)
        for (int k = 0; k < 4; k++) {
            snprintf(text, sizeof text, "%d from %d to %d", n, k / 2, k % 2);
            udp_peer_text(peer[k / 2], text, port[k % 2]);
        }
    for (int n = 0; n < N; n++)
        for (int k = 0; k < 4; k++) {
            snprintf(text, sizeof text, "%d from %d to %d", n, k / 2, k % 2);
            CHECK_INT(datagram(f, id[k % 2], text)->port, peer_port[k / 2]);
        }
    close(peer[0]);
    close(peer[1]);
}

/* udp.md 2.3, 4.4: over IPv6, the sender's address in canonical text. */
static void over_ipv6(fx *f) {
    uint16_t port, peer_port = 0;
    int peer;
    int32_t id;
    const ev *e;
    if (!udp_has_ipv6()) return;
    peer = udp_peer_on("::1", &peer_port);
    id = bound_on(f, "::1", &port);
    udp_peer_send(peer, "six", 3, "::1", port);
    e = datagram(f, id, "six");
    CHECK_STR(e->address, "::1");
    CHECK_INT(e->port, peer_port);
    close(peer);
}

/* udp.md 2.3: sockets of both families in one app: each datagram with its whole sender, whatever came
 * before it and on which socket. */
static void both_families(fx *f) {
    uint16_t port4, port6, own4, own6 = 0;
    int peer4, peer6;
    int32_t id4, id6;
    const ev *e;
    if (!udp_has_ipv6()) return;
    peer4 = udp_peer(&own4);
    peer6 = udp_peer_on("::1", &own6);
    id4 = bound(f, &port4);
    id6 = bound_on(f, "::1", &port6);
    for (int n = 0; n < 40; n++) {
        udp_peer_send(peer4, "four", 4, "127.0.0.1", port4);
        e = datagram(f, id4, "four");
        CHECK_STR(e->address, "127.0.0.1");
        CHECK_INT(e->port, own4);
        for (int k = 0; k < 1 + n % 3; k++) udp_peer_send(peer6, "six", 3, "::1", port6);
        for (int k = 0; k < 1 + n % 3; k++) {
            e = datagram(f, id6, "six");
            CHECK_STR(e->address, "::1");
            CHECK_INT(e->port, own6);
        }
    }
    close(peer4);
    close(peer6);
}

/* A socket may send to itself, and to another of the app. */
static void to_ourselves(fx *f) {
    uint16_t port, other_port;
    int32_t id = bound(f, &port), other = bound(f, &other_port);
    IS_SENT(udp_text(f, id, "self", "127.0.0.1", port), 4);
    CHECK_INT(datagram(f, id, "self")->port, port);
    IS_SENT(udp_text(f, id, "there", "127.0.0.1", other_port), 5);
    CHECK_INT(datagram(f, other, "there")->port, port);
}

int main(int argc, char **argv) {
    harness_init(argc, argv);
    fill_block();
    RUN_ALL_MODES(sizes_with_the_default);
    RUN_ALL_MODES(oversize);
    RUN_ALL_MODES(oversize_after_oversize);
    RUN_ALL_MODES(effective_sizes);
    RUN_ALL_MODES(update_of_the_size);
    RUN_ALL_MODES(paused_before_bind);
    RUN_ALL_MODES(pause_and_resume);
    RUN_ALL_MODES(pause_in_the_middle);
    RUN_ALL_MODES(nothing_after_the_pause);
    RUN_ALL_MODES(resume_in_the_listener);
    RUN_ALL_MODES(two_of_each);
    RUN_ALL_MODES(over_ipv6);
    RUN_ALL_MODES(both_families);
    RUN_ALL_MODES(to_ourselves);
    return harness_finish();
}
