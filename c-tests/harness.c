#include "harness.h"

#include "event_copy.h"
#include "forced.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <time.h>

fx *current;
static const char *current_case = "(start)";
static const char *filter;
static int cases_run;

/* ---- asserts ---- */

static void print_event(const ev *e) {
    const char *name = chromesock_event_type_name(e->type);
    fprintf(stderr, "    #%zu %s id=%d", e->seq, name ? name : "?", (int)e->id);
    if (e->client) fprintf(stderr, " client=%d", (int)e->client);
    if (e->present & CHROMESOCK_EVENT_RESULT) fprintf(stderr, " result=%d", (int)e->result);
    if (e->message) fprintf(stderr, " message=\"%s\"", e->message);
    if (e->present & CHROMESOCK_EVENT_DATA) fprintf(stderr, " data=%zu", e->len);
    if (e->present & CHROMESOCK_EVENT_BYTES_SENT)
        fprintf(stderr, " sent=%llu", (unsigned long long)e->bytes_sent);
    if (e->info_len) fprintf(stderr, " sockets=%zu", e->info_len);
    fprintf(stderr, "%s\n", e->taken ? " (taken)" : "");
}

_Noreturn static void die(void) {
    if (current) {
        fx *f = current;
        fprintf(stderr, "  case %s, mode %s, %zu events:\n", current_case, mode_name(f->mode), f->len);
        for (size_t i = f->len > 40 ? f->len - 40 : 0; i < f->len; i++) print_event(f->events[i]);
    } else {
        fprintf(stderr, "  case %s\n", current_case);
    }
    fflush(NULL);
    _exit(1);
}

void fail_at(const char *file, int line, const char *format, ...) {
    va_list args;
    fprintf(stderr, "%s:%d: ", file, line);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    die();
}

void check_int_at(const char *file, int line, const char *what, long long got, long long want) {
    if (got != want) fail_at(file, line, "%s: got %lld, want %lld", what, got, want);
}

void check_str_at(const char *file, int line, const char *what, const char *got, const char *want) {
    if (got == want) return;
    if (got == NULL || want == NULL || strcmp(got, want) != 0)
        fail_at(file, line, "%s: got \"%s\", want \"%s\"", what, got ? got : "(NULL)",
                want ? want : "(NULL)");
}

void check_mem_at(const char *file, int line, const char *what, const void *got, size_t got_len,
                  const void *want, size_t want_len) {
    const unsigned char *g = got, *w = want;
    size_t i;
    if (got_len != want_len)
        fail_at(file, line, "%s: got %zu bytes, want %zu", what, got_len, want_len);
    for (i = 0; i < got_len; i++)
        if (g[i] != w[i])
            fail_at(file, line, "%s: byte %zu of %zu: got 0x%02x, want 0x%02x", what, i, got_len, g[i],
                    w[i]);
}

/* ---- time and numbers ---- */

long long now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

long long deadline_ms(void) {
    const char *s = getenv("CHROMESOCK_TEST_DEADLINE");
    return s ? atoll(s) * 1000 : 60000;
}

long scaled(long n) {
    const char *s = getenv("CHROMESOCK_SCALE");
    long percent = s ? atol(s) : 100;
    long r = n * (percent > 0 ? percent : 100) / 100;
    return r > 0 ? r : 1;
}

/* ---- the recorder ---- */

static int is_completion(uint32_t type) {
    return (type >= 0x100 && (type & 0x80) == 0) || type == CHROMESOCK_TLS_SESSION;
}

static int is_create(uint32_t type) {
    return type == CHROME_SOCKETS_TCP_CREATE || type == CHROME_SOCKETS_TCP_SERVER_CREATE ||
           type == CHROME_SOCKETS_UDP_CREATE || type == CHROME_SOCKET_CREATE;
}

/* tcp.md G-1: an id is positive and never given out twice. */
static void note_id(fx *f, int32_t id) {
    size_t byte = (size_t)id / 8;
    CHECK(id > 0);
    if (byte >= f->seen_cap) {
        size_t cap = (byte + 1) * 2;
        f->seen_ids = realloc(f->seen_ids, cap);
        CHECK(f->seen_ids != NULL);
        memset(f->seen_ids + f->seen_cap, 0, cap - f->seen_cap);
        f->seen_cap = cap;
    }
    if (f->seen_ids[byte] & (1u << (id % 8))) FAIL("id %d was given out twice (tcp.md G-1)", (int)id);
    f->seen_ids[byte] |= (unsigned char)(1u << (id % 8));
}

void fx_record(fx *f, const chromesock_event *event) {
    ev *e = event_copy(event);
    pthread_mutex_lock(&f->mutex);
    if (f->app_closed) FAIL("event 0x%x after APP_CLOSED", (unsigned)e->type);
    if (f->len == f->cap) {
        f->cap = f->cap ? f->cap * 2 : 64;
        f->events = realloc(f->events, f->cap * sizeof *f->events);
        CHECK(f->events != NULL);
    }
    e->seq = f->len;
    f->events[f->len++] = e;
    if (e->type == CHROMESOCK_APP_CLOSED) f->app_closed = 1;
    if (is_completion(e->type) && e->user != NULL) {
        call *c = e->user;
        CHECK_INT(e->type, c->type);
        c->done = e;
        /* last: a thread that sees it uses the rest */
        if (++c->completions != 1) FAIL("call 0x%x completed twice (tcp.md G-20)", (unsigned)c->type);
    }
    if (is_create(e->type) && e->message == NULL) note_id(f, e->id);
    if (e->type == CHROME_SOCKETS_TCP_SERVER_ON_ACCEPT ||
        (e->type == CHROME_SOCKET_ACCEPT && e->result == 0))
        note_id(f, e->client);
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->mutex);
}

static void run(fx *f, const chromesock_event *event) {
    /* Callbacks of one app never overlap. */
    CHECK_INT(atomic_fetch_add(&f->inside_now, 1), 0);
    fx_record(f, event);
    void (*inside)(fx *, const chromesock_event *) = f->inside;
    if (inside) inside(f, event);
    pthread_mutex_lock(&f->mutex);
    CHECK_INT(atomic_fetch_sub(&f->inside_now, 1), 1);
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->mutex);
}

static int outside(fx *f, void *arg) {
    (void)arg;
    return atomic_load(&f->inside_now) == 0;
}

void fx_stop_inside(fx *f) {
    fx_wait(f, outside, NULL);
    f->inside = NOTHING;
}

void fx_handler(chromesock_app *app, const chromesock_event *event, void *user_data) {
    fx *f = user_data;
    if (f->app && app != f->app) FAIL("callback with another app");
    if (f->callback && event->type != CHROMESOCK_APP_CLOSED && is_completion(event->type) &&
        event->user_data != NULL)
        FAIL("completion 0x%x has a callback but came to the default handler", (unsigned)event->type);
    run(f, event);
}

static void on_call(chromesock_app *app, const chromesock_event *event, void *user_data) {
    call *c = user_data;
    CHECK(app == c->f->app);
    CHECK(event->user_data == user_data);
    CHECK(is_completion(event->type));
    run(c->f, event);
}

static void on_notification(chromesock_app *app, const chromesock_event *event, void *user_data) {
    fx *f = user_data;
    CHECK(app == f->app);
    CHECK(event->user_data == user_data);
    CHECK(!is_completion(event->type));
    run(f, event);
}

void fx_release(void *user_data) {
    fx *f = user_data;
    pthread_mutex_lock(&f->mutex);
    f->released++;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->mutex);
}

/* ---- fixtures ---- */

int mode_is_reactor(enum mode mode) { return mode == MODE_REACTOR || mode == MODE_REACTOR_CB; }

const char *mode_name(enum mode mode) {
    static const char *const names[] = {"dispatch", "dispatch-callbacks", "pull", "reactor",
                                        "reactor-callbacks"};
    return (unsigned)mode < MODE_COUNT ? names[mode] : "?";
}

void fx_listen_to_all(fx *f) {
    chromesock_app *a = f->app;
    CHECK_INT(chrome_sockets_tcp_on_receive_add_listener(a, on_notification, f), CHROMESOCK_OK);
    CHECK_INT(chrome_sockets_tcp_on_receive_error_add_listener(a, on_notification, f), CHROMESOCK_OK);
    CHECK_INT(chrome_sockets_tcp_server_on_accept_add_listener(a, on_notification, f), CHROMESOCK_OK);
    CHECK_INT(chrome_sockets_tcp_server_on_accept_error_add_listener(a, on_notification, f),
              CHROMESOCK_OK);
    CHECK_INT(chrome_sockets_udp_on_receive_add_listener(a, on_notification, f), CHROMESOCK_OK);
    CHECK_INT(chrome_sockets_udp_on_receive_error_add_listener(a, on_notification, f), CHROMESOCK_OK);
}

fx *fx_new(enum mode mode, const chromesock_app_options *options) {
    chromesock_app_options o;
    pthread_condattr_t attr;
    chromesock_app *app = NULL;
    fx *f = calloc(1, sizeof *f);
    CHECK(f != NULL);
    f->mode = mode;
    f->settle_fd = -1;
    f->main_thread = pthread_self();
    pthread_mutex_init(&f->mutex, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&f->changed, &attr);
    pthread_condattr_destroy(&attr);
    memset(&o, 0, sizeof o);
    if (options) o = *options;
    o.size = sizeof o;
    o.delivery = mode_is_reactor(mode) ? CHROMESOCK_DELIVERY_REACTOR : CHROMESOCK_DELIVERY_QUEUE;
    force_paths(&o);
    current = f;
    CHECK_INT(chromesock_app_new(&o, &app), CHROMESOCK_OK);
    CHECK(app != NULL);
    f->app = app;
    if (mode == MODE_DISPATCH_CB || mode == MODE_REACTOR_CB) {
        f->callback = on_call;
        fx_listen_to_all(f);
    }
    if (mode != MODE_PULL)
        CHECK_INT(chromesock_app_set_default_handler(app, fx_handler, f, fx_release), CHROMESOCK_OK);
    return f;
}

chromesock_app_stats fx_stats(fx *f) {
    chromesock_app_stats s;
    memset(&s, 0, sizeof s);
    s.size = sizeof s;
    CHECK_INT(chromesock_app_get_stats(f->app, &s), CHROMESOCK_OK);
    return s;
}

void fx_check_calls(fx *f) {
    call *c;
    pthread_mutex_lock(&f->mutex);
    for (c = f->calls; c; c = c->next)
        if (c->completions != 1)
            FAIL("call 0x%x on id %d completed %d times (tcp.md G-20)", (unsigned)c->type, (int)c->id,
                 c->completions);
    pthread_mutex_unlock(&f->mutex);
}

static int all_completed(fx *f, void *arg) {
    call *c;
    (void)arg;
    for (c = f->calls; c; c = c->next)
        if (!c->completions) return 0;
    return 1;
}

void fx_compact(fx *f) {
    call *c;
    fx_wait(f, all_completed, NULL);
    pthread_mutex_lock(&f->mutex);
    while ((c = f->calls) != NULL) {
        f->calls = c->next;
        free(c);
    }
    size_t kept = 0;
    for (size_t i = 0; i < f->len; i++) {
        ev *e = f->events[i];
        if (e->taken || is_completion(e->type))
            event_free(e);
        else
            f->events[kept++] = e;
    }
    f->len = kept;
    pthread_mutex_unlock(&f->mutex);
}

static int closed(fx *f, void *arg) {
    (void)arg;
    return f->app_closed;
}

void fx_close_and_check(fx *f) {
    chromesock_app_stats s;
    CHECK_INT(chromesock_app_close(f->app), CHROMESOCK_OK);
    fx_wait(f, closed, NULL);
    /* APP_CLOSED is the last event (fx_record fails on a later one). */
    if (f->mode == MODE_PULL) {
        const chromesock_event *e = NULL;
        CHECK_INT(chromesock_app_next_event(f->app, 0, &e), CHROMESOCK_CONTEXT_SHUT_DOWN);
    } else if (!mode_is_reactor(f->mode)) {
        int32_t n = 0;
        CHECK_INT(chromesock_app_dispatch(f->app, 0, 0, &n), CHROMESOCK_CONTEXT_SHUT_DOWN);
    }
    fx_check_calls(f);
    s = fx_stats(f);
    CHECK_INT(s.calls_accepted, f->accepted);
    CHECK_INT(s.calls_completed, s.calls_accepted);
    CHECK_INT(s.sockets_open, 0);
    CHECK_INT(s.unsent_bytes, 0);
    CHECK_INT(s.undelivered_bytes, f->held_bytes);
    CHECK_INT(s.undelivered_events, 0);
}

/* The app may be gone: only the fixture's own memory is looked at. */
void fx_wait_freed(fx *f) {
    long long end = now_ms() + deadline_ms();
    pthread_mutex_lock(&f->mutex);
    while (!f->released) {
        struct timespec t;
        if (now_ms() > end) FAIL("deadline: the release hook did not run");
        clock_gettime(CLOCK_MONOTONIC, &t);
        t.tv_sec += 1;
        pthread_cond_timedwait(&f->changed, &f->mutex, &t);
    }
    pthread_mutex_unlock(&f->mutex);
}

void fx_forget(fx *f) {
    call *c;
    if (f->mode != MODE_PULL) CHECK_INT(f->released, 1);
    while ((c = f->calls) != NULL) {
        f->calls = c->next;
        free(c);
    }
    for (size_t i = 0; i < f->len; i++) event_free(f->events[i]);
    free(f->events);
    free(f->seen_ids);
    if (f->settle_fd >= 0) close(f->settle_fd);
    pthread_mutex_destroy(&f->mutex);
    pthread_cond_destroy(&f->changed);
    if (current == f) current = NULL;
    free(f);
}

void fx_end(fx *f) {
    fx_close_and_check(f);
    f->inside = NOTHING;
    chromesock_app_free(f->app);
    fx_forget(f);
}

/* ---- waiting ---- */

void fx_pump(fx *f, int timeout_ms) {
    if (f->mode == MODE_PULL) {
        const chromesock_event *e = NULL;
        chromesock_status s = chromesock_app_next_event(f->app, timeout_ms, &e);
        if (s == CHROMESOCK_OK) {
            if (!is_completion(e->type)) CHECK(e->user_data == NULL); /* it goes to no listener */
            fx_record(f, e);
            void (*inside)(fx *, const chromesock_event *) = f->inside;
            if (inside) inside(f, e);
            chromesock_event_release(e);
            return;
        }
        if (s == CHROMESOCK_TIMED_OUT) return;
        CHECK_INT(s, CHROMESOCK_CONTEXT_SHUT_DOWN);
    } else if (!mode_is_reactor(f->mode)) {
        int32_t n = -1;
        chromesock_status s = chromesock_app_dispatch(f->app, 0, timeout_ms, &n);
        if (s == CHROMESOCK_OK) {
            CHECK(n >= 0);
            return;
        }
        CHECK_INT(s, CHROMESOCK_CONTEXT_SHUT_DOWN);
    }
    /* Reactor delivery, or a closed app: wait for the recorder to change. */
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_nsec += (long)(timeout_ms < 900 ? timeout_ms : 900) * 1000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&f->mutex);
    pthread_cond_timedwait(&f->changed, &f->mutex, &t);
    pthread_mutex_unlock(&f->mutex);
}

void fx_wait_at(const char *file, int line, fx *f, predicate p, void *arg, const char *what) {
    long long end = now_ms() + deadline_ms();
    current = f;
    for (;;) {
        pthread_mutex_lock(&f->mutex);
        /* The predicate and the wait share the lock in reactor mode, so no change is missed. */
        while (!p(f, arg) && mode_is_reactor(f->mode)) {
            struct timespec t;
            if (now_ms() > end) fail_at(file, line, "deadline: %s", what);
            clock_gettime(CLOCK_MONOTONIC, &t);
            t.tv_sec += 1;
            pthread_cond_timedwait(&f->changed, &f->mutex, &t);
        }
        if (p(f, arg)) {
            pthread_mutex_unlock(&f->mutex);
            return;
        }
        pthread_mutex_unlock(&f->mutex);
        if (now_ms() > end) fail_at(file, line, "deadline: %s", what);
        fx_pump(f, 200);
    }
}

static int call_done(fx *f, void *arg) {
    (void)f;
    return ((call *)arg)->done != NULL;
}

ev *await_at(const char *file, int line, call *c) {
    const char *name = chromesock_event_type_name(c->type);
    fx_wait_at(file, line, c->f, call_done, c, name ? name : "completion");
    c->done->taken = 1;
    return c->done;
}

struct wanted {
    uint32_t type;
    int32_t id;
    ev *found;
};

static int find(fx *f, void *arg) {
    struct wanted *w = arg;
    for (size_t i = 0; i < f->len; i++) {
        ev *e = f->events[i];
        if (!e->taken && e->type == w->type && (w->id == 0 || e->id == w->id)) {
            w->found = e;
            return 1;
        }
    }
    return 0;
}

ev *await_event_at(const char *file, int line, fx *f, uint32_t type, int32_t id) {
    struct wanted w = {type, id, NULL};
    const char *name = chromesock_event_type_name(type);
    fx_wait_at(file, line, f, find, &w, name ? name : "event");
    w.found->taken = 1;
    return w.found;
}

void no_event_at(const char *file, int line, fx *f, uint32_t type, int32_t id) {
    struct wanted w = {type, id, NULL};
    int found;
    pthread_mutex_lock(&f->mutex);
    found = find(f, &w);
    pthread_mutex_unlock(&f->mutex);
    if (found)
        fail_at(file, line, "unwanted %s on id %d (event #%zu, result %d, %zu bytes)",
                chromesock_event_type_name(type), (int)w.found->id, w.found->seq,
                (int)w.found->result, w.found->len);
}

/* ---- running cases ---- */

void harness_init(int argc, char **argv) {
    filter = argc > 1 ? argv[1] : NULL;
    setvbuf(stdout, NULL, _IOLBF, 0);
}

int harness_wants(const char *name) { return filter == NULL || strstr(name, filter) != NULL; }

int harness_finish(void) {
    if (cases_run == 0) {
        fprintf(stderr, "no case matches\n");
        return 1;
    }
    printf("ok: %d runs\n", cases_run);
    return 0;
}

static void run_mode(const char *name, case_fn fn, const chromesock_app_options *options,
                     enum mode mode) {
    const char *only = getenv("CHROMESOCK_TEST_MODE");
    fx *f;
    if (!harness_wants(name) || (only && strcmp(only, mode_name(mode)) != 0)) return;
    current_case = name;
    printf("%s [%s]\n", name, mode_name(mode));
    cases_run++;
    f = fx_new(mode, options);
    fn(f);
    fx_end(f);
}

void run_all_modes(const char *name, case_fn fn, const chromesock_app_options *options) {
    for (int mode = 0; mode < MODE_COUNT; mode++) run_mode(name, fn, options, (enum mode)mode);
}

void run_plain(const char *name, void (*fn)(void)) {
    if (!harness_wants(name)) return;
    current_case = name;
    current = NULL;
    printf("%s\n", name);
    cases_run++;
    fn();
}
