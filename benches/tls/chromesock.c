/* The TLS client on this library, its callbacks on the reactor's thread. */
#define _GNU_SOURCE
#include "client.h"

#include <chromesock.h>
#include <unistd.h>

enum { OUTSTANDING = 4 }; /* sends under way */

static int secured;

static void check(chromesock_status status, const char *what)
{
    if (status != CHROMESOCK_OK) {
        const char *name = chromesock_status_name(status);
        fprintf(stderr, "%s: %s\n", what, name != NULL ? name : "unknown status");
        exit(1);
    }
}

static void start(chromesock_app *app);

static void on_receive(chromesock_app *app, const chromesock_event *event, void *user_data)
{
    (void)user_data;
    if (work.work == ECHO) {
        note_echo(event->data_len);
        check(chrome_sockets_tcp_send(app, event->socket_id, payload, work.size, NULL, NULL), "send");
    } else {
        add(event->data_len);
    }
}

static void on_receive_error(chromesock_app *app, const chromesock_event *event, void *user_data)
{
    (void)app;
    (void)user_data;
    check(event->result, "receive");
}

static void on_sent(chromesock_app *app, const chromesock_event *event, void *user_data)
{
    (void)user_data;
    check(event->result, "send");
    add(event->bytes_sent);
    check(chrome_sockets_tcp_send(app, event->socket_id, payload, work.size, on_sent, NULL), "send");
}

static void on_secured(chromesock_app *app, const chromesock_event *event, void *user_data)
{
    int32_t id = event->socket_id;
    (void)user_data;
    check(event->result, "secure");
    switch (work.work) {
    case HANDSHAKES:
        check(chrome_sockets_tcp_close(app, id, NULL, NULL), "close");
        add(1);
        start(app);
        break;
    case DOWNLOAD:
        check(chrome_sockets_tcp_set_paused(app, id, 0, NULL, NULL), "setPaused");
        break;
    case ECHO:
        check(chrome_sockets_tcp_set_paused(app, id, 0, NULL, NULL), "setPaused");
        check(chrome_sockets_tcp_send(app, id, payload, work.size, NULL, NULL), "send");
        break;
    case UPLOAD:
        for (int i = 0; i < OUTSTANDING; i++) {
            check(chrome_sockets_tcp_send(app, id, payload, work.size, on_sent, NULL), "send");
        }
        break;
    case IDLING:
        note_idle(++secured);
        start(app);
        break;
    }
}

static void on_connected(chromesock_app *app, const chromesock_event *event, void *user_data)
{
    (void)user_data;
    check(event->result, "connect");
    if (work.work == UPLOAD) { /* the API cannot choose it, and the others do: whatever is TCP here */
        for (int fd = 3; fd < 64; fd++) {
            use_reno(fd);
        }
    }
    check(chrome_sockets_tcp_secure(app, event->socket_id, NULL, on_secured, NULL), "secure");
}

static void start(chromesock_app *app)
{
    int32_t id;
    chrome_sockets_tcp_properties properties = {.size = sizeof properties,
                                                .present = CHROME_SOCKETS_TCP_PROPERTIES_BUFFER_SIZE,
                                                .buffer_size = MOST};
    check(chrome_sockets_tcp_create(app, &properties, &id, NULL, NULL), "create");
    check(chrome_sockets_tcp_set_paused(app, id, 1, NULL, NULL), "setPaused");
    check(chrome_sockets_tcp_connect(app, id, "127.0.0.1", work.port, CHROME_SOCKETS_DNS_QUERY_TYPE_ANY, on_connected,
                                     NULL), "connect");
}

int main(int argc, char **argv)
{
    static char roots[65536];
    chromesock_app *app;
    parse_work(argc, argv);
    FILE *file = fopen(work.roots, "r");
    if (file == NULL || fread(roots, 1, sizeof roots - 1, file) == 0) {
        die(work.roots);
    }
    fclose(file);
    chromesock_app_options options = {.size = sizeof options, .delivery = CHROMESOCK_DELIVERY_REACTOR,
                                      .extra_roots_pem = roots, .trust = CHROMESOCK_TRUST_ONLY_EXTRA};
    check(chromesock_app_new(&options, &app), "app");
    chrome_sockets_tcp_on_receive_add_listener(app, on_receive, NULL);
    chrome_sockets_tcp_on_receive_error_add_listener(app, on_receive_error, NULL);
    for (int i = 0; i < first_connections(); i++) {
        start(app);
    }
    for (;;) {
        pause(); /* the reactor's thread ends the program */
    }
}
