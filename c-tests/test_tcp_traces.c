/* The worked traces of tcp.md section 20, step by step (without secure and suspension). */
#include <unistd.h>

#include "harness.h"

/* 20.1 */
static void plain_exchange_peer_closes(fx *f) {
    chrome_sockets_tcp_properties p = tcp_props(CHROME_SOCKETS_TCP_PROPERTIES_BUFFER_SIZE, NULL, 4, 0);
    uint16_t port;
    int listen_fd = peer_listen(&port), peer;
    int32_t id;
    const chromesock_socket_info *i;
    call *c = tcp_create(f, &p, &id);
    IS_OK(c);
    CHECK_INT(id, 1);
    CHECK_INT(c->done->id, 1);
    connect_to(f, id, listen_fd, &peer);
    peer_text(peer, "abcdefghij");
    close(peer);
    receive(f, id, "abcdefghij");
    for (size_t n = 0; n < f->len; n++)
        if (f->events[n]->type == CHROME_SOCKETS_TCP_ON_RECEIVE) CHECK(f->events[n]->len <= 4);
    receive_error(f, id, CHROMESOCK_CONNECTION_CLOSED);
    i = info_of(f, id);
    CHECK_INT(i->connected, 0);
    CHECK_INT(i->paused, 1);
    CHECK_INT(i->buffer_size, 4);
    CHECK_STR(i->local_address, NULL);
    CHECK_STR(i->peer_address, NULL);
    IS_SEND_FAIL(tcp_send(f, id, "x", 1), CHROMESOCK_SOCKET_NOT_CONNECTED);
    IS_OK(tcp_set_paused(f, id, 0));
    connect_to(f, id, listen_fd, &peer);
    no_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE_ERROR, id);
    peer_text(peer, "again");
    receive(f, id, "again");
    close(peer);
    close(listen_fd);
}

/* 20.2 */
static void reconnect_without_unpausing(fx *f) {
    uint16_t port;
    int listen_fd = peer_listen(&port), peer, again;
    int32_t id = connected(f, &peer);
    IS_OK(tcp_disconnect(f, id));
    receive_error(f, id, CHROMESOCK_CONNECTION_CLOSED);
    CHECK_INT(info_of(f, id)->connected, 0);
    CHECK_INT(info_of(f, id)->paused, 1);
    connect_to(f, id, listen_fd, &again);
    peer_text(again, "data");
    settle(f);
    no_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE, id);
    IS_OK(tcp_set_paused(f, id, 0));
    receive(f, id, "data");
    close(again);
    close(peer);
    close(listen_fd);
}

/* 20.3 */
static void disconnect_while_paused_from_the_start(fx *f) {
    int peer;
    int32_t id = connected_paused(f, &peer);
    IS_OK(tcp_disconnect(f, id));
    settle(f);
    no_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE_ERROR, id);
    CHECK_INT(info_of(f, id)->paused, 1);
    close(peer);
}

/* 20.7 */
static void server(fx *f) {
    chrome_sockets_tcp_server_properties p =
        server_props(CHROME_SOCKETS_TCP_SERVER_PROPERTIES_PERSISTENT, NULL, 1);
    const chromesock_socket_info *i;
    int32_t id, client;
    uint16_t port;
    int peer, second;
    IS_OK(server_create(f, &p, &id));
    IS_OK0(server_listen(f, id, "127.0.0.1", 0));
    i = server_info_of(f, id);
    CHECK_STR(i->local_address, "127.0.0.1");
    CHECK_INT(i->paused, 0);
    CHECK_INT(i->persistent, 1);
    port = (uint16_t)i->local_port;
    client = accepted(f, id, port, &peer);
    i = info_of(f, client);
    CHECK_INT(i->connected, 1);
    CHECK_INT(i->paused, 1);
    CHECK_INT(i->persistent, 0);
    CHECK_STR(i->peer_address, "127.0.0.1");
    CHECK_INT(i->peer_port, port_of(peer));
    CHECK_STR(i->local_address, "127.0.0.1"); /* D3 */
    CHECK_INT(i->local_port, port);
    peer_text(peer, "hello");
    settle(f);
    no_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE, client);
    IS_OK(tcp_set_paused(f, client, 0));
    receive(f, client, "hello");
    IS_OK(server_set_paused(f, id, 1));
    second = peer_connect("127.0.0.1", port);
    settle(f);
    no_event(f, CHROME_SOCKETS_TCP_SERVER_ON_ACCEPT, id);
    IS_OK(server_set_paused(f, id, 0));
    await_event(f, CHROME_SOCKETS_TCP_SERVER_ON_ACCEPT, id); /* D2 */
    IS_OK(server_disconnect(f, id));
    peer_text(peer, "still");
    receive(f, client, "still");
    CHECK(peer_try_connect("127.0.0.1", port) < 0); /* the port is free */
    IS_FAIL(server_listen(f, id, "localhost", port), CHROMESOCK_INVALID_ARGUMENT);
    IS_FAIL(server_listen_backlog(f, id, "127.0.0.1", port, 0), CHROMESOCK_INVALID_ARGUMENT);
    IS_OK0(server_listen(f, id, "127.0.0.1", port));
    close(peer);
    close(second);
}

/* 20.8 */
static void cancelled_operations(fx *f) {
    static const size_t big = (size_t)50 << 20;
    char *data = calloc(1, big);
    blackhole b;
    int peer;
    int32_t id = new_tcp(f);
    call *one, *two, *end;
    const ev *e;
    CHECK(data != NULL);
    blackhole_open(&b, "127.0.0.1", 0);
    one = tcp_connect(f, id, "127.0.0.1", b.port);
    end = tcp_disconnect(f, id);
    IS_FAIL(one, CHROMESOCK_ABORTED);
    IS_OK(end);
    CHECK(one->done->seq < end->done->seq);
    blackhole_close(&b);
    id = connected(f, &peer);
    one = tcp_send(f, id, data, big);
    two = tcp_send(f, id, "x", 1);
    end = tcp_close(f, id);
    IS_SEND_FAIL(one, CHROMESOCK_SOCKET_NOT_CONNECTED);
    IS_SEND_FAIL(two, CHROMESOCK_SOCKET_NOT_CONNECTED);
    IS_OK(end);
    e = await_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE_ERROR, id);
    CHECK_INT(e->result, CHROMESOCK_CONNECTION_CLOSED);
    CHECK(one->done->seq < two->done->seq && two->done->seq < end->done->seq);
    CHECK(end->done->seq < e->seq);
    free(data);
    close(peer);
}

int main(int argc, char **argv) {
    harness_init(argc, argv);
    RUN_ALL_MODES(plain_exchange_peer_closes);
    RUN_ALL_MODES(reconnect_without_unpausing);
    RUN_ALL_MODES(disconnect_while_paused_from_the_start);
    RUN_ALL_MODES(server);
    RUN_ALL_MODES(cancelled_operations);
    return harness_finish();
}
