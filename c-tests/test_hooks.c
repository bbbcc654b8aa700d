/* Inside the wake-up hook and the release hook of the default handler, too, every function may be called, and the
 * app freed (header). The release of lent bytes: test_send_owned.c. */
#include <unistd.h>

#include "api.h"

static chromesock_app *app;
static atomic_int calls, completed, released, acted;

static void count(chromesock_app *a, const chromesock_event *e, void *user_data) {
    (void)a;
    (void)e;
    (void)user_data;
    atomic_fetch_add(&completed, 1);
}

static void unused(chromesock_app *a, const chromesock_event *e, void *user_data) {
    (void)a;
    (void)e;
    (void)user_data;
}

/* An app that has ended refuses what it would have to do, and nothing else. */
static void every_function(chromesock_status expected) {
    chromesock_app_stats stats;
    chromesock_bool has;
    chromesock_texts *texts;
    intptr_t place;
    for (size_t n = 0; n < api_methods_len; n++) {
        struct api_in in = api_harmless(99999, NULL);
        CHECK_INT(api_methods[n].call(app, &in, count, NULL), expected);
        if (expected == CHROMESOCK_OK) atomic_fetch_add(&calls, 1);
    }
    for (size_t n = 0; n < api_listeners_len; n++) {
        CHECK_INT(api_listeners[n].add(app, unused, NULL), CHROMESOCK_OK);
        CHECK_INT(api_listeners[n].has(app, unused, NULL, &has), CHROMESOCK_OK);
        CHECK_INT(has, 1);
        CHECK_INT(api_listeners[n].remove(app, unused, NULL), CHROMESOCK_OK);
    }
    memset(&stats, 0, sizeof stats);
    stats.size = sizeof stats;
    CHECK_INT(chromesock_app_get_stats(app, &stats), CHROMESOCK_OK);
    CHECK_INT(chromesock_app_event_handle(app, &place), CHROMESOCK_OK);
    CHECK_INT(chromesock_app_event_stream(app, &place), CHROMESOCK_OK);
    CHECK_INT(close((int)place), 0);
    CHECK_INT(chromesock_app_hold_calls(app, 1), CHROMESOCK_OK);
    CHECK_INT(chromesock_app_run_calls(app), CHROMESOCK_OK);
    CHECK_INT(chromesock_app_hold_calls(app, 1), CHROMESOCK_OK);
    CHECK_INT(chromesock_app_hold_calls(app, 0), CHROMESOCK_OK);
    CHECK_INT(chromesock_app_suspend(app), expected);
    CHECK_INT(chromesock_app_resume(app), expected);
    CHECK_INT(chromesock_app_unload(app), expected);
    CHECK_INT(chromesock_app_has_api(app, CHROMESOCK_API_SOCKETS, &has), CHROMESOCK_OK);
    CHECK_INT(chromesock_app_get_rules(app, CHROMESOCK_API_SOCKETS, &texts), CHROMESOCK_OK);
    chromesock_texts_free(texts);
}

static void hook_that_calls(void *once) {
    if (atomic_exchange((atomic_int *)once, 1)) return;
    every_function(CHROMESOCK_OK);
}

static void hook_that_frees(void *once) {
    if (atomic_exchange((atomic_int *)once, 1)) return;
    every_function(CHROMESOCK_OK);
    chromesock_app_free(app);
}

static void release(void *user_data) {
    (void)user_data;
    atomic_fetch_add(&released, 1);
}
static void release_that_calls(void *user_data) {
    release(user_data);
    every_function(CHROMESOCK_OK);
}
static void release_that_frees(void *user_data) {
    release(user_data);
    every_function(CHROMESOCK_OK);
    chromesock_app_free(app);
}
static void release_at_the_end(void *user_data) {
    release(user_data);
    every_function(CHROMESOCK_CONTEXT_SHUT_DOWN);
}

static void start(chromesock_hook wakeup, chromesock_hook on_release) {
    chromesock_app_options options;
    memset(&options, 0, sizeof options);
    options.size = sizeof options;
    options.wakeup = wakeup;
    options.wakeup_user_data = &acted;
    calls = completed = released = acted = 0;
    CHECK_INT(chromesock_app_new(&options, &app), CHROMESOCK_OK);
    CHECK_INT(chromesock_app_set_default_handler(app, unused, NULL, on_release), CHROMESOCK_OK);
}

static void get_sockets(void) {
    CHECK_INT(chrome_sockets_tcp_get_sockets(app, count, NULL), CHROMESOCK_OK);
    atomic_fetch_add(&calls, 1);
}

static void drain(void) {
    wait_idly(chromesock_app_dispatch(app, 0, 10, NULL) == CHROMESOCK_OK && completed == calls);
}

static void end(void) {
    chromesock_app_free(app);
    CHECK_INT(completed, calls);
    CHECK_INT(released, 1);
}

static void calls_in_the_wakeup_hook(void) {
    start(hook_that_calls, release);
    get_sockets();
    wait_idly(calls > 1);
    drain();
    end();
}

static void free_in_the_wakeup_hook(void) {
    start(hook_that_frees, release);
    get_sockets();
    wait_idly(released == 1); /* the last that is heard of an app */
    CHECK_INT(completed, calls);
}

static void calls_in_a_release(void) {
    start(NULL, release_that_calls);
    CHECK_INT(chromesock_app_set_default_handler(app, unused, NULL, NULL), CHROMESOCK_OK);
    CHECK_INT(released, 1);
    drain();
    end();
}

static void release_without_a_handler(void) {
    start(NULL, NULL);
    CHECK_INT(chromesock_app_set_default_handler(app, NULL, NULL, release), CHROMESOCK_OK);
    CHECK_INT(released, 1);
    end();
}

static void free_in_a_release(void) {
    start(NULL, release_that_frees);
    CHECK_INT(chromesock_app_set_default_handler(app, unused, NULL, NULL), CHROMESOCK_OK);
    CHECK_INT(released, 1);
    CHECK_INT(completed, calls); /* that was outside of callbacks: all is done */
}

static void calls_in_the_last_release(void) {
    start(NULL, release_at_the_end);
    get_sockets();
    end();
}

enum { BEFORE_SENDS = 2 };

/* How many calls had completed when the reactor's thread first told of a send. */
static void note_completed(void *first) {
    chromesock_app_stats stats;
    memset(&stats, 0, sizeof stats);
    stats.size = sizeof stats;
    CHECK_INT(chromesock_app_get_stats(app, &stats), CHROMESOCK_OK);
    if (stats.calls_completed > BEFORE_SENDS && atomic_load((atomic_int *)first) == 0)
        atomic_store((atomic_int *)first, (int)stats.calls_completed);
}

/* Of large sends in a row, the first are told of while those behind are still to be written. */
static void completions_before_the_last_send(void) {
    enum { SENDS = 16, SIZE = 64 * 1024 }; /* together less than the system takes at once */
    static uint8_t block[SIZE];
    uint16_t port;
    int listener = peer_listen(&port), peer;
    int32_t id;
    start(note_completed, release);
    CHECK_INT(chrome_sockets_tcp_create(app, NULL, &id, count, NULL), CHROMESOCK_OK);
    CHECK_INT(chrome_sockets_tcp_connect(app, id, "127.0.0.1", port, CHROME_SOCKETS_DNS_QUERY_TYPE_ANY, count, NULL),
              CHROMESOCK_OK);
    calls = BEFORE_SENDS;
    drain();
    peer = peer_accept(listener);
    CHECK_INT(chromesock_app_hold_calls(app, 1), CHROMESOCK_OK);
    for (int n = 0; n < SENDS; n++)
        CHECK_INT(chrome_sockets_tcp_send(app, id, block, SIZE, count, NULL), CHROMESOCK_OK);
    calls += SENDS;
    CHECK_INT(chromesock_app_hold_calls(app, 0), CHROMESOCK_OK);
    wait_idly(acted > 0);
    CHECK(acted < calls);
    drain();
    close(peer);
    close(listener);
    end();
}

int main(int argc, char **argv) {
    harness_init(argc, argv);
    RUN(calls_in_the_wakeup_hook);
    RUN(free_in_the_wakeup_hook);
    RUN(calls_in_a_release);
    RUN(release_without_a_handler);
    RUN(free_in_a_release);
    RUN(calls_in_the_last_release);
    RUN(completions_before_the_last_send);
    return harness_finish();
}
