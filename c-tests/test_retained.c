/* Ownership of events and handlers (README "Ownership"): retained events outlive the
 * callback, the release of the original, and the app; the default handler's release function runs
 * exactly once, when it is replaced or the app is gone. */
#include <unistd.h>

#include "harness.h"

enum { MOST = 64 };
static const chromesock_event *kept[MOST];
static int kept_len;

static void keep(fx *f, const chromesock_event *event) {
    const chromesock_event *copy = NULL;
    (void)f;
    if (kept_len == MOST) return;
    CHECK_INT(chromesock_event_retain(event, &copy), CHROMESOCK_OK);
    CHECK(copy != NULL);
    kept[kept_len++] = copy;
}

static void same(const chromesock_event *e, const ev *want) {
    CHECK_INT(e->type, want->type);
    CHECK_INT(e->present, want->present);
    CHECK_INT(e->socket_id, want->id);
    CHECK_INT(e->client_socket_id, want->client);
    CHECK_INT(e->result, want->result);
    CHECK(e->user_data == want->user);
    CHECK_STR(e->message, want->message);
    CHECK_MEM(e->data, e->data_len, want->data, want->len);
    CHECK_INT(e->bytes_sent, want->bytes_sent);
    CHECK_INT(e->sockets_len, want->info_len);
    for (size_t n = 0; n < want->info_len; n++) {
        CHECK_STR(e->sockets[n].name, want->info[n].name);
        CHECK_STR(e->sockets[n].peer_address, want->info[n].peer_address);
    }
}

static void retained_after_free(void) {
    for (int mode = 0; mode < MODE_COUNT; mode++) {
        fx *f = fx_new((enum mode)mode, NULL);
        chrome_sockets_tcp_properties p = tcp_props(CHROME_SOCKETS_TCP_PROPERTIES_NAME, "name", 0, 0);
        int peer;
        int32_t id;
        kept_len = 0;
        f->inside = keep;
        id = connected(f, &peer);
        IS_OK(tcp_update(f, id, &p));
        peer_text(peer, "some bytes");
        receive(f, id, "some bytes");
        info_of(f, id);
        IS_OK(tcp_get_sockets(f));
        IS_FAIL_TEXT(tcp_get_info(f, 999), NOT_FOUND);
        IS_SENT(tcp_send(f, id, "x", 1), 1);
        peer_expect(peer, "x"); /* unread bytes would make the close a reset */
        close(peer);
        receive_error(f, id, CHROMESOCK_CONNECTION_CLOSED);
        f->held_bytes = 10; /* what is held keeps its credit (README "Limits on memory") */
        fx_close_and_check(f);
        f->inside = NOTHING;
        chromesock_app_free(f->app);
        CHECK(kept_len > 5);
        for (int n = 0; n < kept_len; n++) same(kept[n], f->events[n]);
        for (int n = 0; n < kept_len; n++) chromesock_event_release(kept[n]);
        fx_forget(f);
    }
}

/* Retaining a retained event; both are released in any order. */
static void retained_twice(fx *f) {
    const chromesock_event *second = NULL;
    kept_len = 0;
    f->inside = keep;
    IS_OK(tcp_get_sockets(f));
    fx_stop_inside(f);
    CHECK_INT(kept_len, 1);
    CHECK_INT(chromesock_event_retain(kept[0], &second), CHROMESOCK_OK);
    chromesock_event_release(kept[0]);
    CHECK_INT(second->type, CHROME_SOCKETS_TCP_GET_SOCKETS);
    chromesock_event_release(second);
    chromesock_event_release(NULL);
}

static void keep_data(fx *f, const chromesock_event *event) {
    if (event->type == CHROME_SOCKETS_TCP_ON_RECEIVE) keep(f, event);
}

/* The same with data: what an event points to is its own, whichever goes first, and whatever comes next. */
static void retained_with_data(fx *f) {
    const chromesock_event *second = NULL, *third = NULL;
    int peer;
    int32_t id = connected(f, &peer);
    kept_len = 0;
    f->inside = keep_data;
    peer_text(peer, "some bytes");
    receive(f, id, "some bytes");
    fx_stop_inside(f);
    CHECK_INT(kept_len, 1);
    CHECK_INT(chromesock_event_retain(kept[0], &second), CHROMESOCK_OK);
    CHECK(second->data != kept[0]->data);
    chromesock_event_release(kept[0]);
    CHECK_INT(chromesock_event_retain(second, &third), CHROMESOCK_OK);
    peer_text(peer, "other bytes");
    receive(f, id, "other bytes");
    CHECK_MEM(second->data, second->data_len, "some bytes", 10);
    CHECK_INT(fx_stats(f).undelivered_bytes, 20);
    chromesock_event_release(second);
    CHECK_MEM(third->data, third->data_len, "some bytes", 10);
    chromesock_event_release(third);
    close(peer);
}

/* Releasing on another thread than the one that retained. */
static void *release_thread(void *arg) {
    chromesock_event_release(arg);
    return NULL;
}
static void released_elsewhere(fx *f) {
    pthread_t t;
    union { const chromesock_event *in; void *out; } u;
    kept_len = 0;
    f->inside = keep;
    IS_OK(tcp_get_sockets(f));
    fx_stop_inside(f);
    u.in = kept[0];
    CHECK_INT(pthread_create(&t, NULL, release_thread, u.out), 0);
    CHECK_INT(pthread_join(t, NULL), 0);
}

/* ---- release of handlers ---- */

static int released[3], called[3];
static void on_release(void *user_data) { released[(intptr_t)user_data]++; }
static void on_event(chromesock_app *app, const chromesock_event *e, void *user_data) {
    (void)app;
    (void)e;
    called[(intptr_t)user_data]++;
}

static void release_runs_once(void) {
    chromesock_app *app = NULL;
    memset(released, 0, sizeof released);
    memset(called, 0, sizeof called);
    CHECK_INT(chromesock_app_new(NULL, &app), CHROMESOCK_OK);
    CHECK_INT(chromesock_app_set_default_handler(app, on_event, (void *)0, on_release), 0);
    CHECK_INT(released[0], 0);
    CHECK_INT(chromesock_app_set_default_handler(app, on_event, (void *)1, on_release), 0);
    CHECK_INT(released[0], 1);
    CHECK_INT(chrome_sockets_tcp_get_sockets(app, NULL, NULL), CHROMESOCK_OK);
    CHECK_INT(chromesock_app_dispatch(app, 1, (int32_t)deadline_ms(), NULL), CHROMESOCK_OK);
    CHECK_INT(called[1], 1);
    CHECK_INT(chromesock_app_set_default_handler(app, NULL, NULL, NULL), 0);
    CHECK_INT(released[1], 1);
    CHECK_INT(chromesock_app_set_default_handler(app, on_event, (void *)2, on_release), 0);
    chromesock_app_free(app);
    CHECK_INT(released[0], 1);
    CHECK_INT(released[1], 1);
    CHECK_INT(released[2], 1);
    CHECK_INT(called[0], 0);
    CHECK(called[2] <= 1); /* nothing but APP_CLOSED */
}

/* Replaced inside its own callback: released only after it has returned. */
static int inside_own, released_inside;
static void release_late(void *user_data) {
    (void)user_data;
    if (inside_own) released_inside = 1;
    released[0]++;
}
static void replace_self(chromesock_app *app, const chromesock_event *e, void *user_data) {
    (void)e;
    (void)user_data;
    inside_own = 1;
    CHECK_INT(chromesock_app_set_default_handler(app, on_event, (void *)1, on_release), 0);
    inside_own = 0;
}
static void replaced_inside_itself(void) {
    chromesock_app *app = NULL;
    memset(released, 0, sizeof released);
    memset(called, 0, sizeof called);
    released_inside = 0;
    CHECK_INT(chromesock_app_new(NULL, &app), CHROMESOCK_OK);
    CHECK_INT(chromesock_app_set_default_handler(app, replace_self, NULL, release_late), 0);
    CHECK_INT(chrome_sockets_tcp_get_sockets(app, NULL, NULL), CHROMESOCK_OK);
    CHECK_INT(chrome_sockets_tcp_get_sockets(app, NULL, NULL), CHROMESOCK_OK);
    while (called[1] < 1)
        CHECK_INT(chromesock_app_dispatch(app, 1, (int32_t)deadline_ms(), NULL), CHROMESOCK_OK);
    CHECK_INT(released_inside, 0);
    CHECK_INT(released[0], 1);
    chromesock_app_free(app);
    CHECK_INT(released[0], 1);
    CHECK_INT(released[1], 1);
}

/* 2.3: no callback, no handler: the completion is dropped in dispatch, and counted as completed. */
static void dropped_for_want_of_a_handler(void) {
    chromesock_app *app = NULL;
    chromesock_app_stats s;
    int32_t n = 0;
    CHECK_INT(chromesock_app_new(NULL, &app), CHROMESOCK_OK);
    for (int k = 0; k < 5; k++)
        CHECK_INT(chrome_sockets_tcp_get_sockets(app, NULL, NULL), CHROMESOCK_OK);
    memset(&s, 0, sizeof s);
    s.size = sizeof s;
    for (long long end = now_ms() + deadline_ms(); s.calls_completed < 5;) {
        if (now_ms() > end) FAIL("deadline: %d completed", (int)s.calls_completed);
        CHECK_INT(chromesock_app_dispatch(app, 0, 10, &n), CHROMESOCK_OK);
        CHECK_INT(chromesock_app_get_stats(app, &s), CHROMESOCK_OK);
    }
    CHECK_INT(s.calls_accepted, 5);
    CHECK_INT(s.undelivered_events, 0);
    chromesock_app_free(app);
}

int main(int argc, char **argv) {
    harness_init(argc, argv);
    RUN(retained_after_free);
    RUN_ALL_MODES(retained_twice);
    RUN_ALL_MODES(retained_with_data);
    RUN_ALL_MODES(released_elsewhere);
    RUN(release_runs_once);
    RUN(replaced_inside_itself);
    RUN(dropped_for_want_of_a_handler);
    return harness_finish();
}
