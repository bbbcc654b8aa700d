/* What both load clients share: the measured window, which is opened after a warm-up, the server's CPU
 * time in it, and the one line of output. */
#ifndef WINDOW_H
#define WINDOW_H

#include "bench.h"

#include <time.h>

enum { STALL_SECONDS = 10 };

static struct {
    const char *workload;
    int port;
    pid_t server;
    double seconds, warmup;
} load = {.seconds = 1.0, .warmup = 0.2};

static struct {
    double begin, end;
    int64_t cpu_begin, cpu_end;
    uint64_t count_begin, count_end;
    int open;
} window;

static inline void fail(const char *what)
{
    fprintf(stderr, "load %s: %s\n", load.workload, what);
    exit(1);
}

static inline double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* CPU time of all threads of the server, user and system. */
static inline int64_t server_cpu(void)
{
    struct timespec t;
    clockid_t clock;
    if (clock_getcpuclockid(load.server, &clock) != 0 || clock_gettime(clock, &t) != 0) {
        die("CPU clock of the server");
    }
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static inline void window_begin(uint64_t count)
{
    window.open = 1;
    window.count_begin = count;
    window.cpu_begin = server_cpu();
    window.begin = now();
}

static inline void window_end(uint64_t count)
{
    window.end = now();
    window.cpu_end = server_cpu();
    window.count_end = count;
}

/* Moves from warm-up to window to the end by the clock; true at the end. */
static inline int tick(double start, uint64_t count)
{
    double t = now();
    if (!window.open) {
        if (t - start >= load.warmup) {
            window_begin(count);
        }
        return 0;
    }
    if (t - window.begin < load.seconds) {
        return 0;
    }
    window_end(count);
    return 1;
}

/* `total` is the number of messages since the start, warm-up included. */
static inline void print_window(uint64_t total)
{
    uint64_t messages = window.count_end - window.count_begin;
    double seconds = window.end - window.begin;
    if (messages == 0) {
        fail("no message in the whole window");
    }
    printf("{\"rate\": %.3f, \"cpu_ns\": %.1f, \"total\": %llu}\n", (double)messages / seconds,
           (double)(window.cpu_end - window.cpu_begin) / (double)messages, (unsigned long long)total);
}

#endif
