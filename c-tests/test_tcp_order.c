/* Ordering guarantees across calls and sockets (tcp.md 6, G-20, G-21). */
#include <unistd.h>

#include "harness.h"

/* O-1: calls that complete at once are answered in call order, failures among them. */
static void immediate_answers_in_call_order(fx *f) {
    enum { N = 12 };
    call *c[N];
    int32_t a, server;
    chrome_sockets_tcp_properties p = tcp_props(CHROME_SOCKETS_TCP_PROPERTIES_NAME, "n", 0, 0);
    c[0] = tcp_create(f, NULL, &a);
    c[1] = server_create(f, NULL, &server);
    c[2] = tcp_update(f, a, &p);
    c[3] = tcp_set_paused(f, a, 1);
    c[4] = tcp_get_info(f, 999);
    c[5] = tcp_get_info(f, a);
    c[6] = tcp_get_sockets(f);
    c[7] = tcp_connect(f, 999, "127.0.0.1", 1);
    c[8] = tcp_disconnect(f, a);
    c[9] = server_get_sockets(f);
    c[10] = tcp_close(f, a);
    c[11] = tcp_get_info(f, a);
    for (int n = 0; n < N; n++) await(c[n]);
    for (int n = 1; n < N; n++)
        if (c[n]->done->seq < c[n - 1]->done->seq) FAIL("answer %d came before answer %d", n, n - 1);
    CHECK_INT(c[5]->done->info[0].paused, 1);
    CHECK_STR(c[5]->done->info[0].name, "n");
    CHECK_INT(c[6]->done->info_len, 1);
    CHECK_INT(c[9]->done->info_len, 1);
    IS_FAIL_TEXT(c[11], NOT_FOUND);
}

/* FIFO: a whole conversation may be pipelined before the first completion is looked at. */
static void a_pipelined_conversation(fx *f) {
    uint16_t port;
    int listen_fd = peer_listen(&port), peer;
    int32_t id;
    call *made = tcp_create(f, NULL, &id), *open = tcp_connect(f, id, "127.0.0.1", port), *sent;
    peer = peer_accept(listen_fd);
    IS_OK(made);
    IS_OK0(open);
    sent = tcp_send(f, id, "go", 2);
    peer_expect(peer, "go");
    peer_text(peer, "reply");
    receive(f, id, "reply");
    IS_SENT(sent, 2);
    CHECK(made->done->seq < open->done->seq && open->done->seq < sent->done->seq);
    close(peer);
    close(listen_fd);
}

/* O-4, R-9: the connect answer comes before the first event of the connection. */
static void connect_before_receive(fx *f) {
    uint16_t port;
    int listen_fd = peer_listen(&port);
    for (int n = 0; n < 30; n++) {
        int32_t id = new_tcp(f);
        call *c = tcp_connect(f, id, "127.0.0.1", port);
        int peer = peer_accept(listen_fd);
        const ev *e;
        peer_text(peer, "x");
        e = await_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE, id);
        CHECK(c->done != NULL);
        CHECK(c->done->seq < e->seq);
        IS_OK0(c);
        close_tcp(f, id, 1);
        close(peer);
    }
    close(listen_fd);
}

/* O-4 (D13), O-5: listen answer, then onAccept, then what the client does. */
static void listen_before_accept_before_client(fx *f) {
    for (int n = 0; n < 20; n++) {
        int32_t server = new_server(f), client;
        const chromesock_socket_info *i;
        call *l = server_listen(f, server, "127.0.0.1", 0);
        const ev *a, *r;
        int peer;
        IS_OK0(l);
        i = server_info_of(f, server);
        peer = peer_connect("127.0.0.1", (uint16_t)i->local_port);
        peer_text(peer, "x");
        a = await_event(f, CHROME_SOCKETS_TCP_SERVER_ON_ACCEPT, server);
        client = a->client;
        IS_OK(tcp_set_paused(f, client, 0));
        r = await_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE, client);
        CHECK(l->done->seq < a->seq && a->seq < r->seq);
        close_tcp(f, client, 1);
        IS_OK(server_close(f, server));
        close(peer);
    }
}

/* O-3, O-8: everything of the wire in order, then the end. */
static void data_before_the_end(fx *f) {
    static char data[300000];
    int peer;
    int32_t id = connected(f, &peer);
    size_t got = 0;
    const ev *e;
    for (size_t n = 0; n < sizeof data; n++) data[n] = (char)(n ^ (n >> 8));
    peer_send(peer, data, sizeof data);
    close(peer);
    while (got < sizeof data) {
        e = await_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE, id);
        CHECK_MEM(e->data, e->len, data + got, e->len);
        got += e->len;
    }
    receive_error(f, id, CHROMESOCK_CONNECTION_CLOSED);
    no_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE, id);
}

/* G-21: no completion inside the call: in reactor mode callbacks run on another thread, in queue
 * mode only inside dispatch or as pulled events. */
static void never_from_inside_the_call(fx *f) {
    call *c = tcp_get_sockets(f);
    if (!mode_is_reactor(f->mode)) {
        CHECK(c->done == NULL);
        for (int n = 0; n < 100; n++) {
            c = tcp_get_sockets(f);
            CHECK(c->done == NULL);
        }
    }
    IS_OK(c);
}

static pthread_t seen_thread;
static atomic_int seen;
static void note_thread(fx *f, const chromesock_event *event) {
    (void)f;
    (void)event;
    seen_thread = pthread_self();
    atomic_fetch_add(&seen, 1);
}

/* Which thread runs the callbacks (README "Delivery"). */
static void callbacks_run_where_promised(fx *f) {
    pthread_t first;
    atomic_store(&seen, 0);
    f->inside = note_thread;
    IS_OK(tcp_get_sockets(f));
    wait_until(f, atomic_load(&seen) == 1);
    first = seen_thread;
    CHECK_INT(pthread_equal(first, pthread_self()) != 0, !mode_is_reactor(f->mode));
    for (int n = 0; n < 10; n++) {
        IS_OK(tcp_get_sockets(f));
        wait_until(f, atomic_load(&seen) == n + 2);
        CHECK(pthread_equal(first, seen_thread));
    }
    f->inside = NOTHING;
}

static int32_t watched;
static uint32_t watched_type;
static _Atomic(call *) asked;
static void ask_info(fx *f, const chromesock_event *event) {
    if (event->type == watched_type && event->socket_id == watched && asked == NULL)
        asked = tcp_get_info(f, watched);
}
static int is_asked(fx *f, void *arg) {
    (void)f;
    (void)arg;
    return asked != NULL;
}

/* O-9: inside the onReceiveError callback getInfo already shows the new state. */
static void state_before_the_error_event(fx *f) {
    int peer;
    watched = connected(f, &peer);
    watched_type = CHROME_SOCKETS_TCP_ON_RECEIVE_ERROR;
    asked = NULL;
    f->inside = ask_info;
    close(peer);
    receive_error(f, watched, CHROMESOCK_CONNECTION_CLOSED);
    fx_wait(f, is_asked, NULL);
    IS_OK(asked);
    f->inside = NOTHING;
    CHECK_INT(asked->done->info[0].connected, 0);
    CHECK_INT(asked->done->info[0].paused, 1);
}

int main(int argc, char **argv) {
    harness_init(argc, argv);
    RUN_ALL_MODES(immediate_answers_in_call_order);
    RUN_ALL_MODES(a_pipelined_conversation);
    RUN_ALL_MODES(connect_before_receive);
    RUN_ALL_MODES(listen_before_accept_before_client);
    RUN_ALL_MODES(data_before_the_end);
    RUN_ALL_MODES(never_from_inside_the_call);
    RUN_ALL_MODES(callbacks_run_where_promised);
    RUN_ALL_MODES(state_before_the_error_event);
    return harness_finish();
}
