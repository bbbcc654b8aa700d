#include "tls_peer.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "calls_socket.h"

/* ---- certificates ---- */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static EVP_PKEY *authority_key;
static X509 *authority;
static char *authority_pem;

static char *text_of(BIO *bio) {
    char *data, *text;
    long len = BIO_get_mem_data(bio, &data);
    text = malloc((size_t)len + 1);
    CHECK(text != NULL);
    memcpy(text, data, (size_t)len);
    text[len] = 0;
    BIO_free(bio);
    return text;
}

static char *certificate_pem(X509 *x) {
    BIO *bio = BIO_new(BIO_s_mem());
    CHECK_INT(PEM_write_bio_X509(bio, x), 1);
    return text_of(bio);
}

static void extend(X509 *x, X509 *issuer, int nid, const char *value) {
    X509V3_CTX ctx;
    X509_EXTENSION *e;
    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
    e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    CHECK(e != NULL);
    CHECK_INT(X509_add_ext(x, e, -1), 1);
    X509_EXTENSION_free(e);
}

/* A day around now; each has a number of its own. */
static X509 *certificate(const char *subject, EVP_PKEY *key) {
    static long number;
    X509 *x = X509_new();
    CHECK(x != NULL);
    CHECK_INT(X509_set_version(x, 2), 1);
    ASN1_INTEGER_set(X509_get_serialNumber(x), ++number);
    X509_gmtime_adj(X509_getm_notBefore(x), -86400);
    X509_gmtime_adj(X509_getm_notAfter(x), 86400);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_UTF8,
                               (const unsigned char *)subject, -1, -1, 0);
    CHECK_INT(X509_set_pubkey(x, key), 1);
    return x;
}

static void make_authority(void) {
    authority_key = EVP_EC_gen("P-256");
    CHECK(authority_key != NULL);
    authority = certificate("The authority of a test", authority_key);
    X509_set_issuer_name(authority, X509_get_subject_name(authority));
    extend(authority, authority, NID_basic_constraints, "critical,CA:TRUE");
    extend(authority, authority, NID_key_usage, "critical,keyCertSign,cRLSign");
    CHECK(X509_sign(authority, authority_key, EVP_sha256()) > 0);
    authority_pem = certificate_pem(authority);
}

const char *tls_roots(void) {
    pthread_once(&once, make_authority);
    return authority_pem;
}

static X509 *server_certificate(const char *names, EVP_PKEY *key) {
    X509 *x;
    tls_roots();
    x = certificate("A server of a test", key);
    X509_set_issuer_name(x, X509_get_subject_name(authority));
    extend(x, authority, NID_subject_alt_name, names ? names : "DNS:localhost,IP:127.0.0.1,IP:::1");
    extend(x, authority, NID_ext_key_usage, "serverAuth");
    CHECK(X509_sign(x, authority_key, EVP_sha256()) > 0);
    return x;
}

void tls_make_server(const char *names, int use_rsa, char **cert, char **key) {
    EVP_PKEY *pair = use_rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
    X509 *x = server_certificate(names, pair);
    BIO *bio = BIO_new(BIO_s_mem());
    CHECK_INT(PEM_write_bio_PrivateKey(bio, pair, NULL, NULL, 0, NULL, NULL), 1);
    *key = text_of(bio);
    *cert = certificate_pem(x);
    X509_free(x);
    EVP_PKEY_free(pair);
}

chromesock_app_options tls_options(void) {
    chromesock_app_options o;
    memset(&o, 0, sizeof o);
    o.extra_roots_pem = tls_roots();
    o.trust = CHROMESOCK_TRUST_ONLY_EXTRA;
    return o;
}

/* ---- one connection ---- */

static int on_hello(SSL *ssl, int *alert, void *arg) {
    tls_peer *p = arg;
    const unsigned char *data;
    size_t len;
    (void)alert;
    p->had_alpn = SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_application_layer_protocol_negotiation,
                                            &data, &len);
    p->had_psk = SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_psk, &data, &len);
    p->had_early_data = SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_early_data, &data, &len);
    return SSL_CLIENT_HELLO_SUCCESS;
}

static void on_info(const SSL *ssl, int where, int value) {
    tls_peer *p = SSL_get_app_data(ssl);
    if ((where & SSL_CB_ALERT) && (where & SSL_CB_READ)) p->alert = value & 0xff;
}

static void on_key(const SSL *ssl, const char *line) {
    tls_peer *p = SSL_get_app_data(ssl);
    if (p->keys_len < TLS_MOST_KEYS) p->keys[p->keys_len++] = strdup(line);
}

tls_peer *tls_peer_new(int fd, const tls_config *given) {
    static const tls_config defaults;
    const tls_config *c = given ? given : &defaults;
    tls_peer *p = calloc(1, sizeof *p);
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = server_certificate(c->names, key);
    CHECK(p != NULL);
    p->fd = fd;
    p->ctx = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_client_hello_cb(p->ctx, on_hello, p);
    SSL_CTX_set_info_callback(p->ctx, on_info);
    SSL_CTX_set_keylog_callback(p->ctx, on_key);
    SSL_CTX_set_verify(p->ctx, c->verify, NULL);
    CHECK_INT(SSL_CTX_set_session_id_context(p->ctx, (const unsigned char *)"test", 4), 1);
    CHECK_INT(SSL_CTX_set_min_proto_version(p->ctx, c->min ? c->min : TLS1_2_VERSION), 1);
    CHECK_INT(SSL_CTX_set_max_proto_version(p->ctx, c->max ? c->max : TLS1_3_VERSION), 1);
    if (c->ciphers) CHECK_INT(SSL_CTX_set_cipher_list(p->ctx, c->ciphers), 1);
    CHECK_INT(SSL_CTX_use_certificate(p->ctx, cert), 1);
    CHECK_INT(SSL_CTX_use_PrivateKey(p->ctx, key), 1);
    X509_free(cert);
    EVP_PKEY_free(key);
    p->ssl = SSL_new(p->ctx);
    p->in = BIO_new(BIO_s_mem());
    p->out = BIO_new(BIO_s_mem());
    CHECK(p->ssl != NULL && p->in != NULL && p->out != NULL);
    SSL_set_app_data(p->ssl, p);
    SSL_set_bio(p->ssl, p->in, p->out);
    SSL_set_accept_state(p->ssl);
    return p;
}

void tls_peer_free(tls_peer *p) {
    if (p->fd >= 0) close(p->fd);
    while (p->keys_len) free(p->keys[--p->keys_len]);
    SSL_free(p->ssl);
    SSL_CTX_free(p->ctx);
    ERR_clear_error();
    free(p);
}

size_t tls_peer_held(tls_peer *p, char **bytes) {
    size_t len = BIO_ctrl_pending(p->out);
    *bytes = malloc(len + 1);
    CHECK(*bytes != NULL);
    if (len) CHECK_INT(BIO_read(p->out, *bytes, (int)len), len);
    return len;
}

void tls_peer_release(tls_peer *p) {
    char *bytes;
    size_t len = tls_peer_held(p, &bytes);
    if (len) peer_send(p->fd, bytes, len);
    free(bytes);
}

static void release_or_hold(tls_peer *p) {
    if (!p->holds) tls_peer_release(p);
}

/* 1: something, 0: the end, -1: errno says it. */
static int take(tls_peer *p) {
    static _Thread_local char block[1 << 16];
    long long end = now_ms() + deadline_ms();
    ssize_t n;
    for (;;) {
        struct pollfd ready = {p->fd, POLLIN, 0};
        if (poll(&ready, 1, 100) == 1) break;
        if (now_ms() > end) FAIL("TLS peer: deadline");
    }
    n = recv(p->fd, block, sizeof block, 0);
    if (n > 0) CHECK_INT(BIO_write(p->in, block, (int)n), n);
    return n > 0 ? 1 : n == 0 ? 0 : -1;
}

void tls_peer_receive(tls_peer *p) { CHECK_INT(take(p), 1); }

static int wants_more(tls_peer *p, int result) {
    int error = SSL_get_error(p->ssl, result);
    if (error != SSL_ERROR_WANT_READ) return 0;
    release_or_hold(p);
    return 1;
}

/* A few packets, to a client that may have refused and be gone. */
static int say(tls_peer *p) {
    char *bytes;
    size_t len;
    int is_said;
    if (p->holds) return 1;
    len = tls_peer_held(p, &bytes);
    is_said = len == 0 || send(p->fd, bytes, len, MSG_NOSIGNAL) == (ssize_t)len;
    free(bytes);
    return is_said;
}

int tls_peer_handshake(tls_peer *p) {
    const char *name;
    int result, goes_on;
    ERR_clear_error();
    do {
        result = SSL_do_handshake(p->ssl);
        goes_on = result != 1 && SSL_get_error(p->ssl, result) == SSL_ERROR_WANT_READ;
        if (!say(p)) return 0;
    } while (goes_on && take(p) == 1);
    name = SSL_get_servername(p->ssl, TLSEXT_NAMETYPE_host_name);
    snprintf(p->name, sizeof p->name, "%s", name ? name : "");
    return result == 1;
}

void tls_peer_send(tls_peer *p, const void *data, size_t len) {
    const char *at = data;
    while (len > 0) {
        size_t piece = len < 65536 ? len : 65536;
        CHECK_INT(SSL_write(p->ssl, at, (int)piece), piece);
        release_or_hold(p);
        at += piece;
        len -= piece;
    }
}

void tls_peer_text(tls_peer *p, const char *text) { tls_peer_send(p, text, strlen(text)); }

void tls_peer_read(tls_peer *p, void *data, size_t len) {
    size_t got = 0;
    ERR_clear_error();
    while (got < len) {
        int n = SSL_read(p->ssl, (char *)data + got, (int)(len - got));
        if (n > 0) got += (size_t)n;
        else if (!wants_more(p, n) || take(p) != 1)
            FAIL("TLS peer: the end after %zu of %zu bytes, alert %d", got, len, p->alert);
    }
    release_or_hold(p);
}

void tls_peer_expect(tls_peer *p, const char *text) {
    size_t len = strlen(text);
    char *got = malloc(len + 1);
    CHECK(got != NULL);
    tls_peer_read(p, got, len);
    got[len] = 0;
    CHECK_STR(got, text);
    free(got);
}

void tls_peer_goodbye(tls_peer *p) {
    CHECK_INT(SSL_shutdown(p->ssl) >= 0, 1);
    release_or_hold(p);
}

enum tls_end tls_peer_wait_end(tls_peer *p) {
    char block[4096];
    ERR_clear_error();
    for (;;) {
        int n = SSL_read(p->ssl, block, sizeof block), taken;
        if (n > 0) continue;
        if (SSL_get_error(p->ssl, n) == SSL_ERROR_ZERO_RETURN) return TLS_CLEAN;
        if (SSL_get_error(p->ssl, n) != SSL_ERROR_WANT_READ) return TLS_BROKEN;
        taken = take(p);
        if (taken != 1) return taken == 0 ? TLS_TRUNCATED : TLS_RESET;
    }
}

void tls_peer_key_update(tls_peer *p, int asks_for_one) {
    CHECK_INT(SSL_key_update(p->ssl, asks_for_one ? SSL_KEY_UPDATE_REQUESTED
                                                  : SSL_KEY_UPDATE_NOT_REQUESTED), 1);
    CHECK_INT(SSL_do_handshake(p->ssl), 1);
    release_or_hold(p);
}

/* ---- steps ---- */

static int32_t shake_hands(fx *f, int32_t id, int fd, const tls_config *config, tls_peer **p,
                           call *(*secure)(fx *, int32_t)) {
    call *c;
    *p = tls_peer_new(fd, config);
    c = secure(f, id);
    if (!tls_peer_handshake(*p)) FAIL("TLS peer: no handshake, alert %d", (*p)->alert);
    IS_OK0(c);
    return id;
}

int32_t tls_secured(fx *f, const tls_config *config, tls_peer **p) {
    int fd;
    int32_t id = connected_paused(f, &fd);
    return shake_hands(f, id, fd, config, p, tcp_secure);
}

int32_t tls_sock_secured(fx *f, const tls_config *config, tls_peer **p) {
    int fd;
    int32_t id = sock_connected(f, &fd);
    return shake_hands(f, id, fd, config, p, sock_secure);
}

/* ---- echo ---- */

enum { MOST_GUESTS = 64 };

struct tls_echo {
    pthread_t thread;
    int listen_fd;
};

/* Answers what has come; whether the connection is to be kept. */
static int answer(tls_peer *p) {
    static char block[1 << 16];
    int n, is_kept = take(p) == 1;
    char *bytes;
    size_t len;
    ERR_clear_error();
    while (is_kept && (n = SSL_read(p->ssl, block, sizeof block)) > 0) SSL_write(p->ssl, block, n);
    is_kept = is_kept && SSL_get_error(p->ssl, n) == SSL_ERROR_WANT_READ;
    len = tls_peer_held(p, &bytes);
    /* A guest that does not read must not stop the others. */
    if (len && send(p->fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)len) is_kept = 0;
    free(bytes);
    return is_kept;
}

static void *echo_run(void *arg) {
    tls_echo *t = arg;
    tls_peer *guests[MOST_GUESTS];
    int n = 0;
    for (;;) {
        struct pollfd polled[MOST_GUESTS + 1];
        for (int k = 0; k < n; k++) polled[k] = (struct pollfd){guests[k]->fd, POLLIN, 0};
        polled[n] = (struct pollfd){t->listen_fd, POLLIN, 0};
        CHECK(poll(polled, (nfds_t)n + 1, -1) > 0);
        int fd = polled[n].revents ? accept4(t->listen_fd, NULL, NULL, SOCK_CLOEXEC) : -1;
        if (polled[n].revents && fd < 0) break; /* shut down */
        for (int k = n; k-- > 0;)
            if (polled[k].revents && !answer(guests[k])) {
                tls_peer_free(guests[k]);
                guests[k] = guests[--n];
            }
        if (fd >= 0) {
            if (n == MOST_GUESTS) { /* the oldest one leaves */
                tls_peer_free(guests[0]);
                guests[0] = guests[--n];
            }
            guests[n++] = tls_peer_new(fd, NULL);
        }
    }
    while (n > 0) tls_peer_free(guests[--n]);
    OPENSSL_thread_stop();
    return NULL;
}

tls_echo *tls_echo_start(int listen_fd) {
    tls_echo *t = calloc(1, sizeof *t);
    CHECK(t != NULL);
    t->listen_fd = listen_fd;
    CHECK_INT(pthread_create(&t->thread, NULL, echo_run, t), 0);
    return t;
}

void tls_echo_stop(tls_echo *t) {
    shutdown(t->listen_fd, SHUT_RDWR);
    CHECK_INT(pthread_join(t->thread, NULL), 0);
    close(t->listen_fd);
    free(t);
}
