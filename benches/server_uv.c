/* The same server on libuv, as its documents advise: one shared read buffer (a read callback is done
 * with it before the next), uv_try_write first, a queued uv_write only for what did not fit. */
#define _GNU_SOURCE
#include "bench.h"

#include <uv.h>

enum { READ_SIZE = 64 * 1024 };
enum { TRIES = 16 }; /* sends in a row of a source before the loop gets its turn */

struct connection {
    uv_tcp_t tcp;
    uv_write_t write; /* source: the one queued block */
    uint64_t count;
};

struct rest {
    uv_write_t write;
    char data[];
};

static enum mode mode;
static uv_loop_t *loop;
static uv_tcp_t listener;
static uv_pipe_t input;
static char buffer[READ_SIZE], block[BLOCK];

static void check(int result, const char *what)
{
    if (result < 0) {
        fprintf(stderr, "%s: %s\n", what, uv_strerror(result));
        exit(1);
    }
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void drop(struct connection *c)
{
    if (!uv_is_closing((uv_handle_t *)&c->tcp)) {
        uv_close((uv_handle_t *)&c->tcp, on_closed);
    }
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    (void)handle;
    (void)suggested;
    *buf = uv_buf_init(buffer, READ_SIZE);
}

static void on_rest_written(uv_write_t *write, int status)
{
    struct connection *c = write->handle->data;
    if (status < 0) {
        drop(c);
    }
    free(write->data);
}

static void send_or_queue(struct connection *c, const char *data, size_t len)
{
    uv_buf_t buf = uv_buf_init((char *)(uintptr_t)data, (unsigned)len);
    int n = uv_try_write((uv_stream_t *)&c->tcp, &buf, 1);
    if (n == (int)len) {
        return;
    }
    if (n < 0 && n != UV_EAGAIN) {
        drop(c);
        return;
    }
    size_t done = n > 0 ? (size_t)n : 0;
    struct rest *rest = malloc(sizeof *rest + len - done);
    if (rest == NULL) {
        die("malloc");
    }
    memcpy(rest->data, data + done, len - done);
    rest->write.data = rest;
    buf = uv_buf_init(rest->data, (unsigned)(len - done));
    if (uv_write(&rest->write, (uv_stream_t *)&c->tcp, &buf, 1, on_rest_written) != 0) {
        free(rest);
        drop(c);
    }
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct connection *c = stream->data;
    if (n < 0) {
        drop(c);
        return;
    }
    if (mode == MODE_ECHO) {
        if (n > 0) {
            send_or_queue(c, buf->base, (size_t)n);
        }
        return;
    }
    uint64_t before = c->count / ACK_EVERY;
    c->count += (uint64_t)n;
    for (uint64_t owed = c->count / ACK_EVERY - before; owed > 0; owed--) {
        send_or_queue(c, "a", 1);
    }
}

static void send_blocks(struct connection *c);

static void on_block_written(uv_write_t *write, int status)
{
    struct connection *c = write->handle->data;
    if (status < 0) {
        drop(c);
    } else {
        send_blocks(c);
    }
}

/* Blocks go out directly until the socket is full; the part that did not fit is queued, and its
 * callback brings us back here. */
static void send_blocks(struct connection *c)
{
    for (int tries = 0;; tries++) {
        uv_buf_t buf = uv_buf_init(block, BLOCK);
        int n = tries < TRIES ? uv_try_write((uv_stream_t *)&c->tcp, &buf, 1) : UV_EAGAIN;
        if (n == BLOCK) {
            continue;
        }
        if (n < 0 && n != UV_EAGAIN) {
            drop(c);
            return;
        }
        size_t done = n > 0 ? (size_t)n : 0;
        buf = uv_buf_init(block + done, (unsigned)(BLOCK - done));
        if (uv_write(&c->write, (uv_stream_t *)&c->tcp, &buf, 1, on_block_written) != 0) {
            drop(c);
        }
        return;
    }
}

static void on_connection(uv_stream_t *server, int status)
{
    check(status, "accept");
    struct connection *c = calloc(1, sizeof *c);
    if (c == NULL) {
        die("calloc");
    }
    check(uv_tcp_init(loop, &c->tcp), "uv_tcp_init");
    c->tcp.data = c;
    if (uv_accept(server, (uv_stream_t *)&c->tcp) != 0) {
        drop(c);
        return;
    }
    check(uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read), "uv_read_start");
    if (mode == MODE_SOURCE) {
        send_blocks(c);
    }
}

static void on_input(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    (void)stream;
    (void)buf;
    if (n < 0) {
        uv_stop(loop);
    }
}

int main(int argc, char **argv)
{
    struct sockaddr_in at;
    int len = sizeof at, one = 1;
    uv_os_fd_t fd;
    if (argc != 2 || !parse_mode(argv[1], &mode)) {
        fprintf(stderr, "server_uv echo|sink|source\n");
        return 2;
    }
    raise_descriptor_limit();
    fill_pattern((uint8_t *)block);
    loop = uv_default_loop();
    check(uv_ip4_addr("127.0.0.1", 0, &at), "address");
    check(uv_tcp_init(loop, &listener), "uv_tcp_init");
    check(uv_tcp_bind(&listener, (struct sockaddr *)&at, 0), "bind");
    check(uv_fileno((uv_handle_t *)&listener, &fd), "uv_fileno");
    /* Set once here: accepted sockets inherit it. */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    use_reno(fd);
    check(uv_listen((uv_stream_t *)&listener, SOMAXCONN, on_connection), "listen");
    check(uv_tcp_getsockname(&listener, (struct sockaddr *)&at, &len), "getsockname");
    printf("%d\n", ntohs(at.sin_port));
    fflush(stdout);
    check(uv_pipe_init(loop, &input, 0), "uv_pipe_init");
    check(uv_pipe_open(&input, 0), "standard input");
    check(uv_read_start((uv_stream_t *)&input, on_alloc, on_input), "standard input");
    uv_run(loop, UV_RUN_DEFAULT);
    return 0;
}
