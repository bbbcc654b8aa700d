/* Calls of sockets.* against a manifest (permissions.md 4, 5.3; tcp.md PM-1 to PM-5, 3.5, 9.2): what is
 * checked and when, what a denied call gets, what it leaves alone, and what the host is told. */
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness.h"
#include "resolve_shim.h"

#define CONNECT "sockets.tcp.connect"
#define LISTEN "sockets.tcpServer.listen"

static int listen_fd;               /* the peer that may be connected to ... */
static uint16_t peer_port, own_port; /* ... and a port that may be listened on */
static const char *const here[] = {"127.0.0.1", NULL};

/* The completion (README S7), and the host's event before it. Calls and rules have the same names here. */
static void denied_at(const char *file, int line, call *c, const char *what, const char *host,
                      int32_t port) {
    fail_text_at(file, line, await_at(file, line, c), DENIED);
    check_int_at(file, line, "result", c->done->result, 0);
    denial_told_at(file, line, c, what, what, host, port);
}

#define CONNECT_DENIED(f, id, host, port) \
    denied_at(__FILE__, __LINE__, tcp_connect(f, id, host, port), CONNECT, host, port)
#define LISTEN_DENIED(f, id, host, port) \
    denied_at(__FILE__, __LINE__, server_listen(f, id, host, port), LISTEN, host, port)

static void nothing_denied(fx *f) { no_event(f, CHROMESOCK_PERMISSION_DENIED, 0); }

/* ---- a manifest with rules for one host and port each ---- */

/* PM-1, PM-2, PM-3: the allowed shape works, any other is denied, again on each call. */
static void connect_denied_and_allowed(fx *f) {
    int32_t id = new_tcp(f);
    int peer;
    for (int n = 0; n < 2; n++) {
        CONNECT_DENIED(f, id, "127.0.0.2", peer_port);
        CONNECT_DENIED(f, id, "127.0.0.1", own_port);
        CONNECT_DENIED(f, id, "", peer_port);
    }
    CHECK_INT(info_of(f, id)->connected, 0);
    CHECK_INT(peer_accept_pending(listen_fd), 0);
    connect_to(f, id, listen_fd, &peer);
    /* CN-1: permission is asked for before the state; the connection is not disturbed */
    CONNECT_DENIED(f, id, "127.0.0.1", own_port);
    IS_FAIL(tcp_connect(f, id, "127.0.0.1", peer_port), CHROMESOCK_SOCKET_IS_CONNECTED);
    /* PM-3: what follows is not checked */
    IS_SENT(tcp_send(f, id, "out", 3), 3);
    peer_expect(peer, "out");
    peer_text(peer, "in");
    receive(f, id, "in");
    IS_OK(tcp_disconnect(f, id));
    receive_error(f, id, CHROMESOCK_CONNECTION_CLOSED);
    CONNECT_DENIED(f, id, "127.0.0.2", peer_port);
    nothing_denied(f);
    close(peer);
}

static void listen_denied_and_allowed(fx *f) {
    int32_t id = new_server(f), k;
    int peer;
    LISTEN_DENIED(f, id, "127.0.0.1", peer_port);
    LISTEN_DENIED(f, id, "127.0.0.2", own_port);
    LISTEN_DENIED(f, id, "0.0.0.0", own_port);
    LISTEN_DENIED(f, id, "::", own_port);
    LISTEN_DENIED(f, id, "127.0.0.1", 0); /* permissions.md 3: port 0 needs a rule for any port */
    CHECK_INT(server_info_of(f, id)->present & CHROMESOCK_SOCKET_INFO_LOCAL, 0);
    CHECK_INT(peer_try_connect("127.0.0.1", own_port), -ECONNREFUSED);
    IS_OK0(server_listen(f, id, "127.0.0.1", own_port));
    /* the running listener is not disturbed; an accepted socket needs no rule of its own (PM-3) */
    LISTEN_DENIED(f, id, "0.0.0.0", own_port);
    k = accepted(f, id, own_port, &peer);
    IS_OK(tcp_set_paused(f, k, 0));
    peer_text(peer, "hello");
    receive(f, k, "hello");
    IS_SENT(tcp_send(f, k, "yes", 3), 3);
    peer_expect(peer, "yes");
    close(peer);
}

/* permissions.md 4: the check precedes name resolution; PM-4: a name rule is for the name only. */
static void no_look_up(fx *f) {
    int32_t id = new_tcp(f);
    int peer;
    call *c;
    shim_clear();
    shim_set("known.test", here);
    shim_set("denied.test", here);
    CONNECT_DENIED(f, id, "denied.test", peer_port);
    CONNECT_DENIED(f, id, "known.test", own_port);
    CONNECT_DENIED(f, id, "held.stall.test", peer_port);
    CONNECT_DENIED(f, id, "no such name", peer_port); /* not ERR_NAME_NOT_RESOLVED */
    CONNECT_DENIED(f, id, "localhost", peer_port);
    CHECK_INT(shim_queries(), 0);
    CHECK_INT(peer_accept_pending(listen_fd), 0);
    c = tcp_connect(f, id, "known.test", peer_port);
    peer = peer_accept(listen_fd);
    IS_OK0(c);
    CHECK_INT(shim_queries(), 1);
    nothing_denied(f);
    close(peer);
}

/* tcp.md 3.5 and 9.2: id, then permission, then the port's range, then everything else. */
static void the_order_of_checks(fx *f) {
    int32_t id = new_tcp(f), server = new_server(f), gone = new_tcp(f);
    close_tcp(f, gone, 0);
    IS_FAIL_TEXT(tcp_connect(f, 999, "denied.test", 70000), NOT_FOUND);
    IS_FAIL_TEXT(tcp_connect(f, gone, "denied.test", 80), NOT_FOUND);
    IS_FAIL_TEXT(tcp_connect(f, server, "denied.test", 80), NOT_FOUND);
    IS_FAIL_TEXT(server_listen(f, 999, "denied.test", 70000), NOT_FOUND);
    IS_FAIL_TEXT(server_listen(f, id, "denied.test", 80), NOT_FOUND);
    nothing_denied(f); /* nothing was asked */
    CONNECT_DENIED(f, id, "127.0.0.2", 70000);
    CONNECT_DENIED(f, id, "127.0.0.2", -1);
    /* D6: a port out of range is not the port it would wrap to */
    CONNECT_DENIED(f, id, "127.0.0.1", peer_port + 65536);
    CONNECT_DENIED(f, id, "127.0.0.1", peer_port - 65536);
    CONNECT_DENIED(f, id, "127.0.0.1", INT32_MIN);
    LISTEN_DENIED(f, server, "127.0.0.1", own_port + 65536);
    LISTEN_DENIED(f, server, "127.0.0.1", own_port - 65536);
    LISTEN_DENIED(f, server, "127.0.0.1", INT32_MAX);
    LISTEN_DENIED(f, server, "localhost", own_port); /* before "is it an IP literal?" */
    denied_at(__FILE__, __LINE__, server_listen_backlog(f, server, "127.0.0.2", own_port, -5), LISTEN,
              "127.0.0.2", own_port);
    IS_FAIL(server_listen_backlog(f, server, "127.0.0.1", own_port, 0), CHROMESOCK_INVALID_ARGUMENT);
    nothing_denied(f);
}

/* A denied connect leaves one that is under way alone. */
static void a_connect_under_way(fx *f) {
    int32_t id = new_tcp(f);
    call *c;
    int peer;
    shim_clear();
    c = tcp_connect(f, id, "known.stall.test", peer_port);
    wait_until(f, shim_stalled() == 1);
    CONNECT_DENIED(f, id, "denied.test", peer_port);
    CHECK(c->done == NULL);
    shim_release();
    peer = peer_accept(listen_fd);
    IS_OK0(c);
    CHECK_INT(shim_queries(), 1);
    close(peer);
}

/* Denied inside a callback as well as outside. */
static atomic_int made;
static call *inner;
static void connect_inside(fx *f, const chromesock_event *event) {
    if (event->type != CHROME_SOCKETS_TCP_CREATE || made) return;
    inner = tcp_connect(f, event->socket_id, "127.0.0.9", 9);
    made = 1;
}
static void denied_inside_a_callback(fx *f) {
    made = 0;
    f->inside = connect_inside;
    new_tcp(f);
    wait_until(f, made);
    f->inside = NOTHING;
    denied_at(__FILE__, __LINE__, inner, CONNECT, "127.0.0.9", 9);
}

/* ---- rules for any port: only they match ports out of range, and port 0 ---- */

static void any_port(fx *f) {
    int32_t id = new_tcp(f), server = new_server(f);
    IS_FAIL(tcp_connect(f, id, "127.0.0.1", 65536), CHROMESOCK_INVALID_ARGUMENT);
    IS_FAIL(tcp_connect(f, id, "127.0.0.1", -1), CHROMESOCK_INVALID_ARGUMENT);
    IS_FAIL(tcp_connect(f, id, "127.0.0.1", peer_port + 65536), CHROMESOCK_INVALID_ARGUMENT);
    IS_FAIL(tcp_connect(f, id, "127.0.0.1", INT32_MIN), CHROMESOCK_INVALID_ARGUMENT);
    IS_FAIL(tcp_connect(f, id, "127.0.0.1", 0), CHROMESOCK_CONNECTION_REFUSED); /* CN-6 */
    IS_FAIL(server_listen(f, server, "127.0.0.1", 65536), CHROMESOCK_INVALID_ARGUMENT);
    IS_FAIL(server_listen(f, server, "127.0.0.1", own_port - 65536), CHROMESOCK_INVALID_ARGUMENT);
    IS_OK0(server_listen(f, server, "127.0.0.1", 0));
    CHECK(server_info_of(f, server)->local_port > 0);
    nothing_denied(f);
    CHECK_INT(peer_accept_pending(listen_fd), 0);
}

/* ---- apps without rules ---- */

/* permissions.md 4, "Never checked", with an empty grant set. */
static void never_checked(fx *f) {
    int32_t id = new_tcp(f), server = new_server(f);
    chrome_sockets_tcp_properties p = tcp_props(CHROME_SOCKETS_TCP_PROPERTIES_NAME, "n", 0, 0);
    chrome_sockets_tcp_server_properties sp =
        server_props(CHROME_SOCKETS_TCP_SERVER_PROPERTIES_NAME, "n", 0);
    IS_OK(tcp_update(f, id, &p));
    IS_OK(tcp_set_paused(f, id, 1));
    IS_FAIL(tcp_set_keep_alive(f, id, 1, 5), CHROMESOCK_FAILED); /* only because unconnected */
    IS_FAIL(tcp_set_no_delay(f, id, 1), CHROMESOCK_FAILED);
    IS_SEND_FAIL(tcp_send(f, id, "x", 1), CHROMESOCK_SOCKET_NOT_CONNECTED);
    IS_OK(tcp_disconnect(f, id));
    CHECK_STR(info_of(f, id)->name, "n");
    IS_OK(tcp_get_sockets(f));
    IS_OK(tcp_close(f, id));
    IS_OK(server_update(f, server, &sp));
    IS_OK(server_set_paused(f, server, 1));
    IS_OK(server_disconnect(f, server));
    CHECK_STR(server_info_of(f, server)->name, "n");
    IS_OK(server_get_sockets(f));
    IS_OK(server_close(f, server));
    nothing_denied(f);
    id = new_tcp(f);
    CONNECT_DENIED(f, id, "127.0.0.1", peer_port);
    CHECK_INT(peer_accept_pending(listen_fd), 0);
}

static int has_api(fx *f, int32_t api) {
    chromesock_bool has = 7;
    CHECK_INT(chromesock_app_has_api(f->app, api, &has), CHROMESOCK_OK);
    return has;
}

/* PM-2, PM-5 and the last words of permissions.md 4: sockets can be made, checked calls are denied. */
static void without_the_key(fx *f) {
    int32_t id = new_tcp(f), server = new_server(f);
    const ev *told;
    call *c = tcp_connect(f, id, "127.0.0.1", peer_port);
    IS_FAIL_TEXT(c, DENIED);
    told = await_event(f, CHROMESOCK_PERMISSION_DENIED, id);
    CHECK(told->seq < c->done->seq);
    CHECK(strstr(told->message, "sockets") != NULL);
    LISTEN_DENIED(f, server, "127.0.0.1", own_port);
    LISTEN_DENIED(f, server, "127.0.0.1", 0);
    CHECK_INT(has_api(f, CHROMESOCK_API_SOCKETS), 0);
    CHECK_INT(has_api(f, CHROMESOCK_API_SOCKET), 0);
    CHECK_INT(info_of(f, id)->connected, 0);
    CHECK_INT(sizeof DENIED - 1, strlen(c->done->message));
}

static void without_a_manifest(fx *f) {
    int32_t id = new_tcp(f);
    int peer;
    connect_to(f, id, listen_fd, &peer);
    IS_OK0(server_listen(f, new_server(f), "127.0.0.1", 0));
    IS_FAIL(tcp_connect(f, id, "127.0.0.1", 65536), CHROMESOCK_INVALID_ARGUMENT);
    CHECK_INT(has_api(f, CHROMESOCK_API_SOCKETS), 1);
    CHECK_INT(has_api(f, CHROMESOCK_API_SOCKET), 1);
    nothing_denied(f);
    close(peer);
}

/* permissions.md 1, 5.3: the rules of the other system do not count, even when they allow everything. */
static void legacy_rules_do_not_count(fx *f) {
    int32_t id = new_tcp(f), server = new_server(f);
    CONNECT_DENIED(f, id, "127.0.0.1", peer_port);
    LISTEN_DENIED(f, server, "127.0.0.1", own_port);
    CHECK_INT(has_api(f, CHROMESOCK_API_SOCKETS), 0);
    CHECK_INT(has_api(f, CHROMESOCK_API_SOCKET), 1);
}

/* The rows of the worked example that can be called so far. */
static void the_worked_example(fx *f) {
    int32_t id = new_tcp(f), server = new_server(f);
    shim_clear();
    CONNECT_DENIED(f, id, "www.example.com", 443);
    CONNECT_DENIED(f, id, "ns.example.com", 53);
    LISTEN_DENIED(f, server, "0.0.0.0", 8080);
    CHECK_INT(shim_queries(), 0);
    CHECK_INT(has_api(f, CHROMESOCK_API_SOCKETS), 1);
    CHECK_INT(has_api(f, CHROMESOCK_API_SOCKET), 1);
}

/* ---- two apps are strangers: ids, quotas, grants ---- */

static void strangers(void) {
    for (int mode = 0; mode < MODE_COUNT; mode++) {
        char text[200];
        chromesock_app_options o;
        chromesock_reactor *reactor = NULL;
        fx *a, *b;
        int peer_a, peer_b;
        int32_t in_a, in_b;
        CHECK_INT(chromesock_reactor_new(&reactor), CHROMESOCK_OK);
        memset(&o, 0, sizeof o);
        o.reactor = reactor;
        o.manifest = text;
        o.present = CHROMESOCK_APP_OPTIONS_WRITE_QUOTA;
        o.write_quota_bytes = 1000;
        snprintf(text, sizeof text, "{\"sockets\":{\"tcp\":{\"connect\":\"127.0.0.1:%u\"}}}",
                 (unsigned)peer_port);
        a = fx_new((enum mode)mode, &o);
        snprintf(text, sizeof text, "{\"sockets\":{\"tcp\":{\"connect\":\"localhost:%u\"}}}",
                 (unsigned)peer_port); /* the first app has its own copy */
        b = fx_new((enum mode)((mode + 1) % MODE_COUNT), &o);
        memset(text, 'x', sizeof text - 1);
        in_a = new_tcp(a);
        in_b = new_tcp(b);
        CHECK_INT(in_a, 1);
        CHECK_INT(in_b, 1); /* each counts for itself */
        new_tcp(b);
        CONNECT_DENIED(b, in_b, "127.0.0.1", peer_port);
        nothing_denied(a); /* told to the app concerned only */
        CONNECT_DENIED(a, in_a, "localhost", peer_port);
        nothing_denied(b);
        connect_to(a, in_a, listen_fd, &peer_a);
        call *c = tcp_connect(b, in_b, "localhost", peer_port);
        peer_b = peer_accept(listen_fd);
        IS_OK0(c);
        /* G-4: the other app's id; no denial, since nothing was asked */
        IS_FAIL_TEXT(tcp_connect(a, 2, "127.0.0.1", peer_port), NOT_FOUND);
        IS_FAIL_TEXT(tcp_connect(a, 2, "denied.test", peer_port), NOT_FOUND);
        nothing_denied(a);
        /* the quota is per app */
        char block[1001] = {0};
        IS_FAIL_TEXT(tcp_send(a, in_a, block, 1001), "Exceeded write quota.");
        IS_SENT(tcp_send(b, in_b, block, 1000), 1000);
        IS_SENT(tcp_send(a, in_a, block, 1000), 1000);
        fx_end(a);
        IS_SENT(tcp_send(b, in_b, "on", 2), 2);
        fx_end(b);
        close(peer_a);
        close(peer_b);
        chromesock_reactor_free(reactor);
    }
}

/* A port that nobody else is given, and that can be listened on: bound, not listening. */
static int reserve_port(uint16_t *port) {
    struct sockaddr_in a;
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(fd >= 0);
    memset(&a, 0, sizeof a);
    a.sin_family = AF_INET;
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK_INT(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one), 0);
    CHECK_INT(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    *port = port_of(fd);
    return fd;
}

int main(int argc, char **argv) {
    char narrow[400];
    chromesock_app_options o;
    int reserved;
    harness_init(argc, argv);
    listen_fd = peer_listen(&peer_port);
    reserved = reserve_port(&own_port);
    memset(&o, 0, sizeof o);
    snprintf(narrow, sizeof narrow,
             "{\"sockets\":{\"tcp\":{\"connect\":[\"127.0.0.1:%u\",\"known.test:%u\",\"*.stall.test:1\","
             "\"known.stall.test:%u\"]},\"tcpServer\":{\"listen\":\"127.0.0.1:%u\"}}}",
             (unsigned)peer_port, (unsigned)peer_port, (unsigned)peer_port, (unsigned)own_port);
    o.manifest = narrow;
    RUN_ALL_MODES_WITH(connect_denied_and_allowed, &o);
    RUN_ALL_MODES_WITH(listen_denied_and_allowed, &o);
    RUN_ALL_MODES_WITH(no_look_up, &o);
    RUN_ALL_MODES_WITH(the_order_of_checks, &o);
    RUN_ALL_MODES_WITH(a_connect_under_way, &o);
    RUN_ALL_MODES_WITH(denied_inside_a_callback, &o);
    o.manifest = "{\"sockets\":{\"tcp\":{\"connect\":\"127.0.0.1\"},"
                 "\"tcpServer\":{\"listen\":\"127.0.0.1:*\"}}}";
    RUN_ALL_MODES_WITH(any_port, &o);
    o.manifest = "{\"sockets\":{}}";
    RUN_ALL_MODES_WITH(never_checked, &o);
    o.manifest = "{\"name\":\"no key\"}";
    RUN_ALL_MODES_WITH(without_the_key, &o);
    RUN_ALL_MODES(without_a_manifest);
    o.manifest = "{\"permissions\":[{\"socket\":[\"tcp-connect\",\"tcp-listen\"]}]}";
    RUN_ALL_MODES_WITH(legacy_rules_do_not_count, &o);
    o.manifest =
        "{\"name\":\"demo\",\"version\":\"1\",\"manifest_version\":2,\"permissions\":[\"storage\","
        "{\"socket\":[\"tcp-connect:*.Example.com:443\",\"udp-bind\",\"bogus:1:2\"]}],"
        "\"sockets\":{\"udp\":{\"bind\":\"*\",\"send\":[\"*.example.com:53\",\"224.0.0.251:5353\"],"
        "\"multicastMembership\":\"\"},\"tcpServer\":{\"listen\":\"127.0.0.1:8080\"}}}";
    RUN_ALL_MODES_WITH(the_worked_example, &o);
    RUN(strangers);
    close(reserved);
    close(listen_fd);
    return harness_finish();
}
