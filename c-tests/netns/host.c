/* The library as a machine of the network tests has it: carries out calls that come on standard input, and
 * prints every event on standard output, a line of JSON each. The tests themselves are in test_netns.py:
 * a check needs several machines and what is on the wire between them, so it is made in their middle.
 *
 * A call is "TAG NAME ARGUMENT...". TAG is a number above 0 and comes back with the completion; data are
 * hexadecimal digits, or "-" for none. It ends with standard input. */
#define _POSIX_C_SOURCE 200809L
#include <chromesock.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ARGUMENTS = 6, LINE_MOST = 200000 };

static chromesock_app *app;
static char *arguments[ARGUMENTS];
static void *tag;

_Noreturn static void die(const char *what, const char *why)
{
    fprintf(stderr, "host: %s: %s\n", what, why);
    exit(1);
}

/* ---- events ---- */

static void print_text(const char *name, const char *text)
{
    printf(", \"%s\": ", name);
    if (text == NULL) {
        fputs("null", stdout);
        return;
    }
    putchar('"');
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\' || (unsigned char)*text < ' ') {
            printf("\\u%04x", (unsigned char)*text);
        } else {
            putchar(*text);
        }
    }
    putchar('"');
}

static void print_data(const uint8_t *data, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    fputs(", \"data\": \"", stdout);
    for (size_t i = 0; i < len; i++) {
        putchar(digits[data[i] >> 4]);
        putchar(digits[data[i] & 15]);
    }
    putchar('"');
}

static void on_event(chromesock_app *unused, const chromesock_event *event, void *user_data)
{
    (void)unused;
    (void)user_data;
    const char *type = chromesock_event_type_name(event->type);
    printf("{\"tag\": %lu", (unsigned long)(uintptr_t)event->user_data);
    print_text("type", type != NULL ? type : "?");
    printf(", \"id\": %d, \"client\": %d", event->socket_id, event->client_socket_id);
    if (event->present & CHROMESOCK_EVENT_RESULT) {
        printf(", \"result\": %d", event->result);
    }
    print_text("message", event->message);
    print_text("address", event->address);
    printf(", \"port\": %d, \"sent\": %llu", event->port, (unsigned long long)event->bytes_sent);
    print_data(event->data, event->data_len);
    if (event->sockets_len == 1) {
        const chromesock_socket_info *info = event->sockets;
        printf(", \"paused\": %s, \"connected\": %s", info->paused ? "true" : "false",
               info->connected ? "true" : "false");
        print_text("local_address", info->local_address);
        printf(", \"local_port\": %d", info->local_port);
    }
    fputs(", \"groups\": [", stdout);
    for (size_t i = 0; i < event->texts_len; i++) {
        printf("%s\"%s\"", i > 0 ? ", " : "", event->texts[i]);
    }
    fputs("], \"networks\": [", stdout);
    for (size_t i = 0; i < event->interfaces_len; i++) {
        const chrome_socket_network_interface *network = &event->interfaces[i];
        printf("%s[\"%s\", \"%s\", %d]", i > 0 ? ", " : "", network->name, network->address, network->prefix_length);
    }
    puts("]}");
    fflush(stdout);
}

/* ---- calls ---- */

static int32_t number(int i)
{
    char *end;
    long value = arguments[i] != NULL ? strtol(arguments[i], &end, 10) : 0;
    if (arguments[i] == NULL || *end != '\0') {
        die("no number", arguments[i] != NULL ? arguments[i] : "missing");
    }
    return (int32_t)value;
}

static const char *text(int i)
{
    if (arguments[i] == NULL) {
        die("argument", "missing");
    }
    return arguments[i];
}

static size_t data_len;

static const uint8_t *data(int i)
{
    static uint8_t bytes[LINE_MOST / 2];
    const char *digits = text(i);
    unsigned byte;
    data_len = 0;
    for (; digits[0] != '-' && digits[0] != '\0'; digits += 2) {
        if (sscanf(digits, "%2x", &byte) != 1) {
            die("no data", digits);
        }
        bytes[data_len++] = (uint8_t)byte;
    }
    return bytes;
}

/* The family asked for, if the call names one. */
static chrome_sockets_dns_query_type query_type(int i)
{
    if (arguments[i] == NULL || strcmp(arguments[i], "any") == 0) {
        return CHROME_SOCKETS_DNS_QUERY_TYPE_ANY;
    }
    return strcmp(arguments[i], "ipv4") == 0 ? CHROME_SOCKETS_DNS_QUERY_TYPE_IPV4 : CHROME_SOCKETS_DNS_QUERY_TYPE_IPV6;
}

#define ID number(0)
#define LAST NULL, tag

static chromesock_status udp_create(void)
{
    chrome_sockets_udp_properties properties = {.size = sizeof properties,
                                                .present = CHROME_SOCKETS_UDP_PROPERTIES_BUFFER_SIZE,
                                                .buffer_size = 65536};
    return chrome_sockets_udp_create(app, &properties, NULL, LAST);
}
static chromesock_status udp_bind(void) { return chrome_sockets_udp_bind(app, ID, text(1), number(2), LAST); }
static chromesock_status udp_send(void)
{
    const uint8_t *bytes = data(3);
    return chrome_sockets_udp_send(app, ID, bytes, data_len, text(1), number(2), query_type(4), LAST);
}
static chromesock_status udp_close(void) { return chrome_sockets_udp_close(app, ID, LAST); }
static chromesock_status udp_info(void) { return chrome_sockets_udp_get_info(app, ID, LAST); }
static chromesock_status udp_join(void) { return chrome_sockets_udp_join_group(app, ID, text(1), LAST); }
static chromesock_status udp_leave(void) { return chrome_sockets_udp_leave_group(app, ID, text(1), LAST); }
static chromesock_status udp_groups(void) { return chrome_sockets_udp_get_joined_groups(app, ID, LAST); }
static chromesock_status udp_ttl(void)
{
    return chrome_sockets_udp_set_multicast_time_to_live(app, ID, number(1), LAST);
}
static chromesock_status udp_loopback(void)
{
    return chrome_sockets_udp_set_multicast_loopback_mode(app, ID, number(1) != 0, LAST);
}
static chromesock_status udp_broadcast(void)
{
    return chrome_sockets_udp_set_broadcast(app, ID, number(1) != 0, LAST);
}

static chromesock_status tcp_create(void) { return chrome_sockets_tcp_create(app, NULL, NULL, LAST); }
static chromesock_status tcp_connect(void)
{
    return chrome_sockets_tcp_connect(app, ID, text(1), number(2), query_type(3), LAST);
}
static chromesock_status tcp_close(void) { return chrome_sockets_tcp_close(app, ID, LAST); }
static chromesock_status tcp_disconnect(void) { return chrome_sockets_tcp_disconnect(app, ID, LAST); }
static chromesock_status tcp_info(void) { return chrome_sockets_tcp_get_info(app, ID, LAST); }
static chromesock_status tcp_send(void)
{
    const uint8_t *bytes = data(1);
    return chrome_sockets_tcp_send(app, ID, bytes, data_len, LAST);
}

static chromesock_status create(void)
{
    int32_t type = strcmp(text(0), "udp") == 0 ? CHROME_SOCKET_TYPE_UDP : CHROME_SOCKET_TYPE_TCP;
    return chrome_socket_create(app, type, NULL, LAST);
}
static chromesock_status destroy(void) { return chrome_socket_destroy(app, ID, LAST); }
static chromesock_status connect_to(void) { return chrome_socket_connect(app, ID, text(1), number(2), LAST); }
static chromesock_status bind_to(void) { return chrome_socket_bind(app, ID, text(1), number(2), LAST); }
static chromesock_status read_once(void) { return chrome_socket_read(app, ID, NULL, LAST); }
static chromesock_status write_all(void)
{
    const uint8_t *bytes = data(1);
    return chrome_socket_write(app, ID, bytes, data_len, LAST);
}
static chromesock_status recv_from(void) { return chrome_socket_recv_from(app, ID, NULL, LAST); }
static chromesock_status send_to(void)
{
    const uint8_t *bytes = data(3);
    return chrome_socket_send_to(app, ID, bytes, data_len, text(1), number(2), LAST);
}
static chromesock_status join(void) { return chrome_socket_join_group(app, ID, text(1), LAST); }
static chromesock_status leave(void) { return chrome_socket_leave_group(app, ID, text(1), LAST); }
static chromesock_status ttl(void) { return chrome_socket_set_multicast_time_to_live(app, ID, number(1), LAST); }
static chromesock_status info(void) { return chrome_socket_get_info(app, ID, LAST); }
static chromesock_status networks(void) { return chrome_socket_get_network_list(app, LAST); }

static const struct {
    const char *name;
    chromesock_status (*call)(void);
} calls[] = {
    {"udp.create", udp_create},       {"udp.bind", udp_bind},       {"udp.send", udp_send},
    {"udp.close", udp_close},         {"udp.info", udp_info},       {"udp.join", udp_join},
    {"udp.leave", udp_leave},         {"udp.groups", udp_groups},   {"udp.ttl", udp_ttl},
    {"udp.loopback", udp_loopback},   {"udp.broadcast", udp_broadcast},
    {"tcp.create", tcp_create},       {"tcp.connect", tcp_connect}, {"tcp.send", tcp_send},
    {"tcp.disconnect", tcp_disconnect},                             {"tcp.close", tcp_close},
    {"tcp.info", tcp_info},
    {"create", create},               {"destroy", destroy},         {"connect", connect_to},
    {"bind", bind_to},                {"read", read_once},          {"write", write_all},
    {"recvFrom", recv_from},          {"sendTo", send_to},          {"join", join},
    {"leave", leave},                 {"ttl", ttl},                 {"info", info},
    {"networks", networks},
};

static void carry_out(char *line)
{
    char *rest = NULL;
    const char *number_text = strtok_r(line, " \n", &rest);
    const char *name = strtok_r(NULL, " \n", &rest);
    if (name == NULL) {
        die("no call", line);
    }
    tag = (void *)(uintptr_t)strtoul(number_text, NULL, 10);
    for (int i = 0; i < ARGUMENTS; i++) {
        arguments[i] = strtok_r(NULL, " \n", &rest);
    }
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        if (strcmp(calls[i].name, name) == 0) {
            chromesock_status status = calls[i].call();
            if (status != CHROMESOCK_OK) {
                die(name, chromesock_status_name(status));
            }
            return;
        }
    }
    die("unknown call", name);
}

/* Takes what there is of standard input; false at its end. */
static int take_input(void)
{
    static char buffer[LINE_MOST];
    static size_t len;
    ssize_t got = read(STDIN_FILENO, buffer + len, sizeof buffer - len);
    if (got <= 0) {
        return 0;
    }
    len += (size_t)got;
    char *start = buffer, *end;
    while ((end = memchr(start, '\n', len)) != NULL) {
        *end = '\0';
        len -= (size_t)(end + 1 - start);
        carry_out(start);
        start = end + 1;
    }
    memmove(buffer, start, len);
    return 1;
}

int main(void)
{
    intptr_t handle;
    if (chromesock_app_new(NULL, &app) != CHROMESOCK_OK ||
        chromesock_app_set_default_handler(app, on_event, NULL, NULL) != CHROMESOCK_OK ||
        chromesock_app_event_handle(app, &handle) != CHROMESOCK_OK) {
        die("library", "cannot start");
    }
    struct pollfd watched[2] = {{.fd = (int)handle, .events = POLLIN}, {.fd = STDIN_FILENO, .events = POLLIN}};
    for (;;) {
        if (poll(watched, 2, -1) < 0) {
            die("poll", "failed");
        }
        if (watched[0].revents != 0 && chromesock_app_dispatch(app, 0, 0, NULL) != CHROMESOCK_OK) {
            die("dispatch", "the library has ended");
        }
        if (watched[1].revents != 0 && !take_input()) {
            break;
        }
    }
    chromesock_app_free(app);
    return 0;
}
