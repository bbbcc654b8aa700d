/* sockets.tcp: create, update, getInfo, getSockets, identifiers (tcp.md 1.1, 1.3, 2, 3.1, 3.2). */
#include <unistd.h>

#include "harness.h"

#define P_PERSISTENT CHROME_SOCKETS_TCP_PROPERTIES_PERSISTENT
#define P_NAME CHROME_SOCKETS_TCP_PROPERTIES_NAME
#define P_BUFFER CHROME_SOCKETS_TCP_PROPERTIES_BUFFER_SIZE

/* G-1, 2.1 defaults, 2.2 state "created", G-13 (no properties). */
static void create_with_defaults(fx *f) {
    int32_t first = new_tcp(f), second = new_tcp(f);
    const chromesock_socket_info *i = info_of(f, first);
    CHECK_INT(first, 1);
    CHECK_INT(second, 2);
    CHECK_INT(i->persistent, 0);
    CHECK_INT(i->paused, 0);
    CHECK_INT(i->connected, 0);
    CHECK_STR(i->name, NULL);
    CHECK_STR(i->local_address, NULL);
    CHECK_STR(i->peer_address, NULL);
    CHECK_INT(i->present, CHROMESOCK_SOCKET_INFO_CONNECTED);
}

/* 2.1, 2.2: what was given comes back. */
static void create_with_properties(fx *f) {
    chrome_sockets_tcp_properties p = tcp_props(P_PERSISTENT | P_NAME | P_BUFFER, "näme ☃", 100, 1);
    int32_t id;
    const chromesock_socket_info *i;
    IS_OK(tcp_create(f, &p, &id));
    i = info_of(f, id);
    CHECK_INT(i->persistent, 1);
    CHECK_STR(i->name, "näme ☃");
    CHECK_INT(i->buffer_size, 100);
    CHECK_INT(i->present, CHROMESOCK_SOCKET_INFO_NAME | CHROMESOCK_SOCKET_INFO_BUFFER_SIZE |
                              CHROMESOCK_SOCKET_INFO_CONNECTED);
}

/* Members whose present bit is clear are not looked at. */
static void absent_members_are_not_read(fx *f) {
    chrome_sockets_tcp_properties p = tcp_props(0, (const char *)1, 77, 1);
    int32_t id;
    const chromesock_socket_info *i;
    IS_OK(tcp_create(f, &p, &id));
    i = info_of(f, id);
    CHECK_INT(i->persistent, 0);
    CHECK_STR(i->name, NULL);
    CHECK_INT(i->present & CHROMESOCK_SOCKET_INFO_BUFFER_SIZE, 0);
}

/* The id at once, so calls can be made before the completion; the out-parameter may be
 * NULL. A boolean of 2 is true. */
static void create_gives_the_id_at_once(fx *f) {
    int32_t id = 0;
    chrome_sockets_tcp_properties p = tcp_props(P_PERSISTENT, NULL, 0, 2);
    call *c = tcp_create(f, &p, &id), *u = tcp_set_paused(f, id, 2), *i = tcp_get_info(f, id), *n;
    CHECK(id > 0);
    IS_OK(u);
    IS_OK(c);
    IS_OK(i);
    CHECK_INT(i->done->info[0].paused, 1);
    CHECK_INT(i->done->info[0].persistent, 1);
    CHECK(c->done->seq < u->done->seq && u->done->seq < i->done->seq); /* O-1 */
    n = tcp_create(f, NULL, NULL);
    IS_OK(n);
    CHECK_INT(n->done->id, id + 1);
}

/* 2.1: the update columns. */
static void update_changes_only_what_is_given(fx *f) {
    int32_t id = new_tcp(f);
    chrome_sockets_tcp_properties p = tcp_props(P_NAME, "one", 0, 0);
    const chromesock_socket_info *i;
    IS_OK(tcp_update(f, id, &p));
    p = tcp_props(P_BUFFER, NULL, 10, 0);
    IS_OK(tcp_update(f, id, &p));
    p = tcp_props(P_PERSISTENT, NULL, 0, 1);
    IS_OK(tcp_update(f, id, &p));
    p = tcp_props(0, NULL, 0, 0);
    IS_OK(tcp_update(f, id, &p));
    i = info_of(f, id);
    CHECK_STR(i->name, "one");
    CHECK_INT(i->buffer_size, 10);
    CHECK_INT(i->persistent, 1);
    p = tcp_props(P_NAME | P_PERSISTENT, "", 0, 0);
    IS_OK(tcp_update(f, id, &p));
    i = info_of(f, id);
    CHECK_STR(i->name, NULL); /* the empty string clears it */
    CHECK_INT(i->present & CHROMESOCK_SOCKET_INFO_NAME, 0);
    CHECK_INT(i->persistent, 0);
    CHECK_INT(i->buffer_size, 10);
}

/* 2.1: bufferSize is stored without validation; 2.2: shown only when > 0. */
static void odd_buffer_sizes(fx *f) {
    static const int32_t sizes[] = {0, -1, INT32_MIN, INT32_MAX, 1};
    int32_t id = new_tcp(f);
    for (size_t n = 0; n < sizeof sizes / sizeof sizes[0]; n++) {
        chrome_sockets_tcp_properties p = tcp_props(P_BUFFER, NULL, sizes[n], 0);
        const chromesock_socket_info *i;
        IS_OK(tcp_update(f, id, &p));
        i = info_of(f, id);
        CHECK_INT((i->present & CHROMESOCK_SOCKET_INFO_BUFFER_SIZE) != 0, sizes[n] > 0);
        if (sizes[n] > 0) CHECK_INT(i->buffer_size, sizes[n]);
    }
}

/* 2.1: update works while connecting, connected and paused, and disturbs nothing. */
static void update_in_every_state(fx *f) {
    chrome_sockets_tcp_properties p = tcp_props(P_NAME, "busy", 0, 0);
    blackhole b;
    int peer;
    int32_t id = new_tcp(f);
    call *c;
    blackhole_open(&b, "127.0.0.1", 0);
    c = tcp_connect(f, id, "127.0.0.1", b.port);
    IS_OK(tcp_update(f, id, &p));
    CHECK_STR(info_of(f, id)->name, "busy");
    CHECK_INT(info_of(f, id)->connected, 0); /* 2.2 "connecting" */
    CHECK_STR(info_of(f, id)->peer_address, NULL);
    CHECK(c->done == NULL);
    close_tcp(f, id, 0);
    IS_FAIL(c, CHROMESOCK_ABORTED);
    blackhole_close(&b);
    id = connected(f, &peer);
    IS_OK(tcp_update(f, id, &p));
    peer_text(peer, "still here");
    receive(f, id, "still here");
    IS_OK(tcp_set_paused(f, id, 1));
    IS_OK(tcp_update(f, id, &p));
    CHECK_STR(info_of(f, id)->name, "busy");
    close(peer);
}

/* 2.2 state "connected"; T-1. */
static void info_of_a_connected_socket(fx *f) {
    int peer;
    int32_t id = connected(f, &peer);
    const chromesock_socket_info *i = info_of(f, id);
    CHECK_INT(i->connected, 1);
    CHECK_INT(i->paused, 0);
    CHECK_STR(i->local_address, "127.0.0.1");
    CHECK_STR(i->peer_address, "127.0.0.1");
    CHECK_INT(i->peer_port, port_of(peer));
    CHECK_INT(i->local_port, port_of_peer(peer));
    CHECK_INT(i->present, CHROMESOCK_SOCKET_INFO_CONNECTED | CHROMESOCK_SOCKET_INFO_LOCAL |
                              CHROMESOCK_SOCKET_INFO_PEER);
    close(peer);
}

/* T-1: IPv6 in lower case, compressed, no brackets. */
static void info_with_ipv6(fx *f) {
    uint16_t port = 0;
    int listen_fd = peer_listen_on("::1", &port, 4), peer;
    int32_t id = new_tcp(f);
    const chromesock_socket_info *i;
    call *c = tcp_connect(f, id, "0:0:0:0:0:0:0:1", port);
    peer = peer_accept(listen_fd);
    IS_OK0(c);
    i = info_of(f, id);
    CHECK_STR(i->local_address, "::1");
    CHECK_STR(i->peer_address, "::1");
    close(peer);
    close(listen_fd);
}

/* 2.2: getSockets lists every live socket, ascending; servers are not in it (S2). */
static void get_sockets_is_ascending(fx *f) {
    uint16_t port;
    int peer;
    int32_t a, b, server, client;
    call *c = tcp_get_sockets(f);
    IS_OK(c);
    CHECK(c->done->present & CHROMESOCK_EVENT_SOCKETS);
    CHECK_INT(c->done->info_len, 0);
    a = new_tcp(f);
    b = new_tcp_paused(f);
    server = listening(f, &port);
    client = accepted(f, server, port, &peer);
    c = tcp_get_sockets(f);
    IS_OK(c);
    CHECK_INT(c->done->info_len, 3);
    CHECK_INT(c->done->info[0].socket_id, a);
    CHECK_INT(c->done->info[1].socket_id, b);
    CHECK_INT(c->done->info[1].paused, 1);
    CHECK_INT(c->done->info[2].socket_id, client);
    CHECK_INT(c->done->info[2].connected, 1);
    CHECK_STR(c->done->info[2].peer_address, "127.0.0.1");
    close_tcp(f, a, 0);
    c = tcp_get_sockets(f);
    IS_OK(c);
    CHECK_INT(c->done->info_len, 2);
    CHECK_INT(c->done->info[0].socket_id, b);
    close(peer);
}

/* G-1: never reused, not even after close. */
static void ids_are_not_reused(fx *f) {
    int32_t last = 0;
    for (int n = 0; n < 20; n++) {
        int32_t id = n % 2 ? new_server(f) : new_tcp(f);
        CHECK(id > last);
        last = id;
        if (n % 2)
            IS_OK(server_close(f, id));
        else
            close_tcp(f, id, 0);
    }
}

static void every_tcp_method_fails(fx *f, int32_t id) {
    chrome_sockets_tcp_properties p = tcp_props(P_NAME, "x", 0, 0);
    IS_FAIL_TEXT(tcp_update(f, id, &p), NOT_FOUND);
    IS_FAIL_TEXT(tcp_set_paused(f, id, 1), NOT_FOUND);
    IS_FAIL_TEXT(tcp_connect(f, id, "127.0.0.1", 1), NOT_FOUND);
    IS_FAIL_TEXT(tcp_connect(f, id, "127.0.0.1", 70000), NOT_FOUND); /* G-15: look-up first */
    IS_FAIL_TEXT(tcp_connect(f, id, "", 1), NOT_FOUND);
    IS_FAIL_TEXT(tcp_disconnect(f, id), NOT_FOUND);
    IS_FAIL_TEXT(tcp_send(f, id, "x", 1), NOT_FOUND);
    IS_FAIL_TEXT(tcp_send(f, id, NULL, 0), NOT_FOUND);
    IS_FAIL_TEXT(tcp_close(f, id), NOT_FOUND);
    IS_FAIL_TEXT(tcp_get_info(f, id), NOT_FOUND);
    IS_FAIL_BOTH(tcp_set_keep_alive(f, id, 1, 10), CHROMESOCK_FAILED, NOT_FOUND);
    IS_FAIL_BOTH(tcp_set_no_delay(f, id, 1), CHROMESOCK_FAILED, NOT_FOUND);
}

static void every_server_method_fails(fx *f, int32_t id) {
    chrome_sockets_tcp_server_properties p = server_props(CHROME_SOCKETS_TCP_SERVER_PROPERTIES_NAME,
                                                          "x", 0);
    IS_FAIL_TEXT(server_update(f, id, &p), NOT_FOUND);
    IS_FAIL_TEXT(server_set_paused(f, id, 1), NOT_FOUND);
    IS_FAIL_TEXT(server_listen(f, id, "127.0.0.1", 0), NOT_FOUND);
    IS_FAIL_TEXT(server_listen(f, id, "nonsense", 70000), NOT_FOUND);
    IS_FAIL_TEXT(server_disconnect(f, id), NOT_FOUND);
    IS_FAIL_TEXT(server_close(f, id), NOT_FOUND);
    IS_FAIL_TEXT(server_get_info(f, id), NOT_FOUND);
}

/* 1.3 for unknown and closed ids; a second close is harmless (section 18). */
static void unknown_and_closed_ids(fx *f) {
    static const int32_t ids[] = {0, -1, 12345, INT32_MIN, INT32_MAX};
    int32_t closed = new_tcp(f), closed_server = new_server(f);
    close_tcp(f, closed, 0);
    IS_OK(server_close(f, closed_server));
    every_tcp_method_fails(f, closed);
    every_server_method_fails(f, closed_server);
    for (size_t n = 0; n < sizeof ids / sizeof ids[0]; n++) {
        every_tcp_method_fails(f, ids[n]);
        every_server_method_fails(f, ids[n]);
    }
}

/* S2: one counter for all namespaces; an id of the other namespace is unknown and unharmed. */
static void ids_of_the_wrong_namespace(fx *f) {
    int32_t tcp = new_tcp(f), server = new_server(f), peer_id;
    uint16_t port;
    int peer;
    CHECK_INT(server, tcp + 1);
    IS_OK0(server_listen(f, server, "127.0.0.1", 0));
    port = (uint16_t)server_info_of(f, server)->local_port;
    every_tcp_method_fails(f, server);
    every_server_method_fails(f, tcp);
    CHECK_INT(info_of(f, tcp)->connected, 0);
    peer_id = accepted(f, server, port, &peer); /* the server still works */
    CHECK(peer_id > server);
    every_server_method_fails(f, peer_id); /* G-3: accepted sockets are sockets.tcp */
    close(peer);
}

/* The host's numbers: live ids and accepted calls. */
static void stats_count_sockets(fx *f) {
    int32_t a = new_tcp(f);
    chromesock_app_stats s;
    new_server(f);
    s = fx_stats(f);
    CHECK_INT(s.sockets_open, 2);
    CHECK_INT(s.calls_accepted, f->accepted);
    close_tcp(f, a, 0);
    CHECK_INT(fx_stats(f).sockets_open, 1);
}

int main(int argc, char **argv) {
    harness_init(argc, argv);
    RUN_ALL_MODES(create_with_defaults);
    RUN_ALL_MODES(create_with_properties);
    RUN_ALL_MODES(absent_members_are_not_read);
    RUN_ALL_MODES(create_gives_the_id_at_once);
    RUN_ALL_MODES(update_changes_only_what_is_given);
    RUN_ALL_MODES(odd_buffer_sizes);
    RUN_ALL_MODES(update_in_every_state);
    RUN_ALL_MODES(info_of_a_connected_socket);
    RUN_ALL_MODES(info_with_ipv6);
    RUN_ALL_MODES(get_sockets_is_ascending);
    RUN_ALL_MODES(ids_are_not_reused);
    RUN_ALL_MODES(unknown_and_closed_ids);
    RUN_ALL_MODES(ids_of_the_wrong_namespace);
    RUN_ALL_MODES(stats_count_sockets);
    return harness_finish();
}
