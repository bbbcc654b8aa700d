#include "peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness.h"

socklen_t peer_address(struct sockaddr_storage *to, const char *address, uint16_t port) {
    struct sockaddr_in *v4 = (struct sockaddr_in *)to;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)to;
    memset(to, 0, sizeof *to);
    if (inet_pton(AF_INET, address, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        return sizeof *v4;
    }
    memset(to, 0, sizeof *to);
    CHECK_INT(inet_pton(AF_INET6, address, &v6->sin6_addr), 1);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    return sizeof *v6;
}

static uint16_t port_in(const struct sockaddr_storage *a) {
    return ntohs(a->ss_family == AF_INET6 ? ((const struct sockaddr_in6 *)a)->sin6_port
                                          : ((const struct sockaddr_in *)a)->sin_port);
}

uint16_t port_of(int fd) {
    struct sockaddr_storage a;
    socklen_t len = sizeof a;
    CHECK_INT(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    return port_in(&a);
}

uint16_t port_of_peer(int fd) {
    struct sockaddr_storage a;
    socklen_t len = sizeof a;
    CHECK_INT(getpeername(fd, (struct sockaddr *)&a, &len), 0);
    return port_in(&a);
}

int peer_listen_on(const char *address, uint16_t *port, int backlog) {
    struct sockaddr_storage a;
    socklen_t len = peer_address(&a, address, *port);
    int one = 1, fd = socket(a.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(fd >= 0);
    CHECK_INT(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one), 0);
    if (bind(fd, (struct sockaddr *)&a, len) != 0)
        FAIL("bind %s:%u: %s", address, (unsigned)*port, strerror(errno));
    CHECK_INT(listen(fd, backlog), 0);
    *port = port_of(fd);
    return fd;
}

int peer_listen(uint16_t *port) {
    *port = 0;
    return peer_listen_on("127.0.0.1", port, 1024);
}

static void wait_for(int fd, short what, const char *why) {
    struct pollfd p = {fd, what, 0};
    long long end = now_ms() + deadline_ms();
    for (;;) {
        int n = poll(&p, 1, (int)(end - now_ms() > 0 ? end - now_ms() : 0));
        if (n > 0) return;
        if (n == 0 || errno != EINTR) FAIL("peer: deadline at %s", why);
    }
}

int peer_readable(int fd, int timeout_ms) {
    struct pollfd p = {fd, POLLIN, 0};
    return poll(&p, 1, timeout_ms) == 1;
}

int peer_accept_pending(int listen_fd) { return peer_readable(listen_fd, 0); }

int peer_accept(int listen_fd) {
    int fd;
    wait_for(listen_fd, POLLIN, "accept");
    fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0) FAIL("accept: %s", strerror(errno));
    return fd;
}

int peer_try_connect(const char *address, uint16_t port) {
    struct sockaddr_storage a;
    socklen_t len = peer_address(&a, address, port);
    int fd = socket(a.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(fd >= 0);
    if (connect(fd, (struct sockaddr *)&a, len) != 0) {
        int error = errno;
        close(fd);
        return -error;
    }
    return fd;
}

int peer_connect(const char *address, uint16_t port) {
    int fd = peer_try_connect(address, port);
    if (fd < 0) FAIL("peer: connect %s:%u: %s", address, (unsigned)port, strerror(-fd));
    return fd;
}

void peer_send(int fd, const void *data, size_t len) {
    const char *at = data;
    while (len > 0) {
        ssize_t n = send(fd, at, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
            wait_for(fd, POLLOUT, "send");
            continue;
        }
        if (n < 0) FAIL("peer: send: %s", strerror(errno));
        at += n;
        len -= (size_t)n;
    }
}

void peer_text(int fd, const char *text) { peer_send(fd, text, strlen(text)); }

void peer_text_if_open(int fd, const char *text) {
    if (send(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        CHECK(errno == ECONNRESET || errno == EPIPE || errno == EAGAIN);
}

void peer_bytewise(int fd, const char *text) {
    int one = 1;
    CHECK_INT(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one), 0);
    for (; *text; text++) peer_send(fd, text, 1);
}

size_t peer_send_until_blocked(int fd, const void *pattern, size_t pattern_len, size_t most) {
    size_t total = 0;
    while (total < most) {
        size_t at = total % pattern_len;
        ssize_t n = send(fd, (const char *)pattern + at, pattern_len - at, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n >= 0) {
            total += (size_t)n;
            continue;
        }
        if (errno == EINTR) continue;
        if (errno != EAGAIN) FAIL("peer: send: %s", strerror(errno));
        struct pollfd p = {fd, POLLOUT, 0};
        /* Bounded wait for a room that should not come; a wrong guess only makes the test weaker. */
        if (poll(&p, 1, 300) == 0) break;
    }
    return total;
}

void peer_read(int fd, void *data, size_t len) {
    size_t got = 0;
    while (got < len) {
        wait_for(fd, POLLIN, "read");
        ssize_t n = recv(fd, (char *)data + got, len - got, 0);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) FAIL("peer: recv after %zu of %zu bytes: %s", got, len, strerror(errno));
        if (n == 0) FAIL("peer: end of stream after %zu of %zu bytes", got, len);
        got += (size_t)n;
    }
}

void peer_expect(int fd, const char *text) {
    size_t len = strlen(text);
    char *got = malloc(len + 1);
    CHECK(got != NULL);
    peer_read(fd, got, len);
    got[len] = 0;
    CHECK_STR(got, text);
    free(got);
}

int peer_wait_end(int fd) {
    char *scratch = malloc(1 << 16);
    ssize_t n;
    int error;
    CHECK(scratch != NULL);
    do {
        wait_for(fd, POLLIN, "end of stream");
        n = recv(fd, scratch, 1 << 16, 0);
    } while (n > 0 || (n < 0 && errno == EINTR));
    error = n == 0 ? 0 : errno;
    free(scratch);
    return error;
}

void peer_expect_eof(int fd) {
    char byte;
    ssize_t n;
    wait_for(fd, POLLIN, "end of stream");
    n = recv(fd, &byte, 1, 0);
    if (n < 0) FAIL("peer: wanted a clean end, got %s", strerror(errno));
    CHECK_INT(n, 0);
}

void peer_half_close(int fd) { CHECK_INT(shutdown(fd, SHUT_WR), 0); }

void peer_reset(int fd) {
    struct linger now = {1, 0};
    CHECK_INT(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now), 0);
    CHECK_INT(close(fd), 0);
}

uint16_t dead_port(void) {
    struct sockaddr_storage a;
    socklen_t len = peer_address(&a, "127.0.0.1", 0);
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(fd >= 0);
    CHECK_INT(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one), 0);
    CHECK_INT(bind(fd, (struct sockaddr *)&a, len), 0);
    return port_of(fd); /* open to the end: the system gives the port to nobody else */
}

void blackhole_open(blackhole *b, const char *address, uint16_t port) {
    struct sockaddr_storage a;
    socklen_t len;
    int i;
    b->port = port;
    b->listen_fd = peer_listen_on(address, &b->port, 0);
    b->filler = peer_connect(address, b->port);
    /* Prove that the queue is full: the next attempt must hang. */
    len = peer_address(&a, address, b->port);
    i = socket(a.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    CHECK(connect(i, (struct sockaddr *)&a, len) == -1 && errno == EINPROGRESS);
    struct pollfd p = {i, POLLOUT, 0};
    CHECK_INT(poll(&p, 1, 20), 0);
    close(i);
}

void blackhole_wake(blackhole *b) {
    int fd = peer_accept(b->listen_fd);
    close(fd);
    CHECK_INT(listen(b->listen_fd, 64), 0);
}

void blackhole_close(blackhole *b) {
    close(b->filler);
    close(b->listen_fd);
}

struct peer_thread {
    pthread_t thread;
    int listen_fd, connections;
    enum peer_job job;
    size_t total;
};

static void *peer_run(void *arg) {
    peer_thread *t = arg;
    char *buffer = malloc(1 << 16);
    CHECK(buffer != NULL);
    for (int i = 0; i < t->connections; i++) {
        int fd = peer_accept(t->listen_fd);
        for (;;) {
            wait_for(fd, POLLIN, "peer thread read");
            ssize_t n = recv(fd, buffer, 1 << 16, 0);
            if (n <= 0) break;
            t->total += (size_t)n;
            if (t->job == PEER_ECHO) peer_send(fd, buffer, (size_t)n);
        }
        close(fd);
    }
    free(buffer);
    return NULL;
}

peer_thread *peer_thread_start(int listen_fd, enum peer_job job, int connections) {
    peer_thread *t = calloc(1, sizeof *t);
    CHECK(t != NULL);
    t->listen_fd = listen_fd;
    t->job = job;
    t->connections = connections;
    CHECK_INT(pthread_create(&t->thread, NULL, peer_run, t), 0);
    return t;
}

size_t peer_thread_join(peer_thread *t) {
    size_t total;
    CHECK_INT(pthread_join(t->thread, NULL), 0);
    total = t->total;
    free(t);
    return total;
}
