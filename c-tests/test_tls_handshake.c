/* While the handshake runs (tcp.md 7.4, 7.5): every other call, servers that stall, dribble, close or
 * talk nonsense, disconnect, close, suspend and unload. */
#include <unistd.h>

#include "calls_socket.h"
#include "life.h"
#include "tls_peer.h"

/* A socket whose server has taken the ClientHello and says nothing yet. */
static int32_t stalled(fx *f, call **secure, tls_peer **p) {
    int fd;
    int32_t id = connected_paused(f, &fd);
    *secure = tcp_secure(f, id);
    *p = tls_peer_new(fd, NULL);
    tls_peer_receive(*p);
    return id;
}

static void finish(tls_peer *p, call *secure) {
    CHECK_INT(secure->completions, 0);
    CHECK(tls_peer_handshake(p));
    IS_OK0(secure);
}

/* 7.5: send -15, options -2, connect -23 or -105, getInfo connected; none of it disturbs. */
static void calls_during_handshake(fx *f) {
    tls_peer *p;
    call *secure;
    int32_t id = stalled(f, &secure, &p);
    const chromesock_socket_info *i;
    IS_SEND_FAIL(tcp_send(f, id, "x", 1), CHROMESOCK_SOCKET_NOT_CONNECTED);
    IS_SEND_FAIL(tcp_send(f, id, "", 0), CHROMESOCK_SOCKET_NOT_CONNECTED);
    IS_FAIL(tcp_set_no_delay(f, id, 1), CHROMESOCK_FAILED);
    IS_FAIL(tcp_set_keep_alive(f, id, 1, 9), CHROMESOCK_FAILED);
    IS_FAIL(tcp_connect(f, id, "127.0.0.1", 1), CHROMESOCK_SOCKET_IS_CONNECTED);
    IS_FAIL(tcp_connect(f, id, "a..b", 1), CHROMESOCK_NAME_NOT_RESOLVED);
    IS_FAIL_BOTH(get_tls_session(f, id), CHROMESOCK_SOCKET_NOT_CONNECTED, "Socket not secured");
    IS_FAIL(tcp_secure(f, id), CHROMESOCK_FAILED); /* TLS-9 */
    i = info_of(f, id);
    CHECK_INT(i->connected, 1);
    CHECK_INT(i->paused, 1);
    CHECK_INT(i->peer_port, port_of(p->fd));
    CHECK_STR(i->local_address, "127.0.0.1");
    IS_OK(tcp_set_paused(f, id, 1));
    finish(p, secure);
    IS_SENT(tcp_send(f, id, "y", 1), 1);
    tls_peer_expect(p, "y");
    tls_peer_free(p);
}

/* socket-legacy.md 7: read and write -15 while the handshake runs, getInfo says connected. */
static void legacy_calls_during_handshake(fx *f) {
    int fd;
    int32_t id = sock_connected(f, &fd);
    call *secure = sock_secure(f, id);
    tls_peer *p = tls_peer_new(fd, NULL);
    tls_peer_receive(p);
    READ_FAILED(sock_read(f, id, NOT_GIVEN), CHROMESOCK_SOCKET_NOT_CONNECTED);
    RESULT(sock_text(f, id, "x"), CHROMESOCK_SOCKET_NOT_CONNECTED);
    SOCK_INFO(f, id, TCP, 1, LOCAL | PEER);
    finish(p, secure);
    RESULT(sock_text(f, id, "y"), 1);
    tls_peer_expect(p, "y");
    tls_peer_free(p);
}

/* 7.5, TLS-42, D15: what setPaused says meanwhile holds when the handshake is done. */
static void pausing_meanwhile(fx *f) {
    for (int paused = 0; paused < 2; paused++) {
        tls_peer *p;
        call *secure;
        int32_t id = stalled(f, &secure, &p);
        IS_OK(tcp_set_paused(f, id, 0));
        if (paused) IS_OK(tcp_set_paused(f, id, 1));
        CHECK_INT(info_of(f, id)->paused, paused);
        finish(p, secure);
        CHECK_INT(info_of(f, id)->paused, paused);
        tls_peer_text(p, "data");
        if (paused) {
            settle(f);
            no_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE, id);
            IS_OK(tcp_set_paused(f, id, 0));
        }
        receive(f, id, "data");
        tls_peer_free(p);
    }
}

/* DC-6: -3, the socket stays and can be connected and secured again. */
static void disconnect_meanwhile(fx *f) {
    tls_peer *p;
    call *secure, *c;
    int32_t id = stalled(f, &secure, &p);
    uint16_t port;
    int listen_fd = peer_listen(&port), fd;
    c = tcp_disconnect(f, id);
    IS_FAIL(secure, CHROMESOCK_ABORTED);
    IS_OK(c);
    CHECK(secure->done->seq < c->done->seq); /* O-6 */
    no_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE_ERROR, id);
    CHECK_INT(tls_peer_handshake(p), 0);
    tls_peer_free(p);
    CHECK_INT(info_of(f, id)->connected, 0);
    connect_to(f, id, listen_fd, &fd);
    p = tls_peer_new(fd, NULL);
    secure = tcp_secure(f, id);
    CHECK(tls_peer_handshake(p));
    IS_OK0(secure);
    tls_peer_free(p);
    close(listen_fd);
}

/* CL-3: -3, the id is gone; socket-legacy.md 8: the same for destroy and disconnect. */
static void close_meanwhile(fx *f) {
    tls_peer *p;
    call *secure, *c;
    int32_t id = stalled(f, &secure, &p);
    c = tcp_close(f, id);
    IS_FAIL(secure, CHROMESOCK_ABORTED);
    IS_OK(c);
    CHECK(secure->done->seq < c->done->seq);
    IS_FAIL_TEXT(tcp_close(f, id), NOT_FOUND);
    CHECK_INT(tls_peer_handshake(p), 0);
    tls_peer_free(p);
    for (int destroy = 0; destroy < 2; destroy++) {
        int fd;
        id = sock_connected(f, &fd);
        secure = sock_secure(f, id);
        IS_OK((destroy ? sock_destroy : sock_disconnect)(f, id));
        IS_FAIL(secure, CHROMESOCK_ABORTED);
        p = tls_peer_new(fd, NULL);
        CHECK_INT(tls_peer_handshake(p), 0);
        tls_peer_free(p);
        if (!destroy) SOCK_INFO(f, id, TCP, 0, 0);
    }
}

/* LC rules: suspending closes a socket that is not persistent, unloading every one; a persistent one's
 * handshake goes on in between. */
static void asleep_meanwhile(fx *f) {
    tls_peer *p, *kept;
    call *secure, *kept_secure;
    int32_t id = stalled(f, &secure, &p), other = stalled(f, &kept_secure, &kept);
    made_persistent(f, other);
    app_suspend(f);
    CHECK_INT(tls_peer_handshake(p), 0);
    CHECK(tls_peer_handshake(kept));
    app_resume(f);
    IS_FAIL(secure, CHROMESOCK_ABORTED);
    IS_OK0(kept_secure);
    CHECK(!alive(f, id) && alive(f, other));
    tls_peer_free(p);
    tls_peer_free(kept);
    stalled(f, &secure, &p);
    app_unload(f);
    IS_FAIL(secure, CHROMESOCK_ABORTED);
    CHECK_INT(tls_peer_handshake(p), 0);
    tls_peer_free(p);
}

/* LC-2, LC-3, TLS-28: secured while the app is asleep. The completion does not wait for the resume, what the
 * server says afterwards does, and what was received before in plain text is never delivered. */
static void secured_asleep(fx *f) {
    tls_peer *p;
    int fd;
    int32_t id = made_persistent(f, connected(f, &fd));
    size_t asleep;
    call *secure;
    IS_OK(tcp_set_paused(f, id, 1));
    asleep = sleep_now(f);
    peer_text(fd, "plain words");
    await_wanted(f);
    secure = tcp_secure(f, id);
    p = tls_peer_new(fd, NULL);
    CHECK(tls_peer_handshake(p));
    IS_OK0(secure);
    CHECK_STR(await(get_tls_session(f, id))->message, NULL);
    IS_OK(tcp_set_paused(f, id, 0));
    tls_peer_text(p, "secret words");
    prod(f);
    CHECK_INT(wanted_since(f, asleep), 1);
    app_resume(f);
    receive(f, id, "secret words");
    CHECK_INT(count_events(f, CHROME_SOCKETS_TCP_ON_RECEIVE, id), 1);
    IS_SENT(tcp_send(f, id, "awake", 5), 5);
    tls_peer_expect(p, "awake");
    tls_peer_free(p);
}

/* G-20: an app that closes completes what runs; fx_end checks each call. */
static void left_running(fx *f) {
    tls_peer *p;
    call *secure;
    stalled(f, &secure, &p);
    CHECK_INT(chromesock_app_close(f->app), CHROMESOCK_OK);
    IS_FAIL(secure, CHROMESOCK_ABORTED);
    tls_peer_free(p);
}

/* The server's answer in TLS 1.3 is one flight; in TLS 1.2 the first of two. */
static size_t answer(fx *f, int version, int32_t *id, call **secure, tls_peer **p, char **bytes) {
    tls_config config = {version, version, NULL, NULL, 0};
    int fd;
    *id = connected_paused(f, &fd);
    *secure = tcp_secure(f, *id);
    *p = tls_peer_new(fd, &config);
    (*p)->holds = 1;
    tls_peer_receive(*p);
    CHECK(SSL_do_handshake((*p)->ssl) != 1);
    return tls_peer_held(*p, bytes);
}

/* 7.7: stalled behind every byte, then closed (-100) or reset (-101). In the other modes than the first
 * a few places do: the reactor does not know the mode. */
static void ends_at_every_byte(fx *f) {
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        size_t step = f->mode == MODE_REACTOR && !SANITIZED ? 1 : 61, cut = 0;
        for (;; cut += step) {
            tls_peer *p;
            call *secure;
            int32_t id;
            char *bytes;
            size_t len = answer(f, version, &id, &secure, &p, &bytes); /* signatures differ in length */
            int is_cut = cut < len;
            CHECK(len > 400);
            if (!is_cut) cut = len;
            if (!is_cut && version == TLS1_3_VERSION) cut = len - 1; /* a whole one would do */
            peer_send(p->fd, bytes, cut);
            if (cut % 3 == 0) {
                peer_reset(p->fd);
                p->fd = -1;
            } else {
                peer_half_close(p->fd); /* a close with something unread would reset */
            }
            SECURE_FAILED(secure, cut % 3 ? CHROMESOCK_CONNECTION_CLOSED : CHROMESOCK_CONNECTION_RESET);
            free(bytes);
            tls_peer_free(p);
            if (f->len > 2048) fx_compact(f);
            if (!is_cut) break;
        }
    }
}

/* "Handshake must survive records split in any way" (18): one byte for each segment. */
static void dribbled(fx *f) {
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        tls_peer *p;
        call *secure;
        int32_t id;
        char *bytes;
        size_t len = answer(f, version, &id, &secure, &p, &bytes);
        for (size_t n = 0; n < len; n++) {
            peer_send(p->fd, bytes + n, 1);
            if (n % 64 == 0) CHECK_INT(info_of(f, id)->connected, 1); /* the byte has been seen alone */
        }
        free(bytes);
        p->holds = 0;
        finish(p, secure);
        IS_OK(tcp_set_paused(f, id, 0));
        p->holds = 1;
        tls_peer_text(p, "slowly");
        len = tls_peer_held(p, &bytes);
        for (size_t n = 0; n < len; n++) peer_send(p->fd, bytes + n, 1);
        free(bytes);
        receive(f, id, "slowly");
        tls_peer_free(p);
    }
}

/* A server that speaks first: its bytes stand in one segment with the end of its handshake, and before
 * the client's part of it in TLS 1.3 (RFC 8446 4.4.4: it may). */
static void speaks_at_once(fx *f) {
    for (int paused = 0; paused < 2; paused++) {
        tls_config config = {TLS1_2_VERSION, TLS1_2_VERSION, NULL, NULL, 0};
        int fd;
        int32_t id = connected_paused(f, &fd);
        call *secure = tcp_secure(f, id);
        tls_peer *p = tls_peer_new(fd, &config);
        if (!paused) IS_OK(tcp_set_paused(f, id, 0));
        p->holds = 1;
        tls_peer_receive(p);
        while (SSL_do_handshake(p->ssl) != 1) {
            tls_peer_release(p);
            tls_peer_receive(p);
        }
        tls_peer_text(p, "at once");
        tls_peer_release(p);
        IS_OK0(secure);
        if (paused) {
            settle(f);
            no_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE, id);
            IS_OK(tcp_set_paused(f, id, 0));
        }
        receive(f, id, "at once");
        CHECK(secure->done->seq < f->len);
        tls_peer_free(p);
    }
}

static void speaks_early(fx *f) {
    tls_peer *p;
    call *secure;
    int fd;
    int32_t id = connected_paused(f, &fd);
    p = tls_peer_new(fd, NULL);
    SSL_set_max_early_data(p->ssl, 16384); /* OpenSSL writes before the client's Finished only so */
    p->holds = 1;
    secure = tcp_secure(f, id);
    tls_peer_receive(p);
    char nothing[16];
    size_t n;
    CHECK_INT(SSL_read_early_data(p->ssl, nothing, sizeof nothing, &n), SSL_READ_EARLY_DATA_FINISH);
    CHECK_INT(SSL_write_early_data(p->ssl, "early words", 11, &n), 1);
    IS_OK(tcp_set_paused(f, id, 0));
    tls_peer_release(p);
    IS_OK0(secure);
    receive(f, id, "early words");
    CHECK(!p->had_early_data); /* TLS-24: the client has sent none */
    p->holds = 0;
    CHECK(tls_peer_handshake(p));
    tls_peer_text(p, " and late ones");
    receive(f, id, " and late ones");
    tls_peer_free(p);
}

/* 7.7: what is not TLS at all: -107, and the id is gone. */
static void not_tls(fx *f) {
    static const char *const words[] = {"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n",
                                        "220 mail.example ESMTP\r\n", "\x16\x03", "\x15\x03\x03\x00",
                                        "\x80\x2e\x01\x00\x02", "SSH-2.0-nothing\r\n"};
    for (size_t n = 0; n < sizeof words / sizeof words[0]; n++) {
        int fd, is_cut = words[n][0] == 0x16 || words[n][0] == 0x15; /* the beginning of a record */
        int32_t id = connected_paused(f, &fd);
        call *secure = tcp_secure(f, id);
        CHECK(peer_readable(fd, (int)deadline_ms())); /* the ClientHello: TLS-8 is past */
        if (is_cut) peer_send(fd, words[n], words[n][0] == 0x16 ? 2 : 4);
        else peer_text(fd, words[n]);
        if (is_cut) peer_half_close(fd);
        SECURE_FAILED(secure, is_cut ? CHROMESOCK_CONNECTION_CLOSED : CHROMESOCK_SSL_PROTOCOL_ERROR);
        no_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE, id);
        close(fd);
    }
}

/* TLS-24: no ticket is used again, in either version. */
static void no_resumption(fx *f) {
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++)
        for (int n = 0; n < 3; n++) {
            tls_config config = {version, version, NULL, NULL, 0};
            tls_peer *p;
            int32_t id = tls_secured(f, &config, &p);
            CHECK(!SSL_session_reused(p->ssl));
            CHECK(!p->had_psk);
            CHECK(!p->had_early_data);
            CHECK(!p->had_alpn);
            IS_OK(tcp_set_paused(f, id, 0)); /* the tickets are taken in */
            tls_peer_text(p, "x");
            receive(f, id, "x");
            tls_peer_free(p);
        }
}

/* README S9: a server that asks for a certificate gets none and goes on; one that insists refuses:
 * -110, in TLS 1.3 after secure has succeeded. */
static void client_certificates(fx *f) {
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++)
        for (int insists = 0; insists < 2; insists++) {
            tls_config config = {version, version, NULL, NULL,
                                 SSL_VERIFY_PEER | (insists ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0)};
            int fd;
            int32_t id = connected_paused(f, &fd);
            tls_peer *p = tls_peer_new(fd, &config);
            call *secure = tcp_secure(f, id);
            CHECK_INT(tls_peer_handshake(p), !insists);
            if (insists && version == TLS1_2_VERSION) {
                SECURE_FAILED(secure, CHROMESOCK_SSL_CLIENT_AUTH_CERT_NEEDED);
            } else {
                IS_OK0(secure);
                IS_OK(tcp_set_paused(f, id, 0));
                if (insists) {
                    receive_error(f, id, CHROMESOCK_SSL_CLIENT_AUTH_CERT_NEEDED);
                } else {
                    tls_peer_text(p, "never mind");
                    receive(f, id, "never mind");
                }
            }
            tls_peer_free(p);
        }
}

/* README S9: the server's reason is told also to a program that writes all the time, although the
 * connection breaks under its sends. */
static void refused_under_sends(fx *f) {
    static const char block[1000];
    tls_config config = {TLS1_3_VERSION, TLS1_3_VERSION, NULL, NULL,
                         SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT};
    for (int n = 0; n < 20; n++) {
        int fd;
        int32_t id = connected_paused(f, &fd);
        tls_peer *p = tls_peer_new(fd, &config);
        call *c = tcp_secure(f, id);
        CHECK(!tls_peer_handshake(p));
        IS_OK0(c);
        tcp_set_paused(f, id, 0);
        peer_reset(p->fd);
        p->fd = -1;
        do await(c = tcp_send(f, id, block, sizeof block));
        while (c->done->message == NULL);
        receive_error(f, id, CHROMESOCK_SSL_CLIENT_AUTH_CERT_NEEDED);
        tls_peer_free(p);
    }
}

/* Nothing is left of handshakes that failed. */
static void no_descriptors_left(fx *f) {
    int before;
    settle(f);
    before = count_fds();
    for (int n = 0; n < 20; n++) {
        tls_peer *p;
        call *secure;
        int32_t id = stalled(f, &secure, &p);
        if (n % 4 == 0) tcp_close(f, id);
        else if (n % 4 == 1) tcp_disconnect(f, id);
        else if (n % 4 == 2) peer_text(p->fd, "no TLS");
        tls_peer_free(p);
        await(secure);
        tcp_close(f, id);
    }
    IS_OK(tcp_get_sockets(f));
    wait_until(f, count_fds() <= before);
}

int main(int argc, char **argv) {
    chromesock_app_options o = tls_options();
    harness_init(argc, argv);
    RUN_ALL_MODES_WITH(calls_during_handshake, &o);
    RUN_ALL_MODES_WITH(legacy_calls_during_handshake, &o);
    RUN_ALL_MODES_WITH(pausing_meanwhile, &o);
    RUN_ALL_MODES_WITH(disconnect_meanwhile, &o);
    RUN_ALL_MODES_WITH(close_meanwhile, &o);
    RUN_ALL_MODES_WITH(asleep_meanwhile, &o);
    RUN_ALL_MODES_WITH(secured_asleep, &o);
    RUN_ALL_MODES_WITH(left_running, &o);
    RUN_ALL_MODES_WITH(ends_at_every_byte, &o);
    RUN_ALL_MODES_WITH(dribbled, &o);
    RUN_ALL_MODES_WITH(speaks_at_once, &o);
    RUN_ALL_MODES_WITH(speaks_early, &o);
    RUN_ALL_MODES_WITH(not_tls, &o);
    RUN_ALL_MODES_WITH(no_resumption, &o);
    RUN_ALL_MODES_WITH(client_certificates, &o);
    RUN_ALL_MODES_WITH(refused_under_sends, &o);
    RUN_ALL_MODES_WITH(no_descriptors_left, &o);
    return harness_finish();
}
