/* echo: sends back to every client what it sends.
 *
 * Shows: chromesock_app_dispatch. Callbacks run on the main thread, inside dispatch, and nowhere else.
 * Also that every function may be called from any thread: the thread that waits for a signal ends
 * the program by closing the app. */
#define _POSIX_C_SOURCE 200809L
#include "id_table.h"

#include <chromesock.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_UNSENT 262144 /* per client: above it we stop reading what it sends */

struct client {
    struct id_entry entry;
    size_t unsent;
    bool paused;
};

static struct id_table clients;
static unsigned long closed, close_limit; /* limit 0 = none */
static bool failed;

static void on_closed(chromesock_app *app, const chromesock_event *event, void *user_data) {
    (void)event;
    (void)user_data;
    if (++closed == close_limit)
        chromesock_app_close(app);
}

static void drop(chromesock_app *app, int32_t id) {
    free(id_table_remove(&clients, id));
    chrome_sockets_tcp_close(app, id, on_closed, NULL);
}

static void set_paused(chromesock_app *app, struct client *client, bool paused) {
    if (client->paused == paused)
        return;
    client->paused = paused;
    chrome_sockets_tcp_set_paused(app, client->entry.id, paused, NULL, NULL);
}

static void on_sent(chromesock_app *app, const chromesock_event *event, void *user_data) {
    (void)user_data;
    struct client *client = (struct client *)id_table_find(&clients, event->socket_id);
    if (client == NULL)
        return;
    if (event->message != NULL) {
        drop(app, event->socket_id);
        return;
    }
    client->unsent -= (size_t)event->bytes_sent;
    if (client->unsent <= MOST_UNSENT / 2)
        set_paused(app, client, false);
}

static void on_receive(chromesock_app *app, const chromesock_event *event, void *user_data) {
    (void)user_data;
    struct client *client = (struct client *)id_table_find(&clients, event->socket_id);
    if (client == NULL)
        return;
    if (chrome_sockets_tcp_send(app, event->socket_id, event->data, event->data_len, on_sent, NULL) != CHROMESOCK_OK) {
        drop(app, event->socket_id);
        return;
    }
    client->unsent += event->data_len;
    if (client->unsent > MOST_UNSENT) /* a little more may still come */
        set_paused(app, client, true);
}

static void on_receive_error(chromesock_app *app, const chromesock_event *event, void *user_data) {
    (void)user_data;
    if (id_table_find(&clients, event->socket_id) != NULL)
        drop(app, event->socket_id);
}

static void on_accept(chromesock_app *app, const chromesock_event *event, void *user_data) {
    (void)user_data;
    struct client *client = calloc(1, sizeof *client);
    if (client == NULL) {
        chrome_sockets_tcp_close(app, event->client_socket_id, on_closed, NULL);
        return;
    }
    client->entry.id = event->client_socket_id;
    client->paused = true; /* accepted sockets start paused */
    id_table_add(&clients, &client->entry);
    set_paused(app, client, false);
}

static void give_up(chromesock_app *app, const char *what) {
    fprintf(stderr, "echo: %s\n", what != NULL ? what : "unknown error");
    failed = true;
    chromesock_app_close(app);
}

static void on_accept_error(chromesock_app *app, const chromesock_event *event, void *user_data) {
    (void)user_data;
    give_up(app, chromesock_status_text(event->result));
}

static void on_info(chromesock_app *app, const chromesock_event *event, void *user_data) {
    (void)user_data;
    if (event->sockets_len != 1 || event->sockets->local_address == NULL) {
        give_up(app, "not listening");
        return;
    }
    printf("listening on %s port %d\n", event->sockets->local_address, (int)event->sockets->local_port);
    fflush(stdout);
}

static void on_listen(chromesock_app *app, const chromesock_event *event, void *user_data) {
    (void)user_data;
    if (event->message != NULL)
        give_up(app, event->message);
    else
        chrome_sockets_tcp_server_get_info(app, event->socket_id, on_info, NULL);
}

static bool start(chromesock_app *app, int port) {
    int32_t server;
    return chrome_sockets_tcp_on_receive_add_listener(app, on_receive, NULL) == CHROMESOCK_OK &&
           chrome_sockets_tcp_on_receive_error_add_listener(app, on_receive_error, NULL) == CHROMESOCK_OK &&
           chrome_sockets_tcp_server_on_accept_add_listener(app, on_accept, NULL) == CHROMESOCK_OK &&
           chrome_sockets_tcp_server_on_accept_error_add_listener(app, on_accept_error, NULL) == CHROMESOCK_OK &&
           chrome_sockets_tcp_server_create(app, NULL, &server, NULL, NULL) == CHROMESOCK_OK &&
           chrome_sockets_tcp_server_listen(app, server, "127.0.0.1", port, NULL, on_listen, NULL) == CHROMESOCK_OK;
}

static sigset_t ending_signals;

static void *wait_for_signal(void *app) {
    int number;
    sigwait(&ending_signals, &number);
    chromesock_app_close(app);
    return NULL;
}

static bool number_after(const char *text, unsigned long most, unsigned long *number) {
    char *end;
    if (text == NULL || *text < '0' || *text > '9')
        return false;
    *number = strtoul(text, &end, 10);
    return *end == '\0' && *number <= most;
}

int main(int argc, char **argv) {
    unsigned long port = 0;
    for (int i = 1; i < argc; i += 2) {
        bool known = (strcmp(argv[i], "--port") == 0 && number_after(argv[i + 1], 65535, &port)) ||
                     (strcmp(argv[i], "--connections") == 0 && number_after(argv[i + 1], 1000000000, &close_limit));
        if (!known) {
            fprintf(stderr, "usage: echo [--port N] [--connections N]\n"
                            "Without --port the system chooses one; it is printed.\n"
                            "--connections N: end after N connections were closed.\n");
            return 2;
        }
    }
    /* Blocked before any thread starts, so the signals reach sigwait only. */
    sigemptyset(&ending_signals);
    sigaddset(&ending_signals, SIGTERM);
    sigaddset(&ending_signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &ending_signals, NULL);

    chromesock_app *app;
    pthread_t waiter;
    if (chromesock_app_new(NULL, &app) != CHROMESOCK_OK)
        return 1;
    if (pthread_create(&waiter, NULL, wait_for_signal, app) != 0) {
        chromesock_app_free(app);
        return 1;
    }
    if (!start(app, (int)port))
        give_up(app, "cannot start");
    while (chromesock_app_dispatch(app, 0, -1, NULL) == CHROMESOCK_OK)
        ; /* until the app is closed and its last event was handed out */
    pthread_kill(waiter, SIGTERM);
    pthread_join(waiter, NULL);
    chromesock_app_free(app);
    struct id_entry *entry;
    while ((entry = id_table_any(&clients)) != NULL)
        free(id_table_remove(&clients, entry->id));
    return failed ? 1 : 0;
}
