/* chromesock_sockets_tcp_send_owned: a send without a copy (S-3 is the host's business), else a send as
 * any other (S-1 to S-11, Q-1); its release runs exactly once, whatever becomes of the call. */
#include <unistd.h>

#include "tls_peer.h"

enum { BIG = 1 << 20 };

/* Memory that is lent, freed as soon as it comes back: a sanitizer sees whoever reads it later. */
typedef struct lent {
    fx *f;
    char *data;
    size_t len;
    unsigned seed;
    call *c;
    atomic_int released;
    void (*then)(struct lent *l);  /* what the host does inside its release */
} lent;

static char byte_at(unsigned seed, size_t at) { return (char)(at * 7 + at / 1009 + seed); }

static lent *lend(fx *f, size_t len) {
    static atomic_uint seed;
    lent *l = calloc(1, sizeof *l);
    CHECK(l != NULL);
    l->f = f;
    l->len = len;
    l->seed = atomic_fetch_add(&seed, 1);
    l->data = malloc(len ? len : 1);
    CHECK(l->data != NULL);
    for (size_t n = 0; n < len; n++) l->data[n] = byte_at(l->seed, n);
    return l;
}

/* Sends that this thread is inside of. */
static _Thread_local int calling;

static void on_release(void *owner) {
    lent *l = owner;
    CHECK_INT(atomic_fetch_add(&l->released, 1), 0);
    if (!calling) CHECK_INT(l->c->completions, 0); /* before the completion is handed out */
    for (size_t n = 0; n < l->len; n++) CHECK(l->data[n] == byte_at(l->seed, n));
    free(l->data);
    l->data = NULL;
    if (l->then) l->then(l);
}

static void forget(lent *l) {
    CHECK_INT(l->released, 1);
    free(l);
}

static call *send_lent(int32_t id, lent *l) {
    fx *f = l->f;
    call *c = call_entered(f, CHROME_SOCKETS_TCP_SEND, id);
    chromesock_status s;
    l->c = c;
    calling++;
    s = chromesock_sockets_tcp_send_owned(f->app, id, (const uint8_t *)l->data, l->len, on_release, l,
                                          f->callback, c);
    calling--;
    return call_made(__FILE__, __LINE__, c, s);
}

static const size_t sizes[] = {0, 1, 16384, 16385, 65536, 65537, 300000, BIG, 3};
enum { SIZES = sizeof sizes / sizeof sizes[0] };

/* S-1, S-4: all of them, in call order, among sends that are copied. */
static void in_order_with_others(fx *f) {
    lent *l[SIZES];
    call *own[SIZES], *others[SIZES];
    static char got[BIG];
    int peer;
    int32_t id = connected(f, &peer);
    for (int n = 0; n < SIZES; n++) {
        l[n] = lend(f, sizes[n]);
        own[n] = send_lent(id, l[n]);
        others[n] = tcp_send(f, id, "copied", 6);
    }
    for (int n = 0; n < SIZES; n++) {
        peer_read(peer, got, sizes[n]);
        for (size_t at = 0; at < sizes[n]; at++) CHECK(got[at] == byte_at(l[n]->seed, at));
        peer_expect(peer, "copied");
    }
    for (int n = 0; n < SIZES; n++) {
        IS_SENT(own[n], sizes[n]);
        IS_SENT(others[n], 6);
        CHECK(own[n]->done->seq < others[n]->done->seq);
        if (n) CHECK(others[n - 1]->done->seq < own[n]->done->seq);
        forget(l[n]);
    }
    close(peer);
}

/* The same through TLS. */
static void through_tls(fx *f) {
    tls_peer *p;
    int32_t id = tls_secured(f, NULL, &p);
    static char got[BIG];
    for (int n = 0; n < SIZES; n++) {
        lent *l = lend(f, sizes[n]);
        call *c = send_lent(id, l);
        tls_peer_read(p, got, sizes[n]);
        for (size_t at = 0; at < sizes[n]; at++) CHECK(got[at] == byte_at(l->seed, at));
        IS_SENT(c, sizes[n]);
        forget(l);
    }
    tls_peer_free(p);
}

/* S-6, G-15: no connection, no socket, another namespace. */
static void nowhere_to_send(fx *f) {
    int32_t idle = new_tcp(f), gone = new_tcp(f), server = new_server(f);
    const int32_t unknown[] = {gone, server, 0, -1, INT32_MIN, INT32_MAX};
    IS_OK(tcp_close(f, gone));
    for (int n = 0; n < SIZES; n++) {
        lent *l = lend(f, sizes[n]);
        IS_SEND_FAIL(send_lent(idle, l), CHROMESOCK_SOCKET_NOT_CONNECTED);
        forget(l);
    }
    for (size_t n = 0; n < sizeof unknown / sizeof unknown[0]; n++) {
        lent *small = lend(f, 10), *big = lend(f, BIG);
        IS_FAIL_TEXT(send_lent(unknown[n], small), NOT_FOUND);
        IS_FAIL_TEXT(send_lent(unknown[n], big), NOT_FOUND);
        forget(small);
        forget(big);
    }
}

/* S-2, Q-1, Q-2: what is lent counts; beyond the quota it comes back before the call returns. */
static void the_quota(fx *f) {
    int peer;
    int32_t id = connected(f, &peer);
    lent *fits = lend(f, BIG), *too_much = lend(f, BIG + 1), *small = lend(f, 5);
    static char got[BIG];
    call *c = send_lent(9999, too_much);
    CHECK_INT(too_much->released, 1);
    IS_FAIL_TEXT(c, "Exceeded write quota.");
    c = send_lent(id, fits);
    peer_read(peer, got, BIG);
    IS_SENT(c, BIG);
    CHECK_INT(fx_stats(f).unsent_bytes, 0);
    c = send_lent(id, small);
    CHECK_INT(small->released, 1); /* it was copied */
    IS_SENT(c, 5);
    peer_read(peer, got, 5);
    forget(fits);
    forget(too_much);
    forget(small);
    close(peer);
}

/* What is refused stays the caller's. */
static void refused_calls(fx *f) {
    static const size_t both[] = {10, BIG};
    for (int n = 0; n < 2; n++) {
        lent *l = lend(f, both[n]);
        const uint8_t *data = (const uint8_t *)l->data;
        CHECK_INT(chromesock_sockets_tcp_send_owned(NULL, 1, data, l->len, on_release, l, f->callback, NULL),
                  CHROMESOCK_INVALID_ARGUMENT);
        CHECK_INT(chromesock_sockets_tcp_send_owned(f->app, 1, NULL, l->len, on_release, l, f->callback, NULL),
                  CHROMESOCK_INVALID_ARGUMENT);
        CHECK_INT(chromesock_sockets_tcp_send_owned(f->app, 1, data, SIZE_MAX, on_release, l, f->callback, NULL),
                  CHROMESOCK_INVALID_ARGUMENT);
        CHECK_INT(chromesock_app_close(f->app), CHROMESOCK_OK);
        CHECK_INT(chromesock_sockets_tcp_send_owned(f->app, 1, data, l->len, on_release, l, f->callback, NULL),
                  CHROMESOCK_CONTEXT_SHUT_DOWN);
        CHECK_INT(l->released, 0);
        free(l->data);
        free(l);
    }
}

/* Without a release, the completion says it. */
static void without_a_release(fx *f) {
    int peer;
    int32_t id = connected(f, &peer);
    for (int n = 0; n < SIZES; n++) {
        char *data = malloc(sizes[n] + 1), *got = malloc(sizes[n] + 1);
        call *c = call_entered(f, CHROME_SOCKETS_TCP_SEND, id);
        CHECK(data && got);
        memset(data, 'a' + n, sizes[n] + 1);
        call_made(__FILE__, __LINE__, c,
                  chromesock_sockets_tcp_send_owned(f->app, id, (const uint8_t *)data, sizes[n], NULL, NULL,
                                                    f->callback, c));
        peer_read(peer, got, sizes[n]);
        IS_SENT(c, sizes[n]);
        CHECK_MEM(got, sizes[n], data, sizes[n]);
        free(data);
        free(got);
    }
    close(peer);
}

/* Several under way that the kernel does not take, as nobody reads. */
enum { STUCK = 18 };
static void get_stuck(fx *f, int32_t id, lent *l[STUCK]) {
    for (int n = 0; n < STUCK; n++) {
        l[n] = lend(f, n % 3 == 2 ? 100 : BIG);
        send_lent(id, l[n]);
    }
    tcp_get_sockets(f);
}

/* S-9 to S-11, DC-3, CL-3: however the connection ends, with the library in the middle of the bytes. */
static void ends_in_the_middle(fx *f) {
    for (int how = 0; how < 4; how++) {
        int peer;
        int32_t id = connected_paused(f, &peer);
        lent *l[STUCK];
        get_stuck(f, id, l);
        if (how < 2) IS_OK(tcp_get_sockets(f));
        if (how == 0 || how == 2) IS_OK(tcp_close(f, id));
        if (how == 1) IS_OK(tcp_disconnect(f, id));
        if (how == 3) peer_reset(peer);
        for (int n = 0; n < STUCK; n++) {
            await(l[n]->c);
            forget(l[n]);
        }
        CHECK_INT(fx_stats(f).unsent_bytes, 0);
        if (how != 3) {
            peer_wait_end(peer);
            close(peer);
        }
    }
}

/* Closing completes, and gives back, everything. */
static void the_app_closes(fx *f) {
    int peer;
    int32_t id = connected(f, &peer);
    lent *l[STUCK];
    get_stuck(f, id, l);
    fx_close_and_check(f);
    for (int n = 0; n < STUCK; n++) forget(l[n]);
    close(peer);
}

/* After free has returned nothing is the library's any more, nor what waited for the end of a hold. */
static void free_gives_back(void) {
    for (int mode = 0; mode < MODE_COUNT; mode++) {
        for (int held = 0; held < 2; held++) {
            fx *f = fx_new(mode, NULL);
            lent *l[STUCK];
            int peer;
            int32_t id = connected(f, &peer);
            if (held) CHECK_INT(chromesock_app_hold_calls(f->app, 1), CHROMESOCK_OK);
            if (held) tcp_set_paused(f, id, 0); /* what follows it waits */
            get_stuck(f, id, l);
            chromesock_app_free(f->app);
            for (int n = 0; n < STUCK; n++) forget(l[n]);
            close(peer);
            fx_forget(f);
        }
    }
}

/* ---- calls from inside a release ---- */

static atomic_int chained;

/* One after the other, each sent by the release of the one before. */
static void send_next(lent *l) {
    if (atomic_fetch_add(&chained, 1) < 20) {
        lent *next = lend(l->f, chained % 2 ? BIG / 4 : 7);
        next->then = send_next;
        send_lent(l->c->id, next);
    }
    free(l);
}

static void releases_that_send(fx *f) {
    static char got[11 * (BIG / 4) + 10 * 7];
    int peer;
    int32_t id = connected(f, &peer);
    lent *first = lend(f, BIG / 4);
    first->then = send_next;
    chained = 0;
    send_lent(id, first);
    peer_read(peer, got, sizeof got);
    close_tcp(f, id, 1);
    close(peer);
}

static void use_everything(lent *l) {
    fx *f = l->f;
    int32_t id = l->c->id;
    tcp_get_info(f, id);
    tcp_set_paused(f, id, 1);
    tcp_send(f, id, "x", 1);
    CHECK_INT(chromesock_app_hold_calls(f->app, 0), CHROMESOCK_OK);
    CHECK_INT(chrome_sockets_tcp_on_receive_add_listener(f->app, fx_handler, l), CHROMESOCK_OK);
    CHECK_INT(chrome_sockets_tcp_on_receive_remove_listener(f->app, fx_handler, l), CHROMESOCK_OK);
    fx_stats(f);
    tcp_close(f, id);
}

static void releases_that_close(fx *f) {
    static const size_t both[] = {10, BIG};
    for (int n = 0; n < 2; n++) {
        int peer;
        int32_t id = connected_paused(f, &peer);
        lent *l = lend(f, both[n]);
        call *c;
        l->then = use_everything;
        c = send_lent(id, l);
        peer_wait_end(peer);
        await(c);
        IS_FAIL_TEXT(tcp_get_info(f, id), NOT_FOUND);
        forget(l);
        close(peer);
    }
}

static void close_app(lent *l) { CHECK_INT(chromesock_app_close(l->f->app), CHROMESOCK_OK); }

static void releases_that_end_the_app(fx *f) {
    int peer;
    int32_t id = connected(f, &peer);
    lent *l[STUCK], *last = lend(f, 5);
    get_stuck(f, id, l);
    last->then = close_app;
    send_lent(id, last);
    fx_close_and_check(f);
    for (int n = 0; n < STUCK; n++) forget(l[n]);
    forget(last);
    close(peer);
}

static void free_app(lent *l) { chromesock_app_free(l->f->app); }

/* On the calling thread, and on the reactor's: at the end of a send, and of one that is cut short. */
static void releases_that_free_the_app(void) {
    static char got[BIG];
    for (int mode = 0; mode < MODE_COUNT; mode++) {
        if (mode == MODE_PULL) continue; /* nothing would tell when it is done */
        for (int how = 0; how < 3; how++) {
            fx *f = fx_new(mode, NULL);
            int peer;
            int32_t id = connected(f, &peer);
            lent *l[STUCK] = {0}, *last = lend(f, how == 0 ? 10 : BIG);
            last->then = free_app;
            if (how != 1) get_stuck(f, id, l);
            send_lent(id, last);
            if (how == 1) peer_read(peer, got, BIG);
            if (how == 2) peer_reset(peer);
            fx_wait_freed(f);
            for (int n = 0; how != 1 && n < STUCK; n++) forget(l[n]);
            fx_check_calls(f);
            forget(last);
            if (how != 2) close(peer);
            fx_forget(f);
        }
    }
}

/* ---- several threads ---- */

enum { THREADS = 4, EACH = 200 };
struct sender {
    fx *f;
    int32_t id;
    pthread_t thread;
    lent *l[EACH];
};

static void *send_many(void *arg) {
    struct sender *s = arg;
    for (int n = 0; n < EACH; n++) {
        s->l[n] = lend(s->f, n % 2 ? 20000 : 50);
        send_lent(s->id, s->l[n]);
    }
    return NULL;
}

static void from_many_threads(fx *f) {
    struct sender s[THREADS];
    int peer;
    int32_t id = connected(f, &peer);
    size_t left = THREADS * EACH / 2 * (20000 + 50);
    static char got[65536];
    for (int n = 0; n < THREADS; n++) {
        s[n].f = f;
        s[n].id = id;
        CHECK_INT(pthread_create(&s[n].thread, NULL, send_many, &s[n]), 0);
    }
    while (left > 0) {
        size_t part = left < sizeof got ? left : sizeof got;
        peer_read(peer, got, part);
        left -= part;
    }
    for (int n = 0; n < THREADS; n++) {
        CHECK_INT(pthread_join(s[n].thread, NULL), 0);
        for (int k = 0; k < EACH; k++) {
            IS_SENT(s[n].l[k]->c, s[n].l[k]->len);
            forget(s[n].l[k]);
        }
    }
    close(peer);
}

int main(int argc, char **argv) {
    chromesock_app_options tls, quota = {.size = sizeof quota, .present = CHROMESOCK_APP_OPTIONS_WRITE_QUOTA};
    harness_init(argc, argv);
    tls = tls_options();
    quota.write_quota_bytes = BIG;
    RUN_ALL_MODES(in_order_with_others);
    RUN_ALL_MODES_WITH(through_tls, &tls);
    RUN_ALL_MODES(nowhere_to_send);
    RUN_ALL_MODES_WITH(the_quota, &quota);
    RUN_ALL_MODES(refused_calls);
    RUN_ALL_MODES(without_a_release);
    RUN_ALL_MODES(ends_in_the_middle);
    RUN_ALL_MODES(the_app_closes);
    RUN(free_gives_back);
    RUN_ALL_MODES(releases_that_send);
    RUN_ALL_MODES(releases_that_close);
    RUN_ALL_MODES(releases_that_end_the_app);
    RUN(releases_that_free_the_app);
    RUN_ALL_MODES(from_many_threads);
    return harness_finish();
}
