/* minimal: connects, sends one line, prints what comes until the other side closes. */
#include <chromesock.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv) {
    chromesock_app *app;
    const chromesock_event *event;
    int32_t id;
    int result = -1;
    if (argc != 4) {
        fprintf(stderr, "usage: minimal HOST PORT LINE\n");
        return 2;
    }
    if (chromesock_app_new(NULL, &app) != CHROMESOCK_OK)
        return 1;
    /* An accepted call brings exactly one completion, a refused one none: there would be nothing to wait for. */
    if (chrome_sockets_tcp_create(app, NULL, &id, NULL, NULL) != CHROMESOCK_OK ||
        chrome_sockets_tcp_connect(app, id, argv[1], atoi(argv[2]), CHROME_SOCKETS_DNS_QUERY_TYPE_ANY, NULL, NULL) !=
            CHROMESOCK_OK)
        result = 1;
    while (result < 0 && chromesock_app_next_event(app, -1, &event) == CHROMESOCK_OK) {
        if (event->type == CHROME_SOCKETS_TCP_ON_RECEIVE_ERROR) {
            result = event->result == CHROMESOCK_CONNECTION_CLOSED ? 0 : 1;
        } else if (event->message != NULL) { /* chrome.runtime.lastError */
            fprintf(stderr, "%s: %s\n", chromesock_event_type_name(event->type), event->message);
            result = 1;
        } else if (event->type == CHROME_SOCKETS_TCP_CONNECT) {
            chrome_sockets_tcp_send(app, id, (const uint8_t *)argv[3], strlen(argv[3]), NULL, NULL);
            chrome_sockets_tcp_send(app, id, (const uint8_t *)"\r\n", 2, NULL, NULL);
        } else if (event->type == CHROME_SOCKETS_TCP_ON_RECEIVE) {
            fwrite(event->data, 1, event->data_len, stdout);
        }
        chromesock_event_release(event);
    }
    chromesock_app_free(app);
    return result;
}
