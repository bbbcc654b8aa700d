/* sockets.tcpServer: accepting (tcp.md 9.3), and listeners (add, remove, has). */
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness.h"

/* AC-1, AC-2, G-3, D3: what an accepted socket looks like; nothing is inherited. */
static void an_accepted_socket(fx *f) {
    chrome_sockets_tcp_server_properties p = server_props(3, "server", 1);
    int32_t id, client;
    uint16_t port;
    int peer;
    const chromesock_socket_info *i;
    IS_OK(server_create(f, &p, &id));
    IS_OK0(server_listen(f, id, "127.0.0.1", 0));
    port = (uint16_t)server_info_of(f, id)->local_port;
    client = accepted(f, id, port, &peer);
    CHECK(client > id);
    i = info_of(f, client);
    CHECK_INT(i->connected, 1);
    CHECK_INT(i->paused, 1);
    CHECK_INT(i->persistent, 0);
    CHECK_STR(i->name, NULL);
    CHECK_INT(i->present, CHROMESOCK_SOCKET_INFO_CONNECTED | CHROMESOCK_SOCKET_INFO_LOCAL |
                              CHROMESOCK_SOCKET_INFO_PEER);
    CHECK_INT(i->local_port, port);
    CHECK_INT(i->peer_port, port_of(peer));
    close(peer);
}

/* AC-3: sends at once, delivers nothing until unpaused, notices nothing. */
static void an_accepted_socket_is_paused(fx *f) {
    uint16_t port;
    int peer;
    int32_t server = listening(f, &port), client = accepted(f, server, port, &peer);
    IS_SENT(tcp_send(f, client, "banner", 6), 6);
    peer_expect(peer, "banner");
    peer_text(peer, "hello");
    close(peer);
    settle(f);
    no_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE, client);
    CHECK_INT(info_of(f, client)->connected, 1);
    IS_OK(tcp_set_paused(f, client, 0));
    receive(f, client, "hello");
    receive_error(f, client, CHROMESOCK_CONNECTION_CLOSED);
}

/* AC-1: one event per connection, all of them, also when many come at once. */
static void many_at_once(fx *f) {
    enum { N = 200 };
    int peer[N];
    uint16_t port;
    int32_t id = listening(f, &port), last = 0;
    for (int n = 0; n < N; n++) peer[n] = peer_connect("127.0.0.1", port);
    for (int n = 0; n < N; n++) {
        const ev *e = await_event(f, CHROME_SOCKETS_TCP_SERVER_ON_ACCEPT, id);
        CHECK(e->client > last);
        last = e->client;
    }
    settle(f);
    no_event(f, CHROME_SOCKETS_TCP_SERVER_ON_ACCEPT, id);
    for (int n = 0; n < N; n++) close(peer[n]);
}

/* AC-5: a connection reset in the backlog is no error; the next one is accepted. */
static void aborted_in_the_backlog(fx *f) {
    uint16_t port;
    int peer;
    int32_t id = listening(f, &port);
    for (int n = 0; n < 20; n++) peer_reset(peer_connect("127.0.0.1", port));
    peer = peer_connect("127.0.0.1", port);
    for (;;) {
        const ev *e = await_event(f, CHROME_SOCKETS_TCP_SERVER_ON_ACCEPT, id);
        const chromesock_socket_info *i = info_of(f, e->client);
        if (i->peer_port == port_of(peer)) break;
    }
    no_event(f, CHROME_SOCKETS_TCP_SERVER_ON_ACCEPT_ERROR, id);
    CHECK_INT(server_info_of(f, id)->paused, 0);
    close(peer);
}

/* AC-7, AC-8 (D2), S4, PA-1: paused: nothing, not even one; unpaused: all that waited. */
static void pause_and_resume(fx *f) {
    uint16_t port;
    int peer[3];
    int32_t id = listening(f, &port);
    for (int round = 0; round < 5; round++) {
        IS_OK(server_set_paused(f, id, 1));
        IS_OK(server_set_paused(f, id, 1));
        CHECK_INT(server_info_of(f, id)->paused, 1);
        for (int n = 0; n < 3; n++) peer[n] = peer_connect("127.0.0.1", port);
        settle(f);
        no_event(f, CHROME_SOCKETS_TCP_SERVER_ON_ACCEPT, id);
        IS_OK(server_set_paused(f, id, 0));
        for (int n = 0; n < 3; n++) await_event(f, CHROME_SOCKETS_TCP_SERVER_ON_ACCEPT, id);
        for (int n = 0; n < 3; n++) close(peer[n]);
    }
    settle(f);
    no_event(f, CHROME_SOCKETS_TCP_SERVER_ON_ACCEPT, id);
}

/* AC-9: paused before listen is honoured. */
static void paused_before_listen(fx *f) {
    int32_t id = new_server(f);
    uint16_t port;
    int peer;
    IS_OK(server_set_paused(f, id, 1));
    IS_OK0(server_listen(f, id, "127.0.0.1", 0));
    port = (uint16_t)server_info_of(f, id)->local_port;
    CHECK_INT(server_info_of(f, id)->paused, 1);
    peer = peer_connect("127.0.0.1", port);
    settle(f);
    no_event(f, CHROME_SOCKETS_TCP_SERVER_ON_ACCEPT, id);
    IS_OK(server_set_paused(f, id, 0));
    await_event(f, CHROME_SOCKETS_TCP_SERVER_ON_ACCEPT, id);
    close(peer);
}

/* AC-4: nobody listens to onAccept: the socket exists all the same and is found by getSockets. */
static void nobody_listens(void) {
    fx *f = fx_new(MODE_DISPATCH, NULL);
    uint16_t port;
    int32_t id = listening(f, &port);
    int peer;
    call *c;
    CHECK_INT(chromesock_app_set_default_handler(f->app, NULL, NULL, NULL), CHROMESOCK_OK);
    CHECK_INT(f->released, 1); /* replacing releases the old handler */
    peer = peer_connect("127.0.0.1", port);
    wait_until(f, fx_stats(f).sockets_open == 2);
    while (fx_stats(f).undelivered_events > 0) CHECK_INT(chromesock_app_dispatch(f->app, 0, 0, NULL), 0);
    CHECK_INT(chromesock_app_set_default_handler(f->app, fx_handler, f, fx_release), CHROMESOCK_OK);
    f->released = 0;
    no_event(f, CHROME_SOCKETS_TCP_SERVER_ON_ACCEPT, id); /* lost, as tcp.md 2.3 says */
    c = tcp_get_sockets(f);
    IS_OK(c);
    CHECK_INT(c->done->info_len, 1);
    CHECK_INT(c->done->info[0].peer_port, port_of(peer));
    close(peer);
    fx_end(f);
}

/* ---- listeners ---- */

static int order[16], ran;
static void note(int who) {
    if (ran < 16) order[ran++] = who;
}
static void first(chromesock_app *a, const chromesock_event *e, void *u) {
    (void)a;
    CHECK(e->user_data == u);
    note(1);
}
static void second(chromesock_app *a, const chromesock_event *e, void *u) {
    (void)a;
    CHECK(e->user_data == u);
    note(u ? 3 : 2);
}

typedef chromesock_status (*listener_fn)(chromesock_app *, chromesock_callback, void *);
typedef chromesock_status (*has_fn)(chromesock_app *, chromesock_callback, void *, chromesock_bool *);
static const struct {
    listener_fn add, remove;
    has_fn has;
} verbs[] = {
    {chrome_sockets_tcp_on_receive_add_listener, chrome_sockets_tcp_on_receive_remove_listener,
     chrome_sockets_tcp_on_receive_has_listener},
    {chrome_sockets_tcp_on_receive_error_add_listener,
     chrome_sockets_tcp_on_receive_error_remove_listener,
     chrome_sockets_tcp_on_receive_error_has_listener},
    {chrome_sockets_tcp_server_on_accept_add_listener,
     chrome_sockets_tcp_server_on_accept_remove_listener,
     chrome_sockets_tcp_server_on_accept_has_listener},
    {chrome_sockets_tcp_server_on_accept_error_add_listener,
     chrome_sockets_tcp_server_on_accept_error_remove_listener,
     chrome_sockets_tcp_server_on_accept_error_has_listener},
};

static int has(fx *f, size_t v, chromesock_callback fn, void *u) {
    chromesock_bool b = 9;
    CHECK_INT(verbs[v].has(f->app, fn, u, &b), CHROMESOCK_OK);
    CHECK(b <= 1);
    return b;
}

/* The three verbs, for each event: identity is (function, user_data), twice counts once. */
static void add_remove_has(fx *f) {
    for (size_t v = 0; v < sizeof verbs / sizeof verbs[0]; v++) {
        CHECK_INT(has(f, v, first, NULL), 0);
        CHECK_INT(verbs[v].remove(f->app, first, NULL), CHROMESOCK_OK); /* not there: harmless */
        CHECK_INT(verbs[v].add(f->app, first, NULL), CHROMESOCK_OK);
        CHECK_INT(verbs[v].add(f->app, first, NULL), CHROMESOCK_OK);
        CHECK_INT(has(f, v, first, NULL), 1);
        CHECK_INT(has(f, v, first, f), 0);
        CHECK_INT(has(f, v, second, NULL), 0);
        CHECK_INT(has(f, (v + 1) % 4, first, NULL), 0);
        CHECK_INT(verbs[v].remove(f->app, first, f), CHROMESOCK_OK);
        CHECK_INT(has(f, v, first, NULL), 1);
        CHECK_INT(verbs[v].remove(f->app, first, NULL), CHROMESOCK_OK);
        CHECK_INT(has(f, v, first, NULL), 0);
    }
}

/* They run in the order they were added, once each, instead of the default handler. */
static void listeners_run_in_order(void) {
    fx *f = fx_new(MODE_DISPATCH, NULL);
    uint16_t port;
    int peer;
    int32_t id = listening(f, &port);
    (void)id;
    ran = 0;
    verbs[2].add(f->app, second, NULL);
    verbs[2].add(f->app, first, NULL);
    verbs[2].add(f->app, second, f);
    verbs[2].add(f->app, first, NULL);
    peer = peer_connect("127.0.0.1", port);
    wait_until(f, ran >= 3);
    settle(f);
    CHECK_INT(ran, 3);
    CHECK_INT(order[0], 2);
    CHECK_INT(order[1], 1);
    CHECK_INT(order[2], 3);
    no_event(f, CHROME_SOCKETS_TCP_SERVER_ON_ACCEPT, 0);
    verbs[2].remove(f->app, second, NULL);
    verbs[2].remove(f->app, first, NULL);
    verbs[2].remove(f->app, second, f);
    close(peer);
    peer = peer_connect("127.0.0.1", port);
    await_event(f, CHROME_SOCKETS_TCP_SERVER_ON_ACCEPT, 0); /* the default handler again */
    CHECK_INT(ran, 3);
    close(peer);
    fx_end(f);
}

int main(int argc, char **argv) {
    harness_init(argc, argv);
    RUN_ALL_MODES(an_accepted_socket);
    RUN_ALL_MODES(an_accepted_socket_is_paused);
    RUN_ALL_MODES(many_at_once);
    RUN_ALL_MODES(aborted_in_the_backlog);
    RUN_ALL_MODES(pause_and_resume);
    RUN_ALL_MODES(paused_before_listen);
    RUN(nobody_listens);
    RUN_ALL_MODES(add_remove_has);
    RUN(listeners_run_in_order);
    return harness_finish();
}
