/* The members of the API: how C calls each one, and its result in Chrome's shape. */
#include <stdlib.h>
#include <string.h>

#include "cases_run.h"

/* ---- arguments ---- */

static const cJSON *given(const cJSON *args, int i) {
    const cJSON *item = cJSON_GetArrayItem(args, i);
    return item == NULL || cJSON_IsNull(item) ? NULL : item;
}

static const cJSON *wanted(const cJSON *args, int i) {
    const cJSON *item = given(args, i);
    if (item == NULL) give_up("%s: argument %d is missing", cJSON_GetArrayItem(args, 0)->valuestring, i);
    return item;
}

static int32_t integer(const cJSON *args, int i) { return (int32_t)wanted(args, i)->valuedouble; }
static const char *text(const cJSON *args, int i) { return wanted(args, i)->valuestring; }
static chromesock_bool boolean(const cJSON *args, int i) { return cJSON_IsTrue(wanted(args, i)); }

/* NULL when absent. */
static const int32_t *optional(const cJSON *args, int i, int32_t *room) {
    if (given(args, i) == NULL) return NULL;
    *room = integer(args, i);
    return room;
}

static bytes data(const cJSON *args, int i) {
    return bytes_of(cJSON_GetObjectItem(wanted(args, i), "data")->valuestring);
}

static int32_t query_type(const cJSON *args, int i) {
    if (given(args, i) == NULL) return CHROME_SOCKETS_DNS_QUERY_TYPE_ANY;
    if (strcmp(text(args, i), "ipv4") == 0) return CHROME_SOCKETS_DNS_QUERY_TYPE_IPV4;
    if (strcmp(text(args, i), "ipv6") == 0) return CHROME_SOCKETS_DNS_QUERY_TYPE_IPV6;
    return CHROME_SOCKETS_DNS_QUERY_TYPE_ANY;
}

/* The three property structs have these members in common; bufferSize is not in all of them. */
#define PROPERTIES(struct_name, BITS)                                                     \
    static struct struct_name *struct_name##_of(const cJSON *object, struct struct_name *p) { \
        const cJSON *member;                                                              \
        if (object == NULL) return NULL;                                                  \
        memset(p, 0, sizeof *p);                                                          \
        p->size = sizeof *p;                                                              \
        if ((member = cJSON_GetObjectItem(object, "persistent")) != NULL) {               \
            p->present |= BITS##_PERSISTENT;                                              \
            p->persistent = cJSON_IsTrue(member);                                         \
        }                                                                                 \
        if ((member = cJSON_GetObjectItem(object, "name")) != NULL) {                     \
            p->present |= BITS##_NAME;                                                    \
            p->name = member->valuestring;                                                \
        }                                                                                 \
        BITS##_REST                                                                       \
        return p;                                                                         \
    }
#define BUFFER_SIZE(BITS)                                                 \
    if ((member = cJSON_GetObjectItem(object, "bufferSize")) != NULL) {   \
        p->present |= BITS##_BUFFER_SIZE;                                 \
        p->buffer_size = member->valueint;                                \
    }
#define CHROME_SOCKETS_TCP_PROPERTIES_REST BUFFER_SIZE(CHROME_SOCKETS_TCP_PROPERTIES)
#define CHROME_SOCKETS_UDP_PROPERTIES_REST BUFFER_SIZE(CHROME_SOCKETS_UDP_PROPERTIES)
#define CHROME_SOCKETS_TCP_SERVER_PROPERTIES_REST
PROPERTIES(chrome_sockets_tcp_properties, CHROME_SOCKETS_TCP_PROPERTIES)
PROPERTIES(chrome_sockets_udp_properties, CHROME_SOCKETS_UDP_PROPERTIES)
PROPERTIES(chrome_sockets_tcp_server_properties, CHROME_SOCKETS_TCP_SERVER_PROPERTIES)

/* {tlsVersion: {min, max}}; texts that are absent stay NULL. */
static const chrome_sockets_tcp_secure_options *secure_options(const cJSON *object,
                                                               chrome_sockets_tcp_secure_options *o) {
    const cJSON *version = cJSON_GetObjectItem(object, "tlsVersion");
    if (object == NULL) return NULL;
    memset(o, 0, sizeof *o);
    o->size = sizeof *o;
    o->tls_version_min = cJSON_GetStringValue(cJSON_GetObjectItem(version, "min"));
    o->tls_version_max = cJSON_GetStringValue(cJSON_GetObjectItem(version, "max"));
    return o;
}

/* ---- calls: one function per member, by the shape of its arguments ---- */

#define CALL(name) \
    static chromesock_status call_##name(chromesock_app *app, const cJSON *args, chromesock_callback cb, void *u)
#define NONE(name) CALL(name) { (void)args; return chrome_##name(app, cb, u); }
#define ID(name) CALL(name) { return chrome_##name(app, integer(args, 1), cb, u); }
#define ID_BOOL(name) CALL(name) { return chrome_##name(app, integer(args, 1), boolean(args, 2), cb, u); }
#define ID_INT(name) CALL(name) { return chrome_##name(app, integer(args, 1), integer(args, 2), cb, u); }
#define ID_TEXT(name) CALL(name) { return chrome_##name(app, integer(args, 1), text(args, 2), cb, u); }
#define ID_TEXT_INT(name) \
    CALL(name) { return chrome_##name(app, integer(args, 1), text(args, 2), integer(args, 3), cb, u); }
#define ID_OPTIONAL(name)                                                                   \
    CALL(name) {                                                                            \
        int32_t room;                                                                       \
        return chrome_##name(app, integer(args, 1), optional(args, 2, &room), cb, u);       \
    }
#define LISTEN(name)                                                                        \
    CALL(name) {                                                                            \
        int32_t room;                                                                       \
        return chrome_##name(app, integer(args, 1), text(args, 2), integer(args, 3),        \
                             optional(args, 4, &room), cb, u);                              \
    }
#define KEEP_ALIVE(name)                                                                    \
    CALL(name) {                                                                            \
        int32_t room = 0;                                                                   \
        optional(args, 3, &room);                                                           \
        return chrome_##name(app, integer(args, 1), boolean(args, 2), room, cb, u);         \
    }
#define ID_DATA(name)                                                                       \
    CALL(name) {                                                                            \
        bytes b = data(args, 2);                                                            \
        chromesock_status status = chrome_##name(app, integer(args, 1), b.at, b.len, cb, u); \
        free(b.at);                                                                         \
        return status;                                                                      \
    }
#define CREATE(name, properties)                                                            \
    CALL(name##_create) {                                                                   \
        struct properties p;                                                                \
        return chrome_##name##_create(app, properties##_of(given(args, 1), &p), NULL, cb, u); \
    }                                                                                       \
    CALL(name##_update) {                                                                   \
        struct properties p;                                                                \
        return chrome_##name##_update(app, integer(args, 1), properties##_of(wanted(args, 2), &p), cb, u); \
    }

#define SECURE(name)                                                                        \
    CALL(name) {                                                                            \
        chrome_sockets_tcp_secure_options o;                                                \
        return chrome_##name(app, integer(args, 1), secure_options(given(args, 2), &o), cb, u); \
    }

CREATE(sockets_tcp, chrome_sockets_tcp_properties)
ID_BOOL(sockets_tcp_set_paused)
KEEP_ALIVE(sockets_tcp_set_keep_alive)
ID_BOOL(sockets_tcp_set_no_delay)
CALL(sockets_tcp_connect) {
    return chrome_sockets_tcp_connect(app, integer(args, 1), text(args, 2), integer(args, 3),
                                      query_type(args, 4), cb, u);
}
ID(sockets_tcp_disconnect)
SECURE(sockets_tcp_secure)
ID_DATA(sockets_tcp_send)
ID(sockets_tcp_close)
ID(sockets_tcp_get_info)
NONE(sockets_tcp_get_sockets)

CREATE(sockets_tcp_server, chrome_sockets_tcp_server_properties)
ID_BOOL(sockets_tcp_server_set_paused)
LISTEN(sockets_tcp_server_listen)
ID(sockets_tcp_server_disconnect)
ID(sockets_tcp_server_close)
ID(sockets_tcp_server_get_info)
NONE(sockets_tcp_server_get_sockets)

CREATE(sockets_udp, chrome_sockets_udp_properties)
ID_BOOL(sockets_udp_set_paused)
ID_TEXT_INT(sockets_udp_bind)
CALL(sockets_udp_send) {
    bytes b = data(args, 2);
    chromesock_status status = chrome_sockets_udp_send(app, integer(args, 1), b.at, b.len, text(args, 3),
                                                       integer(args, 4), query_type(args, 5), cb, u);
    free(b.at);
    return status;
}
ID(sockets_udp_close)
ID(sockets_udp_get_info)
NONE(sockets_udp_get_sockets)
ID_TEXT(sockets_udp_join_group)
ID_TEXT(sockets_udp_leave_group)
ID_INT(sockets_udp_set_multicast_time_to_live)
ID_BOOL(sockets_udp_set_multicast_loopback_mode)
ID(sockets_udp_get_joined_groups)
ID_BOOL(sockets_udp_set_broadcast)

CALL(socket_create) {
    int32_t type = strcmp(text(args, 1), "udp") == 0 ? CHROME_SOCKET_TYPE_UDP : CHROME_SOCKET_TYPE_TCP;
    return chrome_socket_create(app, type, NULL, cb, u);
}
ID(socket_destroy)
ID_TEXT_INT(socket_connect)
ID_TEXT_INT(socket_bind)
ID(socket_disconnect)
ID_OPTIONAL(socket_read)
ID_DATA(socket_write)
ID_OPTIONAL(socket_recv_from)
CALL(socket_send_to) {
    bytes b = data(args, 2);
    chromesock_status status = chrome_socket_send_to(app, integer(args, 1), b.at, b.len, text(args, 3),
                                                     integer(args, 4), cb, u);
    free(b.at);
    return status;
}
LISTEN(socket_listen)
ID(socket_accept)
KEEP_ALIVE(socket_set_keep_alive)
ID_BOOL(socket_set_no_delay)
ID(socket_get_info)
NONE(socket_get_network_list)
ID_TEXT(socket_join_group)
ID_TEXT(socket_leave_group)
ID_INT(socket_set_multicast_time_to_live)
ID_BOOL(socket_set_multicast_loopback_mode)
ID(socket_get_joined_groups)
SECURE(socket_secure)

/* ---- results ---- */

#define VALUE(name) static cJSON *name(const chromesock_event *e)

static cJSON *object(void) { return must(cJSON_CreateObject()); }

static void put_int(cJSON *to, const char *name, double value) {
    must(cJSON_AddNumberToObject(to, name, value));
}

static void put_text(cJSON *to, const char *name, const char *value) {
    must(cJSON_AddStringToObject(to, name, value));
}

static void put_bool(cJSON *to, const char *name, int value) { must(cJSON_AddBoolToObject(to, name, value)); }

static void put_data(cJSON *to, const chromesock_event *e) {
    char *shown = text_of(e->data, e->data_len);
    put_text(to, "data", shown);
    free(shown);
}

static void put_address(cJSON *to, const char *address, const char *port, const chromesock_event *e) {
    put_text(to, address, e->address);
    put_int(to, port, e->port);
}

VALUE(nothing) {
    (void)e;
    return NULL;
}

VALUE(created) {
    cJSON *to = object();
    put_int(to, "socketId", e->socket_id);
    return to;
}

VALUE(number) {
    return e->present & CHROMESOCK_EVENT_RESULT ? must(cJSON_CreateNumber(e->result)) : NULL;
}

VALUE(truth) {
    return e->present & CHROMESOCK_EVENT_RESULT ? must(cJSON_CreateBool(e->result > 0)) : NULL;
}

/* An object around `result`, when the event has one. */
static cJSON *result_in(const char *name, const chromesock_event *e) {
    cJSON *to;
    if (!(e->present & CHROMESOCK_EVENT_RESULT)) return NULL;
    to = object();
    put_int(to, name, e->result);
    return to;
}

VALUE(sent) {
    cJSON *to = result_in("resultCode", e);
    if (to && e->present & CHROMESOCK_EVENT_BYTES_SENT) put_int(to, "bytesSent", (double)e->bytes_sent);
    return to;
}

VALUE(written) { return result_in("bytesWritten", e); }

/* socket-legacy.md 4.9: a failure with a message is the bare number. */
VALUE(sent_to) { return e->message ? number(e) : written(e); }

VALUE(was_read) {
    cJSON *to = result_in("resultCode", e);
    if (to) put_data(to, e);
    return to;
}

VALUE(received_from) {
    cJSON *to = was_read(e);
    if (to) put_address(to, "address", "port", e);
    return to;
}

VALUE(accepted) {
    cJSON *to = result_in("resultCode", e);
    if (to && e->client_socket_id) put_int(to, "socketId", e->client_socket_id);
    return to;
}

static void put_ends(cJSON *to, const chromesock_socket_info *info) {
    if (info->present & CHROMESOCK_SOCKET_INFO_CONNECTED) put_bool(to, "connected", info->connected);
    if (info->present & CHROMESOCK_SOCKET_INFO_LOCAL) {
        put_text(to, "localAddress", info->local_address);
        put_int(to, "localPort", info->local_port);
    }
    if (info->present & CHROMESOCK_SOCKET_INFO_PEER) {
        put_text(to, "peerAddress", info->peer_address);
        put_int(to, "peerPort", info->peer_port);
    }
}

static cJSON *info_at(const chromesock_event *e, size_t i) {
    /* the size of the array's members is the library's, not this program's */
    const chromesock_socket_info *info =
        (const void *)((const char *)e->sockets + i * e->sockets->size);
    cJSON *to = object();
    put_int(to, "socketId", info->socket_id);
    put_bool(to, "persistent", info->persistent);
    put_bool(to, "paused", info->paused);
    if (info->present & CHROMESOCK_SOCKET_INFO_NAME) put_text(to, "name", info->name);
    if (info->present & CHROMESOCK_SOCKET_INFO_BUFFER_SIZE) put_int(to, "bufferSize", info->buffer_size);
    put_ends(to, info);
    return to;
}

VALUE(info) { return e->present & CHROMESOCK_EVENT_SOCKETS ? info_at(e, 0) : NULL; }

VALUE(infos) {
    cJSON *to = must(cJSON_CreateArray());
    for (size_t i = 0; i < e->sockets_len; i++) cJSON_AddItemToArray(to, info_at(e, i));
    return to;
}

VALUE(old_info) {
    cJSON *to;
    if (!(e->present & CHROMESOCK_EVENT_SOCKETS)) return NULL;
    to = object();
    put_text(to, "socketType", e->sockets->socket_type == CHROME_SOCKET_TYPE_UDP ? "udp" : "tcp");
    put_ends(to, e->sockets);
    return to;
}

VALUE(groups) {
    cJSON *to;
    if (!(e->present & CHROMESOCK_EVENT_TEXTS)) return number(e);
    to = must(cJSON_CreateArray());
    for (size_t i = 0; i < e->texts_len; i++)
        cJSON_AddItemToArray(to, must(cJSON_CreateString(e->texts[i])));
    return to;
}

VALUE(networks) {
    const char *at = (const char *)e->interfaces;
    cJSON *to = must(cJSON_CreateArray());
    for (size_t i = 0; i < e->interfaces_len; i++) {
        const chrome_socket_network_interface *one =
            (const void *)(at + i * e->interfaces->size);
        cJSON *entry = object();
        put_text(entry, "name", one->name);
        put_text(entry, "address", one->address);
        put_int(entry, "prefixLength", one->prefix_length);
        cJSON_AddItemToArray(to, entry);
    }
    return to;
}

VALUE(received) {
    cJSON *to = created(e);
    put_data(to, e);
    return to;
}

VALUE(datagram) {
    cJSON *to = received(e);
    put_address(to, "remoteAddress", "remotePort", e);
    return to;
}

VALUE(failed) {
    cJSON *to = created(e);
    put_int(to, "resultCode", e->result);
    return to;
}

VALUE(client) {
    cJSON *to = created(e);
    put_int(to, "clientSocketId", e->client_socket_id);
    return to;
}

/* ---- the table ---- */

static const member members[] = {
#define M(name, TYPE, function, value) {name, CHROME_##TYPE, call_##function, value, 0},
#define SILENT(name, TYPE, function) {name, CHROME_##TYPE, call_##function, nothing, 1},
#define EVENT(name, TYPE, value) {name, CHROME_##TYPE, NULL, value, 0},
    M("sockets.tcp.create", SOCKETS_TCP_CREATE, sockets_tcp_create, created)
    M("sockets.tcp.update", SOCKETS_TCP_UPDATE, sockets_tcp_update, nothing)
    M("sockets.tcp.setPaused", SOCKETS_TCP_SET_PAUSED, sockets_tcp_set_paused, nothing)
    M("sockets.tcp.setKeepAlive", SOCKETS_TCP_SET_KEEP_ALIVE, sockets_tcp_set_keep_alive, number)
    M("sockets.tcp.setNoDelay", SOCKETS_TCP_SET_NO_DELAY, sockets_tcp_set_no_delay, number)
    M("sockets.tcp.connect", SOCKETS_TCP_CONNECT, sockets_tcp_connect, number)
    M("sockets.tcp.disconnect", SOCKETS_TCP_DISCONNECT, sockets_tcp_disconnect, nothing)
    M("sockets.tcp.secure", SOCKETS_TCP_SECURE, sockets_tcp_secure, number)
    M("sockets.tcp.send", SOCKETS_TCP_SEND, sockets_tcp_send, sent)
    M("sockets.tcp.close", SOCKETS_TCP_CLOSE, sockets_tcp_close, nothing)
    M("sockets.tcp.getInfo", SOCKETS_TCP_GET_INFO, sockets_tcp_get_info, info)
    M("sockets.tcp.getSockets", SOCKETS_TCP_GET_SOCKETS, sockets_tcp_get_sockets, infos)
    EVENT("sockets.tcp.onReceive", SOCKETS_TCP_ON_RECEIVE, received)
    EVENT("sockets.tcp.onReceiveError", SOCKETS_TCP_ON_RECEIVE_ERROR, failed)
    M("sockets.tcpServer.create", SOCKETS_TCP_SERVER_CREATE, sockets_tcp_server_create, created)
    M("sockets.tcpServer.update", SOCKETS_TCP_SERVER_UPDATE, sockets_tcp_server_update, nothing)
    M("sockets.tcpServer.setPaused", SOCKETS_TCP_SERVER_SET_PAUSED, sockets_tcp_server_set_paused, nothing)
    M("sockets.tcpServer.listen", SOCKETS_TCP_SERVER_LISTEN, sockets_tcp_server_listen, number)
    M("sockets.tcpServer.disconnect", SOCKETS_TCP_SERVER_DISCONNECT, sockets_tcp_server_disconnect, nothing)
    M("sockets.tcpServer.close", SOCKETS_TCP_SERVER_CLOSE, sockets_tcp_server_close, nothing)
    M("sockets.tcpServer.getInfo", SOCKETS_TCP_SERVER_GET_INFO, sockets_tcp_server_get_info, info)
    M("sockets.tcpServer.getSockets", SOCKETS_TCP_SERVER_GET_SOCKETS, sockets_tcp_server_get_sockets, infos)
    EVENT("sockets.tcpServer.onAccept", SOCKETS_TCP_SERVER_ON_ACCEPT, client)
    EVENT("sockets.tcpServer.onAcceptError", SOCKETS_TCP_SERVER_ON_ACCEPT_ERROR, failed)
    M("sockets.udp.create", SOCKETS_UDP_CREATE, sockets_udp_create, created)
    M("sockets.udp.update", SOCKETS_UDP_UPDATE, sockets_udp_update, nothing)
    M("sockets.udp.setPaused", SOCKETS_UDP_SET_PAUSED, sockets_udp_set_paused, nothing)
    M("sockets.udp.bind", SOCKETS_UDP_BIND, sockets_udp_bind, number)
    M("sockets.udp.send", SOCKETS_UDP_SEND, sockets_udp_send, sent)
    M("sockets.udp.close", SOCKETS_UDP_CLOSE, sockets_udp_close, nothing)
    M("sockets.udp.getInfo", SOCKETS_UDP_GET_INFO, sockets_udp_get_info, info)
    M("sockets.udp.getSockets", SOCKETS_UDP_GET_SOCKETS, sockets_udp_get_sockets, infos)
    M("sockets.udp.joinGroup", SOCKETS_UDP_JOIN_GROUP, sockets_udp_join_group, number)
    M("sockets.udp.leaveGroup", SOCKETS_UDP_LEAVE_GROUP, sockets_udp_leave_group, number)
    M("sockets.udp.setMulticastTimeToLive", SOCKETS_UDP_SET_MULTICAST_TIME_TO_LIVE,
      sockets_udp_set_multicast_time_to_live, number)
    M("sockets.udp.setMulticastLoopbackMode", SOCKETS_UDP_SET_MULTICAST_LOOPBACK_MODE,
      sockets_udp_set_multicast_loopback_mode, number)
    M("sockets.udp.getJoinedGroups", SOCKETS_UDP_GET_JOINED_GROUPS, sockets_udp_get_joined_groups, groups)
    M("sockets.udp.setBroadcast", SOCKETS_UDP_SET_BROADCAST, sockets_udp_set_broadcast, number)
    EVENT("sockets.udp.onReceive", SOCKETS_UDP_ON_RECEIVE, datagram)
    EVENT("sockets.udp.onReceiveError", SOCKETS_UDP_ON_RECEIVE_ERROR, failed)
    M("socket.create", SOCKET_CREATE, socket_create, created)
    SILENT("socket.destroy", SOCKET_DESTROY, socket_destroy)
    M("socket.connect", SOCKET_CONNECT, socket_connect, number)
    M("socket.bind", SOCKET_BIND, socket_bind, number)
    SILENT("socket.disconnect", SOCKET_DISCONNECT, socket_disconnect)
    M("socket.read", SOCKET_READ, socket_read, was_read)
    M("socket.write", SOCKET_WRITE, socket_write, written)
    M("socket.recvFrom", SOCKET_RECV_FROM, socket_recv_from, received_from)
    M("socket.sendTo", SOCKET_SEND_TO, socket_send_to, sent_to)
    M("socket.listen", SOCKET_LISTEN, socket_listen, number)
    M("socket.accept", SOCKET_ACCEPT, socket_accept, accepted)
    M("socket.setKeepAlive", SOCKET_SET_KEEP_ALIVE, socket_set_keep_alive, truth)
    M("socket.setNoDelay", SOCKET_SET_NO_DELAY, socket_set_no_delay, truth)
    M("socket.getInfo", SOCKET_GET_INFO, socket_get_info, old_info)
    M("socket.getNetworkList", SOCKET_GET_NETWORK_LIST, socket_get_network_list, networks)
    M("socket.joinGroup", SOCKET_JOIN_GROUP, socket_join_group, number)
    M("socket.leaveGroup", SOCKET_LEAVE_GROUP, socket_leave_group, number)
    M("socket.setMulticastTimeToLive", SOCKET_SET_MULTICAST_TIME_TO_LIVE,
      socket_set_multicast_time_to_live, number)
    M("socket.setMulticastLoopbackMode", SOCKET_SET_MULTICAST_LOOPBACK_MODE,
      socket_set_multicast_loopback_mode, number)
    M("socket.getJoinedGroups", SOCKET_GET_JOINED_GROUPS, socket_get_joined_groups, groups)
    M("socket.secure", SOCKET_SECURE, socket_secure, number)
};

#define MEMBERS (sizeof members / sizeof members[0])

const member *member_named(const char *name) {
    for (size_t i = 0; i < MEMBERS; i++)
        if (strcmp(members[i].name, name) == 0) return &members[i];
    return NULL;
}

const member *member_of_type(uint32_t type) {
    for (size_t i = 0; i < MEMBERS; i++)
        if (members[i].type == type) return &members[i];
    return NULL;
}

void listen_to_all(chromesock_app *app, chromesock_callback listener, void *user_data) {
    chrome_sockets_tcp_on_receive_add_listener(app, listener, user_data);
    chrome_sockets_tcp_on_receive_error_add_listener(app, listener, user_data);
    chrome_sockets_tcp_server_on_accept_add_listener(app, listener, user_data);
    chrome_sockets_tcp_server_on_accept_error_add_listener(app, listener, user_data);
    chrome_sockets_udp_on_receive_add_listener(app, listener, user_data);
    chrome_sockets_udp_on_receive_error_add_listener(app, listener, user_data);
}
