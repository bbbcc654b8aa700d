/* legacy_echo: sends back what comes, over TCP and over UDP on one port: `legacy_echo [--port N]`.
 *
 * Shows: the old API, chrome.socket, where one call brings one result: accept, read and recvFrom each have
 * to be asked for again. So a client that is too fast waits by itself: it is read from only after what it
 * sent before was written back. Callbacks run on the library's own thread (CHROMESOCK_DELIVERY_REACTOR); the
 * main thread waits for a signal. */
#define _POSIX_C_SOURCE 200809L
#include <chromesock.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DATAGRAM_MOST = 65536, PORT_TRIES = 16 };

/* All of it belongs to the thread of the callbacks until the app is freed. */
static int32_t tcp, udp, wanted_port, port, tries;
static bool accepting, failed;
static unsigned long clients;
static pthread_t main_thread;

static void give_up(const char *what, int32_t result) {
    const char *why = chromesock_status_text(result);
    fprintf(stderr, "legacy_echo: %s: %s\n", what, why != NULL ? why : "failed");
    failed = true;
    pthread_kill(main_thread, SIGTERM);
}

static void on_accepted(chromesock_app *app, const chromesock_event *event, void *user_data);

static void accept_next(chromesock_app *app) {
    accepting = chrome_socket_accept(app, tcp, on_accepted, NULL) == CHROMESOCK_OK;
}

/* ---- TCP: read, write, and so on ---- */

static void drop(chromesock_app *app, int32_t id) {
    chrome_socket_destroy(app, id, NULL, NULL);
    clients--;
    if (!accepting) /* there is a descriptor again */
        accept_next(app);
}

static void read_next(chromesock_app *app, int32_t id);

static void on_written(chromesock_app *app, const chromesock_event *event, void *user_data) {
    (void)user_data;
    if (event->result < 0)
        drop(app, event->socket_id);
    else
        read_next(app, event->socket_id);
}

static void on_read(chromesock_app *app, const chromesock_event *event, void *user_data) {
    (void)user_data;
    /* 0 is the end of the stream, and less is an error. The socket is disconnected either way. */
    if (event->result <= 0 || chrome_socket_write(app, event->socket_id, event->data, event->data_len, on_written,
                                                  NULL) != CHROMESOCK_OK)
        drop(app, event->socket_id);
}

static void read_next(chromesock_app *app, int32_t id) {
    const int32_t most = 65536;
    if (chrome_socket_read(app, id, &most, on_read, NULL) != CHROMESOCK_OK)
        drop(app, id);
}

static void on_accepted(chromesock_app *app, const chromesock_event *event, void *user_data) {
    (void)user_data;
    if (event->result != CHROMESOCK_OK) {
        accepting = false;
        /* ABORTED: we are ending. Otherwise the next client that leaves starts it again. */
        if (event->result != CHROMESOCK_ABORTED && clients == 0)
            give_up("accept", event->result);
        return;
    }
    clients++;
    read_next(app, event->client_socket_id);
    accept_next(app);
}

/* ---- UDP: one datagram after the other ---- */

static void on_datagram(chromesock_app *app, const chromesock_event *event, void *user_data);

static void receive_next(chromesock_app *app) {
    const int32_t most = DATAGRAM_MOST;
    chrome_socket_recv_from(app, udp, &most, on_datagram, NULL);
}

static void on_sent(chromesock_app *app, const chromesock_event *event, void *user_data) {
    (void)event; /* an answer that cannot be sent is lost, like any datagram */
    (void)user_data;
    receive_next(app);
}

static void on_datagram(chromesock_app *app, const chromesock_event *event, void *user_data) {
    (void)user_data;
    if (event->result == CHROMESOCK_CONNECTION_CLOSED)
        return; /* we are ending */
    if (event->result < 0)
        give_up("recvFrom", event->result);
    /* 0 is an empty datagram. */
    else if (chrome_socket_send_to(app, udp, event->data, event->data_len, event->address, event->port, on_sent,
                                   NULL) != CHROMESOCK_OK)
        receive_next(app);
}

/* ---- the start: a port that is free for both ---- */

static void listen_tcp(chromesock_app *app);

static void on_bound(chromesock_app *app, const chromesock_event *event, void *user_data) {
    (void)user_data;
    if (event->result == CHROMESOCK_ADDRESS_IN_USE && wanted_port == 0 && ++tries < PORT_TRIES) {
        chrome_socket_disconnect(app, tcp, NULL, NULL); /* it may listen again, on another port */
        listen_tcp(app);
        return;
    }
    if (event->result != CHROMESOCK_OK) {
        give_up("bind", event->result);
        return;
    }
    printf("listening on 127.0.0.1 port %d\n", (int)port);
    fflush(stdout);
    accept_next(app);
    receive_next(app);
}

static void on_info(chromesock_app *app, const chromesock_event *event, void *user_data) {
    (void)user_data;
    if (event->sockets_len != 1 || (event->sockets->present & CHROMESOCK_SOCKET_INFO_LOCAL) == 0) {
        give_up("getInfo", CHROMESOCK_FAILED);
        return;
    }
    port = event->sockets->local_port;
    chrome_socket_bind(app, udp, "127.0.0.1", port, on_bound, NULL);
}

static void on_listening(chromesock_app *app, const chromesock_event *event, void *user_data) {
    (void)user_data;
    if (event->message != NULL)
        give_up(event->message, event->result);
    else
        chrome_socket_get_info(app, tcp, on_info, NULL);
}

static void listen_tcp(chromesock_app *app) {
    const int32_t backlog = 128;
    chrome_socket_listen(app, tcp, "127.0.0.1", wanted_port, &backlog, on_listening, NULL);
}

int main(int argc, char **argv) {
    char *end = NULL;
    if (argc == 3 && strcmp(argv[1], "--port") == 0 && *argv[2] >= '0' && *argv[2] <= '9') {
        unsigned long number = strtoul(argv[2], &end, 10);
        wanted_port = number <= 65535 ? (int32_t)number : -1;
    }
    if (argc != 1 && (end == NULL || *end != '\0' || wanted_port < 0)) {
        fprintf(stderr, "usage: legacy_echo [--port N]\nWithout --port the system chooses one; it is printed.\n");
        return 2;
    }
    sigset_t ending;
    sigemptyset(&ending);
    sigaddset(&ending, SIGTERM);
    sigaddset(&ending, SIGINT);
    pthread_sigmask(SIG_BLOCK, &ending, NULL);
    main_thread = pthread_self();

    chromesock_app_options options = {.size = sizeof options, .delivery = CHROMESOCK_DELIVERY_REACTOR};
    chromesock_app *app;
    if (chromesock_app_new(&options, &app) != CHROMESOCK_OK)
        return 1;
    if (chrome_socket_create(app, CHROME_SOCKET_TYPE_TCP, &tcp, NULL, NULL) != CHROMESOCK_OK ||
        chrome_socket_create(app, CHROME_SOCKET_TYPE_UDP, &udp, NULL, NULL) != CHROMESOCK_OK) {
        chromesock_app_free(app);
        return 1;
    }
    listen_tcp(app);
    int number;
    sigwait(&ending, &number);
    chromesock_app_free(app); /* waits for the callbacks; the last results of pending calls come in here */
    return failed ? 1 : 0;
}
