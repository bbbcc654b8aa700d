/* discover: prints what announces itself on the local network: `discover [--seconds N]`.
 *
 * Asks by SSDP (UPnP devices) and by mDNS (printers, media players, …), each with one multicast question
 * from a port of the system's choice, asked again after a second, as datagrams get lost. Answers come
 * to that port. Beside it, a second socket for each protocol joins the group on the well-known port and
 * hears announcements that nobody asked for; where another program has that port, there are none.
 *
 * Shows: chrome.sockets.udp with multicast. The time-to-live is set before bind, groups are joined after it;
 * the interface is the one the system has chosen for multicast. The end comes by the timeout of
 * chromesock_app_dispatch: between datagrams the program sleeps. */
#define _POSIX_C_SOURCE 200809L
#include "dns_message.h"
#include "ssdp.h"

#include <chromesock.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SSDP_GROUP "239.255.255.250"
#define MDNS_GROUP "224.0.0.251"
#define SERVICE_TYPES "_services._dns-sd._udp.local"
enum { SSDP_PORT = 1900, MDNS_PORT = 5353, LINES_MOST = 4096, DATAGRAM_MOST = 65536 };

enum role { SSDP_ASKING, SSDP_LISTENING, MDNS_ASKING, MDNS_LISTENING, ROLES };
static int32_t sockets[ROLES];
static int questions_sent; /* for the exit code */

static long long now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool is_role(int32_t id, enum role asking) {
    return id == sockets[asking] || id == sockets[asking + 1];
}

/* ---- each line is printed once ---- */

static char *lines[LINES_MOST];
static size_t line_count;

static bool print_once(const char *format, const char *address, const char *one, const char *two) {
    char *line;
    int len = snprintf(NULL, 0, format, address, one, two);
    if (len < 0 || line_count == LINES_MOST || (line = malloc((size_t)len + 1)) == NULL)
        return false;
    snprintf(line, (size_t)len + 1, format, address, one, two);
    for (size_t i = 0; i < line_count; i++) {
        if (strcmp(lines[i], line) == 0) {
            free(line);
            return false;
        }
    }
    lines[line_count++] = line;
    puts(line);
    fflush(stdout);
    return true;
}

/* ---- asking ---- */

static void on_sent(chromesock_app *app, const chromesock_event *event, void *what) {
    (void)app;
    if (event->message != NULL)
        fprintf(stderr, "discover: %s: %s\n", (const char *)what, event->message);
    else
        questions_sent++;
}

static void ask_mdns(chromesock_app *app, const char *name, uint16_t type) {
    uint8_t query[DNS_QUERY_MOST];
    size_t len = dns_write_query(query, 0, 0, name, type); /* the id means nothing in mDNS */
    if (len > 0)
        chrome_sockets_udp_send(app, sockets[MDNS_ASKING], query, len, MDNS_GROUP, MDNS_PORT,
                                CHROME_SOCKETS_DNS_QUERY_TYPE_ANY, on_sent, "mdns");
}

static void ask(chromesock_app *app) {
    static const char search[] = "M-SEARCH * HTTP/1.1\r\n"
                                 "HOST: " SSDP_GROUP ":1900\r\n"
                                 "MAN: \"ssdp:discover\"\r\n"
                                 "MX: 1\r\n" /* answers come spread over one second */
                                 "ST: ssdp:all\r\n\r\n";
    chrome_sockets_udp_send(app, sockets[SSDP_ASKING], (const uint8_t *)search, sizeof search - 1, SSDP_GROUP,
                            SSDP_PORT, CHROME_SOCKETS_DNS_QUERY_TYPE_ANY, on_sent, "ssdp");
    ask_mdns(app, SERVICE_TYPES, DNS_PTR);
}

/* ---- answers. What is printed of them has no control characters: names and values come escaped. ---- */

static void read_ssdp(const chromesock_event *event) {
    struct ssdp_message message;
    if (ssdp_read(event->data, event->data_len, &message))
        print_once("ssdp %s %s %s", event->address, message.name, message.location);
}

static void read_record(chromesock_app *app, const chromesock_event *event, const struct dns_reader *reader,
                        const struct dns_record *record) {
    char name[DNS_NAME_MOST], place[DNS_NAME_MOST + 16];
    size_t end = record->data_at + record->data_len, after;
    if (record->type == DNS_PTR && dns_name_at(reader, record->data_at, name, &after) && after == end) {
        bool type = dns_same_name(record->name, SERVICE_TYPES);
        /* What a type is asked for are its services; what a service is asked for is its place. */
        if (print_once(type ? "mdns %s type %s" : "mdns %s service %s", event->address, name, ""))
            ask_mdns(app, name, type ? DNS_PTR : DNS_SRV);
    } else if (record->type == DNS_SRV && record->data_len > 6 &&
               dns_name_at(reader, record->data_at + 6, name, &after) && after == end) {
        const uint8_t *port = reader->bytes + record->data_at + 4;
        snprintf(place, sizeof place, "%s port %d", name, port[0] << 8 | port[1]);
        print_once("mdns %s place %s is %s", event->address, record->name, place);
    }
}

static void read_mdns(chromesock_app *app, const chromesock_event *event) {
    struct dns_reader reader = {event->data, event->data_len, 0};
    struct dns_header header;
    struct dns_question question;
    struct dns_record record;
    /* A true responder answers from the well-known port. */
    if (event->port != MDNS_PORT || !dns_read_header(&reader, &header) || (header.flags & DNS_RESPONSE) == 0)
        return;
    for (int i = 0; i < header.questions; i++)
        if (!dns_read_question(&reader, &question))
            return;
    for (int i = header.answers + header.authorities + header.additionals; i > 0; i--) {
        if (!dns_read_record(&reader, &record))
            return;
        if ((record.class & DNS_CLASS_MASK) == DNS_IN && record.ttl > 0) /* ttl 0: it says goodbye */
            read_record(app, event, &reader, &record);
    }
}

static void on_receive(chromesock_app *app, const chromesock_event *event, void *user_data) {
    (void)user_data;
    if (is_role(event->socket_id, SSDP_ASKING))
        read_ssdp(event);
    else if (is_role(event->socket_id, MDNS_ASKING))
        read_mdns(app, event);
}

/* ---- sockets ---- */

static void on_receive_error(chromesock_app *app, const chromesock_event *event, void *user_data) {
    (void)app;
    (void)user_data;
    fprintf(stderr, "discover: receive: %s\n", chromesock_status_text(event->result));
}

static void on_listening(chromesock_app *app, const chromesock_event *event, void *what) {
    (void)app;
    if (event->message != NULL)
        fprintf(stderr, "discover: %s announcements are not heard: %s\n", (const char *)what, event->message);
}

static void on_bound(chromesock_app *app, const chromesock_event *event, void *what) {
    if (event->message != NULL) {
        on_listening(app, event, what);
        return;
    }
    const char *group = event->socket_id == sockets[SSDP_LISTENING] ? SSDP_GROUP : MDNS_GROUP;
    chrome_sockets_udp_join_group(app, event->socket_id, group, on_listening, what);
}

static bool open_sockets(chromesock_app *app) {
    chrome_sockets_udp_properties properties = {
        .size = sizeof properties,
        .present = CHROME_SOCKETS_UDP_PROPERTIES_BUFFER_SIZE,
        .buffer_size = DATAGRAM_MOST, /* so that no datagram is too long and pauses the socket */
    };
    for (int i = 0; i < ROLES; i++)
        if (chrome_sockets_udp_create(app, &properties, &sockets[i], NULL, NULL) != CHROMESOCK_OK)
            return false;
    return chrome_sockets_udp_on_receive_add_listener(app, on_receive, NULL) == CHROMESOCK_OK &&
           chrome_sockets_udp_on_receive_error_add_listener(app, on_receive_error, NULL) == CHROMESOCK_OK &&
           /* UPnP says 2; mDNS 255, and its multicast address is one that no router passes on. */
           chrome_sockets_udp_set_multicast_time_to_live(app, sockets[SSDP_ASKING], 2, NULL, NULL) == CHROMESOCK_OK &&
           chrome_sockets_udp_set_multicast_time_to_live(app, sockets[MDNS_ASKING], 255, NULL, NULL) == CHROMESOCK_OK &&
           chrome_sockets_udp_bind(app, sockets[SSDP_ASKING], "0.0.0.0", 0, NULL, NULL) == CHROMESOCK_OK &&
           chrome_sockets_udp_bind(app, sockets[MDNS_ASKING], "0.0.0.0", 0, NULL, NULL) == CHROMESOCK_OK &&
           chrome_sockets_udp_bind(app, sockets[SSDP_LISTENING], "0.0.0.0", SSDP_PORT, on_bound, "ssdp") ==
               CHROMESOCK_OK &&
           chrome_sockets_udp_bind(app, sockets[MDNS_LISTENING], "0.0.0.0", MDNS_PORT, on_bound, "mdns") ==
               CHROMESOCK_OK;
}

static void dispatch_until(chromesock_app *app, long long end) {
    long long left;
    while ((left = end - now_ms()) > 0 && chromesock_app_dispatch(app, 0, (int32_t)left, NULL) == CHROMESOCK_OK)
        ; /* until the time is over */
}

int main(int argc, char **argv) {
    long seconds = 3;
    char *rest = NULL;
    if (argc == 3 && strcmp(argv[1], "--seconds") == 0 && *argv[2] >= '0' && *argv[2] <= '9')
        seconds = strtol(argv[2], &rest, 10);
    if (argc != 1 && (rest == NULL || *rest != '\0' || seconds < 1 || seconds > 86400)) {
        fprintf(stderr, "usage: discover [--seconds N]\n"
                        "Listens for N seconds, 3 if not said. Lines: ssdp ADDRESS NAME LOCATION,\n"
                        "mdns ADDRESS type|service|place NAME ...\n");
        return 2;
    }
    chromesock_app *app;
    if (chromesock_app_new(NULL, &app) != CHROMESOCK_OK)
        return 1;
    if (!open_sockets(app)) {
        fprintf(stderr, "discover: the library refused a call\n");
        chromesock_app_free(app);
        return 1;
    }
    long long start = now_ms();
    ask(app);
    dispatch_until(app, start + (seconds > 1 ? 1000 : 500));
    ask(app);
    dispatch_until(app, start + seconds * 1000);
    chromesock_app_free(app);
    while (line_count > 0)
        free(lines[--line_count]);
    return questions_sent > 0 ? 0 : 1; /* 1: there is no network to ask */
}
