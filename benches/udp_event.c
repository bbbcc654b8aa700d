/* The same server on libevent, which has events for datagram sockets and leaves the calls to the program. */
#define _GNU_SOURCE
#include "udp.h"

#include <event2/event.h>
#include <unistd.h>

static struct udp_service service;
static struct event_base *base;

static void send_one(void *fd, const uint8_t *data, size_t len, const struct sockaddr *to)
{
    if (sendto(*(evutil_socket_t *)fd, data, len, 0, to, sizeof(struct sockaddr_in)) != (ssize_t)len) {
        die("sendto");
    }
}

static void on_readable(evutil_socket_t fd, short what, void *user_data)
{
    (void)what;
    (void)user_data;
    for (;;) {
        uint8_t data[DATAGRAM_MOST];
        struct sockaddr_in from;
        socklen_t len = sizeof from;
        ssize_t n = recvfrom(fd, data, sizeof data, 0, (struct sockaddr *)&from, &len);
        if (n < 0 && errno == EAGAIN) {
            return;
        }
        if (n < 0) {
            die("recvfrom");
        }
        serve_datagram(&service, data, (size_t)n, (struct sockaddr *)&from, send_one, &fd);
    }
}

static void on_input(evutil_socket_t fd, short what, void *user_data)
{
    char drained[256];
    (void)what;
    (void)user_data;
    if (read(fd, drained, sizeof drained) <= 0) {
        event_base_loopbreak(base);
    }
}

int main(int argc, char **argv)
{
    int port, fd;
    if (argc != 2 || !parse_udp_mode(argv[1], &service)) {
        fprintf(stderr, "udp_event echo|sink|source\n");
        return 2;
    }
    fd = bind_udp(&port);
    base = event_base_new();
    if (base == NULL || event_add(event_new(base, fd, EV_READ | EV_PERSIST, on_readable, NULL), NULL) != 0 ||
        event_add(event_new(base, STDIN_FILENO, EV_READ | EV_PERSIST, on_input, NULL), NULL) != 0) {
        die("libevent");
    }
    tell_port(port);
    return event_base_dispatch(base) < 0;
}
