/* The yardstick: a server written by hand on edge-triggered epoll. One registration per connection,
 * one read per edge when it comes back short, answers sent from the read buffer. */
#define _GNU_SOURCE
#include "bench.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { EVENTS = 512, READ_SIZE = 256 * 1024 };

struct connection {
    int fd;
    int sending; /* bytes wait in rest: reading stops, as the peer reads too slowly */
    uint64_t count;
    size_t offset; /* source: bytes of the current block already sent */
    uint8_t *rest;
    size_t rest_len;
};

static enum mode mode;
static int ep, listener;
static uint8_t buffer[READ_SIZE], block[BLOCK];

static void drop(struct connection *c)
{
    close(c->fd);
    free(c->rest);
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

static int take(struct connection *c, size_t n)
{
    if (mode == MODE_ECHO) {
        return send_or_keep(c, buffer, n);
    }
    uint64_t before = c->count / ACK_EVERY;
    c->count += n;
    for (uint64_t owed = c->count / ACK_EVERY - before; owed > 0; owed--) {
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
        if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &want) != 0) {
            die("epoll_ctl");
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
    int one = 1;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&at, sizeof at) != 0) {
        die("bind");
    }
    /* Set once here: accepted sockets inherit it. */
    setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    use_reno(listener);
    if (listen(listener, SOMAXCONN) != 0 || getsockname(listener, (struct sockaddr *)&at, &len) != 0) {
        die("listen");
    }
    printf("%d\n", ntohs(at.sin_port));
    fflush(stdout);
}

int main(int argc, char **argv)
{
    struct epoll_event events[EVENTS];
    struct epoll_event want = {.events = EPOLLIN, .data.ptr = &listener};
    struct epoll_event input = {.events = EPOLLIN, .data.ptr = NULL};
    if (argc != 2 || !parse_mode(argv[1], &mode)) {
        fprintf(stderr, "server_epoll echo|sink|source\n");
        return 2;
    }
    raise_descriptor_limit();
    fill_pattern(block);
    ep = epoll_create1(EPOLL_CLOEXEC);
    listen_and_tell();
    if (ep < 0 || epoll_ctl(ep, EPOLL_CTL_ADD, listener, &want) != 0 ||
        epoll_ctl(ep, EPOLL_CTL_ADD, STDIN_FILENO, &input) != 0) {
        die("epoll");
    }
    for (;;) {
        int n = epoll_wait(ep, events, EVENTS, -1);
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr == NULL) {
                if (read(STDIN_FILENO, buffer, sizeof buffer) <= 0) {
                    return 0;
                }
            } else if (events[i].data.ptr == &listener) {
                on_accept();
            } else {
                on_event(events[i].data.ptr, events[i].events);
            }
        }
    }
}
