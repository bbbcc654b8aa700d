/* The same server on libuv, as its documents advise: many datagrams from one recvmmsg, where it has that,
 * and uv_udp_try_send, which on loopback always finds room. */
#define _GNU_SOURCE
#include "udp.h"
#include "uv_host.h"

enum { SLOT = 64 * 1024 }; /* what libuv 1 takes for each datagram of a batch */

static struct udp_service service;
static uv_udp_t udp;
static char buffer[BATCH * SLOT];

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    (void)handle;
    (void)suggested;
    *buf = uv_buf_init(buffer, sizeof buffer);
}

static void send_one(void *handle, const uint8_t *data, size_t len, const struct sockaddr *to)
{
    uv_buf_t buf = uv_buf_init((char *)(uintptr_t)data, (unsigned)len);
    check(uv_udp_try_send(handle, &buf, 1, to), "uv_udp_try_send");
}

static void on_receive(uv_udp_t *handle, ssize_t n, const uv_buf_t *buf, const struct sockaddr *from, unsigned flags)
{
    (void)flags;
    check((int)n, "receive");
    if (from != NULL) { /* else nothing more, or the end of a batch */
        serve_datagram(&service, (const uint8_t *)buf->base, (size_t)n, from, send_one, handle);
    }
}

int main(int argc, char **argv)
{
    struct sockaddr_in at;
    int len = sizeof at;
    uv_loop_t *loop = uv_default_loop();
    if (argc != 3 || !parse_udp_mode(argv[1], &service) ||
        (strcmp(argv[2], "mmsg") != 0 && strcmp(argv[2], "plain") != 0)) {
        fprintf(stderr, "udp_uv echo|sink|source plain|mmsg\n");
        return 2;
    }
    unsigned flags = strcmp(argv[2], "mmsg") == 0 ? UV_UDP_RECVMMSG : 0U;
    check(uv_udp_init_ex(loop, &udp, AF_INET | flags), "uv_udp_init_ex");
    check(uv_ip4_addr("127.0.0.1", 0, &at), "address");
    check(uv_udp_bind(&udp, (struct sockaddr *)&at, 0), "bind");
    check(uv_udp_getsockname(&udp, (struct sockaddr *)&at, &len), "getsockname");
    check(uv_udp_recv_start(&udp, on_alloc, on_receive), "uv_udp_recv_start");
    tell_port(ntohs(at.sin_port));
    run_until_end_of_input(loop);
    return 0;
}
