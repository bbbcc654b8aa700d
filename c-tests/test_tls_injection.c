/* STARTTLS response injection (tcp.md TLS-28): whoever sits on the wire appends plain text to the
 * server's last plain answer. In five protocols, appended in the same segment, in a segment of its own
 * before secure, and after secure was called: not one byte of it is delivered once secure was called,
 * and the connection is not secured with it either. */
#include <unistd.h>

#include "calls_socket.h"
#include "tls_peer.h"

struct line {
    const char *client, *server;   /* NULL: the server speaks by itself */
};
static const struct flow {
    const char *name;
    struct line lines[4];          /* the last one asks for TLS */
    const char *injected;
} flows[] = {
    {"SMTP", {{NULL, "220 mail.test ESMTP\r\n"}, {"EHLO me\r\n", "250-mail.test\r\n250 STARTTLS\r\n"},
              {"STARTTLS\r\n", "220 go ahead\r\n"}},
     "250 AUTH PLAIN\r\n"},
    {"IMAP", {{NULL, "* OK IMAP4rev1\r\n"}, {"a STARTTLS\r\n", "a OK begin\r\n"}},
     "* PREAUTH welcome\r\nb OK LOGIN\r\n"},
    {"POP3", {{NULL, "+OK POP3\r\n"}, {"CAPA\r\n", "+OK\r\nSTLS\r\n.\r\n"}, {"STLS\r\n", "+OK begin\r\n"}},
     "+OK 1 message\r\n"},
    {"XMPP", {{"<stream:stream>", "<stream:features><starttls/></stream:features>"},
              {"<starttls/>", "<proceed/>"}},
     "<stream:features><mechanism>PLAIN</mechanism></stream:features>"},
    {"FTP", {{NULL, "220 FTP\r\n"}, {"AUTH TLS\r\n", "234 go ahead\r\n"}}, "230 logged in\r\n"},
};

enum when { SAME_SEGMENT, BEFORE_SECURE, AFTER_SECURE, WHENS };

static int is_last(const struct flow *flow, int n) {
    return flow->lines[n + 1].client == NULL && flow->lines[n + 1].server == NULL;
}

/* Events of data that stand behind this place. */
static void no_data_since(fx *f, size_t since, const char *what) {
    pthread_mutex_lock(&f->mutex);
    for (size_t n = since; n < f->len; n++)
        if (f->events[n]->type == CHROME_SOCKETS_TCP_ON_RECEIVE ||
            (f->events[n]->type == CHROME_SOCKET_READ && f->events[n]->len > 0))
            FAIL("%s: %zu plain bytes after secure was called", what, f->events[n]->len);
    pthread_mutex_unlock(&f->mutex);
}

static size_t recorded(fx *f) {
    size_t n;
    pthread_mutex_lock(&f->mutex);
    n = f->len;
    pthread_mutex_unlock(&f->mutex);
    return n;
}

/* The answer to the client's last words, with or without more. */
static void last_answer(int fd, const char *answer, const char *injected, enum when when) {
    char both[512];
    snprintf(both, sizeof both, "%s%s", answer, when == SAME_SEGMENT ? injected : "");
    peer_text(fd, both);
}

/* A plain server with the attacker's words, and a client that follows recipe 2 (TLS-11). bufferSize is
 * the length of the answer, so that the one leftover read takes the answer alone; or not given. */
static void injected(fx *f, const struct flow *flow, enum when when, int exact) {
    int fd, n = 0, last = 0;
    int32_t id = new_tcp(f);
    size_t since;
    uint16_t port;
    int listen_fd = peer_listen(&port);
    call *secure;
    while (!is_last(flow, last)) last++;
    if (exact) {
        chrome_sockets_tcp_properties props =
            tcp_props(CHROME_SOCKETS_TCP_PROPERTIES_BUFFER_SIZE, NULL,
                      (int32_t)strlen(flow->lines[last].server), 0);
        IS_OK(tcp_update(f, id, &props));
    }
    connect_to(f, id, listen_fd, &fd);
    close(listen_fd);
    for (;; n++) {
        const struct line *line = &flow->lines[n];
        if (n == last) IS_OK(tcp_set_paused(f, id, 1));
        if (line->client) {
            IS_SENT(tcp_send(f, id, line->client, strlen(line->client)), strlen(line->client));
            peer_expect(fd, line->client);
        }
        if (n == last) break;
        peer_text(fd, line->server);
        receive(f, id, line->server);
    }
    last_answer(fd, flow->lines[n].server, flow->injected, when);
    if (exact) receive(f, id, flow->lines[n].server);
    else await_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE, id); /* before secure: still the program's */
    if (when == BEFORE_SECURE) {
        peer_text(fd, flow->injected);
        settle(f);
    }
    since = recorded(f);
    secure = tcp_secure(f, id);
    if (when == AFTER_SECURE) {
        CHECK(peer_readable(fd, (int)deadline_ms())); /* the ClientHello */
        peer_text(fd, flow->injected);
    }
    if (when == SAME_SEGMENT && !exact) {
        /* The program has got all of it, before; nothing is left to be mixed up. */
        tls_peer *p = tls_peer_new(fd, NULL);
        CHECK(tls_peer_handshake(p));
        IS_OK0(secure);
        no_data_since(f, since, flow->name);
        tls_peer_free(p);
        return;
    }
    SECURE_FAILED(secure, CHROMESOCK_SSL_PROTOCOL_ERROR);
    no_data_since(f, since, flow->name);
    close(fd);
}

static void every_flow(fx *f) {
    for (size_t n = 0; n < sizeof flows / sizeof flows[0]; n++)
        for (int when = 0; when < WHENS; when++)
            for (int exact = 0; exact < 2; exact++) injected(f, &flows[n], (enum when)when, exact);
}

/* The event with the plain bytes is already in the queue, and the program has not taken it when it
 * calls secure, from the callback of its send: it never gets it. Queue delivery only: a reactor's
 * callbacks leave nothing in a queue. */
static call *secure_from_callback;
static void secure_when_sent(fx *f, const chromesock_event *event) {
    if (event->type != CHROME_SOCKETS_TCP_SEND || secure_from_callback) return;
    secure_from_callback = tcp_secure(f, event->socket_id);
}

static void queued_but_not_taken(fx *f) {
    for (size_t n = 0; n < sizeof flows / sizeof flows[0]; n++) {
        int fd;
        int32_t id = connected(f, &fd);
        size_t since;
        long long end = now_ms() + deadline_ms();
        if (mode_is_reactor(f->mode)) {
            close(fd);
            return;
        }
        IS_OK(tcp_set_paused(f, id, 1));
        secure_from_callback = NULL;
        since = f->len;
        tcp_send(f, id, "STARTTLS\r\n", 10);
        peer_expect(fd, "STARTTLS\r\n");
        peer_text(fd, flows[n].injected);
        /* send's completion and the leftover read are queued; nobody has drained */
        while (fx_stats(f).undelivered_bytes < strlen(flows[n].injected))
            if (now_ms() > end) FAIL("deadline: the bytes are not queued");
        f->inside = secure_when_sent;
        wait_until(f, secure_from_callback != NULL);
        f->inside = NOTHING;
        tls_peer *p = tls_peer_new(fd, NULL);
        CHECK(tls_peer_handshake(p));
        IS_OK0(secure_from_callback);
        no_data_since(f, since, flows[n].name);
        CHECK_INT(fx_stats(f).undelivered_bytes, 0);
        IS_OK(tcp_set_paused(f, id, 0));
        tls_peer_text(p, "genuine");
        receive(f, id, "genuine");
        tls_peer_free(p);
    }
}

/* socket-legacy.md 7: what no read has asked for before secure is never read after it. */
static void legacy_injected(fx *f) {
    for (size_t n = 0; n < sizeof flows / sizeof flows[0]; n++)
        for (int when = 0; when < WHENS; when++) {
            int fd;
            int32_t id = sock_connected(f, &fd);
            const char *answer = flows[n].lines[1].server;
            call *secure;
            size_t since;
            last_answer(fd, answer, flows[n].injected, (enum when)when);
            for (size_t got = 0; got < strlen(answer);) { /* the program reads just its answer */
                const ev *e = await(sock_read(f, id, (int32_t)(strlen(answer) - got)));
                CHECK(e->result > 0);
                CHECK_MEM(e->data, e->len, answer + got, (size_t)e->result);
                got += e->len;
            }
            if (when == BEFORE_SECURE) {
                peer_text(fd, flows[n].injected);
                settle(f);
            }
            since = recorded(f);
            secure = sock_secure(f, id);
            if (when == AFTER_SECURE) {
                CHECK(peer_readable(fd, (int)deadline_ms()));
                peer_text(fd, flows[n].injected);
            }
            SECURE_FAILED(secure, CHROMESOCK_SSL_PROTOCOL_ERROR);
            no_data_since(f, since, flows[n].name);
            close(fd);
        }
}

int main(int argc, char **argv) {
    chromesock_app_options o = tls_options();
    harness_init(argc, argv);
    RUN_ALL_MODES_WITH(every_flow, &o);
    RUN_ALL_MODES_WITH(queued_but_not_taken, &o);
    RUN_ALL_MODES_WITH(legacy_injected, &o);
    return harness_finish();
}
