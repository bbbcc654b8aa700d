/* chrome.sockets.udp: multicast groups and broadcast (udp.md 4.10 to 4.13), as far as one machine
 * shows them; what depends on its interfaces is compared with a plain socket. */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "calls_udp.h"

#define GROUP "239.255.41.7"
#define GROUP_2 "239.255.41.8"

static int multicast_works(void) {
    if (udp_probe_join("0.0.0.0", GROUP) == 0) return 1;
    printf("  no interface takes part in multicast\n");
    return 0;
}

/* udp.md 4.10 rows 3, 5, 6, 7 in their order. */
static void join_refusals(fx *f) {
    static const char *const not_literals[] = {"", "localhost", "example.com", "*", "[ff02::fb]",
                                               "224.0.0.251:5353", "239.1.1.256"};
    uint16_t port;
    int32_t fresh = new_udp(f), id = bound_on(f, "0.0.0.0", &port);
    for (size_t n = 0; n < sizeof not_literals / sizeof not_literals[0]; n++) {
        IS_FAIL(udp_join(f, fresh, not_literals[n]), CHROMESOCK_ADDRESS_INVALID); /* 3 before 5 */
        IS_FAIL(udp_join(f, id, not_literals[n]), CHROMESOCK_ADDRESS_INVALID);
        IS_FAIL(udp_leave(f, fresh, not_literals[n]), CHROMESOCK_ADDRESS_INVALID);
        IS_FAIL(udp_leave(f, id, not_literals[n]), CHROMESOCK_ADDRESS_INVALID);
    }
    IS_FAIL(udp_join(f, fresh, GROUP), CHROMESOCK_UNEXPECTED);       /* row 5 */
    IS_FAIL(udp_join(f, fresh, "127.0.0.1"), CHROMESOCK_UNEXPECTED); /* row 5 before 7 */
    IS_FAIL(udp_join(f, id, "ff02::fb"), CHROMESOCK_ADDRESS_INVALID); /* row 6 */
    IS_FAIL(udp_join(f, id, "::1"), CHROMESOCK_ADDRESS_INVALID);      /* row 6 before 7 */
    IS_FAIL(udp_join(f, id, "127.0.0.1"), CHROMESOCK_INVALID_ARGUMENT); /* row 7 */
    IS_FAIL(udp_join(f, id, "10.0.0.1"), CHROMESOCK_INVALID_ARGUMENT);
    IS_FAIL(udp_leave(f, fresh, GROUP), CHROMESOCK_ADDRESS_INVALID); /* 4.11: also unbound */
    IS_FAIL(udp_leave(f, id, GROUP), CHROMESOCK_ADDRESS_INVALID);
    NO_GROUPS(udp_get_groups(f, fresh)); /* 4.12: [] before the first join */
    NO_GROUPS(udp_get_groups(f, id));
}

/* udp.md 4.10 rows 4 and 9, 4.11, 4.12: normalised, in join order, removed by leave. */
static void join_and_leave(fx *f) {
    uint16_t port;
    int32_t id;
    if (!multicast_works()) return;
    id = bound_on(f, "0.0.0.0", &port);
    IS_OK0(udp_join(f, id, "0xe0.0.0.251"));
    IS_OK0(udp_join(f, id, GROUP_2));
    IS_OK0(udp_join(f, id, GROUP));
    GROUPS_ARE(udp_get_groups(f, id), "224.0.0.251", GROUP_2, GROUP);
    IS_FAIL(udp_join(f, id, GROUP), CHROMESOCK_ADDRESS_INVALID); /* row 4 */
    IS_FAIL(udp_join(f, id, "224.0.0.251"), CHROMESOCK_ADDRESS_INVALID);
    IS_FAIL(udp_join(f, id, "0xe0.0.0.251"), CHROMESOCK_ADDRESS_INVALID);
    IS_FAIL(udp_join(f, id, "224.251"), CHROMESOCK_ADDRESS_INVALID);
    IS_OK0(udp_leave(f, id, "0357.255.41.8"));
    GROUPS_ARE(udp_get_groups(f, id), "224.0.0.251", GROUP);
    IS_FAIL(udp_leave(f, id, GROUP_2), CHROMESOCK_ADDRESS_INVALID);
    IS_OK0(udp_join(f, id, GROUP_2)); /* again, now at the end */
    GROUPS_ARE(udp_get_groups(f, id), "224.0.0.251", GROUP, GROUP_2);
    IS_OK0(udp_leave(f, id, "224.0.0.251"));
    IS_OK0(udp_leave(f, id, GROUP));
    IS_OK0(udp_leave(f, id, GROUP_2));
    NO_GROUPS(udp_get_groups(f, id));
}

/* udp.md 4.10 IPv6: normalisation; row 6: a dual-stack socket cannot join an IPv4 group. */
static void join_ipv6(fx *f) {
    uint16_t port;
    int32_t id;
    int expected;
    if (!udp_has_ipv6()) return;
    id = bound_on(f, "::", &port);
    IS_FAIL(udp_join(f, id, GROUP), CHROMESOCK_ADDRESS_INVALID);
    IS_FAIL(udp_join(f, id, "::1"), CHROMESOCK_INVALID_ARGUMENT);
    expected = net_code_of(udp_probe_join("::", "ff02::fb"));
    IS_CODE(udp_join(f, id, "FF02:0:0::FB"), expected);
    if (expected) return;
    GROUPS_ARE(udp_get_groups(f, id), "ff02::fb");
    IS_FAIL(udp_join(f, id, "ff02::00fb"), CHROMESOCK_ADDRESS_INVALID);
    IS_OK0(udp_leave(f, id, "ff02:0::fb"));
    NO_GROUPS(udp_get_groups(f, id));
}

/* udp.md 9 row 7: two joins of one group at once: the second -108 (row 4) or -147 (row 8). Row 5 of
 * 9: a join right behind the bind succeeds. */
static void joins_at_once(fx *f) {
    int32_t id;
    call *b, *one, *two, *groups;
    if (!multicast_works()) return;
    id = new_udp(f);
    b = udp_bind(f, id, "0.0.0.0", 0);
    one = udp_join(f, id, GROUP);
    two = udp_join(f, id, GROUP);
    groups = udp_get_groups(f, id);
    IS_OK0(b);
    IS_OK0(one);
    await(two);
    CHECK(two->done->result == CHROMESOCK_ADDRESS_INVALID ||
          two->done->result == CHROMESOCK_ADDRESS_IN_USE);
    CHECK_STR(two->done->message, net_name(two->done->result));
    GROUPS_ARE(groups, GROUP);
}

/* Members receive what is sent to the group, others do not; after leave no more. Two apps' sockets
 * may be members of one group on ports of their own. */
static void traffic_of_a_group(fx *f) {
    uint16_t port, sender_port;
    int32_t member, sender;
    if (!multicast_works()) return;
    member = bound_on(f, "0.0.0.0", &port);
    sender = bound_on(f, "0.0.0.0", &sender_port);
    IS_OK0(udp_join(f, member, GROUP));
    IS_SENT(udp_text(f, sender, "to members", GROUP, port), 10);
    CHECK_INT(datagram(f, member, "to members")->port, sender_port);
    IS_SENT(udp_text(f, sender, "elsewhere", GROUP_2, port), 9);
    IS_SENT(udp_text(f, sender, "mark", "127.0.0.1", port), 4);
    datagram(f, member, "mark"); /* and not "elsewhere" before it */
    IS_OK0(udp_leave(f, member, GROUP));
    IS_SENT(udp_text(f, sender, "too late", GROUP, port), 8);
    IS_SENT(udp_text(f, sender, "mark", "127.0.0.1", port), 4);
    datagram(f, member, "mark");
    settle(f);
    no_datagram(f, member);
}

/* udp.md 4.5: loopback false keeps what this socket sends away from its own host; true is the default.
 * The TTL is on the datagram, and only on multicast. */
static void options_at_work(fx *f) {
    static const int32_t ttls[] = {1, 7, 255};
    uint16_t port = 0, own;
    int member, ttl;
    char got[16];
    if (!multicast_works()) return;
    member = udp_peer_on("0.0.0.0", &port);
    udp_peer_join(member, GROUP);
    for (size_t n = 0; n < sizeof ttls / sizeof ttls[0]; n++) {
        int32_t id = new_udp(f);
        if (n) IS_OK0(udp_set_ttl(f, id, ttls[n])); /* 1 is the default */
        IS_OK0(udp_bind(f, id, "0.0.0.0", 0));
        IS_SENT(udp_text(f, id, "hop", GROUP, port), 3);
        ttl = -1;
        CHECK_MEM(got, udp_peer_read(member, got, sizeof got, NULL, &ttl), "hop", 3);
        CHECK_INT(ttl, ttls[n]);
        IS_SENT(udp_text(f, id, "uni", "127.0.0.1", port), 3);
        ttl = -1;
        udp_peer_read(member, got, sizeof got, NULL, &ttl);
        CHECK(ttl >= 32); /* the system's own, not ours */
    }
    int32_t quiet = new_udp(f), loud = bound_on(f, "0.0.0.0", &own);
    IS_OK0(udp_set_loopback(f, quiet, 0));
    IS_OK0(udp_bind(f, quiet, "0.0.0.0", 0));
    IS_SENT(udp_text(f, quiet, "unheard", GROUP, port), 7);
    IS_SENT(udp_text(f, loud, "heard", GROUP, port), 5);
    udp_peer_expect(member, "heard");
    CHECK_INT(udp_peer_waiting(member), 0);
    close(member);
}

/* udp.md 4.7: close leaves the groups: nothing of them is left on the machine's socket. */
static void close_leaves(fx *f) {
    uint16_t port;
    int32_t id;
    if (!multicast_works()) return;
    id = bound_on(f, "0.0.0.0", &port);
    IS_OK0(udp_join(f, id, GROUP));
    close_udp(f, id);
    IS_FAIL_TEXT(udp_get_groups(f, id), NOT_FOUND);
    CHECK_INT(fd_of(port, 0), -1);
}

/* udp.md 4.13: -15 unbound, repeatable, not reported; 11: -10 without it, then 0. */
static void broadcast(fx *f) {
    static const char *const loop = "127.255.255.255";
    uint16_t port, peer_port = 0;
    int peer = udp_peer_on("0.0.0.0", &peer_port);
    int32_t fresh = new_udp(f), id = bound_on(f, "0.0.0.0", &port);
    IS_FAIL(udp_set_broadcast(f, fresh, 1), CHROMESOCK_SOCKET_NOT_CONNECTED);
    IS_FAIL(udp_set_broadcast(f, fresh, 0), CHROMESOCK_SOCKET_NOT_CONNECTED);
    CHECK_INT(udp_probe_send("0.0.0.0", loop, peer_port, 1, 0), -EACCES);
    IS_SEND_FAIL(udp_text(f, id, "x", loop, peer_port), CHROMESOCK_ACCESS_DENIED);
    IS_OK0(udp_set_broadcast(f, id, 1));
    IS_OK0(udp_set_broadcast(f, id, 255));
    CHECK_INT(udp_info_of(f, id)->present, CHROMESOCK_SOCKET_INFO_LOCAL);
    CHECK_INT(udp_probe_send("0.0.0.0", loop, peer_port, 0, 1), 0);
    udp_peer_expect(peer, "");
    IS_SENT(udp_text(f, id, "to all", loop, peer_port), 6);
    udp_peer_expect(peer, "to all");
    IS_CODE(udp_send(f, id, "x", 0, "255.255.255.255", 9),
            net_code_of(udp_probe_send("0.0.0.0", "255.255.255.255", 9, 0, 1)) );
    IS_OK0(udp_set_broadcast(f, id, 0));
    IS_SEND_FAIL(udp_text(f, id, "x", loop, peer_port), CHROMESOCK_ACCESS_DENIED);
    close(peer);
}

/* udp.md 4.13: receiving broadcasts on a wildcard socket needs nothing. */
static void receiving_broadcasts(fx *f) {
    uint16_t port, peer_port = 0;
    int on = 1, peer = udp_peer_on("0.0.0.0", &peer_port);
    int32_t id = bound_on(f, "0.0.0.0", &port);
    CHECK_INT(setsockopt(peer, SOL_SOCKET, SO_BROADCAST, &on, sizeof on), 0);
    udp_peer_send(peer, "for all", 7, "127.255.255.255", port);
    CHECK_INT(datagram(f, id, "for all")->port, peer_port);
    close(peer);
}

/* udp.md 9 row 6: setBroadcast with a bind on its way: -15 while it is pending; a bind is over within
 * its turn here, so it may as well find the socket bound. */
static void broadcast_behind_bind(fx *f) {
    int32_t id = new_udp(f);
    call *b = udp_bind(f, id, "127.0.0.1", 0), *c = udp_set_broadcast(f, id, 1);
    IS_OK0(b);
    await(c);
    CHECK(c->done->seq > b->done->seq);
    IS_CODE(c, c->done->result == 0 ? 0 : CHROMESOCK_SOCKET_NOT_CONNECTED);
}

int main(int argc, char **argv) {
    harness_init(argc, argv);
    RUN_ALL_MODES(join_refusals);
    RUN_ALL_MODES(join_and_leave);
    RUN_ALL_MODES(join_ipv6);
    RUN_ALL_MODES(joins_at_once);
    RUN_ALL_MODES(traffic_of_a_group);
    RUN_ALL_MODES(options_at_work);
    RUN_ALL_MODES(close_leaves);
    RUN_ALL_MODES(broadcast);
    RUN_ALL_MODES(receiving_broadcasts);
    RUN_ALL_MODES(broadcast_behind_bind);
    return harness_finish();
}
