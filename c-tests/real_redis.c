/* redis-server as the peer of our client: commands and replies, a pipeline of 10,000, and a server
 * that closes (tcp.md 4, 5). */
#include <unistd.h>

#include "harness.h"
#include "real_process.h"

static uint16_t port;

static void start_redis(void) {
    const char *binary = real_find("redis-server");
    char number[16];
    const char *dir = real_folder();
    port = real_port();
    snprintf(number, sizeof number, "%u", (unsigned)port);
    const char *argv[] = {binary, "--port", number, "--bind", "127.0.0.1", "--dir", dir, "--save", "",
                          "--appendonly", "no", "--daemonize", "no", NULL};
    real_start(argv);
    real_wait_listening(port);
}

static int32_t open_connection(fx *f) {
    int32_t id = new_tcp(f);
    IS_OK0(tcp_connect(f, id, "localhost", port));
    return id;
}

static void text(fx *f, int32_t id, const char *command) {
    tcp_send(f, id, command, strlen(command));
}

static void set_and_get(fx *f) {
    int32_t id = open_connection(f);
    text(f, id, "*1\r\n$4\r\nPING\r\n");
    receive(f, id, "+PONG\r\n");
    /* a value with a NUL and line ends in it: bytes are bytes */
    tcp_send(f, id, "*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$5\r\na\0\r\nb\r\n", 33);
    receive(f, id, "+OK\r\n");
    text(f, id, "*2\r\n$3\r\nGET\r\n$3\r\nkey\r\n");
    receive_bytes(f, id, "$5\r\na\0\r\nb\r\n", 11);
    text(f, id, "*2\r\n$3\r\nGET\r\n$7\r\nmissing\r\n");
    receive(f, id, "$-1\r\n");
    text(f, id, "*1\r\n$4\r\nQUIT\r\n");
    receive(f, id, "+OK\r\n");
    receive_error(f, id, CHROMESOCK_CONNECTION_CLOSED);
}

/* A pipeline of 10,000 in one go: every reply, in order. */
static void pipeline(fx *f) {
    enum { COMMANDS = 10000 };
    int32_t id = open_connection(f);
    char *want = malloc((size_t)COMMANDS * 16), command[96];
    size_t len = 0, got = 0;
    call *last = NULL;
    CHECK(want != NULL);
    text(f, id, "*2\r\n$3\r\nDEL\r\n$7\r\ncounter\r\n");
    while (got == 0) { /* ":0" or ":1", whatever an earlier run left */
        const ev *e = await_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE, id);
        CHECK_INT(e->len, 4);
        got = e->len;
    }
    got = 0;
    for (int n = 1; n <= COMMANDS; n++) {
        snprintf(command, sizeof command, "*2\r\n$4\r\nINCR\r\n$7\r\ncounter\r\n");
        last = tcp_send(f, id, command, strlen(command));
        len += (size_t)sprintf(want + len, ":%d\r\n", n);
    }
    while (got < len) {
        const ev *e = await_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE, id);
        CHECK(got + e->len <= len);
        CHECK_MEM(e->data, e->len, want + got, e->len);
        got += e->len;
    }
    IS_SENT(last, strlen(command));
    free(want);
    close_tcp(f, id, 1);
}

/* A large value both ways. */
static void large_value(fx *f) {
    enum { SIZE = 3 << 20 };
    int32_t id = open_connection(f);
    char *value = malloc(SIZE + 64);
    char head[64];
    CHECK(value != NULL);
    for (size_t n = 0; n < SIZE; n++) value[n] = (char)(n * 131 + n / 4093);
    snprintf(head, sizeof head, "*3\r\n$3\r\nSET\r\n$3\r\nbig\r\n$%d\r\n", (int)SIZE);
    text(f, id, head);
    tcp_send(f, id, value, SIZE);
    text(f, id, "\r\n");
    receive(f, id, "+OK\r\n");
    text(f, id, "*2\r\n$3\r\nGET\r\n$3\r\nbig\r\n");
    snprintf(head, sizeof head, "$%d\r\n", (int)SIZE);
    {
        size_t total = strlen(head) + SIZE + 2, got = 0;
        char *want = malloc(total);
        CHECK(want != NULL);
        memcpy(want, head, strlen(head));
        memcpy(want + strlen(head), value, SIZE);
        memcpy(want + strlen(head) + SIZE, "\r\n", 2);
        while (got < total) {
            const ev *e = await_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE, id);
            CHECK(got + e->len <= total);
            CHECK_MEM(e->data, e->len, want + got, e->len);
            got += e->len;
        }
        free(want);
    }
    free(value);
    close_tcp(f, id, 1);
}

int main(int argc, char **argv) {
    harness_init(argc, argv);
    start_redis();
    RUN_ALL_MODES(set_and_get);
    RUN_ALL_MODES(pipeline);
    RUN_ALL_MODES(large_value);
    return harness_finish();
}
