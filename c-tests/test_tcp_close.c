/* sockets.tcp: disconnect and close (tcp.md 3.6, 3.8, D1, D5, D9, D14, O-6). */
#include <unistd.h>

#include "harness.h"

/* 3.6: OK in every state. */
static void disconnect_in_every_state(fx *f) {
    int32_t id = new_tcp(f);
    int peer;
    IS_OK(tcp_disconnect(f, id));
    IS_OK(tcp_disconnect(f, id));
    IS_FAIL(tcp_connect(f, id, "127.0.0.1", dead_port()), CHROMESOCK_CONNECTION_REFUSED);
    IS_OK(tcp_disconnect(f, id));
    no_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE_ERROR, id);
    CHECK_INT(info_of(f, id)->paused, 0);
    id = connected(f, &peer);
    close(peer);
    receive_error(f, id, CHROMESOCK_CONNECTION_CLOSED);
    IS_OK(tcp_disconnect(f, id));
    settle(f);
    no_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE_ERROR, id); /* */
}

/* DC-1, DC-2, O-6, O-9: a read was in flight. */
static void disconnect_while_reading(fx *f) {
    int peer;
    int32_t id = connected(f, &peer);
    chrome_sockets_tcp_properties p = tcp_props(7, "kept", 9, 1);
    const chromesock_socket_info *i;
    call *d;
    const ev *e;
    IS_OK(tcp_update(f, id, &p));
    d = tcp_disconnect(f, id);
    IS_OK(d);
    e = await_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE_ERROR, id);
    CHECK_INT(e->result, CHROMESOCK_CONNECTION_CLOSED);
    CHECK(e->seq > d->done->seq);
    i = info_of(f, id);
    CHECK_INT(i->connected, 0);
    CHECK_INT(i->paused, 1);
    CHECK_STR(i->name, "kept");
    CHECK_INT(i->buffer_size, 9);
    CHECK_INT(i->persistent, 1);
    CHECK_STR(i->local_address, NULL);
    CHECK_STR(i->peer_address, NULL);
    CHECK_INT(peer_wait_end(peer), 0);
    settle(f);
    no_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE_ERROR, id);
    close(peer);
}

/* DC-2: PA-3's leftover read counts as a read in flight. */
static void disconnect_with_a_leftover_read(fx *f) {
    int peer;
    int32_t id = connected(f, &peer);
    IS_OK(tcp_set_paused(f, id, 1));
    IS_OK(tcp_disconnect(f, id));
    receive_error(f, id, CHROMESOCK_CONNECTION_CLOSED);
    CHECK_INT(info_of(f, id)->paused, 1);
    close(peer);
    id = connected(f, &peer);
    IS_OK(tcp_set_paused(f, id, 1));
    peer_text(peer, "x");
    receive(f, id, "x"); /* the leftover read is used up */
    IS_OK(tcp_disconnect(f, id));
    settle(f);
    no_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE_ERROR, id);
    close(peer);
}

/* DC-3, CL-3: a connect in its TCP phase ends with -3; then the answer to disconnect or close. */
static void cancel_in_the_tcp_phase(fx *f) {
    blackhole b;
    int32_t id = new_tcp(f);
    call *c, *d;
    blackhole_open(&b, "127.0.0.1", 0);
    c = tcp_connect(f, id, "127.0.0.1", b.port);
    d = tcp_disconnect(f, id);
    IS_FAIL(c, CHROMESOCK_ABORTED);
    IS_OK(d);
    CHECK(c->done->seq < d->done->seq);
    c = tcp_connect(f, id, "127.0.0.1", b.port);
    d = tcp_close(f, id);
    IS_FAIL(c, CHROMESOCK_ABORTED);
    IS_OK(d);
    CHECK(c->done->seq < d->done->seq);
    no_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE_ERROR, id);
    blackhole_close(&b);
}

/* DC-7, CL-4 (D5): bytes whose send succeeded arrive, followed by FIN. */
static void accepted_bytes_are_flushed(fx *f) {
    static char data[40000];
    static char got[sizeof data];
    memset(data, 'q', sizeof data);
    for (int n = 0; n < 4; n++) {
        int peer, unread = n / 2;
        int32_t id = n % 2 ? connected(f, &peer) : connected_paused(f, &peer);
        call *s;
        if (unread) peer_text(peer, "bytes nobody reads"); /* CL-4: must not become a reset */
        s = tcp_send(f, id, data, sizeof data);
        await(s);
        sent_at(__FILE__, __LINE__, s->done, sizeof data);
        if (n % 2) {
            IS_OK(tcp_disconnect(f, id));
            receive_error(f, id, CHROMESOCK_CONNECTION_CLOSED);
        } else {
            close_tcp(f, id, 0);
        }
        peer_read(peer, got, sizeof got);
        CHECK_MEM(got, sizeof got, data, sizeof data);
        peer_expect_eof(peer);
        close(peer);
    }
}

/* CL-4: closing with unread input: the peer still gets all that was accepted, then FIN. */
static void close_with_unread_input(fx *f) {
    int peer;
    int32_t id = connected_paused(f, &peer);
    peer_text(peer, "unread, for ever");
    settle(f);
    IS_SENT(tcp_send(f, id, "goodbye", 7), 7);
    close_tcp(f, id, 0);
    peer_expect(peer, "goodbye");
    peer_expect_eof(peer);
    close(peer);
}

/* CL-1, CL-2, O-6: id invalid at once, -100 after the answer, exactly once. */
static void close_while_reading(fx *f) {
    int peer;
    int32_t id = connected(f, &peer);
    call *c = tcp_close(f, id), *i = tcp_get_info(f, id), *again = tcp_close(f, id);
    const ev *e;
    IS_OK(c);
    IS_FAIL_TEXT(i, NOT_FOUND);
    IS_FAIL_TEXT(again, NOT_FOUND); /* section 18: a double close is harmless */
    e = await_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE_ERROR, id);
    CHECK_INT(e->result, CHROMESOCK_CONNECTION_CLOSED);
    CHECK(e->seq > c->done->seq);
    CHECK_INT(peer_wait_end(peer), 0);
    settle(f);
    no_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE_ERROR, id);
    close(peer);
}

/* CL-2: no event when no read was in flight. */
static void close_while_paused(fx *f) {
    int peer;
    int32_t id = connected_paused(f, &peer);
    IS_OK(tcp_close(f, id));
    CHECK_INT(peer_wait_end(peer), 0);
    settle(f);
    no_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE_ERROR, id);
    close(peer);
}

/* D14: data that arrived and is still undelivered is not delivered after the answer. */
static void no_receive_after_the_answer(fx *f) {
    for (int n = 0; n < 20; n++) {
        int peer;
        int32_t id = connected(f, &peer);
        call *c;
        for (int k = 0; k < 10; k++) peer_text(peer, "noise noise noise");
        c = n % 2 ? tcp_close(f, id) : tcp_disconnect(f, id);
        await(c);
        settle(f);
        for (size_t k = c->done->seq; k < f->len; k++)
            if (f->events[k]->id == id && f->events[k]->type == CHROME_SOCKETS_TCP_ON_RECEIVE)
                FAIL("onReceive after the answer");
        for (size_t k = 0; k < c->done->seq; k++)
            if (f->events[k]->id == id) f->events[k]->taken = 1;
        receive_error(f, id, CHROMESOCK_CONNECTION_CLOSED);
        close(peer);
    }
}

/* DC-5, CL-3 (D1), O-6: unfinished sends get -15, in order, before the answer. */
static void unfinished_sends(fx *f) {
    static const size_t big = (size_t)50 << 20;
    char *data = calloc(1, big);
    CHECK(data != NULL);
    for (int n = 0; n < 2; n++) {
        int peer;
        int32_t id = connected(f, &peer);
        call *a = tcp_send(f, id, data, big), *b = tcp_send(f, id, "x", 1), *c;
        c = n ? tcp_close(f, id) : tcp_disconnect(f, id);
        IS_SEND_FAIL(a, CHROMESOCK_SOCKET_NOT_CONNECTED);
        IS_SEND_FAIL(b, CHROMESOCK_SOCKET_NOT_CONNECTED);
        IS_OK(c);
        CHECK(a->done->seq < b->done->seq && b->done->seq < c->done->seq);
        receive_error(f, id, CHROMESOCK_CONNECTION_CLOSED);
        if (n == 0) { /* the send queue is not blocked: a new connection works */
            int again;
            uint16_t port;
            int listen_fd = peer_listen(&port);
            connect_to(f, id, listen_fd, &again);
            IS_SENT(tcp_send(f, id, "fresh", 5), 5);
            peer_expect(again, "fresh");
            close(again);
            close(listen_fd);
        }
        close(peer);
    }
    free(data);
}

/* CN-4, DC-2: paused is not reset by a new connection. */
static void reconnect_after_disconnect(fx *f) {
    int peer, again;
    uint16_t port;
    int listen_fd = peer_listen(&port);
    int32_t id = connected(f, &peer);
    IS_OK(tcp_disconnect(f, id));
    receive_error(f, id, CHROMESOCK_CONNECTION_CLOSED);
    connect_to(f, id, listen_fd, &again);
    CHECK_INT(info_of(f, id)->paused, 1);
    CHECK_INT(info_of(f, id)->peer_port, port);
    peer_text(again, "new");
    settle(f);
    no_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE, id);
    IS_OK(tcp_set_paused(f, id, 0));
    receive(f, id, "new");
    close(again);
    close(peer);
    close(listen_fd);
}

int main(int argc, char **argv) {
    harness_init(argc, argv);
    RUN_ALL_MODES(disconnect_in_every_state);
    RUN_ALL_MODES(disconnect_while_reading);
    RUN_ALL_MODES(disconnect_with_a_leftover_read);
    RUN_ALL_MODES(cancel_in_the_tcp_phase);
    RUN_ALL_MODES(accepted_bytes_are_flushed);
    RUN_ALL_MODES(close_with_unread_input);
    RUN_ALL_MODES(close_while_reading);
    RUN_ALL_MODES(close_while_paused);
    RUN_ALL_MODES(no_receive_after_the_answer);
    RUN_ALL_MODES(unfinished_sends);
    RUN_ALL_MODES(reconnect_after_disconnect);
    return harness_finish();
}
