/* chrome.sockets.udp.bind and the options that must come before it (udp.md 4.4, 4.4.1, 4.5, 11). */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "calls_udp.h"

/* udp.md 4.4 row 8: OK(0), a real port, and the receive loop runs. */
static void bind_and_receive(fx *f) {
    uint16_t port, peer_port;
    int peer = udp_peer(&peer_port);
    int32_t id = bound(f, &port);
    const ev *e;
    CHECK_STR(udp_info_of(f, id)->local_address, "127.0.0.1");
    udp_peer_text(peer, "first", port);
    e = datagram(f, id, "first");
    CHECK_STR(e->address, "127.0.0.1");
    CHECK_INT(e->port, peer_port);
    close(peer);
}

/* udp.md 4.4: an explicit port is taken; row 7, -147, and no sharing, also with our own sockets. */
static void ports_are_not_shared(fx *f) {
    uint16_t taken = quiet_port(), port;
    int peer = udp_peer_on("127.0.0.1", &taken);
    int32_t id = new_udp(f), other;
    IS_FAIL(udp_bind(f, id, "127.0.0.1", taken), CHROMESOCK_ADDRESS_IN_USE);
    close(peer);
    IS_OK0(udp_bind(f, id, "127.0.0.1", taken)); /* a failed bind leaves the socket usable */
    CHECK_INT(udp_info_of(f, id)->local_port, taken);
    other = bound(f, &port);
    IS_FAIL(udp_bind(f, new_udp(f), "127.0.0.1", port), CHROMESOCK_ADDRESS_IN_USE);
    IS_FAIL(udp_bind(f, new_udp(f), "0.0.0.0", port), CHROMESOCK_ADDRESS_IN_USE);
    close_udp(f, other);
    /* udp.md 4.7: the port is free when the close completes */
    CHECK_INT(udp_probe_bind("127.0.0.1", port), 0);
    IS_OK0(udp_bind(f, new_udp(f), "127.0.0.1", port));
}

/* udp.md 4.4 row 3 before row 4: bound already, whatever the address. */
static void bind_twice(fx *f) {
    uint16_t port;
    int32_t id = bound(f, &port);
    IS_FAIL(udp_bind(f, id, "127.0.0.1", 0), CHROMESOCK_CONNECTION_FAILED);
    IS_FAIL(udp_bind(f, id, "localhost", 0), CHROMESOCK_CONNECTION_FAILED);
    CHECK_INT(udp_info_of(f, id)->local_port, port);
}

/* udp.md 4.4 row 5, 9 row 1: of two binds made at once one succeeds. A bind is over within its turn
 * here, so the second may as well find the socket bound (row 3). */
static void two_binds_at_once(fx *f) {
    int32_t id = new_udp(f);
    call *one = udp_bind(f, id, "127.0.0.1", 0), *two = udp_bind(f, id, "127.0.0.1", 0);
    IS_OK0(one);
    await(two);
    CHECK(two->done->result == CHROMESOCK_SOCKET_IS_CONNECTED ||
          two->done->result == CHROMESOCK_CONNECTION_FAILED);
    CHECK_STR(two->done->message, net_name(two->done->result));
    CHECK(one->done->seq < two->done->seq);
    CHECK(udp_info_of(f, id)->local_port != 0);
}

/* udp.md 4.4.1: what counts as a literal. */
static void literals(fx *f) {
    static const char *const accepted[] = {"127.0.0.1", "0.0.0.0", "127.1", "2130706433", "0x7f.1",
                                           "0177.0.0.1"};
    static const char *const accepted6[] = {"::", "::1", "::ffff:127.0.0.1", "0:0::1"};
    static const char *const rejected[] = {
        "", " 127.0.0.1 ", " 127.0.0.1", "127.0.0.1 ", "192.168.0.1:30", "bad value", "localhost",
        "example.com", "*", "[::1]", "fe80::1%eth0", "256.1.1.1", "1.2.3.4.5", ":::", "::g", "1.2.3.999",
    };
    for (size_t n = 0; n < sizeof accepted / sizeof accepted[0]; n++) {
        int32_t id = new_udp(f);
        IS_OK0(udp_bind(f, id, accepted[n], 0));
        CHECK_STR(udp_info_of(f, id)->local_address,
                  strcmp(accepted[n], "0.0.0.0") == 0 ? "0.0.0.0" : "127.0.0.1");
        close_udp(f, id);
    }
    for (size_t n = 0; udp_has_ipv6() && n < sizeof accepted6 / sizeof accepted6[0]; n++)
        IS_OK0(udp_bind(f, new_udp(f), accepted6[n], 0));
    for (size_t n = 0; n < sizeof rejected / sizeof rejected[0]; n++) {
        int32_t id = new_udp(f);
        IS_FAIL(udp_bind(f, id, rejected[n], 0), CHROMESOCK_INVALID_ARGUMENT); /* 4.4 row 4 */
        IS_OK0(udp_bind(f, id, "127.0.0.1", 0));
    }
    /* accepted as text; the system refuses what it refuses (11: -108, -4) */
    IS_CODE(udp_bind(f, new_udp(f), "1.2.3.4", 0), net_code_of(udp_probe_bind("1.2.3.4", 0)));
    if (udp_has_ipv6()) {
        IS_CODE(udp_bind(f, new_udp(f), "FE80::1", 0), net_code_of(udp_probe_bind("fe80::1", 0)));
        IS_CODE(udp_bind(f, new_udp(f), "::ffff:1.2.3.4", 0),
                net_code_of(udp_probe_bind("::ffff:1.2.3.4", 0)));
        IS_CODE(udp_bind(f, new_udp(f), "2001:db8::1", 0),
                net_code_of(udp_probe_bind("2001:db8::1", 0)));
    }
}

/* udp.md 4.4 "Port" (D6): outside 0..65535 -4, never another port. */
static void port_range(fx *f) {
    static const int32_t ports[] = {-1, 65536, 70000, INT32_MIN, INT32_MAX};
    for (size_t n = 0; n < sizeof ports / sizeof ports[0]; n++) {
        int32_t id = new_udp(f);
        IS_FAIL(udp_bind(f, id, "127.0.0.1", ports[n]), CHROMESOCK_INVALID_ARGUMENT);
        CHECK_INT(udp_info_of(f, id)->present, 0);
        IS_OK0(udp_bind(f, id, "127.0.0.1", 0));
    }
}

/* udp.md 4.4: "::" is dual-stack; IPv4 senders have a mapped address; it can answer them. */
static void dual_stack(fx *f) {
    uint16_t port, peer_port;
    int peer;
    int32_t id;
    const ev *e;
    if (!udp_has_ipv6()) return;
    peer = udp_peer(&peer_port);
    id = bound_on(f, "::", &port);
    udp_peer_text(peer, "from IPv4", port);
    e = datagram(f, id, "from IPv4");
    CHECK_STR(e->address, "::ffff:7f00:1");
    CHECK_INT(e->port, peer_port);
    IS_SENT(udp_text(f, id, "back", e->address, peer_port), 4); /* its own text works as a target */
    udp_peer_expect(peer, "back");
    IS_SENT(udp_text(f, id, "plain", "127.0.0.1", peer_port), 5); /* 11: IPv4 from "::" */
    udp_peer_expect(peer, "plain");
    close(peer);
}

/* udp.md 4.4: multicast and broadcast addresses are left to the system. */
static void bind_to_a_group(fx *f) {
    IS_CODE(udp_bind(f, new_udp(f), "239.255.41.1", 0), net_code_of(udp_probe_bind("239.255.41.1", 0)));
    IS_CODE(udp_bind(f, new_udp(f), "127.255.255.255", 0),
            net_code_of(udp_probe_bind("127.255.255.255", 0)));
}

/* What the options are on the system's socket of that port. */
static void options_are(uint16_t port, int want_ttl, int want_loop) {
    int fd = fd_of(port, 0), value = -1;
    socklen_t len = sizeof value;
    CHECK(fd >= 0);
    CHECK_INT(getsockopt(fd, IPPROTO_IP, IP_MULTICAST_TTL, &value, &len), 0);
    CHECK_INT(value, want_ttl);
    len = sizeof value;
    CHECK_INT(getsockopt(fd, IPPROTO_IP, IP_MULTICAST_LOOP, &value, &len), 0);
    CHECK_INT(value, want_loop);
}

/* udp.md 4.5 rows 3 and 4. */
static void time_to_live(fx *f) {
    static const int32_t good[] = {0, 1, 2, 127, 255}, bad[] = {-1, -3, 256, 999, INT32_MIN, INT32_MAX};
    uint16_t port;
    for (size_t n = 0; n < sizeof good / sizeof good[0]; n++) {
        int32_t id = new_udp(f);
        IS_OK0(udp_set_ttl(f, id, 7));
        IS_OK0(udp_set_ttl(f, id, good[n]));
        for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++)
            IS_FAIL(udp_set_ttl(f, id, bad[k]), CHROMESOCK_INVALID_ARGUMENT);
        IS_OK0(udp_bind(f, id, "127.0.0.1", 0));
        port = (uint16_t)udp_info_of(f, id)->local_port;
        options_are(port, good[n], 1); /* a refused value changes nothing */
        close_udp(f, id);
    }
}

/* udp.md 4.5 defaults: TTL 1, loopback true; row 4 for loopback. */
static void loopback_mode(fx *f) {
    uint16_t port;
    int32_t id = bound(f, &port);
    options_are(port, 1, 1);
    id = new_udp(f);
    IS_OK0(udp_set_loopback(f, id, 0));
    IS_OK0(udp_bind(f, id, "127.0.0.1", 0));
    options_are((uint16_t)udp_info_of(f, id)->local_port, 1, 0);
    id = new_udp(f);
    IS_OK0(udp_set_loopback(f, id, 0));
    IS_OK0(udp_set_loopback(f, id, 255));
    IS_OK0(udp_bind(f, id, "127.0.0.1", 0));
    options_are((uint16_t)udp_info_of(f, id)->local_port, 1, 1);
}

/* udp.md 4.5: "for the family of the bound address": hop limit and loop of IPv6. */
static void options_of_ipv6(fx *f) {
    int32_t id = new_udp(f);
    int fd, value = -1;
    socklen_t len = sizeof value;
    if (!udp_has_ipv6()) return;
    IS_OK0(udp_set_ttl(f, id, 42));
    IS_OK0(udp_set_loopback(f, id, 0));
    IS_OK0(udp_bind(f, id, "::1", 0));
    fd = fd_of((uint16_t)udp_info_of(f, id)->local_port, 0);
    CHECK_INT(getsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &value, &len), 0);
    CHECK_INT(value, 42);
    len = sizeof value;
    CHECK_INT(getsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, &value, &len), 0);
    CHECK_INT(value, 0);
}

/* udp.md 4.5 row 2, before row 3: after a bind -23, bad values too. */
static void options_after_bind(fx *f) {
    uint16_t port;
    int32_t id = bound(f, &port);
    IS_FAIL(udp_set_ttl(f, id, 5), CHROMESOCK_SOCKET_IS_CONNECTED);
    IS_FAIL(udp_set_ttl(f, id, 999), CHROMESOCK_SOCKET_IS_CONNECTED);
    IS_FAIL(udp_set_ttl(f, id, -1), CHROMESOCK_SOCKET_IS_CONNECTED);
    IS_FAIL(udp_set_loopback(f, id, 0), CHROMESOCK_SOCKET_IS_CONNECTED);
    options_are(port, 1, 1);
    /* 9 row 3: right behind a bind */
    id = new_udp(f);
    call *c = udp_bind(f, id, "127.0.0.1", 0), *d = udp_set_ttl(f, id, 3);
    IS_OK0(c);
    IS_FAIL(d, CHROMESOCK_SOCKET_IS_CONNECTED);
}

/* udp.md 4.5 "Bug": a bind that failed keeps the options and the setters usable. */
static void a_failed_bind_keeps_the_options(fx *f) {
    uint16_t taken = quiet_port();
    int peer = udp_peer_on("127.0.0.1", &taken);
    int32_t id = new_udp(f);
    IS_OK0(udp_set_ttl(f, id, 9));
    IS_OK0(udp_set_loopback(f, id, 0));
    IS_FAIL(udp_bind(f, id, "127.0.0.1", taken), CHROMESOCK_ADDRESS_IN_USE);
    IS_FAIL(udp_bind(f, id, "bad", 0), CHROMESOCK_INVALID_ARGUMENT);
    close(peer);
    IS_OK0(udp_bind(f, id, "127.0.0.1", taken));
    options_are(taken, 9, 0);
    id = new_udp(f);
    peer = udp_peer(&taken);
    IS_FAIL(udp_bind(f, id, "127.0.0.1", taken), CHROMESOCK_ADDRESS_IN_USE);
    IS_OK0(udp_set_ttl(f, id, 11));
    IS_FAIL(udp_set_ttl(f, id, 256), CHROMESOCK_INVALID_ARGUMENT);
    IS_OK0(udp_bind(f, id, "127.0.0.1", 0));
    options_are((uint16_t)udp_info_of(f, id)->local_port, 11, 1);
    close(peer);
}

/* udp.md 11 "too many open files", 4.4 row 7: -12, and the socket can be bound later. */
static void no_descriptors(void) {
    enum { FILL = 4096 };
    struct rlimit old, low;
    static int fill[FILL];
    int n = 0;
    fx *f = fx_new(MODE_DISPATCH, NULL);
    int32_t id = new_udp(f);
    call *c;
    CHECK_INT(getrlimit(RLIMIT_NOFILE, &old), 0);
    low = old;
    low.rlim_cur = (rlim_t)count_fds() + 40;
    CHECK_INT(setrlimit(RLIMIT_NOFILE, &low), 0);
    while (n < FILL && (fill[n] = open("/dev/null", O_RDONLY)) >= 0) n++;
    CHECK_INT(errno, EMFILE);
    c = udp_bind(f, id, "127.0.0.1", 0);
    IS_FAIL(c, CHROMESOCK_INSUFFICIENT_RESOURCES);
    while (n > 0) close(fill[--n]);
    CHECK_INT(setrlimit(RLIMIT_NOFILE, &old), 0);
    IS_OK0(udp_bind(f, id, "127.0.0.1", 0));
    fx_end(f);
}

/* udp.md 4.4 row 6: 6000 sockets open, not one more. */
static void six_thousand(void) {
    enum { MOST = 6000 };
    static int32_t id[MOST];
    struct rlimit old, high;
    uint16_t port;
    fx *f;
    CHECK_INT(getrlimit(RLIMIT_NOFILE, &old), 0);
    high = old;
    high.rlim_cur = high.rlim_max < 7000 ? high.rlim_max : 7000;
    if (high.rlim_cur < 6200) { /* not ours to raise */
        printf("six_thousand: only %llu descriptors\n", (unsigned long long)high.rlim_max);
        return;
    }
    CHECK_INT(setrlimit(RLIMIT_NOFILE, &high), 0);
    f = fx_new(MODE_DISPATCH, NULL);
    for (int n = 0; n < MOST; n++) {
        udp_create(f, NULL, &id[n]);
        udp_bind(f, id[n], "127.0.0.1", 0);
        if (n % 500 == 499) fx_compact(f);
    }
    CHECK(udp_info_of(f, id[MOST - 1])->local_port != 0);
    int32_t late = new_udp(f);
    IS_FAIL(udp_bind(f, late, "bad", 0), CHROMESOCK_INVALID_ARGUMENT); /* row 4 before 6 */
    IS_FAIL(udp_bind(f, late, "127.0.0.1", 0), CHROMESOCK_INSUFFICIENT_RESOURCES);
    close_udp(f, id[7]);
    IS_OK0(udp_bind(f, late, "127.0.0.1", 0));
    IS_OK(udp_close(f, late));
    bound(f, &port);
    fx_end(f);
    CHECK_INT(setrlimit(RLIMIT_NOFILE, &old), 0);
}

/* udp.md 11: a privileged port without the right: -10. As somebody who has none. */
static void privileged_port(void) {
    int start = 0, status;
    FILE *file = fopen("/proc/sys/net/ipv4/ip_unprivileged_port_start", "r");
    pid_t child;
    if (file == NULL || fscanf(file, "%d", &start) != 1 || start < 2) {
        printf("privileged_port: there are none here\n");
        if (file) fclose(file);
        return;
    }
    fclose(file);
    fflush(NULL);
    child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        fx *f;
        if (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0) _exit(2);
        f = fx_new(MODE_DISPATCH, NULL);
        IS_FAIL(udp_bind(f, new_udp(f), "127.0.0.1", 1), CHROMESOCK_ACCESS_DENIED);
        fx_end(f);
        _exit(0);
    }
    CHECK_INT(waitpid(child, &status, 0), child);
    CHECK_INT(status, 0);
}

int main(int argc, char **argv) {
    harness_init(argc, argv);
    RUN(privileged_port);
    RUN_ALL_MODES(bind_and_receive);
    RUN_ALL_MODES(ports_are_not_shared);
    RUN_ALL_MODES(bind_twice);
    RUN_ALL_MODES(two_binds_at_once);
    RUN_ALL_MODES(literals);
    RUN_ALL_MODES(port_range);
    RUN_ALL_MODES(dual_stack);
    RUN_ALL_MODES(bind_to_a_group);
    RUN_ALL_MODES(time_to_live);
    RUN_ALL_MODES(loopback_mode);
    RUN_ALL_MODES(options_of_ipv6);
    RUN_ALL_MODES(options_after_bind);
    RUN_ALL_MODES(a_failed_bind_keeps_the_options);
    RUN(no_descriptors);
    RUN(six_thousand);
    return harness_finish();
}
