/* chrome.socket: destroy and disconnect with work pending, reconnecting, suspension, unload
 * (socket-legacy.md 4.2, 4.5, 8, 11; README S3). */
#include <unistd.h>

#include "calls_socket.h"
#include "calls_udp.h"
#include "life.h"
#include "resolve_shim.h"

static char block[1 << 20];

static call *end_call(fx *f, int32_t id, int destroy) {
    return destroy ? sock_destroy(f, id) : sock_disconnect(f, id);
}

/* A dead id, or one without a connection that knows its type. */
static void ended(fx *f, int32_t id, int destroy, int32_t type) {
    if (destroy)
        IS_FAIL_TEXT(sock_get_info(f, id), NOT_FOUND);
    else
        SOCK_INFO(f, id, type, 0, 0);
}

/* 8 row 1: TCP read: -100, empty, no message, before the completion of the ending. Row 7: writes in
 * progress or queued: -15 each, in order; the quota is returned. */
static void reads_and_writes(fx *f) {
    enum { MANY = 30 };
    for (int destroy = 0; destroy < 2; destroy++) {
        int peer;
        int32_t id = sock_connected(f, &peer);
        call *r = sock_read(f, id, NOT_GIVEN), *w[MANY], *e;
        int first_failed = -1;
        settle(f);
        for (int n = 0; n < MANY; n++) w[n] = sock_write(f, id, block, sizeof block);
        settle(f);
        CHECK(w[MANY - 1]->done == NULL);
        e = end_call(f, id, destroy);
        READ_FAILED(r, CHROMESOCK_CONNECTION_CLOSED);
        IS_OK(e);
        CHECK(r->done->seq < e->done->seq);
        for (int n = 0; n < MANY; n++) {
            if (first_failed < 0 && await(w[n])->result != (int32_t)sizeof block) first_failed = n;
            RESULT(w[n], first_failed < 0 ? (int32_t)sizeof block : CHROMESOCK_SOCKET_NOT_CONNECTED);
            if (first_failed >= 0) CHECK(w[n]->done->seq < e->done->seq);
            if (n) CHECK(w[n - 1]->done->seq < w[n]->done->seq);
        }
        CHECK(first_failed >= 0);
        CHECK_INT(fx_stats(f).unsent_bytes, 0);
        ended(f, id, destroy, TCP);
        close(peer);
    }
}

/* 4.7 "Bug" (D1): after such a disconnect the socket reconnects and writes again. 4.3: a client can be
 * connected as often as one likes. */
static void reconnect(fx *f) {
    int peer, listen_fd;
    uint16_t port;
    int32_t id = sock_connected(f, &peer);
    call *c, *w = NULL;
    listen_fd = peer_listen(&port);
    for (int round = 0; round < 4; round++) {
        if (round % 2)
            for (int n = 0; n < 12; n++) w = sock_write(f, id, block, sizeof block);
        IS_OK(sock_disconnect(f, id));
        if (w) CHECK(await(w)->result != 0);
        close(peer);
        c = sock_connect(f, id, "127.0.0.1", port);
        peer = peer_accept(listen_fd);
        RESULT(c, 0);
        SOCK_INFO(f, id, TCP, 1, LOCAL | PEER);
        RESULT(sock_text(f, id, "again"), 5);
        peer_expect(peer, "again");
        peer_text(peer, "you too");
        READ_TEXT(sock_read(f, id, NOT_GIVEN), "you too");
    }
    /* and after the peer's end */
    close(peer);
    READ_TEXT(sock_read(f, id, NOT_GIVEN), "");
    c = sock_connect(f, id, "127.0.0.1", port);
    peer = peer_accept(listen_fd);
    RESULT(c, 0);
    RESULT(sock_text(f, id, "once more"), 9);
    peer_expect(peer, "once more");
    close(peer);
    close(listen_fd);
}

/* 8 row 2: UDP recvFrom: -100, "", 0. Row 3: UDP read: -100. */
static void udp_reads(fx *f) {
    for (int destroy = 0; destroy < 2; destroy++) {
        uint16_t port;
        int peer;
        int32_t id = sock_bound(f, &port), other = sock_udp_connected(f, &peer, &port);
        call *r = sock_recv_from(f, id, NOT_GIVEN), *s = sock_read(f, other, NOT_GIVEN), *e, *g;
        settle(f);
        e = end_call(f, id, destroy);
        g = end_call(f, other, destroy);
        RECEIVE_FAILED(r, CHROMESOCK_CONNECTION_CLOSED);
        READ_FAILED(s, CHROMESOCK_CONNECTION_CLOSED);
        IS_OK(e);
        IS_OK(g);
        CHECK(r->done->seq < e->done->seq);
        CHECK(s->done->seq < g->done->seq);
        ended(f, id, destroy, UDP);
        ended(f, other, destroy, UDP);
        close(peer);
    }
}

/* 8 row 4: accept: -3, no socket. Row 6 (a listen is over within its turn): listen right before. */
static void accepts(fx *f) {
    for (int destroy = 0; destroy < 2; destroy++) {
        uint16_t port;
        int32_t id = sock_listening(f, &port), late = new_sock(f, TCP);
        call *a = sock_accept(f, id), *l, *e;
        settle(f);
        e = end_call(f, id, destroy);
        RESULT(a, CHROMESOCK_ABORTED);
        CHECK_INT(a->done->client, 0);
        IS_OK(e);
        CHECK(a->done->seq < e->done->seq);
        CHECK(peer_try_connect("127.0.0.1", port) < 0);
        l = sock_listen(f, late, "127.0.0.1", 0, 5);
        a = sock_accept(f, late);
        e = end_call(f, late, destroy);
        IS_OK(e);
        if (await(l)->result == 0)
            RESULT(l, 0);
        else
            RESULT_TEXT(l, CHROMESOCK_ABORTED, COULD_NOT_LISTEN);
        CHECK(await(a)->result < 0);
    }
}

/* 8 row 5: TCP connect in its TCP phase: -3, no message. */
static void connecting(fx *f) {
    for (int destroy = 0; destroy < 2; destroy++) {
        blackhole b;
        int32_t id = new_sock(f, TCP);
        call *c, *e;
        blackhole_open(&b, "127.0.0.1", 0);
        c = sock_connect(f, id, "127.0.0.1", b.port);
        settle(f);
        e = end_call(f, id, destroy);
        RESULT(c, CHROMESOCK_ABORTED);
        IS_OK(e);
        CHECK(c->done->seq < e->done->seq);
        ended(f, id, destroy, TCP);
        if (!destroy) { /* client mode: it can connect again */
            int peer, listen_fd;
            uint16_t port;
            listen_fd = peer_listen(&port);
            c = sock_connect(f, id, "127.0.0.1", port);
            peer = peer_accept(listen_fd);
            RESULT(c, 0);
            close(peer);
            close(listen_fd);
        }
        blackhole_close(&b);
    }
}

/* 8 row "connect, sendTo (resolving)": destroy: -1 and "Socket not found"; disconnect: connect -3
 * (D9), sendTo -15. The late answer goes nowhere. */
static void resolving(fx *f) {
    for (int destroy = 0; destroy < 2; destroy++) {
        uint16_t port, udp_port, own;
        int listen_fd = peer_listen(&port), peer = udp_peer(&udp_port);
        int32_t tcp = new_sock(f, TCP), udp = new_sock(f, UDP), sender = sock_bound(f, &own);
        call *c[3], *e[3];
        shim_clear();
        c[0] = sock_connect(f, tcp, "a.stall.test", port);
        c[1] = sock_connect(f, udp, "b.stall.test", udp_port);
        c[2] = sock_send_to(f, sender, "x", 1, "c.stall.test", udp_port);
        wait_until(f, shim_stalled() == 3);
        e[0] = end_call(f, tcp, destroy);
        e[1] = end_call(f, udp, destroy);
        e[2] = end_call(f, sender, destroy);
        for (int n = 0; n < 3; n++) {
            if (destroy)
                RESULT_TEXT(c[n], -1, NOT_FOUND);
            else
                RESULT(c[n], n < 2 ? CHROMESOCK_ABORTED : CHROMESOCK_SOCKET_NOT_CONNECTED);
            IS_OK(e[n]);
            CHECK(c[n]->done->seq < e[n]->done->seq);
        }
        shim_release();
        settle(f);
        CHECK_INT(peer_accept_pending(listen_fd), 0);
        CHECK_INT(udp_peer_waiting(peer), 0);
        ended(f, tcp, destroy, TCP);
        ended(f, udp, destroy, UDP);
        ended(f, sender, destroy, UDP);
        CHECK_INT(fx_stats(f).unsent_bytes, 0);
        close(peer);
        close(listen_fd);
    }
}

/* 8 row 8: bind, joins right before the ending: 0 or -3, and never a bound socket afterwards. 11 row
 * "bind, bind": -23, or -104 as a bind is over within its turn here. */
static void binds(fx *f) {
    for (int destroy = 0; destroy < 2; destroy++)
        for (int n = 0; n < 10; n++) {
            int32_t id = new_sock(f, UDP);
            call *one = sock_bind(f, id, "127.0.0.1", 0), *two = sock_bind(f, id, "127.0.0.1", 0);
            call *j = sock_join(f, id, "239.255.41.19"), *e = end_call(f, id, destroy);
            IS_OK(e);
            CHECK(await(one)->result == 0 || one->done->result == CHROMESOCK_ABORTED);
            CHECK(await(two)->result < 0);
            CHECK_STR(two->done->message, NULL);
            if (one->done->result == 0)
                CHECK(two->done->result == CHROMESOCK_SOCKET_IS_CONNECTED ||
                      two->done->result == CHROMESOCK_CONNECTION_FAILED);
            await(j);
            ended(f, id, destroy, UDP);
        }
}

/* 11: a UDP connect that resolves while another call binds: decided when the name is there. */
static void connect_and_bind_race(fx *f) {
    uint16_t port;
    int peer = udp_peer(&port);
    int32_t id = new_sock(f, UDP);
    call *c;
    shim_clear();
    c = sock_connect(f, id, "a.stall.test", port);
    wait_until(f, shim_stalled() == 1);
    RESULT(sock_bind(f, id, "127.0.0.1", 0), 0);
    shim_release();
    RESULT(c, CHROMESOCK_CONNECTION_FAILED); /* 4.3 row 9 after row 5 */
    SOCK_INFO(f, id, UDP, 0, LOCAL);
    close(peer);
}

/* 4.2: unknown is silent, twice too; the port is free then. 4.5: unknown is told. */
static void twice(fx *f) {
    uint16_t port;
    int32_t id = sock_bound(f, &port), server;
    call *a = sock_destroy(f, id), *b = sock_destroy(f, id), *c = sock_disconnect(f, id);
    IS_OK(a);
    CHECK_INT(udp_probe_bind("127.0.0.1", port), 0);
    IS_OK(b);
    IS_FAIL_TEXT(c, NOT_FOUND);
    server = sock_listening(f, &port);
    IS_OK(sock_disconnect(f, server));
    IS_OK(sock_disconnect(f, server));
    IS_OK(sock_disconnect(f, new_sock(f, TCP)));
    IS_OK(sock_disconnect(f, new_sock(f, UDP)));
    CHECK_INT(fx_stats(f).sockets_open, 3);
}

/* README S3: suspension leaves all of them alone, also pending calls; completions are delivered while
 * asleep. */
static void suspension(fx *f) {
    uint16_t port, udp_port, peer_port;
    int peer, accepted_peer, udp_fd = udp_peer(&peer_port);
    int32_t client = sock_connected(f, &peer), server = sock_listening(f, &port);
    int32_t fresh = new_sock(f, TCP), udp = sock_bound(f, &udp_port), gone = new_tcp(f);
    call *r = sock_read(f, client, NOT_GIVEN), *u = sock_recv_from(f, udp, NOT_GIVEN);
    call *a = sock_accept(f, server);
    size_t since = sleep_now(f);
    IS_FAIL_TEXT(tcp_get_info(f, gone), NOT_FOUND);
    CHECK(r->done == NULL && u->done == NULL && a->done == NULL);
    SOCK_INFO(f, client, TCP, 1, LOCAL | PEER);
    SOCK_INFO(f, server, TCP, 0, LOCAL);
    SOCK_INFO(f, fresh, TCP, 0, 0);
    SOCK_INFO(f, udp, UDP, 0, LOCAL);
    peer_text(peer, "asleep");
    READ_TEXT(r, "asleep");
    udp_peer_text(udp_fd, "zzz", udp_port);
    RECEIVED(u, "zzz", peer_port);
    accepted_peer = peer_connect("127.0.0.1", port);
    RESULT(a, 0);
    RESULT(sock_text(f, a->done->client, "hi"), 2);
    peer_expect(accepted_peer, "hi");
    CHECK_INT(wanted_since(f, since), 0); /* completions need no waking */
    app_resume(f);
    RESULT(sock_text(f, client, "awake"), 5);
    peer_expect(peer, "awake");
    close(accepted_peer);
    close(peer);
    close(udp_fd);
}

/* 1, S3: they die on unload; what was pending completes. */
static void unload(fx *f) {
    uint16_t port, udp_port;
    int peer;
    int32_t client = sock_connected(f, &peer), server = sock_listening(f, &port), udp = sock_bound(f, &udp_port);
    call *r = sock_read(f, client, NOT_GIVEN), *u = sock_recv_from(f, udp, NOT_GIVEN);
    call *a = sock_accept(f, server);
    app_unload(f);
    READ_FAILED(r, CHROMESOCK_CONNECTION_CLOSED);
    RECEIVE_FAILED(u, CHROMESOCK_CONNECTION_CLOSED);
    RESULT(a, CHROMESOCK_ABORTED);
    IS_FAIL_TEXT(sock_get_info(f, client), NOT_FOUND);
    IS_FAIL_TEXT(sock_get_info(f, server), NOT_FOUND);
    IS_FAIL_TEXT(sock_get_info(f, udp), NOT_FOUND);
    CHECK(peer_try_connect("127.0.0.1", port) < 0);
    CHECK_INT(udp_probe_bind("127.0.0.1", udp_port), 0);
    peer_wait_end(peer);
    CHECK_INT(fx_stats(f).sockets_open, 0);
    CHECK(new_sock(f, TCP) > udp);
    close(peer);
}

/* The end of the app, everything pending: each call once (fx_close_and_check), with its code. */
static void app_end(fx *f) {
    uint16_t port, udp_port;
    int peer;
    blackhole b;
    int32_t client = sock_connected(f, &peer), server = sock_listening(f, &port), udp = sock_bound(f, &udp_port);
    call *r = sock_read(f, client, NOT_GIVEN), *u = sock_recv_from(f, udp, NOT_GIVEN);
    call *a = sock_accept(f, server), *c;
    blackhole_open(&b, "127.0.0.1", 0);
    c = sock_connect(f, new_sock(f, TCP), "127.0.0.1", b.port);
    fx_close_and_check(f);
    READ_FAILED(r, CHROMESOCK_CONNECTION_CLOSED);
    RECEIVE_FAILED(u, CHROMESOCK_CONNECTION_CLOSED);
    RESULT(a, CHROMESOCK_ABORTED);
    RESULT(c, CHROMESOCK_ABORTED);
    blackhole_close(&b);
    close(peer);
}

int main(int argc, char **argv) {
    harness_init(argc, argv);
    RUN_ALL_MODES(reads_and_writes);
    RUN_ALL_MODES(reconnect);
    RUN_ALL_MODES(udp_reads);
    RUN_ALL_MODES(accepts);
    RUN_ALL_MODES(connecting);
    RUN_ALL_MODES(resolving);
    RUN_ALL_MODES(binds);
    RUN_ALL_MODES(connect_and_bind_race);
    RUN_ALL_MODES(twice);
    RUN_ALL_MODES(suspension);
    RUN_ALL_MODES(unload);
    RUN_ALL_MODES(app_end);
    return harness_finish();
}
