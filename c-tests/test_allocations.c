/* A message costs no allocation, in any delivery: this program's own allocator counts while streams and datagrams of an
 * app go to and fro. Buffers and queues have grown to their size before, but for a few that may do so late. */
#include "harness.h"

#ifdef __GLIBC__

/* What the C library keeps for programs that replace its allocator. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static atomic_long allocations;

void *malloc(size_t size) {
    atomic_fetch_add(&allocations, 1);
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
    atomic_fetch_add(&allocations, 1);
    return __libc_calloc(count, size);
}

void *realloc(void *old, size_t size) {
    atomic_fetch_add(&allocations, 1);
    return __libc_realloc(old, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    atomic_fetch_add(&allocations, 1);
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **block, size_t alignment, size_t size) {
    atomic_fetch_add(&allocations, 1);
    *block = __libc_memalign(alignment, size);
    return *block == NULL;
}

enum { PAIRS = 8, DATAGRAMS = 6, WARM = 5000, COUNTED = 20000, LATE = COUNTED / 1000 };

static const uint8_t message[4096]; /* as much as one onReceive brings by default */

/* Messages that go to and fro between sockets of one app. */
static struct {
    int udp, asks;              /* whether sends have a callback */
    size_t size;
    int32_t ports[2], bound;    /* UDP: of both sockets */
    int32_t ids[2];
    atomic_long messages, completions;
    atomic_int ends;            /* the app is being freed, while its callbacks still run */
} talk;

static void completed(chromesock_app *app, const chromesock_event *event, void *user_data) {
    (void)app, (void)user_data;
    CHECK(event->result == 0 || talk.ends);
    atomic_fetch_add(&talk.completions, 1);
}

static void say(chromesock_app *app, int32_t id, const uint8_t *data, size_t len) {
    chromesock_callback callback = talk.asks ? completed : NULL;
    int32_t port = talk.ports[id == talk.ids[0]];
    chromesock_status status =
        talk.udp ? chrome_sockets_udp_send(app, id, data, len, "127.0.0.1", port, 0, callback, NULL)
                 : chrome_sockets_tcp_send(app, id, data, len, callback, NULL);
    if (status != CHROMESOCK_CONTEXT_SHUT_DOWN || !talk.ends) CHECK_INT(status, CHROMESOCK_OK);
}

static int32_t local_port(const chromesock_event *event) {
    CHECK_INT(event->sockets_len, 1);
    return event->sockets[0].local_port;
}

static void start_udp(chromesock_app *app, const chromesock_event *event) {
    talk.ports[event->socket_id == talk.ids[1]] = local_port(event);
    if (++talk.bound == 2) {
        for (int n = 0; n < DATAGRAMS; n++) say(app, talk.ids[0], message, talk.size);
    }
}

static void start_tcp(chromesock_app *app, const chromesock_event *event) {
    int32_t id, port = local_port(event);
    for (int n = 0; n < PAIRS; n++) {
        CHECK_INT(chrome_sockets_tcp_create(app, NULL, &id, NULL, NULL), CHROMESOCK_OK);
        CHECK_INT(chrome_sockets_tcp_connect(app, id, "127.0.0.1", port, 0, NULL, NULL), CHROMESOCK_OK);
    }
}

/* The default handler: all but completions of sends that ask. */
static void on_event(chromesock_app *app, const chromesock_event *event, void *user_data) {
    int32_t id = event->socket_id;
    (void)user_data;
    CHECK(event->result == 0 || talk.ends);
    switch (event->type) {
    case CHROME_SOCKETS_TCP_SERVER_LISTEN:
        CHECK_INT(chrome_sockets_tcp_server_get_info(app, id, NULL, NULL), CHROMESOCK_OK);
        break;
    case CHROME_SOCKETS_TCP_SERVER_GET_INFO: start_tcp(app, event); break;
    case CHROME_SOCKETS_TCP_SERVER_ON_ACCEPT:
        CHECK_INT(chrome_sockets_tcp_set_paused(app, event->client_socket_id, 0, NULL, NULL), CHROMESOCK_OK);
        break;
    case CHROME_SOCKETS_UDP_BIND: CHECK_INT(chrome_sockets_udp_get_info(app, id, NULL, NULL), CHROMESOCK_OK); break;
    case CHROME_SOCKETS_UDP_GET_INFO: start_udp(app, event); break;
    case CHROME_SOCKETS_TCP_CONNECT: say(app, id, message, talk.size); break;
    case CHROME_SOCKETS_TCP_ON_RECEIVE:
    case CHROME_SOCKETS_UDP_ON_RECEIVE:
        atomic_fetch_add(&talk.messages, 1);
        say(app, id, event->data, event->data_len);
        break;
    default: break;
    }
}

static chromesock_app *start(enum mode mode) {
    chromesock_app_options options = {.size = sizeof options,
                                      .delivery = mode_is_reactor(mode) ? CHROMESOCK_DELIVERY_REACTOR
                                                                        : CHROMESOCK_DELIVERY_QUEUE};
    chromesock_app *app;
    CHECK_INT(chromesock_app_new(&options, &app), CHROMESOCK_OK);
    CHECK_INT(chromesock_app_set_default_handler(app, on_event, NULL, NULL), CHROMESOCK_OK);
    if (talk.udp) {
        for (int n = 0; n < 2; n++) {
            CHECK_INT(chrome_sockets_udp_create(app, NULL, &talk.ids[n], NULL, NULL), CHROMESOCK_OK);
        }
        for (int n = 0; n < 2; n++) {
            CHECK_INT(chrome_sockets_udp_bind(app, talk.ids[n], "127.0.0.1", 0, NULL, NULL), CHROMESOCK_OK);
        }
    } else {
        CHECK_INT(chrome_sockets_tcp_server_create(app, NULL, &talk.ids[0], NULL, NULL), CHROMESOCK_OK);
        CHECK_INT(chrome_sockets_tcp_server_listen(app, talk.ids[0], "127.0.0.1", 0, NULL, NULL, NULL),
                  CHROMESOCK_OK);
    }
    return app;
}

static void take(chromesock_app *app, enum mode mode) {
    if (mode == MODE_PULL) {
        const chromesock_event *event;
        chromesock_status status = chromesock_app_next_event(app, 100, &event);
        if (status == CHROMESOCK_OK) {
            on_event(app, event, NULL);
            chromesock_event_release(event);
        } else {
            CHECK_INT(status, CHROMESOCK_TIMED_OUT);
        }
    } else if (mode == MODE_REACTOR) {
        poll(NULL, 0, 1);
    } else {
        CHECK_INT(chromesock_app_dispatch(app, 0, 100, NULL), CHROMESOCK_OK);
    }
}

static void wait_for(chromesock_app *app, enum mode mode, long messages) {
    long long end = now_ms() + deadline_ms();
    while (talk.messages < messages) {
        if (now_ms() > end) FAIL("deadline: %ld of %ld messages", (long)talk.messages, messages);
        take(app, mode);
    }
}

static void costs_none(int udp, size_t size) {
    static const enum mode modes[] = {MODE_DISPATCH, MODE_PULL, MODE_REACTOR};
    for (size_t n = 0; n < sizeof modes / sizeof modes[0]; n++) {
        /* Who pulls gets no callbacks. */
        for (int asks = 0; asks < (modes[n] == MODE_PULL ? 1 : 2); asks++) {
            chromesock_app *app;
            long counted;
            memset(&talk, 0, sizeof talk);
            talk.udp = udp;
            talk.size = size;
            talk.asks = asks;
            app = start(modes[n]);
            wait_for(app, modes[n], WARM);
            counted = allocations;
            wait_for(app, modes[n], WARM + COUNTED);
            counted = allocations - counted;
            if (counted > LATE) {
                FAIL("%s, %s: %ld allocations for %d messages of %zu bytes", mode_name(modes[n]),
                     asks ? "with callbacks" : "without", counted, COUNTED, size);
            }
            CHECK(!asks || talk.completions >= COUNTED);
            talk.ends = 1;
            chromesock_app_free(app);
        }
    }
}

static void a_stream_s_message_costs_none(void) {
    costs_none(0, 64);
    costs_none(0, sizeof message);
}

static void a_datagram_costs_none(void) {
    costs_none(1, 64);
    costs_none(1, sizeof message);
}

int main(int argc, char **argv) {
    harness_init(argc, argv);
    RUN(a_stream_s_message_costs_none);
    RUN(a_datagram_costs_none);
    return harness_finish();
}

#else

int main(void) {
    printf("skipped: the C library's allocator cannot be replaced by name\n");
    return 77;
}

#endif
