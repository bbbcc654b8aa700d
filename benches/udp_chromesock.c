/* The same server on this library. Delivery "reactor": the callbacks run on the reactor thread. Delivery
 * "queue": the main thread drains the queue by dispatch. */
#define _GNU_SOURCE
#include "udp.h"

#include <chromesock.h>
#include <pthread.h>
#include <unistd.h>

static enum mode mode;
static uint64_t received, sent;
static uint8_t out[DATAGRAM_MOST];

static void check(chromesock_status status, const char *what)
{
    if (status != CHROMESOCK_OK) {
        const char *name = chromesock_status_name(status);
        fprintf(stderr, "%s: %s\n", what, name != NULL ? name : "unknown status");
        exit(1);
    }
}

static void on_sent(chromesock_app *app, const chromesock_event *event, void *user_data)
{
    (void)app;
    (void)user_data;
    check(event->result, "send");
}

static void on_receive(chromesock_app *app, const chromesock_event *event, void *user_data)
{
    (void)user_data;
    const uint8_t *data = event->data;
    size_t len = event->data_len;
    int times = 1;
    if (mode == MODE_SINK) {
        if (!count_received(&received, len)) {
            return;
        }
        put_number(out, received);
        data = out;
        len = sizeof received;
    } else if (mode == MODE_SOURCE) {
        data = out;
        len = credit_size(event->data, event->data_len);
        times = PART;
    }
    for (int i = 0; i < times; i++) {
        if (mode == MODE_SOURCE) {
            put_number(out, sent++);
        }
        check(chrome_sockets_udp_send(app, event->socket_id, data, len, event->address, event->port,
                                      CHROME_SOCKETS_DNS_QUERY_TYPE_ANY, on_sent, NULL), "send");
    }
}

static void on_receive_error(chromesock_app *app, const chromesock_event *event, void *user_data)
{
    (void)app;
    (void)user_data;
    check(event->result, "receive");
}

static void on_info(chromesock_app *app, const chromesock_event *event, void *user_data)
{
    (void)app;
    (void)user_data;
    if (event->sockets_len != 1 || event->sockets[0].local_port == 0) {
        fprintf(stderr, "getInfo: not bound\n");
        exit(1);
    }
    printf("%d\n", event->sockets[0].local_port);
    fflush(stdout);
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
    int32_t id = 0;
    int queue = argc == 3 && strcmp(argv[2], "queue") == 0;
    if (argc != 3 || !parse_mode(argv[1], &mode) || (!queue && strcmp(argv[2], "reactor") != 0)) {
        fprintf(stderr, "udp_chromesock echo|sink|source reactor|queue\n");
        return 2;
    }
    if (queue) {
        options.delivery = CHROMESOCK_DELIVERY_QUEUE;
    }
    check(chromesock_app_new(&options, &app), "chromesock_app_new");
    check(chrome_sockets_udp_on_receive_add_listener(app, on_receive, NULL), "onReceive");
    check(chrome_sockets_udp_on_receive_error_add_listener(app, on_receive_error, NULL), "onReceiveError");
    check(chrome_sockets_udp_create(app, NULL, &id, NULL, NULL), "create");
    check(chrome_sockets_udp_bind(app, id, "127.0.0.1", 0, NULL, NULL), "bind");
    check(chrome_sockets_udp_get_info(app, id, on_info, NULL), "getInfo");
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
