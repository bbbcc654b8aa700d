/* The same server on this library. Delivery "reactor": the callbacks run on the reactor thread.
 * Delivery "queue": the main thread drains the queue by dispatch. */
#define _GNU_SOURCE
#include "bench.h"

#include <chromesock.h>
#include <pthread.h>
#include <unistd.h>

enum { OUTSTANDING = 4 }; /* sends of a source under way on each connection */
enum { COUNTERS = 1 << 16 };

static enum mode mode;
static uint8_t block[BLOCK];
static uint64_t counters[COUNTERS]; /* sink: by the low bits of the socket id, far more than are open at once */

static void check(chromesock_status status, const char *what)
{
    if (status != CHROMESOCK_OK) {
        const char *name = chromesock_status_name(status);
        fprintf(stderr, "%s: %s\n", what, name != NULL ? name : "unknown status");
        exit(1);
    }
}

static void drop(chromesock_app *app, int32_t id)
{
    (void)chrome_sockets_tcp_close(app, id, NULL, NULL);
}

static void on_block_sent(chromesock_app *app, const chromesock_event *event, void *user_data)
{
    (void)user_data;
    if (event->result == CHROMESOCK_OK) {
        (void)chrome_sockets_tcp_send(app, event->socket_id, block, BLOCK, on_block_sent, NULL);
    } else {
        drop(app, event->socket_id);
    }
}

static void on_receive(chromesock_app *app, const chromesock_event *event, void *user_data)
{
    int32_t id = event->socket_id;
    (void)user_data;
    if (mode == MODE_ECHO) {
        (void)chrome_sockets_tcp_send(app, id, event->data, event->data_len, NULL, NULL);
        return;
    }
    uint64_t *counter = &counters[(uint32_t)id % COUNTERS];
    uint64_t before = *counter / ACK_EVERY;
    *counter += event->data_len;
    for (uint64_t owed = *counter / ACK_EVERY - before; owed > 0; owed--) {
        (void)chrome_sockets_tcp_send(app, id, (const uint8_t *)"a", 1, NULL, NULL);
    }
}

/* The peer has left, or a send has failed: either way this comes once for each connection. */
static void on_receive_error(chromesock_app *app, const chromesock_event *event, void *user_data)
{
    (void)user_data;
    drop(app, event->socket_id);
}

static void on_accept(chromesock_app *app, const chromesock_event *event, void *user_data)
{
    int32_t id = event->client_socket_id;
    (void)user_data;
    counters[(uint32_t)id % COUNTERS] = 0;
    if (mode == MODE_SINK) {
        chrome_sockets_tcp_properties properties = {.size = sizeof properties,
                                                    .present = CHROME_SOCKETS_TCP_PROPERTIES_BUFFER_SIZE,
                                                    .buffer_size = BLOCK};
        check(chrome_sockets_tcp_update(app, id, &properties, NULL, NULL), "update");
    }
    check(chrome_sockets_tcp_set_paused(app, id, 0, NULL, NULL), "setPaused");
    for (int i = 0; mode == MODE_SOURCE && i < OUTSTANDING; i++) {
        check(chrome_sockets_tcp_send(app, id, block, BLOCK, on_block_sent, NULL), "send");
    }
}

static void on_accept_error(chromesock_app *app, const chromesock_event *event, void *user_data)
{
    (void)app;
    (void)user_data;
    check(event->result, "accept");
}

/* The API has no way to choose the congestion control, so the one listening descriptor of this process
 * is looked up: the other contestants set it, and the comparison has to be even. */
static void use_reno_on_listener(void)
{
    for (int fd = 3; fd < 256; fd++) {
        int listening = 0;
        socklen_t len = sizeof listening;
        if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) == 0 && listening) {
            use_reno(fd);
            return;
        }
    }
    fprintf(stderr, "the listening socket was not found\n");
    exit(1);
}

static void on_info(chromesock_app *app, const chromesock_event *event, void *user_data)
{
    (void)app;
    (void)user_data;
    if (event->sockets_len != 1) {
        fprintf(stderr, "getInfo: %s\n", event->message != NULL ? event->message : "no socket");
        exit(1);
    }
    printf("%d\n", event->sockets[0].local_port);
    fflush(stdout);
}

static void on_listen(chromesock_app *app, const chromesock_event *event, void *user_data)
{
    (void)user_data;
    check(event->result, "listen");
    use_reno_on_listener();
    check(chrome_sockets_tcp_server_get_info(app, event->socket_id, on_info, NULL), "getInfo");
}

static void wait_for_end_of_input(void)
{
    char drained[256];
    while (read(STDIN_FILENO, drained, sizeof drained) > 0) {
    }
}

static void *close_at_end_of_input(void *app)
{
    wait_for_end_of_input();
    (void)chromesock_app_close(app);
    return NULL;
}

int main(int argc, char **argv)
{
    chromesock_app_options options = {.size = sizeof options, .delivery = CHROMESOCK_DELIVERY_REACTOR};
    chromesock_app *app = NULL;
    int32_t server = 0;
    int queue = argc == 3 && strcmp(argv[2], "queue") == 0;
    if (argc != 3 || !parse_mode(argv[1], &mode) || (!queue && strcmp(argv[2], "reactor") != 0)) {
        fprintf(stderr, "server_chromesock echo|sink|source reactor|queue\n");
        return 2;
    }
    raise_descriptor_limit();
    fill_pattern(block);
    if (queue) {
        options.delivery = CHROMESOCK_DELIVERY_QUEUE;
    }
    check(chromesock_app_new(&options, &app), "chromesock_app_new");
    check(chrome_sockets_tcp_on_receive_add_listener(app, on_receive, NULL), "onReceive");
    check(chrome_sockets_tcp_on_receive_error_add_listener(app, on_receive_error, NULL), "onReceiveError");
    check(chrome_sockets_tcp_server_on_accept_add_listener(app, on_accept, NULL), "onAccept");
    check(chrome_sockets_tcp_server_on_accept_error_add_listener(app, on_accept_error, NULL), "onAcceptError");
    check(chrome_sockets_tcp_server_create(app, NULL, &server, NULL, NULL), "create");
    check(chrome_sockets_tcp_server_listen(app, server, "127.0.0.1", 0, NULL, on_listen, NULL), "listen");
    if (queue) {
        pthread_t watcher;
        chromesock_status status;
        if (pthread_create(&watcher, NULL, close_at_end_of_input, app) != 0) {
            die("thread");
        }
        do {
            status = chromesock_app_dispatch(app, 0, -1, NULL);
        } while (status == CHROMESOCK_OK);
        if (status != CHROMESOCK_CONTEXT_SHUT_DOWN) {
            check(status, "dispatch");
        }
        pthread_join(watcher, NULL);
    } else {
        wait_for_end_of_input();
    }
    chromesock_app_free(app);
    return 0;
}
