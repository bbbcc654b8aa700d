/* When secure may be called, what a refusal does to the socket, and which versions it offers (tcp.md
 * 7.1, 7.2, 7.3; socket-legacy.md 7). */
#include <unistd.h>

#include "calls_socket.h"
#include "tls_peer.h"

/* TLS-1, README S2: unknown ids, also those of other namespaces. */
static void unknown_ids(fx *f) {
    int32_t server = new_server(f), tcp = new_tcp(f), sock = new_sock(f, TCP), udp = new_sock(f, UDP);
    int32_t gone = new_tcp(f), ids[] = {0, -1, INT32_MIN, INT32_MAX, server, sock, gone};
    IS_OK(tcp_close(f, gone));
    for (size_t n = 0; n < sizeof ids / sizeof ids[0]; n++)
        IS_FAIL_BOTH(tcp_secure(f, ids[n]), CHROMESOCK_INVALID_ARGUMENT, NOT_FOUND);
    IS_FAIL_BOTH(sock_secure(f, tcp), CHROMESOCK_INVALID_ARGUMENT, NOT_FOUND);
    IS_FAIL_BOTH(sock_secure(f, 999), CHROMESOCK_INVALID_ARGUMENT, NOT_FOUND); /* socket-legacy.md 7 row 1 */
    IS_FAIL_BOTH(sock_secure(f, udp), CHROMESOCK_INVALID_ARGUMENT, ONLY_TCP);  /* row 2 */
    SOCK_INFO(f, udp, UDP, 0, 0);
    IS_FAIL_TEXT(get_tls_session(f, 999), NOT_FOUND);
    IS_FAIL_BOTH(get_tls_session(f, tcp), CHROMESOCK_SOCKET_NOT_CONNECTED, "Socket not secured");
}

/* TLS-2: once secured, never again, and it is left alone; also after disconnect (CN-5). */
static void already_secured(fx *f) {
    tls_peer *p;
    int32_t id = tls_secured(f, NULL, &p);
    IS_FAIL_BOTH(tcp_secure(f, id), CHROMESOCK_INVALID_ARGUMENT, NOT_PLAIN);
    IS_OK(tcp_set_paused(f, id, 0));
    IS_FAIL_BOTH(tcp_secure(f, id), CHROMESOCK_INVALID_ARGUMENT, NOT_PLAIN); /* TLS-2 before TLS-4 */
    tls_peer_text(p, "still here");
    receive(f, id, "still here");
    IS_OK(tcp_disconnect(f, id));
    receive_error(f, id, CHROMESOCK_CONNECTION_CLOSED);
    IS_FAIL_BOTH(tcp_secure(f, id), CHROMESOCK_INVALID_ARGUMENT, NOT_PLAIN);
    CHECK_INT(info_of(f, id)->connected, 0);
    close_tcp(f, id, 0);
    tls_peer_free(p);
}

/* socket-legacy.md 7 row 2 */
static void already_secured_socket(fx *f) {
    tls_peer *p;
    int32_t id = tls_sock_secured(f, NULL, &p);
    call *c = sock_read(f, id, NOT_GIVEN);
    IS_FAIL_BOTH(sock_secure(f, id), CHROMESOCK_INVALID_ARGUMENT, ONLY_TCP);
    tls_peer_text(p, "still here");
    READ_TEXT(c, "still here");
    IS_OK(sock_disconnect(f, id));
    IS_FAIL_BOTH(sock_secure(f, id), CHROMESOCK_INVALID_ARGUMENT, ONLY_TCP);
    tls_peer_free(p);
}

/* TLS-3, socket-legacy.md 7 row 3: created, connecting, disconnected, listening; it stays usable. */
static void not_connected(fx *f) {
    uint16_t port;
    int listen_fd = peer_listen(&port), peer;
    int32_t id = new_tcp(f), sock = new_sock(f, TCP), server = sock_listening(f, &port);
    blackhole b;
    call *c;
    IS_FAIL_BOTH(tcp_secure(f, id), CHROMESOCK_INVALID_ARGUMENT, NOT_CONNECTED);
    IS_FAIL_BOTH(sock_secure(f, sock), CHROMESOCK_INVALID_ARGUMENT, NOT_CONNECTED);
    IS_FAIL_BOTH(sock_secure(f, server), CHROMESOCK_INVALID_ARGUMENT, NOT_CONNECTED);
    blackhole_open(&b, "127.0.0.1", 0);
    c = tcp_connect(f, id, "127.0.0.1", b.port);
    IS_FAIL_BOTH(tcp_secure(f, id), CHROMESOCK_INVALID_ARGUMENT, NOT_CONNECTED);
    IS_OK(tcp_disconnect(f, id));
    IS_FAIL(c, CHROMESOCK_ABORTED);
    blackhole_close(&b);
    connect_to(f, id, listen_fd, &peer);
    IS_OK(tcp_disconnect(f, id));
    receive_error(f, id, CHROMESOCK_CONNECTION_CLOSED);
    IS_FAIL_BOTH(tcp_secure(f, id), CHROMESOCK_INVALID_ARGUMENT, NOT_CONNECTED);
    close(peer);
    connect_to(f, id, listen_fd, &peer); /* none of it has done harm */
    close_tcp(f, id, 0);
    close(peer);
    close(listen_fd);
}

/* TLS-4, trace 20.4: a read is in flight. The socket is closed, then -100 is told. */
static void read_in_flight(fx *f) {
    int peer;
    int32_t id = connected(f, &peer);
    call *c = tcp_secure(f, id);
    const ev *e;
    IS_FAIL(c, CHROMESOCK_FAILED);
    e = await_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE_ERROR, id);
    CHECK_INT(e->result, CHROMESOCK_CONNECTION_CLOSED);
    CHECK(c->done->seq < e->seq);
    SECURE_FAILED(c, CHROMESOCK_FAILED);
    peer_expect_eof(peer);
    close(peer);
    id = connected(f, &peer); /* paused too late: PA-3's leftover read still waits */
    IS_OK(tcp_set_paused(f, id, 1));
    SECURE_FAILED(tcp_secure(f, id), CHROMESOCK_FAILED);
    receive_error(f, id, CHROMESOCK_CONNECTION_CLOSED);
    peer_expect_eof(peer);
    close(peer);
}

/* socket-legacy.md 7 row 4: the pending read completes with -100 first. */
static void legacy_read_pending(fx *f) {
    int peer;
    int32_t id = sock_connected(f, &peer);
    call *read = sock_read(f, id, NOT_GIVEN), *c = sock_secure(f, id);
    SECURE_FAILED(c, CHROMESOCK_FAILED);
    READ_FAILED(read, CHROMESOCK_CONNECTION_CLOSED);
    CHECK(read->done->seq < c->done->seq);
    peer_expect_eof(peer);
    close(peer);
}

/* TLS-5: sends -15 in order, then secure, then -100 for the read in flight. */
static void send_unfinished(fx *f) {
    static char block[8 << 20];
    for (int paused = 0; paused < 2; paused++) {
        int peer;
        int32_t id = paused ? connected_paused(f, &peer) : connected(f, &peer);
        call *first = tcp_send(f, id, block, sizeof block), *second = tcp_send(f, id, "x", 1);
        call *c = tcp_secure(f, id);
        IS_FAIL(c, CHROMESOCK_FAILED);
        IS_SEND_FAIL(first, CHROMESOCK_SOCKET_NOT_CONNECTED);
        IS_SEND_FAIL(second, CHROMESOCK_SOCKET_NOT_CONNECTED);
        CHECK(first->done->seq < second->done->seq && second->done->seq < c->done->seq);
        if (!paused) {
            const ev *e = await_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE_ERROR, id);
            CHECK_INT(e->result, CHROMESOCK_CONNECTION_CLOSED);
            CHECK(c->done->seq < e->seq);
        }
        SECURE_FAILED(c, CHROMESOCK_FAILED);
        no_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE_ERROR, id);
        peer_wait_end(peer);
        close(peer);
    }
}

/* socket-legacy.md 7 row 4: read, writes, then secure. */
static void legacy_write_pending(fx *f) {
    static char block[8 << 20];
    int peer;
    int32_t id = sock_connected(f, &peer);
    call *read = sock_read(f, id, NOT_GIVEN), *write = sock_write(f, id, block, sizeof block);
    call *c = sock_secure(f, id);
    SECURE_FAILED(c, CHROMESOCK_FAILED);
    READ_FAILED(read, CHROMESOCK_CONNECTION_CLOSED);
    RESULT(write, CHROMESOCK_SOCKET_NOT_CONNECTED);
    CHECK(read->done->seq < c->done->seq && write->done->seq < c->done->seq);
    peer_wait_end(peer);
    close(peer);
}

/* TLS-6, socket-legacy.md 7 row 4: accepted sockets. */
static void accepted_sockets(fx *f) {
    uint16_t port;
    int peer;
    int32_t server = listening(f, &port), id = accepted(f, server, port, &peer);
    SECURE_FAILED(tcp_secure(f, id), CHROMESOCK_FAILED);
    no_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE_ERROR, id); /* no read was in flight */
    peer_expect_eof(peer);
    close(peer);
    server = sock_listening(f, &port);
    id = sock_accepted(f, server, port, &peer);
    SECURE_FAILED(sock_secure(f, id), CHROMESOCK_FAILED);
    peer_expect_eof(peer);
    close(peer);
}

/* TLS-7, D11: an IPv6 literal is no obstacle; the certificate must have the address (TLS-22). */
static void ipv6_literal(fx *f) {
    static const char *const names[] = {NULL, "IP:::2,IP:127.0.0.1,DNS:localhost"};
    for (int bad = 0; bad < 2; bad++) {
        tls_config config = {0, 0, NULL, names[bad], 0};
        uint16_t port = 0;
        int listen_fd = peer_listen_on("::1", &port, 5);
        int32_t id = new_tcp_paused(f);
        tls_peer *p;
        call *c = tcp_connect(f, id, "::1", port);
        p = tls_peer_new(peer_accept(listen_fd), &config);
        IS_OK0(c);
        c = tcp_secure(f, id);
        CHECK_INT(tls_peer_handshake(p), !bad);
        if (bad) SECURE_FAILED(c, CHROMESOCK_CERT_COMMON_NAME_INVALID);
        else IS_OK0(c);
        CHECK_STR(p->name, "");
        tls_peer_free(p);
        close(listen_fd);
    }
}

/* TLS-8: the peer has gone, in good order or not. */
static void peer_gone(fx *f) {
    for (int reset = 0; reset < 2; reset++) {
        int peer;
        int32_t id = connected_paused(f, &peer), sock;
        if (reset) peer_reset(peer);
        else close(peer);
        settle(f);
        SECURE_FAILED(tcp_secure(f, id), CHROMESOCK_SOCKET_NOT_CONNECTED);
        no_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE_ERROR, id);
        sock = sock_connected(f, &peer);
        if (reset) peer_reset(peer);
        else close(peer);
        settle(f);
        SECURE_FAILED(sock_secure(f, sock), CHROMESOCK_SOCKET_NOT_CONNECTED);
    }
}

/* TLS-9, D15: a second secure while one is running changes nothing. */
static void second_secure(fx *f) {
    for (int legacy = 0; legacy < 2; legacy++) {
        call *(*secure)(fx *, int32_t) = legacy ? sock_secure : tcp_secure;
        int fd;
        int32_t id = legacy ? sock_connected(f, &fd) : connected_paused(f, &fd);
        tls_peer *p = tls_peer_new(fd, NULL);
        call *first = secure(f, id);
        for (int n = 0; n < 3; n++) IS_FAIL(secure(f, id), CHROMESOCK_FAILED);
        CHECK_INT(first->completions, 0);
        CHECK(tls_peer_handshake(p));
        IS_OK0(first);
        if (!legacy) {
            IS_OK(tcp_set_paused(f, id, 0));
            tls_peer_text(p, "hello");
            receive(f, id, "hello");
        }
        tls_peer_free(p);
    }
}

/* TLS-11 recipe 1, trace 20.5. */
static void recipe_fresh(fx *f) {
    chrome_sockets_tcp_properties props = tcp_props(CHROME_SOCKETS_TCP_PROPERTIES_PERSISTENT, NULL, 0, 1);
    uint16_t port;
    int listen_fd = peer_listen(&port);
    int32_t id;
    tls_peer *p;
    call *c;
    const chromesock_socket_info *i;
    IS_OK(tcp_create(f, &props, &id));
    IS_OK(tcp_set_paused(f, id, 1));
    c = tcp_connect(f, id, "localhost", port);
    p = tls_peer_new(peer_accept(listen_fd), NULL);
    IS_OK0(c);
    c = tcp_secure_versions(f, id, "tls1.1", "tls1");
    CHECK(tls_peer_handshake(p));
    IS_OK0(c);
    CHECK_STR(p->name, "localhost"); /* TLS-21 */
    CHECK(!p->had_alpn);             /* TLS-23 */
    i = info_of(f, id);
    CHECK_INT(i->connected, 1);
    CHECK_INT(i->paused, 1);
    CHECK_INT(i->persistent, 1);
    CHECK_INT(i->peer_port, port);
    IS_FAIL_BOTH(tcp_secure(f, id), CHROMESOCK_INVALID_ARGUMENT, NOT_PLAIN);
    IS_FAIL(tcp_set_no_delay(f, id, 1), CHROMESOCK_FAILED);
    tls_peer_text(p, "data");
    settle(f);
    no_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE, id);
    IS_OK(tcp_set_paused(f, id, 0));
    receive(f, id, "data");
    IS_OK(tcp_disconnect(f, id));
    receive_error(f, id, CHROMESOCK_CONNECTION_CLOSED);
    CHECK_INT(tls_peer_wait_end(p), TLS_CLEAN);
    IS_FAIL(tcp_connect(f, id, "localhost", port), CHROMESOCK_CONNECTION_FAILED);
    tls_peer_free(p);
    close(listen_fd);
}

/* TLS-11 recipe 2: STARTTLS on an unpaused connection. */
static void recipe_starttls(fx *f) {
    int fd;
    int32_t id = connected(f, &fd);
    tls_peer *p;
    call *c;
    peer_text(fd, "220 hello\r\n");
    receive(f, id, "220 hello\r\n");
    IS_OK(tcp_set_paused(f, id, 1));
    IS_SENT(tcp_send(f, id, "STARTTLS\r\n", 10), 10);
    peer_expect(fd, "STARTTLS\r\n");
    peer_text(fd, "220 go\r\n");
    receive(f, id, "220 go\r\n");
    p = tls_peer_new(fd, NULL);
    c = tcp_secure(f, id);
    CHECK(tls_peer_handshake(p));
    IS_OK0(c);
    IS_OK(tcp_set_paused(f, id, 0));
    IS_SENT(tcp_send(f, id, "EHLO\r\n", 6), 6);
    tls_peer_expect(p, "EHLO\r\n");
    tls_peer_text(p, "250 ok\r\n");
    receive(f, id, "250 ok\r\n");
    tls_peer_free(p);
    receive_error(f, id, CHROMESOCK_CONNECTION_CLOSED);
}

/* TLS-29: what was sent goes out in plain text before the ClientHello. */
static void plain_before_hello(fx *f) {
    int fd;
    int32_t id = connected_paused(f, &fd);
    tls_peer *p;
    call *sent = tcp_send(f, id, "plain words", 11), *c = tcp_secure(f, id);
    IS_SENT(sent, 11);
    peer_expect(fd, "plain words");
    p = tls_peer_new(fd, NULL);
    CHECK(tls_peer_handshake(p));
    IS_OK0(c);
    tls_peer_free(p);
}

/* 7.3: what each value asks for, against servers that have one version only. */
enum { OLD = 1, BOTH = 0, ONLY12 = 12, ONLY13 = 13, NEITHER = 2 };
static const struct versions {
    const char *min, *max;
    int offers;
} spans[] = {
    {NULL, NULL, BOTH},         {"tls1", NULL, BOTH},       {"tls1.1", "tls1.1", BOTH},
    {NULL, "tls1", BOTH},       {"tls1.2", NULL, BOTH},     {"tls1.2", "tls1.2", ONLY12},
    {NULL, "tls1.2", ONLY12},   {"tls1", "tls1.2", ONLY12}, {"tls1.3", NULL, ONLY13},
    {"tls1.3", "tls1.3", ONLY13}, {NULL, "tls1.3", BOTH},   {"ssl3", "ssl3", BOTH},
    {"TLS1.3", "TLS1.2", BOTH}, {"", "", BOTH},             {"tls1.3 ", "tls1.2 ", BOTH},
    {"tls1.3", "tls1", ONLY13}, {"tls1.3", "tls1.2", NEITHER},
};

static void versions(fx *f) {
    for (size_t n = 0; n < 2 * sizeof spans / sizeof spans[0]; n++) {
        const struct versions *v = &spans[n / 2];
        int fd, has13 = (int)n % 2, is_agreed = v->offers == BOTH || v->offers == (has13 ? ONLY13 : ONLY12);
        int version = has13 ? TLS1_3_VERSION : TLS1_2_VERSION;
        tls_config config = {version, version, NULL, NULL, 0};
        int is_legacy = n % 3 == 0;
        int32_t id = is_legacy ? sock_connected(f, &fd) : connected_paused(f, &fd);
        tls_peer *p = tls_peer_new(fd, &config);
        call *c = (is_legacy ? sock_secure_versions : tcp_secure_versions)(f, id, v->min, v->max);
        if (tls_peer_handshake(p) != is_agreed)
            FAIL("server %d, min %s, max %s", version, v->min ? v->min : "-", v->max ? v->max : "-");
        if (is_agreed) IS_OK0(c);
        else if (v->offers == NEITHER) SECURE_FAILED(c, CHROMESOCK_SSL_PROTOCOL_ERROR);
        else SECURE_FAILED(c, CHROMESOCK_SSL_VERSION_OR_CIPHER_MISMATCH);
        tls_peer_free(p);
    }
}

/* 7.7: a server that has nothing above TLS 1.1. */
static void old_server(fx *f) {
    tls_config config = {TLS1_VERSION, TLS1_1_VERSION, "ALL:@SECLEVEL=0", NULL, 0};
    int fd;
    int32_t id = connected_paused(f, &fd);
    tls_peer *p = tls_peer_new(fd, &config);
    call *c = tcp_secure_versions(f, id, "tls1", "tls1.1");
    CHECK(!tls_peer_handshake(p));
    SECURE_FAILED(c, CHROMESOCK_SSL_VERSION_OR_CIPHER_MISMATCH);
    tls_peer_free(p);
}

int main(int argc, char **argv) {
    chromesock_app_options o = tls_options();
    harness_init(argc, argv);
    RUN_ALL_MODES(unknown_ids);
    RUN_ALL_MODES_WITH(already_secured, &o);
    RUN_ALL_MODES_WITH(already_secured_socket, &o);
    RUN_ALL_MODES_WITH(not_connected, &o);
    RUN_ALL_MODES_WITH(read_in_flight, &o);
    RUN_ALL_MODES_WITH(legacy_read_pending, &o);
    RUN_ALL_MODES_WITH(send_unfinished, &o);
    RUN_ALL_MODES_WITH(legacy_write_pending, &o);
    RUN_ALL_MODES_WITH(accepted_sockets, &o);
    RUN_ALL_MODES_WITH(ipv6_literal, &o);
    RUN_ALL_MODES_WITH(peer_gone, &o);
    RUN_ALL_MODES_WITH(second_secure, &o);
    RUN_ALL_MODES_WITH(recipe_fresh, &o);
    RUN_ALL_MODES_WITH(recipe_starttls, &o);
    RUN_ALL_MODES_WITH(plain_before_hello, &o);
    RUN_ALL_MODES_WITH(versions, &o);
    RUN_ALL_MODES_WITH(old_server, &o);
    return harness_finish();
}
