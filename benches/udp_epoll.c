/* The yardsticks for UDP, written by hand on edge-triggered epoll: "plain" makes a system call for each
 * datagram, "mmsg" takes and sends many with one, "gso" lets the system put datagrams together on the way
 * in and cut them on the way out, which is the limit of what a kernel can do here. */
#define _GNU_SOURCE
#include "udp.h"

#include <netinet/udp.h>
#include <sys/epoll.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

static struct udp_service service;
static int fd;

/* ---- plain ---- */

static void send_plain(void *unused, const uint8_t *data, size_t len, const struct sockaddr *to)
{
    (void)unused;
    if (sendto(fd, data, len, 0, to, sizeof(struct sockaddr_in)) != (ssize_t)len) {
        die("sendto");
    }
}

static void on_readable_plain(void)
{
    for (;;) {
        static uint8_t data[DATAGRAM_MOST];
        struct sockaddr_in from;
        socklen_t len = sizeof from;
        ssize_t n = recvfrom(fd, data, sizeof data, 0, (struct sockaddr *)&from, &len);
        if (n < 0 && errno == EAGAIN) {
            return;
        }
        if (n < 0) {
            die("recvfrom");
        }
        serve_datagram(&service, data, (size_t)n, (struct sockaddr *)&from, send_plain, NULL);
    }
}

/* ---- mmsg ---- */

static struct batch {
    struct mmsghdr messages[BATCH];
    struct iovec bytes[BATCH];
    struct sockaddr_in peers[BATCH];
    uint8_t data[BATCH][DATAGRAM_MOST];
} in, out;
static int out_count;

static void prepare(struct batch *b)
{
    for (int i = 0; i < BATCH; i++) {
        b->bytes[i].iov_base = b->data[i];
        b->bytes[i].iov_len = DATAGRAM_MOST;
        b->messages[i].msg_hdr.msg_iov = &b->bytes[i];
        b->messages[i].msg_hdr.msg_iovlen = 1;
        b->messages[i].msg_hdr.msg_name = &b->peers[i];
        b->messages[i].msg_hdr.msg_namelen = sizeof b->peers[i];
    }
}

static void flush_mmsg(void)
{
    for (int done = 0; done < out_count;) {
        int n = sendmmsg(fd, out.messages + done, (unsigned)(out_count - done), 0);
        if (n < 0) {
            die("sendmmsg");
        }
        done += n;
    }
    out_count = 0;
}

static void send_mmsg(void *unused, const uint8_t *data, size_t len, const struct sockaddr *to)
{
    (void)unused;
    if (out_count == BATCH) {
        flush_mmsg();
    }
    memcpy(out.data[out_count], data, len);
    memcpy(&out.peers[out_count], to, sizeof out.peers[0]);
    out.bytes[out_count++].iov_len = len;
}

static void on_readable_mmsg(void)
{
    int n;
    do {
        n = recvmmsg(fd, in.messages, BATCH, 0, NULL);
        if (n < 0 && errno == EAGAIN) {
            return;
        }
        if (n < 0) {
            die("recvmmsg");
        }
        for (int i = 0; i < n; i++) {
            serve_datagram(&service, in.data[i], in.messages[i].msg_len, (struct sockaddr *)&in.peers[i], send_mmsg,
                           NULL);
        }
        flush_mmsg();
    } while (n == BATCH); /* short: the socket is empty, and what comes next raises a new edge */
}

/* ---- gso: datagrams of one size for one peer are put together, and cut by the system ---- */

static struct {
    uint8_t data[CUT_MOST];
    size_t len, size;
    struct sockaddr_in to;
} whole;

static void flush_gso(void)
{
    struct iovec bytes = {.iov_base = whole.data, .iov_len = whole.len};
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(uint16_t))];
    } control;
    struct msghdr message = {.msg_name = &whole.to, .msg_namelen = sizeof whole.to, .msg_iov = &bytes, .msg_iovlen = 1};
    if (whole.len == 0) {
        return;
    }
    if (whole.len > whole.size) {
        uint16_t size = (uint16_t)whole.size;
        message.msg_control = &control;
        message.msg_controllen = sizeof control.room;
        control.header.cmsg_level = SOL_UDP;
        control.header.cmsg_type = UDP_SEGMENT;
        control.header.cmsg_len = CMSG_LEN(sizeof size);
        memcpy(CMSG_DATA(&control.header), &size, sizeof size);
    }
    if (sendmsg(fd, &message, 0) != (ssize_t)whole.len) {
        die("sendmsg");
    }
    whole.len = 0;
}

static void send_gso(void *unused, const uint8_t *data, size_t len, const struct sockaddr *to)
{
    (void)unused;
    if (len != whole.size || whole.len + len > CUT_MOST || whole.len == CUT_SEGMENTS * len ||
        memcmp(to, &whole.to, sizeof whole.to) != 0) {
        flush_gso();
        whole.size = len;
        memcpy(&whole.to, to, sizeof whole.to);
    }
    memcpy(whole.data + whole.len, data, len);
    whole.len += len;
}

static void on_readable_gso(void)
{
    for (;;) {
        static uint8_t data[64 * 1024];
        struct sockaddr_in from;
        struct iovec bytes = {.iov_base = data, .iov_len = sizeof data};
        union {
            struct cmsghdr header;
            char room[CMSG_SPACE(sizeof(int))];
        } control;
        struct msghdr message = {.msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &bytes, .msg_iovlen = 1,
                                 .msg_control = &control, .msg_controllen = sizeof control.room};
        ssize_t n = recvmsg(fd, &message, 0);
        if (n < 0 && errno == EAGAIN) {
            flush_gso();
            return;
        }
        if (n < 0) {
            die("recvmsg");
        }
        int size = (int)n;
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        if (header != NULL && header->cmsg_level == SOL_UDP && header->cmsg_type == UDP_GRO) {
            memcpy(&size, CMSG_DATA(header), sizeof size);
        }
        for (ssize_t at = 0; at < n; at += size) {
            serve_datagram(&service, data + at, (size_t)(n - at < size ? n - at : size), (struct sockaddr *)&from,
                           send_gso, NULL);
        }
    }
}

int main(int argc, char **argv)
{
    struct epoll_event input = {.events = EPOLLIN, .data.fd = STDIN_FILENO};
    void (*on_readable)(void) = NULL;
    int port, one = 1;
    if (argc == 3 && parse_udp_mode(argv[1], &service)) {
        on_readable = strcmp(argv[2], "plain") == 0  ? on_readable_plain
                      : strcmp(argv[2], "mmsg") == 0 ? on_readable_mmsg
                      : strcmp(argv[2], "gso") == 0  ? on_readable_gso
                                                     : NULL;
    }
    if (on_readable == NULL) {
        fprintf(stderr, "udp_epoll echo|sink|source plain|mmsg|gso\n");
        return 2;
    }
    prepare(&in);
    prepare(&out);
    fd = bind_udp(&port);
    if (on_readable == on_readable_gso && setsockopt(fd, SOL_UDP, UDP_GRO, &one, sizeof one) != 0) {
        die("UDP_GRO");
    }
    struct epoll_event want = {.events = EPOLLIN | EPOLLET, .data.fd = fd};
    int ep = epoll_create1(EPOLL_CLOEXEC);
    if (ep < 0 || epoll_ctl(ep, EPOLL_CTL_ADD, fd, &want) != 0 ||
        epoll_ctl(ep, EPOLL_CTL_ADD, STDIN_FILENO, &input) != 0) {
        die("epoll");
    }
    tell_port(port);
    for (;;) {
        struct epoll_event events[2];
        int n = epoll_wait(ep, events, 2, -1);
        for (int i = 0; i < n; i++) {
            char drained[256];
            if (events[i].data.fd == fd) {
                on_readable();
            } else if (read(STDIN_FILENO, drained, sizeof drained) <= 0) {
                return 0;
            }
        }
    }
}
