/* Suspension and unload in the middle of things: events that wait in the queue, bursts of events whose
 * callbacks suspend, resume or unload (tcp.md LC-2, LC-3, LC-6, LC-7). */
#include <sched.h>
#include <unistd.h>

#include "life.h"

#define ON_RECEIVE CHROME_SOCKETS_TCP_ON_RECEIVE
#define ON_ACCEPT CHROME_SOCKETS_TCP_SERVER_ON_ACCEPT

/* Waits without handing out any event. */
#define wait_untouched(f, cond)                                            \
    do {                                                                   \
        long long end_ = now_ms() + deadline_ms();                         \
        while (!(cond)) {                                                  \
            if (now_ms() > end_) FAIL("deadline: %s", #cond);              \
            sched_yield();                                                 \
        }                                                                  \
        (void)(f);                                                         \
    } while (0)
#define all_done(f) (fx_stats(f).calls_completed == fx_stats(f).calls_accepted)

/* Queued and not handed out at the suspension: what belongs to sockets that die is dropped, the rest
 * waits, completions stay. (With reactor delivery nothing ever waits.) */
static void queued_events(fx *f) {
    int kept, lost;
    int32_t p, n;
    call *before, *after;
    if (mode_is_reactor(f->mode)) return;
    p = made_persistent(f, connected(f, &kept));
    n = connected(f, &lost);
    peer_text(kept, "kept");
    peer_text(lost, "lost!");
    wait_untouched(f, fx_stats(f).undelivered_bytes == 9);
    before = tcp_get_sockets(f);
    wait_untouched(f, all_done(f));
    app_suspend(f);
    after = tcp_get_sockets(f);
    wait_untouched(f, all_done(f));
    IS_OK(before);
    CHECK_INT(before->done->info_len, 2);
    IS_OK(after);
    CHECK_INT(after->done->info_len, 1);
    CHECK(before->done->seq < after->done->seq);
    await_wanted(f); /* for what was queued */
    CHECK_INT(count_events(f, ON_RECEIVE, 0), 0);
    peer_text(kept, ", and on");
    prod(f);
    CHECK_INT(count_events(f, ON_RECEIVE, 0), 0);
    app_resume(f);
    receive(f, p, "kept, and on");
    prod(f);
    CHECK_INT(count_events(f, ON_RECEIVE, n), 0);
    CHECK_INT(count_events(f, CHROMESOCK_APP_WANTED, 0), 1);
    CHECK_INT(fx_stats(f).undelivered_bytes, 0);
    close(kept);
    close(lost);
}

/* A queued onAccept whose client dies at the suspension (LC-5): nobody is woken for it, and nobody is
 * told of a socket that does not exist. */
static void queued_accepts(fx *f) {
    uint16_t port;
    int peer;
    int32_t server;
    if (mode_is_reactor(f->mode)) return;
    server = server_made_persistent(f, listening(f, &port));
    peer = peer_connect("127.0.0.1", port);
    wait_untouched(f, fx_stats(f).sockets_open == 2);
    wait_untouched(f, fx_stats(f).undelivered_events == 1);
    app_suspend(f);
    tcp_get_sockets(f);
    wait_untouched(f, all_done(f));
    prod(f);
    CHECK_INT(sockets_of(f), 0);
    peer_expect_eof(peer);
    no_event(f, CHROMESOCK_APP_WANTED, 0);
    app_resume(f);
    prod(f);
    no_event(f, ON_ACCEPT, server);
    close(peer);
}

/* ---- in callbacks ---- */

static atomic_int countdown;
static call *_Atomic marker;
static size_t len_at_unload;

static void suspend_in_burst(fx *f, const chromesock_event *event) {
    if (event->type != ON_RECEIVE || atomic_fetch_sub(&countdown, 1) != 1) return;
    app_suspend(f);
    marker = tcp_get_sockets(f);
}

/* Suspended by the callback of the 20th event of a burst: from the completion of the next call on
 * nothing is handed out, and after the resume nothing is missing or there twice. */
static void suspend_inside(fx *f) {
    int peer, other;
    int32_t id = made_persistent(f, connected(f, &peer));
    talker *t = talker_start(peer), *u;
    stream s = {id, t, 0, 0};
    connected(f, &other);
    u = talker_start(other);
    receive_stream(f, &s, 50000);
    for (int round = 0; round < 3; round++) {
        size_t at = 0;
        marker = NULL;
        countdown = 20;
        f->inside = suspend_in_burst;
        stream_take(f, &s);
        wait_until(f, marker != NULL);
        IS_OK((call *)marker);
        f->inside = NOTHING;
        pthread_mutex_lock(&f->mutex);
        while (f->events[at] != marker->done) at++;
        pthread_mutex_unlock(&f->mutex);
        await_wanted(f);
        prod(f);
        CHECK(wanted_since(f, at) <= 1); /* the one awaited may stand before the marker */
        CHECK_INT(sockets_of(f), 1);
        app_resume(f);
        receive_stream(f, &s, 200000);
    }
    receive_stream_to_its_end(f, &s);
    talker_stop(u);
    close(peer);
    close(other);
}

static void resume_when_wanted(fx *f, const chromesock_event *event) {
    if (event->type == CHROMESOCK_APP_WANTED) app_resume(f);
}

/* The plain host: it resumes as soon as it is asked to, inside that callback. */
static void resume_inside(fx *f) {
    int peer;
    int32_t id = made_persistent(f, connected(f, &peer));
    talker *t = talker_start(peer);
    stream s = {id, t, 0, 0};
    f->inside = resume_when_wanted;
    for (int round = 0; round < 20; round++) {
        app_suspend(f);
        barrier(f);
        receive_stream(f, &s, 100000);
    }
    receive_stream_to_its_end(f, &s);
    f->inside = NOTHING;
    CHECK(count_events(f, CHROMESOCK_APP_WANTED, 0) <= 20);
    close(peer);
}

static void unload_in_burst(fx *f, const chromesock_event *event) {
    if (event->type != ON_RECEIVE || atomic_fetch_sub(&countdown, 1) != 1) return;
    app_unload(f);
    pthread_mutex_lock(&f->mutex);
    len_at_unload = f->len;
    pthread_mutex_unlock(&f->mutex);
    marker = tcp_get_sockets(f);
}

static void no_notification_from(fx *f, size_t first, size_t in_flight) {
    pthread_mutex_lock(&f->mutex);
    for (size_t n = first; n < f->len; n++)
        if (f->events[n]->type >= 0x100 && (f->events[n]->type & 0x80) && in_flight-- == 0)
            FAIL("%s on id %d after unload (tcp.md LC-6), %zu events after it",
                 chromesock_event_type_name(f->events[n]->type), (int)f->events[n]->id, n - first);
    pthread_mutex_unlock(&f->mutex);
}

/* LC-6: not one event more, from the moment the callback has called it. */
static void unload_inside(fx *f) {
    uint16_t port;
    int peer[4], waiting;
    int32_t last = 0;
    talker *t[4];
    for (int n = 0; n < 4; n++) {
        last = connected(f, &peer[n]);
        if (n % 2) made_persistent(f, last);
    }
    listening(f, &port);
    waiting = peer_connect("127.0.0.1", port);
    marker = NULL;
    countdown = 40;
    f->inside = unload_in_burst;
    for (int n = 0; n < 4; n++) t[n] = talker_start(peer[n]);
    wait_until(f, marker != NULL);
    IS_OK((call *)marker);
    CHECK_INT(marker->done->info_len, 0);
    f->inside = NOTHING;
    for (int n = 0; n < 4; n++) talker_stop(t[n]);
    no_notification_from(f, len_at_unload, 0);
    for (int n = 0; n < 4; n++) close(peer[n]);
    close(waiting);
    prod(f);
    no_notification_from(f, len_at_unload, 0);
    /* the app goes on, with higher ids */
    int32_t id = connected(f, &peer[0]);
    CHECK(id > last);
    peer_text(peer[0], "again");
    wait_until(f, count_events(f, ON_RECEIVE, id) == 1);
    close(peer[0]);
}

/* A long queue, unloaded and then drained at once: the drain and the reactor meet half-way. */
static void unload_then_drain(fx *f) {
    enum { BYTES = 8000 }; /* so many events are within the bound of a socket */
    static const char block[BYTES];
    chrome_sockets_tcp_properties small = tcp_props(CHROME_SOCKETS_TCP_PROPERTIES_BUFFER_SIZE, NULL, 1, 0);
    if (mode_is_reactor(f->mode)) return; /* has no queue */
    for (int round = 0; round < 20; round++) {
        int peer;
        int32_t id = connected(f, &peer);
        size_t at;
        IS_OK(tcp_update(f, id, &small)); /* an event for each byte, but for the first read */
        peer_send(peer, block, BYTES);
        wait_untouched(f, fx_stats(f).undelivered_bytes == BYTES);
        wait_untouched(f, fx_stats(f).undelivered_events > BYTES / 4);
        at = f->len;
        app_unload(f);
        barrier(f);
        no_notification_from(f, at, 0);
        CHECK_INT(fx_stats(f).undelivered_bytes, 0);
        CHECK_INT(fx_stats(f).sockets_open, 0);
        close(peer);
        fx_compact(f);
    }
}

static atomic_int unloaded_elsewhere;
static void *unload_thread(void *arg) {
    fx *f = arg;
    app_unload(f);
    pthread_mutex_lock(&f->mutex);
    len_at_unload = f->len;
    pthread_mutex_unlock(&f->mutex);
    unloaded_elsewhere = 1;
    return NULL;
}

/* Unloaded by another thread while events are handed out: at most the one whose callback had begun. */
static void unload_elsewhere(fx *f) {
    for (int round = 0; round < 5; round++) {
        int peer;
        pthread_t thread;
        int32_t id = made_persistent(f, connected(f, &peer));
        talker *t = talker_start(peer);
        stream s = {id, t, 0, 0};
        receive_stream(f, &s, 300000);
        unloaded_elsewhere = 0;
        CHECK_INT(pthread_create(&thread, NULL, unload_thread, f), 0);
        while (!unloaded_elsewhere) {
            fx_pump(f, 0);
            if (f->len > 100000) FAIL("the unload does not come through");
        }
        CHECK_INT(pthread_join(thread, NULL), 0);
        barrier(f);
        no_notification_from(f, len_at_unload, 1);
        stream_end(&s);
        stream_take(f, &s);
        close(peer);
        fx_compact(f);
    }
}

int main(int argc, char **argv) {
    harness_init(argc, argv);
    RUN_ALL_MODES(queued_events);
    RUN_ALL_MODES(queued_accepts);
    RUN_ALL_MODES(suspend_inside);
    RUN_ALL_MODES(resume_inside);
    RUN_ALL_MODES(unload_inside);
    RUN_ALL_MODES(unload_then_drain);
    RUN_ALL_MODES(unload_elsewhere);
    return harness_finish();
}
