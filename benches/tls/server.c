/* The server that all TLS clients are measured with: OpenSSL over epoll, many connections on one thread.
 *   server handshakes|download|upload|echo|idle CERTIFICATE KEY SIZE
 * prints its port and ends when its standard input ends. TLS 1.3 with AES-128-GCM and X25519; neither
 * resumption nor tickets, so that each handshake is a whole one. Download sends `size` bytes at a time. */
#define _GNU_SOURCE
#include "../bench.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { MOST = 64 * 1024, EVENTS = 64 };

struct peer {
    int fd;
    SSL *ssl;
};

static uint8_t block[MOST];
static int sends, echoes;
static int size;
static int loop;

static void leave(struct peer *peer)
{
    ERR_clear_error();
    SSL_free(peer->ssl);
    close(peer->fd);
    free(peer);
}

/* Edge-triggered: goes on until OpenSSL has to wait. */
static void visit(struct peer *peer)
{
    int done = SSL_is_init_finished(peer->ssl), one = 1;
    int n = SSL_do_handshake(peer->ssl);
    /* OpenSSL writes each record by itself; the client should wait for bytes, not be woken for each. */
    if (!done && n > 0 && sends) {
        setsockopt(peer->fd, IPPROTO_TCP, TCP_CORK, &one, sizeof one);
    }
    /* The client never says anything in a download, and the server in an echo only. */
    while (n > 0) {
        n = sends ? SSL_write(peer->ssl, block, size) : SSL_read(peer->ssl, block, MOST);
        if (echoes && n > 0) {
            n = SSL_write(peer->ssl, block, n);
        }
    }
    int why = SSL_get_error(peer->ssl, n);
    if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) {
        leave(peer);
    }
}

static void accept_all(int listener, SSL_CTX *context)
{
    int fd;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        struct peer *peer = malloc(sizeof *peer);
        SSL *ssl = SSL_new(context);
        if (peer == NULL || ssl == NULL || SSL_set_fd(ssl, fd) != 1) {
            die("accept");
        }
        SSL_set_accept_state(ssl);
        *peer = (struct peer){fd, ssl};
        struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = peer};
        if (epoll_ctl(loop, EPOLL_CTL_ADD, fd, &event) != 0) {
            die("epoll_ctl");
        }
    }
}

static void watch(int fd, void *tag)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = tag};
    if (epoll_ctl(loop, EPOLL_CTL_ADD, fd, &event) != 0) {
        die("epoll_ctl");
    }
}

static SSL_CTX *make_context(const char *certificate, const char *key)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (context == NULL || SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) != 1 ||
        SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256") != 1 ||
        SSL_CTX_set1_groups_list(context, "X25519") != 1 || SSL_CTX_set_num_tickets(context, 0) != 1 ||
        SSL_CTX_use_certificate_chain_file(context, certificate) != 1 ||
        SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1) {
        fprintf(stderr, "server: the certificate or the key cannot be used\n");
        exit(1);
    }
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set_mode(context, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_default_read_buffer_len(context, 128 * 1024);
    return context;
}

int main(int argc, char **argv)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    if (argc != 5 || (size = atoi(argv[4])) < 1 || size > MOST) {
        fprintf(stderr, "usage: server handshakes|download|upload|echo|idle CERTIFICATE KEY SIZE\n");
        return 2;
    }
    sends = strcmp(argv[1], "download") == 0;
    echoes = strcmp(argv[1], "echo") == 0;
    raise_descriptor_limit();
    signal(SIGPIPE, SIG_IGN);
    SSL_CTX *context = make_context(argv[2], argv[3]);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    loop = epoll_create1(0);
    int one = 1;
    setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    use_reno(listener);
    if (loop < 0 || bind(listener, (struct sockaddr *)&at, sizeof at) != 0 || listen(listener, 1024) != 0 ||
        getsockname(listener, (struct sockaddr *)&at, &len) != 0) {
        die("listen");
    }
    int input = STDIN_FILENO; /* the address of each is its tag */
    watch(listener, &listener);
    watch(input, &input);
    printf("%d\n", ntohs(at.sin_port));
    fflush(stdout);
    for (;;) {
        struct epoll_event events[EVENTS];
        int n = epoll_wait(loop, events, EVENTS, -1);
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr == &input) {
                return 0;
            }
            if (events[i].data.ptr == &listener) {
                accept_all(listener, context);
            } else {
                visit(events[i].data.ptr);
            }
        }
    }
}
