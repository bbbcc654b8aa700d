/* The server of many_connections: sends back what it gets, closes when the peer has closed. */
#define _GNU_SOURCE
#include "many_connections.h"

#include <poll.h>

static struct {
    int port;      /* 0 until the server listens */
    int open;      /* accepted and not yet closed */
} server;

static void on_server_closed(chromesock_app *a, const chromesock_event *event, void *user_data) {
    (void)a;
    (void)user_data;
    check_event(event, "close");
    pthread_mutex_lock(&lock);
    server.open--;
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&lock);
}

static void on_server_error(chromesock_app *a, const chromesock_event *event, void *user_data) {
    (void)user_data;
    if (event->result != CHROMESOCK_CONNECTION_CLOSED) {
        fail("onReceiveError of socket %d: %d", (int)event->socket_id, (int)event->result);
    }
    check(chrome_sockets_tcp_close(a, event->socket_id, on_server_closed, NULL), "close");
}

static void on_server_sent(chromesock_app *a, const chromesock_event *event, void *user_data) {
    (void)a;
    (void)user_data;
    check_event(event, "send");
}

static void on_server_receive(chromesock_app *a, const chromesock_event *event, void *user_data) {
    (void)user_data;
    check(chrome_sockets_tcp_send(a, event->socket_id, event->data, event->data_len, on_server_sent, NULL), "send");
}

static void on_accept(chromesock_app *a, const chromesock_event *event, void *user_data) {
    (void)user_data;
    pthread_mutex_lock(&lock);
    server.open++;
    pthread_mutex_unlock(&lock);
    check(chrome_sockets_tcp_set_paused(a, event->client_socket_id, 0, NULL, NULL), "setPaused");
}

static void on_accept_error(chromesock_app *a, const chromesock_event *event, void *user_data) {
    (void)a;
    (void)user_data;
    fail("onAcceptError: %d", (int)event->result);
}

static void on_info(chromesock_app *a, const chromesock_event *event, void *user_data) {
    (void)a;
    (void)user_data;
    check_event(event, "getInfo");
    pthread_mutex_lock(&lock);
    server.port = event->sockets_len == 1 ? event->sockets[0].local_port : 0;
    if (server.port == 0) {
        fail("getInfo: no port");
    }
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&lock);
}

static void on_listen(chromesock_app *a, const chromesock_event *event, void *user_data) {
    (void)user_data;
    check_event(event, "listen");
    check(chrome_sockets_tcp_server_get_info(a, event->socket_id, on_info, NULL), "getInfo");
}

static int is_listening(void) {
    return server.port != 0;
}

static int all_left(void) {
    return server.open == 0;
}

/* Waits for the next order and keeps serving meanwhile, as a host with a loop of its own does. */
static char next_order(int control) {
    struct pollfd fds[2] = {{.fd = control, .events = POLLIN}, {.fd = -1, .events = POLLIN}};
    intptr_t handle = -1;
    char order = 'q';
    if (options.queue) {
        check(chromesock_app_event_handle(app, &handle), "event_handle");
        fds[1].fd = (int)handle;
    }
    for (;;) {
        if (poll(fds, 2, -1) < 0) {
            fail("poll: %s", strerror(errno));
        }
        if (fds[1].revents != 0) {
            check(chromesock_app_dispatch(app, 0, 0, NULL), "dispatch");
        }
        if (fds[0].revents != 0) {
            return recv(control, &order, 1, 0) == 1 ? order : 'q';
        }
    }
}

void serve(int control) {
    int32_t before = count_descriptors(), id = 0;
    role = "server";
    new_app();
    check(chrome_sockets_tcp_on_receive_add_listener(app, on_server_receive, NULL), "onReceive");
    check(chrome_sockets_tcp_on_receive_error_add_listener(app, on_server_error, NULL), "onReceiveError");
    check(chrome_sockets_tcp_server_on_accept_add_listener(app, on_accept, NULL), "onAccept");
    check(chrome_sockets_tcp_server_on_accept_error_add_listener(app, on_accept_error, NULL), "onAcceptError");
    check(chrome_sockets_tcp_server_create(app, NULL, &id, NULL, NULL), "create");
    check(chrome_sockets_tcp_server_listen(app, id, "127.0.0.1", 0, NULL, on_listen, NULL), "listen");
    await(is_listening, "listen");
    write_all(control, &server.port, sizeof server.port);
    for (;;) {
        char order = next_order(control);
        if (order == 'q') {
            break;
        }
        if (order == 'z') { /* after the client has closed all */
            await(all_left, "the end of all connections");
        }
        await_quiet();
        struct report r = take_report();
        write_all(control, &r, sizeof r);
    }
    chromesock_app_free(app);
    if (count_descriptors() != before) {
        fail("%d descriptors before app_new, %d after app_free", (int)before, (int)count_descriptors());
    }
}
