/* sockets.tcp: send (tcp.md 4). */
#include <sys/socket.h>
#include <unistd.h>

#include "harness.h"

/* S-1, S-3: all or error; the caller may reuse its buffer at once. */
static void send_copies_and_counts(fx *f) {
    int peer;
    int32_t id = connected(f, &peer);
    char buffer[6] = "first";
    call *c = tcp_send(f, id, buffer, 5);
    memset(buffer, '#', sizeof buffer);
    IS_SENT(c, 5);
    peer_expect(peer, "first");
    CHECK_INT(c->done->id, id);
    close(peer);
}

/* S-5: length 0, with and without a pointer; in its place in the queue. */
static void send_of_nothing(fx *f) {
    int peer;
    int32_t id = new_tcp(f);
    call *a, *b, *c;
    IS_SEND_FAIL(tcp_send(f, id, NULL, 0), CHROMESOCK_SOCKET_NOT_CONNECTED);
    id = connected(f, &peer);
    a = tcp_send(f, id, "a", 1);
    b = tcp_send(f, id, NULL, 0);
    c = tcp_send(f, id, "c", 1);
    IS_SENT(a, 1);
    IS_SENT(b, 0);
    IS_SENT(c, 1);
    CHECK(a->done->seq < b->done->seq && b->done->seq < c->done->seq);
    IS_SENT(tcp_send(f, id, "x", 0), 0);
    peer_expect(peer, "ac");
    CHECK_INT(peer_readable(peer, 0), 0);
    close(peer);
}

/* S-6: not connected; the state is not changed. */
static void send_without_connection(fx *f) {
    int peer;
    int32_t id = new_tcp(f);
    IS_SEND_FAIL(tcp_send(f, id, "x", 1), CHROMESOCK_SOCKET_NOT_CONNECTED);
    CHECK_INT(info_of(f, id)->paused, 0);
    IS_FAIL(tcp_connect(f, id, "127.0.0.1", dead_port()), CHROMESOCK_CONNECTION_REFUSED);
    IS_SEND_FAIL(tcp_send(f, id, "x", 1), CHROMESOCK_SOCKET_NOT_CONNECTED);
    id = connected(f, &peer);
    close(peer);
    receive_error(f, id, CHROMESOCK_CONNECTION_CLOSED);
    IS_SEND_FAIL(tcp_send(f, id, "x", 1), CHROMESOCK_SOCKET_NOT_CONNECTED);
    IS_SEND_FAIL(tcp_send(f, id, NULL, 0), CHROMESOCK_SOCKET_NOT_CONNECTED);
    settle(f);
    no_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE_ERROR, id);
}

/* S-1, S-4, O-2: large and small sends, in order, never interleaved, while the peer reads slowly. */
static void sends_are_a_queue(fx *f) {
    enum { SENDS = 40 };
    size_t total = 0, done = 0;
    char *all, *got;
    call *c[SENDS];
    int peer;
    int32_t id = connected(f, &peer);
    for (int n = 0; n < SENDS; n++) total += (size_t)(n % 3 ? 1 + n : 400000 + n);
    all = malloc(total);
    got = malloc(total);
    CHECK(all && got);
    for (size_t n = 0; n < total; n++) all[n] = (char)(n * 7 + n / 1009);
    for (int n = 0; n < SENDS; n++) {
        size_t len = (size_t)(n % 3 ? 1 + n : 400000 + n);
        c[n] = tcp_send(f, id, all + done, len);
        done += len;
    }
    peer_read(peer, got, total);
    CHECK_MEM(got, total, all, total);
    for (int n = 0; n < SENDS; n++) {
        IS_SENT(c[n], (size_t)(n % 3 ? 1 + n : 400000 + n));
        if (n) CHECK(c[n]->done->seq > c[n - 1]->done->seq);
    }
    free(all);
    free(got);
    close(peer);
}

/* S-8, S-9, S-10, O-7: a reset under write. The failing send, then -15 for the queued ones, then
 * onReceiveError with the code of the failing send. */
static void reset_under_write(fx *f) {
    static const size_t big = (size_t)30 << 20;
    char *data = calloc(1, big);
    CHECK(data != NULL);
    for (int paused = 0; paused < 2; paused++) {
        int peer;
        int32_t id = paused ? connected_paused(f, &peer) : connected(f, &peer);
        call *a = tcp_send(f, id, data, big), *b = tcp_send(f, id, "b", 1), *c = tcp_send(f, id, "c", 1);
        char first;
        const chromesock_socket_info *i;
        peer_read(peer, &first, 1); /* the big one is on its way, */
        info_of(f, id);             /* and the others are queued behind it */
        peer_reset(peer);
        await(a);
        /* O-8 if the read notices the reset first (then the send is cut short by it: -15), else S-8. */
        if (paused || a->done->result == CHROMESOCK_CONNECTION_RESET)
            IS_SEND_FAIL(a, CHROMESOCK_CONNECTION_RESET);
        else
            IS_SEND_FAIL(a, CHROMESOCK_SOCKET_NOT_CONNECTED);
        IS_SEND_FAIL(b, CHROMESOCK_SOCKET_NOT_CONNECTED);
        IS_SEND_FAIL(c, CHROMESOCK_SOCKET_NOT_CONNECTED);
        CHECK(a->done->seq < b->done->seq && b->done->seq < c->done->seq);
        if (!paused) {
            const ev *e = await_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE_ERROR, id);
            CHECK_INT(e->result, CHROMESOCK_CONNECTION_RESET);
            CHECK(e->seq > c->done->seq);
        }
        i = info_of(f, id);
        CHECK_INT(i->connected, 0);
        CHECK_INT(i->paused, 1);
        CHECK_STR(i->peer_address, NULL);
        settle(f);
        no_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE_ERROR, id);
    }
    free(data);
}

/* S-11 (D1), O-8: end of stream read with sends unfinished: -15 in order, then the event. */
static void end_of_stream_with_unfinished_sends(fx *f) {
    static const size_t big = (size_t)30 << 20;
    char *data = calloc(1, big);
    int peer;
    int32_t id = connected(f, &peer);
    call *a = tcp_send(f, id, data, big), *b = tcp_send(f, id, "b", 1);
    const ev *e;
    CHECK(data != NULL);
    info_of(f, id); /* both have reached the queue */
    peer_text(peer, "enough");
    peer_half_close(peer);
    receive(f, id, "enough");
    IS_SEND_FAIL(a, CHROMESOCK_SOCKET_NOT_CONNECTED);
    IS_SEND_FAIL(b, CHROMESOCK_SOCKET_NOT_CONNECTED);
    e = await_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE_ERROR, id);
    CHECK_INT(e->result, CHROMESOCK_CONNECTION_CLOSED);
    CHECK(a->done->seq < b->done->seq && b->done->seq < e->seq);
    free(data);
    close(peer);
}

/* S-12: the peer has closed and nobody has read the end: the first send succeeds, a later one fails
 * and takes the connection down (S-9: no read in flight, so no event and paused stays as it was). */
static void send_to_a_peer_that_closed(fx *f) {
    int peer, sends = 0;
    int32_t id = connected_paused(f, &peer);
    call *c = NULL;
    close(peer);
    IS_SENT(tcp_send(f, id, "first", 5), 5);
    for (; sends < 1000; sends++) {
        c = tcp_send(f, id, "next", 4);
        await(c);
        if (c->done->message) break;
    }
    CHECK(sends < 1000);
    IS_SEND_FAIL(c, CHROMESOCK_CONNECTION_RESET);
    CHECK_INT(info_of(f, id)->connected, 0);
    IS_SEND_FAIL(tcp_send(f, id, "after", 5), CHROMESOCK_SOCKET_NOT_CONNECTED);
    no_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE_ERROR, id);
}

/* Stats: unsent bytes are counted and come back to 0. */
static void unsent_bytes_are_counted(fx *f) {
    static const size_t big = (size_t)20 << 20;
    char *data = calloc(1, big);
    int peer;
    int32_t id = connected(f, &peer);
    uint64_t unsent;
    call *c = tcp_send(f, id, data, big);
    CHECK(data != NULL);
    unsent = fx_stats(f).unsent_bytes;
    CHECK(unsent > 0 && unsent <= big);
    peer_read(peer, data, big);
    IS_SENT(c, big);
    CHECK_INT(fx_stats(f).unsent_bytes, 0);
    free(data);
    close(peer);
}

int main(int argc, char **argv) {
    harness_init(argc, argv);
    RUN_ALL_MODES(send_copies_and_counts);
    RUN_ALL_MODES(send_of_nothing);
    RUN_ALL_MODES(send_without_connection);
    RUN_ALL_MODES(sends_are_a_queue);
    RUN_ALL_MODES(reset_under_write);
    RUN_ALL_MODES(end_of_stream_with_unfinished_sends);
    RUN_ALL_MODES(send_to_a_peer_that_closed);
    RUN_ALL_MODES(unsent_bytes_are_counted);
    return harness_finish();
}
