/* A secured socket from its success to its end (tcp.md 7.6, 7.4, CL-4; socket-legacy.md 7): what it
 * keeps, what it refuses, what names it verified, how it ends. */
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api.h"
#include "calls_socket.h"
#include "resolve_shim.h"
#include "tls_peer.h"

/* TLS-40, TLS-41, TLS-44, D16. */
static void what_stays(fx *f) {
    chrome_sockets_tcp_properties props =
        tcp_props(CHROME_SOCKETS_TCP_PROPERTIES_NAME | CHROME_SOCKETS_TCP_PROPERTIES_BUFFER_SIZE |
                      CHROME_SOCKETS_TCP_PROPERTIES_PERSISTENT,
                  "a name", 77, 1);
    uint16_t port;
    int listen_fd = peer_listen(&port), fd;
    int32_t id;
    tls_peer *p;
    call *c;
    const chromesock_socket_info *before, *after;
    IS_OK(tcp_create(f, &props, &id));
    IS_OK(tcp_set_paused(f, id, 1));
    connect_to(f, id, listen_fd, &fd);
    before = info_of(f, id);
    c = tcp_secure(f, id);
    p = tls_peer_new(fd, NULL);
    CHECK(tls_peer_handshake(p));
    IS_OK0(c);
    after = info_of(f, id);
    CHECK_INT(after->present, before->present);
    CHECK_STR(after->name, "a name");
    CHECK_INT(after->buffer_size, 77);
    CHECK_INT(after->persistent, 1);
    CHECK_INT(after->paused, 1);
    CHECK_INT(after->connected, 1);
    CHECK_STR(after->local_address, before->local_address);
    CHECK_INT(after->local_port, before->local_port);
    CHECK_STR(after->peer_address, before->peer_address);
    CHECK_INT(after->peer_port, port);
    IS_FAIL(tcp_set_no_delay(f, id, 1), CHROMESOCK_FAILED);
    IS_FAIL(tcp_set_keep_alive(f, id, 1, 9), CHROMESOCK_FAILED);
    IS_FAIL(tcp_connect(f, id, "127.0.0.1", port), CHROMESOCK_CONNECTION_FAILED); /* -104 for ever */
    IS_SENT(tcp_send(f, id, "sent while paused", 17), 17);                        /* S-13 */
    tls_peer_expect(p, "sent while paused");
    IS_OK(tcp_disconnect(f, id));
    IS_FAIL(tcp_connect(f, id, "127.0.0.1", port), CHROMESOCK_CONNECTION_FAILED); /* CN-5 */
    CHECK_INT(info_of(f, id)->connected, 0);
    tls_peer_free(p);
    close(listen_fd);
}

/* G-20: every method of the header, on a secured socket of either generation, and once more when it has
 * been closed: each completes once (fx_end counts). */
static void every_method(fx *f) {
    for (size_t n = 0; n < api_methods_len; n++)
        for (int legacy = 0; legacy < 2; legacy++) {
            tls_peer *p;
            int32_t id = (legacy ? tls_sock_secured : tls_secured)(f, NULL, &p), made;
            struct api_in in = api_harmless(id, &made);
            call *c = api_call(f, &api_methods[n], &in);
            get_tls_session(f, id);
            if (legacy) sock_destroy(f, id);
            else tcp_close(f, id);
            await(api_call(f, &api_methods[n], &in));
            await(c);
            tls_peer_free(p);
        }
}

/* Q-1, S-2: the write quota counts bytes of the program, and the bytes come back. */
static void quota(fx *f) {
    static char block[3000];
    tls_peer *p;
    int32_t id = tls_secured(f, NULL, &p);
    IS_FAIL_TEXT(tcp_send(f, id, block, 1001), QUOTA_EXCEEDED);
    for (int n = 0; n < 20; n++) IS_SENT(tcp_send(f, id, block, 1000), 1000);
    static char got[20000];
    tls_peer_read(p, got, sizeof got);
    CHECK_INT(fx_stats(f).unsent_bytes, 0);
    tls_peer_free(p);
}

/* TLS-21, TLS-22: the name given to connect, canonical, is asked for and verified; literals are not
 * asked for. D7: upper case and Unicode are no other names. */
static void names(fx *f) {
    static const struct {
        const char *host, *certificate, *asked;
        int32_t result;
    } rows[] = {
        {"mail.test", "DNS:mail.test", "mail.test", 0},
        {"MAIL.Test", "DNS:mail.test", "mail.test", 0},
        {"b\xc3\xbc" "cher.test", "DNS:xn--bcher-kva.test", "xn--bcher-kva.test", 0},
        {"mail.test.", "DNS:mail.test", "mail.test", 0},
        {"mail.test", "DNS:*.test", "mail.test", CHROMESOCK_CERT_COMMON_NAME_INVALID},
        {"a.mail.test", "DNS:*.mail.test", "a.mail.test", 0},
        {"mail.test", "DNS:other.test", "mail.test", CHROMESOCK_CERT_COMMON_NAME_INVALID},
        {"mail.test", "IP:127.0.0.1", "mail.test", CHROMESOCK_CERT_COMMON_NAME_INVALID},
        {"127.0.0.1", "IP:127.0.0.1", "", 0},
        {"127.0.0.1", "DNS:127.0.0.1", "", CHROMESOCK_CERT_COMMON_NAME_INVALID},
        {"127.0.0.1", "DNS:localhost,IP:127.0.0.2", "", CHROMESOCK_CERT_COMMON_NAME_INVALID},
    };
    static const char *const here[] = {"127.0.0.1", NULL};
    static const char *const known[] = {"mail.test", "a.mail.test", "xn--bcher-kva.test", "mail.test."};
    shim_clear();
    for (size_t n = 0; n < sizeof known / sizeof known[0]; n++) shim_set(known[n], here);
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        tls_config config = {0, 0, NULL, rows[n].certificate, 0};
        uint16_t port;
        int listen_fd = peer_listen(&port);
        int32_t id = new_tcp_paused(f);
        call *c = tcp_connect(f, id, rows[n].host, port);
        tls_peer *p = tls_peer_new(peer_accept(listen_fd), &config);
        IS_OK0(c);
        c = tcp_secure(f, id);
        tls_peer_handshake(p);
        CHECK_STR(p->name, rows[n].asked);
        if (rows[n].result == 0) IS_OK0(c);
        else SECURE_FAILED(c, rows[n].result);
        tls_peer_free(p);
        close(listen_fd);
    }
}

/* D10: a connect that fails or is denied does not change the name. */
static void name_of_the_connection(fx *f) {
    static const char *const here[] = {"127.0.0.1", NULL};
    tls_config config = {0, 0, NULL, "DNS:mail.test", 0};
    uint16_t port;
    int listen_fd = peer_listen(&port);
    int32_t id = new_tcp_paused(f);
    tls_peer *p;
    call *c;
    shim_clear();
    shim_set("mail.test", here);
    shim_set("evil.test", here);
    IS_FAIL(tcp_connect(f, id, "evil.test", dead_port()), CHROMESOCK_CONNECTION_REFUSED);
    c = tcp_connect(f, id, "mail.test", port);
    p = tls_peer_new(peer_accept(listen_fd), &config);
    IS_OK0(c);
    IS_FAIL(tcp_connect(f, id, "evil.test", port), CHROMESOCK_SOCKET_IS_CONNECTED);
    IS_FAIL(tcp_connect(f, id, "nobody.test", port), CHROMESOCK_NAME_NOT_RESOLVED);
    IS_FAIL_TEXT(tcp_connect(f, id, "denied.example", port), DENIED);
    c = tcp_secure(f, id);
    CHECK(tls_peer_handshake(p));
    IS_OK0(c);
    CHECK_STR(p->name, "mail.test");
    tls_peer_free(p);
    close(listen_fd);
}

/* R-6, TLS-43: a clean close and a bare end are both -100, after all data; a reset is -101. */
static void ends(fx *f) {
    enum { CLEAN, BARE, RESET, FATAL, GARBAGE, FORGED, ENDS };
    static const int32_t codes[ENDS] = {CHROMESOCK_CONNECTION_CLOSED, CHROMESOCK_CONNECTION_CLOSED,
                                        CHROMESOCK_CONNECTION_RESET, CHROMESOCK_SSL_BAD_RECORD_MAC_ALERT,
                                        CHROMESOCK_SSL_PROTOCOL_ERROR, CHROMESOCK_SSL_PROTOCOL_ERROR};
    for (int n = 0; n < 2 * ENDS; n++) {
        int end = n / 2, version = n % 2 ? TLS1_3_VERSION : TLS1_2_VERSION;
        tls_config config = {version, version, NULL, NULL, 0};
        tls_peer *p;
        int32_t id = tls_secured(f, &config, &p);
        const ev *e;
        char *bytes;
        size_t len;
        tls_peer_text(p, "last words");
        if (end == CLEAN) tls_peer_goodbye(p);
        IS_OK(tcp_set_paused(f, id, 0));
        receive(f, id, "last words");
        if (end == BARE) peer_half_close(p->fd);
        if (end == RESET) {
            peer_reset(p->fd);
            p->fd = -1;
        }
        if (end == FATAL) { /* the server's alert about a record that the client has not sent */
            static const char record[5 + 64] = "\x17\x03\x03\x00\x40";
            char byte;
            CHECK_INT(BIO_write(p->in, record, sizeof record), sizeof record);
            CHECK(SSL_read(p->ssl, &byte, 1) < 0);
            tls_peer_release(p);
        }
        if (end == GARBAGE) peer_text(p->fd, "this is not a record at all");
        if (end == FORGED) { /* one bit of the last byte */
            p->holds = 1;
            tls_peer_text(p, "forged");
            len = tls_peer_held(p, &bytes);
            bytes[len - 1] ^= 1;
            peer_send(p->fd, bytes, len);
            free(bytes);
        }
        e = await_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE_ERROR, id);
        CHECK_INT(e->result, codes[end]);
        no_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE, id);
        CHECK_INT(info_of(f, id)->connected, 0); /* the id stays */
        CHECK_INT(info_of(f, id)->paused, 1);
        IS_SEND_FAIL(tcp_send(f, id, "x", 1), CHROMESOCK_SOCKET_NOT_CONNECTED);
        IS_OK(tcp_set_paused(f, id, 0));
        no_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE_ERROR, id); /* */
        close_tcp(f, id, 0);
        tls_peer_free(p);
    }
}

/* R-5, TLS-43: the same if all that comes in one piece with the server's last word of the handshake. */
static void ends_with_the_handshake(fx *f) {
    tls_config config = {TLS1_2_VERSION, TLS1_2_VERSION, NULL, NULL, 0};
    static const char garbage[] = "this is not a record at all";
    int fd;
    int32_t id = connected_paused(f, &fd);
    tls_peer *p = tls_peer_new(fd, &config);
    call *c = tcp_secure(f, id);
    char *bytes;
    size_t len;
    tls_peer_receive(p);
    CHECK(SSL_do_handshake(p->ssl) < 0);
    tls_peer_release(p);
    p->holds = 1;
    CHECK(tls_peer_handshake(p));
    tls_peer_text(p, "last words");
    CHECK_INT(BIO_write(p->out, garbage, sizeof garbage), sizeof garbage);
    len = tls_peer_held(p, &bytes);
    peer_send(p->fd, bytes, len);
    free(bytes);
    IS_OK0(c);
    IS_OK(tcp_set_paused(f, id, 0));
    receive(f, id, "last words");
    CHECK_INT(await_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE_ERROR, id)->result, CHROMESOCK_SSL_PROTOCOL_ERROR);
    close_tcp(f, id, 0);
    tls_peer_free(p);
}

/* socket-legacy.md 4.6 row 7: 0 for an end in order, the code for a broken connection (D4). */
static void legacy_ends(fx *f) {
    for (int end = 0; end < 4; end++) {
        static const int32_t codes[] = {0, 0, CHROMESOCK_CONNECTION_RESET, CHROMESOCK_SSL_PROTOCOL_ERROR};
        tls_peer *p;
        int32_t id = tls_sock_secured(f, NULL, &p);
        call *read = sock_read(f, id, NOT_GIVEN);
        if (end == 0) tls_peer_goodbye(p);
        if (end == 1) peer_half_close(p->fd);
        if (end == 3) peer_text(p->fd, "this is not a record at all");
        if (end == 2) {
            peer_reset(p->fd);
            p->fd = -1;
        }
        READ_FAILED(read, codes[end]);
        SOCK_INFO(f, id, TCP, 0, 0);
        tls_peer_free(p);
    }
}

/* TLS-24: a server of TLS 1.2 that wants to negotiate again is refused. */
static void no_renegotiation(fx *f) {
    tls_config config = {TLS1_2_VERSION, TLS1_2_VERSION, NULL, NULL, 0};
    tls_peer *p;
    int32_t id = tls_secured(f, &config, &p);
    char byte;
    IS_OK(tcp_set_paused(f, id, 0));
    CHECK_INT(SSL_renegotiate(p->ssl), 1);
    CHECK_INT(SSL_do_handshake(p->ssl), 1);
    tls_peer_release(p);
    tls_peer_receive(p);
    CHECK(SSL_read(p->ssl, &byte, 1) < 0);
    CHECK_INT(p->alert, SSL_AD_NO_RENEGOTIATION);
    tls_peer_free(p);
    await_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE_ERROR, id);
    no_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE, id);
}

/* CL-4, DC-7, D5: closing with unread bytes keeps what was sent, and says goodbye. */
static void close_keeps_what_was_sent(fx *f) {
    static char block[60000], got[60000];
    for (int n = 0; n < 4; n++) {
        tls_peer *p;
        int32_t id = tls_secured(f, NULL, &p);
        for (size_t k = 0; k < sizeof block; k++) block[k] = (char)(k * 7);
        tls_peer_send(p, got, sizeof got); /* never read by the program */
        settle(f);
        IS_SENT(tcp_send(f, id, block, sizeof block), sizeof block);
        IS_OK(n % 2 ? tcp_close(f, id) : tcp_disconnect(f, id));
        if (n / 2) tls_peer_text(p, "more of it");
        tls_peer_read(p, got, sizeof got);
        CHECK_MEM(got, sizeof got, block, sizeof block);
        CHECK_INT(tls_peer_wait_end(p), TLS_CLEAN);
        tls_peer_free(p);
    }
}

/* DC-5, CL-3: sends that did not end get -15, the read in flight -100; whatever the peer gets of them
 * is no broken record. */
static void close_amid_sends(fx *f) {
    static char block[8 << 20];
    for (int closes = 0; closes < 2; closes++) {
        tls_peer *p;
        int32_t id = tls_secured(f, NULL, &p);
        call *sends[3], *c;
        enum tls_end end;
        IS_OK(tcp_set_paused(f, id, 0));
        for (int n = 0; n < 3; n++) sends[n] = tcp_send(f, id, block, sizeof block);
        c = closes ? tcp_close(f, id) : tcp_disconnect(f, id);
        for (int n = 0; n < 3; n++) IS_SEND_FAIL(sends[n], CHROMESOCK_SOCKET_NOT_CONNECTED);
        IS_OK(c);
        CHECK(sends[0]->done->seq < sends[1]->done->seq && sends[2]->done->seq < c->done->seq); /* O-6 */
        receive_error(f, id, CHROMESOCK_CONNECTION_CLOSED);
        end = tls_peer_wait_end(p);
        CHECK(end == TLS_TRUNCATED || end == TLS_CLEAN); /* whole records may be all that fit */
        tls_peer_free(p);
    }
}

/* S-1, S-4: what TLS takes of sends in a row, and cannot write while the peer does not read, goes out once. */
static void sends_in_rows(fx *f) {
    enum { ROWS = 100, IN_ROW = 10, SIZE = 10000 };
    static char data[ROWS * IN_ROW * SIZE], got[sizeof data];
    call *sends[IN_ROW];
    size_t at = 0;
    tls_peer *p;
    int32_t id = tls_secured(f, NULL, &p);
    for (size_t k = 0; k < sizeof data; k++) data[k] = (char)(k >> 8 ^ k);
    for (int row = 0; row < ROWS; row++) {
        CHECK_INT(chromesock_app_hold_calls(f->app, 1), CHROMESOCK_OK);
        for (int n = 0; n < IN_ROW; n++) sends[n] = tcp_send(f, id, data + (size_t)(row * IN_ROW + n) * SIZE, SIZE);
        CHECK_INT(chromesock_app_hold_calls(f->app, 0), CHROMESOCK_OK);
        settle(f);
        for (; sends[IN_ROW - 1]->done == NULL; at += 2 * SIZE) {
            tls_peer_read(p, got + at, 2 * SIZE);
            settle(f);
        }
        for (int n = 0; n < IN_ROW; n++) IS_SENT(sends[n], SIZE);
    }
    tls_peer_read(p, got + at, sizeof got - at);
    CHECK(memcmp(got, data, sizeof got) == 0);
    tls_peer_free(p);
}

/* S-8 to S-10, O-7, and no SIGPIPE: peers that reset under write. */
static void resets_under_write(fx *f) {
    static char block[100000];
    for (int n = 0; n < 12; n++) {
        tls_peer *p;
        int32_t id = tls_secured(f, NULL, &p);
        int sends = 0;
        call *c;
        if (n % 2) IS_OK(tcp_set_paused(f, id, 0));
        if (n % 3) peer_reset(p->fd);
        else close(p->fd);
        p->fd = -1;
        do {
            c = tcp_send(f, id, block, sizeof block);
            await(c);
        } while (c->done->message == NULL && ++sends < 1000);
        CHECK(sends < 1000);
        CHECK(c->done->result == CHROMESOCK_CONNECTION_RESET ||
              c->done->result == CHROMESOCK_SOCKET_NOT_CONNECTED);
        tcp_close(f, id);
        tls_peer_free(p);
    }
}

/* What the host may know of a session is what the server knows of it. */
static void session_facts(fx *f) {
    static const tls_config configs[] = {
        {TLS1_2_VERSION, TLS1_2_VERSION, "ECDHE-ECDSA-AES256-GCM-SHA384", NULL, 0},
        {TLS1_2_VERSION, TLS1_2_VERSION, "ECDHE-ECDSA-CHACHA20-POLY1305", NULL, 0},
        {TLS1_3_VERSION, TLS1_3_VERSION, NULL, NULL, 0},
    };
    for (size_t n = 0; n < 2 * sizeof configs / sizeof configs[0]; n++) {
        const tls_config *config = &configs[n / 2];
        tls_peer *p;
        int32_t id = (n % 2 ? tls_sock_secured : tls_secured)(f, config, &p);
        const ev *e = await(get_tls_session(f, id));
        unsigned char *der = NULL;
        int len = i2d_X509(SSL_get_certificate(p->ssl), &der);
        CHECK_STR(e->message, NULL);
        CHECK(e->tls != NULL);
        CHECK_STR(e->tls->version, config->min == TLS1_2_VERSION ? "tls1.2" : "tls1.3");
        CHECK_STR(e->tls->suite, SSL_CIPHER_standard_name(SSL_get_current_cipher(p->ssl)));
        CHECK_STR(e->tls->group, config->min == TLS1_2_VERSION ? "x25519" : TLS_BEST_GROUP);
        CHECK_STR(e->tls->name, "127.0.0.1");
        CHECK_INT(e->tls->chain_len, 1);
        CHECK_MEM(e->tls->leaf, e->tls->leaf_len, der, (size_t)len);
        OPENSSL_free(der);
        IS_OK(n % 2 ? sock_disconnect(f, id) : tcp_disconnect(f, id));
        IS_FAIL_BOTH(get_tls_session(f, id), CHROMESOCK_SOCKET_NOT_CONNECTED, "Socket not secured");
        tls_peer_free(p);
    }
}

static int is_key_of(const tls_peer *p, const char *line) {
    for (size_t n = 0; n < p->keys_len; n++)
        if (strcmp(p->keys[n], line) == 0) return 1;
    return 0;
}

/* The keys that the host asked for are those that the server has. */
static void keys(fx *f) {
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        tls_config config = {version, version, NULL, NULL, 0};
        tls_peer *p;
        int32_t id = tls_secured(f, &config, &p);
        for (int told = 0; told < (version == TLS1_2_VERSION ? 1 : 4); told++) {
            const ev *e = await_event(f, CHROMESOCK_TLS_KEYS, id);
            CHECK_INT(e->texts_len, 1);
            CHECK(is_key_of(p, e->texts[0]));
        }
        tls_peer_free(p);
    }
}

/* Without being asked, the library tells no keys; the environment is not asked (SSLKEYLOGFILE). */
static void no_keys(fx *f) {
    tls_peer *p;
    tls_secured(f, NULL, &p);
    no_event(f, CHROMESOCK_TLS_KEYS, 0);
    CHECK(access("no-such-keys", F_OK) != 0);
    tls_peer_free(p);
}

/* Roots that are none, and choices that are none, stop the app at once; nobody is trusted by mistake. */
static void bad_options(void) {
    static const char *const texts[] = {"", "no certificate", "-----BEGIN CERTIFICATE-----\n", "\xff",
                                        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"};
    static const int32_t trusts[] = {-1, 3, INT32_MIN, INT32_MAX};
    chromesock_app *app = NULL;
    chromesock_app_options o = tls_options();
    o.size = sizeof o;
    for (size_t n = 0; n < sizeof texts / sizeof texts[0]; n++) {
        o.extra_roots_pem = texts[n];
        CHECK_INT(chromesock_app_new(&o, &app), CHROMESOCK_INVALID_ARGUMENT);
    }
    o = tls_options();
    o.size = sizeof o;
    for (size_t n = 0; n < sizeof trusts / sizeof trusts[0]; n++) {
        o.trust = trusts[n];
        CHECK_INT(chromesock_app_new(&o, &app), CHROMESOCK_INVALID_ARGUMENT);
    }
    CHECK(app == NULL);
}

/* The roots of the web and of the system do not vouch for the test's authority; added ones do so beside
 * them. */
static void every_trust(fx *f) {
    (void)f;
    for (int added = 0; added < 2; added++)
        for (int32_t trust = CHROMESOCK_TRUST_WEB_PKI; trust <= CHROMESOCK_TRUST_ONLY_EXTRA; trust++) {
            chromesock_app_options o = tls_options();
            fx *g;
            tls_peer *p;
            int32_t id;
            int fd;
            call *c;
            o.trust = trust;
            if (!added) o.extra_roots_pem = NULL;
            g = fx_new(f->mode, &o);
            id = connected_paused(g, &fd);
            c = tcp_secure(g, id);
            p = tls_peer_new(fd, NULL);
            tls_peer_handshake(p);
            if (added) IS_OK0(c);
            else SECURE_FAILED(c, CHROMESOCK_CERT_AUTHORITY_INVALID);
            tls_peer_free(p);
            fx_end(g);
        }
    current = f;
}

int main(int argc, char **argv) {
    chromesock_app_options o = tls_options(), small = o, telling = o, choosy = o;
    small.present = CHROMESOCK_APP_OPTIONS_WRITE_QUOTA;
    small.write_quota_bytes = 1000;
    telling.tells_tls_keys = 1;
    choosy.manifest = "{\"sockets\": {\"tcp\": {\"connect\": \"*.test\"}}}";
    signal(SIGPIPE, SIG_DFL); /* the runner may have ignored it */
    setenv("SSLKEYLOGFILE", "no-such-keys", 1);
    harness_init(argc, argv);
    RUN_ALL_MODES_WITH(what_stays, &o);
    RUN_ALL_MODES_WITH(every_method, &o);
    RUN_ALL_MODES_WITH(quota, &small);
    RUN_ALL_MODES_WITH(names, &o);
    RUN_ALL_MODES_WITH(name_of_the_connection, &choosy);
    RUN_ALL_MODES_WITH(ends, &o);
    RUN_ALL_MODES_WITH(ends_with_the_handshake, &o);
    RUN_ALL_MODES_WITH(legacy_ends, &o);
    RUN_ALL_MODES_WITH(no_renegotiation, &o);
    RUN_ALL_MODES_WITH(close_keeps_what_was_sent, &o);
    RUN_ALL_MODES_WITH(close_amid_sends, &o);
    RUN_ALL_MODES_WITH(sends_in_rows, &o);
    RUN_ALL_MODES_WITH(resets_under_write, &o);
    RUN_ALL_MODES_WITH(session_facts, &o);
    RUN_ALL_MODES_WITH(keys, &telling);
    RUN_ALL_MODES_WITH(no_keys, &o);
    RUN_ALL_MODES(every_trust);
    RUN(bad_options);
    return harness_finish();
}
