/* The same server on libevent, with bufferevents as its documents advise. A send counts as completed when
 * the output buffer is empty, as libevent has no completion for each. */
#define _GNU_SOURCE
#include "foreign.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <event2/thread.h>
#include <signal.h>
#include <unistd.h>

struct connection {
    struct bufferevent *buffers;
    uint64_t count;
    uint64_t submitted; /* foreign: sends that went into the output buffer */
    uint64_t finished;
    int burst;          /* queued: a burst is on its way */
};

static enum mode mode;
static struct event_base *base;
static uint8_t block[BLOCK];
static struct foreign foreign;

static void drop(struct connection *c)
{
    if (mode == MODE_FOREIGN) {
        foreign_stop(&foreign);
    }
    bufferevent_free(c->buffers);
    free(c);
}

static void put(struct connection *c, const void *data, size_t len)
{
    if (bufferevent_write(c->buffers, data, len) != 0) {
        die("bufferevent_write");
    }
}

static void put_block(struct connection *c)
{
    if (evbuffer_add_reference(bufferevent_get_output(c->buffers), block, BLOCK, NULL, NULL) != 0) {
        die("evbuffer_add_reference");
    }
}

static void on_readable(struct bufferevent *buffers, void *user_data)
{
    struct connection *c = user_data;
    struct evbuffer *input = bufferevent_get_input(buffers);
    size_t n = evbuffer_get_length(input);
    if (mode == MODE_ECHO) {
        bufferevent_write_buffer(buffers, input);
        return;
    }
    evbuffer_drain(input, n);
    if (mode == MODE_QUEUED) {
        for (uint64_t i = 0; i < QUEUED; i++) {
            put(c, small_send(block, i), SMALL);
        }
        c->burst = 1;
        return;
    }
    for (uint64_t owed = acks_owed(&c->count, n); owed > 0; owed--) {
        put(c, "a", 1);
    }
}

/* The output buffer is empty: all that was put into it is done. */
static void on_written(struct bufferevent *buffers, void *user_data)
{
    struct connection *c = user_data;
    (void)buffers;
    if (mode == MODE_SOURCE) {
        put_block(c);
    } else if (mode == MODE_QUEUED && c->burst) {
        c->burst = 0;
        put(c, "d", 1);
    } else if (mode == MODE_FOREIGN) {
        uint64_t submitted = __atomic_load_n(&c->submitted, __ATOMIC_ACQUIRE);
        foreign_finish(&foreign, submitted - c->finished);
        c->finished = submitted;
    }
}

static void on_end(struct bufferevent *buffers, short what, void *user_data)
{
    (void)buffers;
    (void)what;
    drop(user_data);
}

/* The buffer's lock makes this safe on any thread. */
static void submit_foreign(void *target, uint64_t number)
{
    struct connection *c = target;
    bufferevent_lock(c->buffers);
    put(c, small_send(block, number), SMALL);
    __atomic_store_n(&c->submitted, number + 1, __ATOMIC_RELEASE);
    bufferevent_unlock(c->buffers);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *from, int len,
                      void *user_data)
{
    struct connection *c = calloc(1, sizeof *c);
    (void)listener;
    (void)from;
    (void)len;
    (void)user_data;
    if (c == NULL) {
        die("calloc");
    }
    int options = BEV_OPT_CLOSE_ON_FREE;
    if (mode == MODE_FOREIGN) { /* callbacks without the lock: they wait for the foreign thread */
        options |= BEV_OPT_THREADSAFE | BEV_OPT_DEFER_CALLBACKS | BEV_OPT_UNLOCK_CALLBACKS;
    }
    c->buffers = bufferevent_socket_new(base, fd, options);
    if (c->buffers == NULL) {
        die("bufferevent_socket_new");
    }
    bufferevent_setcb(c->buffers, on_readable, on_written, on_end, c);
    bufferevent_enable(c->buffers, EV_READ | EV_WRITE);
    if (mode == MODE_SOURCE) {
        put_block(c);
    } else if (mode == MODE_FOREIGN) {
        foreign_start(&foreign, submit_foreign, c);
    }
}

static void on_input(evutil_socket_t fd, short what, void *user_data)
{
    char drained[256];
    (void)what;
    (void)user_data;
    if (read(fd, drained, sizeof drained) <= 0) {
        event_base_loopbreak(base);
    }
}

int main(int argc, char **argv)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t len = sizeof at;
    if (argc != 2 || !parse_mode(argv[1], &mode)) {
        fprintf(stderr, "server_event echo|sink|source|queued|foreign\n");
        return 2;
    }
    raise_descriptor_limit();
    signal(SIGPIPE, SIG_IGN);
    fill_pattern(block);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (mode == MODE_FOREIGN && evthread_use_pthreads() != 0) { /* not before: the locks cost */
        die("evthread_use_pthreads");
    }
    base = event_base_new();
    if (base == NULL) {
        die("event_base_new");
    }
    struct evconnlistener *listener =
        evconnlistener_new_bind(base, on_accept, NULL, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, SOMAXCONN,
                                (struct sockaddr *)&at, sizeof at);
    struct event *input = event_new(base, STDIN_FILENO, EV_READ | EV_PERSIST, on_input, NULL);
    if (listener == NULL || input == NULL ||
        getsockname(evconnlistener_get_fd(listener), (struct sockaddr *)&at, &len) != 0) {
        die("listen");
    }
    set_listener_options(evconnlistener_get_fd(listener));
    event_add(input, NULL);
    tell_port(ntohs(at.sin_port));
    return event_base_dispatch(base) < 0;
}
