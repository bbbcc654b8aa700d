/* N connections at once on one app, both ends this library, in two processes: every connection carries
 * data, then all are idle and the user-space memory of each is taken, then every one carries data again
 * and is closed. Exit code 1 when bytes, counts, descriptors or open sockets are not what they must be,
 * or when memory grows from cycle to cycle. The last line of output is JSON. */
#define _GNU_SOURCE
#include "many_connections.h"

#include <getopt.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    DATA = 200,            /* bytes each connection sends and gets back */
    CONNECTING = 256,      /* connects under way at a time */
    GROWTH = 16 * 1024,    /* heap bytes a whole cycle may leave behind, and for each connection ... */
    GROWTH_EACH = 8,       /* ... less than the smallest block malloc gives */
    CYCLES_LEAST = 4,      /* and more while each of them leaves something behind, */
    CYCLES_MOST = 60       /* but no more than these */
};

struct connection {
    int32_t id;
    int got;
};

static struct {
    int port, wanted;                                     /* connections of this cycle */
    int started, connected, sent, answered, closed;       /* how many have come so far */
    uint8_t round;                                        /* differs from exchange to exchange */
    struct connection *all;
    int32_t *index_of;                                    /* by socket id */
    int32_t ids;
} client;

static uint8_t byte_of(int index, int position) {
    return (uint8_t)(index * 31 + position * 7 + client.round * 101);
}

static void on_client_sent(chromesock_app *a, const chromesock_event *event, void *user_data) {
    (void)a;
    (void)user_data;
    check_event(event, "send");
    if (event->bytes_sent != DATA) {
        fail("send reported %llu of %d bytes", (unsigned long long)event->bytes_sent, DATA);
    }
    pthread_mutex_lock(&lock);
    client.sent++;
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&lock);
}

static void send_data(chromesock_app *a, int index) {
    uint8_t data[DATA];
    for (int i = 0; i < DATA; i++) {
        data[i] = byte_of(index, i);
    }
    client.all[index].got = 0;
    check(chrome_sockets_tcp_send(a, client.all[index].id, data, DATA, on_client_sent, NULL), "send");
}

static void on_client_receive(chromesock_app *a, const chromesock_event *event, void *user_data) {
    (void)a;
    (void)user_data;
    pthread_mutex_lock(&lock);
    int index = event->socket_id < client.ids ? client.index_of[event->socket_id] : -1;
    if (index < 0 || client.all[index].id != event->socket_id) {
        fail("onReceive of socket %d, which is not open", (int)event->socket_id);
    }
    struct connection *c = &client.all[index];
    for (size_t i = 0; i < event->data_len; i++, c->got++) {
        if (c->got >= DATA || event->data[i] != byte_of(index, c->got)) {
            fail("wrong byte %d on connection %d", c->got, index);
        }
    }
    if (c->got == DATA) {
        client.answered++;
        pthread_cond_signal(&changed);
    }
    pthread_mutex_unlock(&lock);
}

static void on_client_error(chromesock_app *a, const chromesock_event *event, void *user_data) {
    (void)a;
    (void)user_data;
    /* tcp.md CL-2: the close of a reading socket raises -100 for the id that is gone. */
    pthread_mutex_lock(&lock);
    int index = event->socket_id < client.ids ? client.index_of[event->socket_id] : -1;
    if (event->result != CHROMESOCK_CONNECTION_CLOSED || index < 0 || client.all[index].id != 0) {
        fail("onReceiveError of socket %d: %d", (int)event->socket_id, (int)event->result);
    }
    pthread_mutex_unlock(&lock);
}

static void open_next(chromesock_app *a);

static void on_connect(chromesock_app *a, const chromesock_event *event, void *user_data) {
    int index = (int)(intptr_t)user_data;
    check_event(event, "connect");
    pthread_mutex_lock(&lock);
    client.connected++;
    send_data(a, index);
    open_next(a);
    pthread_mutex_unlock(&lock);
}

/* With the lock held. */
static void open_next(chromesock_app *a) {
    int32_t id = 0;
    if (client.started == client.wanted) {
        return;
    }
    int index = client.started++;
    check(chrome_sockets_tcp_create(a, NULL, &id, NULL, NULL), "create");
    if (id <= 0 || id >= client.ids || client.index_of[id] >= 0) {
        fail("create gave the id %d", (int)id);
    }
    client.index_of[id] = index;
    client.all[index].id = id;
    check(chrome_sockets_tcp_connect(a, id, "127.0.0.1", client.port, CHROME_SOCKETS_DNS_QUERY_TYPE_ANY, on_connect,
                                     (void *)(intptr_t)index),
          "connect");
}

static int all_answered(void) {
    return client.answered == client.wanted && client.sent == client.wanted;
}

static void on_client_closed(chromesock_app *a, const chromesock_event *event, void *user_data) {
    (void)a;
    (void)user_data;
    check_event(event, "close");
    pthread_mutex_lock(&lock);
    client.closed++;
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&lock);
}

static int all_closed(void) {
    return client.closed == client.wanted;
}

static void open_all(int wanted) {
    pthread_mutex_lock(&lock);
    client.wanted = wanted;
    client.started = client.connected = client.sent = client.answered = client.closed = 0;
    client.round++;
    for (int i = 0; i < CONNECTING; i++) {
        open_next(app);
    }
    pthread_mutex_unlock(&lock);
    await(all_answered, "an answer on every connection");
}

static void exchange_again(void) {
    pthread_mutex_lock(&lock);
    client.sent = client.answered = 0;
    client.round++;
    for (int i = 0; i < client.wanted; i++) {
        send_data(app, i);
    }
    pthread_mutex_unlock(&lock);
    await(all_answered, "a second answer on every connection");
}

static void close_all(void) {
    pthread_mutex_lock(&lock);
    for (int i = 0; i < client.wanted; i++) {
        int32_t id = client.all[i].id;
        client.all[i].id = 0;
        check(chrome_sockets_tcp_close(app, id, on_client_closed, NULL), "close");
    }
    pthread_mutex_unlock(&lock);
    await(all_closed, "every close");
}

struct pair {
    struct report client, server;
};

static struct pair take_both(int control, char order) {
    struct pair p;
    await_quiet();
    p.client = take_report();
    write_all(control, &order, 1);
    read_all(control, &p.server, sizeof p.server);
    return p;
}

static void check_same(const char *who, const char *what, int32_t start, int32_t end, int32_t difference) {
    if (end != start + difference) {
        fail("%s of the %s: %d at the start, now %d, should be %d", what, who, (int)start, (int)end,
             (int)(start + difference));
    }
}

static void check_pair(const struct pair *start, const struct pair *end, int32_t difference) {
    check_same("client", "descriptors", start->client.descriptors, end->client.descriptors, difference);
    check_same("client", "open sockets", start->client.sockets, end->client.sockets, difference);
    check_same("server", "descriptors", start->server.descriptors, end->server.descriptors, difference);
    check_same("server", "open sockets", start->server.sockets, end->server.sockets, difference);
}

static int64_t smaller(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* Made and touched before the first look at memory: they are this program's, not the library's. */
static void make_tables(int n) {
    client.ids = n * CYCLES_MOST + 16;
    client.all = malloc((size_t)n * sizeof *client.all);
    client.index_of = malloc((size_t)client.ids * sizeof *client.index_of);
    if (client.all == NULL || client.index_of == NULL) {
        fail("no memory");
    }
    memset(client.all, 0, (size_t)n * sizeof *client.all);
    memset(client.index_of, 0xff, (size_t)client.ids * sizeof *client.index_of);
}

/* What each of n idle connections holds. */
static void report(const struct pair *start, const struct pair *idle, int n) {
    long long heap[2] = {(idle->client.heap - start->client.heap) / n, (idle->server.heap - start->server.heap) / n};
    long long dirty[2] = {(idle->client.dirty - start->client.dirty) / n, (idle->server.dirty - start->server.dirty) / n};
    printf("idle connection, user space: heap %lld B at the client, %lld B at the server; "
           "dirty pages %lld B and %lld B\n",
           heap[0], heap[1], dirty[0], dirty[1]);
    printf("{\"connections\": %d, \"delivery\": \"%s\", \"client_heap\": %lld, \"server_heap\": %lld, "
           "\"client_dirty\": %lld, \"server_dirty\": %lld}\n",
           n, options.queue ? "queue" : "reactor", heap[0], heap[1], dirty[0], dirty[1]);
    if (options.limit > 0 && (heap[0] > options.limit || heap[1] > options.limit)) {
        fail("more than %ld bytes per idle connection", options.limit);
    }
}

static void run(int control) {
    int32_t before = count_descriptors();
    int n = options.connections;
    int64_t client_growth = INT64_MAX, server_growth = INT64_MAX, allowed = GROWTH + (int64_t)n * GROWTH_EACH;
    struct pair idle, last;
    memset(&idle, 0, sizeof idle);
    read_all(control, &client.port, sizeof client.port);
    make_tables(n);
    new_app();
    check(chrome_sockets_tcp_on_receive_add_listener(app, on_client_receive, NULL), "onReceive");
    check(chrome_sockets_tcp_on_receive_error_add_listener(app, on_client_error, NULL), "onReceiveError");
    /* One connection first, so that what is made once is there. */
    open_all(1);
    close_all();
    struct pair start = take_both(control, 'z');
    last = start;
    /* A leak grows in every cycle; queues keep the room that their longest burst took, in some of them. */
    for (int cycle = 1;
         cycle <= CYCLES_LEAST || (cycle <= CYCLES_MOST && (client_growth > allowed || server_growth > allowed)); cycle++) {
        open_all(n);
        struct pair open = take_both(control, 'm');
        check_pair(&start, &open, n);
        if (cycle == 1) {
            idle = open;
        }
        exchange_again();
        close_all();
        struct pair end = take_both(control, 'z');
        check_pair(&start, &end, 0);
        printf("cycle %d: %d connections, two exchanges each; heap left: client %+lld, server %+lld bytes\n", cycle, n,
               (long long)(end.client.heap - last.client.heap), (long long)(end.server.heap - last.server.heap));
        client_growth = smaller(client_growth, end.client.heap - last.client.heap);
        server_growth = smaller(server_growth, end.server.heap - last.server.heap);
        last = end;
    }
    write_all(control, "q", 1);
    chromesock_app_free(app);
    if (count_descriptors() != before) {
        fail("%d descriptors before app_new, %d after app_free", (int)before, (int)count_descriptors());
    }
    if (client_growth > allowed || server_growth > allowed) {
        fail("every cycle leaves memory behind: client %lld, server %lld bytes", (long long)client_growth,
             (long long)server_growth);
    }
    report(&start, &idle, n);
}

static void usage(void) {
    fprintf(stderr, "many_connections [--connections N] [--delivery reactor|queue] [--limit BYTES]\n");
    exit(2);
}

static void read_options(int argc, char **argv) {
    static const struct option known[] = {{"connections", required_argument, NULL, 'n'},
                                          {"delivery", required_argument, NULL, 'd'},
                                          {"limit", required_argument, NULL, 'l'},
                                          {NULL, 0, NULL, 0}};
    int o;
    while ((o = getopt_long(argc, argv, "", known, NULL)) != -1) {
        switch (o) {
        case 'n': options.connections = atoi(optarg); break;
        case 'd':
            options.queue = strcmp(optarg, "queue") == 0;
            if (!options.queue && strcmp(optarg, "reactor") != 0) {
                usage();
            }
            break;
        case 'l': options.limit = atol(optarg); break;
        default: usage();
        }
    }
    if (options.connections < 1 || optind != argc) {
        usage();
    }
}

int main(int argc, char **argv) {
    int control[2], status = 0;
    read_options(argc, argv);
    raise_descriptor_limit();
    /* Each side by itself; nothing of the library has been called yet, so the child may use it. */
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, control) != 0) {
        die("socketpair");
    }
    pid_t child = fork();
    if (child < 0) {
        die("fork");
    }
    if (child == 0) {
        close(control[0]);
        serve(control[1]);
        return 0;
    }
    close(control[1]);
    run(control[0]);
    if (waitpid(child, &status, 0) != child || status != 0) {
        fail("the server process ended with status %d", status);
    }
    return 0;
}
