/* smtp_starttls: greets a mail server, secures the connection with STARTTLS, greets it again and leaves.
 * Prints what both say: "S: " from the server, "C: " from here.
 *
 * Shows: TLS on a connection that began in plain text. It is paused BEFORE the command that asks for TLS
 * is sent: the read in flight still brings the server's answer, and no other read begins, which is what
 * sockets.tcp.secure needs. An answer that comes in pieces takes one more read for each: unpaused and paused
 * again by two calls that are held, so that the library's thread cannot read in between. What a server said
 * before TLS counts for nothing after it: it is asked for its abilities again.
 *
 * Ends with 0: done; 1: usage; 2: no connection, or it broke; 3: not SMTP, or without STARTTLS; 7: the
 * connection cannot be secured. */
#include "text.h"
#include "tls_words.h"

#include <chromesock.h>
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATIENCE_MS 60000 /* between two events */
#define MAX_REPLY 65536

enum ending { DONE = 0, USAGE = 1, NETWORK = 2, PROTOCOL = 3, INSECURE = 7 };

/* What is waited for: an answer of the server, or TLS. */
enum step { GREETING, HELLO, STARTTLS, TLS, HELLO_AGAIN, QUIT };

struct session {
    chromesock_app *app;
    int32_t socket_id;
    const char *peer;
    enum step step;
    char reply[MAX_REPLY]; /* lines that came and are not a whole reply yet */
    size_t reply_len;
};

static int complain(const struct session *session, enum ending ending, const char *why) {
    fprintf(stderr, "smtp_starttls: %s: %s\n", session->peer, why != NULL ? why : "unknown error");
    return ending;
}

/* -1: sent, go on. */
static int command(struct session *session, const char *line, enum step next) {
    char bytes[64];
    int len = snprintf(bytes, sizeof bytes, "%s\r\n", line);
    printf("C: %s\n", line);
    session->step = next;
    if (chrome_sockets_tcp_send(session->app, session->socket_id, (const uint8_t *)bytes, (size_t)len, NULL, NULL) !=
        CHROMESOCK_OK)
        return complain(session, NETWORK, "cannot send");
    return -1;
}

static void pause_socket(struct session *session, bool paused) {
    (void)chrome_sockets_tcp_set_paused(session->app, session->socket_id, paused, NULL, NULL);
}

/* Of a paused socket. */
static void read_once_more(struct session *session) {
    (void)chromesock_app_hold_calls(session->app, true);
    pause_socket(session, false);
    pause_socket(session, true);
    (void)chromesock_app_hold_calls(session->app, false);
}

/* Length of the reply at the start of what came, its lines printed: 0 = there is more to come. The line
 * that ends it has no "-" after the code. */
static size_t whole_reply(const struct session *session) {
    for (size_t start = 0;;) {
        const char *line = session->reply + start;
        const char *end = memchr(line, '\n', session->reply_len - start);
        if (end == NULL)
            return 0;
        start = (size_t)(end - session->reply) + 1;
        if (end - line < 4 || line[3] != '-')
            return start;
    }
}

static void print_reply(const char *reply, size_t len) {
    const char *end;
    for (const char *line = reply; line < reply + len; line = end + 1) {
        end = memchr(line, '\n', (size_t)(reply + len - line));
        printf("S: ");
        for (const char *c = line; c < end; c++) /* nothing that could steer a terminal */
            if (*c != '\r')
                putchar(isprint((unsigned char)*c) ? *c : '?');
        putchar('\n');
    }
}

static bool has_word(const char *reply, size_t len, const char *word) {
    size_t word_len = strlen(word);
    for (size_t i = 4; i + word_len < len; i++)
        if (memcmp(reply + i, word, word_len) == 0 && (reply[i - 1] == '-' || reply[i - 1] == ' ') &&
            (reply[i + word_len] == '\r' || reply[i + word_len] == '\n'))
            return true;
    return false;
}

/* A whole reply has come, `len` bytes, and nothing after it. -1: go on. */
static int on_reply(struct session *session, size_t len) {
    static const char *const expected[] = {[GREETING] = "220", [HELLO] = "250", [STARTTLS] = "220",
                                           [HELLO_AGAIN] = "250", [QUIT] = "221"};
    print_reply(session->reply, len);
    if (len < 3 || memcmp(session->reply, expected[session->step], 3) != 0)
        return complain(session, PROTOCOL, "this is not the answer that was hoped for");
    session->reply_len = 0;
    switch (session->step) {
    case GREETING:
        return command(session, "EHLO client.invalid", HELLO);
    case HELLO:
        if (!has_word(session->reply, len, "STARTTLS"))
            return complain(session, PROTOCOL, "the server does not offer STARTTLS");
        pause_socket(session, true);
        return command(session, "STARTTLS", STARTTLS);
    case STARTTLS:
        session->step = TLS;
        if (chrome_sockets_tcp_secure(session->app, session->socket_id, NULL, NULL, NULL) != CHROMESOCK_OK)
            return complain(session, NETWORK, "cannot ask for TLS");
        return -1;
    case HELLO_AGAIN:
        return command(session, "QUIT", QUIT);
    default:
        return DONE;
    }
}

static int on_receive(struct session *session, const uint8_t *bytes, size_t len) {
    if (session->step == TLS)
        return complain(session, PROTOCOL, "the server says more than it was asked for");
    if (len > sizeof session->reply - session->reply_len)
        return complain(session, PROTOCOL, "the answer is too long");
    memcpy(session->reply + session->reply_len, bytes, len);
    session->reply_len += len;
    size_t reply_len = whole_reply(session);
    if (reply_len == 0) {
        if (session->step == STARTTLS)
            read_once_more(session);
        return -1;
    }
    /* Nothing was asked for yet that could be answered; before TLS it is a known attack. */
    if (reply_len != session->reply_len)
        return complain(session, PROTOCOL, "the server says more than it was asked for");
    return on_reply(session, reply_len);
}

/* -1: go on. */
static int on_event(struct session *session, const chromesock_event *event) {
    switch (event->type) {
    case CHROME_SOCKETS_TCP_CONNECT:
        return event->message != NULL ? complain(session, NETWORK, event->message) : -1;
    case CHROME_SOCKETS_TCP_ON_RECEIVE:
        return on_receive(session, event->data, event->data_len);
    case CHROME_SOCKETS_TCP_ON_RECEIVE_ERROR:
        return complain(session, NETWORK, chromesock_status_text(event->result));
    case CHROME_SOCKETS_TCP_SECURE:
        if (event->message != NULL) {
            tls_print_failure("smtp_starttls", session->peer, event);
            return INSECURE;
        }
        if (chromesock_app_get_tls_session(session->app, session->socket_id, NULL, NULL) != CHROMESOCK_OK)
            return complain(session, NETWORK, "cannot ask what was agreed upon");
        pause_socket(session, false);
        return -1;
    case CHROMESOCK_TLS_SESSION:
        if (event->tls_session == NULL)
            return complain(session, NETWORK, event->message);
        printf("-- secured: %s, %s, %s, for \"%s\"\n", event->tls_session->version, event->tls_session->cipher_suite,
               event->tls_session->key_exchange_group, event->tls_session->verified_name);
        return command(session, "EHLO client.invalid", HELLO_AGAIN);
    default:
        return -1;
    }
}

static int converse(struct session *session, const char *host, int port) {
    const chromesock_event *event;
    if (chrome_sockets_tcp_create(session->app, NULL, &session->socket_id, NULL, NULL) != CHROMESOCK_OK ||
        chrome_sockets_tcp_connect(session->app, session->socket_id, host, port, CHROME_SOCKETS_DNS_QUERY_TYPE_ANY,
                                   NULL, NULL) != CHROMESOCK_OK)
        return complain(session, NETWORK, "cannot connect");
    for (;;) {
        if (chromesock_app_next_event(session->app, PATIENCE_MS, &event) != CHROMESOCK_OK)
            return complain(session, NETWORK, "nothing came for a long time");
        int ending = on_event(session, event);
        chromesock_event_release(event);
        if (ending >= 0)
            return ending;
    }
}

int main(int argc, char **argv) {
    static struct session session;
    struct text roots = {0};
    int first = 1;
    if (argc == 5 && strcmp(argv[1], "--cacert") == 0)
        first = 3;
    char *end = NULL;
    long port = argc == first + 2 ? strtol(argv[first + 1], &end, 10) : 0;
    if (port < 1 || port > 65535 || *end != '\0') {
        fprintf(stderr, "usage: smtp_starttls [--cacert FILE] HOST PORT\n"
                        "--cacert: certificates in PEM that may vouch for servers, besides the web's authorities\n");
        return USAGE;
    }
    session.peer = argv[first];
    const char *wrong = first == 3 ? text_read_file(&roots, argv[2]) : NULL;
    if (wrong != NULL) {
        text_free(&roots);
        fprintf(stderr, "smtp_starttls: %s: %s\n", argv[2], wrong);
        return USAGE;
    }
    chromesock_app_options options = {0};
    options.size = sizeof options;
    options.extra_roots_pem = roots.at;
    chromesock_status status = chromesock_app_new(&options, &session.app);
    text_free(&roots);
    if (status != CHROMESOCK_OK)
        return complain(&session, status == CHROMESOCK_INVALID_ARGUMENT ? USAGE : NETWORK,
                        chromesock_status_text(status));
    int ending = converse(&session, argv[first], (int)port);
    chromesock_app_free(session.app);
    return ending;
}
