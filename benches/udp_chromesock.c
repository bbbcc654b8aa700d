/* The same server on this library, in each of its deliveries (chromesock_host.h). */
#define _GNU_SOURCE
#include "chromesock_host.h"
#include "udp.h"

static struct udp_service service;

static void on_event(chromesock_app *app, const chromesock_event *event, void *user_data);

struct answer {
    chromesock_app *app;
    const chromesock_event *event;
};

static void send_one(void *target, const uint8_t *data, size_t len, const struct sockaddr *to)
{
    const struct answer *answer = target;
    (void)to;
    chromesock_status status =
        chrome_sockets_udp_send(answer->app, answer->event->socket_id, data, len, answer->event->address,
                                answer->event->port, CHROME_SOCKETS_DNS_QUERY_TYPE_ANY, on_event, NULL);
    if (status != CHROMESOCK_CONTEXT_SHUT_DOWN) { /* what still comes at the end is not answered */
        check(status, "send");
    }
}

/* All events come here. */
static void on_event(chromesock_app *app, const chromesock_event *event, void *user_data)
{
    struct answer answer = {app, event};
    (void)user_data;
    switch (event->type) {
    case CHROME_SOCKETS_UDP_ON_RECEIVE:
        serve_datagram(&service, event->data, event->data_len, NULL, send_one, &answer);
        break;
    case CHROME_SOCKETS_UDP_SEND:
        if (event->result != CHROMESOCK_SOCKET_NOT_CONNECTED) { /* the app is closing */
            check(event->result, "send");
        }
        break;
    case CHROME_SOCKETS_UDP_ON_RECEIVE_ERROR: check(event->result, "receive"); break;
    case CHROME_SOCKETS_UDP_GET_INFO: tell_port_of(event); break;
    default: break;
    }
}

int main(int argc, char **argv)
{
    struct host host;
    int32_t id = 0;
    if (argc != 3 || !parse_udp_mode(argv[1], &service)) {
        fprintf(stderr, "udp_chromesock echo|sink|source reactor|spin|dispatch|handle|pull\n");
        return 2;
    }
    host_open(&host, argv[2], on_event);
    check(chrome_sockets_udp_on_receive_add_listener(host.app, on_event, NULL), "onReceive");
    check(chrome_sockets_udp_on_receive_error_add_listener(host.app, on_event, NULL), "onReceiveError");
    check(chrome_sockets_udp_create(host.app, NULL, &id, NULL, NULL), "create");
    check(chrome_sockets_udp_bind(host.app, id, "127.0.0.1", 0, NULL, NULL), "bind");
    check(chrome_sockets_udp_get_info(host.app, id, on_event, NULL), "getInfo");
    host_run(&host);
    return 0;
}
