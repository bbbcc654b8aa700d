/* sockets.tcp: setPaused (tcp.md 3.3, TLS-11 recipe without TLS, decision S4). */
#include <unistd.h>

#include "harness.h"

/* PA-1: OK in every state, also without change. */
static void set_paused_in_every_state(fx *f) {
    int32_t id = new_tcp(f);
    int peer;
    for (int n = 0; n < 2; n++) {
        IS_OK(tcp_set_paused(f, id, 1));
        IS_OK(tcp_set_paused(f, id, 1));
        CHECK_INT(info_of(f, id)->paused, 1);
        IS_OK(tcp_set_paused(f, id, 0));
        IS_OK(tcp_set_paused(f, id, 0));
        CHECK_INT(info_of(f, id)->paused, 0);
    }
    close_tcp(f, id, 0);
    id = connected(f, &peer);
    IS_OK(tcp_set_paused(f, id, 1));
    IS_OK(tcp_set_paused(f, id, 1));
    CHECK_INT(info_of(f, id)->paused, 1);
    CHECK_INT(info_of(f, id)->connected, 1);
    IS_OK(tcp_disconnect(f, id));
    IS_OK(tcp_set_paused(f, id, 0));
    CHECK_INT(info_of(f, id)->paused, 0);
    close(peer);
}

/* CN-10, PA-2: paused before connect: nothing is read until unpaused. */
static void paused_before_connect(fx *f) {
    int peer;
    int32_t id = connected_paused(f, &peer);
    peer_text(peer, "early");
    settle(f);
    no_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE, id);
    CHECK_INT(info_of(f, id)->paused, 1);
    IS_OK(tcp_set_paused(f, id, 0));
    receive(f, id, "early");
    peer_text(peer, "late");
    receive(f, id, "late");
    close(peer);
}

/* PA-3, TLS-11 recipe 2, S4: the read in flight still delivers one event, then reading stops. */
static void the_read_in_flight_delivers_once(fx *f) {
    int peer;
    int32_t id = connected(f, &peer);
    IS_OK(tcp_set_paused(f, id, 1));
    IS_SENT(tcp_send(f, id, "STARTTLS\r\n", 10), 10);
    peer_expect(peer, "STARTTLS\r\n");
    peer_text(peer, "220 go ahead\r\n");
    receive(f, id, "220 go ahead\r\n"); /* although paused */
    CHECK_INT(info_of(f, id)->paused, 1);
    peer_text(peer, "more");
    settle(f);
    no_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE, id);
    IS_OK(tcp_set_paused(f, id, 0));
    receive(f, id, "more");
    close(peer);
}

/* PA-3: the leftover read gives one event of at most the limit, not the whole of what came. */
static void the_leftover_read_has_a_limit(fx *f) {
    int peer, many = 0;
    chrome_sockets_tcp_properties p = tcp_props(CHROME_SOCKETS_TCP_PROPERTIES_BUFFER_SIZE, NULL, 4, 0);
    int32_t id = new_tcp(f);
    uint16_t port;
    int listen_fd = peer_listen(&port);
    size_t got;
    IS_OK(tcp_update(f, id, &p));
    connect_to(f, id, listen_fd, &peer);
    IS_OK(tcp_set_paused(f, id, 1));
    peer_text(peer, "abcdefghij");
    settle(f);
    got = await_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE, id)->len;
    CHECK(got >= 1 && got <= 4); /* */
    no_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE, id);
    IS_OK(tcp_set_paused(f, id, 0));
    receive(f, id, &"abcdefghij"[got]); /* nothing is lost over a pause */
    for (size_t n = 0; n < f->len; n++) many += f->events[n]->type == CHROME_SOCKETS_TCP_ON_RECEIVE;
    CHECK(many >= 3);
    close(listen_fd);
    close(peer);
}

/* PA-3, TLS-11: one more read, asked for inside a callback, is one. With a queue the reactor works
 * meanwhile: there the two calls are held together. */
struct reads {
    int32_t id;
    int left;
};

static void one_more_read(fx *f, const chromesock_event *event) {
    struct reads *reads = f->arg;
    int is_held = !mode_is_reactor(f->mode);
    if (event->type != CHROME_SOCKETS_TCP_ON_RECEIVE || event->socket_id != reads->id || reads->left-- <= 0) return;
    if (is_held) fx_hold(f, 1);
    tcp_set_paused(f, event->socket_id, 0);
    tcp_set_paused(f, event->socket_id, 1);
    if (is_held) fx_hold(f, 0);
}

static void one_more_read_is_one(fx *f) {
    static char much[60000];
    int peer;
    struct reads reads = {connected(f, &peer), 10};
    f->arg = &reads;
    IS_OK(tcp_set_paused(f, reads.id, 1));
    f->inside = one_more_read;
    peer_send(peer, much, sizeof much);
    for (int n = 0; n < 11; n++) await_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE, reads.id);
    settle(f);
    no_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE, reads.id);
    fx_stop_inside(f);
    close(peer);
}

/* PA-3: the one event may be the error event. */
static void the_leftover_read_reports_the_end(fx *f) {
    int peer;
    int32_t id = connected(f, &peer);
    IS_OK(tcp_set_paused(f, id, 1));
    close(peer);
    receive_error(f, id, CHROMESOCK_CONNECTION_CLOSED);
    CHECK_INT(info_of(f, id)->connected, 0);
}

/* PA-4: unpausing over a leftover read neither doubles reads nor reports anything. */
static void unpausing_over_a_leftover_read(fx *f) {
    int peer;
    int32_t id = connected(f, &peer);
    for (int n = 0; n < 10; n++) {
        IS_OK(tcp_set_paused(f, id, 1));
        IS_OK(tcp_set_paused(f, id, 0));
    }
    peer_text(peer, "once");
    receive(f, id, "once");
    settle(f);
    no_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE, id);
    no_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE_ERROR, id);
    IS_OK(tcp_set_paused(f, id, 1));
    peer_text(peer, "twice");
    receive(f, id, "twice"); /* there is one leftover read, still only one */
    peer_text(peer, "thrice");
    settle(f);
    no_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE, id);
    close(peer);
}

/* PA-6: end of stream and reset wait; connected stays true (2.2 "peer closed, but paused"). */
static void a_paused_socket_notices_nothing(fx *f) {
    int peer;
    int32_t id = connected_paused(f, &peer);
    const chromesock_socket_info *i;
    peer_text(peer, "last words");
    close(peer);
    settle(f);
    no_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE, id);
    no_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE_ERROR, id);
    i = info_of(f, id);
    CHECK_INT(i->connected, 1);
    CHECK_STR(i->peer_address, "127.0.0.1");
    IS_OK(tcp_set_paused(f, id, 0));
    receive(f, id, "last words");
    receive_error(f, id, CHROMESOCK_CONNECTION_CLOSED);
    id = connected_paused(f, &peer);
    peer_reset(peer);
    settle(f);
    no_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE_ERROR, id);
    CHECK_INT(info_of(f, id)->connected, 1);
    IS_OK(tcp_set_paused(f, id, 0));
    receive_error(f, id, CHROMESOCK_CONNECTION_RESET);
    CHECK_INT(info_of(f, id)->connected, 0);
}

/* PA-5: a paused socket throttles its peer in the end, and survives any pause (section 18): all of it
 * arrives afterwards, in order. */
static void a_pause_with_much_data(fx *f) {
    static char pattern[65536 - 7];
    int peer;
    int32_t id = connected_paused(f, &peer);
    size_t total, got = 0;
    for (size_t n = 0; n < sizeof pattern; n++) pattern[n] = (char)(n * 31 + n / 251);
    total = peer_send_until_blocked(peer, pattern, sizeof pattern, (size_t)256 << 20);
    CHECK(total < (size_t)256 << 20);
    close(peer);
    no_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE, id);
    IS_OK(tcp_set_paused(f, id, 0));
    while (got < total) {
        const ev *e = await_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE, id);
        for (size_t n = 0; n < e->len; n++)
            if (e->data[n] != (unsigned char)pattern[(got + n) % sizeof pattern])
                FAIL("byte %zu is wrong", got + n);
        got += e->len;
        if (f->len > 4096) fx_compact(f);
    }
    CHECK_INT(got, total);
    receive_error(f, id, CHROMESOCK_CONNECTION_CLOSED);
}

/* S-13. */
static void a_paused_socket_sends(fx *f) {
    int peer;
    int32_t id = connected_paused(f, &peer);
    IS_SENT(tcp_send(f, id, "hello", 5), 5);
    peer_expect(peer, "hello");
    close(peer);
}

int main(int argc, char **argv) {
    harness_init(argc, argv);
    RUN_ALL_MODES(set_paused_in_every_state);
    RUN_ALL_MODES(paused_before_connect);
    RUN_ALL_MODES(the_read_in_flight_delivers_once);
    RUN_ALL_MODES(the_leftover_read_has_a_limit);
    RUN_ALL_MODES(one_more_read_is_one);
    RUN_ALL_MODES(the_leftover_read_reports_the_end);
    RUN_ALL_MODES(unpausing_over_a_leftover_read);
    RUN_ALL_MODES(a_paused_socket_notices_nothing);
    RUN_ALL_MODES(a_pause_with_much_data);
    RUN_ALL_MODES(a_paused_socket_sends);
    return harness_finish();
}
