#include "calls_socket.h"

#include <unistd.h>

call *sock_create(fx *f, int32_t type, int32_t *id) {
    call *c = call_entered(f, CHROME_SOCKET_CREATE, 0);
    return MADE(c, chrome_socket_create(f->app, type, id, f->callback, c));
}
call *sock_connect(fx *f, int32_t id, const char *host, int32_t port) {
    call *c = call_entered(f, CHROME_SOCKET_CONNECT, id);
    return MADE(c, chrome_socket_connect(f->app, id, host, port, f->callback, c));
}
call *sock_bind(fx *f, int32_t id, const char *address, int32_t port) {
    call *c = call_entered(f, CHROME_SOCKET_BIND, id);
    return MADE(c, chrome_socket_bind(f->app, id, address, port, f->callback, c));
}
call *sock_disconnect(fx *f, int32_t id) {
    call *c = call_entered(f, CHROME_SOCKET_DISCONNECT, id);
    return MADE(c, chrome_socket_disconnect(f->app, id, f->callback, c));
}
call *sock_destroy(fx *f, int32_t id) {
    call *c = call_entered(f, CHROME_SOCKET_DESTROY, id);
    return MADE(c, chrome_socket_destroy(f->app, id, f->callback, c));
}
call *sock_read(fx *f, int32_t id, int32_t size) {
    call *c = call_entered(f, CHROME_SOCKET_READ, id);
    const int32_t *given = size == NOT_GIVEN ? NULL : &size;
    return MADE(c, chrome_socket_read(f->app, id, given, f->callback, c));
}
call *sock_write(fx *f, int32_t id, const void *data, size_t len) {
    call *c = call_entered(f, CHROME_SOCKET_WRITE, id);
    return MADE(c, chrome_socket_write(f->app, id, data, len, f->callback, c));
}
call *sock_text(fx *f, int32_t id, const char *text) { return sock_write(f, id, text, strlen(text)); }
call *sock_recv_from(fx *f, int32_t id, int32_t size) {
    call *c = call_entered(f, CHROME_SOCKET_RECV_FROM, id);
    const int32_t *given = size == NOT_GIVEN ? NULL : &size;
    return MADE(c, chrome_socket_recv_from(f->app, id, given, f->callback, c));
}
call *sock_send_to(fx *f, int32_t id, const void *data, size_t len, const char *address, int32_t port) {
    call *c = call_entered(f, CHROME_SOCKET_SEND_TO, id);
    return MADE(c, chrome_socket_send_to(f->app, id, data, len, address, port, f->callback, c));
}
call *sock_listen(fx *f, int32_t id, const char *address, int32_t port, int32_t backlog) {
    call *c = call_entered(f, CHROME_SOCKET_LISTEN, id);
    const int32_t *given = backlog == NOT_GIVEN ? NULL : &backlog;
    return MADE(c, chrome_socket_listen(f->app, id, address, port, given, f->callback, c));
}
call *sock_accept(fx *f, int32_t id) {
    call *c = call_entered(f, CHROME_SOCKET_ACCEPT, id);
    return MADE(c, chrome_socket_accept(f->app, id, f->callback, c));
}
call *sock_set_keep_alive(fx *f, int32_t id, int enable, int32_t delay) {
    call *c = call_entered(f, CHROME_SOCKET_SET_KEEP_ALIVE, id);
    return MADE(c, chrome_socket_set_keep_alive(f->app, id, (chromesock_bool)enable, delay,
                                                f->callback, c));
}
call *sock_set_no_delay(fx *f, int32_t id, int no_delay) {
    call *c = call_entered(f, CHROME_SOCKET_SET_NO_DELAY, id);
    return MADE(c, chrome_socket_set_no_delay(f->app, id, (chromesock_bool)no_delay, f->callback, c));
}
call *sock_get_info(fx *f, int32_t id) {
    call *c = call_entered(f, CHROME_SOCKET_GET_INFO, id);
    return MADE(c, chrome_socket_get_info(f->app, id, f->callback, c));
}
call *sock_get_network_list(fx *f) {
    call *c = call_entered(f, CHROME_SOCKET_GET_NETWORK_LIST, 0);
    return MADE(c, chrome_socket_get_network_list(f->app, f->callback, c));
}
call *sock_join(fx *f, int32_t id, const char *group) {
    call *c = call_entered(f, CHROME_SOCKET_JOIN_GROUP, id);
    return MADE(c, chrome_socket_join_group(f->app, id, group, f->callback, c));
}
call *sock_leave(fx *f, int32_t id, const char *group) {
    call *c = call_entered(f, CHROME_SOCKET_LEAVE_GROUP, id);
    return MADE(c, chrome_socket_leave_group(f->app, id, group, f->callback, c));
}
call *sock_set_ttl(fx *f, int32_t id, int32_t ttl) {
    call *c = call_entered(f, CHROME_SOCKET_SET_MULTICAST_TIME_TO_LIVE, id);
    return MADE(c, chrome_socket_set_multicast_time_to_live(f->app, id, ttl, f->callback, c));
}
call *sock_set_loopback(fx *f, int32_t id, int enabled) {
    call *c = call_entered(f, CHROME_SOCKET_SET_MULTICAST_LOOPBACK_MODE, id);
    return MADE(c, chrome_socket_set_multicast_loopback_mode(f->app, id, (chromesock_bool)enabled,
                                                             f->callback, c));
}
call *sock_get_groups(fx *f, int32_t id) {
    call *c = call_entered(f, CHROME_SOCKET_GET_JOINED_GROUPS, id);
    return MADE(c, chrome_socket_get_joined_groups(f->app, id, f->callback, c));
}

/* ---- what a completion says ---- */

void result_at(const char *file, int line, const ev *e, int32_t code) {
    check_str_at(file, line, "message", e->message, NULL);
    check_int_at(file, line, "present & RESULT", e->present & CHROMESOCK_EVENT_RESULT,
                 CHROMESOCK_EVENT_RESULT);
    check_int_at(file, line, "result", e->result, code);
    check_int_at(file, line, "present & BYTES_SENT", e->present & CHROMESOCK_EVENT_BYTES_SENT, 0);
}

enum {
    READ_INFO = CHROMESOCK_EVENT_RESULT | CHROMESOCK_EVENT_DATA,
    RECEIVE_INFO = READ_INFO | CHROMESOCK_EVENT_ADDRESS | CHROMESOCK_EVENT_PORT,
};

const ev *read_is_at(const char *file, int line, const ev *e, const void *want, size_t len) {
    check_str_at(file, line, "message", e->message, NULL);
    check_int_at(file, line, "result", e->result, (long long)len);
    check_int_at(file, line, "present", e->present, READ_INFO);
    check_mem_at(file, line, "data", e->data, e->len, want, len);
    return e;
}

void read_failed_at(const char *file, int line, const ev *e, int32_t code, const char *message) {
    check_int_at(file, line, "result", e->result, code);
    check_str_at(file, line, "message", e->message, message);
    check_int_at(file, line, "present", e->present, READ_INFO);
    check_int_at(file, line, "bytes", (long long)e->len, 0);
}

const ev *received_at(const char *file, int line, const ev *e, const void *want, size_t len,
                      uint16_t from_port) {
    check_str_at(file, line, "message", e->message, NULL);
    check_int_at(file, line, "result", e->result, (long long)len);
    check_int_at(file, line, "present", e->present, RECEIVE_INFO);
    check_mem_at(file, line, "data", e->data, e->len, want, len);
    check_str_at(file, line, "address", e->address, "127.0.0.1");
    check_int_at(file, line, "port", e->port, from_port);
    return e;
}

void receive_failed_at(const char *file, int line, const ev *e, int32_t code, const char *message) {
    check_int_at(file, line, "result", e->result, code);
    check_str_at(file, line, "message", e->message, message);
    check_int_at(file, line, "present", e->present, RECEIVE_INFO);
    check_int_at(file, line, "bytes", (long long)e->len, 0);
    check_str_at(file, line, "address", e->address, "");
    check_int_at(file, line, "port", e->port, 0);
}

/* ---- steps ---- */

int32_t new_sock(fx *f, int32_t type) {
    int32_t id = 0;
    call *c = sock_create(f, type, &id);
    IS_OK(c);
    CHECK_INT(c->done->id, id);
    return id;
}

int32_t sock_connected(fx *f, int *peer_fd) {
    uint16_t port;
    int listen_fd = peer_listen(&port);
    int32_t id = new_sock(f, TCP);
    call *c = sock_connect(f, id, "127.0.0.1", port);
    *peer_fd = peer_accept(listen_fd);
    RESULT(c, 0);
    close(listen_fd);
    return id;
}

int32_t sock_listening(fx *f, uint16_t *port) {
    int32_t id = new_sock(f, TCP);
    RESULT(sock_listen(f, id, "127.0.0.1", 0, NOT_GIVEN), 0);
    *port = (uint16_t)SOCK_INFO(f, id, TCP, 0, LOCAL)->local_port;
    CHECK(*port != 0);
    return id;
}

int32_t sock_accepted(fx *f, int32_t server, uint16_t port, int *peer_fd) {
    call *c = sock_accept(f, server);
    *peer_fd = peer_connect("127.0.0.1", port);
    RESULT(c, 0);
    CHECK(c->done->client > 0);
    return c->done->client;
}

int32_t sock_bound(fx *f, uint16_t *port) {
    int32_t id = new_sock(f, UDP);
    RESULT(sock_bind(f, id, "127.0.0.1", 0), 0);
    *port = (uint16_t)SOCK_INFO(f, id, UDP, 0, LOCAL)->local_port;
    CHECK(*port != 0);
    return id;
}

int32_t sock_udp_connected(fx *f, int *peer_fd, uint16_t *port) {
    uint16_t peer_port;
    int32_t id = new_sock(f, UDP);
    const chromesock_socket_info *info;
    *peer_fd = udp_peer(&peer_port);
    RESULT(sock_connect(f, id, "127.0.0.1", peer_port), 0);
    info = SOCK_INFO(f, id, UDP, 1, LOCAL | PEER);
    CHECK_INT(info->peer_port, peer_port);
    *port = (uint16_t)info->local_port;
    return id;
}

const chromesock_socket_info *sock_info_at(const char *file, int line, fx *f, int32_t id, int32_t type,
                                           int connected, uint32_t addresses) {
    const ev *e = await_at(file, line, sock_get_info(f, id));
    const chromesock_socket_info *info;
    ok_at(file, line, e);
    check_int_at(file, line, "present", e->present, CHROMESOCK_EVENT_SOCKETS);
    check_int_at(file, line, "sockets", (long long)e->info_len, 1);
    info = &e->info[0];
    check_int_at(file, line, "socket_id", info->socket_id, id);
    check_int_at(file, line, "socket_type", info->socket_type, type);
    check_int_at(file, line, "connected", info->connected, connected);
    check_int_at(file, line, "members", info->present,
                 CHROMESOCK_SOCKET_INFO_TYPE | CHROMESOCK_SOCKET_INFO_CONNECTED | addresses);
    if (!(addresses & CHROMESOCK_SOCKET_INFO_LOCAL))
        check_str_at(file, line, "local_address", info->local_address, NULL);
    if (!(addresses & CHROMESOCK_SOCKET_INFO_PEER))
        check_str_at(file, line, "peer_address", info->peer_address, NULL);
    return info;
}
