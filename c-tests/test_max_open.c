/* chromesock_app_options.max_open_sockets (header): at the limit each call answers as if the process had no descriptor
 * left, the process keeps those beyond it, and what ends makes room. */
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "calls_socket.h"
#include "calls_udp.h"
#include "tls_peer.h"

enum { LIMIT = 256, MOST = 8, CALLS = 9 };

static chromesock_app_options with_at_most(uint32_t sockets) {
    chromesock_app_options o = tls_options();
    o.max_open_sockets = sockets;
    return o;
}

/* ---- the answers ---- */

typedef struct answer {
    uint32_t type, present;
    int32_t result;
    char message[128];
} answer;

/* What needs a descriptor, of an app that has two, and with none left: of the process, or of the app's own. */
static void answers_of(enum mode mode, const chromesock_app_options *options, answer answers[CALLS]) {
    static int fillers[LIMIT];
    uint16_t port, legacy_port, dead = dead_port();
    fx *f = fx_new(mode, options);
    int32_t server = listening(f, &port), legacy = sock_listening(f, &legacy_port), tcp = new_tcp(f);
    int32_t other_server = new_server(f), udp = new_udp(f), sock = new_sock(f, TCP), sock_udp = new_sock(f, UDP);
    int32_t other_legacy = new_sock(f, TCP);
    int peers[2], filled = 0;
    call *calls[CALLS];
    for (int n = 0; n < 2; n++) peers[n] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (!options) {
        while ((fillers[filled] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0) CHECK(++filled < LIMIT);
        CHECK_INT(errno, EMFILE);
    }
    for (int n = 0; n < 2; n++) {
        struct sockaddr_storage to;
        socklen_t len = peer_address(&to, "127.0.0.1", n ? legacy_port : port);
        CHECK_INT(connect(peers[n], (struct sockaddr *)&to, len), 0);
    }
    accept_error(f, server, CHROMESOCK_INSUFFICIENT_RESOURCES);
    CHECK_INT(server_info_of(f, server)->paused, 1);
    calls[0] = tcp_connect(f, tcp, "127.0.0.1", dead);
    await(calls[0]);
    calls[1] = tcp_connect(f, tcp, "localhost", dead);
    calls[2] = server_listen(f, other_server, "127.0.0.1", 0);
    calls[3] = udp_bind(f, udp, "127.0.0.1", 0);
    calls[4] = sock_connect(f, sock, "127.0.0.1", dead);
    calls[5] = sock_listen(f, other_legacy, "127.0.0.1", 0, 5);
    calls[6] = sock_accept(f, legacy);
    calls[7] = sock_bind(f, sock_udp, "127.0.0.1", 0);
    await(calls[7]);
    calls[8] = sock_connect(f, sock_udp, "127.0.0.1", dead);
    for (int n = 0; n < CALLS; n++) {
        const ev *e = await(calls[n]);
        memset(&answers[n], 0, sizeof answers[n]);
        answers[n].type = e->type;
        answers[n].present = e->present;
        answers[n].result = e->result;
        if (e->message) snprintf(answers[n].message, sizeof answers[n].message, "%s", e->message);
        CHECK_INT(e->result, CHROMESOCK_INSUFFICIENT_RESOURCES);
    }
    while (filled > 0) close(fillers[--filled]);
    /* Nobody was turned away. */
    IS_OK(server_close(f, server));
    RESULT(sock_accept(f, legacy), 0);
    for (int n = 0; n < 2; n++) close(peers[n]);
    fx_end(f);
}

static void answers_as_without_descriptors(void) {
    const chromesock_app_options o = with_at_most(2);
    for (int mode = 0; mode < MODE_COUNT; mode++) {
        answer of_process[CALLS], of_app[CALLS];
        answers_of((enum mode)mode, NULL, of_process);
        answers_of((enum mode)mode, &o, of_app);
        for (int n = 0; n < CALLS; n++) CHECK_MEM(&of_app[n], sizeof of_app[n], &of_process[n], sizeof of_process[n]);
    }
}

/* ---- what is left to others ---- */

/* More strangers connect, and the page does, than the process has descriptors for. */
static void the_process_keeps_its_descriptors(fx *f) {
    enum { STRANGERS = 100, CONNECTS = 300 };
    uint16_t port;
    int before = count_fds(), raw[STRANGERS], peer;
    int32_t server = listening(f, &port), first;
    fx *other;
    for (int n = 0; n < STRANGERS; n++) raw[n] = peer_connect("127.0.0.1", port);
    peer_text(raw[MOST - 1], "patience");
    accept_error(f, server, CHROMESOCK_INSUFFICIENT_RESOURCES);
    for (int n = 0; n < CONNECTS; n++)
        IS_FAIL(tcp_connect(f, new_tcp(f), "127.0.0.1", port), CHROMESOCK_INSUFFICIENT_RESOURCES);
    CHECK_INT(count_fds() - before, STRANGERS + MOST);
    other = fx_new(f->mode, NULL);
    connected(other, &peer);
    close(peer);
    fx_end(other);
    current = f;
    first = await_event(f, CHROME_SOCKETS_TCP_SERVER_ON_ACCEPT, server)->client;
    for (int n = 2; n < MOST; n++) await_event(f, CHROME_SOCKETS_TCP_SERVER_ON_ACCEPT, server);
    close_tcp(f, first, 0);
    IS_OK(server_set_paused(f, server, 0));
    first = await_event(f, CHROME_SOCKETS_TCP_SERVER_ON_ACCEPT, server)->client;
    IS_OK(tcp_set_paused(f, first, 0));
    receive(f, first, "patience");
    accept_error(f, server, CHROMESOCK_INSUFFICIENT_RESOURCES); /* for the next one */
    CHECK_INT(count_fds() - before, STRANGERS + MOST);
    for (int n = 0; n < STRANGERS; n++) close(raw[n]);
}

/* A secured connection has the descriptor that it had. */
static void securing_takes_no_other(fx *f) {
    for (int round = 0; round < 3; round++) {
        tls_peer *p;
        int32_t id = tls_secured(f, NULL, &p);
        IS_FAIL(tcp_connect(f, new_tcp(f), "127.0.0.1", dead_port()), CHROMESOCK_INSUFFICIENT_RESOURCES);
        IS_OK(tcp_close(f, id));
        /* It waits for the end of its peer. */
        tls_peer_wait_end(p);
        tls_peer_free(p);
        wait_until(f, await(tcp_connect(f, new_tcp(f), "127.0.0.1", dead_port()))->result ==
                          CHROMESOCK_CONNECTION_REFUSED);
    }
}

int main(int argc, char **argv) {
    struct rlimit limit;
    chromesock_app_options one = with_at_most(1), most = with_at_most(MOST);
    harness_init(argc, argv);
    CHECK_INT(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = LIMIT;
    CHECK_INT(setrlimit(RLIMIT_NOFILE, &limit), 0);
    RUN(answers_as_without_descriptors);
    RUN_ALL_MODES_WITH(the_process_keeps_its_descriptors, &most);
    RUN_ALL_MODES_WITH(securing_takes_no_other, &one);
    return harness_finish();
}
