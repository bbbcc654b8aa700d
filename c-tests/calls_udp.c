#include "calls_udp.h"

call *udp_create(fx *f, const chrome_sockets_udp_properties *properties, int32_t *id) {
    call *c = call_entered(f, CHROME_SOCKETS_UDP_CREATE, 0);
    return MADE(c, chrome_sockets_udp_create(f->app, properties, id, f->callback, c));
}
call *udp_update(fx *f, int32_t id, const chrome_sockets_udp_properties *properties) {
    call *c = call_entered(f, CHROME_SOCKETS_UDP_UPDATE, id);
    return MADE(c, chrome_sockets_udp_update(f->app, id, properties, f->callback, c));
}
call *udp_set_paused(fx *f, int32_t id, int paused) {
    call *c = call_entered(f, CHROME_SOCKETS_UDP_SET_PAUSED, id);
    return MADE(c, chrome_sockets_udp_set_paused(f->app, id, (chromesock_bool)paused, f->callback, c));
}
call *udp_bind(fx *f, int32_t id, const char *address, int32_t port) {
    call *c = call_entered(f, CHROME_SOCKETS_UDP_BIND, id);
    return MADE(c, chrome_sockets_udp_bind(f->app, id, address, port, f->callback, c));
}
call *udp_send_type(fx *f, int32_t id, const void *data, size_t len, const char *address, int32_t port,
                    int32_t type) {
    call *c = call_entered(f, CHROME_SOCKETS_UDP_SEND, id);
    return MADE(c, chrome_sockets_udp_send(f->app, id, data, len, address, port, type, f->callback, c));
}
call *udp_send(fx *f, int32_t id, const void *data, size_t len, const char *address, int32_t port) {
    return udp_send_type(f, id, data, len, address, port, CHROME_SOCKETS_DNS_QUERY_TYPE_ANY);
}
call *udp_text(fx *f, int32_t id, const char *text, const char *address, int32_t port) {
    return udp_send(f, id, text, strlen(text), address, port);
}
call *udp_close(fx *f, int32_t id) {
    call *c = call_entered(f, CHROME_SOCKETS_UDP_CLOSE, id);
    return MADE(c, chrome_sockets_udp_close(f->app, id, f->callback, c));
}
call *udp_get_info(fx *f, int32_t id) {
    call *c = call_entered(f, CHROME_SOCKETS_UDP_GET_INFO, id);
    return MADE(c, chrome_sockets_udp_get_info(f->app, id, f->callback, c));
}
call *udp_get_sockets(fx *f) {
    call *c = call_entered(f, CHROME_SOCKETS_UDP_GET_SOCKETS, 0);
    return MADE(c, chrome_sockets_udp_get_sockets(f->app, f->callback, c));
}
call *udp_join(fx *f, int32_t id, const char *group) {
    call *c = call_entered(f, CHROME_SOCKETS_UDP_JOIN_GROUP, id);
    return MADE(c, chrome_sockets_udp_join_group(f->app, id, group, f->callback, c));
}
call *udp_leave(fx *f, int32_t id, const char *group) {
    call *c = call_entered(f, CHROME_SOCKETS_UDP_LEAVE_GROUP, id);
    return MADE(c, chrome_sockets_udp_leave_group(f->app, id, group, f->callback, c));
}
call *udp_set_ttl(fx *f, int32_t id, int32_t ttl) {
    call *c = call_entered(f, CHROME_SOCKETS_UDP_SET_MULTICAST_TIME_TO_LIVE, id);
    return MADE(c, chrome_sockets_udp_set_multicast_time_to_live(f->app, id, ttl, f->callback, c));
}
call *udp_set_loopback(fx *f, int32_t id, int enabled) {
    call *c = call_entered(f, CHROME_SOCKETS_UDP_SET_MULTICAST_LOOPBACK_MODE, id);
    return MADE(c, chrome_sockets_udp_set_multicast_loopback_mode(f->app, id, (chromesock_bool)enabled,
                                                                  f->callback, c));
}
call *udp_get_groups(fx *f, int32_t id) {
    call *c = call_entered(f, CHROME_SOCKETS_UDP_GET_JOINED_GROUPS, id);
    return MADE(c, chrome_sockets_udp_get_joined_groups(f->app, id, f->callback, c));
}
call *udp_set_broadcast(fx *f, int32_t id, int enabled) {
    call *c = call_entered(f, CHROME_SOCKETS_UDP_SET_BROADCAST, id);
    return MADE(c,
                chrome_sockets_udp_set_broadcast(f->app, id, (chromesock_bool)enabled, f->callback, c));
}

chrome_sockets_udp_properties udp_props(uint32_t present, const char *name, int32_t buffer_size,
                                        int persistent) {
    chrome_sockets_udp_properties p;
    memset(&p, 0, sizeof p);
    p.size = sizeof p;
    p.present = present;
    p.name = name;
    p.buffer_size = buffer_size;
    p.persistent = (chromesock_bool)persistent;
    return p;
}

/* ---- steps ---- */

static int32_t new_with(fx *f, const chrome_sockets_udp_properties *p) {
    int32_t id = 0;
    call *c = udp_create(f, p, &id);
    IS_OK(c);
    CHECK_INT(c->done->id, id);
    return id;
}

int32_t new_udp(fx *f) { return new_with(f, NULL); }

static int32_t bind_new(fx *f, int32_t id, const char *address, uint16_t *port) {
    IS_OK0(udp_bind(f, id, address, 0));
    *port = (uint16_t)udp_info_of(f, id)->local_port;
    CHECK(*port != 0);
    return id;
}

int32_t bound_on(fx *f, const char *address, uint16_t *port) {
    return bind_new(f, new_udp(f), address, port);
}
int32_t bound(fx *f, uint16_t *port) { return bound_on(f, "127.0.0.1", port); }
int32_t bound_with(fx *f, const chrome_sockets_udp_properties *p, uint16_t *port) {
    return bind_new(f, new_with(f, p), "127.0.0.1", port);
}

const chromesock_socket_info *udp_info_of(fx *f, int32_t id) {
    const ev *e = await(udp_get_info(f, id));
    ok_at(__FILE__, __LINE__, e);
    CHECK_INT(e->present, CHROMESOCK_EVENT_SOCKETS);
    CHECK_INT(e->info_len, 1);
    CHECK_INT(e->info[0].socket_id, id);
    return &e->info[0];
}

void resize_buffer(fx *f, int32_t id, int32_t size) {
    chrome_sockets_udp_properties p = udp_props(UDP_BUFFER_SIZE, NULL, size, 0);
    IS_OK(udp_update(f, id, &p));
}

void close_udp(fx *f, int32_t id) { IS_OK(udp_close(f, id)); }

/* udp.md 2.3: ReceiveInfo has all four members, always. */
const ev *datagram_at(const char *file, int line, fx *f, int32_t id, const void *want, size_t len) {
    const ev *e = await_event_at(file, line, f, CHROME_SOCKETS_UDP_ON_RECEIVE, id);
    check_int_at(file, line, "present", e->present,
                 CHROMESOCK_EVENT_DATA | CHROMESOCK_EVENT_ADDRESS | CHROMESOCK_EVENT_PORT);
    check_mem_at(file, line, "datagram", e->data, e->len, want, len);
    check_str_at(file, line, "message", e->message, NULL);
    if (e->address == NULL || e->port <= 0) fail_at(file, line, "no sender");
    return e;
}

void groups_are_at(const char *file, int line, const ev *e, const char *const *want) {
    size_t n = 0;
    check_str_at(file, line, "message", e->message, NULL);
    check_int_at(file, line, "present", e->present, CHROMESOCK_EVENT_TEXTS);
    for (; want[n]; n++) {
        if (n >= e->texts_len) fail_at(file, line, "group %s is missing", want[n]);
        check_str_at(file, line, "group", e->texts[n], want[n]);
    }
    check_int_at(file, line, "number of groups", (long long)e->texts_len, (long long)n);
}

void is_code_at(const char *file, int line, const ev *e, int32_t code) {
    if (code == 0)
        ok0_at(file, line, e);
    else
        fail_code_at(file, line, e, code, NULL);
}
