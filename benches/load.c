/* The one load client of all contestants. Prints one line of JSON; exit code 1 when the server sent
 * wrong data, closed a connection or stood still. */
#define _GNU_SOURCE
#include "bench.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { STALL_SECONDS = 10, EVENTS = 512, READ_SIZE = 256 * 1024 };

struct connection {
    int fd;
    int got; /* bytes of the current answer */
    uint8_t message[MESSAGE];
};

static struct {
    const char *workload;
    int port, connections, spin;
    pid_t server;
    double seconds, warmup;
} options = {.connections = 1, .seconds = 1.0, .warmup = 0.2};

static clockid_t server_clock;

/* The measured window: opened after the warm-up, closed after `seconds`. */
static struct {
    double begin, end;
    int64_t cpu_begin, cpu_end;
    uint64_t count_begin, count_end;
    int open;
} window;

static void fail(const char *what)
{
    fprintf(stderr, "load %s: %s\n", options.workload, what);
    exit(1);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* CPU time of all threads of the server, user and system. */
static int64_t server_cpu(void)
{
    struct timespec t;
    if (clock_gettime(server_clock, &t) != 0) {
        die("CPU clock of the server");
    }
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void window_begin(uint64_t count)
{
    window.open = 1;
    window.count_begin = count;
    window.cpu_begin = server_cpu();
    window.begin = now();
}

static void window_end(uint64_t count)
{
    window.end = now();
    window.cpu_end = server_cpu();
    window.count_end = count;
}

/* Moves from warm-up to window to the end by the clock; true at the end. */
static int tick(double start, uint64_t count)
{
    double t = now();
    if (!window.open) {
        if (t - start >= options.warmup) {
            window_begin(count);
        }
        return 0;
    }
    if (t - window.begin < options.seconds) {
        return 0;
    }
    window_end(count);
    return 1;
}

static int open_connection(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)options.port)};
    struct timeval patience = {.tv_sec = STALL_SECONDS};
    int one = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0) {
        die("socket");
    }
    use_reno(fd);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
        die("connect");
    }
    return fd;
}

/* ---- echo: one message under way on each connection ---- */

static void send_message(const struct connection *c)
{
    /* One message never fills the send buffer, so a short send is a fault. */
    if (send(c->fd, c->message, MESSAGE, MSG_NOSIGNAL) != MESSAGE) {
        die("send");
    }
}

/* Reads once: a read shorter than the buffer has emptied the socket, and the next byte raises a new
 * edge. Returns the number of answers completed, 0 or 1. */
static int take_answer(struct connection *c)
{
    uint8_t buffer[4096];
    ssize_t n = recv(c->fd, buffer, sizeof buffer, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return 0;
    }
    if (n < 0) {
        die("recv");
    }
    if (n == 0) {
        fail("the server closed a connection");
    }
    if (n > MESSAGE - c->got || memcmp(buffer, c->message + c->got, (size_t)n) != 0) {
        fail("the answer differs from the message");
    }
    c->got += (int)n;
    if (c->got < MESSAGE) {
        return 0;
    }
    c->got = 0;
    return 1;
}

static uint64_t run_echo(void)
{
    struct epoll_event events[EVENTS];
    struct connection *all = calloc((size_t)options.connections, sizeof *all);
    uint64_t count = 0;
    int ep = epoll_create1(EPOLL_CLOEXEC);
    if (all == NULL || ep < 0) {
        die("epoll");
    }
    for (int i = 0; i < options.connections; i++) {
        struct epoll_event want = {.events = EPOLLIN | EPOLLET, .data.ptr = &all[i]};
        all[i].fd = open_connection();
        for (int k = 0; k < MESSAGE; k++) {
            all[i].message[k] = (uint8_t)(i * 7 + k * 13);
        }
        if (epoll_ctl(ep, EPOLL_CTL_ADD, all[i].fd, &want) != 0) {
            die("epoll_ctl");
        }
    }
    double start = now();
    for (int i = 0; i < options.connections; i++) {
        send_message(&all[i]);
    }
    do {
        int n = epoll_wait(ep, events, EVENTS, STALL_SECONDS * 1000);
        if (n == 0) {
            fail("the server stands still");
        }
        for (int i = 0; i < n; i++) {
            struct connection *c = events[i].data.ptr;
            if (take_answer(c)) {
                count++;
                send_message(c);
            }
        }
    } while (!tick(start, count));
    return count;
}

/* One connection, and the client never sleeps: what is measured is the server's part of the way. */
static uint64_t run_spinning(void)
{
    struct connection c = {.fd = open_connection()};
    uint64_t count = 0;
    memset(c.message, 'p', sizeof c.message);
    double start = now();
    do {
        double sent = now();
        send_message(&c);
        for (uint32_t tries = 1; !take_answer(&c); tries++) {
            if (tries % 1024 == 0 && now() - sent > STALL_SECONDS) {
                fail("the server stands still");
            }
        }
        count++;
    } while (!tick(start, count));
    return count;
}

/* ---- bulk ---- */

/* Sends whole ACK_EVERY runs for at least `seconds`, then waits until the server has confirmed all. */
static uint64_t push(int fd, const uint8_t *block, double seconds)
{
    uint64_t blocks = 0, owed = 0;
    double start = now();
    do {
        for (int i = 0; i < ACK_EVERY / BLOCK; i++) {
            size_t done = 0;
            while (done < BLOCK) {
                ssize_t n = send(fd, block + done, BLOCK - done, MSG_NOSIGNAL);
                if (n < 0) {
                    die("send");
                }
                done += (size_t)n;
            }
            blocks++;
        }
        owed++;
    } while (now() - start < seconds);
    while (owed > 0) {
        uint8_t acks[4096];
        ssize_t n = recv(fd, acks, sizeof acks, 0);
        if (n <= 0 || (uint64_t)n > owed) {
            fail("the server's count is wrong");
        }
        owed -= (uint64_t)n;
    }
    return blocks;
}

static uint64_t run_bulk_receive(void)
{
    static uint8_t block[BLOCK];
    int fd = open_connection();
    fill_pattern(block);
    uint64_t warm = push(fd, block, options.warmup);
    window_begin(warm);
    uint64_t all = warm + push(fd, block, options.seconds);
    window_end(all);
    return all;
}

/* The warm-up checks every byte. The window drops the bytes in the kernel, so that the copy out of it,
 * which is this client's and not the server's, does not hide how fast the server sends. */
static uint64_t run_bulk_send(void)
{
    static uint8_t buffer[READ_SIZE], want[BLOCK * 2];
    int fd = open_connection();
    uint64_t bytes = 0;
    double start = now();
    fill_pattern(want);
    fill_pattern(want + BLOCK);
    do {
        ssize_t n = recv(fd, buffer, sizeof buffer, window.open ? MSG_TRUNC : 0);
        if (n <= 0) {
            fail(n == 0 ? "the server closed the connection" : strerror(errno));
        }
        for (size_t i = 0; !window.open && i < (size_t)n;) {
            size_t part = (size_t)n - i < BLOCK ? (size_t)n - i : BLOCK;
            if (memcmp(buffer + i, want + (bytes + i) % BLOCK, part) != 0) {
                fail("the bytes received are wrong");
            }
            i += part;
        }
        bytes += (uint64_t)n;
    } while (!tick(start, bytes));
    /* Counted in blocks, as far as they came. */
    window.count_begin /= BLOCK;
    window.count_end /= BLOCK;
    return bytes / BLOCK;
}

static void usage(void)
{
    fprintf(stderr, "load --workload pingpong|echo|bulk-receive|bulk-send --port N --server PID\n"
                    "     [--connections N] [--seconds S] [--warmup S] [--spin]\n");
    exit(2);
}

static void read_options(int argc, char **argv)
{
    static const struct option known[] = {
        {"workload", required_argument, NULL, 'w'}, {"port", required_argument, NULL, 'p'},
        {"server", required_argument, NULL, 'S'},   {"connections", required_argument, NULL, 'c'},
        {"seconds", required_argument, NULL, 's'},  {"warmup", required_argument, NULL, 'u'},
        {"spin", no_argument, NULL, 'i'},           {NULL, 0, NULL, 0}};
    int o;
    while ((o = getopt_long(argc, argv, "", known, NULL)) != -1) {
        switch (o) {
        case 'w': options.workload = optarg; break;
        case 'p': options.port = atoi(optarg); break;
        case 'S': options.server = (pid_t)atoi(optarg); break;
        case 'c': options.connections = atoi(optarg); break;
        case 's': options.seconds = atof(optarg); break;
        case 'u': options.warmup = atof(optarg); break;
        case 'i': options.spin = 1; break;
        default: usage();
        }
    }
    if (options.workload == NULL || options.port <= 0 || options.server <= 0 || options.connections <= 0 ||
        options.seconds <= 0) {
        usage();
    }
}

int main(int argc, char **argv)
{
    uint64_t total = 0;
    read_options(argc, argv);
    raise_descriptor_limit();
    if (clock_getcpuclockid(options.server, &server_clock) != 0) {
        fail("no such server");
    }
    if (strcmp(options.workload, "pingpong") == 0) {
        options.connections = 1;
        total = options.spin ? run_spinning() : run_echo();
    } else if (strcmp(options.workload, "echo") == 0) {
        total = run_echo();
    } else if (strcmp(options.workload, "bulk-receive") == 0) {
        total = run_bulk_receive();
    } else if (strcmp(options.workload, "bulk-send") == 0) {
        total = run_bulk_send();
    } else {
        usage();
    }
    uint64_t messages = window.count_end - window.count_begin;
    double seconds = window.end - window.begin;
    if (messages == 0) {
        fail("no message in the whole window");
    }
    printf("{\"messages\": %llu, \"seconds\": %.6f, \"rate\": %.3f, \"cpu_ns\": %.1f, \"total\": %llu}\n",
           (unsigned long long)messages, seconds, (double)messages / seconds,
           (double)(window.cpu_end - window.cpu_begin) / (double)messages, (unsigned long long)total);
    return 0;
}
