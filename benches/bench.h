/* What the load client and the servers agree on. Each server is told its mode on the command line,
 * listens on 127.0.0.1 and a port of the system's choice, prints that port on a line of its own, and
 * ends when its standard input ends. A server closes a connection when its peer has ended it.
 *
 *   echo     sends back what it receives
 *   sink     drops what it receives and sends one byte for each full ACK_EVERY bytes
 *   source   sends PATTERN blocks from the moment of accept until the peer leaves
 *   queued   for each byte received, queues QUEUED sends of SMALL bytes at once, each with a completion
 *            of its own, and sends one byte more after the last of them
 *   foreign  as source, in sends of SMALL bytes, which a thread that is not the loop's hands in one by
 *            one; no more than FOREIGN_WINDOW of them are unfinished
 *
 * A byte counts as a completion, or as the end of a block, wherever the stream is cut. */
#ifndef BENCH_H
#define BENCH_H

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

enum {
    MESSAGE = 64,                /* bytes of one echo message */
    BLOCK = 64 * 1024,           /* bytes of one bulk send */
    ACK_EVERY = 4 * 1024 * 1024, /* bytes a sink takes per confirming byte */
    SMALL = 32,                  /* bytes of one queued or foreign send */
    QUEUED = 100000,
    FOREIGN_WINDOW = 16384
};

/* MODE_WORK: an echo that takes the server some work, to show what a second thread brings. */
enum mode { MODE_ECHO, MODE_SINK, MODE_SOURCE, MODE_QUEUED, MODE_FOREIGN, MODE_WORK };

static inline int parse_mode(const char *text, enum mode *mode)
{
    static const char *const names[] = {"echo", "sink", "source", "queued", "foreign", "work"};
    for (int i = 0; i < 6; i++) {
        if (strcmp(text, names[i]) == 0) {
            *mode = (enum mode)i;
            return 1;
        }
    }
    return 0;
}

/* Byte number i of the stream a source sends. */
static inline uint8_t pattern(size_t i)
{
    i %= BLOCK;
    return (uint8_t)(i * 31 + (i >> 8));
}

static inline void fill_pattern(uint8_t *block)
{
    for (size_t i = 0; i < BLOCK; i++) {
        block[i] = pattern(i);
    }
}

/* The bytes of small send number i: the stream is the pattern again. */
static inline const uint8_t *small_send(const uint8_t *block, uint64_t i)
{
    return block + i * SMALL % BLOCK;
}

/* Bytes that a sink owes its peer after `n` more have come. */
static inline uint64_t acks_owed(uint64_t *count, size_t n)
{
    uint64_t before = *count / ACK_EVERY;
    *count += n;
    return *count / ACK_EVERY - before;
}

static inline void die(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(1);
}

/* A kernel that defaults to BBR paces bulk data on loopback: slow and bimodal. What a listener has
 * chosen, its accepted sockets inherit. Where reno is missing the system's choice stays. */
static inline void use_reno(int fd)
{
    (void)setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "reno", 4);
}

/* Set once on the listener: accepted sockets inherit both. */
static inline void set_listener_options(int fd)
{
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    use_reno(fd);
}

static inline void tell_port(int port)
{
    printf("%d\n", port);
    fflush(stdout);
}

static inline void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

#endif
