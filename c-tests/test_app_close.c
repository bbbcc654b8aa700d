/* The end of an app (README "The end"; tcp.md D1, LC-6): pending calls complete
 * with their codes, APP_CLOSED is the last event, later calls are refused; several apps on one
 * reactor are strangers and end alone. */
#include <unistd.h>

#include "harness.h"

/* connect -3, send -15, listen 0 or -3; everything else is answered too; then APP_CLOSED. */
static void pending_calls_complete(fx *f) {
    static const size_t big = (size_t)30 << 20;
    char *data = calloc(1, big);
    blackhole b;
    int peer;
    uint16_t port;
    int32_t id = connected(f, &peer), waiting = new_tcp(f), server = listening(f, &port), late = new_server(f);
    call *open, *send1, *send2, *listen_call, *info;
    const ev *last;
    CHECK(data != NULL);
    blackhole_open(&b, "127.0.0.1", 0);
    open = tcp_connect(f, waiting, "127.0.0.1", b.port);
    send1 = tcp_send(f, id, data, big);
    send2 = tcp_send(f, id, "x", 1);
    listen_call = server_listen(f, late, "127.0.0.1", 0);
    info = tcp_get_info(f, id);
    CHECK_INT(server_info_of(f, server)->local_port, port);
    fx_close_and_check(f);
    fail_code_at(__FILE__, __LINE__, open->done, CHROMESOCK_ABORTED, NULL);
    send_fail_at(__FILE__, __LINE__, send1->done, CHROMESOCK_SOCKET_NOT_CONNECTED);
    send_fail_at(__FILE__, __LINE__, send2->done, CHROMESOCK_SOCKET_NOT_CONNECTED);
    CHECK(send1->done->seq < send2->done->seq);
    CHECK(listen_call->done->result == 0 || listen_call->done->result == CHROMESOCK_ABORTED);
    ok_at(__FILE__, __LINE__, info->done);
    last = f->events[f->len - 1];
    CHECK_INT(last->type, CHROMESOCK_APP_CLOSED);
    no_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE_ERROR, id); /* LC-6: no events of the dying sockets */
    CHECK(peer_try_connect("127.0.0.1", port) < 0); /* the port is free */
    blackhole_close(&b);
    peer_wait_end(peer);
    close(peer);
    free(data);
}

/* D5 holds for the end as well: what a send had reported is flushed. */
static void accepted_bytes_are_flushed(fx *f) {
    int peer;
    int32_t id = connected(f, &peer);
    IS_SENT(tcp_send(f, id, "last words", 10), 10);
    CHECK_INT(chromesock_app_close(f->app), CHROMESOCK_OK);
    peer_expect(peer, "last words");
    CHECK_INT(peer_wait_end(peer), 0);
    close(peer);
}

/* Idempotent, from several threads. */
static void *closer(void *arg) {
    CHECK_INT(chromesock_app_close(((fx *)arg)->app), CHROMESOCK_OK);
    return NULL;
}
static void closed_by_many(fx *f) {
    pthread_t t[4];
    new_tcp(f);
    for (int n = 0; n < 4; n++) CHECK_INT(pthread_create(&t[n], NULL, closer, f), 0);
    for (int n = 0; n < 4; n++) CHECK_INT(pthread_join(t[n], NULL), 0);
}

/* Events that wait at close are still handed out, before APP_CLOSED (queue modes). */
static void the_queue_is_drained_first(fx *f) {
    call *c[10];
    for (int n = 0; n < 10; n++) c[n] = tcp_get_sockets(f);
    CHECK_INT(chromesock_app_close(f->app), CHROMESOCK_OK);
    for (int n = 0; n < 10; n++) IS_OK(c[n]);
}

/* G-4: ids are per app; another app's id is unknown there. */
static void apps_are_strangers(void) {
    for (int shared = 0; shared < 2; shared++)
        for (int mode = 0; mode < MODE_COUNT; mode++) {
            chromesock_reactor *reactor = NULL;
            chromesock_app_options o;
            fx *a, *b;
            int peer;
            int32_t id, first, other = 0;
            memset(&o, 0, sizeof o);
            if (shared) CHECK_INT(chromesock_reactor_new(&reactor), CHROMESOCK_OK);
            o.reactor = reactor;
            a = fx_new((enum mode)mode, &o);
            b = fx_new((enum mode)((mode + 1) % MODE_COUNT), &o);
            first = new_tcp(b);
            CHECK_INT(first, 1); /* a counter per app */
            new_tcp(a);
            new_server(a);
            id = connected(a, &peer); /* 3: no such id in b */
            for (other = 2; other <= id; other++) {
                IS_FAIL_TEXT(tcp_get_info(b, other), NOT_FOUND);
                IS_FAIL_TEXT(tcp_send(b, other, "stolen", 6), NOT_FOUND);
                IS_FAIL_TEXT(tcp_close(b, other), NOT_FOUND);
                IS_FAIL_TEXT(server_close(b, other), NOT_FOUND);
            }
            CHECK_INT(info_of(a, id)->connected, 1);
            IS_OK(tcp_get_sockets(b));
            CHECK_INT(b->events[b->len - 1]->info_len, 1);
            close_tcp(b, first, 0); /* b's 1, not a's */
            CHECK_INT(info_of(a, 1)->socket_id, 1);
            fx_end(b);
            peer_text(peer, "the other app goes on");
            receive(a, id, "the other app goes on");
            /* the reactor may be given up while apps still run on it */
            if (shared && mode % 2) {
                chromesock_reactor_free(reactor);
                reactor = NULL;
            }
            IS_SENT(tcp_send(a, id, "x", 1), 1);
            close(peer);
            fx_end(a);
            chromesock_reactor_free(reactor);
        }
}

/* Apps on one reactor talk to each other through the network only. */
static void two_apps_in_conversation(void) {
    chromesock_reactor *reactor = NULL;
    chromesock_app_options o;
    fx *a, *b;
    uint16_t port;
    int32_t server, client, end;
    memset(&o, 0, sizeof o);
    CHECK_INT(chromesock_reactor_new(&reactor), CHROMESOCK_OK);
    o.reactor = reactor;
    a = fx_new(MODE_REACTOR, &o);
    b = fx_new(MODE_DISPATCH, &o);
    server = listening(a, &port);
    client = new_tcp(b);
    IS_OK0(tcp_connect(b, client, "127.0.0.1", port));
    end = await_event(a, CHROME_SOCKETS_TCP_SERVER_ON_ACCEPT, server)->client;
    IS_OK(tcp_set_paused(a, end, 0));
    for (int n = 0; n < 100; n++) {
        tcp_send(b, client, "ping", 4);
        receive(a, end, "ping");
        tcp_send(a, end, "pong", 4);
        receive(b, client, "pong");
    }
    fx_end(a); /* the end of one is end of stream for the other */
    receive_error(b, client, CHROMESOCK_CONNECTION_CLOSED);
    fx_end(b);
    chromesock_reactor_free(reactor);
}

/* Ten apps on a reactor, made and freed in turn; descriptors come back. */
static void many_apps(void) {
    int before = count_fds();
    for (int round = 0; round < 10; round++) {
        chromesock_reactor *reactor = NULL;
        chromesock_app_options o;
        fx *apps[10];
        memset(&o, 0, sizeof o);
        CHECK_INT(chromesock_reactor_new(&reactor), CHROMESOCK_OK);
        o.reactor = reactor;
        for (int n = 0; n < 10; n++) {
            apps[n] = fx_new((enum mode)(n % MODE_COUNT), &o);
            new_tcp(apps[n]);
        }
        for (int n = 0; n < 10; n += 2) fx_end(apps[n]);
        for (int n = 1; n < 10; n += 2) new_server(apps[n]);
        for (int n = 1; n < 10; n += 2) fx_end(apps[n]);
        chromesock_reactor_free(reactor);
    }
    for (long long end = now_ms() + deadline_ms(); count_fds() > before;)
        if (now_ms() > end) FAIL("%d descriptors, %d at the start", count_fds(), before);
}

int main(int argc, char **argv) {
    harness_init(argc, argv);
    RUN_ALL_MODES(pending_calls_complete);
    RUN_ALL_MODES(accepted_bytes_are_flushed);
    RUN_ALL_MODES(closed_by_many);
    RUN_ALL_MODES(the_queue_is_drained_first);
    RUN(apps_are_strangers);
    RUN(two_apps_in_conversation);
    RUN(many_apps);
    return harness_finish();
}
