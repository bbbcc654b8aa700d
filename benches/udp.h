/* What the UDP load client and the UDP servers agree on.
 *
 *   echo    the server sends back what it receives
 *   sink    the server counts what it receives, and after each REPORT_EVERY datagrams sends the number so far
 *   source  for each credit received the server sends PART datagrams of the size it says
 *
 * For echo and source nothing is lost: no more datagrams are under way than the client's socket buffer
 * holds, and each datagram starts with its number, from 0 on. A sink is sent more than it
 * can take: what counts is what it did take. Servers start and end as those for TCP do (bench.h). */
#ifndef UDP_H
#define UDP_H

#include "bench.h"

#include <sys/uio.h>

enum {
    ECHO_WINDOW = 64,
    PART = 64,
    REPORT_EVERY = 1024,
    DATAGRAM_MOST = 1472,
    BATCH = 64,              /* datagrams of one recvmmsg or sendmmsg, of those who use them */
    CUT_SEGMENTS = 64,       /* datagrams that the system cuts out of one long one, at most */
    CUT_MOST = 65507         /* bytes of the long one */
};

/* What a credit is: the size of the datagrams wanted. */
struct credit {
    uint32_t size;
};

/* What a server does and has done. */
struct udp_service {
    enum mode mode;
    uint64_t received, sent;
    size_t size; /* of all datagrams a sink has seen: they have one */
    uint8_t out[DATAGRAM_MOST];
};

/* In the byte order of the machine: both ends are the same one. */
static inline void put_number(uint8_t *data, uint64_t number)
{
    memcpy(data, &number, sizeof number);
}

static inline uint64_t get_number(const uint8_t *data)
{
    uint64_t number;
    memcpy(&number, data, sizeof number);
    return number;
}

static inline uint32_t credit_size(const void *data, size_t len)
{
    struct credit credit;
    if (len != sizeof credit) {
        fprintf(stderr, "no credit: %zu bytes\n", len);
        exit(1);
    }
    memcpy(&credit, data, sizeof credit);
    if (credit.size < sizeof(uint64_t) || credit.size > DATAGRAM_MOST) {
        fprintf(stderr, "a credit for datagrams of %u bytes\n", credit.size);
        exit(1);
    }
    return credit.size;
}

static inline int parse_udp_mode(const char *text, struct udp_service *service)
{
    return parse_mode(text, &service->mode) && service->mode <= MODE_SOURCE;
}

/* Counts a datagram that a sink has received; true: a report is due. */
static inline int count_received(struct udp_service *service, size_t len)
{
    if (service->received == 0) {
        service->size = len;
    }
    if (len != service->size) {
        fprintf(stderr, "a datagram of %zu bytes, not %zu\n", len, service->size);
        exit(1);
    }
    return ++service->received % REPORT_EVERY == 0;
}

/* Answers one datagram, by as many calls of `send` as there are datagrams to send. */
static inline void serve_datagram(struct udp_service *service, const uint8_t *data, size_t len,
                                  const struct sockaddr *from,
                                  void (*send)(void *, const uint8_t *, size_t, const struct sockaddr *), void *target)
{
    if (service->mode == MODE_ECHO) {
        send(target, data, len, from);
    } else if (service->mode == MODE_SINK) {
        if (count_received(service, len)) {
            put_number(service->out, service->received);
            send(target, service->out, sizeof service->received, from);
        }
    } else {
        uint32_t size = credit_size(data, len);
        for (int i = 0; i < PART; i++) {
            put_number(service->out, service->sent++);
            send(target, service->out, size, from);
        }
    }
}

/* A socket that does not block, for those who bring no way of their own. */
static inline int bind_udp(int *port)
{
    struct sockaddr_in at;
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    memset(&at, 0, sizeof at);
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) != 0 ||
        getsockname(fd, (struct sockaddr *)&at, &len) != 0) {
        die("bind");
    }
    *port = ntohs(at.sin_port);
    return fd;
}

#endif
