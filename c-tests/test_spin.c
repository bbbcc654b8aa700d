/* busy_poll_us: a reactor that looks for work before it sleeps needs no wake-up, and sleeps in the end for
 * as long as nothing comes, whatever time it was given. */
#include <ctype.h>
#include <dirent.h>
#include <sched.h>
#include <unistd.h>

#include "harness.h"

enum { CALLS = 500 };

/* Writes of the calling thread; sends and receives on sockets do not count. */
static long long own_writes(void) {
    char line[64];
    long long n = -1;
    FILE *file = fopen("/proc/thread-self/io", "r");
    CHECK(file != NULL);
    while (fgets(line, sizeof line, file) != NULL) (void)sscanf(line, "syscw: %lld", &n);
    fclose(file);
    CHECK(n >= 0);
    return n;
}

/* What the reactor's thread waits in: its fourth argument is the time-out of epoll_wait and epoll_pwait.
 * 1 if it waits for ever. Of this process's threads the reactor's is the one of that name, which it gives
 * itself as it starts. */
static int sleeps_for_ever(void) {
    int found = 0, sleeps = 0;
    DIR *dir = opendir("/proc/self/task");
    CHECK(dir != NULL);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        char path[300], text[256] = "";
        unsigned long long timeout = 0;
        FILE *file;
        if (!isdigit((unsigned char)entry->d_name[0])) continue;
        snprintf(path, sizeof path, "/proc/self/task/%s/comm", entry->d_name);
        file = fopen(path, "r");
        if (file == NULL) continue;
        if (fgets(text, sizeof text, file) == NULL) text[0] = 0;
        fclose(file);
        if (strcmp(text, "chromesock\n") != 0) continue;
        found++;
        snprintf(path, sizeof path, "/proc/self/task/%s/syscall", entry->d_name);
        file = fopen(path, "r");
        CHECK(file != NULL);
        sleeps = fscanf(file, "%*d %*x %*x %*x %llx", &timeout) == 1 && (int32_t)timeout == -1;
        fclose(file);
    }
    closedir(dir);
    CHECK(found <= 1);
    return sleeps;
}

static void wait_asleep(void) {
    long long end = now_ms() + deadline_ms();
    while (!sleeps_for_ever()) {
        if (now_ms() > end) FAIL("the reactor does not sleep");
        sched_yield();
    }
}

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
