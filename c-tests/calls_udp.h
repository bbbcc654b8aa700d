/* One wrapper per method of chrome.sockets.udp, and the steps its tests share. */
#ifndef CHROMESOCK_TEST_CALLS_UDP_H
#define CHROMESOCK_TEST_CALLS_UDP_H

#include "harness.h"

call *udp_create(fx *f, const chrome_sockets_udp_properties *properties, int32_t *id);
call *udp_update(fx *f, int32_t id, const chrome_sockets_udp_properties *properties);
call *udp_set_paused(fx *f, int32_t id, int paused);
call *udp_bind(fx *f, int32_t id, const char *address, int32_t port);
call *udp_send_type(fx *f, int32_t id, const void *data, size_t len, const char *address, int32_t port,
                    int32_t type);
call *udp_send(fx *f, int32_t id, const void *data, size_t len, const char *address, int32_t port);
call *udp_text(fx *f, int32_t id, const char *text, const char *address, int32_t port);
call *udp_close(fx *f, int32_t id);
call *udp_get_info(fx *f, int32_t id);
call *udp_get_sockets(fx *f);
call *udp_join(fx *f, int32_t id, const char *group);
call *udp_leave(fx *f, int32_t id, const char *group);
call *udp_set_ttl(fx *f, int32_t id, int32_t ttl);
call *udp_set_loopback(fx *f, int32_t id, int enabled);
call *udp_get_groups(fx *f, int32_t id);
call *udp_set_broadcast(fx *f, int32_t id, int enabled);

chrome_sockets_udp_properties udp_props(uint32_t present, const char *name, int32_t buffer_size,
                                        int persistent);
enum {
    UDP_PERSISTENT = CHROME_SOCKETS_UDP_PROPERTIES_PERSISTENT,
    UDP_NAME = CHROME_SOCKETS_UDP_PROPERTIES_NAME,
    UDP_BUFFER_SIZE = CHROME_SOCKETS_UDP_PROPERTIES_BUFFER_SIZE,
};

int32_t new_udp(fx *f);
int32_t bound_on(fx *f, const char *address, uint16_t *port);   /* *port is set */
int32_t bound(fx *f, uint16_t *port);                           /* on 127.0.0.1 */
int32_t bound_with(fx *f, const chrome_sockets_udp_properties *p, uint16_t *port);
const chromesock_socket_info *udp_info_of(fx *f, int32_t id);
void resize_buffer(fx *f, int32_t id, int32_t size);
void close_udp(fx *f, int32_t id);

/* The next onReceive of the socket is this datagram; the event is handed back. */
const ev *datagram_at(const char *file, int line, fx *f, int32_t id, const void *want, size_t len);
#define datagram(f, id, text) datagram_at(__FILE__, __LINE__, f, id, text, strlen(text))
#define datagram_bytes(f, id, data, len) datagram_at(__FILE__, __LINE__, f, id, data, len)
#define no_datagram(f, id) no_event(f, CHROME_SOCKETS_UDP_ON_RECEIVE, id)
#define udp_error(f, id, code) \
    error_event_at(__FILE__, __LINE__, f, CHROME_SOCKETS_UDP_ON_RECEIVE_ERROR, id, code)
#define no_udp_error(f, id) no_event(f, CHROME_SOCKETS_UDP_ON_RECEIVE_ERROR, id)

void groups_are_at(const char *file, int line, const ev *e, const char *const *want);
#define GROUPS_ARE(c, ...) \
    groups_are_at(__FILE__, __LINE__, await(c), (const char *const[]){__VA_ARGS__, NULL})
#define NO_GROUPS(c) groups_are_at(__FILE__, __LINE__, await(c), (const char *const[]){NULL})

/* A result that the system decides: 0 as OK(0), else FAIL(code). */
void is_code_at(const char *file, int line, const ev *e, int32_t code);
#define IS_CODE(c, code) is_code_at(__FILE__, __LINE__, await(c), code)

#define QUOTA_EXCEEDED "Exceeded write quota."

#endif
