/* suspend, resume and unload as calls (header): twice, in any order, in every callback,
 * from many threads, and when the app closes. */
#include <errno.h>
#include <unistd.h>

#include "life.h"

enum step { SUSPEND, RESUME, UNLOAD, STEPS };

static chromesock_status take(chromesock_app *app, enum step step) {
    switch (step) {
    case SUSPEND: return chromesock_app_suspend(app);
    case RESUME: return chromesock_app_resume(app);
    default: return chromesock_app_unload(app);
    }
}

/* ---- any order ---- */

/* Every sequence of four steps against a model: which of a persistent and a plain socket live, whether
 * the app sleeps, and that a peer's word is delivered exactly when it is awake. */
static void play(fx *f, int sequence) {
    int kept_peer, plain_peer, asleep = 0, kept_lives = 1, plain_lives = 1, wanted;
    int32_t kept = made_persistent(f, connected(f, &kept_peer)), plain = connected(f, &plain_peer);
    for (int n = 0; n < 4; n++) {
        enum step step = (enum step)(sequence % STEPS);
        sequence /= STEPS;
        CHECK_INT(take(f->app, step), CHROMESOCK_OK);
        if (step == SUSPEND) {
            asleep = 1;
            plain_lives = 0;
        } else {
            asleep = 0;
            if (step == UNLOAD) plain_lives = kept_lives = 0;
        }
        CHECK_INT(alive(f, kept), kept_lives);
        CHECK_INT(alive(f, plain), plain_lives);
    }
    wanted = count_events(f, CHROMESOCK_APP_WANTED, 0);
    peer_text_if_open(kept_peer, "word");
    /* It may come later than what others say then: on a busy machine the system delivers each CPU's packets in turns. */
    if (kept_lives && asleep) await_wanted(f);
    if (kept_lives && !asleep) receive(f, kept, "word");
    prod(f);
    CHECK_INT(count_events(f, CHROMESOCK_APP_WANTED, 0) - wanted, asleep && kept_lives);
    CHECK_INT(count_events(f, CHROME_SOCKETS_TCP_ON_RECEIVE, kept), !asleep && kept_lives);
    app_resume(f);
    app_resume(f);
    if (kept_lives && asleep) receive(f, kept, "word");
    CHECK_INT(count_events(f, CHROME_SOCKETS_TCP_ON_RECEIVE_ERROR, 0), 0);
    app_unload(f);
    barrier(f);
    close(kept_peer);
    close(plain_peer);
}

static void any_order(fx *f) {
    int sequences = STEPS * STEPS * STEPS * STEPS;
    for (int n = 0; n < sequences; n++) {
        play(f, n);
        if (f->len > 2000) fx_compact(f);
    }
}

/* Header: "Doing it again does nothing." So a connection accepted while asleep outlives a second
 * suspend (LC-5 speaks of the next suspension), as does a socket that was made meanwhile. */
static void suspended_twice(fx *f) {
    uint16_t port;
    int client, peer;
    int32_t server = server_made_persistent(f, listening(f, &port)), k, id;
    size_t asleep = sleep_now(f);
    client = peer_connect("127.0.0.1", port);
    await_wanted(f);
    id = connected(f, &peer);
    app_suspend(f);
    prod(f);
    CHECK_INT(wanted_since(f, asleep), 1);
    CHECK_INT(alive(f, id), 1);
    app_resume(f);
    k = await_event(f, CHROME_SOCKETS_TCP_SERVER_ON_ACCEPT, server)->client;
    CHECK_INT(alive(f, k), 1);
    IS_OK(tcp_set_paused(f, k, 0));
    peer_text(client, "alive");
    receive(f, k, "alive");
    app_resume(f); /* an app that is awake stays as it is */
    peer_text(peer, "still");
    receive(f, id, "still");
    close(client);
    close(peer);
}

/* ---- in every callback ---- */

static enum step steps_inside[2];
static uint32_t trigger;
static atomic_int entered, left_it;

static void step_inside(fx *f, const chromesock_event *event) {
    if (event->type != trigger || atomic_exchange(&entered, 1)) return;
    for (int n = 0; n < 2; n++) CHECK_INT(take(f->app, steps_inside[n]), CHROMESOCK_OK);
    tcp_get_sockets(f);
    left_it = 1;
}

/* Each pair of steps inside the callback of each kind of event, while a peer sends. */
static void in_callbacks(fx *f) {
    static const uint32_t types[] = {
        CHROME_SOCKETS_TCP_CREATE,     CHROME_SOCKETS_TCP_SEND,
        CHROME_SOCKETS_TCP_CLOSE,      CHROME_SOCKETS_TCP_ON_RECEIVE,
        CHROME_SOCKETS_TCP_ON_RECEIVE_ERROR, CHROME_SOCKETS_TCP_SERVER_ON_ACCEPT,
        CHROMESOCK_APP_WANTED,
    };
    for (size_t type = 0; type < sizeof types / sizeof types[0]; type++)
        for (int pair = 0; pair < STEPS * STEPS; pair++) {
            int peer, client, ending;
            uint16_t port;
            int32_t id = made_persistent(f, connected(f, &peer)), made = 0;
            listening(f, &port);
            connected(f, &ending);
            steps_inside[0] = (enum step)(pair % STEPS);
            steps_inside[1] = (enum step)(pair / STEPS);
            trigger = types[type];
            entered = left_it = 0;
            f->inside = step_inside;
            talker *t = talker_start(peer);
            tcp_create(f, NULL, &made);
            tcp_send(f, id, "x", 1);
            tcp_close(f, made);
            client = peer_try_connect("127.0.0.1", port); /* refused if a step was quick */
            close(ending);
            if (trigger == CHROMESOCK_APP_WANTED) {
                sleep_now(f);
                peer_text_if_open(peer, "x"); /* should the talker have said all it may */
            }
            wait_until(f, left_it);
            f->inside = NOTHING;
            talker_stop(t);
            /* wherever that has led to, an unload leads out of it */
            app_unload(f);
            IS_OK(tcp_get_sockets(f));
            CHECK_INT(sockets_of(f), 0);
            CHECK_INT(fx_stats(f).sockets_open, 0);
            if (client >= 0) close(client);
            close(peer);
            pthread_mutex_lock(&f->mutex);
            for (size_t n = 0; n < f->len; n++) f->events[n]->taken = 1;
            pthread_mutex_unlock(&f->mutex);
            fx_compact(f);
        }
}

/* ---- from many threads ---- */

enum { THREADS = 4 };
static atomic_int running;

struct worker {
    fx *f;
    uint32_t state;
    long rounds;
    uint16_t port;
    pthread_t thread;
};

static uint32_t next(struct worker *w) {
    w->state = w->state * 1664525u + 1013904223u;
    return w->state >> 16;
}

static void *work(void *arg) {
    struct worker *w = arg;
    fx *f = w->f;
    chrome_sockets_tcp_properties p = tcp_props(CHROME_SOCKETS_TCP_PROPERTIES_PERSISTENT, NULL, 0, 1);
    for (long n = 0; n < w->rounds; n++) {
        int32_t id = 0;
        CHECK_INT(take(f->app, (enum step)(next(w) % STEPS)), CHROMESOCK_OK);
        tcp_create(f, next(w) % 2 ? &p : NULL, &id);
        tcp_connect(f, id, "127.0.0.1", w->port);
        tcp_send(f, id, "hello", 5);
        if (next(w) % 2) tcp_close(f, id);
    }
    atomic_fetch_sub(&running, 1);
    return NULL;
}

/* Every call completes once whatever the order, the peer's bytes stay in order on each socket, and the
 * app is of use afterwards. An echoing server of the same app takes part in all of it. */
static void adopt(fx *f, const chromesock_event *event) {
    if (event->type == CHROME_SOCKETS_TCP_SERVER_ON_ACCEPT)
        tcp_set_paused(f, event->client_socket_id, 0);
}

static void from_many_threads(fx *f) {
    struct worker w[THREADS];
    uint16_t port, server_port;
    int listen_fd = peer_listen(&port), peer;
    int32_t id;
    talker *t;
    server_made_persistent(f, listening(f, &server_port));
    id = made_persistent(f, connected(f, &peer));
    t = talker_start(peer);
    f->inside = adopt;
    running = THREADS;
    for (int n = 0; n < THREADS; n++) {
        w[n].f = f;
        w[n].state = (uint32_t)(n * 7919 + (int)f->mode);
        w[n].rounds = scaled(150);
        w[n].port = n % 2 ? port : server_port;
        CHECK_INT(pthread_create(&w[n].thread, NULL, work, &w[n]), 0);
    }
    while (running > 0) fx_pump(f, 1);
    for (int n = 0; n < THREADS; n++) CHECK_INT(pthread_join(w[n].thread, NULL), 0);
    barrier(f);
    f->inside = NOTHING;
    talker_stop(t);
    app_unload(f);
    barrier(f);
    fx_compact(f); /* waits for every completion */
    CHECK_INT(alive(f, id), 0);
    CHECK_INT(fx_stats(f).sockets_open, 0);
    close(peer);
    id = connected(f, &peer);
    peer_text(peer, "of use");
    receive(f, id, "of use");
    close(peer);
    close(listen_fd);
}

/* ---- closing ---- */

static void a_closing_app(fx *f) {
    new_tcp(f);
    CHECK_INT(chromesock_app_close(f->app), CHROMESOCK_OK);
    for (int step = 0; step < STEPS; step++)
        CHECK_INT(take(f->app, (enum step)step), CHROMESOCK_CONTEXT_SHUT_DOWN);
    fx_close_and_check(f);
    for (int step = 0; step < STEPS; step++)
        CHECK_INT(take(f->app, (enum step)step), CHROMESOCK_CONTEXT_SHUT_DOWN);
}

/* Closed while asleep, with events that wait: they are dropped, pending calls complete, and the
 * statistics are even (fx_close_and_check). Twice: then also while peers go on sending. */
static void closed_while_asleep(fx *f) {
    int peer, other;
    uint16_t port;
    call *open;
    blackhole b;
    int32_t server = server_made_persistent(f, listening(f, &port)), opening = made_persistent(f, new_tcp(f));
    made_persistent(f, connected(f, &peer));
    made_persistent(f, connected(f, &other));
    blackhole_open(&b, "127.0.0.1", 0);
    open = tcp_connect(f, opening, "127.0.0.1", b.port);
    size_t asleep = sleep_now(f);
    talker *t = talker_start(other);
    peer_text(peer, "never seen");
    int client = peer_connect("127.0.0.1", port);
    await_wanted(f);
    prod(f);
    CHECK_INT(server_alive(f, server), 1);
    CHECK_INT(wanted_since(f, asleep), 1);
    CHECK(open->done == NULL);
    fx_close_and_check(f);
    fail_code_at(__FILE__, __LINE__, open->done, CHROMESOCK_ABORTED, NULL);
    no_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE, 0);
    no_event(f, CHROME_SOCKETS_TCP_SERVER_ON_ACCEPT, 0);
    peer_wait_end(peer);
    talker_stop(t);
    blackhole_close(&b);
    close(peer);
    close(other);
    close(client);
}

/* Freed while asleep, without a close before. */
static void freed_while_asleep(void) {
    for (int mode = 0; mode < MODE_COUNT; mode++) {
        fx *f = fx_new((enum mode)mode, NULL);
        int peer;
        call *c;
        made_persistent(f, connected(f, &peer));
        sleep_now(f);
        peer_text(peer, "never seen");
        await_wanted(f);
        c = tcp_get_sockets(f);
        chromesock_app_free(f->app);
        if (mode != MODE_PULL) CHECK_INT(c->completions, 1); /* nobody is there to pull it */
        no_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE, 0);
        peer_wait_end(peer);
        close(peer);
        fx_forget(f);
    }
}

int main(int argc, char **argv) {
    harness_init(argc, argv);
    RUN_ALL_MODES(any_order);
    RUN_ALL_MODES(suspended_twice);
    RUN_ALL_MODES(in_callbacks);
    RUN_ALL_MODES(from_many_threads);
    RUN_ALL_MODES(a_closing_app);
    RUN_ALL_MODES(closed_while_asleep);
    RUN(freed_while_asleep);
    return harness_finish();
}
