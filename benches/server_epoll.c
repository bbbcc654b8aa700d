/* The yardstick: a server written by hand on edge-triggered epoll. One registration per connection,
 * one read per edge when it comes back short, answers sent from the read buffer. With "spin" it never sleeps. */
#define _GNU_SOURCE
#include "foreign.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { EVENTS = 512, READ_SIZE = 256 * 1024 };

struct connection {
    int fd;
    int sending; /* bytes wait in rest: reading stops, as the peer reads too slowly */
    uint64_t count;
    size_t offset; /* source: bytes of the current block already sent */
    uint8_t *rest;
    size_t rest_len;
    /* queued, foreign: small sends gathered, those of [out_begin, out_end) not yet with the system */
    size_t out_begin, out_end;
    uint64_t completed;
    uint8_t *out;
};

static enum mode mode;
static int ep, listener;
static uint8_t buffer[READ_SIZE], block[BLOCK];

static struct foreign foreign;
static struct connection *foreign_target;

static void drop(struct connection *c)
{
    if (c == foreign_target) {
        foreign_stop(&foreign);
        foreign_target = NULL;
    }
    close(c->fd);
    free(c->rest);
    free(c->out);
    free(c);
}

/* Sends all or keeps what is left. -1 when the connection is gone. */
static int send_or_keep(struct connection *c, const uint8_t *data, size_t len)
{
    while (len > 0) {
        ssize_t n = send(c->fd, data, len, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0 && errno != EAGAIN) {
            return -1;
        }
        if (n < 0) {
            uint8_t *copy = malloc(len);
            if (copy == NULL) {
                return -1;
            }
            memcpy(copy, data, len);
            free(c->rest);
            c->rest = copy;
            c->rest_len = len;
            c->sending = 1;
            return 0;
        }
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

static int flush_rest(struct connection *c)
{
    uint8_t *rest = c->rest;
    size_t len = c->rest_len;
    c->rest = NULL;
    c->rest_len = 0;
    c->sending = 0;
    int result = send_or_keep(c, rest, len);
    free(rest);
    return result;
}

/* ---- small sends: gathered in one buffer, which goes out in full blocks, and at the end ---- */

static void complete_send(struct connection *c)
{
    c->completed++;
}

/* What is gathered goes to the system, as far as it takes it. -1 when the connection is gone. */
static int write_out(struct connection *c)
{
    while (c->out_begin < c->out_end) {
        ssize_t n = send(c->fd, c->out + c->out_begin, c->out_end - c->out_begin, MSG_NOSIGNAL);
        if (n < 0) {
            return errno == EAGAIN || errno == EINTR ? 0 : -1;
        }
        size_t before = c->out_begin / SMALL;
        c->out_begin += (size_t)n;
        for (size_t done = c->out_begin / SMALL - before; done > 0; done--) {
            complete_send(c);
        }
    }
    c->out_begin = c->out_end = 0;
    return 0;
}

static int flush_queued(struct connection *c)
{
    if (write_out(c) != 0) {
        return -1;
    }
    if (c->completed == QUEUED) { /* the last of a burst */
        c->completed = 0;
        return send_or_keep(c, (const uint8_t *)"d", 1);
    }
    return 0;
}

static int queue_sends(struct connection *c, size_t bursts)
{
    if (bursts != 1) {
        return -1; /* the client asks for one at a time */
    }
    for (int i = 0; i < QUEUED; i++) {
        memcpy(c->out + c->out_end, small_send(block, (uint64_t)i), SMALL);
        c->out_end += SMALL;
        if (c->out_end % BLOCK == 0 && write_out(c) != 0) {
            return -1;
        }
    }
    return flush_queued(c);
}

/* ---- foreign: a ring of sends, and one wake-up for each sleep of the loop ---- */

static struct {
    uint8_t slots[FOREIGN_WINDOW][SMALL];
    uint64_t taken __attribute__((aligned(128)));
    uint64_t filled __attribute__((aligned(128)));
    int asleep __attribute__((aligned(128)));
    int wakeup;
} ring;

static void submit_foreign(void *target, uint64_t number)
{
    (void)target;
    memcpy(ring.slots[number % FOREIGN_WINDOW], small_send(block, number), SMALL);
    __atomic_store_n(&ring.filled, number + 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&ring.asleep, __ATOMIC_SEQ_CST) && __atomic_exchange_n(&ring.asleep, 0, __ATOMIC_SEQ_CST)) {
        uint64_t one = 1;
        if (write(ring.wakeup, &one, sizeof one) != sizeof one) {
            die("eventfd");
        }
    }
}

/* Takes what is in the ring and hands it to the system, again and again until one of them is at its end. */
static int drain_ring(struct connection *c)
{
    for (;;) {
        uint64_t filled = __atomic_load_n(&ring.filled, __ATOMIC_ACQUIRE), taken = ring.taken;
        if (c->out_end == 0) {
            for (; taken < filled; taken++) {
                memcpy(c->out + c->out_end, ring.slots[taken % FOREIGN_WINDOW], SMALL);
                c->out_end += SMALL;
            }
        }
        if (c->out_end == 0) {
            return 0;
        }
        if (write_out(c) != 0) {
            return -1;
        }
        foreign_finish(&foreign, taken - ring.taken);
        ring.taken = taken;
        if (c->out_end != 0) {
            return 0; /* full: room raises an edge */
        }
    }
}

/* Whether the loop may sleep. */
static int may_sleep(void)
{
    if (foreign_target == NULL || foreign_target->out_end != 0) {
        return 1;
    }
    __atomic_store_n(&ring.asleep, 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&ring.filled, __ATOMIC_SEQ_CST) == ring.taken) {
        return 1;
    }
    __atomic_store_n(&ring.asleep, 0, __ATOMIC_RELAXED);
    return 0;
}

static int take(struct connection *c, size_t n)
{
    if (mode == MODE_ECHO) {
        return send_or_keep(c, buffer, n);
    }
    if (mode == MODE_QUEUED) {
        return queue_sends(c, n);
    }
    for (uint64_t owed = acks_owed(&c->count, n); owed > 0; owed--) {
        if (send_or_keep(c, (const uint8_t *)"a", 1) != 0) {
            return -1;
        }
    }
    return 0;
}

static int on_readable(struct connection *c, uint32_t events)
{
    while (!c->sending) {
        ssize_t n = recv(c->fd, buffer, sizeof buffer, 0);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return errno == EAGAIN ? 0 : -1;
        }
        if (n == 0 || take(c, (size_t)n) != 0) {
            return -1;
        }
        /* Short: the socket is empty and new bytes raise a new edge. An end of stream that came with
         * this edge raises no other, so then the loop goes on to see it. */
        if ((size_t)n < sizeof buffer && !(events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))) {
            return 0;
        }
    }
    return 0;
}

static int on_source(struct connection *c, uint32_t events)
{
    if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) {
        return -1;
    }
    for (;;) {
        ssize_t n = send(c->fd, block + c->offset, BLOCK - c->offset, MSG_NOSIGNAL);
        if (n < 0) {
            return errno == EAGAIN || errno == EINTR ? 0 : -1;
        }
        size_t asked = BLOCK - c->offset;
        c->offset = (c->offset + (size_t)n) % BLOCK;
        if ((size_t)n < asked) {
            return 0; /* full: room for more raises a new edge */
        }
    }
}

static void on_accept(void)
{
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno == EAGAIN) {
                return;
            }
            if (errno == EINTR || errno == ECONNABORTED) {
                continue;
            }
            die("accept");
        }
        struct connection *c = calloc(1, sizeof *c);
        struct epoll_event want = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = c};
        if (c == NULL) {
            die("calloc");
        }
        c->fd = fd;
        if ((mode == MODE_QUEUED || mode == MODE_FOREIGN) && (c->out = malloc((size_t)QUEUED * SMALL)) == NULL) {
            die("malloc");
        }
        if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &want) != 0) {
            die("epoll_ctl");
        }
        if (mode == MODE_FOREIGN) {
            foreign_target = c;
            foreign_start(&foreign, submit_foreign, c);
        }
    }
}

static void on_event(struct connection *c, uint32_t events)
{
    if (mode == MODE_SOURCE) {
        if (on_source(c, events) != 0) {
            drop(c);
        }
        return;
    }
    if (c->out_end != 0 && (events & EPOLLOUT)) {
        if ((mode == MODE_QUEUED ? flush_queued(c) : drain_ring(c)) != 0) {
            drop(c);
            return;
        }
    }
    if (c->sending && (events & EPOLLOUT)) {
        if (flush_rest(c) != 0) {
            drop(c);
            return;
        }
        events |= EPOLLIN; /* bytes may have come while reading was stopped */
    }
    if ((events & ~(uint32_t)EPOLLOUT) != 0 && on_readable(c, events) != 0) {
        drop(c);
    }
}

static void listen_and_tell(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t len = sizeof at;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&at, sizeof at) != 0) {
        die("bind");
    }
    set_listener_options(listener);
    if (listen(listener, SOMAXCONN) != 0 || getsockname(listener, (struct sockaddr *)&at, &len) != 0) {
        die("listen");
    }
    tell_port(ntohs(at.sin_port));
}

int main(int argc, char **argv)
{
    struct epoll_event events[EVENTS];
    struct epoll_event want = {.events = EPOLLIN, .data.ptr = &listener};
    struct epoll_event input = {.events = EPOLLIN, .data.ptr = NULL};
    struct epoll_event wakeup = {.events = EPOLLIN | EPOLLET, .data.ptr = &ring};
    int spins = argc == 3 && strcmp(argv[2], "spin") == 0;
    if (argc != 2 + spins || !parse_mode(argv[1], &mode)) {
        fprintf(stderr, "server_epoll echo|sink|source|queued|foreign [spin]\n");
        return 2;
    }
    raise_descriptor_limit();
    fill_pattern(block);
    ep = epoll_create1(EPOLL_CLOEXEC);
    listen_and_tell();
    if (ep < 0 || epoll_ctl(ep, EPOLL_CTL_ADD, listener, &want) != 0 ||
        epoll_ctl(ep, EPOLL_CTL_ADD, STDIN_FILENO, &input) != 0 ||
        (ring.wakeup = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) < 0 ||
        epoll_ctl(ep, EPOLL_CTL_ADD, ring.wakeup, &wakeup) != 0) {
        die("epoll");
    }
    for (;;) {
        int n = epoll_wait(ep, events, EVENTS, !spins && may_sleep() ? -1 : 0);
        if (foreign_target != NULL) {
            __atomic_store_n(&ring.asleep, 0, __ATOMIC_RELAXED);
        }
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr == NULL) {
                if (read(STDIN_FILENO, buffer, sizeof buffer) <= 0) {
                    return 0;
                }
            } else if (events[i].data.ptr == &listener) {
                on_accept();
            } else if (events[i].data.ptr != &ring) {
                on_event(events[i].data.ptr, events[i].events);
            }
        }
        if (foreign_target != NULL && drain_ring(foreign_target) != 0) {
            drop(foreign_target);
        }
    }
}
