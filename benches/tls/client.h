/* What the TLS clients have in common: their command line, the measured window, which is opened after a
 * warm-up, their own CPU time in it, and the one line of output.
 *
 *   handshakes  makes connections, CONCURRENT at a time, and leaves each once it is secured
 *   download    receives on one connection what the server sends without end
 *   upload      sends on one connection without end, `size` bytes at a time
 *   echo        sends `size` bytes on each of CONCURRENT connections, and again when they have come back
 *   idle        secures IDLE connections and tells what each costs in memory
 *
 * The server is on 127.0.0.1, and its certificate, for that address, is checked by all of them. */
#ifndef TLS_CLIENT_H
#define TLS_CLIENT_H

#include "../bench.h"

#include <malloc.h>
#include <time.h>

enum { CONCURRENT = 8, IDLE = 1000, MOST = 64 * 1024 };
enum work { HANDSHAKES, DOWNLOAD, UPLOAD, ECHO, IDLING };

static struct {
    enum work work;
    int port;
    const char *roots; /* a file with the authority in PEM */
    double seconds, warmup;
    size_t size;
} work = {.warmup = 0.3};

static uint8_t payload[MOST];

static struct {
    int open;
    double start, begin;
    int64_t cpu_begin;
    uint64_t count_begin, count;
} window;

static inline int64_t clock_ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static inline void parse_work(int argc, char **argv)
{
    static const char *const names[] = {"handshakes", "download", "upload", "echo", "idle"};
    enum { KINDS = sizeof names / sizeof *names };
    int kind = 0;
    while (argc == 6 && kind < KINDS && strcmp(argv[1], names[kind]) != 0) {
        kind++;
    }
    if (argc != 6 || kind == KINDS || atoi(argv[5]) < 1 || atoi(argv[5]) > MOST) {
        fprintf(stderr, "usage: %s handshakes|download|upload|echo|idle PORT ROOTS SECONDS SIZE\n", argv[0]);
        exit(2);
    }
    work.work = (enum work)kind;
    work.port = atoi(argv[2]);
    work.roots = argv[3];
    work.seconds = atof(argv[4]);
    work.size = (size_t)atoi(argv[5]);
    memset(payload, 'x', sizeof payload);
    raise_descriptor_limit();
    window.start = (double)clock_ns(CLOCK_MONOTONIC) / 1e9;
}

/* Counts handshakes, bytes or messages; prints the result and ends the program when the window is over. */
static inline void add(uint64_t count)
{
    window.count += count;
    double now = (double)clock_ns(CLOCK_MONOTONIC) / 1e9;
    if (!window.open) {
        if (now - window.start >= work.warmup) {
            window.open = 1;
            window.begin = now;
            window.cpu_begin = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
            window.count_begin = window.count;
        }
        return;
    }
    if (now - window.begin < work.seconds) {
        return;
    }
    int64_t cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - window.cpu_begin;
    double per_unit = work.work == DOWNLOAD || work.work == UPLOAD ? 1e6 : 1; /* MB */
    double units = (double)(window.count - window.count_begin) / per_unit;
    printf("{\"rate\": %.3f, \"cpu_ns\": %.1f, \"total\": %.3f}\n", units / (now - window.begin), (double)cpu / units,
           (double)window.count / per_unit);
    fflush(stdout);
    _Exit(0);
}

/* How many connections are begun at once. */
static inline int first_connections(void)
{
    return work.work == HANDSHAKES || work.work == ECHO ? CONCURRENT : 1;
}

/* A message has come back, whole: nothing splits a record that is so small. */
static inline void note_echo(size_t bytes)
{
    if (bytes != work.size) {
        die("a part of a message");
    }
    add(1);
}

static inline int64_t heap_now(void)
{
    struct mallinfo2 heap = mallinfo2();
    return (int64_t)(heap.uordblks + heap.hblkhd);
}

/* Called after the first idle connection, whose cost is everybody's, and after the last. */
static inline void note_idle(int secured)
{
    static int64_t first;
    if (secured == 1) {
        first = heap_now();
    } else if (secured == 1 + IDLE) {
        printf("{\"bytes\": %lld}\n", (long long)((heap_now() - first) / IDLE));
        fflush(stdout);
        _Exit(0);
    }
}

#endif
