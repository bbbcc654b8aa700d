/* chromesock_app_options.freed_with_stream (header): a host that just closes its end of the stream leaves nothing
 * behind. What it held is seen to go: the connection, descriptors, the reactor's thread, the default handler; and
 * under a sanitizer all memory. */
#include <dirent.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

static atomic_int released;

static void count_release(void *user_data) {
    (void)user_data;
    atomic_fetch_add(&released, 1);
}

static int close_in_callback = -1;

static void handler(chromesock_app *app, const chromesock_event *event, void *user_data) {
    (void)app;
    (void)event;
    (void)user_data;
    if (close_in_callback >= 0) close(close_in_callback);
    close_in_callback = -1;
}

static int count_threads(void) {
    DIR *tasks = opendir("/proc/self/task");
    int n = -2; /* . and .. */
    CHECK(tasks != NULL);
    while (readdir(tasks) != NULL) n++;
    closedir(tasks);
    return n;
}

typedef struct host {
    chromesock_app *app;
    int stream, peer, listener;
    int fds, threads;
    int32_t id;
} host;

static int stream_of(chromesock_app *app) {
    intptr_t stream = -1;
    CHECK_INT(chromesock_app_event_stream(app, &stream), CHROMESOCK_OK);
    return (int)stream;
}

static void await_type(chromesock_app *app, uint32_t type) {
    const chromesock_event *event;
    uint32_t found;
    do {
        CHECK_INT(chromesock_app_next_event(app, (int32_t)deadline_ms(), &event), CHROMESOCK_OK);
        found = event->type;
        chromesock_event_release(event);
    } while (found != type);
}

/* An app with a connection, while data arrives. */
static host host_new(int option) {
    chromesock_app_options options;
    uint16_t port;
    host h;
    memset(&options, 0, sizeof options);
    options.size = sizeof options;
    options.freed_with_stream = (chromesock_bool)option;
    released = 0;
    h.fds = count_fds();
    h.threads = count_threads();
    h.listener = peer_listen(&port);
    CHECK_INT(chromesock_app_new(&options, &h.app), CHROMESOCK_OK);
    CHECK_INT(chromesock_app_set_default_handler(h.app, handler, NULL, count_release), CHROMESOCK_OK);
    h.stream = stream_of(h.app);
    CHECK_INT(chrome_sockets_tcp_create(h.app, NULL, &h.id, NULL, NULL), CHROMESOCK_OK);
    CHECK_INT(chrome_sockets_tcp_connect(h.app, h.id, "127.0.0.1", port, 0, NULL, NULL), CHROMESOCK_OK);
    h.peer = peer_accept(h.listener);
    await_type(h.app, CHROME_SOCKETS_TCP_CONNECT);
    CHECK_INT(chrome_sockets_tcp_send(h.app, h.id, (const uint8_t *)"here", 4, NULL, NULL), CHROMESOCK_OK);
    peer_expect(h.peer, "here");
    peer_text(h.peer, "what nobody takes");
    return h;
}

static void everything_is_gone(host *h) {
    peer_wait_end(h->peer);
    close(h->peer);
    close(h->listener);
    wait_idly(released == 1 && count_fds() == h->fds && count_threads() == h->threads);
}

static void the_app_works(host *h) {
    CHECK_INT(chrome_sockets_tcp_send(h->app, h->id, (const uint8_t *)"still", 5, NULL, NULL), CHROMESOCK_OK);
    peer_expect(h->peer, "still");
    CHECK_INT(released, 0);
}

static void in_traffic(void) {
    host h = host_new(1);
    close(h.stream);
    everything_is_gone(&h);
}

static void with_calls_held(void) {
    host h = host_new(1);
    CHECK_INT(chromesock_app_hold_calls(h.app, 1), CHROMESOCK_OK);
    CHECK_INT(chrome_sockets_tcp_set_paused(h.app, h.id, 0, NULL, NULL), CHROMESOCK_OK);
    CHECK_INT(chrome_sockets_tcp_get_sockets(h.app, NULL, NULL), CHROMESOCK_OK);
    close(h.stream);
    everything_is_gone(&h);
}

static void while_suspended(void) {
    host h = host_new(1);
    CHECK_INT(chromesock_app_suspend(h.app), CHROMESOCK_OK);
    close(h.stream);
    everything_is_gone(&h);
}

/* Closed, but its last event was never taken. */
static void after_close(void) {
    host h = host_new(1);
    CHECK_INT(chromesock_app_close(h.app), CHROMESOCK_OK);
    peer_wait_end(h.peer);
    close(h.stream);
    everything_is_gone(&h);
}

static void in_a_callback(void) {
    host h = host_new(1);
    int32_t ran = 0;
    close_in_callback = h.stream;
    while (ran == 0) {
        chromesock_status status = chromesock_app_dispatch(h.app, 0, (int32_t)deadline_ms(), &ran);
        /* The reactor may have heard of it by then. */
        CHECK(status == CHROMESOCK_OK || (ran > 0 && status == CHROMESOCK_CONTEXT_SHUT_DOWN));
    }
    everything_is_gone(&h);
}

static void in_its_place_another(void) {
    host h = host_new(1);
    int second = stream_of(h.app);
    close(h.stream);
    the_app_works(&h);
    close(second);
    everything_is_gone(&h);
}

/* The end of a stream is no end of the one in its place, also where a forked child has kept the library's side. */
static void in_its_place_another_and_a_child(void) {
    host h = host_new(1);
    int to_child[2], from_child[2], second, status;
    char byte;
    pid_t child;
    CHECK(pipe(to_child) == 0 && pipe(from_child) == 0);
    child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        close(to_child[1]); /* it ends with its parent */
        if (read(to_child[0], &byte, 1) != 1) _exit(1);
        close(h.stream);
        if (write(from_child[1], "", 1) != 1) _exit(1);
        _exit(read(to_child[0], &byte, 1) != 1);
    }
    second = stream_of(h.app);
    close(h.stream);
    the_app_works(&h);
    CHECK_INT(write(to_child[1], "", 1), 1);
    CHECK_INT(read(from_child[0], &byte, 1), 1);
    the_app_works(&h);
    the_app_works(&h);
    CHECK_INT(write(to_child[1], "", 1), 1);
    CHECK_INT(waitpid(child, &status, 0), child);
    CHECK_INT(status, 0);
    close(second);
    for (int n = 0; n < 2; n++) {
        close(to_child[n]);
        close(from_child[n]);
    }
    everything_is_gone(&h);
}

static void freed_first(void) {
    host h = host_new(1);
    chromesock_app_free(h.app);
    close(h.stream);
    everything_is_gone(&h);
}

/* Bytes from the host mean nothing. */
static void written_to(void) {
    host h = host_new(1);
    CHECK_INT(write(h.stream, "?", 1), 1);
    the_app_works(&h);
    close(h.stream);
    everything_is_gone(&h);
}

static void without_the_option(void) {
    host h = host_new(0);
    close(h.stream);
    the_app_works(&h);
    chromesock_app_free(h.app);
    everything_is_gone(&h);
}

/* Others on the same reactor notice nothing. */
static void beside_others(void) {
    chromesock_app_options options;
    chromesock_reactor *reactor;
    chromesock_app *apps[8];
    int streams[8];
    memset(&options, 0, sizeof options);
    options.size = sizeof options;
    options.freed_with_stream = 1;
    CHECK_INT(chromesock_reactor_new(&reactor), CHROMESOCK_OK);
    options.reactor = reactor;
    released = 0;
    for (int n = 0; n < 8; n++) {
        CHECK_INT(chromesock_app_new(&options, &apps[n]), CHROMESOCK_OK);
        CHECK_INT(chromesock_app_set_default_handler(apps[n], handler, NULL, count_release), CHROMESOCK_OK);
        streams[n] = stream_of(apps[n]);
    }
    for (int n = 0; n < 8; n += 2) close(streams[n]);
    wait_idly(released == 4);
    for (int n = 1; n < 8; n += 2) {
        int32_t ran;
        CHECK_INT(chrome_sockets_tcp_get_sockets(apps[n], NULL, NULL), CHROMESOCK_OK);
        CHECK_INT(chromesock_app_dispatch(apps[n], 0, (int32_t)deadline_ms(), &ran), CHROMESOCK_OK);
        CHECK_INT(ran, 1);
        chromesock_app_free(apps[n]);
        close(streams[n]);
    }
    CHECK_INT(released, 8);
    chromesock_reactor_free(reactor);
}

int main(int argc, char **argv) {
    harness_init(argc, argv);
    RUN(in_traffic);
    RUN(with_calls_held);
    RUN(while_suspended);
    RUN(after_close);
    RUN(in_a_callback);
    RUN(in_its_place_another);
    RUN(in_its_place_another_and_a_child);
    RUN(freed_first);
    RUN(written_to);
    RUN(without_the_option);
    RUN(beside_others);
    return harness_finish();
}
