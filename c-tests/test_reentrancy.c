/* From inside the callback of every event type, every function may be called (style.md 1.7; issue:
 * "close and free included"). Free is the last thing each callback does in its own run. */
#include <sched.h>
#include <unistd.h>

#include "harness.h"

static const uint32_t types[] = {
    CHROME_SOCKETS_TCP_CREATE, CHROME_SOCKETS_TCP_UPDATE, CHROME_SOCKETS_TCP_SET_PAUSED,
    CHROME_SOCKETS_TCP_SET_KEEP_ALIVE, CHROME_SOCKETS_TCP_SET_NO_DELAY, CHROME_SOCKETS_TCP_CONNECT,
    CHROME_SOCKETS_TCP_DISCONNECT, CHROME_SOCKETS_TCP_SEND, CHROME_SOCKETS_TCP_CLOSE,
    CHROME_SOCKETS_TCP_GET_INFO, CHROME_SOCKETS_TCP_GET_SOCKETS, CHROME_SOCKETS_TCP_ON_RECEIVE,
    CHROME_SOCKETS_TCP_ON_RECEIVE_ERROR, CHROME_SOCKETS_TCP_SERVER_CREATE,
    CHROME_SOCKETS_TCP_SERVER_UPDATE, CHROME_SOCKETS_TCP_SERVER_SET_PAUSED,
    CHROME_SOCKETS_TCP_SERVER_LISTEN, CHROME_SOCKETS_TCP_SERVER_DISCONNECT,
    CHROME_SOCKETS_TCP_SERVER_CLOSE, CHROME_SOCKETS_TCP_SERVER_GET_INFO,
    CHROME_SOCKETS_TCP_SERVER_GET_SOCKETS, CHROME_SOCKETS_TCP_SERVER_ON_ACCEPT,
};
#define TYPES (sizeof types / sizeof types[0])

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
    int32_t id = event->socket_id, made = 0, n = 77;
    const chromesock_event *kept = NULL, *pulled = NULL;
    chromesock_bool has = 7;
    chromesock_texts *texts = NULL;
    intptr_t handle;
    chromesock_status s;
    chrome_sockets_tcp_properties p = tcp_props(CHROME_SOCKETS_TCP_PROPERTIES_NAME, "r", 0, 0);
    chrome_sockets_tcp_server_properties sp = server_props(CHROME_SOCKETS_TCP_SERVER_PROPERTIES_NAME,
                                                           "r", 0);
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
    if (!mode_is_reactor(f->mode)) CHECK_INT(s, CHROMESOCK_OK);
    CHECK_INT(chromesock_manifest_check("{\"sockets\":1}", &texts), CHROMESOCK_INVALID_MANIFEST);
    CHECK(chromesock_texts_count(texts) == 2 && chromesock_texts_at(texts, 0) != NULL);
    chromesock_texts_free(texts);
    CHECK_INT(chromesock_app_has_api(a, CHROMESOCK_API_SOCKETS, &has), 0);
    CHECK_INT(chromesock_app_check(a, CHROMESOCK_API_SOCKETS, CHROMESOCK_OPERATION_TCP_CONNECT, "h", 1, &has,
                                   &texts), 0);
    chromesock_texts_free(texts);
    CHECK_INT(chromesock_app_get_rules(a, CHROMESOCK_API_SOCKET, &texts), 0);
    chromesock_texts_free(texts);
    CHECK_INT(chrome_sockets_tcp_on_receive_add_listener(a, unused, f), 0);
    CHECK_INT(chrome_sockets_tcp_on_receive_has_listener(a, unused, f, &has), 0);
    CHECK_INT(has, 1);
    CHECK_INT(chrome_sockets_tcp_on_receive_remove_listener(a, unused, f), 0);
    CHECK_INT(chrome_sockets_tcp_on_receive_error_add_listener(a, unused, f), 0);
    CHECK_INT(chrome_sockets_tcp_on_receive_error_has_listener(a, unused, f, &has), 0);
    CHECK_INT(chrome_sockets_tcp_on_receive_error_remove_listener(a, unused, f), 0);
    CHECK_INT(chrome_sockets_tcp_server_on_accept_add_listener(a, unused, f), 0);
    CHECK_INT(chrome_sockets_tcp_server_on_accept_has_listener(a, unused, f, &has), 0);
    CHECK_INT(chrome_sockets_tcp_server_on_accept_remove_listener(a, unused, f), 0);
    CHECK_INT(chrome_sockets_tcp_server_on_accept_error_add_listener(a, unused, f), 0);
    CHECK_INT(chrome_sockets_tcp_server_on_accept_error_has_listener(a, unused, f, &has), 0);
    CHECK_INT(chrome_sockets_tcp_server_on_accept_error_remove_listener(a, unused, f), 0);
    tcp_create(f, &p, &made);
    tcp_update(f, made, &p);
    tcp_set_paused(f, id, 1);
    tcp_set_keep_alive(f, id, 1, 10);
    tcp_set_no_delay(f, id, 1);
    tcp_send(f, id, "re", 2);
    tcp_connect(f, made, "127.0.0.1", 1);
    tcp_get_info(f, id);
    tcp_get_sockets(f);
    tcp_disconnect(f, id);
    tcp_close(f, id);
    tcp_close(f, made);
    server_create(f, &sp, &made);
    server_update(f, made, &sp);
    server_set_paused(f, made, 1);
    server_listen(f, made, "127.0.0.1", 0);
    server_get_info(f, made);
    server_get_sockets(f);
    server_disconnect(f, id);
    server_disconnect(f, made);
    server_close(f, id);
    server_close(f, made);
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
    int peer, server_peer, listen_fd;
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

#define STEP(c)                                             \
    do {                                                    \
        call *c_ = (c);                                     \
        while (!fired && !c_->completions) fx_pump(f, 5);   \
        if (acted(f, c_->type)) return;                     \
    } while (0)
#define STEP_EVENT(type_)                                   \
    do {                                                    \
        while (!fired && !recorded(f, type_)) fx_pump(f, 5); \
        if (acted(f, type_)) return;                        \
    } while (0)

static int recorded(fx *f, uint32_t type);

static int recorded(fx *f, uint32_t type) {
    int found = 0;
    pthread_mutex_lock(&f->mutex);
    for (size_t n = 0; n < f->len && !found; n++) found = f->events[n]->type == type;
    pthread_mutex_unlock(&f->mutex);
    return found;
}

static void play(struct scenario *s) {
    fx *f = s->f;
    uint16_t port;
    int32_t id, server;
    chrome_sockets_tcp_properties p = tcp_props(0, NULL, 0, 0);
    chrome_sockets_tcp_server_properties sp = server_props(0, NULL, 0);
    call *c;
    s->listen_fd = peer_listen(&port);
    STEP(tcp_create(f, NULL, &id));
    STEP(tcp_update(f, id, &p));
    STEP(tcp_set_paused(f, id, 0));
    c = tcp_connect(f, id, "127.0.0.1", port);
    s->peer = peer_accept(s->listen_fd);
    STEP(c);
    STEP(tcp_set_keep_alive(f, id, 1, 9));
    STEP(tcp_set_no_delay(f, id, 1));
    STEP(tcp_send(f, id, "x", 1));
    STEP(tcp_get_info(f, id));
    STEP(tcp_get_sockets(f));
    peer_text(s->peer, "y");
    STEP_EVENT(CHROME_SOCKETS_TCP_ON_RECEIVE);
    STEP(tcp_disconnect(f, id));
    STEP_EVENT(CHROME_SOCKETS_TCP_ON_RECEIVE_ERROR);
    STEP(tcp_close(f, id));
    STEP(server_create(f, NULL, &server));
    STEP(server_update(f, server, &sp));
    STEP(server_set_paused(f, server, 0));
    STEP(server_get_sockets(f));
    c = server_listen(f, server, "127.0.0.1", 0);
    STEP(c);
    c = server_get_info(f, server);
    STEP(c);
    s->server_peer = peer_connect("127.0.0.1", (uint16_t)c->done->info[0].local_port);
    STEP_EVENT(CHROME_SOCKETS_TCP_SERVER_ON_ACCEPT);
    STEP(server_disconnect(f, server));
    STEP(server_close(f, server));
}

static void run_scenario(enum mode mode, uint32_t type, int with_free) {
    struct scenario s = {fx_new(mode, NULL), -1, -1, -1};
    fx *f = s.f;
    long long end = now_ms() + deadline_ms();
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
    if (s.peer >= 0) close(s.peer);
    if (s.server_peer >= 0) close(s.server_peer);
    close(s.listen_fd);
}

static void every_function_in_every_callback(void) {
    for (int mode = 0; mode < MODE_COUNT; mode++)
        for (size_t n = 0; n < TYPES; n++) run_scenario((enum mode)mode, types[n], 0);
}

/* Queue modes: the free happens on this thread, inside dispatch. Reactor modes: on the reactor's
 * thread, while this one waits; it makes no call meanwhile. */
static void free_in_every_callback(void) {
    for (int mode = 0; mode < MODE_COUNT; mode++) {
        if (mode == MODE_PULL || mode_is_reactor((enum mode)mode)) continue;
        for (size_t n = 0; n < TYPES; n++) run_scenario((enum mode)mode, types[n], 1);
    }
}

int main(int argc, char **argv) {
    harness_init(argc, argv);
    RUN(every_function_in_every_callback);
    RUN(free_in_every_callback);
    return harness_finish();
}
