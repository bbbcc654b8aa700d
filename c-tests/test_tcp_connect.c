/* sockets.tcp: connect without names (tcp.md 3.5, matrix 13, literals of 10). */
#include <unistd.h>

#include "harness.h"

/* 3.5 step 9; CN-3: after a failure the same socket connects at once. */
static void connect_and_refused(fx *f) {
    uint16_t port;
    int32_t id = new_tcp(f);
    int listen_fd, peer;
    IS_FAIL(tcp_connect(f, id, "127.0.0.1", dead_port()), CHROMESOCK_CONNECTION_REFUSED);
    CHECK_INT(info_of(f, id)->connected, 0); /* 2.2 "failed connect" */
    CHECK_INT(info_of(f, id)->paused, 0);
    CHECK_STR(info_of(f, id)->peer_address, NULL);
    listen_fd = peer_listen(&port);
    connect_to(f, id, listen_fd, &peer);
    peer_text(peer, "hi");
    receive(f, id, "hi");
    no_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE_ERROR, id);
    close(peer);
    close(listen_fd);
}

/* 2.2 "failed connect": paused is unchanged. */
static void a_failed_connect_keeps_paused(fx *f) {
    int32_t id = new_tcp_paused(f);
    IS_FAIL(tcp_connect(f, id, "127.0.0.1", dead_port()), CHROMESOCK_CONNECTION_REFUSED);
    CHECK_INT(info_of(f, id)->paused, 1);
}

/* D6 (3.5 step 3a), before name resolution; CN-6 (Linux). */
static void ports_out_of_range(fx *f) {
    static const int32_t ports[] = {-1, 65536, 70000, INT32_MIN, INT32_MAX};
    int32_t id = new_tcp(f);
    for (size_t n = 0; n < sizeof ports / sizeof ports[0]; n++) {
        IS_FAIL(tcp_connect(f, id, "127.0.0.1", ports[n]), CHROMESOCK_INVALID_ARGUMENT);
        IS_FAIL(tcp_connect(f, id, "not a name", ports[n]), CHROMESOCK_INVALID_ARGUMENT);
    }
    IS_FAIL(tcp_connect(f, id, "127.0.0.1", 0), CHROMESOCK_CONNECTION_REFUSED);
}

/* CN-1, matrix row "read in flight": a failing second connect disturbs nothing. */
static void connect_on_a_connected_socket(fx *f) {
    int peer;
    uint16_t port;
    int32_t id = connected(f, &peer);
    int other = peer_listen(&port);
    IS_FAIL(tcp_connect(f, id, "127.0.0.1", port), CHROMESOCK_SOCKET_IS_CONNECTED);
    IS_FAIL(tcp_connect(f, id, "", port), CHROMESOCK_NAME_NOT_RESOLVED);
    IS_FAIL(tcp_connect(f, id, "127.0.0.1", 70000), CHROMESOCK_INVALID_ARGUMENT);
    CHECK_INT(peer_accept_pending(other), 0);
    CHECK_INT(info_of(f, id)->connected, 1);
    CHECK_INT(info_of(f, id)->peer_port, port_of(peer));
    peer_text(peer, "unharmed");
    receive(f, id, "unharmed");
    IS_SENT(tcp_send(f, id, "yes", 3), 3);
    peer_expect(peer, "yes");
    close(other);
    close(peer);
}

/* Matrix row "connect, TCP phase"; 3.5 step 6. */
static void calls_during_the_tcp_phase(fx *f) {
    blackhole b;
    int32_t id = new_tcp(f);
    call *c;
    blackhole_open(&b, "127.0.0.1", 0);
    c = tcp_connect(f, id, "127.0.0.1", b.port);
    IS_FAIL(tcp_connect(f, id, "127.0.0.1", b.port), CHROMESOCK_CONNECTION_FAILED);
    IS_FAIL(tcp_connect(f, id, "127.0.0.1", dead_port()), CHROMESOCK_CONNECTION_FAILED);
    IS_FAIL(tcp_connect(f, id, "", 1), CHROMESOCK_NAME_NOT_RESOLVED); /* CN-1 */
    IS_SEND_FAIL(tcp_send(f, id, "x", 1), CHROMESOCK_SOCKET_NOT_CONNECTED); /* S-6 */
    IS_OK(tcp_set_paused(f, id, 1));
    IS_OK(tcp_set_paused(f, id, 0));
    CHECK(c->done == NULL);
    blackhole_wake(&b); /* the kernel tries again after about one second */
    IS_OK0(c);
    CHECK_INT(info_of(f, id)->connected, 1);
    blackhole_close(&b);
}

/* 20.6. */
static void two_connects_back_to_back(fx *f) {
    uint16_t port;
    int listen_fd = peer_listen(&port), peer;
    int32_t id = new_tcp(f);
    call *one = tcp_connect(f, id, "127.0.0.1", port), *two = tcp_connect(f, id, "127.0.0.1", port);
    peer = peer_accept(listen_fd);
    IS_OK0(one);
    await(two);
    if (two->done->result == CHROMESOCK_CONNECTION_FAILED)
        IS_FAIL(two, CHROMESOCK_CONNECTION_FAILED);
    else
        IS_FAIL(two, CHROMESOCK_SOCKET_IS_CONNECTED);
    peer_text(peer, "one");
    receive(f, id, "one");
    CHECK_INT(peer_accept_pending(listen_fd), 0);
    close(peer);
    close(listen_fd);
}

/* CN-7 (D8), R-9, O-4, O-8: the peer writes and closes before we can look. */
static void a_peer_that_closes_at_once(fx *f) {
    uint16_t port;
    int listen_fd = peer_listen(&port);
    for (int n = 0; n < 40; n++) {
        int32_t id = new_tcp(f);
        call *c = tcp_connect(f, id, "127.0.0.1", port);
        int peer = peer_accept(listen_fd);
        if (n % 2) peer_text(peer, "bye");
        close(peer);
        IS_OK0(c);
        if (n % 2) receive(f, id, "bye");
        receive_error(f, id, CHROMESOCK_CONNECTION_CLOSED);
        for (size_t k = 0; k < f->len; k++)
            if (f->events[k]->id == id && f->events[k]->type == CHROME_SOCKETS_TCP_ON_RECEIVE)
                CHECK(f->events[k]->seq > c->done->seq);
        close_tcp(f, id, 0);
    }
    close(listen_fd);
}

/* DN-1, LS-2: every form a URL parser takes. */
static void ipv4_literals(fx *f) {
    static const char *const forms[] = {"127.0.0.1", "127.1", "127.0.1", "0x7f.1", "2130706433",
                                        "0x7f000001", "0177.0.0.1"};
    uint16_t port;
    int listen_fd = peer_listen(&port), peer;
    for (size_t n = 0; n < sizeof forms / sizeof forms[0]; n++) {
        int32_t id = new_tcp(f);
        call *c = tcp_connect_type(f, id, forms[n], port, CHROME_SOCKETS_DNS_QUERY_TYPE_IPV4);
        peer = peer_accept(listen_fd);
        IS_OK0(c);
        CHECK_STR(info_of(f, id)->peer_address, "127.0.0.1");
        close(peer);
    }
    close(listen_fd);
}

/* Any form, but none of more than 4,096 bytes (header); of a longer one no part is taken for it. */
static void long_literals(fx *f) {
    static const struct { size_t zeros; const char *end; int is_host; } forms[] = {
        {4090, "7f.1", 1}, {4091, "7f.1", 0}, {4090, "7f.1.", 0}, {100000, "7f.1", 0},
        {4084, "7f.000001\xc2\xad", 0}, {4084, "7f.00000\xe2\x82\xac", 0}, /* cut at the border of a character */
    };
    uint16_t port;
    int listen_fd = peer_listen(&port);
    char *text = malloc(200000);
    CHECK(text != NULL);
    for (size_t n = 0; n < sizeof forms / sizeof forms[0]; n++) {
        int32_t id = new_tcp(f);
        memcpy(text, "0x", 2);
        memset(text + 2, '0', forms[n].zeros);
        strcpy(text + 2 + forms[n].zeros, forms[n].end);
        if (forms[n].is_host)
            IS_OK0(tcp_connect(f, id, text, port));
        else
            IS_FAIL(tcp_connect(f, id, text, port), CHROMESOCK_NAME_NOT_RESOLVED);
        IS_OK(tcp_close(f, id));
    }
    free(text);
    close(listen_fd);
}

/* DN-1, DN-4 (D7: brackets), T-1 (mapped addresses in pure hex). */
static void ipv6_literals(fx *f) {
    static const char *const forms[] = {"::1", "[::1]", "0:0::0:1"};
    uint16_t port = 0, port4;
    int listen_fd = peer_listen_on("::1", &port, 16), listen4 = peer_listen(&port4), peer;
    int32_t id;
    call *c;
    for (size_t n = 0; n < sizeof forms / sizeof forms[0]; n++) {
        id = new_tcp(f);
        c = tcp_connect_type(f, id, forms[n], port, CHROME_SOCKETS_DNS_QUERY_TYPE_IPV6);
        peer = peer_accept(listen_fd);
        IS_OK0(c);
        CHECK_STR(info_of(f, id)->peer_address, "::1");
        close(peer);
    }
    id = new_tcp(f);
    c = tcp_connect(f, id, "::ffff:127.0.0.1", port4);
    peer = peer_accept(listen4);
    IS_OK0(c);
    CHECK_STR(info_of(f, id)->peer_address, "::ffff:7f00:1");
    close(peer);
    close(listen_fd);
    close(listen4);
}

/* DN-1: a family that contradicts dnsQueryType. */
static void literals_of_the_wrong_family(fx *f) {
    int32_t id = new_tcp(f);
    IS_FAIL(tcp_connect_type(f, id, "127.0.0.1", 1, CHROME_SOCKETS_DNS_QUERY_TYPE_IPV6),
            CHROMESOCK_NAME_NOT_RESOLVED);
    IS_FAIL(tcp_connect_type(f, id, "::1", 1, CHROME_SOCKETS_DNS_QUERY_TYPE_IPV4),
            CHROMESOCK_NAME_NOT_RESOLVED);
    IS_FAIL(tcp_connect_type(f, id, "[::1]", 1, CHROME_SOCKETS_DNS_QUERY_TYPE_IPV4),
            CHROMESOCK_NAME_NOT_RESOLVED);
}

/* 3.5 OS table: no route; EINVAL for link-local without zone. DN-9: no zones. */
static void addresses_the_os_refuses(fx *f) {
    int32_t id = new_tcp(f);
    IS_FAIL(tcp_connect(f, id, "224.0.0.1", 80), CHROMESOCK_ADDRESS_UNREACHABLE);
    IS_FAIL(tcp_connect(f, id, "fe80::1", 80), CHROMESOCK_INVALID_ARGUMENT);
    IS_FAIL(tcp_connect(f, id, "fe80::1%lo", 80), CHROMESOCK_NAME_NOT_RESOLVED);
    IS_FAIL(tcp_connect(f, id, "fe80::1%1", 80), CHROMESOCK_NAME_NOT_RESOLVED);
    IS_FAIL(tcp_connect(f, id, "::1%lo", 80), CHROMESOCK_NAME_NOT_RESOLVED);
}

/* CN-8: nothing but the OS ends an attempt; close does (CL-3), and leaves no descriptor. */
static void many_attempts_closed(fx *f) {
    blackhole b;
    call *c[30];
    int before;
    blackhole_open(&b, "127.0.0.1", 0);
    settle(f);
    before = count_fds();
    for (int n = 0; n < 30; n++) {
        int32_t id;
        tcp_create(f, NULL, &id);
        c[n] = tcp_connect(f, id, "127.0.0.1", b.port);
        tcp_close(f, id);
    }
    for (int n = 0; n < 30; n++) IS_FAIL(c[n], CHROMESOCK_ABORTED);
    wait_until(f, count_fds() <= before);
    blackhole_close(&b);
}

int main(int argc, char **argv) {
    harness_init(argc, argv);
    RUN_ALL_MODES(connect_and_refused);
    RUN_ALL_MODES(a_failed_connect_keeps_paused);
    RUN_ALL_MODES(ports_out_of_range);
    RUN_ALL_MODES(connect_on_a_connected_socket);
    RUN_ALL_MODES(calls_during_the_tcp_phase);
    RUN_ALL_MODES(two_connects_back_to_back);
    RUN_ALL_MODES(a_peer_that_closes_at_once);
    RUN_ALL_MODES(ipv4_literals);
    RUN_ALL_MODES(long_literals);
    RUN_ALL_MODES(ipv6_literals);
    RUN_ALL_MODES(literals_of_the_wrong_family);
    RUN_ALL_MODES(addresses_the_os_refuses);
    RUN_ALL_MODES(many_attempts_closed);
    return harness_finish();
}
