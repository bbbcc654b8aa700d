/* The same server on libuv, as its documents advise: many datagrams from one recvmmsg, where it has that,
 * and uv_udp_try_send, which on loopback always finds room. */
#define _GNU_SOURCE
#include "udp.h"

#include <uv.h>

enum { SLOT = 64 * 1024 }; /* what libuv 1 takes for each datagram of a batch */

static enum mode mode;
static uv_loop_t *loop;
static uv_udp_t udp;
static uv_pipe_t input;
static uint64_t received, sent;
static char buffer[BATCH * SLOT], out[DATAGRAM_MOST];

static void check(int result, const char *what)
{
    if (result < 0) {
        fprintf(stderr, "%s: %s\n", what, uv_strerror(result));
        exit(1);
    }
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    (void)handle;
    (void)suggested;
    *buf = uv_buf_init(buffer, sizeof buffer);
}

static void send_one(char *data, size_t len, const struct sockaddr *to)
{
    uv_buf_t buf = uv_buf_init(data, (unsigned)len);
    check(uv_udp_try_send(&udp, &buf, 1, to), "uv_udp_try_send");
}

static void on_receive(uv_udp_t *handle, ssize_t n, const uv_buf_t *buf, const struct sockaddr *from, unsigned flags)
{
    (void)handle;
    (void)flags;
    check((int)n, "receive");
    if (from == NULL) {
        return; /* nothing more, or the end of a batch */
    }
    if (mode == MODE_ECHO) {
        send_one(buf->base, (size_t)n, from);
    } else if (mode == MODE_SINK) {
        if (count_received(&received, (size_t)n)) {
            send_one((char *)&received, sizeof received, from);
        }
    } else {
        uint32_t size = credit_size(buf->base, (size_t)n);
        for (int i = 0; i < PART; i++) {
            put_number((uint8_t *)out, sent++);
            send_one(out, size, from);
        }
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
    int len = sizeof at;
    if (argc != 3 || !parse_mode(argv[1], &mode) || (strcmp(argv[2], "mmsg") != 0 && strcmp(argv[2], "plain") != 0)) {
        fprintf(stderr, "udp_uv echo|sink|source plain|mmsg\n");
        return 2;
    }
    loop = uv_default_loop();
    unsigned flags = strcmp(argv[2], "mmsg") == 0 ? UV_UDP_RECVMMSG : 0U;
    check(uv_udp_init_ex(loop, &udp, AF_INET | flags), "uv_udp_init_ex");
    check(uv_ip4_addr("127.0.0.1", 0, &at), "address");
    check(uv_udp_bind(&udp, (struct sockaddr *)&at, 0), "bind");
    check(uv_udp_getsockname(&udp, (struct sockaddr *)&at, &len), "getsockname");
    check(uv_udp_recv_start(&udp, on_alloc, on_receive), "uv_udp_recv_start");
    printf("%d\n", ntohs(at.sin_port));
    fflush(stdout);
    check(uv_pipe_init(loop, &input, 0), "uv_pipe_init");
    check(uv_pipe_open(&input, 0), "standard input");
    check(uv_read_start((uv_stream_t *)&input, on_alloc, on_input), "standard input");
    uv_run(loop, UV_RUN_DEFAULT);
    return 0;
}
