#include "peer_udp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "harness.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef SOL_UDP
#define SOL_UDP 17
#endif

/* A bound socket, or -errno. */
static int try_bind(const char *address, uint16_t port) {
    struct sockaddr_storage a;
    socklen_t len = peer_address(&a, address, port);
    int fd = socket(a.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    if (bind(fd, (struct sockaddr *)&a, len) != 0) {
        int error = errno;
        close(fd);
        return -error;
    }
    return fd;
}

int udp_peer_on(const char *address, uint16_t *port) {
    int fd = try_bind(address, *port);
    if (fd < 0) FAIL("udp peer: %s:%u: %s", address, (unsigned)*port, strerror(-fd));
    *port = port_of(fd);
    return fd;
}

int udp_peer(uint16_t *port) {
    *port = 0;
    return udp_peer_on("127.0.0.1", port);
}

int udp_peer_try_send(int fd, const void *data, size_t len, const char *address, uint16_t port) {
    struct sockaddr_storage a;
    socklen_t alen = peer_address(&a, address, port);
    ssize_t n = sendto(fd, data, len, 0, (struct sockaddr *)&a, alen);
    if (n < 0) return -errno;
    CHECK_INT(n, len);
    return 0;
}

void udp_peer_send(int fd, const void *data, size_t len, const char *address, uint16_t port) {
    int error = udp_peer_try_send(fd, data, len, address, port);
    if (error) FAIL("udp peer: send %zu to %s:%u: %s", len, address, (unsigned)port, strerror(-error));
}

void udp_peer_text(int fd, const char *text, uint16_t port) {
    udp_peer_send(fd, text, strlen(text), "127.0.0.1", port);
}

int udp_peer_waiting(int fd) { return peer_readable(fd, 0); }

size_t udp_peer_read(int fd, void *data, size_t room, uint16_t *from_port, int *ttl) {
    struct sockaddr_storage a;
    union {
        struct cmsghdr align;
        char bytes[256];
    } control;
    struct iovec io = {data, room};
    struct msghdr m;
    ssize_t n;
    memset(&m, 0, sizeof m);
    m.msg_name = &a;
    m.msg_namelen = sizeof a;
    m.msg_iov = &io;
    m.msg_iovlen = 1;
    m.msg_control = control.bytes;
    m.msg_controllen = sizeof control.bytes;
    if (!peer_readable(fd, (int)deadline_ms())) FAIL("udp peer: deadline at read");
    n = recvmsg(fd, &m, 0);
    if (n < 0) FAIL("udp peer: recvmsg: %s", strerror(errno));
    CHECK_INT(m.msg_flags & MSG_TRUNC, 0);
    if (from_port)
        *from_port = ntohs(a.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&a)->sin6_port
                                                   : ((struct sockaddr_in *)&a)->sin_port);
    if (ttl)
        for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c))
            if ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TTL) ||
                (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_HOPLIMIT))
                memcpy(ttl, CMSG_DATA(c), sizeof *ttl);
    return (size_t)n;
}

void udp_peer_expect(int fd, const char *text) {
    static char got[65536];
    size_t n = udp_peer_read(fd, got, sizeof got, NULL, NULL);
    CHECK_MEM(got, n, text, strlen(text));
}

int udp_peer_send_train(int fd, const void *data, size_t len, uint16_t segment, uint16_t port) {
    struct sockaddr_storage a;
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(uint16_t))];
    } control;
    struct iovec io = {(void *)(uintptr_t)data, len};
    struct msghdr m;
    struct cmsghdr *c;
    ssize_t n;
    memset(&m, 0, sizeof m);
    memset(&control, 0, sizeof control);
    m.msg_namelen = peer_address(&a, "127.0.0.1", port);
    m.msg_name = &a;
    m.msg_iov = &io;
    m.msg_iovlen = 1;
    m.msg_control = control.bytes;
    m.msg_controllen = sizeof control.bytes;
    c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = SOL_UDP;
    c->cmsg_type = UDP_SEGMENT;
    c->cmsg_len = CMSG_LEN(sizeof segment);
    memcpy(CMSG_DATA(c), &segment, sizeof segment);
    n = sendmsg(fd, &m, 0);
    if (n < 0 && (errno == EINVAL || errno == EOPNOTSUPP || errno == EIO)) return 0;
    if (n < 0) FAIL("udp peer: train: %s", strerror(errno));
    CHECK_INT(n, len);
    return 1;
}

static int try_join(int fd, const char *group) {
    struct sockaddr_storage a;
    int on = 1;
    peer_address(&a, group, 0);
    if (a.ss_family == AF_INET6) {
        struct ipv6_mreq m;
        memset(&m, 0, sizeof m);
        m.ipv6mr_multiaddr = ((struct sockaddr_in6 *)&a)->sin6_addr;
        setsockopt(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, &on, sizeof on);
        return setsockopt(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &m, sizeof m) ? -errno : 0;
    } else {
        struct ip_mreqn m;
        memset(&m, 0, sizeof m);
        m.imr_multiaddr = ((struct sockaddr_in *)&a)->sin_addr;
        setsockopt(fd, IPPROTO_IP, IP_RECVTTL, &on, sizeof on);
        return setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &m, sizeof m) ? -errno : 0;
    }
}

void udp_peer_join(int fd, const char *group) {
    int error = try_join(fd, group);
    if (error) FAIL("udp peer: join %s: %s", group, strerror(-error));
}

int udp_probe_send(const char *bind_to, const char *address, uint16_t port, size_t len, int broadcast) {
    static const char block[65536];
    int fd = try_bind(bind_to, 0), error;
    if (fd < 0) return fd;
    CHECK_INT(setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &broadcast, sizeof broadcast), 0);
    error = udp_peer_try_send(fd, block, len, address, port);
    close(fd);
    return error;
}

int udp_probe_join(const char *bind_to, const char *group) {
    int fd = try_bind(bind_to, 0), error;
    if (fd < 0) return fd;
    error = try_join(fd, group);
    close(fd);
    return error;
}

int udp_probe_bind(const char *address, uint16_t port) {
    int fd = try_bind(address, port);
    if (fd < 0) return fd;
    close(fd);
    return 0;
}

int udp_has_ipv6(void) { return udp_probe_bind("::1", 0) == 0; }

enum { FIRST_PORT = 10000, PORTS = 100, BLOCKS = 200 };

/* The first of a block of ports that no other test program has: the name that stands for it is this process's to the
 * end. */
static unsigned own_ports(void) {
    for (unsigned tries = 0; tries < BLOCKS; tries++) {
        unsigned block = ((unsigned)getpid() + tries) % BLOCKS;
        struct sockaddr_un a = {.sun_family = AF_UNIX};
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        int len = snprintf(a.sun_path + 1, sizeof a.sun_path - 1, "chromesock tests, ports %u", block);
        CHECK(fd >= 0);
        if (bind(fd, (struct sockaddr *)&a, (socklen_t)offsetof(struct sockaddr_un, sun_path) + 1 + (socklen_t)len) == 0)
            return FIRST_PORT + block * PORTS;
        close(fd);
    }
    FAIL("no ports of its own");
}

uint16_t quiet_port(void) {
    static unsigned first, next;
    if (first == 0) first = own_ports();
    for (int tries = 0; tries < PORTS; tries++) {
        struct sockaddr_storage a;
        uint16_t port = (uint16_t)(first + next++ % PORTS);
        int udp = try_bind("0.0.0.0", port), tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        socklen_t len = peer_address(&a, "0.0.0.0", port);
        int free = udp >= 0 && tcp >= 0 && bind(tcp, (struct sockaddr *)&a, len) == 0;
        if (udp >= 0) close(udp);
        if (tcp >= 0) close(tcp);
        if (free) return port;
    }
    FAIL("no quiet port");
}

int32_t net_code_of(int error) {
    static const struct {
        int error;
        int32_t code;
    } table[] = {
        {0, 0},
        {EADDRINUSE, -147},
        {EADDRNOTAVAIL, -108},
        {EACCES, -10},
        {EPERM, -10},
        {EINVAL, -4},
        {ENODEV, -4},
        {EAFNOSUPPORT, -109},
        {ENETUNREACH, -109},
        {EHOSTUNREACH, -109},
        {EMSGSIZE, -142},
        {ENETDOWN, -106},
        {ENOBUFS, -176},
        {ENOMEM, -13},
        {EMFILE, -12},
        {ENFILE, -12},
        {ECONNREFUSED, -102},
    };
    if (error < 0) error = -error;
    for (size_t n = 0; n < sizeof table / sizeof table[0]; n++)
        if (table[n].error == error) return table[n].code;
    return -2;
}
