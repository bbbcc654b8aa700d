/* The event handle as a level: readable exactly while the queue is non-empty, over
 * several slices of dispatch or single pulls; the wake-up hook runs once per empty -> non-empty. */
#include <poll.h>
#include <unistd.h>

#include "harness.h"

static int readable(intptr_t handle, int timeout_ms) {
    struct pollfd p = {(int)handle, POLLIN, 0};
    int n = poll(&p, 1, timeout_ms);
    CHECK(n >= 0);
    CHECK((p.revents & ~POLLIN) == 0);
    return n == 1;
}

static void fill_queue(fx *f, uint64_t n) {
    long long end = now_ms() + deadline_ms();
    uint64_t want = fx_stats(f).undelivered_events + n;
    for (uint64_t k = 0; k < n; k++) tcp_get_sockets(f);
    while (fx_stats(f).undelivered_events < want)
        if (now_ms() > end) FAIL("%llu events queued, want %llu",
                                 (unsigned long long)fx_stats(f).undelivered_events,
                                 (unsigned long long)want);
}

/* Takes exactly one event, in the manner of the mode. */
static void take_one(fx *f) {
    if (f->mode == MODE_PULL) {
        const chromesock_event *e = NULL;
        CHECK_INT(chromesock_app_next_event(f->app, 0, &e), CHROMESOCK_OK);
        fx_record(f, e);
        chromesock_event_release(e);
    } else {
        int32_t n = -1;
        CHECK_INT(chromesock_app_dispatch(f->app, 1, 0, &n), CHROMESOCK_OK);
        CHECK_INT(n, 1);
    }
}

static void the_handle_is_a_level(fx *f) {
    intptr_t handle = -1, again = -2;
    if (mode_is_reactor(f->mode)) { /* nothing is ever queued: a loop would wait in vain */
        CHECK_INT(chromesock_app_event_handle(f->app, &handle), CHROMESOCK_WRONG_DELIVERY);
        CHECK_INT(chromesock_app_event_stream(f->app, &again), CHROMESOCK_WRONG_DELIVERY);
        CHECK(handle == -1 && again == -2);
        return;
    }
    CHECK_INT(chromesock_app_event_handle(f->app, &handle), CHROMESOCK_OK);
    CHECK_INT(chromesock_app_event_handle(f->app, &again), CHROMESOCK_OK);
    CHECK_INT(again, handle);
    CHECK_INT(readable(handle, 0), 0);
    for (int round = 0; round < 3; round++) {
        fill_queue(f, 7);
        for (int n = 0; n < 7; n++) {
            CHECK_INT(readable(handle, 0), 1);
            CHECK_INT(readable(handle, 0), 1); /* polling does not consume it */
            take_one(f);
        }
        CHECK_INT(readable(handle, 0), 0);
        CHECK_INT(fx_stats(f).undelivered_events, 0);
    }
}

/* Created when events wait already: it is readable from the start. */
static void the_handle_comes_late(fx *f) {
    intptr_t handle = -1;
    if (mode_is_reactor(f->mode)) return;
    fill_queue(f, 3);
    CHECK_INT(chromesock_app_event_handle(f->app, &handle), CHROMESOCK_OK);
    CHECK_INT(readable(handle, 0), 1);
    for (int n = 0; n < 3; n++) take_one(f);
    CHECK_INT(readable(handle, 0), 0);
}

/* A loop of poll(2) and drains only: a whole conversation, and the end of the app. */
static void a_poll_loop(fx *f) {
    intptr_t handle = -1;
    uint16_t port;
    int listen_fd = peer_listen(&port), peer;
    int32_t id;
    call *c;
    if (mode_is_reactor(f->mode)) {
        close(listen_fd);
        return;
    }
    CHECK_INT(chromesock_app_event_handle(f->app, &handle), CHROMESOCK_OK);
    tcp_create(f, NULL, &id);
    c = tcp_connect(f, id, "127.0.0.1", port);
    peer = peer_accept(listen_fd);
    while (c->done == NULL) {
        CHECK_INT(readable(handle, (int)deadline_ms()), 1);
        take_one(f);
    }
    IS_OK0(c);
    for (int n = 0; n < 100; n++) {
        size_t before = f->len;
        CHECK_INT(readable(handle, 0), 0);
        peer_text(peer, "x");
        CHECK_INT(readable(handle, (int)deadline_ms()), 1);
        take_one(f);
        CHECK_INT(f->len, before + 1);
    }
    CHECK_INT(chromesock_app_close(f->app), CHROMESOCK_OK);
    CHECK_INT(readable(handle, (int)deadline_ms()), 1);
    while (!f->app_closed) {
        CHECK_INT(readable(handle, (int)deadline_ms()), 1);
        take_one(f);
    }
    CHECK_INT(readable(handle, 0), 0);
    close(peer);
    close(listen_fd);
}

/* dispatch: max_events and timeout (header): at most n; what is queued now; 0 on timeout. */
static void dispatch_arguments(fx *f) {
    int32_t n = -1;
    long long start;
    const chromesock_event *e = NULL;
    if (f->mode == MODE_PULL) {
        start = now_ms();
        CHECK_INT(chromesock_app_next_event(f->app, 0, &e), CHROMESOCK_TIMED_OUT);
        CHECK_INT(chromesock_app_next_event(f->app, 100, &e), CHROMESOCK_TIMED_OUT);
        CHECK(e == NULL); /* written only on OK */
        CHECK(now_ms() - start >= 95);
        return;
    }
    if (mode_is_reactor(f->mode)) {
        CHECK_INT(chromesock_app_dispatch(f->app, 0, 0, &n), CHROMESOCK_WRONG_DELIVERY);
        CHECK_INT(chromesock_app_next_event(f->app, 0, &e), CHROMESOCK_WRONG_DELIVERY);
        CHECK_INT(n, -1);
        return;
    }
    CHECK_INT(chromesock_app_dispatch(f->app, 0, 0, &n), CHROMESOCK_OK);
    CHECK_INT(n, 0);
    start = now_ms();
    CHECK_INT(chromesock_app_dispatch(f->app, 0, 100, &n), CHROMESOCK_OK);
    CHECK_INT(n, 0);
    CHECK(now_ms() - start >= 95);
    fill_queue(f, 10);
    CHECK_INT(chromesock_app_dispatch(f->app, 4, 0, &n), CHROMESOCK_OK);
    CHECK_INT(n, 4);
    CHECK_INT(chromesock_app_dispatch(f->app, -1, -1, &n), CHROMESOCK_OK);
    CHECK_INT(n, 6);
    fill_queue(f, 2);
    CHECK_INT(chromesock_app_dispatch(f->app, 0, 0, NULL), CHROMESOCK_OK);
    tcp_get_sockets(f);
    CHECK_INT(chromesock_app_dispatch(f->app, 1, -1, &n), CHROMESOCK_OK); /* waits */
    CHECK_INT(n, 1);
}

/* ---- the wake-up hook ---- */

static atomic_int hooks;
static pthread_t hook_thread;
static void hook(void *user_data) {
    CHECK(user_data == (void *)&hooks);
    hook_thread = pthread_self();
    atomic_fetch_add(&hooks, 1);
}

static void hook_once_per_change(enum mode mode) {
    chromesock_app_options o;
    fx *f;
    memset(&o, 0, sizeof o);
    o.wakeup = hook;
    o.wakeup_user_data = &hooks;
    atomic_store(&hooks, 0);
    f = fx_new(mode, &o);
    for (int round = 1; round <= 5; round++) {
        fill_queue(f, 1);
        for (long long end = now_ms() + deadline_ms(); atomic_load(&hooks) < round;)
            if (now_ms() > end) FAIL("deadline: the hook did not run");
        CHECK_INT(atomic_load(&hooks), round);
        CHECK(!pthread_equal(hook_thread, pthread_self()));
        fill_queue(f, 11);
        take_one(f);
        take_one(f);
        fill_queue(f, 11);
        CHECK_INT(atomic_load(&hooks), round); /* it never was empty */
        while (fx_stats(f).undelivered_events > 0) take_one(f);
    }
    CHECK_INT(chromesock_app_close(f->app), CHROMESOCK_OK);
    wait_until(f, f->app_closed);
    wait_until(f, atomic_load(&hooks) >= 6); /* the event may be taken before the hook has run */
    fx_end(f);
    CHECK_INT(atomic_load(&hooks), 6);
}

static void the_hook_runs_once(void) {
    hook_once_per_change(MODE_DISPATCH);
    hook_once_per_change(MODE_PULL);
}

int main(int argc, char **argv) {
    harness_init(argc, argv);
    RUN_ALL_MODES(the_handle_is_a_level);
    RUN_ALL_MODES(the_handle_comes_late);
    RUN_ALL_MODES(a_poll_loop);
    RUN_ALL_MODES(dispatch_arguments);
    RUN(the_hook_runs_once);
    return harness_finish();
}
