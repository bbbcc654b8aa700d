/* The yardsticks for UDP, written by hand on edge-triggered epoll: "plain" makes a system call for each
 * datagram, "mmsg" takes and sends many with one. */
#define _GNU_SOURCE
#include "udp.h"

#include <sys/epoll.h>
#include <unistd.h>

static enum mode mode;
static int fd;
static uint64_t received, sent;
static struct sockaddr_in peers[BATCH];
static uint8_t in[BATCH][DATAGRAM_MOST], out[BATCH][DATAGRAM_MOST];
static struct iovec in_bytes[BATCH], out_bytes[BATCH];
static struct mmsghdr in_messages[BATCH], out_messages[BATCH];

static void send_one(const void *data, size_t len, const struct sockaddr_in *to)
{
    if (sendto(fd, data, len, 0, (const struct sockaddr *)to, sizeof *to) != (ssize_t)len) {
        die("sendto");
    }
}

static void take_plain(const uint8_t *data, size_t len, const struct sockaddr_in *from)
{
    if (mode == MODE_ECHO) {
        send_one(data, len, from);
    } else if (mode == MODE_SINK) {
        if (count_received(&received, len)) {
            send_one(&received, sizeof received, from);
        }
    } else {
        uint32_t size = credit_size(data, len);
        for (int i = 0; i < PART; i++) {
            put_number(out[0], sent++);
            send_one(out[0], size, from);
        }
    }
}

static void on_readable_plain(void)
{
    for (;;) {
        socklen_t len = sizeof peers[0];
        ssize_t n = recvfrom(fd, in[0], sizeof in[0], 0, (struct sockaddr *)&peers[0], &len);
        if (n < 0 && errno == EAGAIN) {
            return;
        }
        if (n < 0) {
            die("recvfrom");
        }
        take_plain(in[0], (size_t)n, &peers[0]);
    }
}

/* ---- mmsg ---- */

static int out_count;

static void flush_out(void)
{
    for (int done = 0; done < out_count;) {
        int n = sendmmsg(fd, out_messages + done, (unsigned)(out_count - done), 0);
        if (n < 0) {
            die("sendmmsg");
        }
        done += n;
    }
    out_count = 0;
}

/* A buffer for the next datagram to send. */
static uint8_t *next_out(void)
{
    if (out_count == BATCH) {
        flush_out();
    }
    return out[out_count];
}

static void put_out(const void *data, size_t len, struct sockaddr_in *to)
{
    out_bytes[out_count].iov_base = (void *)(uintptr_t)data;
    out_bytes[out_count].iov_len = len;
    out_messages[out_count].msg_hdr.msg_name = to;
    out_messages[out_count++].msg_hdr.msg_namelen = sizeof *to;
}

static void on_readable_mmsg(void)
{
    for (;;) {
        for (int i = 0; i < BATCH; i++) {
            in_messages[i].msg_hdr.msg_namelen = sizeof peers[i];
        }
        int n = recvmmsg(fd, in_messages, BATCH, 0, NULL);
        if (n < 0 && errno == EAGAIN) {
            return;
        }
        if (n < 0) {
            die("recvmmsg");
        }
        for (int i = 0; i < n; i++) {
            if (mode == MODE_ECHO) {
                put_out(in[i], in_messages[i].msg_len, &peers[i]);
            } else if (mode == MODE_SINK) {
                if (count_received(&received, in_messages[i].msg_len)) {
                    uint8_t *data = next_out();
                    put_number(data, received);
                    put_out(data, sizeof received, &peers[i]);
                }
            } else {
                uint32_t size = credit_size(in[i], in_messages[i].msg_len);
                for (int k = 0; k < PART; k++) {
                    uint8_t *data = next_out();
                    put_number(data, sent++);
                    put_out(data, size, &peers[i]);
                }
            }
        }
        flush_out();
        if (n < BATCH) {
            return; /* the socket is empty: what comes next raises a new edge */
        }
    }
}

int main(int argc, char **argv)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t len = sizeof at;
    struct epoll_event input = {.events = EPOLLIN, .data.fd = STDIN_FILENO};
    int mmsg = argc == 3 && strcmp(argv[2], "mmsg") == 0;
    if (argc != 3 || !parse_mode(argv[1], &mode) || (!mmsg && strcmp(argv[2], "plain") != 0)) {
        fprintf(stderr, "udp_epoll echo|sink|source plain|mmsg\n");
        return 2;
    }
    for (int i = 0; i < BATCH; i++) {
        in_bytes[i].iov_base = in[i];
        in_bytes[i].iov_len = sizeof in[i];
        in_messages[i].msg_hdr.msg_iov = &in_bytes[i];
        in_messages[i].msg_hdr.msg_name = &peers[i];
        out_messages[i].msg_hdr.msg_iov = &out_bytes[i];
        in_messages[i].msg_hdr.msg_iovlen = out_messages[i].msg_hdr.msg_iovlen = 1;
    }
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) != 0 ||
        getsockname(fd, (struct sockaddr *)&at, &len) != 0) {
        die("bind");
    }
    struct epoll_event want = {.events = EPOLLIN | EPOLLET, .data.fd = fd};
    int ep = epoll_create1(EPOLL_CLOEXEC);
    if (ep < 0 || epoll_ctl(ep, EPOLL_CTL_ADD, fd, &want) != 0 ||
        epoll_ctl(ep, EPOLL_CTL_ADD, STDIN_FILENO, &input) != 0) {
        die("epoll");
    }
    printf("%d\n", ntohs(at.sin_port));
    fflush(stdout);
    for (;;) {
        struct epoll_event events[2];
        int n = epoll_wait(ep, events, 2, -1);
        for (int i = 0; i < n; i++) {
            if (events[i].data.fd == fd) {
                if (mmsg) {
                    on_readable_mmsg();
                } else {
                    on_readable_plain();
                }
            } else if (read(STDIN_FILENO, in[0], sizeof in[0]) <= 0) {
                return 0;
            }
        }
    }
}
