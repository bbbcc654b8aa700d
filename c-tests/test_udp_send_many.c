/* Many sends made at once, which the library may hand over together: on the wire and in the completions
 * each is what it would be alone (udp.md 4.6, 6.2, 6.3, 7). */
#include <sys/socket.h>
#include <unistd.h>

#include "calls_socket.h"
#include "calls_udp.h"
#include "resolve_shim.h"

enum { MOST = 200 };
static unsigned char block[MOST + 70000];

static const unsigned char *content(int n) { return block + n; }   /* begins with its number */

/* A peer with room for a whole burst. */
static int roomy_peer(uint16_t *port) {
    int fd = udp_peer(port), room = 64 << 20;
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room) != 0)
        CHECK_INT(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room), 0);
    return fd;
}

static void expect_content(int fd, int n, size_t len) {
    static unsigned char got[65536];
    size_t have = udp_peer_read(fd, got, sizeof got, NULL, NULL);
    CHECK_MEM(got, have, content(n), len);
}

/* Completions in call order. */
static void in_order(call **c, int count) {
    for (int n = 1; n < count; n++) {
        await(c[n]);
        CHECK(c[n - 1]->done->seq < c[n]->done->seq);
    }
}

/* Equal sizes, bursts of several lengths: more than 64 segments, more than 64 KiB, empty ones. */
static void equal_sizes(fx *f) {
    static const size_t sizes[] = {100, 1, 0, 1200, 1472, 5000, 30000, 65507};
    static const int counts[] = {1, 2, 3, 63, 64, 65, 130, MOST};
    uint16_t port, peer_port;
    int peer = roomy_peer(&peer_port);
    int32_t id = bound(f, &port);
    call *c[MOST];
    for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++)
        for (size_t j = 0; j < sizeof counts / sizeof counts[0]; j++) {
            int count = counts[j];
            if (sizes[k] * (size_t)count > 1 << 20) continue;
            for (int n = 0; n < count; n++)
                c[n] = udp_send(f, id, content(n), sizes[k], "127.0.0.1", peer_port);
            for (int n = 0; n < count; n++) {
                IS_SENT(c[n], sizes[k]);
                expect_content(peer, n, sizes[k]);
            }
            in_order(c, count);
            fx_compact(f);
        }
    CHECK_INT(udp_peer_waiting(peer), 0);
    close(peer);
}

/* Runs of equal sizes with others between, two destinations, a name: order and wholeness for each. */
static void mixed(fx *f) {
    uint16_t port, peer_port[2];
    int peer[2] = {roomy_peer(&peer_port[0]), roomy_peer(&peer_port[1])};
    int32_t id = bound(f, &port);
    static size_t len[MOST];
    static int to[MOST];
    call *c[MOST];
    uint32_t state = 12345;
    for (int round = 0; round < 10; round++) {
        for (int n = 0; n < MOST; n++) {
            state = state * 1103515245u + 12345u;
            if (n == 0 || state >> 16 & 7) { /* mostly as the one before */
                len[n] = n ? len[n - 1] : 700;
                to[n] = n ? to[n - 1] : 0;
            } else {
                len[n] = (state >> 20) % 1500;
                to[n] = (int)(state >> 19 & 1);
            }
            if (round % 3 == 2 && (state >> 24) % 20 == 0) len[n] = len[n] ? len[n] - 1 : 0; /* a short last one */
            c[n] = udp_send(f, id, content(n), len[n], n % 50 == 25 ? "localhost" : "127.0.0.1",
                            peer_port[to[n]]);
        }
        for (int n = 0; n < MOST; n++) {
            IS_SENT(c[n], len[n]);
            expect_content(peer[to[n]], n, len[n]);
        }
        in_order(c, MOST);
        fx_compact(f);
    }
    for (int k = 0; k < 2; k++) {
        CHECK_INT(udp_peer_waiting(peer[k]), 0);
        close(peer[k]);
    }
}

/* Refusals of the system are each call's own, however many look alike. */
static void refusals(fx *f) {
    uint16_t port, peer_port;
    int peer = roomy_peer(&peer_port);
    int32_t id = bound_on(f, "0.0.0.0", &port);
    call *c[90];
    for (int n = 0; n < 90; n++) {
        if (n % 9 < 3) c[n] = udp_send(f, id, content(n), 500, "127.0.0.1", 0);
        else if (n % 9 < 5) c[n] = udp_send(f, id, content(n), 500, "127.255.255.255", peer_port);
        else if (n % 9 < 6) c[n] = udp_send(f, id, content(n), 65508, "127.0.0.1", peer_port);
        else if (n % 9 < 7) c[n] = udp_send(f, id, content(n), 500, "::1", peer_port);
        else c[n] = udp_send(f, id, content(n), 500, "127.0.0.1", peer_port);
    }
    for (int n = 0; n < 90; n++) {
        if (n % 9 < 3) IS_SEND_FAIL(c[n], CHROMESOCK_INVALID_ARGUMENT);
        else if (n % 9 < 5) IS_SEND_FAIL(c[n], CHROMESOCK_ACCESS_DENIED);
        else if (n % 9 < 6) IS_SEND_FAIL(c[n], CHROMESOCK_MSG_TOO_BIG);
        else if (n % 9 < 7) IS_SEND_FAIL(c[n], CHROMESOCK_ADDRESS_UNREACHABLE);
        else {
            IS_SENT(c[n], 500);
            expect_content(peer, n, 500);
        }
    }
    in_order(c, 90);
    CHECK_INT(udp_peer_waiting(peer), 0);
    close(peer);
}

/* A call between equal sends takes its place among them (7 row 1). */
static void calls_between(fx *f) {
    uint16_t port, peer_port = 0;
    int peer = udp_peer_on("0.0.0.0", &peer_port);
    int32_t id = bound_on(f, "0.0.0.0", &port), fresh = new_udp(f);
    call *c[12], *b, *before[2], *after[2], *closed;
    for (int n = 0; n < 12; n++) {
        if (n % 3 == 0) udp_set_broadcast(f, id, n % 6 == 3);
        c[n] = udp_send(f, id, content(n), 50, "127.255.255.255", peer_port);
    }
    for (int n = 0; n < 12; n++) {
        if (n % 6 < 3) {
            IS_SEND_FAIL(c[n], CHROMESOCK_ACCESS_DENIED);
        } else {
            IS_SENT(c[n], 50);
            expect_content(peer, n, 50);
        }
    }
    /* not bound yet, bound, closed: decided where the call stands */
    for (int n = 0; n < 2; n++) before[n] = udp_send(f, fresh, content(n), 50, "127.0.0.1", peer_port);
    b = udp_bind(f, fresh, "127.0.0.1", 0);
    for (int n = 0; n < 2; n++) after[n] = udp_send(f, fresh, content(n), 50, "127.0.0.1", peer_port);
    closed = udp_close(f, fresh);
    c[0] = udp_send(f, fresh, content(9), 50, "127.0.0.1", peer_port);
    for (int n = 0; n < 2; n++) IS_SEND_FAIL(before[n], CHROMESOCK_SOCKET_NOT_CONNECTED);
    IS_OK0(b);
    for (int n = 0; n < 2; n++) {
        IS_SENT(after[n], 50); /* 7 row 6: completed, so it has left */
        expect_content(peer, n, 50);
    }
    IS_OK(closed);
    IS_FAIL_TEXT(c[0], NOT_FOUND);
    CHECK_INT(udp_peer_waiting(peer), 0);
    close(peer);
}

/* Several sockets and both APIs, their sends interleaved: each datagram has its own sender. */
static void many_sockets(fx *f) {
    enum { SOCKETS = 5, EACH = 30 };
    uint16_t port[SOCKETS], peer_port, from;
    int peer = roomy_peer(&peer_port), seen[SOCKETS] = {0};
    int32_t id[SOCKETS];
    unsigned char got[256];
    for (int k = 0; k < SOCKETS; k++) id[k] = k == 4 ? sock_bound(f, &port[k]) : bound(f, &port[k]);
    for (int n = 0; n < EACH; n++)
        for (int k = 0; k < SOCKETS; k++) {
            if (k == 4) sock_send_to(f, id[k], content(n), 200, "127.0.0.1", peer_port);
            else udp_send(f, id[k], content(n), 200, "127.0.0.1", peer_port);
        }
    for (int n = 0; n < SOCKETS * EACH; n++) {
        size_t len = udp_peer_read(peer, got, sizeof got, &from, NULL);
        int k = 0;
        while (k < SOCKETS && port[k] != from) k++;
        CHECK(k < SOCKETS);
        CHECK_MEM(got, len, content(seen[k]), 200); /* in order for each */
        seen[k]++;
    }
    for (int k = 0; k < SOCKETS; k++) CHECK_INT(seen[k], EACH);
    close(peer);
}

/* The same over a real interface, longer than its MTU too: multicast to ourselves, with TTL 0 so that it
 * stays on this machine. */
static void over_an_interface(fx *f) {
    static const char *const group = "239.255.41.49";
    static const size_t sizes[] = {100, 1300, 1372, 1373, 1472, 1473, 4000, 20000};
    uint16_t port = 0;
    int member, room = 64 << 20;
    int32_t id = new_udp(f);
    if (udp_probe_join("0.0.0.0", group) != 0) return;
    member = udp_peer_on("0.0.0.0", &port);
    udp_peer_join(member, group);
    CHECK_INT(setsockopt(member, SOL_SOCKET, SO_RCVBUF, &room, sizeof room), 0);
    IS_OK0(udp_set_ttl(f, id, 0));
    IS_OK0(udp_bind(f, id, "0.0.0.0", 0));
    for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
        call *c[10];
        for (int n = 0; n < 10; n++) c[n] = udp_send(f, id, content(n), sizes[k], group, port);
        for (int n = 0; n < 10; n++) {
            IS_SENT(c[n], sizes[k]);
            expect_content(member, n, sizes[k]);
        }
    }
    close(member);
}

/* IPv6, and IPv4 destinations of a "::" socket. */
static void over_ipv6(fx *f) {
    uint16_t port, port4, port6 = 0;
    int peer4, peer6;
    int32_t id;
    call *c[60];
    if (!udp_has_ipv6()) return;
    peer4 = roomy_peer(&port4);
    peer6 = udp_peer_on("::1", &port6);
    id = bound_on(f, "::", &port);
    for (int n = 0; n < 60; n++)
        c[n] = udp_send(f, id, content(n), 300, n / 10 % 2 ? "127.0.0.1" : "::1", n / 10 % 2 ? port4 : port6);
    for (int n = 0; n < 60; n++) {
        IS_SENT(c[n], 300);
        expect_content(n / 10 % 2 ? peer4 : peer6, n, 300);
    }
    close(peer4);
    close(peer6);
}

/* Nobody listens: every one succeeds (5.4), and later ones to somebody else too. */
static void to_nobody(fx *f) {
    uint16_t port, dead, peer_port;
    int peer = roomy_peer(&peer_port);
    int32_t id = bound(f, &port);
    call *c[100];
    close(udp_peer(&dead));
    for (int n = 0; n < 100; n++) c[n] = udp_send(f, id, content(n), 64, "127.0.0.1", n < 80 ? dead : peer_port);
    for (int n = 0; n < 100; n++) {
        IS_SENT(c[n], 64);
        if (n >= 80) expect_content(peer, n, 64);
    }
    no_udp_error(f, id);
    close(peer);
}

/* 6.3: the quota cuts a burst at the right place; what was refused is not on the wire. */
enum { QUOTA = 10000 };
static void quota_in_a_burst(fx *f) {
    uint16_t port, peer_port;
    int peer = roomy_peer(&peer_port);
    int32_t id = bound(f, &port);
    call *held, *c[30];
    int sent = 0;
    shim_clear();
    shim_set("peer.test", (const char *const[]){"127.0.0.1", NULL});
    held = udp_send(f, id, block, 1000, "held.stall.test", peer_port); /* the others wait behind it */
    for (int n = 0; n < 30; n++) c[n] = udp_send(f, id, content(n), 1000, "peer.test", peer_port);
    for (int n = 9; n < 30; n++) IS_FAIL_TEXT(c[n], QUOTA_EXCEEDED);
    CHECK_INT(fx_stats(f).unsent_bytes, QUOTA);
    wait_until(f, shim_stalled() == 1);
    shim_release();
    IS_SENT(held, 1000);
    expect_content(peer, 0, 1000);
    for (; sent < 9; sent++) {
        IS_SENT(c[sent], 1000);
        expect_content(peer, sent, 1000);
    }
    CHECK_INT(fx_stats(f).unsent_bytes, 0);
    CHECK_INT(udp_peer_waiting(peer), 0);
    close(peer);
}

/* permissions.md 4: the check is made for each call of a burst. */
static void permission_in_a_burst(fx *f) {
    uint16_t port, peer_port;
    int peer = roomy_peer(&peer_port);
    int32_t id = bound_on(f, "0.0.0.0", &port);
    call *c[40];
    for (int n = 0; n < 40; n++)
        c[n] = udp_send(f, id, content(n), 100, n % 8 < 3 ? "127.0.0.2" : "127.0.0.1", peer_port);
    for (int n = 0; n < 40; n++) {
        if (n % 8 < 3) {
            IS_FAIL_TEXT(c[n], APP_DENIED);
        } else {
            IS_SENT(c[n], 100);
            expect_content(peer, n, 100);
        }
    }
    in_order(c, 40);
    CHECK_INT(udp_peer_waiting(peer), 0);
    close(peer);
}

int main(int argc, char **argv) {
    chromesock_app_options quota, narrow;
    memset(&quota, 0, sizeof quota);
    narrow = quota;
    quota.present = CHROMESOCK_APP_OPTIONS_WRITE_QUOTA;
    quota.write_quota_bytes = QUOTA;
    narrow.manifest = "{\"sockets\":{\"udp\":{\"bind\":\"*\",\"send\":\"127.0.0.1\"}}}";
    for (size_t n = 0; n < sizeof block; n++) block[n] = (unsigned char)(n + n / 256 * 7);
    harness_init(argc, argv);
    RUN_ALL_MODES(equal_sizes);
    RUN_ALL_MODES(mixed);
    RUN_ALL_MODES(refusals);
    RUN_ALL_MODES(calls_between);
    RUN_ALL_MODES(many_sockets);
    RUN_ALL_MODES(over_an_interface);
    RUN_ALL_MODES(over_ipv6);
    RUN_ALL_MODES(to_nobody);
    RUN_ALL_MODES_WITH(quota_in_a_burst, &quota);
    RUN_ALL_MODES_WITH(permission_in_a_burst, &narrow);
    return harness_finish();
}
