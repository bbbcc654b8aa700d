/* chromesock_app_run_calls: the caller takes the place of the sleeping reactor. What an app observes is the same
 * (forced_run_calls_...); here is who does what, and what it costs. */
#include <sched.h>
#include <unistd.h>

#include "asleep.h"

static const enum mode queued[] = {MODE_DISPATCH, MODE_DISPATCH_CB, MODE_PULL};
enum { QUEUED = sizeof queued / sizeof queued[0] };

static void hold(fx *f) { CHECK_INT(chromesock_app_hold_calls(f->app, 1), CHROMESOCK_OK); }
static void run_calls(fx *f) { CHECK_INT(chromesock_app_run_calls(f->app), CHROMESOCK_OK); }

static uint64_t completed(fx *f) { return fx_stats(f).calls_completed; }

/* It is completed at once, nobody was woken, and nobody else is needed. */
static void a_call_is_completed_when_it_returns(void) {
    for (int n = 0; n < QUEUED; n++) {
        fx *f = fx_new(queued[n], NULL);
        int peer;
        int32_t id = connected(f, &peer);
        for (int round = 0; round < 3; round++) {
            uint64_t before = completed(f);
            long long writes = own_writes();
            call *sends[4], *infos[4];
            wait_asleep();
            hold(f);
            for (int n = 0; n < 4; n++) {
                sends[n] = tcp_send(f, id, "hello", 5);
                infos[n] = tcp_get_info(f, id);
            }
            CHECK_INT(completed(f), before);
            writes = own_writes();
            run_calls(f);
            CHECK_INT(completed(f), before + 8);
            CHECK_INT(own_writes() - writes, 0);
            CHECK_INT(sleeps_for_ever(), 1);
            peer_expect(peer, "hellohellohellohello");
            for (int n = 0; n < 4; n++) {
                IS_SENT(sends[n], 5);
                IS_OK(infos[n]);
            }
        }
        close(peer);
        fx_end(f);
    }
}

/* Without a hold, or with nothing called, it does nothing. */
static void without_calls_nothing_happens(void) {
    for (int mode = 0; mode < MODE_COUNT; mode++) {
        fx *f = fx_new((enum mode)mode, NULL);
        run_calls(f);
        IS_OK(tcp_get_sockets(f));
        wait_asleep();
        for (int n = 0; n < 3; n++) run_calls(f);
        hold(f);
        run_calls(f);
        CHECK_INT(sleeps_for_ever(), 1);
        IS_OK(tcp_get_sockets(f));
        CHECK_INT(chromesock_app_close(f->app), CHROMESOCK_OK);
        run_calls(f);
        fx_end(f);
    }
}

static pthread_t hook_thread;
static atomic_int hook_runs;

static void on_hook(void *user_data) {
    (void)user_data;
    hook_thread = pthread_self();
    atomic_fetch_add(&hook_runs, 1);
}

/* Callbacks and hooks of the reactor's thread stay there. */
static void what_belongs_to_the_reactor_s_thread_stays_there(void) {
    chromesock_app_options o;
    fx *f;
    memset(&o, 0, sizeof o);
    o.wakeup = on_hook;
    f = fx_new(MODE_PULL, &o);
    for (int n = 1; n <= 3; n++) {
        call *c;
        wait_asleep();
        hold(f);
        c = tcp_get_sockets(f);
        run_calls(f);
        wait_idly(hook_runs >= n);
        CHECK(!pthread_equal(hook_thread, pthread_self()));
        IS_OK(c);
    }
    fx_end(f);
    for (int mode = MODE_REACTOR; mode <= MODE_REACTOR_CB; mode++) {
        call *c;
        f = fx_new((enum mode)mode, NULL);
        IS_OK(tcp_get_sockets(f));
        wait_asleep();
        hold(f);
        c = tcp_get_sockets(f);
        run_calls(f); /* the recorder checks on which thread its callbacks run */
        IS_OK(c);
        fx_end(f);
    }
}

struct lent {
    fx *f;
    pthread_t thread;
    atomic_int released;
};

/* It may call any function, also this one. */
static void on_release(void *owner) {
    struct lent *lent = owner;
    lent->thread = pthread_self();
    hold(lent->f);
    (void)tcp_get_sockets(lent->f);
    run_calls(lent->f);
    atomic_fetch_add(&lent->released, 1);
}

static void memory_comes_back_on_the_calling_thread(void) {
    static uint8_t much[40000];
    fx *f = fx_new(MODE_PULL, NULL);
    struct lent lent = {.f = f};
    int peer;
    int32_t id = connected(f, &peer);
    call *c;
    wait_asleep();
    hold(f);
    c = call_entered(f, CHROME_SOCKETS_TCP_SEND, id);
    MADE(c, chromesock_sockets_tcp_send_owned(f->app, id, much, sizeof much, on_release, &lent, NULL, c));
    run_calls(f);
    CHECK_INT(lent.released, 1);
    CHECK(pthread_equal(lent.thread, pthread_self()));
    IS_SENT(c, sizeof much);
    close(peer);
    fx_end(f);
}

/* The host may also free the app there: neither that call nor the reactor touches it afterwards (a sanitizer sees it). */
static void on_release_free(void *app) { chromesock_app_free(app); }

static atomic_int ended_sends;

static void on_ended_send(chromesock_app *app, const chromesock_event *event, void *user_data) {
    (void)app;
    (void)event;
    (void)user_data;
    atomic_fetch_add(&ended_sends, 1);
}

static void the_app_is_freed_in_a_release(void) {
    static uint8_t much[40000];
    for (int round = 1; round <= 50; round++) {
        fx *f = fx_new(MODE_PULL, NULL);
        int peer;
        int32_t id = connected(f, &peer);
        wait_asleep();
        hold(f);
        CHECK_INT(chromesock_sockets_tcp_send_owned(f->app, id, much, sizeof much, on_release_free, f->app,
                                                    on_ended_send, NULL),
                  CHROMESOCK_OK);
        run_calls(f);
        wait_idly(ended_sends == round);
        peer_wait_end(peer);
        close(peer);
        wait_no_reactor();
        fx_forget(f);
    }
}

/* A conversation in callbacks, each of which sends one message more: as bindings do it. */
struct chain {
    int32_t id;
    int left;
};

static void send_next(fx *f, const chromesock_event *event) {
    struct chain *chain = f->arg;
    if (event->type != CHROME_SOCKETS_TCP_SEND || chain->left-- <= 0) return;
    hold(f);
    tcp_send(f, chain->id, "x", 1);
    run_calls(f);
}

static void a_chain_of_sends_in_callbacks(void) {
    for (int n = 0; n < QUEUED; n++) {
        fx *f = fx_new(queued[n], NULL);
        static char got[5001];
        int peer;
        struct chain chain = {connected(f, &peer), 5000};
        f->arg = &chain;
        f->inside = send_next;
        IS_SENT(tcp_send(f, chain.id, "x", 1), 1);
        wait_until(f, chain.left < 0);
        peer_read(peer, got, sizeof got);
        fx_stop_inside(f);
        close(peer);
        fx_end(f);
    }
}

/* Where there is one CPU the caller carries out all it has called, but for what a bound of the reactor leaves, which
 * that goes on with. */
static void many_calls_on_one_cpu(void) {
    enum { CALLS = 20000 };
    cpu_set_t all, one;
    fx *f;
    call *last = NULL;
    CHECK_INT(sched_getaffinity(0, sizeof all, &all), 0);
    CPU_ZERO(&one);
    for (int cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&one) == 0; cpu++)
        if (CPU_ISSET(cpu, &all)) CPU_SET(cpu, &one);
    CHECK_INT(sched_setaffinity(0, sizeof one, &one), 0);
    f = fx_new(MODE_PULL, NULL);
    for (int round = 0; round < 3; round++) {
        uint64_t before = completed(f);
        wait_asleep();
        hold(f);
        for (int n = 0; n < CALLS; n++) last = tcp_get_info(f, 99999);
        CHECK_INT(completed(f), before);
        run_calls(f);
        CHECK(completed(f) > before);
        IS_FAIL_TEXT(last, NOT_FOUND);
        CHECK_INT(completed(f), before + CALLS);
        fx_compact(f);
    }
    fx_end(f);
    CHECK_INT(sched_setaffinity(0, sizeof all, &all), 0);
}

int main(int argc, char **argv) {
    harness_init(argc, argv);
    RUN(a_call_is_completed_when_it_returns);
    RUN(without_calls_nothing_happens);
    RUN(what_belongs_to_the_reactor_s_thread_stays_there);
    RUN(memory_comes_back_on_the_calling_thread);
    RUN(the_app_is_freed_in_a_release);
    RUN(a_chain_of_sends_in_callbacks);
    RUN(many_calls_on_one_cpu);
    return harness_finish();
}
