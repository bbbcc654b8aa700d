/* Calls of chrome.sockets.udp and of chrome.socket against a manifest (permissions.md 4, 5.3;
 * README S7): what is checked and after what, what a denied call gets, what is never checked. */
#include <unistd.h>

#include "calls_socket.h"
#include "calls_udp.h"
#include "resolve_shim.h"

static const char *const here[] = {"127.0.0.1", NULL};
static int udp_fd, listen_fd;
static uint16_t udp_port, tcp_port, free_port;   /* raw peers, and a port that may be bound */

/* sockets.udp: err(msg), no code (S7). */
static void udp_denied_at(const char *file, int line, call *c, const char *what, const char *rule,
                          const char *host, int32_t port) {
    const ev *e = await_at(file, line, c);
    fail_text_at(file, line, e, APP_DENIED);
    check_int_at(file, line, "present", e->present, 0);
    check_int_at(file, line, "result", e->result, 0);
    denial_told_at(file, line, c, what, rule, host, port);
}
/* chrome.socket: err(-1; msg). */
static void sock_denied_at(const char *file, int line, call *c, const char *what, const char *rule,
                           const char *host, int32_t port) {
    fail_code_at(file, line, await_at(file, line, c), -1, APP_DENIED);
    denial_told_at(file, line, c, what, rule, host, port);
}
#define UDP_DENIED(c, what, rule, host, port) \
    udp_denied_at(__FILE__, __LINE__, c, "sockets.udp." what, "sockets.udp." rule, host, port)
#define SOCK_DENIED(c, what, rule, host, port) \
    sock_denied_at(__FILE__, __LINE__, c, "socket." what, rule, host, port)
#define NOTHING_DENIED(f) no_event(f, CHROMESOCK_PERMISSION_DENIED, 0)

/* ---- chrome.sockets.udp, with rules for one host and port each ---- */

static void udp_bind_rows(fx *f) {
    int32_t id = new_udp(f);
    IS_FAIL_TEXT(udp_bind(f, 999, "10.0.0.1", 9), NOT_FOUND); /* the id first: nothing is denied */
    NOTHING_DENIED(f);
    UDP_DENIED(udp_bind(f, id, "127.0.0.2", free_port), "bind", "bind", "127.0.0.2", free_port);
    UDP_DENIED(udp_bind(f, id, "127.0.0.1", 0), "bind", "bind", "127.0.0.1", 0); /* 3: any port only */
    UDP_DENIED(udp_bind(f, id, "127.1", free_port), "bind", "bind", "127.1", free_port); /* text decides */
    /* permission before the literal and before the range (udp.md 4.4 rows 2, 4) */
    UDP_DENIED(udp_bind(f, id, "bad literal", 9), "bind", "bind", "bad literal", 9);
    UDP_DENIED(udp_bind(f, id, "127.0.0.1", 70000), "bind", "bind", "127.0.0.1", 70000);
    UDP_DENIED(udp_bind(f, id, "127.0.0.1", 65536 + free_port), "bind", "bind", "127.0.0.1",
               65536 + free_port); /* never narrowed */
    CHECK_INT(udp_info_of(f, id)->present, 0);
    IS_OK0(udp_bind(f, id, "127.0.0.1", free_port));
    /* before "already bound" (row 3), and the socket is not disturbed */
    UDP_DENIED(udp_bind(f, id, "0.0.0.0", free_port), "bind", "bind", "0.0.0.0", free_port);
    IS_FAIL(udp_bind(f, id, "127.0.0.1", free_port), CHROMESOCK_CONNECTION_FAILED);
    udp_peer_text(udp_fd, "incoming is never checked", free_port);
    datagram(f, id, "incoming is never checked");
    NOTHING_DENIED(f);
}

static void udp_send_rows(fx *f) {
    int32_t id = new_udp(f), fresh = new_udp(f);
    IS_OK0(udp_bind(f, id, "127.0.0.1", free_port));
    shim_clear();
    shim_set("denied.test", here);
    shim_set("allowed.test", here);
    IS_FAIL_TEXT(udp_text(f, 999, "x", "10.0.0.1", 9), NOT_FOUND);
    NOTHING_DENIED(f);
    for (int n = 0; n < 2; n++) { /* checked again on each call */
        UDP_DENIED(udp_text(f, id, "x", "127.0.0.2", udp_port), "send", "send", "127.0.0.2", udp_port);
        UDP_DENIED(udp_text(f, id, "x", "127.0.0.1", free_port), "send", "send", "127.0.0.1", free_port);
    }
    /* before the resolver, "not bound", the port range and the size (udp.md 4.6 rows 3 to 8) */
    UDP_DENIED(udp_text(f, id, "x", "denied.test", udp_port), "send", "send", "denied.test", udp_port);
    UDP_DENIED(udp_text(f, fresh, "x", "127.0.0.2", udp_port), "send", "send", "127.0.0.2", udp_port);
    UDP_DENIED(udp_text(f, id, "x", "127.0.0.1", 65536 + udp_port), "send", "send", "127.0.0.1",
               65536 + udp_port);
    UDP_DENIED(udp_text(f, id, "x", "localhost", udp_port), "send", "send", "localhost", udp_port);
    UDP_DENIED(udp_text(f, id, "x", "", udp_port), "send", "send", "", udp_port);
    CHECK_INT(shim_queries(), 0);
    CHECK_INT(udp_peer_waiting(udp_fd), 0);
    IS_SEND_FAIL(udp_text(f, fresh, "x", "127.0.0.1", udp_port), CHROMESOCK_SOCKET_NOT_CONNECTED);
    IS_SENT(udp_text(f, id, "yes", "127.0.0.1", udp_port), 3);
    udp_peer_expect(udp_fd, "yes");
    /* the resolved address is not checked (udp.md 6.1), case is folded (permissions.md 3) */
    IS_SENT(udp_text(f, id, "name", "Allowed.test", udp_port), 4);
    udp_peer_expect(udp_fd, "name");
    NOTHING_DENIED(f);
}

static void udp_membership_denied(fx *f) {
    int32_t id = new_udp(f);
    IS_OK0(udp_bind(f, id, "127.0.0.1", free_port));
    UDP_DENIED(udp_join(f, id, "224.0.0.251"), "joinGroup", "multicastMembership", "*", 0);
    UDP_DENIED(udp_join(f, id, "bad"), "joinGroup", "multicastMembership", "*", 0); /* 4.10 2 before 3 */
    UDP_DENIED(udp_leave(f, id, "224.0.0.251"), "leaveGroup", "multicastMembership", "*", 0);
    UDP_DENIED(udp_get_groups(f, id), "getJoinedGroups", "multicastMembership", "*", 0);
    UDP_DENIED(udp_join(f, new_udp(f), "224.0.0.251"), "joinGroup", "multicastMembership", "*", 0);
    IS_FAIL_TEXT(udp_join(f, 999, "224.0.0.251"), NOT_FOUND);
    IS_FAIL_TEXT(udp_get_groups(f, 999), NOT_FOUND);
    NOTHING_DENIED(f);
}

/* The quota comes before the permission, takes nothing when denied, and is given back. */
enum { QUOTA = 1000 };
static void quota_and_permission(fx *f) {
    static const char block[QUOTA + 1];
    int32_t id = new_udp(f), udp = new_sock(f, UDP);
    IS_FAIL_TEXT(udp_send(f, id, block, QUOTA + 1, "127.0.0.2", 9), QUOTA_EXCEEDED);
    NOTHING_DENIED(f);
    UDP_DENIED(udp_send(f, id, block, QUOTA, "127.0.0.2", 9), "send", "send", "127.0.0.2", 9);
    CHECK_INT(fx_stats(f).unsent_bytes, 0);
    SOCK_DENIED(sock_send_to(f, udp, block, QUOTA + 1, "127.0.0.2", 9), "sendTo", "udp-send-to",
                "127.0.0.2", 9); /* there it comes last */
    CHECK_INT(fx_stats(f).unsent_bytes, 0);
}

/* ---- chrome.socket ---- */

static void sock_connect_rows(fx *f) {
    int32_t tcp = new_sock(f, TCP), udp = new_sock(f, UDP);
    int peer;
    call *c;
    shim_clear();
    shim_set("denied.test", here);
    RESULT_TEXT(sock_connect(f, 999, "10.0.0.1", 9), -1, NOT_FOUND);
    IS_FAIL_TEXT(sock_connect(f, tcp, "10.0.0.1", 65536), PORT_RANGE); /* the range first */
    NOTHING_DENIED(f);
    SOCK_DENIED(sock_connect(f, tcp, "127.0.0.2", tcp_port), "connect", "tcp-connect", "127.0.0.2", tcp_port);
    SOCK_DENIED(sock_connect(f, tcp, "denied.test", tcp_port), "connect", "tcp-connect", "denied.test",
                tcp_port);
    SOCK_DENIED(sock_connect(f, tcp, "127.0.0.1", udp_port), "connect", "tcp-connect", "127.0.0.1", udp_port);
    /* UDP asks for udp-send-to: the TCP rule does not count, nor the other way round */
    SOCK_DENIED(sock_connect(f, udp, "127.0.0.1", tcp_port), "connect", "udp-send-to", "127.0.0.1", tcp_port);
    SOCK_DENIED(sock_connect(f, udp, "denied.test", udp_port), "connect", "udp-send-to", "denied.test",
                udp_port);
    CHECK_INT(shim_queries(), 0);
    CHECK_INT(peer_accept_pending(listen_fd), 0);
    SOCK_INFO(f, udp, UDP, 0, 0);
    /* no effect: the mode is still open */
    RESULT_TEXT(sock_listen(f, tcp, "bad", 0, 5), -1, APP_DENIED);
    await_event(f, CHROMESOCK_PERMISSION_DENIED, tcp);
    c = sock_connect(f, tcp, "127.0.0.1", tcp_port);
    peer = peer_accept(listen_fd);
    RESULT(c, 0);
    RESULT(sock_connect(f, udp, "127.0.0.1", udp_port), 0);
    RESULT(sock_text(f, udp, "write is never checked"), 22);
    udp_peer_expect(udp_fd, "write is never checked");
    SOCK_DENIED(sock_connect(f, tcp, "127.0.0.2", tcp_port), "connect", "tcp-connect", "127.0.0.2",
                tcp_port); /* before the state */
    SOCK_INFO(f, tcp, TCP, 1, LOCAL | PEER);
    RESULT(sock_text(f, tcp, "alive"), 5);
    peer_expect(peer, "alive");
    peer_text(peer, "read neither");
    READ_TEXT(sock_read(f, tcp, NOT_GIVEN), "read neither");
    NOTHING_DENIED(f);
    close(peer);
}

static void sock_bind_rows(fx *f) {
    int32_t tcp = new_sock(f, TCP), udp = new_sock(f, UDP);
    IS_FAIL_TEXT(sock_bind(f, udp, "10.0.0.1", -1), PORT_RANGE);
    RESULT_TEXT(sock_bind(f, 999, "10.0.0.1", 9), -1, NOT_FOUND);
    RESULT_TEXT(sock_bind(f, tcp, "10.0.0.1", 9), -1, NO_TCP_BIND); /* type before permission */
    NOTHING_DENIED(f);
    SOCK_DENIED(sock_bind(f, udp, "127.0.0.2", free_port), "bind", "udp-bind", "127.0.0.2", free_port);
    SOCK_DENIED(sock_bind(f, udp, "127.0.0.1", 0), "bind", "udp-bind", "127.0.0.1", 0);
    SOCK_DENIED(sock_bind(f, udp, "bad", 9), "bind", "udp-bind", "bad", 9); /* before the literal */
    SOCK_INFO(f, udp, UDP, 0, 0);
    RESULT(sock_bind(f, udp, "127.0.0.1", free_port), 0);
    SOCK_DENIED(sock_bind(f, udp, "127.0.0.2", free_port), "bind", "udp-bind", "127.0.0.2", free_port);
    RESULT(sock_bind(f, udp, "127.0.0.1", free_port), CHROMESOCK_CONNECTION_FAILED);
    udp_peer_text(udp_fd, "never checked", free_port);
    RECEIVED(sock_recv_from(f, udp, NOT_GIVEN), "never checked", udp_port);
    NOTHING_DENIED(f);
}

static void sock_send_to_rows(fx *f) {
    int32_t tcp = new_sock(f, TCP), udp = new_sock(f, UDP);
    shim_clear();
    shim_set("denied.test", here);
    RESULT(sock_bind(f, udp, "127.0.0.1", free_port), 0);
    IS_FAIL_TEXT(sock_send_to(f, udp, "x", 1, "10.0.0.1", 65536), PORT_RANGE);
    RESULT_TEXT(sock_send_to(f, 999, "x", 1, "10.0.0.1", 9), -1, NOT_FOUND);
    RESULT(sock_send_to(f, tcp, "x", 1, "denied.test", 9), CHROMESOCK_FAILED); /* never checked on TCP */
    NOTHING_DENIED(f);
    SOCK_DENIED(sock_send_to(f, udp, "x", 1, "127.0.0.2", udp_port), "sendTo", "udp-send-to", "127.0.0.2",
                udp_port);
    SOCK_DENIED(sock_send_to(f, udp, "x", 1, "denied.test", udp_port), "sendTo", "udp-send-to",
                "denied.test", udp_port);
    SOCK_DENIED(sock_send_to(f, new_sock(f, UDP), "x", 1, "127.0.0.2", udp_port), "sendTo",
                "udp-send-to", "127.0.0.2", udp_port); /* before "not bound" */
    CHECK_INT(shim_queries(), 0);
    CHECK_INT(udp_peer_waiting(udp_fd), 0);
    RESULT(sock_send_to(f, udp, "yes", 3, "127.0.0.1", udp_port), 3);
    udp_peer_expect(udp_fd, "yes");
    NOTHING_DENIED(f);
}

static void sock_listen_rows(fx *f) {
    int32_t tcp = new_sock(f, TCP), udp = new_sock(f, UDP);
    int peer;
    call *a;
    RESULT_TEXT(sock_listen(f, 999, "10.0.0.1", 9, 5), -1, NOT_FOUND);
    NOTHING_DENIED(f);
    SOCK_DENIED(sock_listen(f, tcp, "127.0.0.2", free_port, 5), "listen", "tcp-listen", "127.0.0.2", free_port);
    SOCK_DENIED(sock_listen(f, tcp, "127.0.0.1", 0, 5), "listen", "tcp-listen", "127.0.0.1", 0);
    SOCK_DENIED(sock_listen(f, tcp, "bad", 9, 0), "listen", "tcp-listen", "bad", 9);
    /* not the type: UDP without a rule reports permission (4.10) */
    SOCK_DENIED(sock_listen(f, udp, "127.0.0.2", 9, 5), "listen", "tcp-listen", "127.0.0.2", 9);
    RESULT_TEXT(sock_listen(f, udp, "127.0.0.1", free_port, 5), CHROMESOCK_FAILED, WRONG_TYPE);
    RESULT(sock_listen(f, tcp, "127.0.0.1", free_port, 5), 0);
    a = sock_accept(f, tcp);
    peer = peer_connect("127.0.0.1", free_port);
    RESULT(a, 0); /* accept and the accepted socket need none */
    RESULT(sock_text(f, a->done->client, "hi"), 2);
    peer_expect(peer, "hi");
    NOTHING_DENIED(f);
    close(peer);
}

static void sock_membership_denied(fx *f) {
    int32_t tcp = new_sock(f, TCP), udp = new_sock(f, UDP);
    RESULT_TEXT(sock_join(f, tcp, "224.0.0.251"), -1, ONLY_UDP); /* type first */
    RESULT_TEXT(sock_get_groups(f, tcp), -1, ONLY_UDP);
    NOTHING_DENIED(f);
    SOCK_DENIED(sock_join(f, udp, "224.0.0.251"), "joinGroup", "udp-multicast-membership", "*", 0);
    SOCK_DENIED(sock_join(f, udp, "bad"), "joinGroup", "udp-multicast-membership", "*", 0);
    SOCK_DENIED(sock_leave(f, udp, "224.0.0.251"), "leaveGroup", "udp-multicast-membership", "*", 0);
    SOCK_DENIED(sock_get_groups(f, udp), "getJoinedGroups", "udp-multicast-membership", "*", 0);
}

/* ---- other manifests ---- */

/* Membership is one grant for all groups and all three calls; TTL, loopback, broadcast need none. */
static void membership_allowed(fx *f) {
    int32_t id = new_udp(f), udp = new_sock(f, UDP);
    int works = udp_probe_join("0.0.0.0", "239.255.41.39") == 0;
    IS_OK0(udp_bind(f, id, "0.0.0.0", 0));
    RESULT(sock_bind(f, udp, "0.0.0.0", 0), 0);
    if (works) {
        IS_OK0(udp_join(f, id, "239.255.41.39"));
        RESULT(sock_join(f, udp, "239.255.41.39"), 0);
        GROUPS_ARE(udp_get_groups(f, id), "239.255.41.39");
        GROUPS_ARE(sock_get_groups(f, udp), "239.255.41.39");
        IS_OK0(udp_leave(f, id, "239.255.41.39"));
        RESULT(sock_leave(f, udp, "239.255.41.39"), 0);
    }
    NO_GROUPS(udp_get_groups(f, id));
    NOTHING_DENIED(f);
    UDP_DENIED(udp_text(f, id, "x", "127.0.0.1", 9), "send", "send", "127.0.0.1", 9);
    SOCK_DENIED(sock_send_to(f, udp, "x", 1, "127.0.0.1", 9), "sendTo", "udp-send-to", "127.0.0.1", 9);
}

/* Section 4 "Never checked", and 1: the key grants nothing for chrome.socket and the reverse. */
static void never_checked(fx *f) {
    int32_t id = new_udp(f), tcp = new_sock(f, TCP), udp = new_sock(f, UDP);
    IS_OK(udp_update(f, id, NULL));
    IS_OK(udp_set_paused(f, id, 1));
    IS_OK(udp_get_info(f, id));
    IS_OK(udp_get_sockets(f));
    IS_OK0(udp_set_ttl(f, id, 3));
    IS_OK0(udp_set_loopback(f, id, 1));
    IS_FAIL(udp_set_broadcast(f, id, 1), CHROMESOCK_SOCKET_NOT_CONNECTED);
    IS_OK(udp_close(f, id));
    IS_OK(sock_get_info(f, tcp));
    IS_OK(sock_get_network_list(f));
    RESULT(sock_set_ttl(f, udp, 3), 0);
    RESULT(sock_set_loopback(f, udp, 1), 0);
    RESULT(sock_set_keep_alive(f, tcp, 1, 1), 0);
    RESULT(sock_set_no_delay(f, tcp, 1), 0);
    READ_FAILED(sock_read(f, tcp, NOT_GIVEN), CHROMESOCK_FAILED);
    RESULT(sock_text(f, tcp, "x"), CHROMESOCK_SOCKET_NOT_CONNECTED);
    RECEIVE_FAILED(sock_recv_from(f, udp, NOT_GIVEN), CHROMESOCK_SOCKET_NOT_CONNECTED);
    RESULT(sock_accept(f, tcp), CHROMESOCK_FAILED);
    RESULT(sock_send_to(f, tcp, "x", 1, "127.0.0.1", 9), CHROMESOCK_FAILED);
    IS_OK(sock_disconnect(f, tcp));
    IS_OK(sock_destroy(f, tcp));
    NOTHING_DENIED(f);
}

static void udp_all_denied(fx *f) {
    int32_t id = new_udp(f);
    UDP_DENIED(udp_bind(f, id, "127.0.0.1", 0), "bind", "bind", "127.0.0.1", 0);
    UDP_DENIED(udp_text(f, id, "x", "127.0.0.1", 9), "send", "send", "127.0.0.1", 9);
    UDP_DENIED(udp_join(f, id, "224.0.0.251"), "joinGroup", "multicastMembership", "*", 0);
    UDP_DENIED(udp_leave(f, id, "224.0.0.251"), "leaveGroup", "multicastMembership", "*", 0);
    UDP_DENIED(udp_get_groups(f, id), "getJoinedGroups", "multicastMembership", "*", 0);
}
static void sock_all_denied(fx *f) {
    int32_t tcp = new_sock(f, TCP), udp = new_sock(f, UDP);
    SOCK_DENIED(sock_connect(f, tcp, "127.0.0.1", 9), "connect", "tcp-connect", "127.0.0.1", 9);
    SOCK_DENIED(sock_connect(f, udp, "127.0.0.1", 9), "connect", "udp-send-to", "127.0.0.1", 9);
    SOCK_DENIED(sock_listen(f, tcp, "127.0.0.1", 9, 5), "listen", "tcp-listen", "127.0.0.1", 9);
    SOCK_DENIED(sock_bind(f, udp, "127.0.0.1", 9), "bind", "udp-bind", "127.0.0.1", 9);
    SOCK_DENIED(sock_send_to(f, udp, "x", 1, "127.0.0.1", 9), "sendTo", "udp-send-to", "127.0.0.1", 9);
    SOCK_DENIED(sock_get_groups(f, udp), "getJoinedGroups", "udp-multicast-membership", "*", 0);
}
static void nothing_granted(fx *f) {
    never_checked(f);
    udp_all_denied(f);
    sock_all_denied(f);
}
static void legacy_rules_are_not_for_sockets(fx *f) {
    uint16_t port;
    udp_all_denied(f);
    sock_bound(f, &port);
    NOTHING_DENIED(f);
}
static void sockets_rules_are_not_for_legacy(fx *f) {
    uint16_t port;
    sock_all_denied(f);
    bound(f, &port);
    NOTHING_DENIED(f);
}

/* permissions.md 5.3, the calls of UDP and of chrome.socket. */
static void the_worked_example(fx *f) {
    int32_t id = new_udp(f), tcp = new_sock(f, TCP), udp = new_sock(f, UDP);
    shim_clear();
    IS_OK0(udp_bind(f, id, "0.0.0.0", 0));
    IS_SEND_FAIL(udp_text(f, id, "x", "ns.example.com.test", 53), CHROMESOCK_NAME_NOT_RESOLVED);
    await(udp_text(f, id, "x", "224.0.0.251", 5353));
    NOTHING_DENIED(f);
    UDP_DENIED(udp_text(f, id, "x", "224.0.0.251", 5354), "send", "send", "224.0.0.251", 5354);
    await(udp_join(f, id, "239.1.1.1"));
    NOTHING_DENIED(f);
    RESULT_TEXT(sock_connect(f, tcp, "www.example.com.test", 443), CHROMESOCK_NAME_NOT_RESOLVED, NO_DNS);
    NOTHING_DENIED(f);
    SOCK_DENIED(sock_listen(f, tcp, "127.0.0.1", 8080, 5), "listen", "tcp-listen", "127.0.0.1", 8080);
    SOCK_DENIED(sock_send_to(f, udp, "x", 1, "ns.example.com.test", 53), "sendTo", "udp-send-to",
                "ns.example.com.test", 53);
    RESULT(sock_bind(f, udp, "0.0.0.0", 0), 0);
}

int main(int argc, char **argv) {
    static char narrow[1200];
    chromesock_app_options o;
    udp_fd = udp_peer(&udp_port);
    listen_fd = peer_listen(&tcp_port);
    free_port = quiet_port();
    snprintf(narrow, sizeof narrow,
             "{\"sockets\":{\"udp\":{\"bind\":\"127.0.0.1:%u\",\"send\":[\"127.0.0.1:%u\",\"allowed.test\"]}},"
             "\"permissions\":[{\"socket\":[\"tcp-connect:127.0.0.1:%u\",\"tcp-listen:127.0.0.1:%u\","
             "\"udp-bind:127.0.0.1:%u\",\"udp-send-to:127.0.0.1:%u\"]}]}",
             (unsigned)free_port, (unsigned)udp_port, (unsigned)tcp_port, (unsigned)free_port,
             (unsigned)free_port, (unsigned)udp_port);
    memset(&o, 0, sizeof o);
    harness_init(argc, argv);
    o.manifest = narrow;
    RUN_ALL_MODES_WITH(udp_bind_rows, &o);
    RUN_ALL_MODES_WITH(udp_send_rows, &o);
    RUN_ALL_MODES_WITH(udp_membership_denied, &o);
    RUN_ALL_MODES_WITH(sock_connect_rows, &o);
    RUN_ALL_MODES_WITH(sock_bind_rows, &o);
    RUN_ALL_MODES_WITH(sock_send_to_rows, &o);
    RUN_ALL_MODES_WITH(sock_listen_rows, &o);
    RUN_ALL_MODES_WITH(sock_membership_denied, &o);
    o.present = CHROMESOCK_APP_OPTIONS_WRITE_QUOTA;
    o.write_quota_bytes = QUOTA;
    RUN_ALL_MODES_WITH(quota_and_permission, &o);
    o.present = 0;
    o.manifest = "{\"sockets\":{\"udp\":{\"bind\":\"*\",\"multicastMembership\":\"\"}},"
                 "\"permissions\":[{\"socket\":[\"udp-bind\",\"udp-multicast-membership\"]}]}";
    RUN_ALL_MODES_WITH(membership_allowed, &o);
    o.manifest = "{\"sockets\":{},\"permissions\":[\"socket\"]}";
    RUN_ALL_MODES_WITH(nothing_granted, &o);
    o.manifest = "{\"name\":\"no key\"}";
    RUN_ALL_MODES_WITH(nothing_granted, &o);
    o.manifest = "{\"permissions\":[{\"socket\":[\"tcp-connect\",\"tcp-listen\",\"udp-bind\","
                 "\"udp-send-to\",\"udp-multicast-membership\"]}]}";
    RUN_ALL_MODES_WITH(legacy_rules_are_not_for_sockets, &o);
    o.manifest = "{\"sockets\":{\"tcp\":{\"connect\":\"*\"},\"tcpServer\":{\"listen\":\"*\"},"
                 "\"udp\":{\"bind\":\"*\",\"send\":\"*\",\"multicastMembership\":\"\"}}}";
    RUN_ALL_MODES_WITH(sockets_rules_are_not_for_legacy, &o);
    o.manifest =
        "{\"name\":\"demo\",\"version\":\"1\",\"manifest_version\":2,\"permissions\":[\"storage\","
        "{\"socket\":[\"tcp-connect:*.Example.com.test:443\",\"udp-bind\",\"bogus:1:2\"]}],"
        "\"sockets\":{\"udp\":{\"bind\":\"*\",\"send\":[\"*.example.com.test:53\",\"224.0.0.251:5353\"],"
        "\"multicastMembership\":\"\"},\"tcpServer\":{\"listen\":\"127.0.0.1:8080\"}}}";
    RUN_ALL_MODES_WITH(the_worked_example, &o);
    return harness_finish();
}
