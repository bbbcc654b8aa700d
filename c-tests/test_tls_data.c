/* Bytes over a secured socket (tcp.md 4, 5, 7.6): sizes around the edges of records, small buffers of
 * the kernel, slices, pauses with decrypted bytes left over, new keys in the middle of it. */
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "calls_socket.h"
#include "tls_peer.h"

enum { RECORD = 16384, BLOCK = 65536, MOST = 256 << 10 };
static unsigned char block[MOST + 251];   /* bytes that tell their place, modulo a prime */

static void fill_block(void) {
    for (size_t n = 0; n < sizeof block; n++) block[n] = (unsigned char)(n % 251);
}

/* Takes `total` bytes of a stream of the pattern. */
static void receive_pattern(fx *f, int32_t id, size_t total, size_t limit) {
    for (size_t got = 0; got < total;) {
        const ev *e = await_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE, id);
        CHECK(e->len >= 1 && e->len <= limit); /* */
        CHECK_MEM(e->data, e->len, block + got % 251, e->len);
        got += e->len;
        CHECK(got <= total);
        if (f->len > 1024) fx_compact(f);
    }
}

/* The peer's side of bulk, on a thread of its own; it reads or writes the pattern in blocks. */
struct bulk {
    tls_peer *p;
    pthread_t thread;
    size_t total;
    int new_keys;          /* with every block */
    atomic_size_t done;
};

static void *bulk_send(void *arg) {
    struct bulk *b = arg;
    for (size_t at = 0; at < b->total;) {
        size_t len = b->total - at < BLOCK ? b->total - at : BLOCK;
        if (b->new_keys) tls_peer_key_update(b->p, at / BLOCK % 2 == 0);
        tls_peer_send(b->p, block + at % 251, len);
        at += len;
        atomic_store(&b->done, at);
    }
    OPENSSL_thread_stop();
    return NULL;
}

static void *bulk_read(void *arg) {
    static unsigned char got[BLOCK];
    struct bulk *b = arg;
    for (size_t at = 0; at < b->total;) {
        size_t len = b->total - at < BLOCK ? b->total - at : BLOCK;
        if (b->new_keys) tls_peer_key_update(b->p, at / BLOCK % 2 == 0);
        tls_peer_read(b->p, got, len);
        CHECK_MEM(got, len, block + at % 251, len);
        at += len;
        atomic_store(&b->done, at);
    }
    OPENSSL_thread_stop();
    return NULL;
}

static void bulk_start(struct bulk *b, tls_peer *p, size_t total, void *(*run)(void *)) {
    b->p = p;
    b->total = total;
    atomic_init(&b->done, 0);
    CHECK_INT(pthread_create(&b->thread, NULL, run, b), 0);
}

static void bulk_join(struct bulk *b) { CHECK_INT(pthread_join(b->thread, NULL), 0); }

static int32_t secured_unpaused(fx *f, int version, tls_peer **p) {
    tls_config config = {version, version, NULL, NULL, 0};
    int32_t id = tls_secured(f, &config, p);
    IS_OK(tcp_set_paused(f, id, 0));
    return id;
}

/* S-1, R-5: every size arrives whole, both ways; length 0 is a send of its own (S-5). */
static void many_sizes(fx *f) {
    static const size_t sizes[] = {1, 2, 255, RECORD - 1, RECORD, RECORD + 1, 2 * RECORD, 65535,
                                   65536, 65537, 4 * RECORD + 1, 100000, MOST};
    static unsigned char got[MOST];
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        tls_peer *p;
        int32_t id = secured_unpaused(f, version, &p);
        for (size_t n = 0; n < sizeof sizes / sizeof sizes[0]; n++) {
            call *empty = tcp_send(f, id, "", 0), *c = tcp_send(f, id, block, sizes[n]);
            tls_peer_read(p, got, sizes[n]);
            CHECK_MEM(got, sizes[n], block, sizes[n]);
            IS_SENT(empty, 0);
            IS_SENT(c, sizes[n]);
            tls_peer_send(p, block, sizes[n]);
            receive_bytes(f, id, block, sizes[n]);
        }
        tls_peer_free(p);
    }
}

/* S-4: sends of all sizes, never waiting for the one before, are one stream in call order. */
static void pipelined_sends(fx *f) {
    tls_peer *p;
    int32_t id = secured_unpaused(f, TLS1_3_VERSION, &p);
    struct bulk b = {.new_keys = 0};
    size_t total = 0;
    bulk_start(&b, p, 300 * 301 / 2 * 37, bulk_read);
    for (size_t n = 1; n <= 300; n++) {
        tcp_send(f, id, block + total % 251, n * 37);
        total += n * 37;
    }
    bulk_join(&b);
    IS_SENT(tcp_send(f, id, "", 0), 0);
    tls_peer_free(p);
}

/* Both ways through the smallest buffers a kernel gives for sending: a record never fits at once. */
static void small_kernel_buffers(fx *f) {
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        int is_long = f->mode == MODE_REACTOR && version == TLS1_3_VERSION && !SANITIZED;
        size_t total = (size_t)scaled(is_long ? 10 << 20 : 400000);
        tls_peer *p;
        int32_t id = secured_unpaused(f, version, &p);
        struct bulk b = {.new_keys = 0};
        /* Receiving is left alone: a window below one segment waits for TCP's clocks. */
        shrink_sending(library_end(p->fd));
        shrink_sending(p->fd);
        bulk_start(&b, p, total, bulk_read);
        for (size_t at = 0; at < total;) {
            size_t len = total - at < 100000 ? total - at : 100000;
            tcp_send(f, id, block + at % 251, len);
            at += len;
        }
        bulk_join(&b);
        fx_compact(f);
        bulk_start(&b, p, total, bulk_send);
        receive_pattern(f, id, total, 4096);
        bulk_join(&b);
        tls_peer_free(p);
    }
}

/* D16, R-1 to R-4: bufferSize is kept by secure and bounds each event, however long the records. */
static void slices(fx *f) {
    static const int32_t sizes[] = {1, 7, 1000, RECORD, 65536, 1 << 30};
    for (size_t n = 0; n < sizeof sizes / sizeof sizes[0]; n++) {
        chrome_sockets_tcp_properties props =
            tcp_props(CHROME_SOCKETS_TCP_PROPERTIES_BUFFER_SIZE, NULL, sizes[n], 0);
        tls_peer *p;
        int fd;
        int32_t id = connected_paused(f, &fd);
        call *c;
        IS_OK(tcp_update(f, id, &props));
        c = tcp_secure(f, id);
        p = tls_peer_new(fd, NULL);
        CHECK(tls_peer_handshake(p));
        IS_OK0(c);
        CHECK_INT(info_of(f, id)->buffer_size, sizes[n]);
        IS_OK(tcp_set_paused(f, id, 0));
        tls_peer_send(p, block, sizes[n] < 7 ? 500 : 50000);
        receive_pattern(f, id, sizes[n] < 7 ? 500 : 50000, (size_t)sizes[n]);
        tls_peer_free(p);
    }
}

/* PA-3, TLS-42: a pause with a read in flight delivers one event; what was decrypted with it waits,
 * and is neither lost nor doubled, also when the peer is gone by then. */
static void pause_with_leftovers(fx *f) {
    for (int ended = 0; ended < 3; ended++) {
        chrome_sockets_tcp_properties props =
            tcp_props(CHROME_SOCKETS_TCP_PROPERTIES_BUFFER_SIZE, NULL, 100, 0);
        tls_peer *p;
        int32_t id = tls_secured(f, NULL, &p);
        const ev *e;
        IS_OK(tcp_update(f, id, &props));
        IS_OK(tcp_set_paused(f, id, 0));
        IS_OK(tcp_set_paused(f, id, 1));
        tls_peer_send(p, block, RECORD);
        if (ended == 1) tls_peer_goodbye(p);
        if (ended) peer_half_close(p->fd);
        e = await_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE, id);
        CHECK_INT(e->len, 100);
        CHECK_MEM(e->data, e->len, block, 100);
        settle(f);
        no_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE, id);
        no_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE_ERROR, id); /* PA-6 */
        IS_OK(tcp_set_paused(f, id, 0));
        receive_bytes(f, id, block + 100, RECORD - 100);
        if (ended) receive_error(f, id, CHROMESOCK_CONNECTION_CLOSED);
        no_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE, id);
        tls_peer_free(p);
    }
}

/* D14: what was decrypted and not delivered goes with the connection. */
static void leftovers_end_with_the_socket(fx *f) {
    for (int closes = 0; closes < 2; closes++) {
        chrome_sockets_tcp_properties props =
            tcp_props(CHROME_SOCKETS_TCP_PROPERTIES_BUFFER_SIZE, NULL, 100, 0);
        tls_peer *p;
        int32_t id = tls_secured(f, NULL, &p);
        size_t until;
        IS_OK(tcp_update(f, id, &props));
        tcp_set_paused(f, id, 0);
        IS_OK(tcp_set_paused(f, id, 1));
        tls_peer_send(p, block, RECORD);
        await_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE, id);
        IS_OK(closes ? tcp_close(f, id) : tcp_disconnect(f, id));
        until = f->len;
        settle(f);
        for (size_t n = until; n < f->len; n++) CHECK(f->events[n]->id != id);
        CHECK_INT(tls_peer_wait_end(p), TLS_CLEAN);
        tls_peer_free(p);
    }
}

/* socket-legacy.md 4.6 rows 4 to 7 on a secured socket: reads of any size cut one record. */
static void legacy_reads(fx *f) {
    tls_peer *p;
    int32_t id = tls_sock_secured(f, NULL, &p);
    call *c;
    size_t at = 0;
    RESULT(sock_write(f, id, block, 70000), 70000);
    static unsigned char got[70000];
    tls_peer_read(p, got, sizeof got);
    CHECK_MEM(got, sizeof got, block, sizeof got);
    READ_FAILED(sock_read(f, id, 0), CHROMESOCK_INVALID_ARGUMENT);
    c = sock_read(f, id, 1);
    READ_FAILED(sock_read(f, id, 1), CHROMESOCK_IO_PENDING);
    tls_peer_send(p, block, RECORD + 5);
    tls_peer_goodbye(p);
    READ_BYTES(c, block, 1);
    for (at = 1; at < 300; at++) READ_BYTES(sock_read(f, id, 1), block + at, 1);
    while (at < RECORD + 5) {
        const ev *e = await(sock_read(f, id, 1000));
        CHECK(e->result > 0 && e->result <= 1000);
        CHECK_MEM(e->data, e->len, block + at, (size_t)e->result);
        at += e->len;
    }
    CHECK_INT(at, RECORD + 5);
    READ_BYTES(sock_read(f, id, 9), "", 0); /* row 7: the end in good order */
    READ_FAILED(sock_read(f, id, 9), CHROMESOCK_SOCKET_NOT_CONNECTED);
    SOCK_INFO(f, id, TCP, 0, 0);
    tls_peer_free(p);
}

/* New keys of the server, with and without asking for the client's, idle and in the middle of bulk. */
static void new_keys(fx *f) {
    size_t total = (size_t)scaled(2 << 20);
    tls_peer *p;
    int32_t id = secured_unpaused(f, TLS1_3_VERSION, &p);
    struct bulk b = {.new_keys = 1};
    for (int n = 0; n < 20; n++) {
        tls_peer_key_update(p, n % 2);
        if (n % 3 == 0) {
            tls_peer_text(p, "ping");
            receive(f, id, "ping");
        }
        if (n % 4 == 0) {
            IS_SENT(tcp_send(f, id, "pong", 4), 4);
            tls_peer_expect(p, "pong");
        }
    }
    for (int n = 0; n < 30; n++) tls_peer_key_update(p, 1); /* one answer is enough for all */
    tls_peer_text(p, "ping");
    receive(f, id, "ping");
    bulk_start(&b, p, total, bulk_send);
    receive_pattern(f, id, total, 4096);
    bulk_join(&b);
    bulk_start(&b, p, total, bulk_read);
    for (size_t at = 0; at < total;) {
        size_t len = total - at < 100000 ? total - at : 100000;
        tcp_send(f, id, block + at % 251, len);
        at += len;
    }
    bulk_join(&b);
    tls_peer_text(p, "the end");
    receive(f, id, "the end");
    tls_peer_free(p);
}

/* A server that asks for new keys again and again, and sends no data, loses its connection. */
static void flooded_with_new_keys(fx *f) {
    tls_peer *p;
    int32_t id = secured_unpaused(f, TLS1_3_VERSION, &p);
    p->holds = 1;
    for (int n = 0; n < 1000; n++) tls_peer_key_update(p, 1);
    tls_peer_release(p);
    receive_error(f, id, CHROMESOCK_SSL_PROTOCOL_ERROR);
    tls_peer_free(p);
}

/* The sender's buffer is full, and the library leaves bytes unread. */
static int sender_waits(int peer_fd) {
    struct pollfd room = {peer_fd, POLLOUT, 0};
    int unread = 0;
    CHECK_INT(ioctl(library_end(peer_fd), FIONREAD, &unread), 0);
    return unread > 0 && poll(&room, 1, 0) == 0;
}

enum { FLOOD = 24 << 20, UNDELIVERED_MOST = 1 << 20 /* of a socket, by default */ };

/* Secures a socket and floods it; `paused`: it stays paused. */
static int32_t flooded_socket(fx *f, int paused, struct bulk *b) {
    chrome_sockets_tcp_properties props =
        tcp_props(CHROME_SOCKETS_TCP_PROPERTIES_BUFFER_SIZE, NULL, 65536, 0);
    tls_peer *p;
    int32_t id = tls_secured(f, NULL, &p);
    IS_OK(tcp_update(f, id, &props));
    if (!paused) IS_OK(tcp_set_paused(f, id, 0));
    bulk_start(b, p, FLOOD, bulk_send);
    return id;
}

static void receive_flood(fx *f, int32_t id, struct bulk *b) {
    CHECK(atomic_load(&b->done) < FLOOD);
    receive_pattern(f, id, FLOOD, 65536);
    bulk_join(b);
    tls_peer_free(b->p);
}

/* PA-5: a server that floods a paused socket has to wait; nothing is lost. */
static void flooded_while_paused(fx *f) {
    struct bulk b = {.new_keys = 0};
    int32_t id = flooded_socket(f, 1, &b);
    wait_until(f, sender_waits(b.p->fd));
    settle(f);
    CHECK(sender_waits(b.p->fd));
    no_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE, id);
    IS_OK(tcp_set_paused(f, id, 0));
    receive_flood(f, id, &b);
}

/* so has one whose bytes the program does not take. */
static void flooded_and_not_taken(fx *f) {
    struct bulk b = {.new_keys = 0};
    int32_t id;
    if (mode_is_reactor(f->mode)) return; /* there, events are taken at once */
    id = flooded_socket(f, 0, &b);
    wait_idly(fx_stats(f).undelivered_bytes >= UNDELIVERED_MOST / 2);
    wait_idly(sender_waits(b.p->fd));
    CHECK(fx_stats(f).undelivered_bytes <= 2 * UNDELIVERED_MOST);
    receive_flood(f, id, &b);
}

int main(int argc, char **argv) {
    chromesock_app_options o = tls_options();
    harness_init(argc, argv);
    fill_block();
    RUN_ALL_MODES_WITH(many_sizes, &o);
    RUN_ALL_MODES_WITH(pipelined_sends, &o);
    RUN_ALL_MODES_WITH(small_kernel_buffers, &o);
    RUN_ALL_MODES_WITH(slices, &o);
    RUN_ALL_MODES_WITH(pause_with_leftovers, &o);
    RUN_ALL_MODES_WITH(leftovers_end_with_the_socket, &o);
    RUN_ALL_MODES_WITH(legacy_reads, &o);
    RUN_ALL_MODES_WITH(new_keys, &o);
    RUN_ALL_MODES_WITH(flooded_with_new_keys, &o);
    RUN_ALL_MODES_WITH(flooded_while_paused, &o);
    RUN_ALL_MODES_WITH(flooded_and_not_taken, &o);
    return harness_finish();
}
