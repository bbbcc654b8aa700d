/* The one load client of all TCP contestants. Prints one line of JSON; exit code 1 when the server sent
 * wrong data, closed a connection or stood still. */
#define _GNU_SOURCE
#include "process.h"
#include "window.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/time.h>
#include <unistd.h>

enum { EVENTS = 512, READ_SIZE = 256 * 1024, TOGETHER = 64 };

struct connection {
    int fd;
    int got; /* bytes of the current answer */
    uint8_t message[MESSAGE];
};

static int connections = 1, spin;
static uint64_t echoes; /* where not a time but a number of them is asked for */
static struct epoll_event events[EVENTS];
static int ep;

static struct sockaddr_in server_address(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)load.port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return to;
}

static int new_socket(void)
{
    int one = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        die("socket");
    }
    use_reno(fd);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

static int open_connection(void)
{
    struct sockaddr_in to = server_address();
    struct timeval patience = {.tv_sec = STALL_SECONDS};
    int fd = new_socket();
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
        die("connect");
    }
    return fd;
}

static void watch(struct connection *c)
{
    struct epoll_event want = {.events = EPOLLIN | EPOLLET, .data.ptr = c};
    if (epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &want) != 0) {
        die("epoll_ctl");
    }
}

static int wait_for_events(void)
{
    int n = epoll_wait(ep, events, EVENTS, STALL_SECONDS * 1000);
    if (n == 0) {
        fail("the server stands still");
    }
    return n;
}

static struct connection *new_connections(void)
{
    struct connection *all = calloc((size_t)connections, sizeof *all);
    if (all == NULL) {
        die("calloc");
    }
    for (int i = 0; i < connections; i++) {
        for (int k = 0; k < MESSAGE; k++) {
            all[i].message[k] = (uint8_t)(i * 7 + k * 13);
        }
    }
    return all;
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

static int echo_ends(double start, uint64_t count)
{
    return echoes > 0 ? count >= echoes : tick(start, count);
}

static uint64_t run_echo(void)
{
    struct connection *all = new_connections();
    uint64_t count = 0;
    for (int i = 0; i < connections; i++) {
        all[i].fd = open_connection();
        watch(&all[i]);
    }
    double start = now();
    for (int i = 0; i < connections; i++) {
        send_message(&all[i]);
    }
    do {
        int n = wait_for_events();
        for (int i = 0; i < n; i++) {
            struct connection *c = events[i].data.ptr;
            if (take_answer(c)) {
                count++;
                send_message(c);
            }
        }
    } while (!echo_ends(start, count));
    return count;
}

/* One connection, and the client never sleeps: what is measured is the server's part of the way. */
static uint64_t run_spinning(void)
{
    struct connection *c = new_connections();
    uint64_t count = 0;
    c->fd = open_connection();
    double start = now();
    do {
        double sent = now();
        send_message(c);
        for (uint32_t tries = 1; !take_answer(c); tries++) {
            if (tries % 1024 == 0 && now() - sent > STALL_SECONDS) {
                fail("the server stands still");
            }
        }
        count++;
    } while (!echo_ends(start, count));
    return count;
}

/* ---- churn: connections that come, exchange one message or none, and go ---- */

static int exchange; /* churn: a message there and back before the end; accept: none */

static void end_sending(const struct connection *c)
{
    if (shutdown(c->fd, SHUT_WR) != 0) {
        die("shutdown");
    }
}

/* Every connection has an address of its own on loopback, so that ports which the system still keeps
 * for ended ones are not missed. */
static void open_next(struct connection *c)
{
    static uint32_t next;
    struct sockaddr_in from = {.sin_family = AF_INET}, to = server_address();
    int one = 1;
    from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + next++ % 60000);
    c->fd = new_socket();
    c->got = 0;
    setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    if (bind(c->fd, (struct sockaddr *)&from, sizeof from) != 0 ||
        connect(c->fd, (struct sockaddr *)&to, sizeof to) != 0) {
        die("connect");
    }
    if (exchange) {
        send_message(c);
    } else {
        end_sending(c);
    }
    watch(c);
}

/* True when the server, too, has ended the connection. */
static int has_ended(struct connection *c)
{
    uint8_t byte;
    ssize_t n = recv(c->fd, &byte, 1, MSG_DONTWAIT);
    if (n > 0) {
        fail("more was answered than was sent");
    }
    if (n < 0 && errno != EAGAIN) {
        die("recv");
    }
    return n == 0;
}

static int advance(struct connection *c)
{
    if (exchange && c->got < MESSAGE) {
        if (take_answer(c)) {
            c->got = MESSAGE; /* from now on the end is awaited */
            end_sending(c);
        }
        return 0;
    }
    return has_ended(c);
}

static uint64_t run_churn(void)
{
    struct connection *all = new_connections();
    uint64_t count = 0;
    for (int i = 0; i < connections; i++) {
        open_next(&all[i]);
    }
    double start = now();
    do {
        int n = wait_for_events();
        for (int i = 0; i < n; i++) {
            struct connection *c = events[i].data.ptr;
            if (advance(c)) {
                close(c->fd);
                count++;
                open_next(c);
            }
        }
    } while (!tick(start, count));
    return count;
}

/* ---- idle: what a connection that has exchanged one message costs the server in memory ---- */

static void await_answer(struct connection *c)
{
    struct pollfd readable = {.fd = c->fd, .events = POLLIN};
    while (!take_answer(c)) {
        if (poll(&readable, 1, STALL_SECONDS * 1000) == 0) {
            fail("the server stands still");
        }
    }
}

static int run_idle(void)
{
    struct connection *all = new_connections();
    int64_t before = 0;
    for (int i = 0; i < connections;) {
        int first = i;
        for (; i < connections && i < first + TOGETHER; i++) {
            all[i].fd = open_connection();
            send_message(&all[i]);
        }
        for (int k = first; k < i; k++) {
            await_answer(&all[k]);
        }
        if (first == 0) { /* what is made once is there */
            before = private_dirty(load.server);
        }
    }
    int64_t after = private_dirty(load.server);
    if (before <= 0 || after <= 0 || connections <= TOGETHER) {
        fail("the server's memory cannot be told");
    }
    printf("{\"bytes\": %.1f}\n", (double)(after - before) / (double)(connections - TOGETHER));
    return 0;
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
    uint64_t warm = push(fd, block, load.warmup);
    window_begin(warm);
    uint64_t all = warm + push(fd, block, load.seconds);
    window_end(all);
    return all;
}

static size_t take_bytes(int fd, uint8_t *buffer, size_t most)
{
    ssize_t n = recv(fd, buffer, most, window.open ? MSG_TRUNC : 0);
    if (n <= 0) {
        fail(n == 0 ? "the server closed the connection" : strerror(errno));
    }
    return (size_t)n;
}

/* The warm-up checks every byte of the pattern's stream. The window drops the bytes in the kernel, so that
 * the copy out of it, which is this client's and not the server's, does not hide how fast the server sends. */
static void check_bytes(const uint8_t *bytes, size_t n, uint64_t position)
{
    static uint8_t want[BLOCK * 2];
    if (window.open) {
        return;
    }
    if (want[1] == 0) {
        fill_pattern(want);
        fill_pattern(want + BLOCK);
    }
    for (size_t i = 0; i < n;) {
        size_t part = n - i < BLOCK ? n - i : BLOCK;
        if (memcmp(bytes + i, want + (position + i) % BLOCK, part) != 0) {
            fail("the bytes received are wrong");
        }
        i += part;
    }
}

/* A source's stream, counted in sends of `unit` bytes, as far as they came. */
static uint64_t run_stream(size_t unit)
{
    static uint8_t buffer[READ_SIZE];
    int fd = open_connection();
    uint64_t bytes = 0;
    double start = now();
    do {
        size_t n = take_bytes(fd, buffer, sizeof buffer);
        check_bytes(buffer, n, bytes);
        bytes += n;
    } while (!tick(start, bytes));
    window.count_begin /= unit;
    window.count_end /= unit;
    return bytes / unit;
}

/* Asks for QUEUED sends, waits for them and for the byte that says that they were all completed, again
 * and again. The warm-up is one of these at least. */
static uint64_t run_queued(void)
{
    static uint8_t buffer[READ_SIZE];
    int fd = open_connection();
    uint64_t count = 0, all = (uint64_t)QUEUED * SMALL;
    double start = now();
    do {
        if (send(fd, "q", 1, MSG_NOSIGNAL) != 1) {
            die("send");
        }
        for (uint64_t got = 0; got < all;) {
            size_t n = take_bytes(fd, buffer, all - got < sizeof buffer ? (size_t)(all - got) : sizeof buffer);
            check_bytes(buffer, n, got);
            got += n;
        }
        take_bytes(fd, buffer, 1);
        count += QUEUED;
    } while (!tick(start, count));
    return count;
}

static void usage(void)
{
    fprintf(stderr, "load --workload pingpong|echo|churn|accept|idle|queued|foreign|bulk-receive|bulk-send\n"
                    "     --port N --server PID [--connections N] [--seconds S] [--warmup S] [--spin] [--echoes N]\n");
    exit(2);
}

static void read_options(int argc, char **argv)
{
    static const struct option known[] = {
        {"workload", required_argument, NULL, 'w'}, {"port", required_argument, NULL, 'p'},
        {"server", required_argument, NULL, 'S'},   {"connections", required_argument, NULL, 'c'},
        {"seconds", required_argument, NULL, 's'},  {"warmup", required_argument, NULL, 'u'},
        {"echoes", required_argument, NULL, 'n'},   {"spin", no_argument, NULL, 'i'},
        {NULL, 0, NULL, 0}};
    int o;
    while ((o = getopt_long(argc, argv, "", known, NULL)) != -1) {
        switch (o) {
        case 'w': load.workload = optarg; break;
        case 'p': load.port = atoi(optarg); break;
        case 'S': load.server = (pid_t)atoi(optarg); break;
        case 'c': connections = atoi(optarg); break;
        case 's': load.seconds = atof(optarg); break;
        case 'u': load.warmup = atof(optarg); break;
        case 'n': echoes = strtoull(optarg, NULL, 10); break;
        case 'i': spin = 1; break;
        default: usage();
        }
    }
    if (load.workload == NULL || load.port <= 0 || load.server <= 0 || connections <= 0 || load.seconds <= 0) {
        usage();
    }
}

static int is(const char *workload)
{
    return strcmp(load.workload, workload) == 0;
}

int main(int argc, char **argv)
{
    uint64_t total = 0;
    read_options(argc, argv);
    raise_descriptor_limit();
    ep = epoll_create1(EPOLL_CLOEXEC);
    if (ep < 0) {
        die("epoll");
    }
    if (is("pingpong")) {
        connections = 1;
        total = spin ? run_spinning() : run_echo();
    } else if (is("echo")) {
        total = run_echo();
    } else if (is("churn") || is("accept")) {
        exchange = is("churn");
        total = run_churn();
    } else if (is("idle")) {
        return run_idle();
    } else if (is("queued")) {
        total = run_queued();
    } else if (is("foreign") || is("bulk-send")) {
        total = run_stream(is("foreign") ? SMALL : BLOCK);
    } else if (is("bulk-receive")) {
        total = run_bulk_receive();
    } else {
        usage();
    }
    if (echoes == 0) {
        print_window(total);
    }
    return 0;
}
