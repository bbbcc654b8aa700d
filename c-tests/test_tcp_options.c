/* sockets.tcp: setKeepAlive and setNoDelay (tcp.md 3.4). What reached the kernel is read from the
 * library's own descriptor, found by its ports. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness.h"

static int option(fx *f, int32_t id, int level, int name) {
    const chromesock_socket_info *i = info_of(f, id);
    int fd = fd_of((uint16_t)i->local_port, (uint16_t)i->peer_port), value = -1;
    socklen_t len = sizeof value;
    CHECK(fd >= 0);
    CHECK_INT(getsockopt(fd, level, name, &value, &len), 0);
    return value;
}

#define KEEP_ALIVE(id) (option(f, id, SOL_SOCKET, SO_KEEPALIVE) != 0)
#define IDLE(id) option(f, id, IPPROTO_TCP, TCP_KEEPIDLE)
#define INTERVAL(id) option(f, id, IPPROTO_TCP, TCP_KEEPINTVL)
#define NO_DELAY(id) (option(f, id, IPPROTO_TCP, TCP_NODELAY) != 0)

/* KA-5 for outgoing connections. */
static void defaults_of_a_connection(fx *f) {
    int peer;
    int32_t id = connected(f, &peer);
    CHECK_INT(NO_DELAY(id), 1);
    CHECK_INT(KEEP_ALIVE(id), 1);
    CHECK_INT(IDLE(id), 45);
    CHECK_INT(INTERVAL(id), 45);
    close(peer);
}

/* KA-5, AC-2 for accepted ones. */
static void defaults_of_an_accepted_socket(fx *f) {
    uint16_t port;
    int peer;
    int32_t server = listening(f, &port), id = accepted(f, server, port, &peer);
    CHECK_INT(NO_DELAY(id), 1);
    CHECK_INT(KEEP_ALIVE(id), 1);
    CHECK_INT(IDLE(id), 45);
    CHECK_INT(INTERVAL(id), 45);
    IS_OK0(tcp_set_no_delay(f, id, 0)); /* 3.4 "accepted" */
    CHECK_INT(NO_DELAY(id), 0);
    IS_OK0(tcp_set_keep_alive(f, id, 1, 7));
    CHECK_INT(IDLE(id), 7);
    close(peer);
}

static void no_delay_on_and_off(fx *f) {
    int peer;
    int32_t id = connected(f, &peer);
    IS_OK0(tcp_set_no_delay(f, id, 0)); /* KA-5: false turns Nagle on */
    CHECK_INT(NO_DELAY(id), 0);
    IS_OK0(tcp_set_no_delay(f, id, 1));
    CHECK_INT(NO_DELAY(id), 1);
    close(peer);
}

static void keep_alive_values(fx *f) {
    int peer;
    int32_t id = connected(f, &peer);
    IS_OK0(tcp_set_keep_alive(f, id, 0, 99)); /* KA-2 */
    CHECK_INT(KEEP_ALIVE(id), 0);
    CHECK_INT(IDLE(id), 45);
    IS_OK0(tcp_set_keep_alive(f, id, 0, -5)); /* KA-2: delay is ignored */
    IS_OK0(tcp_set_keep_alive(f, id, 1, 0));  /* KA-1, KA-3 */
    CHECK_INT(KEEP_ALIVE(id), 1);
    CHECK_INT(IDLE(id), 45);
    IS_OK0(tcp_set_keep_alive(f, id, 1, 20)); /* KA-4 */
    CHECK_INT(IDLE(id), 20);
    CHECK_INT(INTERVAL(id), 20);
    IS_OK0(tcp_set_keep_alive(f, id, 1, 32767));
    CHECK_INT(IDLE(id), 32767);
    close(peer);
}

/* KA-4: what the OS refuses is -2, and SO_KEEPALIVE is already on. */
static void keep_alive_delay_refused(fx *f) {
    static const int32_t delays[] = {-1, 32768, INT32_MIN, INT32_MAX};
    int peer;
    int32_t id = connected(f, &peer);
    for (size_t n = 0; n < sizeof delays / sizeof delays[0]; n++) {
        IS_OK0(tcp_set_keep_alive(f, id, 0, 0));
        IS_FAIL(tcp_set_keep_alive(f, id, 1, delays[n]), CHROMESOCK_FAILED);
        CHECK_INT(KEEP_ALIVE(id), 1);
        CHECK_INT(IDLE(id), 45);
    }
    peer_text(peer, "unharmed");
    receive(f, id, "unharmed");
    close(peer);
}

static void options_fail(fx *f, int32_t id) {
    IS_FAIL(tcp_set_no_delay(f, id, 1), CHROMESOCK_FAILED);
    IS_FAIL(tcp_set_keep_alive(f, id, 1, 10), CHROMESOCK_FAILED);
    IS_FAIL(tcp_set_keep_alive(f, id, 0, 0), CHROMESOCK_FAILED);
}

/* 3.4, first two rows of the state table. */
static void options_need_a_connection(fx *f) {
    int32_t id = new_tcp(f);
    int peer;
    blackhole b;
    call *c;
    options_fail(f, id); /* created */
    IS_FAIL(tcp_connect(f, id, "127.0.0.1", dead_port()), CHROMESOCK_CONNECTION_REFUSED);
    options_fail(f, id); /* after a failed connect */
    blackhole_open(&b, "127.0.0.1", 0);
    c = tcp_connect(f, id, "127.0.0.1", b.port);
    options_fail(f, id); /* connecting (19 #2) */
    CHECK(c->done == NULL);
    IS_OK(tcp_disconnect(f, id));
    IS_FAIL(c, CHROMESOCK_ABORTED);
    blackhole_close(&b);
    id = connected(f, &peer);
    IS_OK(tcp_disconnect(f, id));
    receive_error(f, id, CHROMESOCK_CONNECTION_CLOSED);
    options_fail(f, id); /* disconnected */
    close(peer);
    id = connected(f, &peer);
    close(peer);
    receive_error(f, id, CHROMESOCK_CONNECTION_CLOSED);
    options_fail(f, id); /* after end of stream */
}

int main(int argc, char **argv) {
    harness_init(argc, argv);
    RUN_ALL_MODES(defaults_of_a_connection);
    RUN_ALL_MODES(defaults_of_an_accepted_socket);
    RUN_ALL_MODES(no_delay_on_and_off);
    RUN_ALL_MODES(keep_alive_values);
    RUN_ALL_MODES(keep_alive_delay_refused);
    RUN_ALL_MODES(options_need_a_connection);
    return harness_finish();
}
