/* busy_poll_us: a reactor that looks for work before it sleeps needs no wake-up, and sleeps in the end for
 * as long as nothing comes, whatever time it was given. */
#include <unistd.h>

#include "asleep.h"

enum { CALLS = 500 };

static chromesock_app_options spinning_for(uint32_t us) {
    chromesock_app_options o;
    memset(&o, 0, sizeof o);
    o.busy_poll_us = us;
    return o;
}

static void calls_wake_nobody_who_is_awake(void) {
    for (int mode = 0; mode < MODE_COUNT; mode++) {
        chromesock_app_options o = spinning_for(UINT32_MAX);
        fx *f = fx_new((enum mode)mode, &o);
        long long writes;
        IS_OK(tcp_get_sockets(f)); /* the first one may still find it asleep */
        writes = own_writes();
        for (int n = 0; n < CALLS; n++) IS_OK(tcp_get_sockets(f));
        CHECK_INT(own_writes() - writes, 0);
        CHECK_INT(sleeps_for_ever(), 0);
        fx_end(f);
    }
}

/* Without spinning, and once the time is over: the reactor waits without a time-out, and one write ends it. */
static void it_sleeps_in_the_end(void) {
    static const uint32_t times[] = {0, 1, 999, 5000};
    for (size_t n = 0; n < sizeof times / sizeof times[0]; n++) {
        for (int mode = 0; mode < MODE_COUNT; mode++) {
            chromesock_app_options o = spinning_for(times[n]);
            fx *f = fx_new((enum mode)mode, &o);
            for (int round = 0; round < 3; round++) {
                long long writes;
                wait_asleep();
                writes = own_writes();
                IS_OK(tcp_get_sockets(f));
                CHECK_INT(own_writes() - writes, 1);
            }
            fx_end(f);
        }
    }
}

/* On a shared reactor the longest time counts, for as long as its app lives. */
static void the_longest_time_counts(void) {
    chromesock_app_options o = spinning_for(0);
    fx *quiet, *busy;
    CHECK_INT(chromesock_reactor_new(&o.reactor), CHROMESOCK_OK);
    quiet = fx_new(MODE_REACTOR, &o);
    wait_asleep();
    o.busy_poll_us = UINT32_MAX;
    busy = fx_new(MODE_PULL, &o);
    IS_OK(tcp_get_sockets(busy));
    current = quiet;
    for (int n = 0; n < CALLS; n++) {
        IS_OK(tcp_get_sockets(quiet));
        CHECK_INT(sleeps_for_ever(), 0);
    }
    fx_end(busy);
    wait_asleep();
    fx_end(quiet);
    chromesock_reactor_free(o.reactor);
}

/* Data, connections and the end of an app arrive while it spins as they do while it sleeps. */
static void a_conversation(void) {
    for (int mode = 0; mode < MODE_COUNT; mode++) {
        chromesock_app_options o = spinning_for(UINT32_MAX);
        fx *f = fx_new((enum mode)mode, &o);
        int peer, other;
        uint16_t port;
        int32_t id = connected(f, &peer), server = listening(f, &port), client = accepted(f, server, port, &other);
        for (int n = 0; n < 20; n++) {
            peer_text(peer, "ping");
            receive(f, id, "ping");
            IS_SENT(tcp_send(f, client, "pong", 4), 4);
            peer_expect(other, "pong");
        }
        close(peer);
        close(other);
        fx_end(f);
    }
}

int main(int argc, char **argv) {
    harness_init(argc, argv);
    if (access("/proc/thread-self/io", R_OK) != 0 || access("/proc/thread-self/syscall", R_OK) != 0) {
        printf("skipped: the system does not tell what a thread does\n");
        return 77;
    }
    RUN(calls_wake_nobody_who_is_awake);
    RUN(it_sleeps_in_the_end);
    RUN(the_longest_time_counts);
    RUN(a_conversation);
    return harness_finish();
}
