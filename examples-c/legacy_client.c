/* legacy_client: sends standard input and prints what comes back: `legacy_client [--udp] HOST PORT`.
 *
 * TCP: piece after piece, each waiting until as much has come back; over UDP each line is a datagram (without
 * its end), sent again if no answer comes. It ends with standard input, or when the other side closes.
 *
 * Shows: chrome.socket with pulled events. One call, one result: `result_of` waits for it, and the program
 * reads from top to bottom as if the calls blocked. */
#define _POSIX_C_SOURCE 200809L
#include <chromesock.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PIECE = 16384, DATAGRAM_MOST = 65536, ANSWER_MS = 1000, TRIES = 3 };

static chromesock_app *app;
static int32_t id;

static int fail(const char *what, const char *why) {
    fprintf(stderr, "legacy_client: %s: %s\n", what, why != NULL ? why : "failed");
    return 1;
}

static int fail_with(const char *what, int32_t result) {
    return fail(what, chromesock_status_text(result));
}

/* The completion of the call of this type; NULL: not in time. Release it. */
static const chromesock_event *result_of(uint32_t type, int32_t timeout_ms) {
    const chromesock_event *event;
    while (chromesock_app_next_event(app, timeout_ms, &event) == CHROMESOCK_OK) {
        if (event->type == type)
            return event;
        chromesock_event_release(event);
    }
    return NULL;
}

/* The same where only the number is wanted. */
static int32_t number_of(uint32_t type) {
    const chromesock_event *event = result_of(type, -1);
    int32_t result = event != NULL ? event->result : CHROMESOCK_ABORTED;
    chromesock_event_release(event);
    return result;
}

static int32_t write_all(const void *data, size_t len) {
    if (chrome_socket_write(app, id, data, len, NULL, NULL) != CHROMESOCK_OK)
        return CHROMESOCK_FAILED;
    return number_of(CHROME_SOCKET_WRITE);
}

/* Prints what the event has; gives its result. */
static int32_t print_data(const chromesock_event *event) {
    int32_t result = event->result;
    if (result > 0 && (fwrite(event->data, 1, event->data_len, stdout) != event->data_len || fflush(stdout) != 0))
        result = CHROMESOCK_FAILED;
    chromesock_event_release(event);
    return result;
}

static int talk_tcp(void) {
    char piece[PIECE];
    ssize_t len;
    while ((len = read(STDIN_FILENO, piece, sizeof piece)) > 0) {
        int32_t result = write_all(piece, (size_t)len);
        if (result < 0)
            return fail_with("write", result);
        for (ssize_t left = len; left > 0; left -= result) {
            const chromesock_event *event = NULL;
            if (chrome_socket_read(app, id, NULL, NULL, NULL) != CHROMESOCK_OK ||
                (event = result_of(CHROME_SOCKET_READ, -1)) == NULL)
                return fail("read", NULL);
            result = print_data(event);
            if (result == 0)
                return 0; /* the other side has closed */
            if (result < 0)
                return fail_with("read", result);
        }
    }
    return len == 0 ? 0 : fail("standard input", NULL);
}

/* Sends a line until something comes. A read stays pending over the tries: a second one would be refused. */
static int32_t ask(const char *line, size_t len) {
    const int32_t most = DATAGRAM_MOST;
    if (chrome_socket_read(app, id, &most, NULL, NULL) != CHROMESOCK_OK)
        return CHROMESOCK_FAILED;
    for (int i = 0; i < TRIES; i++) {
        const chromesock_event *event;
        /* Its result is left to the queue: what matters is the answer. */
        if (chrome_socket_write(app, id, (const uint8_t *)line, len, NULL, NULL) != CHROMESOCK_OK)
            return CHROMESOCK_FAILED;
        if ((event = result_of(CHROME_SOCKET_READ, ANSWER_MS)) != NULL) {
            int32_t result = print_data(event);
            if (result >= 0)
                putchar('\n');
            return result;
        }
    }
    return CHROMESOCK_TIMED_OUT;
}

static int talk_udp(void) {
    char *line = NULL;
    size_t room = 0;
    ssize_t len;
    int32_t result = 0;
    while (result >= 0 && (len = getline(&line, &room, stdin)) >= 0) {
        if (len > 0 && line[len - 1] == '\n')
            len--;
        result = ask(line, (size_t)len);
        fflush(stdout);
    }
    free(line);
    return result < 0 ? fail_with("no answer", result) : 0;
}

int main(int argc, char **argv) {
    bool udp = argc > 1 && strcmp(argv[1], "--udp") == 0;
    char *end = NULL;
    long port = argc == 3 + udp ? strtol(argv[2 + udp], &end, 10) : 0;
    if (port < 1 || port > 65535 || *end != '\0') {
        fprintf(stderr, "usage: legacy_client [--udp] HOST PORT\n");
        return 2;
    }
    if (chromesock_app_new(NULL, &app) != CHROMESOCK_OK)
        return 1;
    int result = 1;
    const chromesock_event *connected = NULL;
    if (chrome_socket_create(app, udp ? CHROME_SOCKET_TYPE_UDP : CHROME_SOCKET_TYPE_TCP, &id, NULL, NULL) ==
            CHROMESOCK_OK &&
        chrome_socket_connect(app, id, argv[1 + udp], (int32_t)port, NULL, NULL) == CHROMESOCK_OK)
        connected = result_of(CHROME_SOCKET_CONNECT, -1);
    if (connected == NULL)
        fail("connect", NULL);
    else if (connected->result != CHROMESOCK_OK) /* a message comes only for some failures in this API */
        fail(connected->message != NULL ? connected->message : "connect", chromesock_status_text(connected->result));
    else
        result = udp ? talk_udp() : talk_tcp();
    chromesock_event_release(connected);
    chromesock_app_free(app);
    if (fflush(stdout) != 0)
        result = fail("standard output", NULL);
    return result;
}
