/* chrome.socket: listen and accept (socket-legacy.md 4.10, 4.11, 5, 9). */
#include <sys/resource.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "calls_socket.h"

/* 4.10 row 9, 4.11 row 5, 9 rows 4 and 5: one call, one connection; the accepted one is a client of
 * this API with both addresses. */
static void listen_and_accept(fx *f) {
    uint16_t port;
    int peer;
    int32_t server = sock_listening(f, &port), id;
    const chromesock_socket_info *info;
    CHECK_STR(SOCK_INFO(f, server, TCP, 0, LOCAL)->local_address, "127.0.0.1");
    id = sock_accepted(f, server, port, &peer);
    CHECK(id > server);
    info = SOCK_INFO(f, id, TCP, 1, LOCAL | PEER);
    CHECK_STR(info->local_address, "127.0.0.1");
    CHECK_INT(info->local_port, port);
    CHECK_STR(info->peer_address, "127.0.0.1");
    CHECK_INT(info->peer_port, port_of(peer));
    IS_FAIL_TEXT(tcp_get_info(f, id), NOT_FOUND); /* legacy, not sockets.tcp */
    RESULT(sock_text(f, id, "hello"), 5);
    peer_expect(peer, "hello");
    peer_text(peer, "world");
    settle(f);
    no_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE, id); /* nothing is read until read */
    READ_TEXT(sock_read(f, id, NOT_GIVEN), "world");
    RESULT(sock_set_no_delay(f, id, 1), 1);
    RESULT(sock_set_keep_alive(f, id, 1, 20), 1);
    close(peer);
}

/* 4.10 rows 3, 6, 7, 8 with their messages, and the mode each leaves. */
static void listen_refusals(fx *f) {
    static const char *const bad[] = {"", "localhost", "[::1]", "127.0.0.1 ", "1.2.3.4.5", "*"};
    static const int32_t backlogs[] = {0, -1, INT32_MIN};
    uint16_t taken = quiet_port();
    int listen_fd = peer_listen_on("127.0.0.1", &taken, 16);
    int32_t udp = new_sock(f, UDP), id;
    RESULT_TEXT(sock_listen(f, udp, "127.0.0.1", 0, 5), CHROMESOCK_FAILED, WRONG_TYPE);
    RESULT_TEXT(sock_listen(f, udp, "bad", 0, 0), CHROMESOCK_FAILED, WRONG_TYPE); /* 3 before 6 */
    for (size_t n = 0; n < sizeof bad / sizeof bad[0]; n++) {
        id = new_sock(f, TCP);
        RESULT_TEXT(sock_listen(f, id, bad[n], 0, NOT_GIVEN), CHROMESOCK_INVALID_ARGUMENT,
                    "Unknown error.");
        RESULT_TEXT(sock_listen(f, id, bad[n], 0, 0), CHROMESOCK_INVALID_ARGUMENT, "Unknown error.");
        /* row 6 leaves the mode undecided: it may still connect */
        call *c = sock_connect(f, id, "127.0.0.1", taken);
        int peer = peer_accept(listen_fd);
        RESULT(c, 0);
        close(peer);
    }
    for (size_t n = 0; n < sizeof backlogs / sizeof backlogs[0]; n++) {
        id = new_sock(f, TCP);
        RESULT_TEXT(sock_listen(f, id, "127.0.0.1", 0, backlogs[n]), CHROMESOCK_INVALID_ARGUMENT,
                    COULD_NOT_LISTEN);
        /* row 7 leaves server mode: connect -104, listen again works */
        RESULT(sock_connect(f, id, "127.0.0.1", taken), CHROMESOCK_CONNECTION_FAILED);
        RESULT(sock_accept(f, id), CHROMESOCK_FAILED); /* 4.11 row 3: failed listen */
        RESULT(sock_listen(f, id, "127.0.0.1", 0, 1), 0);
    }
    id = new_sock(f, TCP);
    RESULT_TEXT(sock_listen(f, id, "127.0.0.1", taken, NOT_GIVEN), CHROMESOCK_ADDRESS_IN_USE,
                COULD_NOT_LISTEN); /* row 8 */
    RESULT(sock_connect(f, id, "127.0.0.1", taken), CHROMESOCK_CONNECTION_FAILED);
    SOCK_INFO(f, id, TCP, 0, 0);
    close(listen_fd);
    RESULT(sock_listen(f, id, "127.0.0.1", taken, NOT_GIVEN), 0); /* can be retried */
    CHECK_INT(SOCK_INFO(f, id, TCP, 0, LOCAL)->local_port, taken);
    RESULT_TEXT(sock_listen(f, new_sock(f, TCP), "1.2.3.4", 0, 5), CHROMESOCK_ADDRESS_INVALID,
                COULD_NOT_LISTEN);
}

/* 4.10 "second listen" (D12a): -2, the listener untouched; 5 columns SERVER. */
static void server_mode(fx *f) {
    uint16_t port = quiet_port();
    int32_t id = new_sock(f, TCP), client;
    int peer;
    RESULT(sock_listen(f, id, "127.0.0.1", port, NOT_GIVEN), 0);
    RESULT_TEXT(sock_listen(f, id, "127.0.0.1", 0, 5), CHROMESOCK_FAILED, COULD_NOT_LISTEN);
    RESULT_TEXT(sock_listen(f, id, "bad", 0, 5), CHROMESOCK_INVALID_ARGUMENT, "Unknown error.");
    for (int closed = 0; closed < 2; closed++) {
        RESULT(sock_connect(f, id, "127.0.0.1", port), CHROMESOCK_CONNECTION_FAILED);
        READ_FAILED(sock_read(f, id, NOT_GIVEN), CHROMESOCK_FAILED);
        RESULT(sock_text(f, id, "x"), CHROMESOCK_SOCKET_NOT_CONNECTED);
        RESULT(sock_set_no_delay(f, id, 1), 0);
        RESULT(sock_set_keep_alive(f, id, 1, 0), 0);
        if (closed) {
            RESULT(sock_accept(f, id), CHROMESOCK_FAILED); /* 4.11 row 3: after disconnect */
            SOCK_INFO(f, id, TCP, 0, 0);
        } else {
            client = sock_accepted(f, id, port, &peer); /* the listener is as before */
            CHECK_INT(SOCK_INFO(f, client, TCP, 1, LOCAL | PEER)->local_port, port);
            IS_OK(sock_disconnect(f, id)); /* 4.5: listener closed */
            CHECK(peer_try_connect("127.0.0.1", port) < 0);
        }
    }
    /* can listen again, also on the same port; what was accepted lives on */
    RESULT(sock_listen(f, id, "127.0.0.1", port, NOT_GIVEN), 0);
    RESULT(sock_text(f, client, "alive"), 5);
    peer_expect(peer, "alive");
    IS_OK(sock_destroy(f, id));
    CHECK(peer_try_connect("127.0.0.1", port) < 0);
    RESULT(sock_text(f, client, "still"), 5);
    peer_expect(peer, "still");
    close(peer);
}

/* 4.11 rows 2 and 3. */
static void accept_refusals(fx *f) {
    uint16_t port;
    int peer;
    int32_t udp = new_sock(f, UDP), bound_udp = sock_bound(f, &port);
    RESULT(sock_accept(f, udp), CHROMESOCK_FAILED);
    RESULT(sock_accept(f, bound_udp), CHROMESOCK_FAILED);
    RESULT(sock_accept(f, new_sock(f, TCP)), CHROMESOCK_FAILED);
    RESULT(sock_accept(f, sock_connected(f, &peer)), CHROMESOCK_FAILED);
    close(peer);
}

/* 4.11 row 4, 11 row 3: an accept is pending: -2 for the newcomer, the first stays valid. */
static void two_accepts(fx *f) {
    uint16_t port;
    int peer;
    int32_t server = sock_listening(f, &port);
    call *c = sock_accept(f, server), *d = sock_accept(f, server);
    RESULT(d, CHROMESOCK_FAILED);
    CHECK_INT(d->done->client, 0);
    settle(f);
    CHECK(c->done == NULL);
    peer = peer_connect("127.0.0.1", port);
    RESULT(c, 0);
    CHECK(c->done->client > 0);
    close(peer);
}

/* 4.11: connections wait in the system up to the backlog; accepts take them one by one, in order. */
static void accepts_on_request(fx *f) {
    enum { N = 5 };
    uint16_t port;
    int peer[N];
    int32_t server = sock_listening(f, &port), id[N];
    for (int n = 0; n < N; n++) peer[n] = peer_connect("127.0.0.1", port);
    settle(f);
    CHECK_INT(fx_stats(f).sockets_open, 1); /* nobody has asked */
    for (int n = 0; n < N; n++) {
        call *c = sock_accept(f, server);
        RESULT(c, 0);
        id[n] = c->done->client;
        CHECK_INT(SOCK_INFO(f, id[n], TCP, 1, LOCAL | PEER)->peer_port, port_of(peer[n]));
        if (n) CHECK_INT(id[n], id[n - 1] + 1); /* 1: the next number */
    }
    for (int n = N - 1; n >= 0; n--) {
        char text[2] = {(char)('a' + n), 0};
        peer_text(peer[n], text);
        READ_TEXT(sock_read(f, id[n], NOT_GIVEN), text);
        close(peer[n]);
    }
}

/* 4.3 "accepted socket", 5: client mode; disconnected it can be connected, never listen. */
static void accepted_reconnects(fx *f) {
    uint16_t port, other_port;
    int peer, other = peer_listen(&other_port), again;
    int32_t server = sock_listening(f, &port), id = sock_accepted(f, server, port, &peer);
    call *c;
    RESULT(sock_connect(f, id, "127.0.0.1", other_port), CHROMESOCK_SOCKET_IS_CONNECTED);
    RESULT_TEXT(sock_listen(f, id, "127.0.0.1", 0, 5), CHROMESOCK_NOT_IMPLEMENTED, NOT_BOTH);
    IS_OK(sock_disconnect(f, id));
    CHECK_INT(peer_wait_end(peer), 0);
    SOCK_INFO(f, id, TCP, 0, 0);
    RESULT_TEXT(sock_listen(f, id, "127.0.0.1", 0, 5), CHROMESOCK_NOT_IMPLEMENTED, NOT_BOTH);
    c = sock_connect(f, id, "127.0.0.1", other_port);
    again = peer_accept(other);
    RESULT(c, 0);
    RESULT(sock_text(f, id, "again"), 5);
    peer_expect(again, "again");
    peer_text(again, "yes");
    READ_TEXT(sock_read(f, id, NOT_GIVEN), "yes");
    close(again);
    close(other);
    close(peer);
}

/* 4.11 row 6: the system refuses: its code, no message; the listener goes on. */
static void accept_without_descriptors(void) {
    enum { FILL = 4096 };
    struct rlimit old, low;
    static int fill[FILL];
    int n = 0, peer;
    uint16_t port;
    fx *f = fx_new(MODE_DISPATCH, NULL);
    int32_t server = sock_listening(f, &port);
    call *c;
    peer = peer_connect("127.0.0.1", port);
    CHECK_INT(getrlimit(RLIMIT_NOFILE, &old), 0);
    low = old;
    low.rlim_cur = (rlim_t)count_fds() + 40;
    CHECK_INT(setrlimit(RLIMIT_NOFILE, &low), 0);
    while (n < FILL && (fill[n] = open("/dev/null", O_RDONLY)) >= 0) n++;
    CHECK_INT(errno, EMFILE);
    c = sock_accept(f, server);
    RESULT(c, CHROMESOCK_INSUFFICIENT_RESOURCES);
    CHECK_INT(c->done->client, 0);
    while (n > 0) close(fill[--n]);
    CHECK_INT(setrlimit(RLIMIT_NOFILE, &old), 0);
    c = sock_accept(f, server);
    RESULT(c, 0);
    close(peer);
    fx_end(f);
}

/* Both ends in one app, through the legacy API alone. */
static void client_and_server(fx *f) {
    uint16_t port;
    int32_t server = sock_listening(f, &port), client = new_sock(f, TCP), id;
    call *a = sock_accept(f, server), *c = sock_connect(f, client, "127.0.0.1", port), *r, *w;
    static char data[200000], got[sizeof data];
    size_t have = 0;
    RESULT(a, 0);
    RESULT(c, 0);
    id = a->done->client;
    for (size_t n = 0; n < sizeof data; n++) data[n] = (char)(n * 11 + n / 241);
    w = sock_write(f, client, data, sizeof data);
    while (have < sizeof data) {
        r = sock_read(f, id, 30000);
        CHECK(await(r)->result > 0);
        memcpy(got + have, r->done->data, r->done->len);
        have += r->done->len;
    }
    RESULT(w, sizeof data);
    CHECK_MEM(got, have, data, sizeof data);
    IS_OK(sock_destroy(f, client));
    READ_TEXT(sock_read(f, id, NOT_GIVEN), "");
}

int main(int argc, char **argv) {
    harness_init(argc, argv);
    RUN_ALL_MODES(listen_and_accept);
    RUN_ALL_MODES(listen_refusals);
    RUN_ALL_MODES(server_mode);
    RUN_ALL_MODES(accept_refusals);
    RUN_ALL_MODES(two_accepts);
    RUN_ALL_MODES(accepts_on_request);
    RUN_ALL_MODES(accepted_reconnects);
    RUN(accept_without_descriptors);
    RUN_ALL_MODES(client_and_server);
    return harness_finish();
}
