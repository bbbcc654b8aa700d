/* chrome.socket as a TCP client: create, connect, read, write, options, getInfo (socket-legacy.md 2 to
 * 5, 9, 11). */
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "calls_socket.h"
#include "calls_udp.h"
#include "resolve_shim.h"

static char block[1 << 20];

/* 4.1, 4.13, 9 rows 1, 2, 8: created. */
static void created(fx *f) {
    int32_t tcp = new_sock(f, TCP), udp = new_sock(f, UDP);
    CHECK_INT(udp, tcp + 1); /* 1: one counter for both types */
    SOCK_INFO(f, tcp, TCP, 0, 0);
    SOCK_INFO(f, udp, UDP, 0, 0);
    IS_OK(sock_destroy(f, tcp));
    IS_FAIL_TEXT(sock_get_info(f, tcp), NOT_FOUND); /* 4.13 */
}

/* 1, README S2: ids of one namespace are unknown in the others; unknown ids, every method, with the
 * shape of its row. */
static void unknown_ids(fx *f) {
    int32_t tcp = new_tcp(f), udp = new_udp(f), server = new_server(f), gone = new_sock(f, TCP);
    int32_t ids[] = {0, -1, INT32_MIN, INT32_MAX, tcp, udp, server, gone};
    IS_OK(sock_destroy(f, gone));
    for (size_t n = 0; n < sizeof ids / sizeof ids[0]; n++) {
        int32_t id = ids[n];
        IS_OK(sock_destroy(f, id));                                          /* 4.2: silently */
        RESULT_TEXT(sock_connect(f, id, "127.0.0.1", 1), -1, NOT_FOUND);     /* 4.3 row 2 */
        IS_FAIL_TEXT(sock_connect(f, id, "127.0.0.1", 65536), PORT_RANGE);   /* row 1 before 2 */
        RESULT_TEXT(sock_bind(f, id, "127.0.0.1", 0), -1, NOT_FOUND);        /* 4.4 row 2 */
        IS_FAIL_TEXT(sock_bind(f, id, "127.0.0.1", -1), PORT_RANGE);         /* row 1 before 2 */
        IS_FAIL_TEXT(sock_disconnect(f, id), NOT_FOUND);                     /* 4.5 */
        read_failed_at(__FILE__, __LINE__, await(sock_read(f, id, NOT_GIVEN)), -1, NOT_FOUND); /* 4.6 */
        RESULT_TEXT(sock_text(f, id, "x"), -1, NOT_FOUND);                   /* 4.7 row 2 */
        receive_failed_at(__FILE__, __LINE__, await(sock_recv_from(f, id, 9)), -1, NOT_FOUND); /* 4.8 */
        RESULT_TEXT(sock_send_to(f, id, "x", 1, "127.0.0.1", 9), -1, NOT_FOUND); /* 4.9 row 2 */
        IS_FAIL_TEXT(sock_send_to(f, id, "x", 1, "127.0.0.1", 65536), PORT_RANGE);
        RESULT_TEXT(sock_listen(f, id, "127.0.0.1", 0, NOT_GIVEN), -1, NOT_FOUND); /* 4.10 row 1 */
        RESULT_TEXT(sock_accept(f, id), -2, NOT_FOUND);                      /* 4.11 row 1 */
        RESULT_TEXT(sock_set_keep_alive(f, id, 1, 0), 0, NOT_FOUND);         /* 4.12: err(false) */
        RESULT_TEXT(sock_set_no_delay(f, id, 1), 0, NOT_FOUND);
        IS_FAIL_TEXT(sock_get_info(f, id), NOT_FOUND);                       /* 4.13 */
        RESULT_TEXT(sock_join(f, id, "224.0.0.251"), -1, NOT_FOUND);         /* 4.14 row 1 */
        RESULT_TEXT(sock_leave(f, id, "224.0.0.251"), -1, NOT_FOUND);
        RESULT_TEXT(sock_set_ttl(f, id, 1), -1, NOT_FOUND);
        RESULT_TEXT(sock_set_loopback(f, id, 1), -1, NOT_FOUND);
        RESULT_TEXT(sock_get_groups(f, id), -1, NOT_FOUND);
    }
    CHECK_INT(info_of(f, tcp)->connected, 0); /* nothing was destroyed */
    CHECK_INT(fx_stats(f).sockets_open, 3);
    int32_t mine = new_sock(f, TCP);
    IS_FAIL_TEXT(tcp_get_info(f, mine), NOT_FOUND);
    IS_FAIL_TEXT(udp_get_info(f, mine), NOT_FOUND);
    IS_FAIL_TEXT(server_get_info(f, mine), NOT_FOUND);
}

/* 4.3 row 1: ports, each side of both ends; row 1 is also before the permission. */
static void port_range(fx *f) {
    static const int32_t ports[] = {-1, 65536, 70000, INT32_MIN, INT32_MAX};
    int32_t tcp = new_sock(f, TCP), udp = new_sock(f, UDP);
    for (size_t n = 0; n < sizeof ports / sizeof ports[0]; n++) {
        IS_FAIL_TEXT(sock_connect(f, tcp, "127.0.0.1", ports[n]), PORT_RANGE);
        IS_FAIL_TEXT(sock_connect(f, udp, "127.0.0.1", ports[n]), PORT_RANGE);
        IS_FAIL_TEXT(sock_bind(f, udp, "127.0.0.1", ports[n]), PORT_RANGE);
        IS_FAIL_TEXT(sock_bind(f, tcp, "127.0.0.1", ports[n]), PORT_RANGE);
        IS_FAIL_TEXT(sock_send_to(f, udp, "x", 1, "127.0.0.1", ports[n]), PORT_RANGE);
        IS_FAIL_TEXT(sock_send_to(f, tcp, "x", 1, "127.0.0.1", ports[n]), PORT_RANGE);
        IS_FAIL_TEXT(sock_listen(f, tcp, "127.0.0.1", ports[n], 5), PORT_RANGE); /* 4.10 [dec] */
    }
    RESULT(sock_connect(f, tcp, "127.0.0.1", 0), CHROMESOCK_CONNECTION_REFUSED); /* 4.3 "port 0" */
    SOCK_INFO(f, tcp, TCP, 0, 0);
}

/* 4.3 rows 8, 10, 11; 9 row 3; retry after a failure; numeric addresses also for names. */
static void connect_rows(fx *f) {
    uint16_t port;
    int listen_fd = peer_listen(&port), peer;
    int32_t id = new_sock(f, TCP);
    const chromesock_socket_info *info;
    call *c;
    RESULT(sock_connect(f, id, "127.0.0.1", dead_port()), CHROMESOCK_CONNECTION_REFUSED);
    c = sock_connect(f, id, "localhost", port);
    peer = peer_accept(listen_fd);
    RESULT(c, 0);
    info = SOCK_INFO(f, id, TCP, 1, LOCAL | PEER);
    CHECK_STR(info->peer_address, "127.0.0.1");
    CHECK_INT(info->peer_port, port);
    CHECK_STR(info->local_address, "127.0.0.1");
    CHECK_INT(info->local_port, port_of_peer(peer));
    RESULT(sock_connect(f, id, "127.0.0.1", port), CHROMESOCK_SOCKET_IS_CONNECTED); /* row 8 */
    RESULT_TEXT(sock_connect(f, id, "a..b", port), CHROMESOCK_NAME_NOT_RESOLVED, NO_DNS); /* 5 before 8 */
    SOCK_INFO(f, id, TCP, 1, LOCAL | PEER); /* not disturbed */
    RESULT(sock_text(f, id, "hello"), 5);
    peer_expect(peer, "hello");
    close(peer);
    close(listen_fd);
}

/* 4.3 row 5: the code and the fixed sentence. */
static void names_that_fail(fx *f) {
    static const char *const bad[] = {"", ".", "a..b", "gone.test", "a/b"};
    int32_t tcp = new_sock(f, TCP), udp = new_sock(f, UDP);
    shim_clear();
    shim_error("gone.test", EAI_NONAME);
    for (size_t n = 0; n < sizeof bad / sizeof bad[0]; n++) {
        RESULT_TEXT(sock_connect(f, tcp, bad[n], 80), CHROMESOCK_NAME_NOT_RESOLVED, NO_DNS);
        RESULT_TEXT(sock_connect(f, udp, bad[n], 80), CHROMESOCK_NAME_NOT_RESOLVED, NO_DNS);
    }
    SOCK_INFO(f, tcp, TCP, 0, 0);
    SOCK_INFO(f, udp, UDP, 0, 0);
}

/* 4.3 row 7, 11 row 4: another connect pending: -104, the first is not disturbed; 9 row 2 "connecting";
 * 5 column "CLIENT no stream": listen -11, accept -2, read and write -15. */
static void while_connecting(fx *f) {
    blackhole b;
    int32_t id = new_sock(f, TCP);
    call *c;
    blackhole_open(&b, "127.0.0.1", 0);
    c = sock_connect(f, id, "127.0.0.1", b.port);
    SOCK_INFO(f, id, TCP, 0, 0);
    RESULT(sock_connect(f, id, "127.0.0.1", dead_port()), CHROMESOCK_CONNECTION_FAILED);
    RESULT_TEXT(sock_connect(f, id, "a..b", 1), CHROMESOCK_NAME_NOT_RESOLVED, NO_DNS); /* after its own look-up */
    READ_FAILED(sock_read(f, id, NOT_GIVEN), CHROMESOCK_SOCKET_NOT_CONNECTED);
    RESULT(sock_text(f, id, "x"), CHROMESOCK_SOCKET_NOT_CONNECTED);
    RESULT_TEXT(sock_listen(f, id, "127.0.0.1", 0, 5), CHROMESOCK_NOT_IMPLEMENTED, NOT_BOTH);
    RESULT(sock_accept(f, id), CHROMESOCK_FAILED);
    RESULT(sock_set_no_delay(f, id, 1), 0);
    CHECK(c->done == NULL);
    blackhole_wake(&b);
    RESULT(c, 0);
    SOCK_INFO(f, id, TCP, 1, LOCAL | PEER);
    blackhole_close(&b);
}

/* 5 column UNKNOWN, and after a failed connect: client mode for good. */
static void modes_without_stream(fx *f) {
    int32_t fresh = new_sock(f, TCP), failed = new_sock(f, TCP), closed;
    int peer;
    READ_FAILED(sock_read(f, fresh, NOT_GIVEN), CHROMESOCK_FAILED); /* 4.6 TCP 2 */
    READ_FAILED(sock_read(f, fresh, -1), CHROMESOCK_FAILED);        /* before TCP 5 */
    RESULT(sock_text(f, fresh, "x"), CHROMESOCK_SOCKET_NOT_CONNECTED);
    RESULT(sock_write(f, fresh, NULL, 0), CHROMESOCK_SOCKET_NOT_CONNECTED);
    RESULT(sock_accept(f, fresh), CHROMESOCK_FAILED);
    RESULT(sock_set_keep_alive(f, fresh, 1, 5), 0); /* 4.12 row 2: ok(false) */
    RESULT(sock_set_no_delay(f, fresh, 1), 0);
    RESULT(sock_connect(f, failed, "127.0.0.1", dead_port()), CHROMESOCK_CONNECTION_REFUSED);
    closed = sock_connected(f, &peer);
    IS_OK(sock_disconnect(f, closed));
    CHECK_INT(peer_wait_end(peer), 0);
    int32_t both[] = {failed, closed};
    for (int n = 0; n < 2; n++) {
        READ_FAILED(sock_read(f, both[n], NOT_GIVEN), CHROMESOCK_SOCKET_NOT_CONNECTED); /* TCP 3 */
        READ_FAILED(sock_read(f, both[n], 0), CHROMESOCK_SOCKET_NOT_CONNECTED); /* before TCP 5 */
        RESULT(sock_text(f, both[n], "x"), CHROMESOCK_SOCKET_NOT_CONNECTED);
        RESULT_TEXT(sock_listen(f, both[n], "127.0.0.1", 0, 5), CHROMESOCK_NOT_IMPLEMENTED, NOT_BOTH);
        RESULT_TEXT(sock_listen(f, both[n], "bad", 0, 0), CHROMESOCK_NOT_IMPLEMENTED, NOT_BOTH);
        RESULT(sock_accept(f, both[n]), CHROMESOCK_FAILED);
        RESULT(sock_set_keep_alive(f, both[n], 1, 5), 0);
        RESULT(sock_set_no_delay(f, both[n], 1), 0);
        SOCK_INFO(f, both[n], TCP, 0, 0);
    }
    close(peer);
}

/* What only UDP can, on TCP: 4.4 row 3, 4.8 row 1, 4.9 row 7, 4.14 row 2. */
static void udp_methods_on_tcp(fx *f) {
    uint16_t port;
    int peer;
    int32_t fresh = new_sock(f, TCP), client = sock_connected(f, &peer), server = sock_listening(f, &port);
    int32_t all[] = {fresh, client, server};
    shim_clear();
    for (int n = 0; n < 3; n++) {
        RESULT_TEXT(sock_bind(f, all[n], "127.0.0.1", 0), -1, NO_TCP_BIND);
        RESULT_TEXT(sock_bind(f, all[n], "bad", 0), -1, NO_TCP_BIND); /* before row 6 */
        receive_failed_at(__FILE__, __LINE__, await(sock_recv_from(f, all[n], 9)), -1, NOT_FOUND);
        RESULT(sock_send_to(f, all[n], "x", 1, "127.0.0.1", 9), CHROMESOCK_FAILED);
        RESULT(sock_send_to(f, all[n], "x", 1, "name.test", 9), CHROMESOCK_FAILED); /* no query */
        RESULT_TEXT(sock_join(f, all[n], "224.0.0.251"), -1, ONLY_UDP);
        RESULT_TEXT(sock_leave(f, all[n], "bad"), -1, ONLY_UDP);
        RESULT_TEXT(sock_set_ttl(f, all[n], 999), -1, ONLY_UDP);
        RESULT_TEXT(sock_set_loopback(f, all[n], 1), -1, ONLY_UDP);
        RESULT_TEXT(sock_get_groups(f, all[n]), -1, ONLY_UDP);
    }
    CHECK_INT(shim_queries(), 0);
    close(peer);
}

/* 4.6 TCP 4, 5, 6: as soon as anything is there, at most bufferSize, the rest stays. */
static void reads(fx *f) {
    int peer;
    int32_t id = sock_connected(f, &peer);
    call *c, *d;
    READ_FAILED(sock_read(f, id, 0), CHROMESOCK_INVALID_ARGUMENT);
    READ_FAILED(sock_read(f, id, -1), CHROMESOCK_INVALID_ARGUMENT);
    READ_FAILED(sock_read(f, id, INT32_MIN), CHROMESOCK_INVALID_ARGUMENT);
    c = sock_read(f, id, NOT_GIVEN);
    d = sock_read(f, id, 5);
    READ_FAILED(d, CHROMESOCK_IO_PENDING);
    READ_FAILED(sock_read(f, id, 0), CHROMESOCK_IO_PENDING); /* TCP 4 before TCP 5 */
    CHECK(c->done == NULL); /* the first is not disturbed */
    peer_text(peer, "x");
    READ_TEXT(c, "x");
    peer_text(peer, "abcdefgh");
    READ_TEXT(sock_read(f, id, 3), "abc");
    READ_TEXT(sock_read(f, id, 1), "d");
    READ_TEXT(sock_read(f, id, INT32_MAX), "efgh");
    no_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE, 0); /* requests only, never an event */
    /* nothing is read before it is asked for */
    peer_text(peer, "later");
    settle(f);
    CHECK_INT(fx_stats(f).undelivered_bytes, 0);
    READ_TEXT(sock_read(f, id, NOT_GIVEN), "later");
    close(peer);
}

/* 4.6 "Default bufferSize 4096", and a large read gets no more than is asked for; all bytes in order. */
static void read_sizes(fx *f) {
    enum { TOTAL = 300000 };
    int peer;
    int32_t id = sock_connected(f, &peer);
    size_t got = 0;
    static const int32_t sizes[] = {NOT_GIVEN, 1, 65536, 1000, 200000, 4096, 7};
    for (size_t n = 0; n < TOTAL; n++) block[n] = (char)(n * 13 + n / 249);
    for (size_t sent = 0, n = 0; got < TOTAL; n++) {
        int32_t size = sizes[n % 7];
        size_t most = size == NOT_GIVEN ? 4096 : (size_t)size;
        const ev *e;
        while (sent < TOTAL && sent - got < 50000) {
            size_t piece = TOTAL - sent < 10000 ? TOTAL - sent : 10000;
            peer_send(peer, block + sent, piece);
            sent += piece;
        }
        e = await(sock_read(f, id, size));
        CHECK_STR(e->message, NULL);
        CHECK(e->result > 0);
        CHECK((size_t)e->result <= most);
        CHECK_MEM(e->data, e->len, block + got, (size_t)e->result);
        got += e->len;
        if (f->len > 1000) fx_compact(f);
    }
    close(peer);
}

/* 4.6 TCP 7: the end: 0 and empty; disconnected then: getInfo, the next read -15, the write side too. */
static void end_of_stream(fx *f) {
    int peer;
    int32_t id = sock_connected(f, &peer);
    peer_text(peer, "last");
    peer_half_close(peer);
    settle(f);
    SOCK_INFO(f, id, TCP, 1, LOCAL | PEER); /* 9: connected until a read says 0 */
    READ_TEXT(sock_read(f, id, NOT_GIVEN), "last");
    SOCK_INFO(f, id, TCP, 1, LOCAL | PEER);
    READ_TEXT(sock_read(f, id, NOT_GIVEN), "");
    SOCK_INFO(f, id, TCP, 0, 0);
    READ_FAILED(sock_read(f, id, NOT_GIVEN), CHROMESOCK_SOCKET_NOT_CONNECTED);
    RESULT(sock_text(f, id, "x"), CHROMESOCK_SOCKET_NOT_CONNECTED);
    CHECK_INT(peer_wait_end(peer), 0);
    close(peer);
}

/* The same with the read waiting when the end comes. */
static void end_under_a_read(fx *f) {
    int peer;
    int32_t id = sock_connected(f, &peer);
    call *c = sock_read(f, id, NOT_GIVEN);
    settle(f);
    close(peer);
    READ_TEXT(c, "");
    SOCK_INFO(f, id, TCP, 0, 0);
}

/* 4.6 TCP 7 [dec] D4: a reset is told by its code; disconnected as well. */
static void reset_under_a_read(fx *f) {
    int peer;
    int32_t id = sock_connected(f, &peer);
    call *c = sock_read(f, id, NOT_GIVEN);
    settle(f);
    peer_reset(peer);
    READ_FAILED(c, CHROMESOCK_CONNECTION_RESET);
    SOCK_INFO(f, id, TCP, 0, 0);
    READ_FAILED(sock_read(f, id, NOT_GIVEN), CHROMESOCK_SOCKET_NOT_CONNECTED);
}

/* 4.7 row 4: all bytes, never a part; several outstanding complete in order; 0 bytes give 0. */
static void writes(fx *f) {
    int peer;
    int32_t id = sock_connected(f, &peer);
    call *c[40], *d;
    static char got[sizeof block];
    size_t total = 0;
    RESULT(sock_write(f, id, NULL, 0), 0);
    RESULT(sock_write(f, id, "x", 0), 0);
    RESULT(sock_text(f, id, "abc"), 3);
    peer_expect(peer, "abc");
    /* more than the system takes at once: it waits, and read is independent of it (11) */
    c[0] = sock_write(f, id, block, sizeof block);
    for (int n = 1; n < 40; n++) c[n] = sock_write(f, id, block + n, 50000);
    peer_text(peer, "meanwhile");
    READ_TEXT(sock_read(f, id, NOT_GIVEN), "meanwhile");
    d = sock_write(f, id, NULL, 0);
    peer_read(peer, got, sizeof block);
    CHECK_MEM(got, sizeof block, block, sizeof block);
    RESULT(c[0], sizeof block);
    total = sizeof block;
    for (int n = 1; n < 40; n++) {
        peer_read(peer, got, 50000);
        CHECK_MEM(got, 50000, block + n, 50000);
        RESULT(c[n], 50000);
        CHECK(c[n - 1]->done->seq < c[n]->done->seq);
        total += 50000;
    }
    RESULT(d, 0);
    CHECK(c[39]->done->seq < d->done->seq);
    CHECK(total > 2000000);
    close(peer);
}

/* 4.7 row 5: a broken stream: the pending read completes with -100 first, then the writes with the
 * code; disconnected. */
static void write_on_a_broken_stream(fx *f) {
    int peer;
    int32_t id = sock_connected(f, &peer);
    enum { MANY = 40 };
    call *r = sock_read(f, id, NOT_GIVEN), *c[MANY], *w, *w2;
    settle(f);
    for (int n = 0; n < MANY; n++) c[n] = sock_write(f, id, block, sizeof block);
    w = c[MANY - 2];
    w2 = c[MANY - 1];
    settle(f);
    CHECK(w->done == NULL); /* more than fits */
    peer_reset(peer);
    await(w2);
    await(r);
    CHECK(w2->done->result == CHROMESOCK_CONNECTION_RESET || w2->done->result == CHROMESOCK_FAILED ||
          w2->done->result == CHROMESOCK_SOCKET_NOT_CONNECTED);
    CHECK_STR(w2->done->message, NULL);
    CHECK(r->done->seq < w2->done->seq);
    CHECK(r->done->result == CHROMESOCK_CONNECTION_CLOSED ||
          r->done->result == CHROMESOCK_CONNECTION_RESET);
    CHECK_INT(await(w)->result, w2->done->result);
    CHECK(w->done->seq < w2->done->seq);
    SOCK_INFO(f, id, TCP, 0, 0);
    READ_FAILED(sock_read(f, id, NOT_GIVEN), CHROMESOCK_SOCKET_NOT_CONNECTED);
}

/* The same without a read under way: only the writes tell, and the socket is disconnected. */
static void write_alone_on_a_broken_stream(fx *f) {
    int peer;
    int32_t id = sock_connected(f, &peer);
    call *w = NULL;
    peer_reset(peer);
    for (int n = 0; n < 50; n++) {
        w = sock_text(f, id, "into the void");
        if (await(w)->result < 0) break;
    }
    CHECK(w->done->result < 0);
    CHECK_STR(w->done->message, NULL);
    SOCK_INFO(f, id, TCP, 0, 0);
    RESULT(sock_text(f, id, "x"), CHROMESOCK_SOCKET_NOT_CONNECTED);
}

/* 4.12: true on a connected socket, also an accepted one; no-delay is on by default; the values. */
static void options(fx *f) {
    int peer, value = 0, fd;
    socklen_t len = sizeof value;
    int32_t id = sock_connected(f, &peer);
    fd = library_end(peer);
    CHECK(fd >= 0);
    CHECK_INT(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, &len), 0);
    CHECK(value != 0);
    RESULT(sock_set_no_delay(f, id, 0), 1);
    CHECK_INT(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, &len), 0);
    CHECK_INT(value, 0);
    RESULT(sock_set_no_delay(f, id, 1), 1);
    RESULT(sock_set_keep_alive(f, id, 1, 33), 1);
    CHECK_INT(getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &value, &len), 0);
    CHECK(value != 0);
    CHECK_INT(getsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &value, &len), 0);
    CHECK_INT(value, 33);
    CHECK_INT(getsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &value, &len), 0);
    CHECK_INT(value, 33);
    RESULT(sock_set_keep_alive(f, id, 1, 0), 1); /* leaves the times alone */
    CHECK_INT(getsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &value, &len), 0);
    CHECK_INT(value, 33);
    RESULT(sock_set_keep_alive(f, id, 1, -1), 0); /* the system refuses: false */
    RESULT(sock_set_keep_alive(f, id, 0, 0), 1);
    CHECK_INT(getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &value, &len), 0);
    CHECK_INT(value, 0);
    close(peer);
}

/* 4.7 row 1, udp.md 6.3: the quota comes before the id, and is shared with the other namespaces. */
enum { QUOTA = 1000000 };
static void quota(fx *f) {
    int peer, other_peer;
    int32_t id = sock_connected(f, &peer), other = connected(f, &other_peer), udp = new_sock(f, UDP);
    call *held;
    IS_FAIL_TEXT(sock_write(f, 999, block, QUOTA + 1), QUOTA_EXCEEDED);
    RESULT_TEXT(sock_write(f, 999, block, QUOTA), -1, NOT_FOUND);
    RESULT(sock_write(f, udp, block, QUOTA), CHROMESOCK_SOCKET_NOT_CONNECTED);
    IS_FAIL_TEXT(sock_write(f, udp, block, QUOTA + 1), QUOTA_EXCEEDED); /* row 1 before 3 */
    held = sock_write(f, id, block, QUOTA);
    peer_read(peer, block, QUOTA);
    RESULT(held, QUOTA);
    CHECK_INT(fx_stats(f).unsent_bytes, 0);
    close(peer);
    /* bytes of chrome.socket count for chrome.sockets and the other way round */
    id = sock_connected(f, &peer); /* the kernel holds more for a peer that has read */
    shrink_sending(library_end(peer));
    held = sock_write(f, id, block, HELD);
    IS_FAIL_TEXT(tcp_send(f, other, block, QUOTA - HELD + 1), QUOTA_EXCEEDED);
    IS_SENT(tcp_send(f, other, block, QUOTA - HELD), QUOTA - HELD);
    IS_FAIL_TEXT(sock_write(f, id, block, QUOTA - HELD + 1), QUOTA_EXCEEDED);
    IS_OK(sock_disconnect(f, id));
    RESULT(held, CHROMESOCK_SOCKET_NOT_CONNECTED); /* 8 row 7; quota returned */
    CHECK_INT(fx_stats(f).unsent_bytes, 0);
    close(peer);
    close(other_peer);
}

int main(int argc, char **argv) {
    chromesock_app_options small;
    memset(&small, 0, sizeof small);
    small.present = CHROMESOCK_APP_OPTIONS_WRITE_QUOTA;
    small.write_quota_bytes = QUOTA;
    harness_init(argc, argv);
    RUN_ALL_MODES(created);
    RUN_ALL_MODES(unknown_ids);
    RUN_ALL_MODES(port_range);
    RUN_ALL_MODES(connect_rows);
    RUN_ALL_MODES(names_that_fail);
    RUN_ALL_MODES(while_connecting);
    RUN_ALL_MODES(modes_without_stream);
    RUN_ALL_MODES(udp_methods_on_tcp);
    RUN_ALL_MODES(reads);
    RUN_ALL_MODES(read_sizes);
    RUN_ALL_MODES(end_of_stream);
    RUN_ALL_MODES(end_under_a_read);
    RUN_ALL_MODES(reset_under_a_read);
    RUN_ALL_MODES(writes);
    RUN_ALL_MODES(write_on_a_broken_stream);
    RUN_ALL_MODES(write_alone_on_a_broken_stream);
    RUN_ALL_MODES(options);
    RUN_ALL_MODES_WITH(quota, &small);
    return harness_finish();
}
