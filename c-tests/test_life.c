/* Suspension and unload (tcp.md 12, LC-1 to LC-9; trace 20.9): which sockets die and how quietly, which
 * live on, what wakes the app and what does not. */
#include <errno.h>
#include <unistd.h>

#include "life.h"
#include "resolve_shim.h"

/* tcp.md 20.9 */
static void trace_20_9(fx *f) {
    int one, two, three;
    uint16_t port;
    int32_t tcp1 = made_persistent(f, connected(f, &one)), tcp2 = connected(f, &two), tcp3;
    int32_t server = server_made_persistent(f, listening(f, &port));
    size_t asleep = sleep_now(f);
    peer_expect_eof(two);
    CHECK_INT(alive(f, tcp2), 0);
    CHECK_INT(wanted_since(f, asleep), 0);
    peer_text(one, "wake up");
    await_wanted(f);
    CHECK_INT(wanted_since(f, asleep), 1);
    app_resume(f);
    receive(f, tcp1, "wake up");
    call *c = tcp_get_sockets(f);
    IS_OK(c); /* LC-4 */
    CHECK_INT(c->done->info_len, 1);
    CHECK_INT(c->done->info[0].socket_id, tcp1);
    CHECK_INT(c->done->info[0].persistent, 1);
    tcp3 = accepted(f, server, port, &three);
    asleep = sleep_now(f);
    peer_expect_eof(three);
    CHECK_INT(alive(f, tcp3), 0);
    CHECK_INT(alive(f, tcp1), 1);
    CHECK_INT(server_alive(f, server), 1);
    CHECK_INT(wanted_since(f, asleep), 0);
    app_unload(f);
    barrier(f);
    CHECK_INT(alive(f, tcp1), 0);
    CHECK_INT(server_alive(f, server), 0);
    peer_expect_eof(one);
    CHECK_INT(peer_try_connect("127.0.0.1", port), -ECONNREFUSED);
    prod(f);
    no_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE_ERROR, 0);
    no_event(f, CHROME_SOCKETS_TCP_SERVER_ON_ACCEPT, 0);
    no_event(f, CHROMESOCK_APP_WANTED, 0);
    close(one);
    close(two);
    close(three);
}

/* LC-1, LC-7: in every state, with data on its way, and no event then or after the app is awake. */
static void not_persistent_die_silently(fx *f) {
    int reading, paused, unread, accepted_peer;
    uint16_t port, other;
    int32_t a = connected(f, &reading), b = connected_paused(f, &paused), c = new_tcp(f);
    int32_t server = listening(f, &port), idle = new_server(f), d = connected_paused(f, &unread);
    int32_t e = accepted(f, server, port, &accepted_peer), kept = server_made_persistent(f, listening(f, &other));
    talker *t = talker_start(reading);
    stream s = {a, t, 0, 0};
    receive_stream(f, &s, 100000);
    peer_text(unread, "never read");
    size_t asleep = sleep_now(f);
    CHECK_INT(fx_stats(f).sockets_open, 1);
    CHECK_INT(alive(f, a) + alive(f, b) + alive(f, c) + alive(f, d) + alive(f, e), 0);
    CHECK_INT(server_alive(f, server) + server_alive(f, idle), 0);
    CHECK_INT(server_alive(f, kept), 1);
    CHECK_INT(peer_try_connect("127.0.0.1", port), -ECONNREFUSED);
    peer_wait_end(paused);
    peer_wait_end(unread);
    peer_wait_end(accepted_peer);
    stream_end(&s);
    stream_take(f, &s); /* what had been delivered before */
    prod(f);
    CHECK_INT(wanted_since(f, asleep), 0);
    app_resume(f);
    barrier(f);
    prod(f);
    CHECK_INT(count_events(f, CHROME_SOCKETS_TCP_ON_RECEIVE_ERROR, 0), 0);
    no_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE, 0);
    no_event(f, CHROMESOCK_APP_WANTED, 0);
    IS_FAIL_TEXT(tcp_close(f, a), NOT_FOUND);
    close(reading);
    close(paused);
    close(unread);
    close(accepted_peer);
}

/* LC-9, D1: connect -3, whether resolving or in its TCP phase; sends -15, in order. D5: what a send had
 * reported still arrives. */
static void pending_calls_get_their_answers(fx *f) {
    static const size_t big = (size_t)30 << 20;
    char *data = calloc(1, big);
    blackhole b;
    int peer, flushed;
    int32_t resolving = new_tcp(f), opening = new_tcp(f), sending = connected(f, &peer);
    int32_t done = connected(f, &flushed), both = new_tcp(f);
    call *c[7];
    CHECK(data != NULL);
    blackhole_open(&b, "127.0.0.1", 0);
    shim_clear();
    c[0] = tcp_connect(f, resolving, "one.stall.test", 1);
    c[1] = tcp_connect(f, opening, "127.0.0.1", b.port);
    c[2] = tcp_connect(f, both, "127.0.0.1", b.port); /* two on one socket, each in its phase */
    c[3] = tcp_connect(f, both, "two.stall.test", 1);
    c[4] = tcp_send(f, sending, data, big);
    c[5] = tcp_send(f, sending, "x", 1);
    c[6] = tcp_send(f, sending, NULL, 0);
    wait_until(f, shim_stalled() == 2);
    IS_SENT(tcp_send(f, done, "delivered", 9), 9);
    for (int n = 0; n < 7; n++) CHECK(c[n]->done == NULL);
    size_t asleep = sleep_now(f);
    for (int n = 0; n < 4; n++) IS_FAIL(c[n], CHROMESOCK_ABORTED);
    for (int n = 4; n < 7; n++) IS_SEND_FAIL(c[n], CHROMESOCK_SOCKET_NOT_CONNECTED);
    CHECK(c[4]->done->seq < c[5]->done->seq && c[5]->done->seq < c[6]->done->seq);
    CHECK_INT(fx_stats(f).unsent_bytes, 0);
    CHECK_INT(fx_stats(f).sockets_open, 0);
    peer_expect(flushed, "delivered");
    peer_expect_eof(flushed);
    shim_release(); /* answers that nobody waits for any more */
    prod(f);
    CHECK_INT(wanted_since(f, asleep), 0);
    app_resume(f);
    prod(f);
    CHECK_INT(count_events(f, CHROME_SOCKETS_TCP_ON_RECEIVE_ERROR, 0), 0);
    blackhole_close(&b);
    close(peer);
    close(flushed);
    free(data);
}

/* LC-2: calls of persistent sockets go on, and complete while the app is asleep. */
static void calls_of_persistent_sockets_go_on(fx *f) {
    static const size_t big = (size_t)30 << 20;
    char *data = malloc(big), *got = malloc(big);
    uint16_t port;
    int peer, connecting, listen_fd = peer_listen(&port);
    int32_t resolving = made_persistent(f, new_tcp(f)), sending = made_persistent(f, connected(f, &peer));
    call *open, *first, *second;
    CHECK(data != NULL && got != NULL);
    for (size_t n = 0; n < big; n++) data[n] = (char)stream_byte(n);
    shim_clear();
    open = tcp_connect(f, resolving, "name.stall.test", port);
    first = tcp_send(f, sending, data, big);
    second = tcp_send(f, sending, "!", 1);
    wait_until(f, shim_stalled() == 1);
    size_t asleep = sleep_now(f);
    CHECK(open->done == NULL && first->done == NULL && second->done == NULL);
    shim_release();
    connecting = peer_accept(listen_fd);
    IS_OK0(open);
    peer_read(peer, got, big);
    CHECK_MEM(got, big, data, big);
    peer_expect(peer, "!");
    IS_SENT(first, big);
    IS_SENT(second, 1);
    CHECK_INT(info_of(f, resolving)->connected, 1);
    CHECK_INT(wanted_since(f, asleep), 0); /* completions need nobody awake */
    peer_text(connecting, "hello");
    await_wanted(f);
    app_resume(f);
    receive(f, resolving, "hello");
    close(peer);
    close(connecting);
    close(listen_fd);
    free(data);
    free(got);
}

/* LC-3: a paused socket wakes nobody; unpausing it (the host may) does. */
static void paused_ones_wake_nobody(fx *f) {
    uint16_t port;
    int peer, client;
    int32_t id = made_persistent(f, connected_paused(f, &peer));
    int32_t server = server_made_persistent(f, listening(f, &port));
    IS_OK(server_set_paused(f, server, 1));
    size_t asleep = sleep_now(f);
    peer_text(peer, "data");
    peer_half_close(peer);
    client = peer_connect("127.0.0.1", port); /* waits in the backlog */
    prod(f);
    CHECK_INT(wanted_since(f, asleep), 0);
    CHECK_INT(info_of(f, id)->connected, 1);
    IS_OK(tcp_set_paused(f, id, 0));
    await_wanted(f);
    IS_OK(server_set_paused(f, server, 0));
    wait_until(f, fx_stats(f).sockets_open == 3);
    CHECK_INT(wanted_since(f, asleep), 1);
    app_resume(f);
    receive(f, id, "data");
    receive_error(f, id, CHROMESOCK_CONNECTION_CLOSED);
    await_event(f, CHROME_SOCKETS_TCP_SERVER_ON_ACCEPT, server);
    close(peer);
    close(client);
}

/* LC-5: `persistent` is not inherited, and updated sockets are kept. */
static void accepted_sockets(fx *f) {
    uint16_t port;
    int one, two, three;
    int32_t server = server_made_persistent(f, listening(f, &port));
    int32_t a = accepted(f, server, port, &one), b = made_persistent(f, accepted(f, server, port, &two)), c;
    CHECK_INT(info_of(f, a)->persistent, 0);
    IS_OK(tcp_set_paused(f, b, 0));
    size_t asleep = sleep_now(f);
    CHECK_INT(alive(f, a), 0);
    CHECK_INT(alive(f, b), 1);
    peer_expect_eof(one);
    CHECK_INT(wanted_since(f, asleep), 0);
    /* accepted while asleep: lives until the next suspension */
    three = peer_connect("127.0.0.1", port);
    await_wanted(f);
    peer_text(two, "for b");
    prod(f);
    app_resume(f);
    c = await_event(f, CHROME_SOCKETS_TCP_SERVER_ON_ACCEPT, server)->client;
    receive(f, b, "for b");
    CHECK_INT(info_of(f, c)->connected, 1);
    CHECK_INT(info_of(f, c)->persistent, 0);
    IS_OK(tcp_set_paused(f, c, 0));
    peer_text(three, "works");
    receive(f, c, "works");
    sleep_now(f);
    CHECK_INT(alive(f, c), 0);
    peer_expect_eof(three);
    no_event(f, CHROMESOCK_APP_WANTED, 0);
    close(one);
    close(two);
    close(three);
}

/* tcp.md 2.1: an updated `persistent` counts from the next suspension on. */
static void update_counts_at_the_next_suspension(fx *f) {
    int one, two;
    uint16_t port;
    chrome_sockets_tcp_properties off = tcp_props(CHROME_SOCKETS_TCP_PROPERTIES_PERSISTENT, NULL, 0, 0);
    chrome_sockets_tcp_server_properties server_off =
        server_props(CHROME_SOCKETS_TCP_SERVER_PROPERTIES_PERSISTENT, NULL, 0);
    int32_t a = made_persistent(f, connected(f, &one)), b = connected(f, &two);
    int32_t server = server_made_persistent(f, listening(f, &port));
    made_persistent(f, b);
    IS_OK(tcp_update(f, a, &off));
    made_persistent(f, a);
    sleep_now(f);
    IS_OK(tcp_update(f, a, &off)); /* while asleep: it stays as it is */
    IS_OK(server_update(f, server, &server_off));
    prod(f);
    CHECK_INT(alive(f, a) + alive(f, b) + server_alive(f, server), 3);
    peer_text(one, "still here");
    await_wanted(f);
    app_resume(f);
    receive(f, a, "still here");
    sleep_now(f);
    CHECK_INT(alive(f, a) + server_alive(f, server), 0);
    CHECK_INT(alive(f, b), 1);
    CHECK_INT(info_of(f, b)->connected, 1);
    peer_expect_eof(one);
    CHECK_INT(peer_try_connect("127.0.0.1", port), -ECONNREFUSED);
    close(one);
    close(two);
}

/* LC-2, LC-3: the end of a persistent connection waits as well, behind its data (R-5, O-9). */
static void ends_wait_for_the_app(fx *f) {
    int closing, resetting;
    int32_t a = made_persistent(f, connected(f, &closing)), b = made_persistent(f, connected(f, &resetting));
    size_t asleep = sleep_now(f);
    peer_text(closing, "last words");
    close(closing);
    peer_reset(resetting);
    await_wanted(f);
    wait_until(f, !info_of(f, a)->connected && !info_of(f, b)->connected);
    CHECK_INT(info_of(f, a)->paused, 1); /* */
    CHECK_INT(wanted_since(f, asleep), 1);
    IS_SEND_FAIL(tcp_send(f, a, "x", 1), CHROMESOCK_SOCKET_NOT_CONNECTED);
    app_resume(f);
    receive(f, a, "last words");
    receive_error(f, a, CHROMESOCK_CONNECTION_CLOSED);
    receive_error(f, b, CHROMESOCK_CONNECTION_RESET);
    CHECK_INT(alive(f, a) + alive(f, b), 2);
    CHECK_INT(count_events(f, CHROME_SOCKETS_TCP_ON_RECEIVE_ERROR, 0), 2);
}

/* Once for each suspension that has something to tell, and never for one that has not. */
static void wanted_once_each_time(fx *f) {
    int one, two;
    int32_t a = made_persistent(f, connected(f, &one)), b = made_persistent(f, connected(f, &two));
    for (int n = 0; n < 5; n++) {
        size_t asleep = sleep_now(f);
        if (n != 3) {
            for (int k = 0; k < 10; k++) {
                peer_text(one, "abc");
                peer_text(two, "de");
                prod(f);
            }
            await_wanted(f);
        }
        prod(f);
        CHECK_INT(wanted_since(f, asleep), n != 3);
        app_resume(f);
        if (n != 3) {
            receive(f, a, "abcabcabcabcabcabcabcabcabcabc");
            receive(f, b, "dededededededededede");
        }
    }
    CHECK_INT(count_events(f, CHROMESOCK_APP_WANTED, 0), 4);
    close(one);
    close(two);
}

/* All calls work while asleep; sockets made then are as others, and live until the next suspension. */
static void calls_while_asleep(fx *f) {
    uint16_t port;
    int peer, client;
    int32_t id, server, old = new_tcp(f);
    size_t asleep = sleep_now(f);
    IS_FAIL_TEXT(tcp_connect(f, old, "127.0.0.1", 1), NOT_FOUND);
    id = connected(f, &peer);
    CHECK(id > old);
    IS_SENT(tcp_send(f, id, "up", 2), 2);
    peer_expect(peer, "up");
    IS_OK0(tcp_set_no_delay(f, id, 0));
    server = listening(f, &port);
    CHECK_INT(wanted_since(f, asleep), 0);
    peer_text(peer, "reading works, too");
    client = peer_connect("127.0.0.1", port);
    await_wanted(f);
    wait_until(f, fx_stats(f).sockets_open == 3);
    /* CL-2: the event of a close waits like any other */
    int other;
    int32_t closing = connected(f, &other);
    IS_OK(tcp_close(f, closing));
    CHECK_INT(wanted_since(f, asleep), 1);
    app_resume(f);
    receive(f, id, "reading works, too");
    CHECK(await_event(f, CHROME_SOCKETS_TCP_SERVER_ON_ACCEPT, server)->client > server);
    receive_error(f, closing, CHROMESOCK_CONNECTION_CLOSED);
    sleep_now(f);
    CHECK_INT(alive(f, id) + server_alive(f, server), 0);
    close(peer);
    close(client);
    close(other);
}

/* tcp.md D14, O-4: what waits of a connection does not outlive its disconnect, and its end does not come as
 * that of the next one. */
static void reconnected_while_asleep(fx *f) {
    int peer, listener;
    uint16_t port;
    int32_t id = made_persistent(f, connected(f, &peer));
    for (int ends_by_itself = 0; ends_by_itself < 2; ends_by_itself++) {
        sleep_now(f);
        peer_text(peer, "old");
        await_wanted(f);
        if (ends_by_itself) {
            close(peer);
            wait_until(f, !info_of(f, id)->connected);
        } else {
            IS_OK(tcp_disconnect(f, id));
            close(peer);
        }
        IS_OK(tcp_set_paused(f, id, 0)); /* */
        listener = peer_listen(&port);
        connect_to(f, id, listener, &peer);
        close(listener);
        peer_text(peer, "new");
        app_resume(f);
        receive(f, id, "new");
    }
    sleep_now(f);
    peer_text(peer, "old");
    await_wanted(f);
    /* also if nobody hears of the disconnect */
    CHECK_INT(chrome_sockets_tcp_disconnect(f->app, id, NULL, NULL), CHROMESOCK_OK);
    f->accepted++;
    barrier(f);
    app_resume(f);
    receive_error(f, id, CHROMESOCK_CONNECTION_CLOSED); /* DC-2: this one is of the disconnect itself */
    close(peer);
}

/* The host is told of denials also while the app is asleep (header: completions and host events). */
static void denials_while_asleep(fx *f) {
    int32_t id;
    size_t asleep = sleep_now(f);
    id = new_tcp(f);
    IS_FAIL_TEXT(tcp_connect(f, id, "127.0.0.2", 80), DENIED);
    await_event(f, CHROMESOCK_PERMISSION_DENIED, id);
    CHECK_INT(wanted_since(f, asleep), 0);
}

/* LC-3: events go to the listeners that are there after the start, not to those of before. */
struct heard {
    atomic_int events;
    pthread_t last;
};
static void listen_here(chromesock_app *app, const chromesock_event *event, void *user_data) {
    (void)app;
    CHECK_INT(event->type, CHROME_SOCKETS_TCP_ON_RECEIVE);
    ((struct heard *)user_data)->events++;
}
static void new_listeners_get_what_waited(fx *f) {
    struct heard before = {0}, after = {0};
    int peer;
    chromesock_app *a = f->app;
    if (f->mode == MODE_PULL) return; /* has no listeners */
    CHECK_INT(chrome_sockets_tcp_on_receive_add_listener(a, listen_here, &before), CHROMESOCK_OK);
    made_persistent(f, connected(f, &peer));
    peer_text(peer, "1");
    wait_until(f, before.events == 1);
    sleep_now(f);
    peer_text(peer, "2");
    await_wanted(f);
    CHECK_INT(chrome_sockets_tcp_on_receive_remove_listener(a, listen_here, &before), CHROMESOCK_OK);
    CHECK_INT(chrome_sockets_tcp_on_receive_add_listener(a, listen_here, &after), CHROMESOCK_OK);
    app_resume(f);
    wait_until(f, after.events == 1);
    CHECK_INT(before.events, 1);
    close(peer);
}

/* LC-6: persistent ones close as well, pending calls get their answers, nobody hears of it, and the app
 * can be used again, with higher ids (G-1). */
static void unload(fx *f) {
    static const size_t big = (size_t)30 << 20;
    char *data = calloc(1, big);
    blackhole b;
    uint16_t port;
    int peer, again, unread;
    int32_t id = made_persistent(f, connected(f, &peer)), server = server_made_persistent(f, listening(f, &port));
    int32_t opening = made_persistent(f, new_tcp(f)), resolving = new_tcp(f), later;
    call *open, *ask, *send1, *send2;
    CHECK(data != NULL);
    made_persistent(f, connected_paused(f, &unread));
    peer_text(unread, "unread");
    shim_clear();
    blackhole_open(&b, "127.0.0.1", 0);
    open = tcp_connect(f, opening, "127.0.0.1", b.port);
    ask = tcp_connect(f, resolving, "name.stall.test", 1);
    send1 = tcp_send(f, id, data, big);
    send2 = tcp_send(f, id, "x", 1);
    wait_until(f, shim_stalled() == 1);
    app_unload(f);
    barrier(f);
    IS_FAIL(open, CHROMESOCK_ABORTED);
    IS_FAIL(ask, CHROMESOCK_ABORTED);
    IS_SEND_FAIL(send1, CHROMESOCK_SOCKET_NOT_CONNECTED);
    IS_SEND_FAIL(send2, CHROMESOCK_SOCKET_NOT_CONNECTED);
    CHECK(send1->done->seq < send2->done->seq);
    CHECK_INT(fx_stats(f).sockets_open, 0);
    CHECK_INT(sockets_of(f), 0);
    CHECK_INT(alive(f, id) + server_alive(f, server), 0);
    peer_wait_end(unread);
    peer_wait_end(peer);
    CHECK_INT(peer_try_connect("127.0.0.1", port), -ECONNREFUSED);
    shim_release();
    prod(f);
    CHECK_INT(count_events(f, CHROME_SOCKETS_TCP_ON_RECEIVE_ERROR, 0), 0);
    CHECK_INT(count_events(f, CHROME_SOCKETS_TCP_ON_RECEIVE, 0), 0);
    /* awake: events are delivered at once */
    later = connected(f, &again);
    CHECK(later > resolving);
    peer_text(again, "and on");
    receive(f, later, "and on");
    no_event(f, CHROMESOCK_APP_WANTED, 0);
    blackhole_close(&b);
    close(peer);
    close(unread);
    close(again);
    free(data);
}

/* Two apps on one reactor: the sleep of one is nothing to the other. */
static void only_the_app_concerned(void) {
    for (int mode = 0; mode < MODE_COUNT; mode++) {
        chromesock_reactor *reactor = NULL;
        chromesock_app_options o;
        fx *a, *b;
        int pa, pb;
        int32_t in_a, in_b;
        CHECK_INT(chromesock_reactor_new(&reactor), CHROMESOCK_OK);
        memset(&o, 0, sizeof o);
        o.reactor = reactor;
        a = fx_new((enum mode)mode, &o);
        b = fx_new((enum mode)((mode + 2) % MODE_COUNT), &o);
        in_a = made_persistent(a, connected(a, &pa));
        in_b = connected(b, &pb);
        size_t asleep = sleep_now(a);
        peer_text(pa, "for a");
        peer_text(pb, "for b");
        receive(b, in_b, "for b");
        await_wanted(a);
        app_unload(b);
        barrier(b);
        CHECK_INT(alive(b, in_b), 0);
        peer_expect_eof(pb);
        CHECK_INT(wanted_since(a, asleep), 1);
        CHECK_INT(count_events(b, CHROMESOCK_APP_WANTED, 0), 0);
        fx_end(b);
        app_resume(a);
        receive(a, in_a, "for a");
        fx_end(a);
        close(pa);
        close(pb);
        chromesock_reactor_free(reactor);
    }
}

int main(int argc, char **argv) {
    chromesock_app_options o;
    harness_init(argc, argv);
    RUN_ALL_MODES(trace_20_9);
    RUN_ALL_MODES(not_persistent_die_silently);
    RUN_ALL_MODES(pending_calls_get_their_answers);
    RUN_ALL_MODES(calls_of_persistent_sockets_go_on);
    RUN_ALL_MODES(paused_ones_wake_nobody);
    RUN_ALL_MODES(accepted_sockets);
    RUN_ALL_MODES(update_counts_at_the_next_suspension);
    RUN_ALL_MODES(ends_wait_for_the_app);
    RUN_ALL_MODES(wanted_once_each_time);
    RUN_ALL_MODES(calls_while_asleep);
    RUN_ALL_MODES(reconnected_while_asleep);
    memset(&o, 0, sizeof o);
    o.manifest = "{\"sockets\":{}}";
    RUN_ALL_MODES_WITH(denials_while_asleep, &o);
    RUN_ALL_MODES(new_listeners_get_what_waited);
    RUN_ALL_MODES(unload);
    RUN(only_the_app_concerned);
    return harness_finish();
}
