/* The same server on this library, in each of its deliveries (chromesock_host.h). */
#define _GNU_SOURCE
#include "chromesock_host.h"
#include "foreign.h"

enum { OUTSTANDING = 4 };    /* sends of a source under way on each connection */
enum { WORK = 16 * 1024 };   /* bytes hashed for a message */
enum { COUNTERS = 1 << 16 }; /* by the low bits of the socket id, far more than are open at once */

static enum mode mode;
static struct host host;
static uint8_t block[BLOCK];
static uint64_t counters[COUNTERS]; /* sink: bytes; queued: sends completed */
static struct foreign foreign;
static int32_t foreign_target;

static void on_event(chromesock_app *app, const chromesock_event *event, void *user_data);

static void stop_foreign(void)
{
    if (foreign_target != 0) {
        foreign_stop(&foreign);
        foreign_target = 0;
    }
}

static void drop(chromesock_app *app, int32_t id)
{
    if (id == foreign_target) {
        stop_foreign();
    }
    (void)chrome_sockets_tcp_close(app, id, NULL, NULL);
}

/* A send whose completion matters. */
static void send_and_ask(chromesock_app *app, int32_t id, const uint8_t *data, size_t len)
{
    (void)chrome_sockets_tcp_send(app, id, data, len, on_event, NULL);
}

static void on_sent(chromesock_app *app, const chromesock_event *event)
{
    uint64_t *counter = &counters[(uint32_t)event->socket_id % COUNTERS];
    if (event->result != CHROMESOCK_OK) {
        if (event->socket_id != foreign_target) {
            drop(app, event->socket_id);
        }
    } else if (mode == MODE_SOURCE) {
        send_and_ask(app, event->socket_id, block, BLOCK);
    } else if (mode == MODE_FOREIGN) {
        foreign_finish(&foreign, 1);
    } else if (mode == MODE_QUEUED && event->bytes_sent == SMALL && ++*counter == QUEUED) {
        *counter = 0;
        (void)chrome_sockets_tcp_send(app, event->socket_id, (const uint8_t *)"d", 1, NULL, NULL);
    }
}

/* Some 20 us of a CPU, as a server with more to do than to echo has them. */
static void work(void)
{
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i < WORK; i++) {
        hash = (hash ^ block[i]) * 1099511628211u;
    }
    if (hash == 0) {
        abort(); /* it is used */
    }
}

static void on_receive(chromesock_app *app, const chromesock_event *event)
{
    int32_t id = event->socket_id;
    if (mode == MODE_WORK) {
        work();
    }
    if (mode == MODE_ECHO || mode == MODE_WORK) {
        (void)chrome_sockets_tcp_send(app, id, event->data, event->data_len, NULL, NULL);
    } else if (mode == MODE_QUEUED) {
        for (uint64_t i = 0; i < QUEUED; i++) {
            send_and_ask(app, id, small_send(block, i), SMALL);
        }
    } else {
        for (uint64_t owed = acks_owed(&counters[(uint32_t)id % COUNTERS], event->data_len); owed > 0; owed--) {
            (void)chrome_sockets_tcp_send(app, id, (const uint8_t *)"a", 1, NULL, NULL);
        }
    }
}

static void submit_foreign(void *target, uint64_t number)
{
    (void)target;
    send_and_ask(host.app, foreign_target, small_send(block, number), SMALL);
}

static void on_accept(chromesock_app *app, const chromesock_event *event)
{
    int32_t id = event->client_socket_id;
    if (mode != MODE_ECHO && mode != MODE_WORK) {
        counters[(uint32_t)id % COUNTERS] = 0; /* an echo counts nothing, and may run on two threads */
    }
    if (mode == MODE_SINK) {
        chrome_sockets_tcp_properties properties = {.size = sizeof properties,
                                                    .present = CHROME_SOCKETS_TCP_PROPERTIES_BUFFER_SIZE,
                                                    .buffer_size = BLOCK};
        check_unless_closed(chrome_sockets_tcp_update(app, id, &properties, NULL, NULL), "update");
    }
    check_unless_closed(chrome_sockets_tcp_set_paused(app, id, 0, NULL, NULL), "setPaused");
    for (int i = 0; mode == MODE_SOURCE && i < OUTSTANDING; i++) {
        send_and_ask(app, id, block, BLOCK);
    }
    if (mode == MODE_FOREIGN) {
        foreign_target = id;
        foreign_start(&foreign, submit_foreign, NULL);
    }
}

/* The API has no way to choose the congestion control, so the listening descriptors of this process are
 * looked up: the other contestants set it, and the comparison has to be even. */
static void set_options_of_listeners(void)
{
    int found = 0;
    for (int fd = 3; fd < 256; fd++) {
        int listening = 0;
        socklen_t len = sizeof listening;
        if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) == 0 && listening) {
            use_reno(fd);
            found++;
        }
    }
    if (found == 0) {
        fprintf(stderr, "the listening socket was not found\n");
        exit(1);
    }
}

static void serve(chromesock_app *app, int32_t port)
{
    int32_t server = 0;
    check(chrome_sockets_tcp_on_receive_add_listener(app, on_event, NULL), "onReceive");
    check(chrome_sockets_tcp_on_receive_error_add_listener(app, on_event, NULL), "onReceiveError");
    check(chrome_sockets_tcp_server_on_accept_add_listener(app, on_event, NULL), "onAccept");
    check(chrome_sockets_tcp_server_on_accept_error_add_listener(app, on_event, NULL), "onAcceptError");
    check(chrome_sockets_tcp_server_create(app, NULL, &server, NULL, NULL), "create");
    check(chrome_sockets_tcp_server_listen(app, server, "127.0.0.1", port, NULL, on_event, NULL), "listen");
}

/* The second app, if there is one, serves the port that the system chose for the first. */
static void on_listening(chromesock_app *app, const chromesock_event *event)
{
    if (app == host.app && host.second != NULL && event->sockets_len == 1) {
        serve(host.second, event->sockets[0].local_port);
    } else {
        tell_port_of(event);
    }
}

/* All events come here. */
static void on_event(chromesock_app *app, const chromesock_event *event, void *user_data)
{
    (void)user_data;
    switch (event->type) {
    case CHROME_SOCKETS_TCP_ON_RECEIVE: on_receive(app, event); break;
    case CHROME_SOCKETS_TCP_SEND: on_sent(app, event); break;
    /* The peer has left, or a send has failed: either way this comes once for each connection. */
    case CHROME_SOCKETS_TCP_ON_RECEIVE_ERROR: drop(app, event->socket_id); break;
    case CHROME_SOCKETS_TCP_SERVER_ON_ACCEPT: on_accept(app, event); break;
    case CHROME_SOCKETS_TCP_SERVER_ON_ACCEPT_ERROR: check(event->result, "accept"); break;
    case CHROME_SOCKETS_TCP_SERVER_LISTEN:
        check(event->result, "listen");
        set_options_of_listeners();
        check(chrome_sockets_tcp_server_get_info(app, event->socket_id, on_event, NULL), "getInfo");
        break;
    case CHROME_SOCKETS_TCP_SERVER_GET_INFO: on_listening(app, event); break;
    case CHROMESOCK_APP_CLOSED: stop_foreign(); break; /* no call may follow the app's end */
    default: break;
    }
}

int main(int argc, char **argv)
{
    if (argc != 3 || !parse_mode(argv[1], &mode)) {
        fprintf(stderr, "server_chromesock echo|sink|source|queued|foreign|work reactor|spin|reactors|dispatch|handle|pull\n");
        return 2;
    }
    raise_descriptor_limit();
    fill_pattern(block);
    host_open(&host, argv[2], on_event);
    if (mode == MODE_FOREIGN) {
        check(chromesock_app_set_default_handler(host.app, on_event, NULL, NULL), "default handler"); /* the app's end */
    }
    serve(host.app, 0);
    host_run(&host);
    return 0;
}
