/* fetch: gets one http or https URL and writes its body to standard output.
 *
 * Shows: pulling events with chromesock_app_next_event. No callback is used: the program asks for the
 * next event, looks at it and releases it, in plain top-to-bottom code.
 *
 * And: permissions. With --manifest FILE it may connect only where the file, the manifest.json of a
 * Chrome App, allows it; each redirect is asked for anew. A denied call completes with a message for the
 * page; the host, this program, is told in an event of its own which rule is missing.
 *
 * And: TLS on a fresh connection. The socket is paused before it is connected, so that no read is in
 * flight when it is secured; the request goes out, and the pause ends, once it is. --cacert FILE names
 * authorities to trust besides those of the web.
 *
 * Ends with 0: done; 1: usage, URL or manifest; 2: no connection, or it broke; 3: not a whole HTTP
 * response; 4: the server answered with a status of 400 or more (its body is written all the same);
 * 5: output; 6: the manifest does not allow the connection; 7: the connection cannot be secured. */
#define _POSIX_C_SOURCE 200809L
#include "http_response.h"
#include "http_url.h"
#include "manifest.h"
#include "text.h"
#include "tls_words.h"
#include "transcript.h"

#include <chromesock.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_REDIRECTS 5
#define PATIENCE_MS 60000 /* between two events */

enum ending { DONE = 0, USAGE = 1, NETWORK = 2, PROTOCOL = 3, HTTP_ERROR = 4, OUTPUT = 5, DENIED = 6, INSECURE = 7 };

static bool verbose;

static bool is_redirect(const struct http_response *response) {
    int status = response->status;
    return response->location[0] != '\0' &&
           (status == 301 || status == 302 || status == 303 || status == 307 || status == 308);
}

static void on_line(void *user_data, const char *line, size_t len) {
    (void)user_data;
    if (verbose)
        fprintf(stderr, "  | %.*s\n", (int)len, line);
}

static void on_body(void *user_data, const uint8_t *bytes, size_t len) {
    if (!is_redirect(user_data))
        fwrite(bytes, 1, len, stdout); /* ferror() is asked later */
}

static int complain(enum ending ending, const char *what, const char *why) {
    fprintf(stderr, "fetch: %s: %s\n", what, why != NULL ? why : "unknown error");
    return ending;
}

/* Waits for the next event of this socket, or of none; others belong to a socket given up before. */
static const chromesock_event *next_event(chromesock_app *app, int32_t socket_id) {
    const chromesock_event *event;
    for (;;) {
        if (chromesock_app_next_event(app, PATIENCE_MS, &event) != CHROMESOCK_OK)
            return NULL;
        transcript_event(event);
        if (event->socket_id == socket_id)
            return event;
        chromesock_event_release(event);
    }
}

/* Recipe for a fresh connection: paused, connect, secure, and unpaused by send_request. */
static bool secure(chromesock_app *app, int32_t socket_id) {
    transcript_call("sockets.tcp.secure(%d)", (int)socket_id);
    return chrome_sockets_tcp_secure(app, socket_id, NULL, NULL, NULL) == CHROMESOCK_OK;
}

static bool send_request(chromesock_app *app, int32_t socket_id, const struct http_url *url) {
    char request[HTTP_MAX_URL + 512];
    int len = snprintf(request, sizeof request,
                       "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: chromesock-fetch/%s\r\n"
                       "Accept: */*\r\nConnection: close\r\n\r\n",
                       url->target, url->authority, chromesock_version());
    if (len < 0 || (size_t)len >= sizeof request)
        return false;
    transcript_call("sockets.tcp.send(%d, %d bytes)", (int)socket_id, len);
    if (chrome_sockets_tcp_send(app, socket_id, (const uint8_t *)request, (size_t)len, NULL, NULL) != CHROMESOCK_OK)
        return false;
    if (!url->secure)
        return true;
    transcript_call("sockets.tcp.setPaused(%d, false)", (int)socket_id);
    return chrome_sockets_tcp_set_paused(app, socket_id, false, NULL, NULL) == CHROMESOCK_OK;
}

/* Goes on until the response is whole, or cannot become so. */
static int read_response(chromesock_app *app, int32_t socket_id, const struct http_url *url,
                         struct http_response *response) {
    bool denied = false;
    for (;;) {
        const chromesock_event *event = next_event(app, socket_id);
        if (event == NULL)
            return complain(NETWORK, url->authority, "nothing came for a long time");
        int ending = -1;
        switch (event->type) {
        case CHROMESOCK_PERMISSION_DENIED: /* comes before the completion */
            manifest_print_denial("fetch", event);
            denied = true;
            break;
        case CHROME_SOCKETS_TCP_CONNECT:
            if (event->message != NULL)
                ending = complain(denied ? DENIED : NETWORK, url->authority, event->message);
            else if (!(url->secure ? secure(app, socket_id) : send_request(app, socket_id, url)))
                ending = complain(NETWORK, url->authority, "cannot send");
            break;
        case CHROME_SOCKETS_TCP_SECURE: /* when it fails, the socket is gone */
            if (event->message != NULL) {
                tls_print_failure("fetch", url->authority, event);
                ending = INSECURE;
            } else if ((verbose && chromesock_app_get_tls_session(app, socket_id, NULL, NULL) != CHROMESOCK_OK) ||
                       !send_request(app, socket_id, url)) {
                ending = complain(NETWORK, url->authority, "cannot send");
            }
            break;
        case CHROME_SOCKETS_TCP_SEND:
            /* Not the end: a server may have answered and closed before it read everything. */
            if (event->message != NULL && verbose)
                fprintf(stderr, "fetch: sending: %s\n", event->message);
            break;
        case CHROME_SOCKETS_TCP_ON_RECEIVE:
            http_response_feed(response, event->data, event->data_len);
            if (response->state == HTTP_RESPONSE_DONE)
                ending = DONE;
            else if (response->state == HTTP_RESPONSE_BAD)
                ending = complain(PROTOCOL, url->authority, "this is not HTTP as we know it");
            else if (ferror(stdout))
                ending = OUTPUT;
            break;
        case CHROME_SOCKETS_TCP_ON_RECEIVE_ERROR:
            if (event->result != CHROMESOCK_CONNECTION_CLOSED)
                ending = complain(NETWORK, url->authority, chromesock_status_text(event->result));
            else if (http_response_end(response))
                ending = DONE;
            else
                ending = complain(PROTOCOL, url->authority, "the connection ended before the response did");
            break;
        default:
            break;
        }
        chromesock_event_release(event);
        if (ending >= 0)
            return ending;
    }
}

static int fetch_one(chromesock_app *app, const struct http_url *url, struct http_response *response) {
    int32_t socket_id;
    chrome_sockets_tcp_properties properties = {0};
    properties.size = sizeof properties;
    properties.present = CHROME_SOCKETS_TCP_PROPERTIES_BUFFER_SIZE;
    properties.buffer_size = 65536; /* fewer and larger onReceive events than with the default of 4096 */
    transcript_call("sockets.tcp.create({bufferSize: %d})", (int)properties.buffer_size);
    if (chrome_sockets_tcp_create(app, &properties, &socket_id, NULL, NULL) != CHROMESOCK_OK)
        return complain(NETWORK, url->authority, "cannot make a socket");
    if (url->secure) {
        transcript_call("sockets.tcp.setPaused(%d, true)", (int)socket_id);
        if (chrome_sockets_tcp_set_paused(app, socket_id, true, NULL, NULL) != CHROMESOCK_OK)
            return complain(NETWORK, url->authority, "cannot pause a socket");
    }
    transcript_call("sockets.tcp.connect(%d, \"%s\", %d)", (int)socket_id, url->host, url->port);
    chromesock_status status = chrome_sockets_tcp_connect(app, socket_id, url->host, url->port,
                                                          CHROME_SOCKETS_DNS_QUERY_TYPE_ANY, NULL, NULL);
    if (status != CHROMESOCK_OK)
        return complain(NETWORK, url->authority, chromesock_status_text(status));
    http_response_init(response);
    response->on_line = on_line;
    response->on_body = on_body;
    response->user_data = response;
    int ending = read_response(app, socket_id, url, response);
    transcript_call("sockets.tcp.close(%d)", (int)socket_id);
    chrome_sockets_tcp_close(app, socket_id, NULL, NULL);
    return ending;
}

static int fetch(chromesock_app *app, struct http_url url) {
    static struct http_response response;
    for (int redirects = 0;; redirects++) {
        int ending = fetch_one(app, &url, &response);
        if (ending != DONE)
            return ending;
        if (!is_redirect(&response))
            return response.status >= 400 ? HTTP_ERROR : DONE;
        if (redirects == MAX_REDIRECTS)
            return complain(PROTOCOL, url.authority, "too many redirects");
        struct http_url next;
        const char *wrong = http_url_follow(&url, response.location, &next);
        if (wrong != NULL)
            return complain(PROTOCOL, response.location, wrong);
        url = next;
    }
}

int main(int argc, char **argv) {
    const char *file = NULL, *roots_file = NULL, *address = NULL;
    bool usage = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-v") == 0)
            verbose = true;
        else if (strcmp(argv[i], "--manifest") == 0 && i + 1 < argc && file == NULL)
            file = argv[++i];
        else if (strcmp(argv[i], "--cacert") == 0 && i + 1 < argc && roots_file == NULL)
            roots_file = argv[++i];
        else if (argv[i][0] != '-' && address == NULL)
            address = argv[i];
        else
            usage = true;
    }
    if (usage || address == NULL) {
        fprintf(stderr, "usage: fetch [-v] [--manifest FILE] [--cacert FILE] http[s]://HOST[:PORT]/PATH\n"
                        "-v: print calls, events and heads to standard error\n"
                        "--manifest: the manifest.json that says where it may connect; without it, everywhere\n"
                        "--cacert: certificates in PEM that may vouch for servers, besides the web's authorities\n");
        return USAGE;
    }
    struct http_url url;
    const char *wrong = http_url_parse(address, &url);
    if (wrong != NULL)
        return complain(USAGE, address, wrong);
    char *manifest = NULL;
    if (file != NULL && (manifest = manifest_read("fetch", file)) == NULL)
        return USAGE;
    struct text roots = {0};
    if (roots_file != NULL && (wrong = text_read_file(&roots, roots_file)) != NULL) {
        free(manifest);
        text_free(&roots);
        return complain(USAGE, roots_file, wrong);
    }
    if (verbose)
        transcript_to(stderr);
    chromesock_app *app;
    chromesock_app_options options = {0};
    options.size = sizeof options;
    options.manifest = manifest;
    options.extra_roots_pem = roots.at;
    chromesock_status status = chromesock_app_new(&options, &app);
    if (status == CHROMESOCK_INVALID_MANIFEST)
        manifest_print_error("fetch", file, manifest);
    else if (status == CHROMESOCK_INVALID_ARGUMENT && roots_file != NULL)
        complain(USAGE, roots_file, "this is not a list of certificates in PEM");
    else if (status != CHROMESOCK_OK)
        complain(NETWORK, "starting", chromesock_status_text(status));
    free(manifest); /* the app has its own copies */
    text_free(&roots);
    if (status != CHROMESOCK_OK)
        return status == CHROMESOCK_INVALID_MANIFEST || status == CHROMESOCK_INVALID_ARGUMENT ? USAGE : NETWORK;
    int ending = fetch(app, url);
    chromesock_app_free(app);
    if (fflush(stdout) != 0 || ferror(stdout))
        return complain(OUTPUT, "standard output", "cannot write");
    return ending;
}
