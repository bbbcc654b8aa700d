/* chromesock_app_free from every place (README "Delivery", "Threads"): inside callbacks of
 * the app itself and of another, from another thread, with work pending. The remaining completions
 * reach their callbacks, the release hook runs once, and nothing hangs. */
#include <unistd.h>

#include "tls_peer.h"

static uint32_t trigger;
static atomic_int fired;
static chromesock_app *victim;

static atomic_int stay_on_main;

static void free_inside(fx *f, const chromesock_event *event) {
    /* The loop on the stack finishes the free: the callbacks stay on the dispatching thread. */
    if (stay_on_main && !pthread_equal(pthread_self(), f->main_thread))
        FAIL("event 0x%x of a queue app on a foreign thread", (unsigned)event->type);
    if (fired) {
        /* Whoever shares a callback among its calls frees the app once for each of them. */
        chromesock_app_free(victim);
        return;
    }
    if (event->type == trigger) {
        fired = 1;
        chromesock_app_free(victim);
    } else if (event->type == CHROME_SOCKETS_TCP_ON_RECEIVE) {
        /* The call that raises the trigger is made on the callback's thread: no call of ours is
         * still inside the library when the app goes. */
        if (trigger == CHROME_SOCKETS_TCP_GET_INFO) tcp_get_info(f, event->socket_id);
        if (trigger == CHROME_SOCKETS_TCP_CLOSE) tcp_close(f, event->socket_id);
        if (trigger == CHROMESOCK_APP_CLOSED) CHECK_INT(chromesock_app_close(f->app), CHROMESOCK_OK);
    }
}

static int was_released(fx *f, void *arg) {
    (void)arg;
    return f->released > 0;
}

/* Servers of a handshake that stalls and of a secured connection with sends unfinished. */
static tls_peer *secured;
static int stalled_fd;

static void start_pending(fx *f, blackhole *b, int *peer) {
    int32_t id = new_tcp(f), sender;
    static char big[1 << 20];
    tcp_secure(f, connected_paused(f, &stalled_fd));
    tcp_send(f, tls_secured(f, NULL, &secured), big, sizeof big);
    tcp_connect(f, id, "127.0.0.1", b->port);
    sender = connected(f, peer);
    for (int n = 0; n < 30; n++) tcp_send(f, sender, big, sizeof big);
    for (int n = 0; n < 20; n++) tcp_get_info(f, id);
}

static void end_pending(blackhole *b, int peer) {
    peer_wait_end(peer);
    close(peer);
    peer_wait_end(stalled_fd);
    close(stalled_fd);
    tls_peer_wait_end(secured);
    tls_peer_free(secured);
    blackhole_close(b);
}

static void own_app(enum mode mode, uint32_t type) {
    chromesock_app_options o = tls_options();
    fx *f = fx_new(mode, &o);
    blackhole b;
    int peer;
    blackhole_open(&b, "127.0.0.1", 0);
    start_pending(f, &b, &peer);
    IS_OK(tcp_get_sockets(f));
    wait_until(f, fx_stats(f).undelivered_events == 0);
    trigger = type;
    fired = 0;
    victim = f->app;
    stay_on_main = !mode_is_reactor(mode);
    f->inside = free_inside;
    peer_text(peer, "x");
    if (!mode_is_reactor(mode)) {
        long long end = now_ms() + deadline_ms();
        while (!fired) {
            int32_t n = 0;
            chromesock_status s = chromesock_app_dispatch(f->app, 0, 1000, &n);
            if (now_ms() > end) FAIL("deadline: the callback did not run");
            CHECK_INT(s, fired ? CHROMESOCK_CONTEXT_SHUT_DOWN : CHROMESOCK_OK);
            CHECK(n > 0 || !fired);
        }
    }
    fx_wait_freed(f);
    stay_on_main = 0;
    fx_check_calls(f);
    end_pending(&b, peer);
    fx_forget(f);
}

static void inside_a_callback_of_the_app(void) {
    static const uint32_t types[] = {CHROME_SOCKETS_TCP_GET_INFO, CHROME_SOCKETS_TCP_ON_RECEIVE,
                                     CHROME_SOCKETS_TCP_CLOSE, CHROMESOCK_APP_CLOSED};
    for (int mode = 0; mode < MODE_COUNT; mode++) {
        if (mode == MODE_PULL) continue;
        for (size_t n = 0; n < sizeof types / sizeof types[0]; n++) {
            printf("  %s 0x%x\n", mode_name((enum mode)mode), (unsigned)types[n]);
            own_app((enum mode)mode, types[n]);
        }
    }
}

static void wait_fds(int before) {
    for (long long end = now_ms() + deadline_ms(); count_fds() > before;)
        if (now_ms() > end) FAIL("%d descriptors, %d at the start", count_fds(), before);
}

static void free_it(chromesock_app *app, const chromesock_event *event, void *user_data) {
    (void)event;
    (void)user_data;
    chromesock_app_free(app);
}

/* The completion may come, and free the app, before the call that it completes has returned. */
static void by_the_completion_of_a_call_under_way(void) {
    int before = count_fds();
    for (int n = 0; n < 500; n++) {
        chromesock_app_options o;
        chromesock_app *app;
        memset(&o, 0, sizeof o);
        o.size = sizeof o;
        o.delivery = CHROMESOCK_DELIVERY_REACTOR;
        CHECK_INT(chromesock_app_new(&o, &app), CHROMESOCK_OK);
        CHECK_INT(chrome_sockets_tcp_get_sockets(app, free_it, NULL), CHROMESOCK_OK);
    }
    wait_fds(before);
}

static void count_it(chromesock_app *app, const chromesock_event *event, void *user_data) {
    (void)app;
    (void)event;
    ++*(int *)user_data;
}

static void free_at_the_end(void *app) {
    chromesock_app_free(app);
}

static void *dispatch_and_end(void *user_data) {
    chromesock_app *app;
    pthread_key_t key;
    CHECK_INT(chromesock_app_new(NULL, &app), CHROMESOCK_OK);
    CHECK_INT(chrome_sockets_tcp_get_sockets(app, count_it, user_data), CHROMESOCK_OK);
    CHECK_INT(chromesock_app_dispatch(app, 1, -1, NULL), CHROMESOCK_OK);
    /* Made last, it runs when the library's own memory of this thread is gone. */
    CHECK_INT(pthread_key_create(&key, free_at_the_end), 0);
    CHECK_INT(pthread_setspecific(key, app), 0);
    CHECK_INT(chrome_sockets_tcp_get_sockets(app, count_it, user_data), CHROMESOCK_OK);
    return NULL;
}

static void by_a_thread_that_ends(void) {
    int before = count_fds(), completions = 0;
    pthread_t thread;
    CHECK_INT(pthread_create(&thread, NULL, dispatch_and_end, &completions), 0);
    CHECK_INT(pthread_join(thread, NULL), 0);
    CHECK_INT(completions, 2);
    wait_fds(before);
}

/* Pull: the app is freed while one of its events is held; the event stays readable. Completions
 * nobody took are gone with the app: there was no callback to hand them to. */
static void while_a_pulled_event_is_held(void) {
    fx *f = fx_new(MODE_PULL, NULL);
    int peer;
    int32_t id = connected(f, &peer);
    const chromesock_event *e = NULL;
    peer_text(peer, "kept bytes");
    for (;;) {
        CHECK_INT(chromesock_app_next_event(f->app, (int32_t)deadline_ms(), &e), CHROMESOCK_OK);
        if (e->type == CHROME_SOCKETS_TCP_ON_RECEIVE) break;
        fx_record(f, e);
        chromesock_event_release(e);
    }
    chromesock_app_free(f->app);
    CHECK_INT(e->socket_id, id);
    CHECK_MEM(e->data, e->data_len, "kept bytes", 10);
    chromesock_event_release(e);
    peer_wait_end(peer);
    close(peer);
    fx_forget(f);
}

/* Another app, inside a callback: with reactors of their own, and on the same reactor. */
static void another_app(int shared, enum mode mode, enum mode victim_mode) {
    chromesock_reactor *reactor = NULL;
    chromesock_app_options o;
    fx *a, *b;
    int peer, victim_peer;
    memset(&o, 0, sizeof o);
    if (shared) CHECK_INT(chromesock_reactor_new(&reactor), CHROMESOCK_OK);
    o.reactor = reactor;
    b = fx_new(victim_mode, &o);
    a = fx_new(mode, &o);
    connected(b, &victim_peer);
    tcp_create(b, NULL, NULL);
    connected(a, &peer);
    trigger = CHROME_SOCKETS_TCP_ON_RECEIVE;
    fired = 0;
    victim = b->app;
    a->inside = free_inside;
    peer_text(peer, "x");
    await_event(a, CHROME_SOCKETS_TCP_ON_RECEIVE, 0);
    wait_until(a, fired);
    a->inside = NOTHING;
    if (b->mode != MODE_PULL) {
        fx_wait_freed(b);
        fx_check_calls(b);
    }
    peer_wait_end(victim_peer);
    IS_OK(tcp_get_sockets(a)); /* the app that did it lives on */
    close(peer);
    close(victim_peer);
    fx_end(a);
    fx_forget(b);
    chromesock_reactor_free(reactor);
}

static void another_app_inside_a_callback(void) {
    for (int shared = 0; shared < 2; shared++)
        for (int mode = 0; mode < MODE_COUNT; mode++)
            for (int other = 0; other < MODE_COUNT; other++) {
                printf("  %s reactor, %s frees %s\n", shared ? "one" : "own", mode_name((enum mode)mode),
                       mode_name((enum mode)other));
                another_app(shared, (enum mode)mode, (enum mode)other);
            }
}

/* From another thread while a callback runs: free waits for it. */
static atomic_int in_callback, left_callback;
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static void wait_at_gate(fx *f, const chromesock_event *event) {
    (void)f;
    if (event->type != CHROME_SOCKETS_TCP_GET_SOCKETS || atomic_load(&left_callback)) return;
    atomic_store(&in_callback, 1);
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
    atomic_store(&left_callback, 1);
}

static atomic_int freed;
static void *free_thread(void *arg) {
    chromesock_app_free(((fx *)arg)->app);
    CHECK_INT(atomic_load(&left_callback), 1);
    atomic_store(&freed, 1);
    return NULL;
}

static void waits_for_a_callback_elsewhere(void) {
    pthread_t t;
    fx *f = fx_new(MODE_REACTOR, NULL);
    atomic_store(&in_callback, 0);
    atomic_store(&left_callback, 0);
    atomic_store(&freed, 0);
    f->inside = wait_at_gate;
    pthread_mutex_lock(&gate);
    tcp_get_sockets(f);
    while (!atomic_load(&in_callback)) fx_pump(f, 1);
    CHECK_INT(pthread_create(&t, NULL, free_thread, f), 0);
    fx_pump(f, 50); /* time for a wrong free to come back early */
    CHECK_INT(atomic_load(&freed), 0);
    pthread_mutex_unlock(&gate);
    CHECK_INT(pthread_join(t, NULL), 0);
    CHECK(was_released(f, NULL));
    fx_check_calls(f);
    fx_forget(f);
}

/* Plain ends: free at once, free with all kinds of work pending, free after close, NULL. */
static void free_without_close(void) {
    chromesock_app_options o = tls_options();
    for (int mode = 0; mode < MODE_COUNT; mode++) {
        fx *f = fx_new((enum mode)mode, NULL);
        blackhole b;
        int peer;
        chromesock_app_free(f->app);
        fx_forget(f);
        f = fx_new((enum mode)mode, &o);
        blackhole_open(&b, "127.0.0.1", 0);
        start_pending(f, &b, &peer);
        chromesock_app_free(f->app);
        if (mode != MODE_PULL) fx_check_calls(f); /* handed to their callbacks */
        end_pending(&b, peer);
        fx_forget(f);
        f = fx_new((enum mode)mode, NULL);
        CHECK_INT(chromesock_app_close(f->app), CHROMESOCK_OK);
        chromesock_app_free(f->app);
        fx_forget(f);
    }
    chromesock_app_free(NULL);
    chromesock_reactor_free(NULL);
}

/* Descriptors and threads come back. */
static void nothing_is_left(void) {
    int before = count_fds();
    for (int n = 0; n < 5; n++) free_without_close();
    wait_fds(before);
}

int main(int argc, char **argv) {
    harness_init(argc, argv);
    RUN(inside_a_callback_of_the_app);
    RUN(by_the_completion_of_a_call_under_way);
    RUN(by_a_thread_that_ends);
    RUN(while_a_pulled_event_is_held);
    RUN(another_app_inside_a_callback);
    RUN(waits_for_a_callback_elsewhere);
    RUN(free_without_close);
    RUN(nothing_is_left);
    return harness_finish();
}
