/* What the load client and the servers agree on.
 *
 *   echo    the server sends back what it receives
 *   sink    the server drops what it receives and sends one byte for each full ACK_EVERY bytes
 *   source  the server sends PATTERN blocks from the moment of accept until the peer leaves
 *
 * Each server is told its mode on the command line, listens on 127.0.0.1 and a port of the system's
 * choice, prints that port on a line of its own, and ends when its standard input ends. */
#ifndef BENCH_H
#define BENCH_H

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

enum {
    MESSAGE = 64,               /* bytes of one echo message */
    BLOCK = 64 * 1024,          /* bytes of one bulk send */
    ACK_EVERY = 4 * 1024 * 1024 /* bytes a sink takes per confirming byte */
};

enum mode { MODE_ECHO, MODE_SINK, MODE_SOURCE };

static inline int parse_mode(const char *text, enum mode *mode)
{
    static const char *const names[] = {"echo", "sink", "source"};
    for (int i = 0; i < 3; i++) {
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

static inline void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

#endif
