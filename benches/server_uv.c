/* The same server on libuv, as its documents advise: one shared read buffer (a read callback is done
 * with it before the next), uv_try_write first, a queued uv_write only for what did not fit. Where each
 * send has a completion of its own it is a uv_write with its callback. Sends of a foreign thread come by a
 * queue under a mutex, and a uv_async. */
#define _GNU_SOURCE
#include "foreign.h"
#include "uv_host.h"

enum { READ_SIZE = 64 * 1024 };
enum { TRIES = 16 }; /* sends in a row of a source before the loop gets its turn */

struct connection {
    uv_tcp_t tcp;
    uv_write_t write; /* source: the one queued block */
    uint64_t count;
    uint64_t completed; /* queued: sends of this burst */
};

struct rest {
    uv_write_t write;
    char data[];
};

static enum mode mode;
static uv_loop_t *loop;
static uv_tcp_t listener;
static char buffer[READ_SIZE], block[BLOCK];

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static struct foreign foreign;
static struct connection *foreign_target;

static void drop(struct connection *c)
{
    if (c == foreign_target) {
        foreign_stop(&foreign);
        foreign_target = NULL;
    }
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

/* ---- small sends, each a uv_write ---- */

static uv_write_t small_writes[QUEUED]; /* more than FOREIGN_WINDOW: the ones in use are never met again */

static void write_small(struct connection *c, uint64_t number, uv_write_cb callback)
{
    uv_buf_t buf = uv_buf_init((char *)(uintptr_t)small_send((uint8_t *)block, number), SMALL);
    if (uv_write(&small_writes[number % QUEUED], (uv_stream_t *)&c->tcp, &buf, 1, callback) != 0) {
        drop(c);
    }
}

static void on_queued_written(uv_write_t *write, int status)
{
    struct connection *c = write->handle->data;
    if (status < 0) {
        drop(c);
    } else if (++c->completed == QUEUED) {
        c->completed = 0;
        send_or_queue(c, "d", 1);
    }
}

static void queue_sends(struct connection *c)
{
    for (uint64_t i = 0; i < QUEUED; i++) {
        write_small(c, i, on_queued_written);
    }
}

static uv_async_t wakeup;
static uv_mutex_t queue_lock;
static uint64_t queue[2][FOREIGN_WINDOW]; /* numbers of sends: one half is filled, one written out */
static size_t queue_len;
static int queue_half;

static void submit_foreign(void *target, uint64_t number)
{
    (void)target;
    uv_mutex_lock(&queue_lock);
    queue[queue_half][queue_len++] = number;
    uv_mutex_unlock(&queue_lock);
    uv_async_send(&wakeup);
}

static void on_foreign_written(uv_write_t *write, int status)
{
    struct connection *c = write->handle->data;
    if (status < 0) {
        drop(c);
    } else {
        foreign_finish(&foreign, 1);
    }
}

static void on_wakeup(uv_async_t *async)
{
    (void)async;
    uv_mutex_lock(&queue_lock);
    const uint64_t *numbers = queue[queue_half];
    size_t n = queue_len;
    queue_half = !queue_half;
    queue_len = 0;
    uv_mutex_unlock(&queue_lock);
    for (size_t i = 0; i < n && foreign_target != NULL; i++) {
        write_small(foreign_target, numbers[i], on_foreign_written);
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
    if (mode == MODE_QUEUED) {
        queue_sends(c);
        return;
    }
    for (uint64_t owed = acks_owed(&c->count, (size_t)n); owed > 0; owed--) {
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
    } else if (mode == MODE_FOREIGN) {
        foreign_target = c;
        foreign_start(&foreign, submit_foreign, c);
    }
}

int main(int argc, char **argv)
{
    struct sockaddr_in at;
    int len = sizeof at;
    uv_os_fd_t fd;
    if (argc != 2 || !parse_mode(argv[1], &mode)) {
        fprintf(stderr, "server_uv echo|sink|source|queued|foreign\n");
        return 2;
    }
    raise_descriptor_limit();
    fill_pattern((uint8_t *)block);
    loop = uv_default_loop();
    check(uv_ip4_addr("127.0.0.1", 0, &at), "address");
    check(uv_tcp_init(loop, &listener), "uv_tcp_init");
    check(uv_tcp_bind(&listener, (struct sockaddr *)&at, 0), "bind");
    check(uv_fileno((uv_handle_t *)&listener, &fd), "uv_fileno");
    set_listener_options(fd);
    check(uv_async_init(loop, &wakeup, on_wakeup), "uv_async_init");
    check(uv_mutex_init(&queue_lock), "uv_mutex_init");
    check(uv_listen((uv_stream_t *)&listener, SOMAXCONN, on_connection), "listen");
    check(uv_tcp_getsockname(&listener, (struct sockaddr *)&at, &len), "getsockname");
    tell_port(ntohs(at.sin_port));
    run_until_end_of_input(loop);
    return 0;
}
