/* Calls from several threads at once (README "Threads"; tcp.md G-20): nothing is lost, nothing
 * comes twice, callbacks never overlap (the recorder checks both), one socket's sends stay whole. */
#include <unistd.h>

#include "tls_peer.h"

enum { MOST = 4 };
static struct worker {
    fx *f;
    int number;
    pthread_t thread;
    int32_t id;
    int peer;
} workers[MOST];
static atomic_int running;

static void start(fx *f, int n, void *(*fn)(void *)) {
    atomic_store(&running, n);
    for (int k = 0; k < n; k++) {
        workers[k].f = f;
        workers[k].number = k;
        CHECK_INT(pthread_create(&workers[k].thread, NULL, fn, &workers[k]), 0);
    }
}

static void finish(fx *f, int n) {
    while (atomic_load(&running) > 0) fx_pump(f, 1); /* the main thread drains meanwhile */
    for (int k = 0; k < n; k++) CHECK_INT(pthread_join(workers[k].thread, NULL), 0);
}

/* Creates, uses and closes sockets of its own, never waiting. */
static void *own_sockets(void *arg) {
    struct worker *w = arg;
    for (long n = 0; n < scaled(400); n++) {
        int32_t id = 0;
        tcp_create(w->f, NULL, &id);
        CHECK(id > 0);
        tcp_set_paused(w->f, id, (int)n & 1);
        tcp_get_info(w->f, id);
        tcp_send(w->f, id, "x", 1);
        tcp_get_sockets(w->f);
        tcp_close(w->f, id);
    }
    atomic_fetch_sub(&running, 1);
    return NULL;
}

static void two_threads(fx *f) {
    start(f, 2, own_sockets);
    finish(f, 2);
    CHECK_INT(info_of(f, new_tcp(f))->connected, 0);
}

static void four_threads(fx *f) {
    start(f, 4, own_sockets);
    finish(f, 4);
}

/* All on the same socket: connect, disconnect, pause, send, info, in any order. */
static int32_t shared_id;
static uint16_t shared_port;
static void *same_socket(void *arg) {
    struct worker *w = arg;
    unsigned seed = (unsigned)w->number + 1;
    for (long n = 0; n < scaled(300); n++) {
        seed = seed * 1664525u + 1013904223u;
        switch ((seed >> 16) % 7) {
        case 0: tcp_connect(w->f, shared_id, "127.0.0.1", shared_port); break;
        case 1: tcp_disconnect(w->f, shared_id); break;
        case 2: tcp_set_paused(w->f, shared_id, (int)(seed >> 8) & 1); break;
        case 3: tcp_set_no_delay(w->f, shared_id, 1); break;
        case 4: tcp_get_info(w->f, shared_id); break;
        default: tcp_send(w->f, shared_id, "shared", 6); break;
        }
    }
    atomic_fetch_sub(&running, 1);
    return NULL;
}

static void one_socket_four_threads(fx *f) {
    int32_t server = listening(f, &shared_port);
    (void)server;
    shared_id = new_tcp(f);
    start(f, 4, same_socket);
    finish(f, 4);
    IS_OK(tcp_get_sockets(f));
}

/* S-4: each thread sends on its own connection; every stream arrives whole and in order. */
static void *sender(void *arg) {
    struct worker *w = arg;
    for (long n = 0; n < scaled(500); n++) {
        char text[32];
        int len = snprintf(text, sizeof text, "[%d:%ld]", w->number, n);
        tcp_send(w->f, w->id, text, (size_t)len);
    }
    atomic_fetch_sub(&running, 1);
    return NULL;
}

static void streams_stay_whole(fx *f) {
    for (int k = 0; k < MOST; k++) workers[k].id = connected(f, &workers[k].peer);
    start(f, MOST, sender);
    finish(f, MOST);
    for (int k = 0; k < MOST; k++) {
        for (long n = 0; n < scaled(500); n++) {
            char text[32];
            snprintf(text, sizeof text, "[%d:%ld]", k, n);
            peer_expect(workers[k].peer, text);
        }
        close(workers[k].peer);
    }
}

/* The same over TLS. */
static void secured_streams_stay_whole(fx *f) {
    tls_peer *peers[MOST];
    for (int k = 0; k < MOST; k++) workers[k].id = tls_secured(f, NULL, &peers[k]);
    start(f, MOST, sender);
    finish(f, MOST);
    for (int k = 0; k < MOST; k++) {
        for (long n = 0; n < scaled(500); n++) {
            char text[32];
            snprintf(text, sizeof text, "[%d:%ld]", k, n);
            tls_peer_expect(peers[k], text);
        }
        tls_peer_free(peers[k]);
    }
}

/* Several drains in parallel: each event is handed out once; callbacks do not overlap. */
static void *drainer(void *arg) {
    struct worker *w = arg;
    while (atomic_load(&running) > 0) fx_pump(w->f, 5);
    return NULL;
}

static void parallel_drains(fx *f) {
    pthread_t t[2];
    if (mode_is_reactor(f->mode)) return;
    workers[0].f = f;
    atomic_store(&running, 1);
    for (int k = 0; k < 2; k++) CHECK_INT(pthread_create(&t[k], NULL, drainer, &workers[0]), 0);
    for (long n = 0; n < scaled(3000); n++) tcp_get_sockets(f);
    tcp_close(f, new_tcp(f));
    IS_OK(tcp_get_sockets(f)); /* the last of the queue: everything before it was handed out */
    atomic_store(&running, 0);
    for (int k = 0; k < 2; k++) CHECK_INT(pthread_join(t[k], NULL), 0);
}

int main(int argc, char **argv) {
    chromesock_app_options o = tls_options();
    harness_init(argc, argv);
    RUN_ALL_MODES(two_threads);
    RUN_ALL_MODES(four_threads);
    RUN_ALL_MODES(one_socket_four_threads);
    RUN_ALL_MODES(streams_stay_whole);
    RUN_ALL_MODES_WITH(secured_streams_stay_whole, &o);
    RUN_ALL_MODES(parallel_drains);
    return harness_finish();
}
