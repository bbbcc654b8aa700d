/* Several addresses, raced (decision S5; tcp.md DN-6 as far as it is not changed by it). The black
 * hole is a listener whose queue is full: attempts to it hang until it is woken. */
#include <sys/socket.h>
#include <unistd.h>

#include "harness.h"
#include "resolve_shim.h"

static const char *const two[] = {"127.0.0.2", "127.0.0.1", NULL};
/* The port is chosen on 127.0.0.1, where outgoing connections have theirs. */
static const char *const three[] = {"127.0.0.2", "127.0.0.3", "127.0.0.1", NULL};

/* How long it takes to connect to `name`. Other work of the machine may delay it, so it is done again
 * until it takes less than `limit`. */
static long long time_to_connect(fx *f, const char *name, int listen_fd, uint16_t port, long long limit) {
    long long took = 0;
    for (int n = 0; n < 100; n++) {
        int32_t id = new_tcp(f);
        long long start = now_ms();
        call *c = tcp_connect(f, id, name, port);
        int peer = peer_accept(listen_fd);
        took = now_ms() - start;
        IS_OK0(c);
        CHECK_STR(info_of(f, id)->peer_address, "127.0.0.1");
        peer_text(peer, "x");
        receive(f, id, "x");
        close(peer);
        if (took < limit) return took;
    }
    FAIL("connected to %s after %lld ms, want less than %lld", name, took, limit);
}

/* The second address is tried after 250 ms, not at once and not after the OS timeout. */
static void a_dead_address_costs_250_ms(fx *f) {
    blackhole b;
    uint16_t port;
    int listen_fd = peer_listen(&port);
    blackhole_open(&b, "127.0.0.2", port);
    shim_clear();
    shim_set("two.test", two);
    CHECK(time_to_connect(f, "two.test", listen_fd, port, 1000) > 240);
    close(listen_fd);
    blackhole_close(&b);
}

/* Three addresses: two delays. */
static void two_dead_addresses(fx *f) {
    blackhole b, b2;
    uint16_t port;
    int listen_fd = peer_listen(&port);
    blackhole_open(&b, "127.0.0.2", port);
    blackhole_open(&b2, "127.0.0.3", port);
    shim_clear();
    shim_set("three.test", three);
    CHECK(time_to_connect(f, "three.test", listen_fd, port, 1000) > 480);
    close(listen_fd);
    blackhole_close(&b);
    blackhole_close(&b2);
}

/* A failure starts the next attempt at once: no delay is added. */
static void a_refused_address_costs_nothing(fx *f) {
    uint16_t port;
    int listen_fd = peer_listen(&port);
    shim_clear();
    shim_set("two.test", two);
    time_to_connect(f, "two.test", listen_fd, port, 250);
    close(listen_fd);
}

/* A slower attempt is never cancelled before one has succeeded: the first address wakes up after the
 * second was refused, and wins. */
static void the_slow_attempt_lives_on(fx *f) {
    blackhole b;
    int32_t id = new_tcp(f);
    call *c;
    long long start;
    blackhole_open(&b, "127.0.0.2", 0);
    shim_clear();
    shim_set("two.test", two); /* nobody listens on 127.0.0.1 at this port */
    start = now_ms();
    c = tcp_connect(f, id, "two.test", b.port);
    while (now_ms() - start < 400) fx_pump(f, 10); /* the second has been refused by now */
    CHECK(c->done == NULL);
    blackhole_wake(&b);
    IS_OK0(c);
    CHECK_STR(info_of(f, id)->peer_address, "127.0.0.2");
    blackhole_close(&b);
}

/* The losing attempts leave no descriptor and no second connection. */
static void losers_are_closed(fx *f) {
    blackhole b;
    uint16_t port;
    int listen_fd, peer, before;
    int32_t id = new_tcp(f);
    call *c;
    listen_fd = peer_listen(&port);
    blackhole_open(&b, "127.0.0.2", port);
    shim_clear();
    shim_set("two.test", two);
    settle(f);
    before = count_fds();
    c = tcp_connect(f, id, "two.test", port);
    peer = peer_accept(listen_fd);
    IS_OK0(c);
    wait_until(f, count_fds() <= before + 2); /* the connection and its peer */
    CHECK_INT(peer_accept_pending(listen_fd), 0);
    close(peer);
    close(listen_fd);
    blackhole_close(&b);
}

/* Stream sockets of this process; the resolver's descriptors are none. */
static int count_streams(void) {
    int n = 0;
    for (int fd = 0, type; fd < 1024; fd++) {
        socklen_t len = sizeof type;
        n += getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_STREAM;
    }
    return n;
}

/* Cancelling a race: one answer, all attempts gone (DC-3, CL-3). */
static void close_during_the_race(fx *f) {
    blackhole b, b2;
    int before, streams;
    shim_clear();
    shim_set("two.test", two);
    blackhole_open(&b2, "127.0.0.1", 0);
    blackhole_open(&b, "127.0.0.2", b2.port);
    settle(f);
    before = count_fds();
    streams = count_streams();
    for (int n = 0; n < 4; n++) {
        int32_t id = new_tcp(f);
        long long start = now_ms();
        call *c = tcp_connect(f, id, "two.test", b.port), *d;
        while (n % 2 && now_ms() - start < 350) fx_pump(f, 10); /* both attempts are running */
        wait_until(f, count_streams() > streams); /* in the TCP phase */
        d = n < 2 ? tcp_close(f, id) : tcp_disconnect(f, id);
        IS_FAIL(c, CHROMESOCK_ABORTED);
        IS_OK(d);
        wait_until(f, count_fds() <= before);
    }
    blackhole_close(&b);
    blackhole_close(&b2);
}

int main(int argc, char **argv) {
    harness_init(argc, argv);
    RUN_ALL_MODES(a_dead_address_costs_250_ms);
    RUN_ALL_MODES(two_dead_addresses);
    RUN_ALL_MODES(a_refused_address_costs_nothing);
    RUN_ALL_MODES(the_slow_attempt_lives_on);
    RUN_ALL_MODES(losers_are_closed);
    RUN_ALL_MODES(close_during_the_race);
    return harness_finish();
}
