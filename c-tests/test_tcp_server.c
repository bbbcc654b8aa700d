/* sockets.tcpServer: create, update, info, listen, disconnect, close (tcp.md 8, 9.1, 9.2, 9.4). */
#include <errno.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "calls_socket.h"
#include "harness.h"
#include "peer_udp.h"

#define P_PERSISTENT CHROME_SOCKETS_TCP_SERVER_PROPERTIES_PERSISTENT
#define P_NAME CHROME_SOCKETS_TCP_SERVER_PROPERTIES_NAME

/* 8.1, 8.2, 9.1 */
static void create_update_info(fx *f) {
    chrome_sockets_tcp_server_properties p = server_props(P_NAME | P_PERSISTENT, "srv", 1);
    int32_t plain = new_server(f), id;
    const chromesock_socket_info *i = server_info_of(f, plain);
    CHECK_INT(i->present, 0); /* no name, no connected, no address; bufferSize does not exist */
    CHECK_INT(i->persistent, 0);
    CHECK_INT(i->paused, 0);
    CHECK_STR(i->name, NULL);
    CHECK_STR(i->local_address, NULL);
    IS_OK(server_create(f, &p, &id));
    i = server_info_of(f, id);
    CHECK_STR(i->name, "srv");
    CHECK_INT(i->persistent, 1);
    CHECK_INT(i->present, CHROMESOCK_SOCKET_INFO_NAME);
    p = server_props(P_PERSISTENT, "not looked at", 0);
    IS_OK(server_update(f, id, &p));
    i = server_info_of(f, id);
    CHECK_STR(i->name, "srv");
    CHECK_INT(i->persistent, 0);
    p = server_props(P_NAME, "", 0);
    IS_OK(server_update(f, id, &p));
    CHECK_STR(server_info_of(f, id)->name, NULL);
}

/* 9.1: getSockets, ascending, without tcp sockets. */
static void get_sockets(fx *f) {
    int32_t a, b;
    uint16_t port;
    call *c = server_get_sockets(f);
    IS_OK(c);
    CHECK(c->done->present & CHROMESOCK_EVENT_SOCKETS);
    CHECK_INT(c->done->info_len, 0);
    a = new_server(f);
    new_tcp(f);
    b = listening(f, &port);
    c = server_get_sockets(f);
    IS_OK(c);
    CHECK_INT(c->done->info_len, 2);
    CHECK_INT(c->done->info[0].socket_id, a);
    CHECK_INT(c->done->info[1].socket_id, b);
    CHECK_INT(c->done->info[1].local_port, port);
    IS_OK(server_close(f, a));
    c = server_get_sockets(f);
    IS_OK(c);
    CHECK_INT(c->done->info_len, 1);
}

/* 9.2 step 8, 8.2: the real port is shown; the name stays. */
static void listen_on_a_free_port(fx *f) {
    chrome_sockets_tcp_server_properties p = server_props(P_NAME, "kept", 0);
    int32_t id = new_server(f);
    const chromesock_socket_info *i;
    call *c;
    IS_OK(server_update(f, id, &p));
    c = server_listen(f, id, "127.0.0.1", 0);
    IS_OK0(c);
    CHECK_INT(c->done->id, id);
    i = server_info_of(f, id);
    CHECK_STR(i->local_address, "127.0.0.1");
    CHECK(i->local_port > 0 && i->local_port < 65536);
    CHECK_INT(i->present, CHROMESOCK_SOCKET_INFO_NAME | CHROMESOCK_SOCKET_INFO_LOCAL);
    CHECK_STR(i->name, "kept");
}

/* 9.2 steps 2a, 4, 5, in this order of checks; LS-5; LS-6. */
static void listen_refuses(fx *f) {
    static const int32_t ports[] = {-1, 65536, 70000, INT32_MIN, INT32_MAX};
    static const char *const addresses[] = {"localhost", "*",        "",          "[::1]",
                                            "::1%lo",    "fe80::1%1", "127.0.0.1 ", "1.2.3.4.5",
                                            "example.test", "256.0.0.1"};
    static const int32_t backlogs[] = {0, -1, INT32_MIN};
    int32_t id = new_server(f);
    for (size_t n = 0; n < sizeof ports / sizeof ports[0]; n++)
        IS_FAIL(server_listen(f, id, "127.0.0.1", ports[n]), CHROMESOCK_INVALID_ARGUMENT);
    for (size_t n = 0; n < sizeof addresses / sizeof addresses[0]; n++)
        IS_FAIL(server_listen(f, id, addresses[n], 0), CHROMESOCK_INVALID_ARGUMENT);
    for (size_t n = 0; n < sizeof backlogs / sizeof backlogs[0]; n++)
        IS_FAIL(server_listen_backlog(f, id, "127.0.0.1", 0, backlogs[n]),
                CHROMESOCK_INVALID_ARGUMENT);
    CHECK_STR(server_info_of(f, id)->local_address, NULL); /* 8.2 */
    IS_OK0(server_listen_backlog(f, id, "127.0.0.1", 0, INT32_MAX)); /* LS-5; the OS caps it */
}

/* LS-2: literal forms. */
static void listen_literals(fx *f) {
    static const char *const forms[] = {"127.1", "0x7f.1", "2130706433"};
    for (size_t n = 0; n < sizeof forms / sizeof forms[0]; n++) {
        int32_t id = new_server(f);
        IS_OK0(server_listen(f, id, forms[n], 0));
        CHECK_STR(server_info_of(f, id)->local_address, "127.0.0.1");
        IS_OK(server_close(f, id));
    }
}

/* LS-3: "::" is dual-stack on POSIX; T-1 for the mapped address. */
static void listen_dual_stack(fx *f) {
    int32_t id = new_server(f), client;
    uint16_t port;
    int peer;
    const chromesock_socket_info *i;
    IS_OK0(server_listen(f, id, "::", 0));
    i = server_info_of(f, id);
    CHECK_STR(i->local_address, "::");
    port = (uint16_t)i->local_port;
    client = accepted(f, id, port, &peer);
    i = info_of(f, client);
    CHECK_STR(i->peer_address, "::ffff:7f00:1");
    CHECK_STR(i->local_address, "::ffff:7f00:1");
    close(peer);
    peer = peer_connect("::1", port);
    client = await_event(f, CHROME_SOCKETS_TCP_SERVER_ON_ACCEPT, id)->client;
    CHECK_STR(info_of(f, client)->peer_address, "::1");
    close(peer);
}

/* D12a: a second listen leaves the listener unharmed. It is answered before the address is looked
 * at (step 3 before 4), after the port (2a). */
static void second_listen(fx *f) {
    uint16_t port;
    int peer;
    int32_t id = listening(f, &port);
    IS_FAIL(server_listen(f, id, "127.0.0.1", 0), CHROMESOCK_FAILED);
    IS_FAIL(server_listen(f, id, "nonsense", 0), CHROMESOCK_FAILED);
    IS_FAIL(server_listen_backlog(f, id, "127.0.0.1", 0, 0), CHROMESOCK_FAILED);
    IS_FAIL(server_listen(f, id, "127.0.0.1", 70000), CHROMESOCK_INVALID_ARGUMENT);
    CHECK_INT(server_info_of(f, id)->local_port, port);
    accepted(f, id, port, &peer);
    close(peer);
}

/* LS-4 and the table of 9.2: port in use; address not local; family trouble. */
static void listen_os_errors(fx *f) {
    uint16_t port = quiet_port();
    int fd = peer_listen_on("127.0.0.1", &port, 1);
    int32_t id = new_server(f);
    IS_FAIL(server_listen(f, id, "127.0.0.1", port), CHROMESOCK_ADDRESS_IN_USE);
    IS_FAIL(server_listen(f, id, "198.51.100.7", 0), CHROMESOCK_ADDRESS_INVALID);
    IS_FAIL(server_listen(f, id, "fe80::1", 0), CHROMESOCK_INVALID_ARGUMENT); /* no zone */
    close(fd);
    IS_OK0(server_listen(f, id, "127.0.0.1", port)); /* LS-5 */
}

/* LS-4: a port in TIME_WAIT can be reused at once; SD-2 and section 18: close frees the port before
 * its callback. */
static void port_reuse(fx *f) {
    uint16_t port = quiet_port();
    int peer;
    int32_t id = listening_on(f, port);
    for (int n = 0; n < 5; n++) {
        int32_t client = accepted(f, id, port, &peer);
        close_tcp(f, client, 0); /* the active closer is left in TIME_WAIT */
        peer_expect_eof(peer);
        close(peer);
        if (n % 2) {
            IS_OK(server_close(f, id));
            id = new_server(f);
        } else {
            IS_OK(server_disconnect(f, id));
        }
        CHECK(peer_try_connect("127.0.0.1", port) < 0);
        IS_OK0(server_listen(f, id, "127.0.0.1", port));
    }
}

/* SD-1: OK in any state; properties and paused stay; backlog is reset by the OS; no event. */
static void disconnect_a_server(fx *f) {
    chrome_sockets_tcp_server_properties p = server_props(P_NAME | P_PERSISTENT, "kept", 1);
    uint16_t port;
    int32_t id = new_server(f);
    const chromesock_socket_info *i;
    int waiting;
    IS_OK(server_disconnect(f, id));
    IS_OK(server_update(f, id, &p));
    IS_OK(server_set_paused(f, id, 1));
    IS_OK0(server_listen(f, id, "127.0.0.1", 0));
    port = (uint16_t)server_info_of(f, id)->local_port;
    waiting = peer_connect("127.0.0.1", port); /* stays in the backlog (AC-8) */
    IS_OK(server_disconnect(f, id));
    CHECK(peer_wait_end(waiting) != 0); /* reset, not a clean end */
    i = server_info_of(f, id);
    CHECK_STR(i->local_address, NULL);
    CHECK_INT(i->present & CHROMESOCK_SOCKET_INFO_LOCAL, 0);
    CHECK_STR(i->name, "kept");
    CHECK_INT(i->persistent, 1);
    CHECK_INT(i->paused, 1);
    no_event(f, CHROME_SOCKETS_TCP_SERVER_ON_ACCEPT, id);
    no_event(f, CHROME_SOCKETS_TCP_SERVER_ON_ACCEPT_ERROR, id);
    IS_OK(server_disconnect(f, id));
    close(waiting);
}

/* SD-3, CL-5: accepted sockets live on; and closing one does not touch the server. */
static void accepted_sockets_survive(fx *f) {
    uint16_t port;
    int one, two, three;
    int32_t id = listening(f, &port), a = accepted(f, id, port, &one), b = accepted(f, id, port, &two);
    close_tcp(f, a, 0);
    accepted(f, id, port, &three);
    IS_OK(server_close(f, id));
    IS_SENT(tcp_send(f, b, "alive", 5), 5);
    peer_expect(two, "alive");
    IS_OK(tcp_set_paused(f, b, 0));
    peer_text(two, "me too");
    receive(f, b, "me too");
    IS_FAIL_TEXT(server_get_info(f, id), NOT_FOUND);
    close(one);
    close(two);
    close(three);
}

/* Has all descriptors that are open now, until *leave is closed. */
static pid_t forked_child(int *leave) {
    int ends[2];
    pid_t child;
    CHECK_INT(pipe(ends), 0);
    child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        close(ends[1]);
        _exit((int)read(ends[0], ends, 1));
    }
    close(ends[0]);
    *leave = ends[1];
    return child;
}

/* SD-1: the port is free at once, of whatever else the process is the parent. */
static void ports_are_free_while_a_forked_child_lives(fx *f) {
    enum { SERVERS = 5, CLIENTS = 20 };
    const uint16_t ports[SERVERS] = {quiet_port(), quiet_port(), quiet_port(), quiet_port(), quiet_port()};
    uint16_t shared_port;
    int32_t disconnected = listening_on(f, ports[0]), closed = listening_on(f, ports[1]), shared;
    int32_t old_disconnected = new_sock(f, TCP), old_destroyed = new_sock(f, TCP);
    chromesock_app_options sharing;
    fx *ending, *ending_shared, *going_on;
    int leave, status, waiting, peers[CLIENTS];
    pid_t child;
    RESULT(sock_listen(f, old_disconnected, "127.0.0.1", ports[2], NOT_GIVEN), 0);
    RESULT(sock_listen(f, old_destroyed, "127.0.0.1", ports[3], NOT_GIVEN), 0);
    ending = fx_new(f->mode, NULL);
    listening_on(ending, ports[4]);
    memset(&sharing, 0, sizeof sharing);
    sharing.reuse_port = 1;
    ending_shared = fx_new(f->mode, &sharing);
    going_on = fx_new(f->mode, &sharing);
    shared = new_server(going_on);
    IS_OK0(server_listen(going_on, shared, "127.0.0.1", 0));
    shared_port = (uint16_t)server_info_of(going_on, shared)->local_port;
    IS_OK0(server_listen(ending_shared, new_server(ending_shared), "127.0.0.1", shared_port));
    IS_OK(server_set_paused(f, disconnected, 1));
    waiting = peer_connect("127.0.0.1", ports[0]);
    child = forked_child(&leave);

    fx_end(ending);
    fx_end(ending_shared);
    current = f;
    IS_OK(server_disconnect(f, disconnected));
    IS_OK(server_close(f, closed));
    await(sock_disconnect(f, old_disconnected));
    await(sock_destroy(f, old_destroyed));
    CHECK(peer_wait_end(waiting) != 0); /* reset */
    close(waiting);
    for (int n = 0; n < SERVERS; n++) CHECK_INT(peer_try_connect("127.0.0.1", ports[n]), -ECONNREFUSED);
    IS_OK(server_set_paused(f, disconnected, 0));
    for (int n = 0; n < SERVERS; n++) {
        int32_t id = n == 0 ? disconnected : new_server(f);
        IS_OK0(server_listen(f, id, "127.0.0.1", ports[n]));
        close_tcp(f, accepted(f, id, ports[n], &peers[0]), 0);
        close(peers[0]);
    }
    for (int n = 0; n < CLIENTS; n++) accepted(going_on, shared, shared_port, &peers[n]);
    fx_end(going_on);
    current = f;
    for (int n = 0; n < CLIENTS; n++) close(peers[n]);
    close(leave);
    CHECK_INT(waitpid(child, &status, 0), child);
    CHECK_INT(status, 0);
}

/* SD-4 and the last line of 13: whatever listen still had to do, it is answered once, before the
 * answer that ends it. Binding may be instant, so both 0 and -3 are right; a second listen right
 * behind is -2 in both cases. */
static void listen_then_end(fx *f) {
    for (int n = 0; n < 20; n++) {
        int32_t id = new_server(f);
        call *l = server_listen(f, id, "127.0.0.1", 0), *second = server_listen(f, id, "127.0.0.1", 0);
        call *d = n % 2 ? server_close(f, id) : server_disconnect(f, id);
        IS_OK(d);
        await(l);
        if (l->done->result == CHROMESOCK_ABORTED)
            IS_FAIL(l, CHROMESOCK_ABORTED);
        else
            IS_OK0(l);
        IS_FAIL(second, CHROMESOCK_FAILED);
        CHECK(l->done->seq < d->done->seq);
    }
}

int main(int argc, char **argv) {
    harness_init(argc, argv);
    RUN_ALL_MODES(create_update_info);
    RUN_ALL_MODES(get_sockets);
    RUN_ALL_MODES(listen_on_a_free_port);
    RUN_ALL_MODES(listen_refuses);
    RUN_ALL_MODES(listen_literals);
    RUN_ALL_MODES(listen_dual_stack);
    RUN_ALL_MODES(second_listen);
    RUN_ALL_MODES(listen_os_errors);
    RUN_ALL_MODES(port_reuse);
    RUN_ALL_MODES(disconnect_a_server);
    RUN_ALL_MODES(accepted_sockets_survive);
    RUN_ALL_MODES(ports_are_free_while_a_forked_child_lives);
    RUN_ALL_MODES(listen_then_end);
    return harness_finish();
}
