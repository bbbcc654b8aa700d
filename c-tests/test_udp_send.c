/* chrome.sockets.udp.send (udp.md 4.6, 6, 11) and its order (udp.md 7). */
#include <errno.h>
#include <netdb.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include "calls_udp.h"
#include "resolve_shim.h"

static char big[300000];

/* udp.md 4.6 row 10: handed over, counted; the peer sees our address. */
static void send_and_answer(fx *f) {
    uint16_t port, peer_port, from;
    int peer = udp_peer(&peer_port);
    int32_t id = bound(f, &port);
    char got[64];
    size_t n;
    IS_SENT(udp_text(f, id, "ping", "127.0.0.1", peer_port), 4);
    n = udp_peer_read(peer, got, sizeof got, &from, NULL);
    CHECK_MEM(got, n, "ping", 4);
    CHECK_INT(from, port);
    udp_peer_text(peer, "pong", from);
    datagram(f, id, "pong");
    close(peer);
}

/* udp.md 4.6: empty data is an empty datagram, bytesSent 0; both ways of giving it. */
static void empty(fx *f) {
    uint16_t port, peer_port;
    int peer = udp_peer(&peer_port);
    int32_t id = bound(f, &port);
    IS_SENT(udp_send(f, id, NULL, 0, "127.0.0.1", peer_port), 0);
    IS_SENT(udp_send(f, id, "x", 0, "127.0.0.1", peer_port), 0);
    IS_SENT(udp_text(f, id, "end", "127.0.0.1", peer_port), 3);
    udp_peer_expect(peer, "");
    udp_peer_expect(peer, "");
    udp_peer_expect(peer, "end");
    close(peer);
}

/* udp.md 4.6 rows 6, 4: not bound -15; an unresolvable name is noticed before that. */
static void not_bound(fx *f) {
    uint16_t peer_port;
    int peer = udp_peer(&peer_port);
    int32_t id = new_udp(f);
    shim_clear();
    shim_error("nowhere.test", EAI_NONAME);
    IS_SEND_FAIL(udp_text(f, id, "x", "127.0.0.1", peer_port), CHROMESOCK_SOCKET_NOT_CONNECTED);
    IS_SEND_FAIL(udp_text(f, id, "x", "localhost", peer_port), CHROMESOCK_SOCKET_NOT_CONNECTED);
    IS_SEND_FAIL(udp_text(f, id, "x", "nowhere.test", peer_port), CHROMESOCK_NAME_NOT_RESOLVED);
    IS_SEND_FAIL(udp_text(f, id, "x", "", peer_port), CHROMESOCK_NAME_NOT_RESOLVED);
    /* row 6 before row 8 */
    IS_SEND_FAIL(udp_send(f, id, big, 65536, "127.0.0.1", peer_port), CHROMESOCK_SOCKET_NOT_CONNECTED);
    CHECK_INT(udp_peer_waiting(peer), 0);
    close(peer);
}

/* D6: a port out of range -4, after the permission, before the name. */
static void port_range(fx *f) {
    static const int32_t ports[] = {-1, 65536, 70000, INT32_MIN, INT32_MAX};
    uint16_t port;
    int32_t ids[2] = {bound(f, &port), new_udp(f)};
    shim_clear();
    for (size_t n = 0; n < sizeof ports / sizeof ports[0]; n++)
        for (int k = 0; k < 2; k++) {
            IS_SEND_FAIL(udp_text(f, ids[k], "x", "127.0.0.1", ports[n]), CHROMESOCK_INVALID_ARGUMENT);
            IS_SEND_FAIL(udp_text(f, ids[k], "x", "a.test", ports[n]), CHROMESOCK_INVALID_ARGUMENT);
        }
    CHECK_INT(shim_queries(), 0);
    /* port 0 passes to the system (11: -4) */
    IS_SEND_FAIL(udp_text(f, ids[0], "x", "127.0.0.1", 0),
                 net_code_of(udp_probe_send("127.0.0.1", "127.0.0.1", 0, 1, 0)));
}

/* udp.md 4.6 rows 8 and 9, 11: 65,507 bytes pass, more is what the system says, 65,536 is -142. */
static void sizes(fx *f) {
    uint16_t port, peer_port;
    int peer = udp_peer(&peer_port);
    int32_t id = bound(f, &port);
    static char got[65536];
    for (size_t n = 0; n < sizeof big; n++) big[n] = (char)(n * 7 + n / 251);
    for (size_t len = 65506; len <= 65507; len++) {
        IS_SENT(udp_send(f, id, big, len, "127.0.0.1", peer_port), len);
        CHECK_MEM(got, udp_peer_read(peer, got, sizeof got, NULL, NULL), big, len);
    }
    for (size_t len = 65508; len <= 65535; len += 27)
        IS_SEND_FAIL(udp_send(f, id, big, len, "127.0.0.1", peer_port),
                     net_code_of(udp_probe_send("127.0.0.1", "127.0.0.1", peer_port, len, 0)));
    IS_SEND_FAIL(udp_send(f, id, big, 65508, "127.0.0.1", peer_port), CHROMESOCK_MSG_TOO_BIG);
    IS_SEND_FAIL(udp_send(f, id, big, 65536, "127.0.0.1", peer_port), CHROMESOCK_MSG_TOO_BIG);
    IS_SEND_FAIL(udp_send(f, id, big, sizeof big, "127.0.0.1", peer_port), CHROMESOCK_MSG_TOO_BIG);
    IS_SENT(udp_text(f, id, "still there", "127.0.0.1", peer_port), 11);
    udp_peer_expect(peer, "still there");
    close(peer);
}

/* The same over IPv6: 65,527 bytes fit (11). */
static void sizes_ipv6(fx *f) {
    uint16_t port, peer_port = 0;
    int peer;
    int32_t id;
    static char got[65536];
    if (!udp_has_ipv6()) return;
    peer = udp_peer_on("::1", &peer_port);
    id = bound_on(f, "::1", &port);
    IS_SENT(udp_send(f, id, big, 65527, "::1", peer_port), 65527);
    CHECK_INT(udp_peer_read(peer, got, sizeof got, NULL, NULL), 65527);
    IS_SEND_FAIL(udp_send(f, id, big, 65528, "::1", peer_port), CHROMESOCK_MSG_TOO_BIG);
    close(peer);
}

/* udp.md 6.1: dnsQueryType and literals; the other family is -105. */
static void query_types(fx *f) {
    enum { ANY = CHROME_SOCKETS_DNS_QUERY_TYPE_ANY, V4 = CHROME_SOCKETS_DNS_QUERY_TYPE_IPV4,
           V6 = CHROME_SOCKETS_DNS_QUERY_TYPE_IPV6 };
    uint16_t port, peer_port;
    int peer = udp_peer(&peer_port);
    int32_t id = bound(f, &port);
    shim_clear();
    IS_SENT(udp_send_type(f, id, "a", 1, "127.0.0.1", peer_port, ANY), 1);
    IS_SENT(udp_send_type(f, id, "b", 1, "127.0.0.1", peer_port, V4), 1);
    IS_SEND_FAIL(udp_send_type(f, id, "c", 1, "127.0.0.1", peer_port, V6), CHROMESOCK_NAME_NOT_RESOLVED);
    IS_SEND_FAIL(udp_send_type(f, id, "d", 1, "::1", peer_port, V4), CHROMESOCK_NAME_NOT_RESOLVED);
    IS_SENT(udp_send_type(f, id, "e", 1, "localhost", peer_port, V4), 1);
    IS_SEND_FAIL(udp_send_type(f, id, "f", 1, "localhost", peer_port, V6), CHROMESOCK_ADDRESS_UNREACHABLE);
    /* the family of the destination does not fit the socket: -109 (6.1, 11) */
    IS_SEND_FAIL(udp_send_type(f, id, "g", 1, "::1", peer_port, ANY), CHROMESOCK_ADDRESS_UNREACHABLE);
    CHECK_INT(shim_queries(), 0); /* localhost never goes to DNS */
    udp_peer_expect(peer, "a");
    udp_peer_expect(peer, "b");
    udp_peer_expect(peer, "e");
    CHECK_INT(udp_peer_waiting(peer), 0);
    close(peer);
}

/* udp.md 6.1 "localhost": with `any`, the first address that the bound socket can reach. */
static void localhost(fx *f) {
    static const char *const names[] = {"localhost", "LocalHost", "a.localhost", "localhost."};
    uint16_t port, peer_port;
    int peer = udp_peer(&peer_port);
    int32_t id = bound_on(f, "0.0.0.0", &port);
    shim_clear();
    for (size_t n = 0; n < sizeof names / sizeof names[0]; n++) {
        IS_SENT(udp_text(f, id, names[n], names[n], peer_port), strlen(names[n]));
        udp_peer_expect(peer, names[n]);
    }
    if (udp_has_ipv6()) {
        uint16_t port6 = 0;
        int peer6 = udp_peer_on("::1", &port6);
        id = bound_on(f, "::1", &port);
        IS_SENT(udp_text(f, id, "six", "localhost", port6), 3);
        udp_peer_expect(peer6, "six");
        id = bound_on(f, "::", &port);
        IS_SENT(udp_text(f, id, "any", "localhost", port6), 3); /* ::1 comes first */
        udp_peer_expect(peer6, "any");
        close(peer6);
    }
    CHECK_INT(shim_queries(), 0);
    close(peer);
}

/* udp.md 6.1: odd names are -105 without a query; brackets and odd spellings are accepted (D7). */
static void odd_names(fx *f) {
    static const char *const bad[] = {"", ".", "a..b", "a b.test", "a%b.test", "[::1",
                                      "a/b.test", "a.-test", ".a.test", "*.test"};
    char over_long[300];
    uint16_t port, peer_port;
    int peer = udp_peer(&peer_port);
    int32_t id = bound(f, &port);
    shim_clear();
    memset(over_long, 'a', sizeof over_long - 1);
    over_long[sizeof over_long - 1] = 0;
    for (size_t n = 0; n < sizeof bad / sizeof bad[0]; n++)
        IS_SEND_FAIL(udp_text(f, id, "x", bad[n], peer_port), CHROMESOCK_NAME_NOT_RESOLVED);
    IS_SEND_FAIL(udp_text(f, id, "x", over_long, peer_port), CHROMESOCK_NAME_NOT_RESOLVED);
    CHECK_INT(shim_queries(), 0);
    IS_SENT(udp_text(f, id, "short", "127.1", peer_port), 5);
    udp_peer_expect(peer, "short");
    if (udp_has_ipv6()) {
        uint16_t port6 = 0;
        int peer6 = udp_peer_on("::1", &port6);
        id = bound_on(f, "::1", &port);
        IS_SENT(udp_text(f, id, "brackets", "[::1]", port6), 8);
        udp_peer_expect(peer6, "brackets");
        close(peer6);
    }
    close(peer);
}

/* udp.md 6.1: names; only the first usable address counts, no fallback to later ones. */
static void names(fx *f) {
    uint16_t port, peer_port;
    int peer = udp_peer(&peer_port);
    int32_t id = bound(f, &port);
    shim_clear();
    shim_set("one.test", (const char *const[]){"127.0.0.1", NULL});
    shim_set("six-first.test", (const char *const[]){"::1", "127.0.0.1", NULL});
    shim_set("only-six.test", (const char *const[]){"::1", NULL});
    shim_set("dead-first.test", (const char *const[]){"127.0.0.77", "127.0.0.1", NULL});
    shim_error("gone.test", EAI_NONAME);
    IS_SENT(udp_text(f, id, "one", "one.test", peer_port), 3);
    udp_peer_expect(peer, "one");
    IS_SENT(udp_text(f, id, "upper", "ONE.test", peer_port), 5);
    udp_peer_expect(peer, "upper");
    IS_SENT(udp_text(f, id, "usable", "six-first.test", peer_port), 6);
    udp_peer_expect(peer, "usable");
    /* Asked for by its family: else it is skipped where the machine has no IPv6 (tcp.md DN-5). */
    IS_SEND_FAIL(udp_send_type(f, id, "x", 1, "only-six.test", peer_port, CHROME_SOCKETS_DNS_QUERY_TYPE_IPV6),
                 CHROMESOCK_ADDRESS_UNREACHABLE);
    IS_SENT(udp_text(f, id, "lost", "dead-first.test", peer_port), 4);
    IS_SEND_FAIL(udp_text(f, id, "x", "gone.test", peer_port), CHROMESOCK_NAME_NOT_RESOLVED);
    IS_SEND_FAIL(udp_send_type(f, id, "x", 1, "one.test", peer_port, CHROME_SOCKETS_DNS_QUERY_TYPE_IPV6),
                 CHROMESOCK_NAME_NOT_RESOLVED);
    CHECK_INT(udp_peer_waiting(peer), 0);
    close(peer);
}

/* udp.md 4.6 row 4, 6.1: every failure of the resolver is -105; -106 when the machine is known to be
 * offline and the resolver not sure (tcp.md DN-5, DN-7), here in a network of its own with nothing in it. */
static void resolver_failures(fx *f) {
    static const int kinds[] = {EAI_NONAME, EAI_AGAIN, EAI_FAIL, EAI_MEMORY, EAI_SERVICE, EAI_NODATA};
    uint16_t port;
    int32_t id = bound(f, &port);
    for (size_t n = 0; n < sizeof kinds / sizeof kinds[0]; n++) {
        shim_clear();
        shim_error("bad.test", kinds[n]);
        IS_SEND_FAIL(udp_text(f, id, "x", "bad.test", 9), CHROMESOCK_NAME_NOT_RESOLVED);
    }
}
static void offline(void) {
    pid_t child;
    int status;
    fflush(NULL);
    child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        uint16_t port;
        int32_t id;
        fx *f;
        if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0 && unshare(CLONE_NEWNET) != 0) _exit(77);
        f = fx_new(MODE_DISPATCH, NULL);
        id = bound_on(f, "0.0.0.0", &port);
        shim_clear();
        shim_error("later.test", EAI_AGAIN);
        shim_error("never.test", EAI_NONAME);
        shim_error("v6.test", EAI_NODATA);
        IS_SEND_FAIL(udp_text(f, id, "x", "later.test", 9), CHROMESOCK_INTERNET_DISCONNECTED);
        IS_SEND_FAIL(udp_text(f, id, "x", "never.test", 9), CHROMESOCK_NAME_NOT_RESOLVED);
        IS_SEND_FAIL(udp_text(f, id, "x", "v6.test", 9), CHROMESOCK_NAME_NOT_RESOLVED);
        IS_SEND_FAIL(udp_text(f, id, "x", "192.0.2.1", 9),
                     net_code_of(udp_probe_send("0.0.0.0", "192.0.2.1", 9, 1, 0)));
        fx_end(f);
        _exit(0);
    }
    CHECK_INT(waitpid(child, &status, 0), child);
    if (status == 77 << 8)
        printf("offline: no network of our own is permitted\n");
    else
        CHECK_INT(status, 0);
}

/* udp.md 4.6 row 4: an unresolvable name has no effect but its own failure. */
static void a_bad_name_stops_nobody(fx *f) {
    uint16_t port, peer_port;
    int peer = udp_peer(&peer_port);
    int32_t id = bound(f, &port);
    call *bad, *good;
    shim_clear();
    shim_error("gone.test", EAI_NONAME);
    bad = udp_text(f, id, "never", "gone.test", peer_port);
    good = udp_text(f, id, "after", "127.0.0.1", peer_port);
    IS_SEND_FAIL(bad, CHROMESOCK_NAME_NOT_RESOLVED);
    IS_SENT(good, 5);
    udp_peer_expect(peer, "after");
    close(peer);
}

/* udp.md 7 rows 4 and 5: sends of one socket leave in call order, those that look names up apart from the others. */
static void order_of_sends(fx *f) {
    uint16_t port, peer_port;
    int peer = udp_peer(&peer_port), other_peer;
    int32_t id = bound(f, &port), other = bound(f, &port);
    call *c[5], *d;
    shim_clear();
    shim_set("quick.test", (const char *const[]){"127.0.0.1", NULL});
    c[0] = udp_text(f, id, "0", "127.0.0.1", peer_port);
    c[1] = udp_text(f, id, "1", "slow.stall.test", peer_port);
    c[2] = udp_text(f, id, "2", "127.0.0.1", peer_port);
    c[3] = udp_text(f, id, "3", "quick.test", peer_port);
    c[4] = udp_text(f, id, "4", "localhost", peer_port);
    IS_SENT(c[0], 1);
    wait_until(f, shim_stalled() == 1);
    /* another socket of the app does not wait for it */
    other_peer = udp_peer(&port);
    d = udp_text(f, other, "meanwhile", "127.0.0.1", port);
    IS_SENT(d, 9);
    udp_peer_expect(other_peer, "meanwhile");
    for (int n = 0; n < 5; n++) {
        static const int leaves[] = {0, 2, 4, 1, 3};
        call *sent = c[leaves[n]];
        char want[2] = {(char)('0' + leaves[n]), 0};
        if (n == 3) {
            CHECK(c[1]->done == NULL && c[3]->done == NULL);
            shim_release();
        }
        IS_SENT(sent, 1);
        udp_peer_expect(peer, want);
        if (n) CHECK(c[leaves[n - 1]]->done->seq < sent->done->seq); /* 6.2 */
    }
    close(other_peer);
    close(peer);
}

/* udp.md 6.2, 7: many at once, no name involved: all leave, in order. */
static void many_at_once(fx *f) {
    enum { N = 2000, BATCH = 100 };
    uint16_t port, peer_port;
    int peer = udp_peer(&peer_port);
    int32_t id = bound(f, &port);
    call *c[BATCH];
    for (uint32_t n = 0; n < N; n += BATCH) {
        for (uint32_t k = 0; k < BATCH; k++) {
            uint32_t number = n + k;
            c[k] = udp_send(f, id, &number, sizeof number, "127.0.0.1", peer_port);
        }
        for (uint32_t k = 0; k < BATCH; k++) {
            uint32_t got = 0;
            IS_SENT(c[k], sizeof got);
            CHECK_INT(udp_peer_read(peer, &got, sizeof got, NULL, NULL), sizeof got);
            CHECK_INT(got, n + k);
        }
        fx_compact(f);
    }
    close(peer);
}

/* The data belongs to the library from the call on: the host may overwrite its block. */
static void data_is_copied(fx *f) {
    uint16_t port, peer_port;
    int peer = udp_peer(&peer_port);
    int32_t id = bound(f, &port);
    char block[8] = "before!";
    call *c = udp_send(f, id, block, 7, "127.0.0.1", peer_port);
    memcpy(block, "after!!", 7);
    IS_SENT(c, 7);
    udp_peer_expect(peer, "before!");
    close(peer);
}

/* udp.md 11: what the system refuses, as a plain socket meets it here. */
static void refusals_of_the_system(fx *f) {
    uint16_t port;
    int32_t id = bound(f, &port);
    IS_CODE(udp_send(f, id, "x", 0, "198.51.100.1", 9),
            net_code_of(udp_probe_send("127.0.0.1", "198.51.100.1", 9, 0, 0)));
    CHECK_INT(udp_probe_send("127.0.0.1", "127.255.255.255", 9, 1, 0), -EACCES);
    IS_SEND_FAIL(udp_text(f, id, "x", "127.255.255.255", 9), CHROMESOCK_ACCESS_DENIED);
    IS_SEND_FAIL(udp_text(f, id, "x", "255.255.255.255", 9),
                 net_code_of(udp_probe_send("127.0.0.1", "255.255.255.255", 9, 1, 0)));
    if (!udp_has_ipv6()) return;
    id = bound_on(f, "::1", &port);
    IS_SEND_FAIL(udp_text(f, id, "x", "127.0.0.1", 9), CHROMESOCK_ADDRESS_UNREACHABLE);
}

/* udp.md 5.4: an ICMP error of one peer is nobody's business: no event, later sends succeed. */
static void icmp_is_ignored(fx *f) {
    uint16_t port, peer_port, dead;
    int gone = udp_peer(&dead), peer = udp_peer(&peer_port);
    int32_t id = bound(f, &port);
    close(gone);
    for (int n = 0; n < 3; n++) {
        IS_SENT(udp_text(f, id, "anybody?", "127.0.0.1", dead), 8);
        IS_SENT(udp_text(f, id, "you", "127.0.0.1", peer_port), 3);
        udp_peer_expect(peer, "you");
        udp_peer_text(peer, "me", port);
        datagram(f, id, "me");
    }
    settle(f);
    no_udp_error(f, id);
    CHECK_INT(udp_info_of(f, id)->paused, 0);
    close(peer);
}

/* ---- the write quota (udp.md 4.6 row 1, 6.3), small here ---- */

enum { QUOTA = 100000 };

static void quota(fx *f) {
    uint16_t port, peer_port;
    int peer = udp_peer(&peer_port), tcp_peer;
    int32_t id = bound(f, &port), tcp = connected(f, &tcp_peer);
    call *held, *tcp_call;
    /* row 1 precedes the id; exactly the limit passes */
    IS_FAIL_TEXT(udp_send(f, 999, big, QUOTA + 1, "127.0.0.1", peer_port), QUOTA_EXCEEDED);
    IS_FAIL_TEXT(udp_send(f, 999, big, QUOTA, "127.0.0.1", peer_port), NOT_FOUND);
    IS_SEND_FAIL(udp_send(f, id, big, QUOTA, "127.0.0.1", peer_port), CHROMESOCK_MSG_TOO_BIG);
    IS_FAIL_TEXT(udp_send(f, id, big, QUOTA + 1, "a..b", 70000), QUOTA_EXCEEDED);
    /* summed with sockets.tcp, in both directions */
    held = udp_send(f, id, big, 60000, "held.stall.test", peer_port);
    wait_until(f, shim_stalled() == 1);
    IS_FAIL_TEXT(tcp_send(f, tcp, big, QUOTA - 60000 + 1), QUOTA_EXCEEDED);
    IS_FAIL_TEXT(udp_send(f, id, big, QUOTA - 60000 + 1, "127.0.0.1", peer_port), QUOTA_EXCEEDED);
    CHECK_INT(fx_stats(f).unsent_bytes, 60000);
    tcp_call = tcp_send(f, tcp, big, QUOTA - 60000);
    IS_SENT(tcp_call, QUOTA - 60000);
    shim_release();
    IS_SENT(held, 60000);
    CHECK_INT(fx_stats(f).unsent_bytes, 0);
    /* given back after a failure too */
    IS_SEND_FAIL(udp_send(f, id, big, QUOTA, "a..b", 9), CHROMESOCK_NAME_NOT_RESOLVED);
    IS_SEND_FAIL(udp_send(f, id, big, QUOTA, "127.0.0.1", 70000), CHROMESOCK_INVALID_ARGUMENT);
    IS_SEND_FAIL(udp_send(f, id, big, QUOTA, "127.0.0.1", peer_port), CHROMESOCK_MSG_TOO_BIG);
    CHECK_INT(fx_stats(f).unsent_bytes, 0);
    close(tcp_peer);
    close(peer);
}

int main(int argc, char **argv) {
    chromesock_app_options small;
    memset(&small, 0, sizeof small);
    small.present = CHROMESOCK_APP_OPTIONS_WRITE_QUOTA;
    small.write_quota_bytes = QUOTA;
    harness_init(argc, argv);
    RUN_ALL_MODES(send_and_answer);
    RUN_ALL_MODES(empty);
    RUN_ALL_MODES(not_bound);
    RUN_ALL_MODES(port_range);
    RUN_ALL_MODES(sizes);
    RUN_ALL_MODES(sizes_ipv6);
    RUN_ALL_MODES(query_types);
    RUN_ALL_MODES(localhost);
    RUN_ALL_MODES(odd_names);
    RUN_ALL_MODES(names);
    RUN_ALL_MODES(resolver_failures);
    RUN(offline);
    RUN_ALL_MODES(a_bad_name_stops_nobody);
    RUN_ALL_MODES(order_of_sends);
    RUN_ALL_MODES(many_at_once);
    RUN_ALL_MODES(data_is_copied);
    RUN_ALL_MODES(refusals_of_the_system);
    RUN_ALL_MODES(icmp_is_ignored);
    RUN_ALL_MODES_WITH(quota, &small);
    return harness_finish();
}
