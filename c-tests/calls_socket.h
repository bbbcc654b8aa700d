/* One wrapper per method of chrome.socket, and the steps its tests share. */
#ifndef CHROMESOCK_TEST_CALLS_SOCKET_H
#define CHROMESOCK_TEST_CALLS_SOCKET_H

#include "harness.h"

enum { TCP = CHROME_SOCKET_TYPE_TCP, UDP = CHROME_SOCKET_TYPE_UDP };
enum { NOT_GIVEN = -12345 };   /* for bufferSize and backlog */

call *sock_create(fx *f, int32_t type, int32_t *id);
call *sock_connect(fx *f, int32_t id, const char *host, int32_t port);
call *sock_bind(fx *f, int32_t id, const char *address, int32_t port);
call *sock_disconnect(fx *f, int32_t id);
call *sock_destroy(fx *f, int32_t id);
call *sock_read(fx *f, int32_t id, int32_t buffer_size);
call *sock_write(fx *f, int32_t id, const void *data, size_t len);
call *sock_text(fx *f, int32_t id, const char *text);
call *sock_recv_from(fx *f, int32_t id, int32_t buffer_size);
call *sock_send_to(fx *f, int32_t id, const void *data, size_t len, const char *address, int32_t port);
call *sock_listen(fx *f, int32_t id, const char *address, int32_t port, int32_t backlog);
call *sock_accept(fx *f, int32_t id);
call *sock_set_keep_alive(fx *f, int32_t id, int enable, int32_t delay);
call *sock_set_no_delay(fx *f, int32_t id, int no_delay);
call *sock_get_info(fx *f, int32_t id);
call *sock_get_network_list(fx *f);
call *sock_join(fx *f, int32_t id, const char *group);
call *sock_leave(fx *f, int32_t id, const char *group);
call *sock_set_ttl(fx *f, int32_t id, int32_t ttl);
call *sock_set_loopback(fx *f, int32_t id, int enabled);
call *sock_get_groups(fx *f, int32_t id);

/* ok(code): a number and no message (socket-legacy.md 3). */
void result_at(const char *file, int line, const ev *e, int32_t code);
#define RESULT(c, code) result_at(__FILE__, __LINE__, await(c), code)
/* err(code; text) */
#define RESULT_TEXT(c, code, text) fail_code_at(__FILE__, __LINE__, await(c), code, text)
/* ReadInfo: resultCode and data, always both (2). */
const ev *read_is_at(const char *file, int line, const ev *e, const void *want, size_t len);
void read_failed_at(const char *file, int line, const ev *e, int32_t code, const char *message);
#define READ_TEXT(c, text) read_is_at(__FILE__, __LINE__, await(c), text, strlen(text))
#define READ_BYTES(c, data, len) read_is_at(__FILE__, __LINE__, await(c), data, len)
#define READ_FAILED(c, code) read_failed_at(__FILE__, __LINE__, await(c), code, NULL)
/* RecvFromInfo: resultCode, data, address, port, always all four (2). */
const ev *received_at(const char *file, int line, const ev *e, const void *want, size_t len,
                      uint16_t from_port);
void receive_failed_at(const char *file, int line, const ev *e, int32_t code, const char *message);
#define RECEIVED(c, text, from_port) \
    received_at(__FILE__, __LINE__, await(c), text, strlen(text), from_port)
#define RECEIVED_BYTES(c, data, len, from_port) \
    received_at(__FILE__, __LINE__, await(c), data, len, from_port)
#define RECEIVE_FAILED(c, code) receive_failed_at(__FILE__, __LINE__, await(c), code, NULL)

int32_t new_sock(fx *f, int32_t type);
int32_t sock_connected(fx *f, int *peer_fd);      /* TCP to a raw peer */
int32_t sock_listening(fx *f, uint16_t *port);    /* TCP on 127.0.0.1, backlog 5 */
int32_t sock_accepted(fx *f, int32_t server, uint16_t port, int *peer_fd);
int32_t sock_bound(fx *f, uint16_t *port);        /* UDP on 127.0.0.1 */
int32_t sock_udp_connected(fx *f, int *peer_fd, uint16_t *port);   /* own port */
/* getInfo, checked against table 9: which members are there, type and connected. */
const chromesock_socket_info *sock_info_at(const char *file, int line, fx *f, int32_t id, int32_t type,
                                           int connected, uint32_t addresses);
enum { LOCAL = CHROMESOCK_SOCKET_INFO_LOCAL, PEER = CHROMESOCK_SOCKET_INFO_PEER };
#define SOCK_INFO(f, id, type, connected, addresses) \
    sock_info_at(__FILE__, __LINE__, f, id, type, connected, addresses)

#define PORT_RANGE "Port must be a value between 0 and 65535."
#define NO_DNS "DNS resolution failed"
#define COULD_NOT_LISTEN "Could not listen on the specified port."
#define ONLY_UDP "Only UDP socket supports multicast."
#define NO_TCP_BIND "TCP socket does not support bind. For TCP server please use listen."
#define NOT_BOTH "Cannot call both connect and listen on the same socket."
#define WRONG_TYPE "Socket type does not support this API"
#define QUOTA_EXCEEDED "Exceeded write quota."

#endif
