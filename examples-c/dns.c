/* dns: asks a DNS server: `dns [--server A[:PORT]] [--type A|AAAA|PTR|TXT|MX] NAME`.
 *
 * Shows: chrome.sockets.udp for question and answer. A datagram may be lost, so the question is asked again
 * after a while; the wait is chromesock_app_next_event's own timeout. An answer counts only if it comes from
 * the server that was asked and fits the question. One that was cut is asked for again over
 * chrome.sockets.tcp. */
#define _POSIX_C_SOURCE 200809L
#include "dns_message.h"

#include <arpa/inet.h>
#include <chromesock.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { FOUND = 0, FAILED = 1, USAGE = 2, NO_SUCH_NAME = 3, NO_RECORD = 4, NO_ANSWER = 5, REFUSED = 6, UNDECIDED = -1 };

static struct {
    char address[INET6_ADDRSTRLEN];
    long port, timeout_ms, tries;
    char name[DNS_NAME_MOST];
    uint16_t type;
} options = {.port = 53, .timeout_ms = 2000, .tries = 3, .type = DNS_A};

static uint8_t query[DNS_QUERY_MOST];
static size_t query_len;

static int complain(const char *what, const char *why) {
    fprintf(stderr, "dns: %s: %s\n", what, why);
    return FAILED;
}

static long long now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- what the answer says ---- */

static bool same_address(const char *one, const char *other) {
    uint8_t a[16], b[16];
    int family = strchr(one, ':') != NULL ? AF_INET6 : AF_INET;
    return inet_pton(family, one, a) == 1 && inet_pton(family, other, b) == 1 &&
           memcmp(a, b, family == AF_INET6 ? 16 : 4) == 0;
}

/* Is it the answer to our question, and not a late one or a forged one? */
static bool is_ours(struct dns_reader *reader, struct dns_header *header) {
    struct dns_question question;
    return dns_read_header(reader, header) && header->id == (query[0] << 8 | query[1]) &&
           (header->flags & DNS_RESPONSE) != 0 && header->questions == 1 && dns_read_question(reader, &question) &&
           question.type == options.type && question.class == DNS_IN && dns_same_name(question.name, options.name);
}

/* Prints the answer. UNDECIDED: this is none. */
static int read_answer(const uint8_t *bytes, size_t len, bool *cut) {
    struct dns_reader reader = {bytes, len, 0};
    struct dns_header header;
    struct dns_record record;
    if (!is_ours(&reader, &header))
        return UNDECIDED;
    if (cut != NULL && (header.flags & DNS_TRUNCATED) != 0) {
        *cut = true;
        return UNDECIDED;
    }
    int code = header.flags & DNS_RCODE_MASK;
    if (code == 3) {
        complain(options.name, "no such name");
        return NO_SUCH_NAME;
    }
    if (code != 0) {
        fprintf(stderr, "dns: the server refuses, code %d\n", code);
        return REFUSED;
    }
    int found = 0;
    for (int i = 0; i < header.answers; i++) {
        if (!dns_read_record(&reader, &record))
            return complain("answer", "broken");
        const char *type = dns_type_name(record.type);
        if (type != NULL)
            printf("%s %lu %s ", record.name, (unsigned long)record.ttl, type);
        else
            printf("%s %lu TYPE%u ", record.name, (unsigned long)record.ttl, record.type);
        if (!dns_print_data(stdout, &reader, &record))
            return complain("answer", "broken data");
        putchar('\n');
        found += record.type == options.type;
    }
    if (found == 0) {
        complain(options.name, "no record of this type");
        return NO_RECORD;
    }
    return FOUND;
}

/* ---- over UDP ---- */

static int on_udp_event(chromesock_app *app, const chromesock_event *event, bool *cut) {
    switch (event->type) {
    case CHROME_SOCKETS_UDP_ON_RECEIVE:
        if (event->port != options.port || !same_address(options.address, event->address))
            return UNDECIDED;
        return read_answer(event->data, event->data_len, cut);
    case CHROME_SOCKETS_UDP_ON_RECEIVE_ERROR: /* it has paused the socket */
        if (event->result != CHROMESOCK_MSG_TOO_BIG)
            return complain("receive", chromesock_status_text(event->result));
        /* Anybody can send too long a datagram; ours may still come. */
        chrome_sockets_udp_set_paused(app, event->socket_id, 0, NULL, NULL);
        return UNDECIDED;
    default:
        return event->message != NULL ? complain(chromesock_event_type_name(event->type), event->message) : UNDECIDED;
    }
}

static int ask_over_udp(chromesock_app *app, bool *cut) {
    const char *any = strchr(options.address, ':') != NULL ? "::" : "0.0.0.0";
    const chromesock_event *event;
    int32_t id;
    if (chrome_sockets_udp_create(app, NULL, &id, NULL, NULL) != CHROMESOCK_OK ||
        chrome_sockets_udp_bind(app, id, any, 0, NULL, NULL) != CHROMESOCK_OK)
        return complain("library", "a call was refused");
    for (long i = 0; i < options.tries; i++) {
        if (chrome_sockets_udp_send(app, id, query, query_len, options.address, (int32_t)options.port,
                                    CHROME_SOCKETS_DNS_QUERY_TYPE_ANY, NULL, NULL) != CHROMESOCK_OK)
            return complain("library", "a call was refused");
        long long left, end = now_ms() + options.timeout_ms;
        while ((left = end - now_ms()) > 0 &&
               chromesock_app_next_event(app, (int32_t)left, &event) == CHROMESOCK_OK) {
            int result = on_udp_event(app, event, cut);
            chromesock_event_release(event);
            if (result != UNDECIDED || *cut)
                return result;
        }
    }
    complain(options.address, "no answer");
    return NO_ANSWER;
}

/* ---- over TCP: each message comes after its length ---- */

static uint8_t stream[2 + 65535];
static size_t stream_len;

static int on_tcp_event(chromesock_app *app, const chromesock_event *event) {
    switch (event->type) {
    case CHROME_SOCKETS_TCP_ON_RECEIVE: {
        size_t len = event->data_len < sizeof stream - stream_len ? event->data_len : sizeof stream - stream_len;
        memcpy(stream + stream_len, event->data, len);
        stream_len += len;
        size_t whole = stream_len < 2 ? sizeof stream : 2 + (size_t)(stream[0] << 8 | stream[1]);
        if (stream_len < whole)
            return UNDECIDED;
        int result = read_answer(stream + 2, whole - 2, NULL);
        return result != UNDECIDED ? result : complain("answer", "to another question");
    }
    case CHROME_SOCKETS_TCP_ON_RECEIVE_ERROR:
        return complain("receive", chromesock_status_text(event->result));
    case CHROME_SOCKETS_TCP_CONNECT:
        if (event->message == NULL) {
            uint8_t framed[2 + DNS_QUERY_MOST] = {(uint8_t)(query_len >> 8), (uint8_t)query_len};
            memcpy(framed + 2, query, query_len);
            if (chrome_sockets_tcp_send(app, event->socket_id, framed, 2 + query_len, NULL, NULL) != CHROMESOCK_OK)
                return complain("library", "a call was refused");
            return UNDECIDED;
        }
        /* fall through */
    default:
        return event->message != NULL ? complain(chromesock_event_type_name(event->type), event->message) : UNDECIDED;
    }
}

static int ask_over_tcp(chromesock_app *app) {
    const chromesock_event *event;
    int32_t id;
    if (chrome_sockets_tcp_create(app, NULL, &id, NULL, NULL) != CHROMESOCK_OK ||
        chrome_sockets_tcp_connect(app, id, options.address, (int32_t)options.port, CHROME_SOCKETS_DNS_QUERY_TYPE_ANY,
                                   NULL, NULL) != CHROMESOCK_OK)
        return complain("library", "a call was refused");
    long long left, end = now_ms() + options.timeout_ms * options.tries;
    while ((left = end - now_ms()) > 0 && chromesock_app_next_event(app, (int32_t)left, &event) == CHROMESOCK_OK) {
        bool tcp = event->type >= CHROME_SOCKETS_TCP_CREATE && event->type < CHROME_SOCKETS_TCP_SERVER_CREATE;
        int result = tcp ? on_tcp_event(app, event) : UNDECIDED; /* not what is left of the UDP socket */
        chromesock_event_release(event);
        if (result != UNDECIDED)
            return result;
    }
    complain(options.address, "no answer over TCP");
    return NO_ANSWER;
}

/* ---- the command line ---- */

static bool number(const char *text, long least, long most, long *value) {
    char *end;
    if (*text < '0' || *text > '9')
        return false;
    *value = strtol(text, &end, 10);
    return *end == '\0' && *value >= least && *value <= most;
}

/* A, A:PORT or [A]:PORT, where A is an IP address. */
static bool read_server(const char *text) {
    uint8_t bytes[16];
    const char *end, *port = NULL;
    if (*text == '[') {
        end = strchr(++text, ']');
        if (end == NULL || (end[1] != ':' && end[1] != '\0'))
            return false;
        port = end[1] == ':' ? end + 2 : NULL;
    } else {
        end = strchr(text, ':');
        if (end != NULL && strchr(end + 1, ':') == NULL)
            port = end + 1;
        else
            end = text + strlen(text);
    }
    size_t len = (size_t)(end - text);
    if (len >= sizeof options.address)
        return false;
    memcpy(options.address, text, len);
    options.address[len] = '\0';
    return (port == NULL || number(port, 1, 65535, &options.port)) &&
           inet_pton(strchr(options.address, ':') != NULL ? AF_INET6 : AF_INET, options.address, bytes) == 1;
}

/* Without --server: the first one that the system uses. */
static void use_system_server(void) {
    char line[512], address[256];
    FILE *file = fopen("/etc/resolv.conf", "r");
    if (!read_server("127.0.0.1") || file == NULL)
        return;
    while (fgets(line, sizeof line, file) != NULL) {
        if (sscanf(line, " nameserver %255s", address) != 1)
            continue;
        if (strchr(address, '%') == NULL && read_server(address))
            break;
        read_server("127.0.0.1");
    }
    fclose(file);
}

/* The name under which the name of an address is found. */
static void reverse_address(const char *text) {
    uint8_t bytes[16];
    size_t at = 0;
    if (inet_pton(AF_INET, text, bytes) == 1) {
        snprintf(options.name, sizeof options.name, "%u.%u.%u.%u.in-addr.arpa", (unsigned)bytes[3], (unsigned)bytes[2],
                 (unsigned)bytes[1], (unsigned)bytes[0]);
    } else if (inet_pton(AF_INET6, text, bytes) == 1) {
        for (int i = 15; i >= 0; i--)
            at += (size_t)snprintf(options.name + at, sizeof options.name - at, "%x.%x.", bytes[i] & 15U,
                                   (unsigned)bytes[i] >> 4);
        snprintf(options.name + at, sizeof options.name - at, "ip6.arpa");
    }
}

static bool read_options(int argc, char **argv) {
    bool server = false;
    int i = 1;
    for (; i + 1 < argc && strncmp(argv[i], "--", 2) == 0; i += 2) {
        const char *value = argv[i + 1];
        bool is_server = strcmp(argv[i], "--server") == 0 && read_server(value);
        bool known = is_server ||
                     (strcmp(argv[i], "--type") == 0 && (options.type = dns_type_by_name(value)) != 0) ||
                     (strcmp(argv[i], "--timeout") == 0 && number(value, 1, 600000, &options.timeout_ms)) ||
                     (strcmp(argv[i], "--tries") == 0 && number(value, 1, 100, &options.tries));
        if (!known)
            return false;
        server |= is_server;
    }
    if (i + 1 != argc || strlen(argv[i]) >= sizeof options.name)
        return false;
    strcpy(options.name, argv[i]);
    if (options.type == DNS_PTR)
        reverse_address(argv[i]);
    if (!server)
        use_system_server();
    return true;
}

int main(int argc, char **argv) {
    uint16_t id = 0;
    struct dns_question question;
    chromesock_app *app;
    if (read_options(argc, argv)) {
        FILE *random = fopen("/dev/urandom", "rb"); /* an id that others cannot guess */
        if (random == NULL || fread(&id, sizeof id, 1, random) != 1)
            return complain("/dev/urandom", "cannot be read");
        fclose(random);
        query_len = dns_write_query(query, id, DNS_RECURSE, options.name, options.type);
    }
    if (query_len == 0) {
        fprintf(stderr, "usage: dns [--server A[:PORT]] [--type A|AAAA|PTR|TXT|MX|NS|CNAME|SRV]\n"
                        "           [--timeout MS] [--tries N] NAME\n"
                        "PTR takes an IP address, too. Exit codes: 0 found, 1 failed, 2 usage, 3 no such name,\n"
                        "4 no such record, 5 no answer, 6 refused by the server.\n");
        return USAGE;
    }
    /* The name as answers will have it: with no other escapes than needed. */
    struct dns_reader own = {query, query_len, 12};
    if (dns_read_question(&own, &question))
        strcpy(options.name, question.name);
    if (chromesock_app_new(NULL, &app) != CHROMESOCK_OK)
        return complain("library", "cannot start");
    bool cut = false;
    int result = ask_over_udp(app, &cut);
    if (cut)
        result = ask_over_tcp(app);
    chromesock_app_free(app);
    if (fflush(stdout) != 0 && result == FOUND)
        result = complain("standard output", "cannot be written");
    return result;
}
