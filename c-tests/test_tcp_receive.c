/* sockets.tcp: receiving and the end of the connection (tcp.md 5, 2.3). */
#include <unistd.h>

#include "harness.h"

#define P_BUFFER CHROME_SOCKETS_TCP_PROPERTIES_BUFFER_SIZE

/* Connects a socket with this bufferSize, lets the peer send len bytes, and returns the longest
 * event; contents and order are checked. */
static size_t longest_event(fx *f, int32_t buffer_size, size_t len) {
    chrome_sockets_tcp_properties p = tcp_props(buffer_size == 0 ? 0 : P_BUFFER, NULL, buffer_size, 0);
    uint16_t port;
    int listen_fd = peer_listen(&port), peer;
    int32_t id;
    size_t longest = 0, got = 0;
    char *data = malloc(len);
    CHECK(data != NULL);
    for (size_t n = 0; n < len; n++) data[n] = (char)(n * 13 + n / 255);
    IS_OK(tcp_create(f, &p, &id));
    IS_OK(tcp_set_paused(f, id, 1));
    connect_to(f, id, listen_fd, &peer);
    peer_send(peer, data, len);
    settle(f); /* all of it is there before reading starts */
    IS_OK(tcp_set_paused(f, id, 0));
    while (got < len) {
        const ev *e = await_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE, id);
        CHECK(e->len > 0);
        CHECK(got + e->len <= len);
        CHECK_MEM(e->data, e->len, data + got, e->len);
        got += e->len;
        if (e->len > longest) longest = e->len;
    }
    no_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE, id);
    close_tcp(f, id, 1);
    free(data);
    close(peer);
    close(listen_fd);
    return longest;
}

/* never more than bufferSize, 4096 by default; full slices when all is there. */
static void the_limit_of_an_event(fx *f) {
    CHECK_INT(longest_event(f, 0, 20000), 4096);
    CHECK_INT(longest_event(f, 1, 5), 1);
    CHECK_INT(longest_event(f, 7, 100), 7);
    CHECK_INT(longest_event(f, 4097, 20000), 4097);
    CHECK_INT(longest_event(f, -5, 20000), 4096); /* 2.1: means 4096 */
    CHECK_INT(longest_event(f, INT32_MIN, 20000), 4096);
}

/* R-3, R-4 (D12): huge values cost nothing and are kept. */
static void huge_buffer_sizes(fx *f) {
    long before = rss_kib();
    size_t longest = longest_event(f, INT32_MAX, 100000);
    CHECK(longest >= 1 && longest <= 65536);
    if (!SANITIZED) CHECK(rss_kib() - before < 64 * 1024);
}

/* an update applies to the next read, at the latest to the one after the event in flight. */
static void update_of_the_limit(fx *f) {
    int peer;
    chrome_sockets_tcp_properties p = tcp_props(P_BUFFER, NULL, 2, 0);
    int32_t id = connected(f, &peer);
    IS_OK(tcp_update(f, id, &p));
    peer_text(peer, "1"); /* uses up the read that may still have the old size */
    receive(f, id, "1");
    peer_text(peer, "abcdefgh");
    for (int n = 0; n < 8;) {
        const ev *e = await_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE, id);
        CHECK(e->len >= 1 && e->len <= 2);
        n += (int)e->len;
    }
    close(peer);
}

/* O-9: data, then -100 once, paused, not connected, id alive. */
static void end_of_stream(fx *f) {
    int peer;
    int32_t id = connected(f, &peer);
    const chromesock_socket_info *i;
    peer_text(peer, "tail");
    close(peer);
    receive(f, id, "tail");
    receive_error(f, id, CHROMESOCK_CONNECTION_CLOSED);
    i = info_of(f, id);
    CHECK_INT(i->connected, 0);
    CHECK_INT(i->paused, 1);
    CHECK_STR(i->local_address, NULL);
    CHECK_STR(i->peer_address, NULL);
    IS_OK(tcp_set_paused(f, id, 0)); /* only clears the flag */
    CHECK_INT(info_of(f, id)->paused, 0);
    settle(f);
    no_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE_ERROR, id);
    no_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE, id);
    close_tcp(f, id, 0);
}

/* no half-close: both directions are shut when the end is read. */
static void half_close(fx *f) {
    int peer;
    int32_t id = connected(f, &peer);
    peer_text(peer, "request");
    peer_half_close(peer);
    receive(f, id, "request");
    receive_error(f, id, CHROMESOCK_CONNECTION_CLOSED);
    IS_SEND_FAIL(tcp_send(f, id, "answer", 6), CHROMESOCK_SOCKET_NOT_CONNECTED);
    peer_expect_eof(peer);
    close(peer);
}

/* a paused socket has not read the end, so it can still answer. */
static void half_close_while_paused(fx *f) {
    int peer;
    int32_t id = connected_paused(f, &peer);
    peer_half_close(peer);
    settle(f);
    IS_SENT(tcp_send(f, id, "answer", 6), 6);
    peer_expect(peer, "answer");
    IS_OK(tcp_set_paused(f, id, 0));
    receive_error(f, id, CHROMESOCK_CONNECTION_CLOSED);
    peer_expect_eof(peer);
    close(peer);
}

/* R-7 (D4): reset is -101, not -100; exactly once. */
static void reset_by_the_peer(fx *f) {
    int peer;
    int32_t id = connected(f, &peer);
    peer_reset(peer);
    receive_error(f, id, CHROMESOCK_CONNECTION_RESET);
    CHECK_INT(info_of(f, id)->connected, 0);
    CHECK_INT(info_of(f, id)->paused, 1);
    settle(f);
    no_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE_ERROR, id);
}

/* one byte at a time; events are whole and in order. */
static void byte_by_byte(fx *f) {
    char text[501];
    int peer;
    int32_t id = connected(f, &peer);
    for (int n = 0; n < 500; n++) text[n] = (char)('a' + n % 26);
    text[500] = 0;
    peer_bytewise(peer, text);
    receive(f, id, text);
    close(peer);
}

/* many sockets of one app at once; every stream is whole. */
static void many_streams(fx *f) {
    enum { SOCKETS = 50 };
    int peer[SOCKETS];
    int32_t id[SOCKETS];
    char text[32];
    for (int n = 0; n < SOCKETS; n++) id[n] = connected(f, &peer[n]);
    for (int round = 0; round < 5; round++)
        for (int n = 0; n < SOCKETS; n++) {
            snprintf(text, sizeof text, "%d of %d;", round, n);
            peer_text(peer[n], text);
        }
    for (int n = 0; n < SOCKETS; n++) { /* parts may come joined, so compare the whole text */
        char whole[160] = "";
        for (int k = 0; k < 5; k++) {
            snprintf(text, sizeof text, "%d of %d;", k, n);
            strcat(whole, text);
        }
        receive(f, id[n], whole);
    }
    for (int n = 0; n < SOCKETS; n++) close(peer[n]);
    for (int n = 0; n < SOCKETS; n++) receive_error(f, id[n], CHROMESOCK_CONNECTION_CLOSED);
}

int main(int argc, char **argv) {
    harness_init(argc, argv);
    RUN_ALL_MODES(the_limit_of_an_event);
    RUN_ALL_MODES(huge_buffer_sizes);
    RUN_ALL_MODES(update_of_the_limit);
    RUN_ALL_MODES(end_of_stream);
    RUN_ALL_MODES(half_close);
    RUN_ALL_MODES(half_close_while_paused);
    RUN_ALL_MODES(reset_by_the_peer);
    RUN_ALL_MODES(byte_by_byte);
    RUN_ALL_MODES(many_streams);
    return harness_finish();
}
