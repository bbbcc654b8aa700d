/* The descriptor limit (tcp.md G-6, AC-6, AC-7; 3.5 and 9.2 tables): -12 everywhere,
 * accepting pauses instead of spinning, and all recovers. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <unistd.h>

#include "harness.h"

enum { LIMIT = 256 };
static int fillers[LIMIT], filled;

static void use_up(void) {
    filled = 0;
    for (;;) {
        int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        if (fd < 0) {
            CHECK_INT(errno, EMFILE);
            return;
        }
        CHECK(filled < LIMIT);
        fillers[filled++] = fd;
    }
}

static void give_back(void) {
    while (filled > 0) close(fillers[--filled]);
}

static double cpu_seconds(void) {
    struct rusage u;
    CHECK_INT(getrusage(RUSAGE_SELF, &u), 0);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

/* How much of 500 ms the process computes while nothing happens: poll on a silent descriptor. */
static void must_be_idle(int silent_fd) {
    double before = cpu_seconds(), used;
    CHECK_INT(peer_readable(silent_fd, 500), 0);
    used = cpu_seconds() - before;
    if (used > 0.2) FAIL("%.3f s of CPU in 0.5 s without work: the reactor spins", used);
}

static void connect_without_descriptors(fx *f) {
    uint16_t port;
    int listen_fd = peer_listen(&port), peer;
    int32_t id = new_tcp(f), server = new_server(f), more;
    use_up();
    IS_FAIL(tcp_connect(f, id, "127.0.0.1", port), CHROMESOCK_INSUFFICIENT_RESOURCES);
    IS_FAIL(server_listen(f, server, "127.0.0.1", 0), CHROMESOCK_INSUFFICIENT_RESOURCES);
    more = new_tcp(f); /* G-6: create never fails */
    CHECK_INT(info_of(f, more)->connected, 0);
    give_back();
    connect_to(f, id, listen_fd, &peer);
    peer_text(peer, "x");
    receive(f, id, "x");
    IS_OK0(server_listen(f, server, "127.0.0.1", 0));
    close(peer);
    close(listen_fd);
}

static void accept_without_descriptors(fx *f) {
    uint16_t port;
    int32_t server = listening(f, &port), tcp = new_tcp(f), first;
    int raw[3], ready, listen_fd, peer;
    struct sockaddr_in to;
    /* a working connection beside it, which must not suffer */
    listen_fd = peer_listen(&port);
    connect_to(f, tcp, listen_fd, &peer);
    port = (uint16_t)server_info_of(f, server)->local_port;
    for (int n = 0; n < 3; n++) raw[n] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    use_up();
    memset(&to, 0, sizeof to);
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (int n = 0; n < 3; n++) CHECK_INT(connect(raw[n], (struct sockaddr *)&to, sizeof to), 0);
    accept_error(f, server, CHROMESOCK_INSUFFICIENT_RESOURCES);
    CHECK_INT(server_info_of(f, server)->paused, 1); /* AC-6 */
    CHECK_INT(server_info_of(f, server)->local_port, port);
    must_be_idle(raw[0]);
    no_event(f, CHROME_SOCKETS_TCP_SERVER_ON_ACCEPT_ERROR, server); /* not retried */
    no_event(f, CHROME_SOCKETS_TCP_SERVER_ON_ACCEPT, server);
    peer_text(peer, "still fine");
    receive(f, tcp, "still fine");
    /* resumed too early: one more error, paused again */
    IS_OK(server_set_paused(f, server, 0));
    accept_error(f, server, CHROMESOCK_INSUFFICIENT_RESOURCES);
    CHECK_INT(server_info_of(f, server)->paused, 1);
    give_back();
    IS_OK(server_set_paused(f, server, 0)); /* AC-7 */
    first = await_event(f, CHROME_SOCKETS_TCP_SERVER_ON_ACCEPT, server)->client;
    await_event(f, CHROME_SOCKETS_TCP_SERVER_ON_ACCEPT, server);
    await_event(f, CHROME_SOCKETS_TCP_SERVER_ON_ACCEPT, server);
    IS_SENT(tcp_send(f, first, "hello", 5), 5);
    ready = peer_readable(raw[0], (int)deadline_ms());
    CHECK_INT(ready, 1);
    peer_expect(raw[0], "hello");
    for (int n = 0; n < 3; n++) close(raw[n]);
    close(peer);
    close(listen_fd);
}

int main(int argc, char **argv) {
    struct rlimit limit;
    harness_init(argc, argv);
    CHECK_INT(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = LIMIT;
    CHECK_INT(setrlimit(RLIMIT_NOFILE, &limit), 0);
    RUN_ALL_MODES(connect_without_descriptors);
    RUN_ALL_MODES(accept_without_descriptors);
    return harness_finish();
}
