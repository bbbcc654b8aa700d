/* The TLS client by hand: OpenSSL over edge-triggered epoll. */
#define _GNU_SOURCE
#include "client.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { EVENTS = 64 };

struct connection {
    int fd;
    SSL *ssl;
};

static SSL_CTX *context;
static int loop, secured;

static void start(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    to.sin_port = htons((uint16_t)work.port);
    struct connection *connection = malloc(sizeof *connection);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
    SSL *ssl = SSL_new(context);
    if (connection == NULL || fd < 0 || ssl == NULL) {
        die("connection");
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    use_reno(fd);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0 && errno != EINPROGRESS) {
        die("connect");
    }
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), "127.0.0.1");
    SSL_set_fd(ssl, fd);
    SSL_set_connect_state(ssl);
    *connection = (struct connection){fd, ssl};
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = connection};
    if (epoll_ctl(loop, EPOLL_CTL_ADD, fd, &event) != 0) {
        die("epoll_ctl");
    }
}

static void visit(struct connection *connection)
{
    SSL *ssl = connection->ssl;
    int n = 1;
    if (!SSL_is_init_finished(ssl)) {
        n = SSL_do_handshake(ssl);
        if (n == 1 && work.work == HANDSHAKES) {
            SSL_shutdown(ssl);
            SSL_free(ssl);
            close(connection->fd);
            free(connection);
            add(1);
            start();
            return;
        }
        if (n == 1 && work.work == IDLING) {
            note_idle(++secured);
            start();
            return;
        }
        if (n == 1 && work.work == ECHO) {
            n = SSL_write(ssl, payload, (int)work.size);
        }
    }
    while (n > 0 && work.work == ECHO) {
        n = SSL_read(ssl, payload, MOST);
        if (n > 0) {
            note_echo((size_t)n);
            n = SSL_write(ssl, payload, (int)work.size);
        }
    }
    while (n > 0 && work.work == DOWNLOAD) {
        n = SSL_read(ssl, payload, MOST);
        if (n > 0) {
            add((uint64_t)n);
        }
    }
    while (n > 0 && work.work == UPLOAD) {
        n = SSL_write(ssl, payload, (int)work.size);
        if (n > 0) {
            add((uint64_t)n);
        }
    }
    int why = SSL_get_error(ssl, n);
    if (n <= 0 && why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) {
        ERR_print_errors_fp(stderr);
        fprintf(stderr, "openssl: the connection ended\n");
        exit(1);
    }
}

int main(int argc, char **argv)
{
    parse_work(argc, argv);
    signal(SIGPIPE, SIG_IGN);
    context = SSL_CTX_new(TLS_client_method());
    loop = epoll_create1(EPOLL_CLOEXEC);
    if (context == NULL || loop < 0 || SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) != 1 ||
        SSL_CTX_load_verify_locations(context, work.roots, NULL) != 1) {
        die("context");
    }
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    /* One read for many records; and no buffers for those who are idle. */
    SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set_default_read_buffer_len(context, 64 * 1024);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
    for (int i = 0; i < first_connections(); i++) {
        start();
    }
    for (;;) {
        struct epoll_event events[EVENTS];
        int n = epoll_wait(loop, events, EVENTS, -1);
        for (int i = 0; i < n; i++) {
            visit(events[i].data.ptr);
        }
    }
}
