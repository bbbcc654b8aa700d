/* chrome.socket with UDP: bind, connect, recvFrom, sendTo, read, write, groups (socket-legacy.md 4.3,
 * 4.4, 4.6 to 4.9, 4.14, 6, 9). */
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "calls_socket.h"
#include "calls_udp.h"
#include "resolve_shim.h"

#define GROUP "239.255.41.17"
static char block[70000];

/* 6 column "created", and the rows behind each cell. */
static void created_state(fx *f) {
    int32_t id = new_sock(f, UDP);
    RECEIVE_FAILED(sock_recv_from(f, id, NOT_GIVEN), CHROMESOCK_SOCKET_NOT_CONNECTED); /* 4.8 row 4 */
    RECEIVE_FAILED(sock_recv_from(f, id, -1), CHROMESOCK_INVALID_ARGUMENT);            /* 4.8 row 3 */
    RESULT(sock_send_to(f, id, "x", 1, "127.0.0.1", 9), CHROMESOCK_SOCKET_NOT_CONNECTED); /* 4.9 row 8 */
    READ_FAILED(sock_read(f, id, NOT_GIVEN), CHROMESOCK_SOCKET_NOT_CONNECTED);         /* 4.6 UDP 4 */
    READ_FAILED(sock_read(f, id, -1), CHROMESOCK_INVALID_ARGUMENT);                    /* UDP 3 before 4 */
    RESULT(sock_text(f, id, "x"), CHROMESOCK_SOCKET_NOT_CONNECTED);                    /* 4.7 row 3 */
    RESULT_TEXT(sock_join(f, id, GROUP), CHROMESOCK_UNEXPECTED, "net::ERR_UNEXPECTED");
    RESULT_TEXT(sock_leave(f, id, GROUP), CHROMESOCK_ADDRESS_INVALID, "net::ERR_ADDRESS_INVALID");
    RESULT(sock_set_ttl(f, id, 5), 0);
    RESULT(sock_set_loopback(f, id, 0), 0);
    RESULT(sock_set_keep_alive(f, id, 1, 1), 0); /* 4.12 row 2 */
    RESULT(sock_set_no_delay(f, id, 1), 0);
    SOCK_INFO(f, id, UDP, 0, 0);
    IS_OK(sock_disconnect(f, id));
    RESULT(sock_bind(f, id, "127.0.0.1", 0), 0);
}

/* 6 column "bound". */
static void bound_state(fx *f) {
    uint16_t port;
    int32_t id = sock_bound(f, &port);
    RESULT(sock_bind(f, id, "127.0.0.1", 0), CHROMESOCK_CONNECTION_FAILED); /* 4.4 row 5 */
    RESULT(sock_bind(f, id, "bad", 0), CHROMESOCK_CONNECTION_FAILED);       /* before row 6 */
    RESULT(sock_connect(f, id, "127.0.0.1", 9), CHROMESOCK_CONNECTION_FAILED); /* 4.3 row 9 */
    READ_FAILED(sock_read(f, id, NOT_GIVEN), CHROMESOCK_SOCKET_NOT_CONNECTED);
    RESULT(sock_text(f, id, "x"), CHROMESOCK_SOCKET_NOT_CONNECTED);
    RESULT_TEXT(sock_set_ttl(f, id, 5), CHROMESOCK_SOCKET_IS_CONNECTED, "net::ERR_SOCKET_IS_CONNECTED");
    RESULT_TEXT(sock_set_ttl(f, id, 999), CHROMESOCK_SOCKET_IS_CONNECTED,
                "net::ERR_SOCKET_IS_CONNECTED");
    RESULT_TEXT(sock_set_loopback(f, id, 1), CHROMESOCK_SOCKET_IS_CONNECTED,
                "net::ERR_SOCKET_IS_CONNECTED");
    CHECK_INT(SOCK_INFO(f, id, UDP, 0, LOCAL)->local_port, port);
}

/* 6 column "connected". */
static void connected_state(fx *f) {
    uint16_t port;
    int peer;
    int32_t id = sock_udp_connected(f, &peer, &port);
    CHECK(port >= 1024); /* 4.3: a random port in 1024..65535 */
    RESULT(sock_bind(f, id, "127.0.0.1", 0), CHROMESOCK_CONNECTION_FAILED);
    RESULT(sock_connect(f, id, "127.0.0.1", 9), CHROMESOCK_CONNECTION_FAILED);
    RECEIVE_FAILED(sock_recv_from(f, id, NOT_GIVEN), CHROMESOCK_SOCKET_NOT_CONNECTED);
    RESULT(sock_send_to(f, id, "x", 1, "127.0.0.1", port_of(peer)), CHROMESOCK_SOCKET_NOT_CONNECTED);
    RESULT_TEXT(sock_join(f, id, GROUP), CHROMESOCK_UNEXPECTED, "net::ERR_UNEXPECTED");
    RESULT_TEXT(sock_set_ttl(f, id, 5), CHROMESOCK_SOCKET_IS_CONNECTED, "net::ERR_SOCKET_IS_CONNECTED");
    RESULT_TEXT(sock_set_loopback(f, id, 5), CHROMESOCK_SOCKET_IS_CONNECTED,
                "net::ERR_SOCKET_IS_CONNECTED");
    CHECK_INT(udp_peer_waiting(peer), 0); /* connect sends nothing */
    close(peer);
}

/* 4.4 rows 6 and 7. */
static void bind_refusals(fx *f) {
    static const char *const bad[] = {"", "localhost", "[::1]", "*", "127.0.0.1 ", "256.1.1.1"};
    uint16_t taken;
    int peer = udp_peer(&taken);
    int32_t id = new_sock(f, UDP);
    for (size_t n = 0; n < sizeof bad / sizeof bad[0]; n++)
        RESULT(sock_bind(f, id, bad[n], 0), CHROMESOCK_INVALID_ARGUMENT);
    RESULT(sock_bind(f, id, "127.0.0.1", taken), CHROMESOCK_ADDRESS_IN_USE);
    RESULT(sock_bind(f, id, "1.2.3.4", 0), net_code_of(udp_probe_bind("1.2.3.4", 0)));
    SOCK_INFO(f, id, UDP, 0, 0);
    RESULT(sock_bind(f, id, "127.1", 0), 0);
    close(peer);
}

/* 4.8 rows 2, 3, 5, 6: one call, one datagram; between calls they queue in the system. */
static void receive_from(fx *f) {
    uint16_t port, peer_port;
    int peer = udp_peer(&peer_port);
    int32_t id = sock_bound(f, &port);
    call *c, *d;
    c = sock_recv_from(f, id, NOT_GIVEN);
    d = sock_recv_from(f, id, NOT_GIVEN);
    RECEIVE_FAILED(d, CHROMESOCK_IO_PENDING); /* row 2 */
    RECEIVE_FAILED(sock_recv_from(f, id, -5), CHROMESOCK_IO_PENDING); /* row 2 before 3 */
    RECEIVE_FAILED(sock_recv_from(f, id, 10), CHROMESOCK_IO_PENDING);
    CHECK(c->done == NULL);
    udp_peer_text(peer, "one", port);
    RECEIVED(c, "one", peer_port);
    RECEIVE_FAILED(sock_recv_from(f, id, -1), CHROMESOCK_INVALID_ARGUMENT);
    for (int n = 0; n < 3; n++) {
        char text[2] = {(char)('a' + n), 0};
        udp_peer_text(peer, text, port);
    }
    settle(f);
    no_datagram(f, id); /* never an event */
    RECEIVED(sock_recv_from(f, id, 1), "a", peer_port);
    RECEIVED(sock_recv_from(f, id, 65536), "b", peer_port);
    RECEIVED(sock_recv_from(f, id, INT32_MAX), "c", peer_port);
    /* rows 5 and 6: exactly full, one too many, default 4096, empty */
    for (size_t len = 4095; len <= 4097; len++) {
        udp_peer_send(peer, block, len, "127.0.0.1", port);
        if (len <= 4096)
            RECEIVED_BYTES(sock_recv_from(f, id, NOT_GIVEN), block, len, peer_port);
        else
            RECEIVE_FAILED(sock_recv_from(f, id, NOT_GIVEN), CHROMESOCK_MSG_TOO_BIG);
    }
    udp_peer_send(peer, "", 0, "127.0.0.1", port);
    udp_peer_text(peer, "x", port);
    udp_peer_send(peer, "", 0, "127.0.0.1", port);
    udp_peer_send(peer, block, 65507, "127.0.0.1", port);
    RECEIVED(sock_recv_from(f, id, NOT_GIVEN), "", peer_port);
    RECEIVE_FAILED(sock_recv_from(f, id, 0), CHROMESOCK_MSG_TOO_BIG);
    RECEIVED(sock_recv_from(f, id, 0), "", peer_port);
    RECEIVED_BYTES(sock_recv_from(f, id, 65536), block, 65507, peer_port);
    close(peer);
}

/* 4.6 UDP 1 to 7: the same by read on a connected socket; strangers are not heard. */
static void reads(fx *f) {
    uint16_t port, stranger_port;
    int peer, stranger = udp_peer(&stranger_port);
    int32_t id = sock_udp_connected(f, &peer, &port);
    call *c = sock_read(f, id, NOT_GIVEN), *d = sock_read(f, id, NOT_GIVEN);
    READ_FAILED(d, CHROMESOCK_IO_PENDING);
    READ_FAILED(sock_read(f, id, -1), CHROMESOCK_IO_PENDING); /* UDP 2 before 3 */
    udp_peer_text(stranger, "psst", port);
    udp_peer_text(peer, "hello", port);
    READ_TEXT(c, "hello");
    READ_FAILED(sock_read(f, id, -1), CHROMESOCK_INVALID_ARGUMENT);
    udp_peer_send(peer, "", 0, "127.0.0.1", port);
    READ_TEXT(sock_read(f, id, NOT_GIVEN), ""); /* 0 for an empty one; still connected */
    SOCK_INFO(f, id, UDP, 1, LOCAL | PEER);
    udp_peer_send(peer, block, 4096, "127.0.0.1", port);
    READ_BYTES(sock_read(f, id, NOT_GIVEN), block, 4096);
    udp_peer_send(peer, block, 4097, "127.0.0.1", port);
    udp_peer_text(peer, "next", port);
    READ_FAILED(sock_read(f, id, NOT_GIVEN), CHROMESOCK_MSG_TOO_BIG); /* UDP 6, lost */
    READ_TEXT(sock_read(f, id, 4), "next");
    udp_peer_text(peer, "x", port);
    READ_FAILED(sock_read(f, id, 0), CHROMESOCK_MSG_TOO_BIG); /* 0 is legal */
    udp_peer_send(peer, "", 0, "127.0.0.1", port);
    READ_TEXT(sock_read(f, id, 0), "");
    close(stranger);
    close(peer);
}

/* 4.6 UDP 7, 4.7 row 6: -102 after a port unreachable, state unchanged, the next read works. */
static void refused_peer(fx *f) {
    uint16_t port, peer_port = quiet_port();
    int peer;
    int32_t id = new_sock(f, UDP);
    call *c;
    RESULT(sock_connect(f, id, "127.0.0.1", peer_port), 0); /* nobody there */
    port = (uint16_t)SOCK_INFO(f, id, UDP, 1, LOCAL | PEER)->local_port;
    c = sock_read(f, id, NOT_GIVEN);
    RESULT(sock_text(f, id, "anybody?"), 8);
    READ_FAILED(c, CHROMESOCK_CONNECTION_REFUSED);
    SOCK_INFO(f, id, UDP, 1, LOCAL | PEER);
    peer = udp_peer_on("127.0.0.1", &peer_port);
    c = sock_read(f, id, NOT_GIVEN);
    udp_peer_text(peer, "me again", port);
    READ_TEXT(c, "me again");
    close(peer);
    /* without a read the next write or read tells */
    RESULT(sock_text(f, id, "?"), 1);
    settle(f);
    c = sock_text(f, id, "??");
    await(c);
    CHECK_STR(c->done->message, NULL);
    if (c->done->result != CHROMESOCK_CONNECTION_REFUSED) {
        CHECK_INT(c->done->result, 2);
        READ_FAILED(sock_read(f, id, NOT_GIVEN), CHROMESOCK_CONNECTION_REFUSED);
    }
    SOCK_INFO(f, id, UDP, 1, LOCAL | PEER);
}

/* 4.7 rows 4 and 6: whole datagrams, empty ones, too long ones. */
static void writes(fx *f) {
    uint16_t port;
    int peer;
    int32_t id = sock_udp_connected(f, &peer, &port);
    static char got[65536];
    call *c[20];
    RESULT(sock_text(f, id, "abc"), 3);
    udp_peer_expect(peer, "abc");
    RESULT(sock_write(f, id, NULL, 0), 0);
    udp_peer_expect(peer, "");
    RESULT(sock_write(f, id, block, 65507), 65507);
    CHECK_MEM(got, udp_peer_read(peer, got, sizeof got, NULL, NULL), block, 65507);
    RESULT(sock_write(f, id, block, 65508),
           net_code_of(udp_probe_send("127.0.0.1", "127.0.0.1", port_of(peer), 65508, 0)));
    RESULT(sock_write(f, id, block, 65536), CHROMESOCK_MSG_TOO_BIG);
    SOCK_INFO(f, id, UDP, 1, LOCAL | PEER);
    for (int n = 0; n < 20; n++) c[n] = sock_write(f, id, block, (size_t)n);
    for (int n = 0; n < 20; n++) {
        RESULT(c[n], n);
        if (n) CHECK(c[n - 1]->done->seq < c[n]->done->seq);
        CHECK_INT(udp_peer_read(peer, got, sizeof got, NULL, NULL), n);
    }
    close(peer);
}

/* 4.9 rows 4, 9, 10; names; the family of 6.1. */
static void send_to(fx *f) {
    uint16_t port, peer_port;
    int peer = udp_peer(&peer_port);
    int32_t id = sock_bound(f, &port), fresh = new_sock(f, UDP);
    static char got[65536];
    shim_clear();
    shim_error("gone.test", EAI_NONAME);
    shim_set("here.test", (const char *const[]){"::1", "127.0.0.1", NULL});
    RESULT(sock_send_to(f, id, "abc", 3, "127.0.0.1", peer_port), 3);
    udp_peer_expect(peer, "abc");
    RESULT(sock_send_to(f, id, NULL, 0, "localhost", peer_port), 0);
    udp_peer_expect(peer, "");
    RESULT(sock_send_to(f, id, "named", 5, "here.test", peer_port), 5);
    udp_peer_expect(peer, "named");
    RESULT_TEXT(sock_send_to(f, id, "x", 1, "gone.test", 9), CHROMESOCK_NAME_NOT_RESOLVED, NO_DNS);
    RESULT_TEXT(sock_send_to(f, fresh, "x", 1, "gone.test", 9), CHROMESOCK_NAME_NOT_RESOLVED,
                NO_DNS); /* 4 before 8 */
    RESULT_TEXT(sock_send_to(f, id, "x", 1, "a..b", 9), CHROMESOCK_NAME_NOT_RESOLVED, NO_DNS);
    RESULT(sock_send_to(f, id, "x", 1, "::1", 9), CHROMESOCK_ADDRESS_UNREACHABLE);
    RESULT(sock_send_to(f, id, "x", 1, "127.0.0.1", 0), CHROMESOCK_INVALID_ARGUMENT);
    RESULT(sock_send_to(f, id, "x", 1, "127.255.255.255", 9), CHROMESOCK_ACCESS_DENIED);
    RESULT(sock_send_to(f, id, block, 65507, "127.0.0.1", peer_port), 65507);
    CHECK_MEM(got, udp_peer_read(peer, got, sizeof got, NULL, NULL), block, 65507);
    RESULT(sock_send_to(f, id, block, 65508, "127.0.0.1", peer_port),
           net_code_of(udp_probe_send("127.0.0.1", "127.0.0.1", peer_port, 65508, 0)));
    RESULT(sock_send_to(f, id, block, 65536, "127.0.0.1", peer_port), CHROMESOCK_MSG_TOO_BIG);
    udp_peer_text(peer, "answer", port);
    RECEIVED(sock_recv_from(f, id, NOT_GIVEN), "answer", peer_port);
    close(peer);
}

/* 11: what looks no name up does not wait for a look-up; udp.md 7: else sendTo of one socket in call order. */
static void order_of_sends(fx *f) {
    uint16_t port, peer_port;
    int peer = udp_peer(&peer_port);
    int32_t id = sock_bound(f, &port);
    call *c[3];
    shim_clear();
    c[0] = sock_send_to(f, id, "0", 1, "a.stall.test", peer_port);
    c[1] = sock_send_to(f, id, "1", 1, "127.0.0.1", peer_port);
    c[2] = sock_send_to(f, id, "2", 1, "localhost", peer_port);
    wait_until(f, shim_stalled() == 1);
    for (int n = 1; n < 3; n++) {
        char want[2] = {(char)('0' + n), 0};
        RESULT(c[n], 1);
        udp_peer_expect(peer, want);
    }
    CHECK(c[0]->done == NULL);
    shim_release();
    RESULT(c[0], 1);
    udp_peer_expect(peer, "0");
    close(peer);
}

/* A name that fails does not hold up what is behind it. */
static void a_bad_name_stops_nobody(fx *f) {
    uint16_t port, peer_port;
    int peer = udp_peer(&peer_port);
    int32_t id = sock_bound(f, &port);
    call *bad, *good;
    shim_clear();
    shim_error("gone.test", EAI_NONAME);
    bad = sock_send_to(f, id, "never", 5, "gone.test", peer_port);
    good = sock_send_to(f, id, "after", 5, "127.0.0.1", peer_port);
    RESULT_TEXT(bad, CHROMESOCK_NAME_NOT_RESOLVED, NO_DNS);
    RESULT(good, 5);
    udp_peer_expect(peer, "after");
    close(peer);
}

/* 4.9 row 6: the quota, checked after the name: an unknown name is told first, then the quota. */
enum { QUOTA = 60000 };
static void quota(fx *f) {
    uint16_t port, peer_port;
    int peer = udp_peer(&peer_port);
    int32_t id = sock_bound(f, &port), tcp = new_sock(f, TCP);
    RESULT(sock_send_to(f, id, block, QUOTA, "127.0.0.1", peer_port), QUOTA);
    IS_FAIL_TEXT(sock_send_to(f, id, block, QUOTA + 1, "127.0.0.1", peer_port), QUOTA_EXCEEDED);
    IS_FAIL_TEXT(sock_send_to(f, id, block, QUOTA + 1, "localhost", peer_port), QUOTA_EXCEEDED);
    RESULT_TEXT(sock_send_to(f, id, block, QUOTA + 1, "a..b", 9), CHROMESOCK_NAME_NOT_RESOLVED, NO_DNS);
    RESULT_TEXT(sock_send_to(f, 999, block, QUOTA + 1, "127.0.0.1", 9), -1, NOT_FOUND);
    IS_FAIL_TEXT(sock_send_to(f, id, block, QUOTA + 1, "127.0.0.1", 65536), PORT_RANGE);
    RESULT(sock_send_to(f, tcp, block, QUOTA + 1, "127.0.0.1", 9), CHROMESOCK_FAILED); /* [dec] row 7 */
    /* row 6 before 8: an unbound socket */
    IS_FAIL_TEXT(sock_send_to(f, new_sock(f, UDP), block, QUOTA + 1, "127.0.0.1", 9), QUOTA_EXCEEDED);
    CHECK_INT(fx_stats(f).unsent_bytes, 0);
    RESULT(sock_send_to(f, id, block, QUOTA, "127.0.0.1", peer_port), QUOTA);
    close(peer);
}

/* 4.5 row "UDP": closed, port free, groups and peer forgotten; bound or connected again. Options stay
 * consumed (4.14). */
static void disconnect(fx *f) {
    uint16_t port, peer_port;
    int peer = udp_peer(&peer_port), works = udp_probe_join("0.0.0.0", GROUP) == 0;
    int32_t id = new_sock(f, UDP);
    RESULT(sock_set_ttl(f, id, 3), 0);
    port = quiet_port();
    RESULT(sock_bind(f, id, "0.0.0.0", port), 0);
    if (works) {
        RESULT(sock_join(f, id, GROUP), 0);
        GROUPS_ARE(sock_get_groups(f, id), GROUP);
    }
    udp_peer_text(peer, "unread", port);
    settle(f);
    IS_OK(sock_disconnect(f, id));
    CHECK_INT(udp_probe_bind("0.0.0.0", port), 0);
    SOCK_INFO(f, id, UDP, 0, 0);
    NO_GROUPS(sock_get_groups(f, id));
    RESULT_TEXT(sock_set_ttl(f, id, 3), CHROMESOCK_SOCKET_IS_CONNECTED, "net::ERR_SOCKET_IS_CONNECTED");
    RESULT_TEXT(sock_set_loopback(f, id, 3), CHROMESOCK_SOCKET_IS_CONNECTED,
                "net::ERR_SOCKET_IS_CONNECTED");
    RECEIVE_FAILED(sock_recv_from(f, id, NOT_GIVEN), CHROMESOCK_SOCKET_NOT_CONNECTED);
    RESULT(sock_connect(f, id, "127.0.0.1", peer_port), 0); /* the other way, this time */
    RESULT(sock_text(f, id, "connected"), 9);
    udp_peer_expect(peer, "connected");
    IS_OK(sock_disconnect(f, id));
    RESULT(sock_bind(f, id, "127.0.0.1", port), 0);
    udp_peer_text(peer, "new", port);
    RECEIVED(sock_recv_from(f, id, NOT_GIVEN), "new", peer_port); /* and not "unread" */
    if (works) RESULT_TEXT(sock_leave(f, id, GROUP), CHROMESOCK_ADDRESS_INVALID, "net::ERR_ADDRESS_INVALID");
    close(peer);
}

/* 4.14 behind row 3: as udp.md 4.5, 4.10, 4.11, 4.12: codes with their names. */
static void groups(fx *f) {
    uint16_t port;
    int32_t fresh = new_sock(f, UDP), id = new_sock(f, UDP);
    RESULT_TEXT(sock_set_ttl(f, fresh, 256), CHROMESOCK_INVALID_ARGUMENT, "net::ERR_INVALID_ARGUMENT");
    RESULT_TEXT(sock_set_ttl(f, fresh, -1), CHROMESOCK_INVALID_ARGUMENT, "net::ERR_INVALID_ARGUMENT");
    RESULT(sock_set_ttl(f, fresh, 0), 0);
    RESULT(sock_set_ttl(f, fresh, 255), 0);
    RESULT(sock_set_ttl(f, id, 9), 0);
    RESULT(sock_set_loopback(f, id, 0), 0);
    RESULT(sock_bind(f, id, "0.0.0.0", 0), 0);
    port = (uint16_t)SOCK_INFO(f, id, UDP, 0, LOCAL)->local_port;
    {
        int fd = fd_of(port, 0), value = -1;
        socklen_t len = sizeof value;
        CHECK_INT(getsockopt(fd, IPPROTO_IP, IP_MULTICAST_TTL, &value, &len), 0);
        CHECK_INT(value, 9);
        CHECK_INT(getsockopt(fd, IPPROTO_IP, IP_MULTICAST_LOOP, &value, &len), 0);
        CHECK_INT(value, 0);
    }
    NO_GROUPS(sock_get_groups(f, id));
    RESULT_TEXT(sock_join(f, id, "bad"), CHROMESOCK_ADDRESS_INVALID, "net::ERR_ADDRESS_INVALID");
    RESULT_TEXT(sock_join(f, id, "ff02::fb"), CHROMESOCK_ADDRESS_INVALID, "net::ERR_ADDRESS_INVALID");
    RESULT_TEXT(sock_join(f, id, "10.0.0.1"), CHROMESOCK_INVALID_ARGUMENT, "net::ERR_INVALID_ARGUMENT");
    if (udp_probe_join("0.0.0.0", GROUP) != 0) return;
    RESULT(sock_join(f, id, GROUP), 0);
    RESULT(sock_join(f, id, "0xe0.0.0.251"), 0);
    RESULT_TEXT(sock_join(f, id, GROUP), CHROMESOCK_ADDRESS_INVALID, "net::ERR_ADDRESS_INVALID");
    GROUPS_ARE(sock_get_groups(f, id), GROUP, "224.0.0.251");
    RESULT(sock_leave(f, id, GROUP), 0);
    GROUPS_ARE(sock_get_groups(f, id), "224.0.0.251");
}

/* 4.3: UDP takes the first address of a name, and no other: "localhost" is ::1. */
static void connect_takes_the_first_address(fx *f) {
    uint16_t port = 0;
    int peer;
    int32_t id = new_sock(f, UDP), other = new_sock(f, UDP);
    shim_clear();
    shim_set("two.test", (const char *const[]){"127.0.0.1", "::1", NULL});
    peer = udp_peer(&port);
    RESULT(sock_connect(f, id, "two.test", port), 0);
    CHECK_STR(SOCK_INFO(f, id, UDP, 1, LOCAL | PEER)->peer_address, "127.0.0.1");
    RESULT(sock_text(f, id, "first"), 5);
    udp_peer_expect(peer, "first");
    if (udp_has_ipv6()) {
        RESULT(sock_connect(f, other, "localhost", port), 0);
        CHECK_STR(SOCK_INFO(f, other, UDP, 1, LOCAL | PEER)->peer_address, "::1");
    }
    close(peer);
}

/* 9: IPv6 addresses in canonical text, for what is bound and what is connected. */
static void over_ipv6(fx *f) {
    uint16_t peer_port = 0;
    int peer;
    int32_t id = new_sock(f, UDP), other = new_sock(f, UDP);
    const chromesock_socket_info *info;
    const ev *e;
    uint16_t port;
    if (!udp_has_ipv6()) return;
    peer = udp_peer_on("::1", &peer_port);
    RESULT(sock_bind(f, id, "0:0::1", 0), 0);
    info = SOCK_INFO(f, id, UDP, 0, LOCAL);
    CHECK_STR(info->local_address, "::1");
    port = (uint16_t)info->local_port;
    udp_peer_send(peer, "six", 3, "::1", port);
    e = await(sock_recv_from(f, id, NOT_GIVEN));
    CHECK_INT(e->result, 3);
    CHECK_STR(e->address, "::1");
    CHECK_INT(e->port, peer_port);
    RESULT(sock_connect(f, other, "::1", peer_port), 0);
    info = SOCK_INFO(f, other, UDP, 1, LOCAL | PEER);
    CHECK_STR(info->local_address, "::1");
    CHECK_STR(info->peer_address, "::1");
    RESULT(sock_text(f, other, "w"), 1);
    udp_peer_expect(peer, "w");
    close(peer);
}

int main(int argc, char **argv) {
    chromesock_app_options small;
    memset(&small, 0, sizeof small);
    small.present = CHROMESOCK_APP_OPTIONS_WRITE_QUOTA;
    small.write_quota_bytes = QUOTA;
    for (size_t n = 0; n < sizeof block; n++) block[n] = (char)(n * 31 + n / 257);
    harness_init(argc, argv);
    RUN_ALL_MODES(created_state);
    RUN_ALL_MODES(bound_state);
    RUN_ALL_MODES(connected_state);
    RUN_ALL_MODES(bind_refusals);
    RUN_ALL_MODES(receive_from);
    RUN_ALL_MODES(reads);
    RUN_ALL_MODES(refused_peer);
    RUN_ALL_MODES(writes);
    RUN_ALL_MODES(send_to);
    RUN_ALL_MODES(order_of_sends);
    RUN_ALL_MODES(a_bad_name_stops_nobody);
    RUN_ALL_MODES_WITH(quota, &small);
    RUN_ALL_MODES(disconnect);
    RUN_ALL_MODES(groups);
    RUN_ALL_MODES(connect_takes_the_first_address);
    RUN_ALL_MODES(over_ipv6);
    return harness_finish();
}
