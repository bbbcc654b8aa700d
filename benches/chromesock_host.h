/* What the servers on this library share: the app in one of its deliveries, and the end with standard input.
 * One function takes all events, in whatever delivery.
 *
 *   reactor   callbacks run on the reactor's thread
 *   spin      the same, and the reactor looks for work for a while before it sleeps
 *   reactors  two apps, each on a reactor of its own, serve the same port
 *   dispatch  the main thread drains the queue by dispatch
 *   handle    the same, but it waits in a poll of its own for the event handle
 *   pull      the main thread takes the events one by one */
#ifndef CHROMESOCK_HOST_H
#define CHROMESOCK_HOST_H

#include "bench.h"

#include <chromesock.h>
#include <poll.h>
#include <unistd.h>

enum { SPIN_US = 50 };

struct host {
    chromesock_app *app, *second; /* second: NULL but for `reactors` */
    const char *delivery;
    chromesock_callback on_event;
    pthread_t watcher;
};

static inline void check(chromesock_status status, const char *what)
{
    if (status != CHROMESOCK_OK) {
        const char *name = chromesock_status_name(status);
        fprintf(stderr, "%s: %s\n", what, name != NULL ? name : "unknown status");
        exit(1);
    }
}

/* For calls from callbacks: events that another thread's chromesock_app_close left in the queue still come. */
static inline void check_unless_closed(chromesock_status status, const char *what)
{
    if (status != CHROMESOCK_CONTEXT_SHUT_DOWN) {
        check(status, what);
    }
}

static inline int is_delivery(const struct host *host, const char *name)
{
    return strcmp(host->delivery, name) == 0;
}

static inline int on_reactor(const struct host *host)
{
    return is_delivery(host, "reactor") || is_delivery(host, "spin") || is_delivery(host, "reactors");
}

static inline void host_open(struct host *host, const char *delivery, chromesock_callback on_event)
{
    chromesock_app_options options = {.size = sizeof options, .delivery = CHROMESOCK_DELIVERY_QUEUE};
    host->delivery = delivery;
    host->on_event = on_event;
    if (on_reactor(host)) {
        options.delivery = CHROMESOCK_DELIVERY_REACTOR;
    }
    if (is_delivery(host, "spin")) {
        options.busy_poll_us = SPIN_US;
    }
    if (is_delivery(host, "reactors")) {
        options.reuse_port = 1;
        check(chromesock_app_new(&options, &host->second), "chromesock_app_new");
    }
    check(chromesock_app_new(&options, &host->app), "chromesock_app_new");
}

static inline void tell_port_of(const chromesock_event *event)
{
    if (event->sockets_len != 1 || event->sockets[0].local_port == 0) {
        fprintf(stderr, "getInfo: %s\n", event->message != NULL ? event->message : "not bound");
        exit(1);
    }
    tell_port(event->sockets[0].local_port);
}

static inline void wait_for_end_of_input(void)
{
    char drained[256];
    while (read(STDIN_FILENO, drained, sizeof drained) > 0) {
    }
}

static inline void *close_at_end_of_input(void *app)
{
    wait_for_end_of_input();
    (void)chromesock_app_close((chromesock_app *)app);
    return NULL;
}

/* A host with a loop of its own: it polls its own descriptors and the app's. */
static inline void host_poll(struct host *host)
{
    struct pollfd fds[2] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.events = POLLIN}};
    intptr_t handle;
    check(chromesock_app_event_handle(host->app, &handle), "event_handle");
    fds[1].fd = (int)handle;
    do {
        if (poll(fds, 2, -1) < 0) {
            die("poll");
        }
        check(chromesock_app_dispatch(host->app, 0, 0, NULL), "dispatch");
    } while (fds[0].revents == 0);
}

static inline chromesock_status host_dispatch(struct host *host)
{
    chromesock_status status;
    do {
        status = chromesock_app_dispatch(host->app, 0, -1, NULL);
    } while (status == CHROMESOCK_OK);
    return status;
}

static inline chromesock_status host_pull(struct host *host)
{
    const chromesock_event *event;
    chromesock_status status;
    while ((status = chromesock_app_next_event(host->app, -1, &event)) == CHROMESOCK_OK) {
        host->on_event(host->app, event, event->user_data);
        chromesock_event_release(event);
    }
    return status;
}

static inline void host_run(struct host *host)
{
    if (on_reactor(host)) {
        wait_for_end_of_input();
    } else if (is_delivery(host, "handle")) {
        host_poll(host);
    } else {
        if (pthread_create(&host->watcher, NULL, close_at_end_of_input, host->app) != 0) {
            die("thread");
        }
        chromesock_status status = is_delivery(host, "pull") ? host_pull(host) : host_dispatch(host);
        if (status != CHROMESOCK_CONTEXT_SHUT_DOWN) {
            check(status, "taking events");
        }
        pthread_join(host->watcher, NULL);
    }
    chromesock_app_free(host->app);
    chromesock_app_free(host->second);
}

#endif
