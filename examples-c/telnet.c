/* telnet: a plain terminal client: `telnet HOST PORT`.
 *
 * Shows: the library inside a main loop that is not its own. The loop is poll(2) over standard input
 * and the app's event handle; when the handle is readable, dispatch runs the callbacks and does not
 * wait. At the end of standard input the program goes on reading until the other side closes.
 *
 * Of the telnet protocol it knows enough to say no: options are refused, other commands skipped. */
#define _POSIX_C_SOURCE 200809L
#include <chromesock.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOST_UNSENT 65536 /* above it standard input has to wait */

enum { IAC = 255, DONT = 254, DO = 253, WONT = 252, WILL = 251, SB = 250, SE = 240 };

static int32_t socket_id;
static bool connected, ended, failed;
static size_t unsent;

static void stop(const char *what, const char *why) {
    if (why != NULL) {
        fprintf(stderr, "telnet: %s: %s\n", what, why);
        failed = true;
    }
    ended = true;
}

/* A failed send says nothing new: the reason comes with onReceiveError, after the last data. */
static void on_sent(chromesock_app *app, const chromesock_event *event, void *user_data) {
    (void)app;
    (void)event;
    unsent -= (size_t)(uintptr_t)user_data; /* the length is all we need to remember of a send */
}

static void send_bytes(chromesock_app *app, const uint8_t *bytes, size_t len) {
    if (chrome_sockets_tcp_send(app, socket_id, bytes, len, on_sent, (void *)(uintptr_t)len) == CHROMESOCK_OK)
        unsent += len;
}

/* ---- from the network to standard output ---- */

static enum { TEXT, AFTER_CR, COMMAND, OPTION, SUBNEGOTIATION, SUBNEGOTIATION_IAC } reading;
static uint8_t command;

/* One byte from the peer; its answer, if it needs one, is sent at once. */
static void receive_byte(chromesock_app *app, uint8_t byte) {
    switch (reading) {
    case AFTER_CR: /* CR LF is a new line, CR NUL is a CR, by RFC 854 */
        reading = TEXT;
        if (byte == '\n' || byte == '\0') {
            putchar(byte == '\n' ? '\n' : '\r');
            break;
        }
        putchar('\r'); /* alone, though it should not be */
        /* fall through */
    case TEXT:
        if (byte == IAC)
            reading = COMMAND;
        else if (byte == '\r')
            reading = AFTER_CR;
        else
            putchar(byte);
        break;
    case COMMAND:
        reading = TEXT;
        if (byte == IAC) {
            putchar(byte); /* a doubled 255 is a plain one */
        } else if (byte == SB) {
            reading = SUBNEGOTIATION;
        } else if (byte >= WILL && byte <= DONT) {
            command = byte;
            reading = OPTION;
        }
        break;
    case OPTION:
        reading = TEXT;
        if (command == DO || command == WILL) { /* answering WONT and DONT would never end */
            const uint8_t answer[3] = {IAC, command == DO ? WONT : DONT, byte};
            send_bytes(app, answer, sizeof answer);
        }
        break;
    case SUBNEGOTIATION:
        if (byte == IAC)
            reading = SUBNEGOTIATION_IAC;
        break;
    case SUBNEGOTIATION_IAC:
        reading = byte == SE ? TEXT : SUBNEGOTIATION;
        break;
    }
}

static void on_receive(chromesock_app *app, const chromesock_event *event, void *user_data) {
    (void)user_data;
    for (size_t i = 0; i < event->data_len; i++)
        receive_byte(app, event->data[i]);
    if (fflush(stdout) != 0)
        stop("standard output", strerror(errno));
}

static void on_receive_error(chromesock_app *app, const chromesock_event *event, void *user_data) {
    (void)app;
    (void)user_data;
    if (event->result == CHROMESOCK_CONNECTION_CLOSED)
        stop("connection", NULL);
    else
        stop("connection", chromesock_status_text(event->result));
}

/* ---- from standard input to the network ---- */

/* False: standard input has ended. */
static bool read_input(chromesock_app *app) {
    uint8_t raw[4096], out[2 * sizeof raw];
    size_t len = 0;
    ssize_t got = read(STDIN_FILENO, raw, sizeof raw);
    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return true;
    if (got <= 0)
        return false;
    for (ssize_t i = 0; i < got; i++) {
        if (raw[i] == '\n')
            out[len++] = '\r';
        out[len++] = raw[i];
        if (raw[i] == '\r')
            out[len++] = '\0';
        else if (raw[i] == IAC)
            out[len++] = IAC;
    }
    send_bytes(app, out, len);
    return true;
}

static void on_connect(chromesock_app *app, const chromesock_event *event, void *user_data) {
    (void)app;
    if (event->message != NULL) {
        stop(user_data, event->message);
        return;
    }
    connected = true;
    fprintf(stderr, "telnet: connected\n");
}

static int run(chromesock_app *app) {
    intptr_t handle;
    if (chromesock_app_event_handle(app, &handle) != CHROMESOCK_OK) {
        stop("event handle", "not available");
        return 1;
    }
    bool input_open = true;
    while (!ended) {
        bool want_input = connected && input_open && unsent < MOST_UNSENT;
        struct pollfd watched[2] = {
            {.fd = (int)handle, .events = POLLIN},
            {.fd = want_input ? STDIN_FILENO : -1, .events = POLLIN}, /* poll skips negative ones */
        };
        if (poll(watched, 2, -1) < 0) {
            if (errno == EINTR)
                continue;
            stop("poll", strerror(errno));
            break;
        }
        if (watched[0].revents != 0 && chromesock_app_dispatch(app, 0, 0, NULL) != CHROMESOCK_OK)
            stop("dispatch", "the library has ended");
        if (watched[1].revents != 0 && !ended)
            input_open = read_input(app);
    }
    return failed ? 1 : 0;
}

int main(int argc, char **argv) {
    char *end = NULL;
    long port = argc == 3 ? strtol(argv[2], &end, 10) : 0;
    if (argc != 3 || *end != '\0' || port < 1 || port > 65535) {
        fprintf(stderr, "usage: telnet HOST PORT\n");
        return 2;
    }
    chromesock_app *app;
    if (chromesock_app_new(NULL, &app) != CHROMESOCK_OK)
        return 1;
    int result = 1;
    if (chrome_sockets_tcp_on_receive_add_listener(app, on_receive, NULL) == CHROMESOCK_OK &&
        chrome_sockets_tcp_on_receive_error_add_listener(app, on_receive_error, NULL) == CHROMESOCK_OK &&
        chrome_sockets_tcp_create(app, NULL, &socket_id, NULL, NULL) == CHROMESOCK_OK &&
        chrome_sockets_tcp_connect(app, socket_id, argv[1], (int32_t)port, CHROME_SOCKETS_DNS_QUERY_TYPE_ANY,
                                   on_connect, argv[1]) == CHROMESOCK_OK)
        result = run(app);
    else
        fprintf(stderr, "telnet: the library refused a call\n");
    chromesock_app_free(app);
    return result;
}
