/* TLS servers that others wrote: OpenSSL's and GnuTLS's own, nginx, Python's ssl (tcp.md 7). Each echoes
 * or serves, or refuses with the code of 7.7. */
#include <unistd.h>

#include "calls_tls.h"
#include "real_process.h"
#include "tls_peer.h"

static char cert[256], key[256], rsa_cert[256], rsa_key[256];

static void write_files(void) {
    struct { int use_rsa; const char *cert, *key; } kinds[] = {{0, "ec.pem", "ec.key"},
                                                               {1, "rsa.pem", "rsa.key"}};
    const char *dir = real_folder();
    for (int n = 0; n < 2; n++) {
        char *c, *k;
        tls_make_server(NULL, kinds[n].use_rsa, &c, &k);
        real_write(kinds[n].cert, c, strlen(c));
        real_write(kinds[n].key, k, strlen(k));
        free(c);
        free(k);
    }
    snprintf(cert, sizeof cert, "%s/ec.pem", dir);
    snprintf(key, sizeof key, "%s/ec.key", dir);
    snprintf(rsa_cert, sizeof rsa_cert, "%s/rsa.pem", dir);
    snprintf(rsa_key, sizeof rsa_key, "%s/rsa.key", dir);
}

enum { MOST_ARGUMENTS = 24 };

/* Starts a server with arguments of its kind and those of its row. */
static void start(const char *const *own, const char *const *more) {
    const char *argv[MOST_ARGUMENTS];
    size_t n = 0;
    for (; *own; own++) argv[n++] = *own;
    for (; more && *more; more++) argv[n++] = *more;
    argv[n] = NULL;
    CHECK(n < MOST_ARGUMENTS);
    real_start(argv);
}

static int32_t secure_to(fx *f, uint16_t port, call **secure) {
    int32_t id = new_tcp_paused(f);
    IS_OK0(tcp_connect(f, id, "localhost", port));
    *secure = tcp_secure(f, id);
    return id;
}

/* The servers that answer each line with another one. */
static void ask(fx *f, int32_t id, const char *question, const char *answer) {
    IS_OK(tcp_set_paused(f, id, 0));
    IS_SENT(tcp_send(f, id, question, strlen(question)), strlen(question));
    receive(f, id, answer);
}

/* ---- openssl s_server -rev: answers with each line reversed ---- */

enum {
    MISMATCH = CHROMESOCK_SSL_VERSION_OR_CIPHER_MISMATCH,
    NEEDED = CHROMESOCK_SSL_CLIENT_AUTH_CERT_NEEDED
};

static struct row {
    const char *more[8];
    int use_rsa;
    const char *version, *suite, *group;   /* what is agreed upon; NULL: not looked at */
    int32_t secure, receive_error;         /* codes; 0: it works */
    uint16_t port;
} rows[] = {
    {{"-tls1_2"}, 0, "tls1.2", NULL, "x25519", 0, 0, 0},
    {{"-tls1_3"}, 0, "tls1.3", NULL, TLS_BEST_GROUP, 0, 0, 0},
    {{"-tls1_3", "-groups", "X25519"}, 0, "tls1.3", NULL, "x25519", 0, 0, 0},
    {{"-tls1_2"}, 1, "tls1.2", NULL, NULL, 0, 0, 0},
    {{"-tls1_3"}, 1, "tls1.3", NULL, NULL, 0, 0, 0},
    {{"-tls1_1", "-cipher", "ALL:@SECLEVEL=0"}, 1, NULL, NULL, NULL, MISMATCH, 0, 0},
    {{"-tls1_2", "-cipher", "AES128-GCM-SHA256"}, 1, NULL, NULL, NULL, MISMATCH, 0, 0},
    {{"-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA"}, 0, NULL, NULL, NULL, MISMATCH, 0, 0},
    {{"-tls1_2", "-cipher", "DHE-RSA-AES128-GCM-SHA256"}, 1, NULL, NULL, NULL, MISMATCH, 0, 0},
    {{"-tls1_2", "-cipher", "ECDHE-RSA-AES256-GCM-SHA384"}, 1, "tls1.2",
     "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", NULL, 0, 0, 0},
    {{"-tls1_2", "-cipher", "ECDHE-ECDSA-CHACHA20-POLY1305"}, 0, "tls1.2",
     "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", NULL, 0, 0, 0},
    {{"-tls1_3", "-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256"}, 0, "tls1.3",
     "TLS_CHACHA20_POLY1305_SHA256", NULL, 0, 0, 0},
    {{"-tls1_3", "-ciphersuites", "TLS_AES_128_CCM_SHA256"}, 0, NULL, NULL, NULL, MISMATCH, 0, 0},
    {{"-tls1_3", "-groups", "P-384"}, 0, "tls1.3", NULL, "secp384r1", 0, 0, 0}, /* asks for another hello */
    {{"-tls1_3", "-groups", "P-521"}, 0, NULL, NULL, NULL, MISMATCH, 0, 0},
    {{"-tls1_2", "-verify", "1"}, 0, "tls1.2", NULL, NULL, 0, 0, 0},
    {{"-tls1_3", "-verify", "1"}, 0, "tls1.3", NULL, NULL, 0, 0, 0},
    {{"-tls1_2", "-Verify", "1"}, 0, NULL, NULL, NULL, NEEDED, 0, 0},
    {{"-tls1_3", "-Verify", "1"}, 0, NULL, NULL, NULL, 0, NEEDED, 0},
};
enum { ROWS = sizeof rows / sizeof rows[0] };

static void openssl_row(fx *f, const struct row *row) {
    call *secure;
    int32_t id = secure_to(f, row->port, &secure);
    if (row->secure) {
        SECURE_FAILED(secure, row->secure);
        return;
    }
    IS_OK0(secure);
    if (row->receive_error) {
        IS_OK(tcp_set_paused(f, id, 0));
        receive_error(f, id, row->receive_error);
        return;
    }
    ask(f, id, "a line that comes back\n", "kcab semoc taht enil a\n");
    const struct tls_facts *facts = await(get_tls_session(f, id))->tls;
    CHECK(facts != NULL);
    CHECK_STR(facts->version, row->version);
    CHECK_STR(facts->name, "localhost");
    if (row->suite) CHECK_STR(facts->suite, row->suite);
    if (row->group) CHECK_STR(facts->group, row->group);
    close_tcp(f, id, 1);
}

static void openssl(fx *f) {
    for (size_t n = 0; n < ROWS; n++) openssl_row(f, &rows[n]);
}

static void start_openssl(void) {
    char binary[256], port[16];
    snprintf(binary, sizeof binary, "%s", real_find("openssl"));
    for (size_t n = 0; n < ROWS; n++) {
        struct row *row = &rows[n];
        const char *own[] = {binary, "s_server", "-quiet", "-rev", "-accept", port, "-cert",
                             row->use_rsa ? rsa_cert : cert, "-key", row->use_rsa ? rsa_key : key, NULL};
        row->port = real_port();
        snprintf(port, sizeof port, "%u", (unsigned)row->port);
        start(own, row->more);
        real_wait_listening(row->port);
    }
}

/* ---- gnutls-serv --echo ---- */

static struct {
    const char *priority, *version;
    uint16_t port;
} gnutls_rows[] = {
    {"NORMAL:-VERS-ALL:+VERS-TLS1.3", "tls1.3", 0},
    {"NORMAL:-VERS-ALL:+VERS-TLS1.2", "tls1.2", 0},
    {"NORMAL:-VERS-ALL:+VERS-TLS1.3:-GROUP-ALL:+GROUP-SECP384R1", "tls1.3", 0},
    {"NORMAL:-CIPHER-ALL:+CHACHA20-POLY1305", "tls1.3", 0},
};
enum { GNUTLS_ROWS = sizeof gnutls_rows / sizeof gnutls_rows[0] };

static void start_gnutls(void) {
    char binary[256], port[16];
    snprintf(binary, sizeof binary, "%s", real_find("gnutls-serv"));
    for (size_t n = 0; n < GNUTLS_ROWS; n++) {
        const char *own[] = {binary, "--quiet", "--echo", "--port", port, "--x509certfile", cert,
                             "--x509keyfile", key, "--priority", gnutls_rows[n].priority, NULL};
        gnutls_rows[n].port = real_port();
        snprintf(port, sizeof port, "%u", (unsigned)gnutls_rows[n].port);
        start(own, NULL);
        real_wait_listening(gnutls_rows[n].port);
    }
}

static void gnutls(fx *f) {
    for (size_t n = 0; n < GNUTLS_ROWS; n++) {
        call *secure;
        int32_t id = secure_to(f, gnutls_rows[n].port, &secure);
        IS_OK0(secure); /* it asks for a certificate, and goes on without (README S9) */
        ask(f, id, "a line that comes back\n", "a line that comes back\n");
        CHECK_STR(await(get_tls_session(f, id))->tls->version, gnutls_rows[n].version);
        close_tcp(f, id, 1);
    }
}

/* ---- nginx: a file ---- */

enum { SIZE = 1 << 20 };
static char file[SIZE];
static uint16_t nginx_port;

static void start_nginx(void) {
    char conf[1024], path[256], prefix[128], binary[256];
    const char *dir = real_folder(), *argv[] = {binary, "-p", prefix, "-c", path, "-e", "stderr", NULL};
    snprintf(binary, sizeof binary, "%s", real_find("nginx"));
    for (size_t n = 0; n < SIZE; n++) file[n] = (char)(n * 7 + n / 251);
    real_write("big.bin", file, SIZE);
    nginx_port = real_port();
    snprintf(conf, sizeof conf,
             "daemon off; master_process off; pid %s/nginx.pid; error_log stderr crit;\n"
             "events { worker_connections 64; }\n"
             "http { access_log off; client_body_temp_path %s; proxy_temp_path %s;\n"
             " fastcgi_temp_path %s; uwsgi_temp_path %s; scgi_temp_path %s;\n"
             " server { listen 127.0.0.1:%u ssl; root %s; ssl_certificate %s;\n"
             "  ssl_certificate_key %s; ssl_session_tickets on; } }\n",
             dir, dir, dir, dir, dir, dir, (unsigned)nginx_port, dir, rsa_cert, rsa_key);
    real_write("nginx.conf", conf, strlen(conf));
    snprintf(path, sizeof path, "%s/nginx.conf", dir);
    snprintf(prefix, sizeof prefix, "%s/", dir);
    start(argv, NULL);
    real_wait_listening(nginx_port);
}

/* Everything up to the end, which is in order: -100 (TLS-43). */
static void nginx(fx *f) {
    static const char get[] = "GET /big.bin HTTP/1.0\r\n\r\n";
    call *secure;
    int32_t id = secure_to(f, nginx_port, &secure);
    char *got = malloc(SIZE + 4096), *body;
    size_t len = 0;
    CHECK(got != NULL);
    IS_OK0(secure);
    IS_SENT(tcp_send(f, id, get, sizeof get - 1), sizeof get - 1);
    IS_OK(tcp_set_paused(f, id, 0));
    do {
        const ev *e = await_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE, id);
        CHECK(len + e->len <= SIZE + 4096);
        memcpy(got + len, e->data, e->len);
        len += e->len;
        body = memmem(got, len, "\r\n\r\n", 4);
    } while (body == NULL || len < (size_t)(body + 4 - got) + SIZE);
    CHECK(strncmp(got, "HTTP/1.1 200", 12) == 0);
    CHECK_MEM(body + 4, len - (size_t)(body + 4 - got), file, SIZE);
    receive_error(f, id, CHROMESOCK_CONNECTION_CLOSED);
    free(got);
}

/* ---- Python's ssl: secures after a plain greeting, as mail servers do, and echoes ---- */

static uint16_t python_port;

static void start_python(void) {
    static const char script[] =
        "import socket, ssl, sys\n"
        "context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)\n"
        "context.load_cert_chain(sys.argv[2], sys.argv[3])\n"
        "server = socket.create_server(('127.0.0.1', int(sys.argv[1])))\n"
        "while True:\n"
        "    plain, _ = server.accept()\n"
        "    try:\n"
        "        plain.sendall(b'hello\\n')\n"
        "        if plain.recv(100) != b'STARTTLS\\n': continue\n"
        "        plain.sendall(b'go\\n')\n"
        "        with context.wrap_socket(plain, server_side=True) as secured:\n"
        "            while data := secured.recv(65536): secured.sendall(data)\n"
        "            secured.unwrap()\n"
        "    except OSError: pass\n"
        "    finally: plain.close()\n";
    char binary[256], port[16];
    const char *argv[] = {binary, "-c", script, port, cert, key, NULL};
    snprintf(binary, sizeof binary, "%s", real_find("python3"));
    python_port = real_port();
    snprintf(port, sizeof port, "%u", (unsigned)python_port);
    start(argv, NULL);
    real_wait_listening(python_port);
}

static void python(fx *f) {
    static char block[100000];
    int32_t id = new_tcp(f);
    IS_OK0(tcp_connect(f, id, "localhost", python_port));
    receive(f, id, "hello\n");
    IS_OK(tcp_set_paused(f, id, 1)); /* TLS-11 recipe 2 */
    IS_SENT(tcp_send(f, id, "STARTTLS\n", 9), 9);
    receive(f, id, "go\n");
    IS_OK0(tcp_secure(f, id));
    IS_OK(tcp_set_paused(f, id, 0));
    for (size_t n = 0; n < sizeof block; n++) block[n] = (char)(n * 3);
    IS_SENT(tcp_send(f, id, block, sizeof block), sizeof block);
    receive_bytes(f, id, block, sizeof block);
    close_tcp(f, id, 1);
}

int main(int argc, char **argv) {
    chromesock_app_options o = tls_options();
    harness_init(argc, argv);
    write_files();
    if (harness_wants("openssl")) start_openssl();
    RUN_ALL_MODES_WITH(openssl, &o);
    if (harness_wants("gnutls")) start_gnutls();
    RUN_ALL_MODES_WITH(gnutls, &o);
    if (harness_wants("nginx")) start_nginx();
    RUN_ALL_MODES_WITH(nginx, &o);
    if (harness_wants("python")) start_python();
    RUN_ALL_MODES_WITH(python, &o);
    return harness_finish();
}
