/* A TLS server for the tests: OpenSSL between two buffers in memory, so that a test decides what is on
 * the wire, when, and in which pieces. It works on the test's thread: the library has one of its own.
 * Every wait has a deadline, and nothing raises SIGPIPE. */
#ifndef CHROMESOCK_TEST_TLS_PEER_H
#define CHROMESOCK_TEST_TLS_PEER_H

#include <openssl/ssl.h>

#include "calls_tls.h"

/* What this OpenSSL and the library agree upon in TLS 1.3, if nothing is said. */
#if OPENSSL_VERSION_NUMBER >= 0x30500000L
#define TLS_BEST_GROUP "X25519MLKEM768"
#else
#define TLS_BEST_GROUP "x25519"
#endif

typedef struct tls_config {
    int min, max;          /* TLS1_2_VERSION …; 0: TLS 1.2 and 1.3 */
    const char *ciphers;   /* NULL: OpenSSL's; "@SECLEVEL=0" is what TLS 1.1 takes */
    const char *names;     /* subjectAltName; NULL: localhost and the loopback addresses */
    int verify;            /* SSL_VERIFY_…: ask for, or insist on, a certificate */
} tls_config;

enum { TLS_MOST_KEYS = 16 };

typedef struct tls_peer {
    SSL_CTX *ctx;
    SSL *ssl;
    BIO *in, *out;
    int fd;
    int holds;             /* what it says stays in `out` until tls_peer_release */
    int alert;             /* the last one received, else 0 */
    char name[256];        /* SNI, empty without */
    int had_alpn, had_psk, had_early_data;   /* extensions of the ClientHello */
    char *keys[TLS_MOST_KEYS];               /* the first lines of its key log */
    size_t keys_len;
} tls_peer;

/* ---- certificates, made once per process: an authority, and servers' below it ---- */

const char *tls_roots(void);                        /* PEM of the authority */
/* PEM of a server's certificate and of its key; freed by the caller. */
void tls_make_server(const char *names, int use_rsa, char **certificate, char **key);
chromesock_app_options tls_options(void);           /* an app that trusts this authority alone */

/* ---- one connection ---- */

tls_peer *tls_peer_new(int fd, const tls_config *config);   /* NULL: defaults; owns fd */
void tls_peer_free(tls_peer *p);                    /* closes it without a goodbye */
int tls_peer_handshake(tls_peer *p);                /* done, or failed? */
void tls_peer_receive(tls_peer *p);                 /* waits, and takes what the client said */
void tls_peer_release(tls_peer *p);                 /* sends what it says */
size_t tls_peer_held(tls_peer *p, char **bytes);    /* takes what it would say; freed by the caller */

void tls_peer_send(tls_peer *p, const void *data, size_t len);
void tls_peer_text(tls_peer *p, const char *text);
void tls_peer_read(tls_peer *p, void *data, size_t len);
void tls_peer_expect(tls_peer *p, const char *text);
void tls_peer_goodbye(tls_peer *p);                 /* close_notify; the connection stays */
enum tls_end { TLS_CLEAN, TLS_TRUNCATED, TLS_RESET, TLS_BROKEN };
enum tls_end tls_peer_wait_end(tls_peer *p);        /* how the client ended; data is thrown away */
void tls_peer_key_update(tls_peer *p, int asks_for_one);

/* ---- steps, each checked ---- */

int32_t tls_secured(fx *f, const tls_config *config, tls_peer **p);        /* paused, and secured */
int32_t tls_sock_secured(fx *f, const tls_config *config, tls_peer **p);   /* of chrome.socket */

/* A thread that secures and echoes every connection of a listener, until the listener is shut down;
 * connections that fail are the test's business. */
typedef struct tls_echo tls_echo;
tls_echo *tls_echo_start(int listen_fd);
void tls_echo_stop(tls_echo *t);                    /* closes listen_fd */

#endif
