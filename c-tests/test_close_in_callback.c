/* Closing from inside callbacks: the socket of the event, another socket, the server, the app
 * (README "Delivery"; tcp.md CL-1..CL-3, D14, O-6). In pull mode: while the event is held. */
#include <unistd.h>

#include "harness.h"

static uint32_t trigger;
static atomic_int fired;
static call *_Atomic made;
static int32_t target;
static void (*action)(fx *f, const chromesock_event *event);

static void inside(fx *f, const chromesock_event *event) {
    if (event->type != trigger || fired) return;
    fired = 1;
    action(f, event);
}

static void arm(fx *f, uint32_t type, void (*what)(fx *, const chromesock_event *)) {
    trigger = type;
    action = what;
    fired = 0;
    made = NULL;
    f->inside = inside;
}

static int has_fired(fx *f, void *arg) {
    (void)f;
    (void)arg;
    return fired && made;
}

static void close_this(fx *f, const chromesock_event *event) { made = tcp_close(f, event->socket_id); }
static void close_target(fx *f, const chromesock_event *event) {
    (void)event;
    made = tcp_close(f, target);
}
static void close_client(fx *f, const chromesock_event *event) {
    made = tcp_close(f, event->client_socket_id);
}
static void close_server(fx *f, const chromesock_event *event) {
    made = server_close(f, event->socket_id);
}

/* No data event of the id may have come after the close answer. */
static void quiet_after_close(fx *f, int32_t id) {
    settle(f);
    for (size_t n = made->done->seq; n < f->len; n++)
        if (f->events[n]->id == id && f->events[n]->type == CHROME_SOCKETS_TCP_ON_RECEIVE)
            FAIL("onReceive after the close answer (tcp.md D14)");
    f->inside = NOTHING;
}

static void in_on_receive(fx *f) {
    int peer;
    int32_t id;
    arm(f, CHROME_SOCKETS_TCP_ON_RECEIVE, close_this);
    f->inside = NOTHING;
    id = connected(f, &peer);
    f->inside = inside;
    for (int n = 0; n < 20; n++) peer_text_if_open(peer, "data data data");
    fx_wait(f, has_fired, NULL);
    IS_OK(made);
    receive_error(f, id, CHROMESOCK_CONNECTION_CLOSED); /* CL-2: the next read was in flight */
    f->inside = NOTHING;
    quiet_after_close(f, id);
    IS_FAIL_TEXT(tcp_get_info(f, id), NOT_FOUND);
    peer_wait_end(peer);
    close(peer);
}

static void in_the_connect_callback(fx *f) {
    uint16_t port;
    int listen_fd = peer_listen(&port), peer;
    int32_t id = new_tcp(f);
    call *c;
    arm(f, CHROME_SOCKETS_TCP_CONNECT, close_this);
    c = tcp_connect(f, id, "127.0.0.1", port);
    peer = peer_accept(listen_fd);
    peer_text_if_open(peer, "data");
    IS_OK0(c);
    fx_wait(f, has_fired, NULL);
    IS_OK(made);
    f->inside = NOTHING;
    quiet_after_close(f, id);
    peer_wait_end(peer);
    close(peer);
    close(listen_fd);
}

static void in_on_receive_error(fx *f) {
    int peer;
    int32_t id = connected(f, &peer);
    arm(f, CHROME_SOCKETS_TCP_ON_RECEIVE_ERROR, close_this);
    close(peer);
    receive_error(f, id, CHROMESOCK_CONNECTION_CLOSED);
    fx_wait(f, has_fired, NULL);
    IS_OK(made);
    f->inside = NOTHING;
    settle(f);
    no_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE_ERROR, id); /* no read was in flight any more */
}

static call *_Atomic first_send, *_Atomic second_send;
static char big[30 << 20];
/* Both sends are made inside one callback, so neither is answered before both are accepted. */
static void send_both(fx *f, const chromesock_event *event) {
    (void)event;
    first_send = tcp_send(f, target, "a", 1);
    second_send = tcp_send(f, target, big, sizeof big);
    trigger = CHROME_SOCKETS_TCP_SEND;
    action = close_this;
    fired = 0;
}

/* O-6, DC-5: sends queued behind the one that completes get -15. */
static void in_the_send_callback(fx *f) {
    int peer;
    target = connected_paused(f, &peer);
    arm(f, CHROME_SOCKETS_TCP_GET_SOCKETS, send_both);
    IS_OK(tcp_get_sockets(f));
    fx_wait(f, has_fired, NULL);
    IS_SENT(first_send, 1);
    IS_SEND_FAIL(second_send, CHROMESOCK_SOCKET_NOT_CONNECTED);
    IS_OK(made);
    CHECK(second_send->done->seq < made->done->seq);
    f->inside = NOTHING;
    close(peer);
}

static void another_socket_with_data(fx *f) {
    int one, two;
    int32_t a = connected(f, &one);
    target = connected(f, &two);
    arm(f, CHROME_SOCKETS_TCP_ON_RECEIVE, close_target);
    for (int n = 0; n < 10; n++) peer_text(one, "x"), peer_text_if_open(two, "y");
    fx_wait(f, has_fired, NULL);
    IS_OK(made);
    f->inside = NOTHING;
    quiet_after_close(f, target);
    CHECK_INT(info_of(f, a)->connected, 1);
    close(one);
    close(two);
}

static void the_client_in_on_accept(fx *f) {
    uint16_t port;
    int peer, next;
    int32_t id = listening(f, &port);
    arm(f, CHROME_SOCKETS_TCP_SERVER_ON_ACCEPT, close_client);
    peer = peer_connect("127.0.0.1", port);
    fx_wait(f, has_fired, NULL);
    IS_OK(made);
    f->inside = NOTHING;
    peer_expect_eof(peer);
    next = peer_connect("127.0.0.1", port);
    await_event(f, CHROME_SOCKETS_TCP_SERVER_ON_ACCEPT, id);
    await_event(f, CHROME_SOCKETS_TCP_SERVER_ON_ACCEPT, id);
    close(peer);
    close(next);
}

static void the_server_in_on_accept(fx *f) {
    uint16_t port;
    int peer[5];
    int32_t id = listening(f, &port);
    const ev *e;
    arm(f, CHROME_SOCKETS_TCP_SERVER_ON_ACCEPT, close_server);
    for (int n = 0; n < 5; n++) {
        peer[n] = peer_try_connect("127.0.0.1", port); /* refused once the server is closed */
        if (n == 0) CHECK(peer[n] >= 0);
    }
    e = await_event(f, CHROME_SOCKETS_TCP_SERVER_ON_ACCEPT, id);
    fx_wait(f, has_fired, NULL);
    IS_OK(made);
    f->inside = NOTHING;
    settle(f);
    for (size_t n = made->done->seq; n < f->len; n++)
        if (f->events[n]->type == CHROME_SOCKETS_TCP_SERVER_ON_ACCEPT)
            FAIL("onAccept after the close answer");
    CHECK_INT(info_of(f, e->client)->connected, 1); /* SD-3 */
    for (int n = 0; n < 5; n++)
        if (peer[n] >= 0) close(peer[n]);
}

static void close_app(fx *f, const chromesock_event *event) {
    (void)event;
    CHECK_INT(chromesock_app_close(f->app), CHROMESOCK_OK);
    CHECK_INT(chromesock_app_close(f->app), CHROMESOCK_OK); /* idempotent */
    CHECK_INT(chrome_sockets_tcp_create(f->app, NULL, NULL, NULL, NULL),
              CHROMESOCK_CONTEXT_SHUT_DOWN);
}

/* The app itself, from inside: pending calls end, APP_CLOSED comes (fx_end checks the rest). */
static void the_app(fx *f) {
    blackhole b;
    int peer;
    int32_t id = connected(f, &peer), other = new_tcp(f);
    call *pending;
    blackhole_open(&b, "127.0.0.1", 0);
    pending = tcp_connect(f, other, "127.0.0.1", b.port);
    arm(f, CHROME_SOCKETS_TCP_ON_RECEIVE, close_app);
    peer_text(peer, "x");
    await_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE, id);
    IS_FAIL(pending, CHROMESOCK_ABORTED);
    blackhole_close(&b);
    close(peer);
}

int main(int argc, char **argv) {
    harness_init(argc, argv);
    RUN_ALL_MODES(in_on_receive);
    RUN_ALL_MODES(in_the_connect_callback);
    RUN_ALL_MODES(in_on_receive_error);
    RUN_ALL_MODES(in_the_send_callback);
    RUN_ALL_MODES(another_socket_with_data);
    RUN_ALL_MODES(the_client_in_on_accept);
    RUN_ALL_MODES(the_server_in_on_accept);
    RUN_ALL_MODES(the_app);
    return harness_finish();
}
