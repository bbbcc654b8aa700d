/* socat as the peer: datagrams both ways with chrome.sockets.udp and chrome.socket, streams both ways with
 * chrome.socket (udp.md 4.6, 5.1; socket-legacy.md 4.3, 4.6 to 4.11). */
#include <unistd.h>

#include "calls_socket.h"
#include "calls_udp.h"
#include "real_process.h"

static const char *socat;
static uint16_t tcp_echo_port;

/* Is a UDP socket bound to that port of 127.0.0.1? */
static int udp_is_bound(uint16_t port) {
    FILE *file = fopen("/proc/net/udp", "r");
    char line[300], want[32];
    int found = 0;
    CHECK(file != NULL);
    snprintf(want, sizeof want, ": 0100007F:%04X ", (unsigned)port);
    while (!found && fgets(line, sizeof line, file)) found = strstr(line, want) != NULL;
    fclose(file);
    return found;
}

/* A socat that sends every datagram it gets to one port of ours; its own port. */
static uint16_t echo_to(fx *f, uint16_t port) {
    char address[80];
    uint16_t own;
    own = quiet_port();
    snprintf(address, sizeof address, "UDP4-DATAGRAM:127.0.0.1:%u,bind=127.0.0.1:%u", (unsigned)port,
             (unsigned)own);
    const char *argv[] = {socat, "-b", "65536", address, "PIPE", NULL};
    real_start(argv);
    wait_until(f, udp_is_bound(own));
    return own;
}

static void start_tcp_echo(void) {
    char address[80];
    tcp_echo_port = quiet_port();
    snprintf(address, sizeof address, "TCP4-LISTEN:%u,bind=127.0.0.1,fork,backlog=50",
             (unsigned)tcp_echo_port);
    const char *argv[] = {socat, "-b", "65536", address, "PIPE", NULL};
    real_start(argv);
    real_wait_listening(tcp_echo_port);
}

/* Our datagrams to socat and its answers to us. */
static void datagrams(fx *f) {
    static char block[9000];
    uint16_t port, echo;
    chrome_sockets_udp_properties p = udp_props(UDP_BUFFER_SIZE, NULL, 65536, 0);
    int32_t id = bound_with(f, &p, &port);
    static const size_t sizes[] = {1, 100, 1472, 4096, sizeof block};
    echo = echo_to(f, port);
    for (size_t n = 0; n < sizeof block; n++) block[n] = (char)(n * 13 + n / 251);
    for (size_t n = 0; n < 4 * sizeof sizes / sizeof sizes[0]; n++) {
        size_t len = sizes[n % (sizeof sizes / sizeof sizes[0])];
        IS_SENT(udp_send(f, id, block, len, n % 2 ? "localhost" : "127.0.0.1", echo), len);
        CHECK_INT(datagram_bytes(f, id, block, len)->port, echo);
    }
}

/* socat speaks first: a file's content in one datagram to a bound socket. */
static void from_socat(fx *f) {
    uint16_t port, old_port;
    int32_t id = bound(f, &port), old = sock_bound(f, &old_port);
    call *r = sock_recv_from(f, old, NOT_GIVEN);
    char in[300], out[64];
    const ev *e;
    real_write("words", "words of a stranger", 19);
    snprintf(in, sizeof in, "OPEN:%s/words", real_folder());
    for (int n = 0; n < 2; n++) {
        snprintf(out, sizeof out, "UDP4-SENDTO:127.0.0.1:%u", (unsigned)(n ? old_port : port));
        const char *argv[] = {socat, "-u", in, out, NULL};
        real_start(argv);
    }
    e = datagram(f, id, "words of a stranger");
    CHECK_STR(e->address, "127.0.0.1");
    CHECK_INT(await(r)->result, 19);
    CHECK_MEM(r->done->data, r->done->len, "words of a stranger", 19);
    CHECK(r->done->port > 0);
}

/* The legacy API: recvFrom and sendTo, then read and write on a connected socket. */
static void legacy_datagrams(fx *f) {
    uint16_t port, echo;
    int32_t id = sock_bound(f, &port), other = new_sock(f, UDP);
    echo = echo_to(f, port);
    for (int n = 0; n < 5; n++) {
        RESULT(sock_send_to(f, id, "to and fro", 10, "localhost", echo), 10);
        RECEIVED(sock_recv_from(f, id, NOT_GIVEN), "to and fro", echo);
    }
    /* connected first, so that socat can be told our port: it need not be there yet (4.3) */
    echo = quiet_port();
    RESULT(sock_connect(f, other, "127.0.0.1", echo), 0);
    port = (uint16_t)SOCK_INFO(f, other, UDP, 1, LOCAL | PEER)->local_port;
    {
        char address[80];
        snprintf(address, sizeof address, "UDP4-DATAGRAM:127.0.0.1:%u,bind=127.0.0.1:%u", (unsigned)port,
                 (unsigned)echo);
        const char *argv[] = {socat, "-b", "65536", address, "PIPE", NULL};
        real_start(argv);
    }
    wait_until(f, udp_is_bound(echo));
    for (int n = 0; n < 5; n++) {
        RESULT(sock_text(f, other, "connected"), 9);
        READ_TEXT(sock_read(f, other, NOT_GIVEN), "connected");
    }
}

/* A stream through socat: 1 MiB comes back; our end of the conversation ends it. */
static void legacy_stream(fx *f) {
    enum { SIZE = 1 << 20 };
    static char data[SIZE];
    int32_t id = new_sock(f, TCP);
    size_t got = 0, sent = 0;
    call *w = NULL;
    for (size_t n = 0; n < SIZE; n++) data[n] = (char)(n * 31 + n / 4093);
    RESULT(sock_connect(f, id, "localhost", tcp_echo_port), 0);
    while (got < SIZE) {
        const ev *e;
        if (sent < SIZE && sent - got < 20000) {
            w = sock_write(f, id, data + sent, 16384);
            sent += 16384;
        }
        e = await(sock_read(f, id, 30000));
        CHECK(e->result > 0);
        CHECK(got + e->len <= SIZE);
        CHECK_MEM(e->data, e->len, data + got, e->len);
        got += e->len;
        if (f->len > 1000 && w->done) fx_compact(f), w = NULL;
    }
    IS_OK(sock_disconnect(f, id));
}

/* socat connects to us: accept, its words, our answer written to its file, its end. */
static void legacy_server(fx *f) {
    uint16_t port;
    int32_t server = sock_listening(f, &port), id;
    call *a = sock_accept(f, server), *r;
    char in[300], to[64];
    size_t got = 0;
    real_write("words", "words of a stranger", 19);
    snprintf(in, sizeof in, "OPEN:%s/words", real_folder());
    snprintf(to, sizeof to, "TCP4:127.0.0.1:%u", (unsigned)port);
    const char *argv[] = {socat, "-u", in, to, NULL};
    real_start(argv);
    RESULT(a, 0);
    id = a->done->client;
    SOCK_INFO(f, id, TCP, 1, LOCAL | PEER);
    do {
        r = sock_read(f, id, 7);
        CHECK(await(r)->result >= 0);
        CHECK_MEM(r->done->data, r->done->len, &"words of a stranger"[got], r->done->len);
        got += r->done->len;
    } while (r->done->result > 0);
    CHECK_INT(got, 19);
    SOCK_INFO(f, id, TCP, 0, 0);
}

int main(int argc, char **argv) {
    harness_init(argc, argv);
    socat = real_find("socat");
    start_tcp_echo();
    RUN_ALL_MODES(datagrams);
    RUN_ALL_MODES(from_socat);
    RUN_ALL_MODES(legacy_datagrams);
    RUN_ALL_MODES(legacy_stream);
    RUN_ALL_MODES(legacy_server);
    return harness_finish();
}
