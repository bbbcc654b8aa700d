/* From inside the callback of every event type, every function may be called (README "Delivery"),
 * close and free included. Free is the last thing each callback does in its own run. */
#include <sched.h>
#include <unistd.h>

#include "api.h"
#include "calls_socket.h"
#include "calls_udp.h"
#include "life.h"
#include "tls_peer.h"

/* All that the header has, but what nothing may follow, and what only a machine without descriptors
 * raises. */
static int is_raised(uint32_t type) {
    return type != CHROMESOCK_APP_CLOSED && type != CHROME_SOCKETS_TCP_SERVER_ON_ACCEPT_ERROR;
}

/* Denies one thing: chrome.socket.sendTo to other machines. */
static const char manifest[] =
    "{\"sockets\": {\"tcp\": {\"connect\": \"*\"}, \"tcpServer\": {\"listen\": \"*\"},"
    "\"udp\": {\"bind\": \"*\", \"send\": \"*\", \"multicastMembership\": \"\"}},"
    "\"permissions\": [{\"socket\": [\"tcp-connect\", \"tcp-listen\", \"udp-bind\","
    "\"udp-send-to:127.0.0.1\", \"udp-multicast-membership\"]}]}";

static uint32_t trigger;
static atomic_int entered, fired;
static int free_it;

static void unused(chromesock_app *app, const chromesock_event *e, void *user_data) {
    (void)app;
    (void)e;
    (void)user_data;
}

static int in_callback_mode(fx *f) { return f->mode != MODE_PULL; }

static void every_function(fx *f, const chromesock_event *event) {
    chromesock_app *a = f->app;
    int32_t id = event->socket_id, made[5] = {id}, n = 77;
    const chromesock_event *kept = NULL, *pulled = NULL;
    chromesock_bool has = 7;
    chromesock_texts *texts = NULL;
    intptr_t handle;
    chromesock_status s;
    CHECK(chromesock_version_number() != 0);
    CHECK(chromesock_version() != NULL);
    CHECK(chromesock_status_name(0) != NULL);
    CHECK(chromesock_status_text(0) != NULL);
    CHECK(chromesock_event_type_name(event->type) != NULL);
    CHECK_INT(chromesock_event_retain(event, &kept), CHROMESOCK_OK);
    chromesock_event_release(kept);
    fx_stats(f);
    if (in_callback_mode(f)) {
        s = chromesock_app_dispatch(a, 0, 0, &n);
        CHECK_INT(s, mode_is_reactor(f->mode) ? CHROMESOCK_WRONG_DELIVERY : CHROMESOCK_RECURSIVE_CALL);
        CHECK_INT(n, 77);
        s = chromesock_app_next_event(a, 0, &pulled); /* may be refused, must not hang */
        if (s == CHROMESOCK_OK) {
            CHECK(!mode_is_reactor(f->mode));
            fx_record(f, pulled);
            chromesock_event_release(pulled);
        } else {
            CHECK(pulled == NULL);
        }
    }
    s = chromesock_app_event_handle(a, &handle);
    CHECK_INT(s, mode_is_reactor(f->mode) ? CHROMESOCK_WRONG_DELIVERY : CHROMESOCK_OK);
    CHECK_INT(chromesock_manifest_check("{\"sockets\":1}", &texts), CHROMESOCK_INVALID_MANIFEST);
    CHECK(chromesock_texts_count(texts) == 2 && chromesock_texts_at(texts, 0) != NULL);
    chromesock_texts_free(texts);
    CHECK_INT(chromesock_app_has_api(a, CHROMESOCK_API_SOCKETS, &has), 0);
    CHECK_INT(chromesock_app_check(a, CHROMESOCK_API_SOCKETS, CHROMESOCK_OPERATION_TCP_CONNECT, "h", 1, &has,
                                   &texts), 0);
    chromesock_texts_free(texts);
    CHECK_INT(chromesock_app_get_rules(a, CHROMESOCK_API_SOCKET, &texts), 0);
    chromesock_texts_free(texts);
    for (size_t k = 0; k < api_listeners_len; k++) {
        CHECK_INT(api_listeners[k].add(a, unused, f), 0);
        CHECK_INT(api_listeners[k].has(a, unused, f, &has), 0);
        CHECK_INT(has, 1);
        CHECK_INT(api_listeners[k].remove(a, unused, f), 0);
    }
    /* every method on the socket of the event, and on one of each namespace that is made for it */
    tcp_create(f, NULL, &made[1]);
    server_create(f, NULL, &made[2]);
    udp_create(f, NULL, &made[3]);
    sock_create(f, n % 2 ? UDP : TCP, &made[4]);
    for (int round = 0; round < 5; round++)
        for (size_t k = 0; k < api_methods_len; k++) {
            struct api_in in = api_harmless(made[round], NULL);
            api_call(f, &api_methods[k], &in);
        }
    get_tls_session(f, id);
    CHECK_INT(chromesock_app_suspend(a), 0);
    CHECK_INT(chromesock_app_resume(a), 0);
    CHECK_INT(chromesock_app_unload(a), 0);
}

static void inside(fx *f, const chromesock_event *event) {
    if (event->type != trigger || entered) return;
    entered = 1;
    every_function(f, event);
    if (free_it) {
        CHECK_INT(chromesock_app_close(f->app), CHROMESOCK_OK);
        chromesock_app_free(f->app);
    }
    fired = 1;
}

/* Runs one scenario that raises every type in turn; the trigger decides where the callback acts.
 * Returns early once it has acted: the sockets of the scenario may be closed by then. */
struct scenario {
    fx *f;
    tls_peer *tls;
    int peer[4], listen_fd, udp_fd;
};

/* Has the callback of the trigger run to its end? If this event is the trigger, wait for that: the
 * recorder shows an event before its callback is through. */
static int acted(fx *f, uint32_t type) {
    long long end = now_ms() + deadline_ms();
    if (type == trigger)
        while (!fired) {
            if (now_ms() > end) FAIL("deadline: the callback of 0x%x", (unsigned)type);
            sched_yield();
        }
    (void)f;
    return fired;
}

static int recorded(fx *f, uint32_t type) {
    int found = 0;
    pthread_mutex_lock(&f->mutex);
    for (size_t n = 0; n < f->len && !found; n++) found = f->events[n]->type == type;
    pthread_mutex_unlock(&f->mutex);
    return found;
}

#define STEP(c)                                             \
    do {                                                    \
        call *c_ = (c);                                     \
        wait_until(f, fired || c_->completions);            \
        if (acted(f, c_->type)) return;                     \
    } while (0)
#define STEP_EVENT(type_)                                   \
    do {                                                    \
        wait_until(f, fired || recorded(f, type_));         \
        if (acted(f, type_)) return;                        \
    } while (0)

static void play_tcp(struct scenario *s) {
    fx *f = s->f;
    uint16_t port = port_of(s->listen_fd);
    int32_t id, server;
    call *c;
    STEP(tcp_create(f, NULL, &id));
    STEP(tcp_update(f, id, NULL));
    STEP(tcp_set_paused(f, id, 0));
    c = tcp_connect(f, id, "127.0.0.1", port);
    s->peer[0] = peer_accept(s->listen_fd);
    STEP(c);
    STEP(tcp_set_keep_alive(f, id, 1, 9));
    STEP(tcp_set_no_delay(f, id, 1));
    STEP(tcp_send(f, id, "x", 1));
    STEP(tcp_get_info(f, id));
    STEP(tcp_get_sockets(f));
    peer_text(s->peer[0], "y");
    STEP_EVENT(CHROME_SOCKETS_TCP_ON_RECEIVE);
    STEP(tcp_disconnect(f, id));
    STEP_EVENT(CHROME_SOCKETS_TCP_ON_RECEIVE_ERROR);
    STEP(tcp_close(f, id));
    STEP(server_create(f, NULL, &server));
    STEP(server_update(f, server, NULL));
    STEP(server_set_paused(f, server, 0));
    STEP(server_get_sockets(f));
    STEP(server_listen(f, server, "127.0.0.1", 0));
    c = server_get_info(f, server);
    STEP(c);
    s->peer[1] = peer_connect("127.0.0.1", (uint16_t)c->done->info[0].local_port);
    STEP_EVENT(CHROME_SOCKETS_TCP_SERVER_ON_ACCEPT);
    STEP(server_disconnect(f, server));
    STEP(server_close(f, server));
}

static void play_udp(struct scenario *s) {
    static const char block[4097];
    fx *f = s->f;
    chrome_sockets_udp_properties p = udp_props(UDP_PERSISTENT, NULL, 0, 1);
    uint16_t port;
    int32_t id;
    call *c;
    STEP(udp_create(f, &p, &id));
    STEP(udp_update(f, id, NULL));
    STEP(udp_set_paused(f, id, 0));
    STEP(udp_set_ttl(f, id, 1));
    STEP(udp_set_loopback(f, id, 1));
    STEP(udp_bind(f, id, "127.0.0.1", 0));
    STEP(udp_get_sockets(f));
    STEP(udp_join(f, id, "239.255.41.29"));
    STEP(udp_get_groups(f, id));
    STEP(udp_leave(f, id, "239.255.41.29"));
    STEP(udp_set_broadcast(f, id, 1));
    STEP(udp_text(f, id, "x", "127.0.0.1", port_of(s->udp_fd)));
    c = udp_get_info(f, id);
    STEP(c);
    port = (uint16_t)c->done->info[0].local_port;
    udp_peer_text(s->udp_fd, "y", port);
    STEP_EVENT(CHROME_SOCKETS_UDP_ON_RECEIVE);
    udp_peer_send(s->udp_fd, block, sizeof block, "127.0.0.1", port);
    STEP_EVENT(CHROME_SOCKETS_UDP_ON_RECEIVE_ERROR);
    STEP(udp_set_paused(f, id, 0));
    app_suspend(f);
    STEP(udp_get_sockets(f));
    udp_peer_text(s->udp_fd, "wake up", port);
    STEP_EVENT(CHROMESOCK_APP_WANTED);
    app_resume(f);
    STEP(udp_close(f, id));
}

static void play_socket(struct scenario *s) {
    fx *f = s->f;
    int32_t id, server, udp;
    call *c;
    STEP(sock_create(f, TCP, &id));
    c = sock_connect(f, id, "127.0.0.1", port_of(s->listen_fd));
    s->peer[2] = peer_accept(s->listen_fd);
    STEP(c);
    STEP(sock_set_keep_alive(f, id, 1, 9));
    STEP(sock_set_no_delay(f, id, 1));
    STEP(sock_text(f, id, "x"));
    peer_text(s->peer[2], "y");
    STEP(sock_read(f, id, NOT_GIVEN));
    STEP(sock_disconnect(f, id));
    STEP(sock_destroy(f, id));
    STEP(sock_create(f, TCP, &server));
    STEP(sock_listen(f, server, "127.0.0.1", 0, NOT_GIVEN));
    c = sock_get_info(f, server);
    STEP(c);
    s->peer[3] = peer_connect("127.0.0.1", (uint16_t)c->done->info[0].local_port);
    STEP(sock_accept(f, server));
    STEP(sock_create(f, UDP, &udp));
    STEP(sock_set_ttl(f, udp, 1));
    STEP(sock_set_loopback(f, udp, 1));
    STEP(sock_bind(f, udp, "127.0.0.1", 0));
    STEP(sock_join(f, udp, "239.255.41.29"));
    STEP(sock_get_groups(f, udp));
    STEP(sock_leave(f, udp, "239.255.41.29"));
    STEP(sock_send_to(f, udp, "x", 1, "127.0.0.1", port_of(s->udp_fd)));
    c = sock_get_info(f, udp);
    STEP(c);
    udp_peer_text(s->udp_fd, "y", (uint16_t)c->done->info[0].local_port);
    STEP(sock_recv_from(f, udp, NOT_GIVEN));
    STEP(sock_get_network_list(f));
    c = sock_send_to(f, udp, "x", 1, "192.0.2.1", 9);
    STEP_EVENT(CHROMESOCK_PERMISSION_DENIED);
    STEP(c);
}

static void play_tls(struct scenario *s) {
    fx *f = s->f;
    int is_legacy = trigger == CHROME_SOCKET_SECURE;
    int32_t id = is_legacy ? new_sock(f, TCP) : new_tcp_paused(f);
    uint16_t port = port_of(s->listen_fd);
    call *c = is_legacy ? sock_connect(f, id, "127.0.0.1", port) : tcp_connect(f, id, "127.0.0.1", port);
    s->tls = tls_peer_new(peer_accept(s->listen_fd), NULL);
    STEP(c);
    c = is_legacy ? sock_secure(f, id) : tcp_secure(f, id);
    tls_peer_handshake(s->tls); /* cut short when a callback closes the socket */
    STEP_EVENT(CHROMESOCK_TLS_KEYS);
    STEP(c);
    STEP(get_tls_session(f, id));
}

/* Starts with the part that the trigger belongs to. */
static void play(struct scenario *s) {
    uint32_t namespace = trigger >> 8;
    if (trigger == CHROMESOCK_TLS_SESSION || trigger == CHROMESOCK_TLS_KEYS ||
        trigger == CHROME_SOCKETS_TCP_SECURE || trigger == CHROME_SOCKET_SECURE)
        play_tls(s);
    else if (namespace == 1 || namespace == 2) play_tcp(s);
    else if (namespace == 3 || trigger == CHROMESOCK_APP_WANTED) play_udp(s);
    else play_socket(s);
}

static void run_scenario(enum mode mode, uint32_t type, int with_free) {
    struct scenario s = {NULL, NULL, {-1, -1, -1, -1}, -1, -1};
    chromesock_app_options o = tls_options();
    uint16_t port;
    fx *f;
    long long end = now_ms() + deadline_ms();
    o.manifest = manifest;
    o.tells_tls_keys = 1;
    s.f = f = fx_new(mode, &o);
    s.listen_fd = peer_listen(&port);
    s.udp_fd = udp_peer(&port);
    trigger = type;
    entered = fired = 0;
    free_it = with_free;
    f->inside = inside;
    play(&s);
    if (!fired) FAIL("the scenario did not raise 0x%x", (unsigned)type);
    if (with_free) {
        while (!f->released) {
            if (now_ms() > end) FAIL("deadline: release after free inside 0x%x", (unsigned)type);
            pthread_mutex_lock(&f->mutex);
            pthread_mutex_unlock(&f->mutex);
        }
        fx_check_calls(f);
        fx_forget(f);
    } else {
        tcp_get_sockets(f);
        fx_end(f);
    }
    for (int n = 0; n < 4; n++)
        if (s.peer[n] >= 0) close(s.peer[n]);
    if (s.tls) tls_peer_free(s.tls);
    close(s.udp_fd);
    close(s.listen_fd);
}

static void every_function_in_every_callback(void) {
    for (int mode = 0; mode < MODE_COUNT; mode++)
        for (size_t n = 0; n < api_events_len; n++)
            if (is_raised(api_events[n])) run_scenario((enum mode)mode, api_events[n], 0);
}

/* Queue modes: the free happens on this thread, inside dispatch. Reactor modes: on the reactor's
 * thread, while this one waits; it makes no call meanwhile. */
static void free_in_every_callback(void) {
    for (int mode = 0; mode < MODE_COUNT; mode++) {
        if (mode == MODE_PULL || mode_is_reactor((enum mode)mode)) continue;
        for (size_t n = 0; n < api_events_len; n++)
            if (is_raised(api_events[n])) run_scenario((enum mode)mode, api_events[n], 1);
    }
}

int main(int argc, char **argv) {
    harness_init(argc, argv);
    RUN(every_function_in_every_callback);
    RUN(free_in_every_callback);
    return harness_finish();
}
