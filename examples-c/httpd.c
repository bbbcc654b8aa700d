/* httpd: serves the files of a folder over HTTP/1.1.
 *
 * Shows: chrome.sockets.tcpServer and chrome.sockets.tcp with callbacks that run on the library's own
 * thread (CHROMESOCK_DELIVERY_REACTOR). They never overlap, so the state below needs no lock; they
 * are kept short, because every socket waits meanwhile. The main thread only waits for the end.
 *
 * And: permissions. With --manifest FILE it may listen only where the file, the manifest.json of a
 * Chrome App, allows it; clients that are accepted need no rule.
 *
 * Ends with 0: SIGTERM or SIGINT; 1: something failed; 2: usage or manifest; 3: the manifest does not
 * allow it to listen there. */
#define _POSIX_C_SOURCE 200809L
#include "http_files.h"
#include "id_table.h"
#include "manifest.h"
#include "transcript.h"

#include <chromesock.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define SEND_SIZE 65536     /* bytes given to one send */
#define SENDS_AT_ONCE 2     /* unfinished sends of one connection */
#define ACCEPT_BACKLOG 4096 /* clients that may wait for onAccept */

struct connection {
    struct id_entry entry; /* by id of the client socket */
    struct text in;        /* bytes received and not yet used */
    struct http_reply reply;
    bool replying;  /* `reply` still has bytes to send */
    bool last;      /* close when everything is sent */
    bool paused;    /* the client sends faster than it reads: leave its bytes in the kernel */
    int sends;      /* unfinished */
};

static char root[PATH_MAX];
static bool logging;
static struct id_table connections;
static int32_t server_id;
static unsigned open_clients; /* accepted, and not yet closed for good */
static bool accept_failed;    /* the server paused itself; resumed when a descriptor is free again */
static bool denied;           /* by the manifest */
static int wake_pipe[2];      /* one byte ends the main thread's wait: '.' signal, '!' failure, 'd' denied */

static void end_program(char why) {
    while (write(wake_pipe[1], &why, 1) < 0 && errno == EINTR)
        ;
}

static void on_signal(int number) {
    (void)number;
    int kept = errno;
    end_program('.');
    errno = kept;
}

/* ---- one connection ---- */

static void free_connection(struct connection *connection) {
    text_free(&connection->in);
    if (connection->replying)
        http_reply_free(&connection->reply);
    free(connection);
}

static void on_closed(chromesock_app *app, const chromesock_event *event, void *user_data) {
    (void)user_data;
    transcript_event(event);
    open_clients--;
    if (accept_failed) {
        accept_failed = false;
        transcript_call("sockets.tcpServer.setPaused(%d, false)", (int)server_id);
        chrome_sockets_tcp_server_set_paused(app, server_id, 0, NULL, NULL);
    }
}

/* Late completions of this id find nothing in the table and are ignored. */
static void drop(chromesock_app *app, struct connection *connection) {
    int32_t id = connection->entry.id;
    id_table_remove(&connections, id);
    free_connection(connection);
    transcript_call("sockets.tcp.close(%d)", (int)id);
    chrome_sockets_tcp_close(app, id, on_closed, NULL);
}

static void advance(chromesock_app *app, struct connection *connection);

static void on_sent(chromesock_app *app, const chromesock_event *event, void *user_data) {
    (void)user_data;
    transcript_event(event);
    struct connection *connection = (struct connection *)id_table_find(&connections, event->socket_id);
    if (connection == NULL)
        return;
    connection->sends--;
    if (event->message != NULL)
        drop(app, connection);
    else
        advance(app, connection);
}

/* False: the connection is gone. */
static bool send_some(chromesock_app *app, struct connection *connection) {
    static char buffer[SEND_SIZE]; /* one is enough: callbacks do not overlap, send copies */
    ssize_t len = http_reply_take(&connection->reply, buffer, sizeof buffer);
    if (len < 0 || connection->reply.text.failed) {
        drop(app, connection);
        return false;
    }
    transcript_call("sockets.tcp.send(%d, %zd bytes)", (int)connection->entry.id, len);
    if (chrome_sockets_tcp_send(app, connection->entry.id, (const uint8_t *)buffer, (size_t)len, on_sent, NULL) !=
        CHROMESOCK_OK) {
        drop(app, connection);
        return false;
    }
    connection->sends++;
    if (http_reply_done(&connection->reply)) {
        connection->replying = false;
        connection->last = !connection->reply.keep_alive;
        http_reply_free(&connection->reply);
    }
    return true;
}

/* Starts the reply to the next request in the buffer. False: no whole request is there. */
static bool next_request(struct connection *connection) {
    struct http_request request;
    size_t used = 0;
    int status = http_request_parse(connection->in.at, connection->in.len, &request, &used);
    if (status == HTTP_NEED_MORE)
        return false;
    if (status == 200)
        http_files_answer(root, &request, &connection->reply);
    else
        http_reply_refuse(&connection->reply, status, request.head_only);
    connection->replying = true;
    if (logging && request.target.at != NULL)
        printf("  socket %d: %.*s %.*s -> %d\n", (int)connection->entry.id, (int)request.method.len,
               request.method.at, (int)request.target.len, request.target.at, connection->reply.status);
    /* `request` points into the buffer: only now may it move. */
    connection->in.len -= used;
    if (connection->in.len == 0)
        text_free(&connection->in); /* an idle connection costs little */
    else if (used > 0)
        memmove(connection->in.at, connection->in.at + used, connection->in.len);
    return true;
}

static void set_paused(chromesock_app *app, struct connection *connection, bool paused) {
    if (connection->paused == paused)
        return;
    connection->paused = paused;
    transcript_call("sockets.tcp.setPaused(%d, %s)", (int)connection->entry.id, paused ? "true" : "false");
    chrome_sockets_tcp_set_paused(app, connection->entry.id, paused, NULL, NULL);
}

/* Does all that can be done now: replies go out in the order of the requests, however they came. */
static void advance(chromesock_app *app, struct connection *connection) {
    while (connection->sends < SENDS_AT_ONCE) {
        if (connection->replying) {
            if (!send_some(app, connection))
                return;
        } else if (connection->last) {
            if (connection->sends == 0) { /* bytes whose send completed are delivered before the end */
                drop(app, connection);
                return;
            }
            break;
        } else if (connection->in.len == 0 || !next_request(connection)) {
            break;
        }
    }
    /* Enough for the longest head is kept in memory, the rest waits in the kernel. */
    set_paused(app, connection, !connection->last && connection->in.len > HTTP_MAX_HEAD);
}

static void on_receive(chromesock_app *app, const chromesock_event *event, void *user_data) {
    (void)user_data;
    transcript_event(event);
    struct connection *connection = (struct connection *)id_table_find(&connections, event->socket_id);
    if (connection == NULL || connection->last)
        return;
    text_add(&connection->in, event->data, event->data_len);
    if (connection->in.failed)
        drop(app, connection);
    else
        advance(app, connection);
}

/* The client has gone, or the connection broke. */
static void on_receive_error(chromesock_app *app, const chromesock_event *event, void *user_data) {
    (void)user_data;
    transcript_event(event);
    struct connection *connection = (struct connection *)id_table_find(&connections, event->socket_id);
    if (connection != NULL)
        drop(app, connection);
}

/* ---- the server ---- */

static void on_accept(chromesock_app *app, const chromesock_event *event, void *user_data) {
    (void)user_data;
    transcript_event(event);
    open_clients++;
    struct connection *connection = calloc(1, sizeof *connection);
    if (connection == NULL) {
        chrome_sockets_tcp_close(app, event->client_socket_id, on_closed, NULL);
        return;
    }
    connection->entry.id = event->client_socket_id;
    connection->paused = true; /* accepted sockets start paused */
    id_table_add(&connections, &connection->entry);
    set_paused(app, connection, false);
}

static void on_accept_error(chromesock_app *app, const chromesock_event *event, void *user_data) {
    (void)app;
    (void)user_data;
    transcript_event(event);
    const char *name = chromesock_status_name(event->result);
    fprintf(stderr, "httpd: accepting: %s (%d)\n", name != NULL ? name : "unknown error", (int)event->result);
    if (open_clients > 0)
        accept_failed = true;
    else
        end_program('!'); /* nothing of ours can be given back */
}

static void on_info(chromesock_app *app, const chromesock_event *event, void *user_data) {
    (void)app;
    (void)user_data;
    transcript_event(event);
    if (event->sockets_len != 1 || event->sockets->local_address == NULL) {
        end_program('!');
        return;
    }
    const char *address = event->sockets->local_address;
    bool v6 = strchr(address, ':') != NULL;
    printf("listening on http://%s%s%s:%d/\n", v6 ? "[" : "", address, v6 ? "]" : "", (int)event->sockets->local_port);
    fflush(stdout);
}

static void on_listen(chromesock_app *app, const chromesock_event *event, void *user_data) {
    (void)user_data;
    transcript_event(event);
    if (event->message != NULL) {
        fprintf(stderr, "httpd: listening: %s\n", event->message);
        end_program(denied ? 'd' : '!');
        return;
    }
    transcript_call("sockets.tcpServer.getInfo(%d)", (int)event->socket_id);
    chrome_sockets_tcp_server_get_info(app, event->socket_id, on_info, NULL);
}

/* Completions of calls made without a callback, and what the library tells the host. */
static void on_other(chromesock_app *app, const chromesock_event *event, void *user_data) {
    (void)app;
    (void)user_data;
    transcript_event(event);
    if (event->type == CHROMESOCK_PERMISSION_DENIED) { /* comes before the completion of the call */
        manifest_print_denial("httpd", event);
        denied = true;
    }
}

static bool start(chromesock_app *app, const char *address, int port) {
    const int32_t backlog = ACCEPT_BACKLOG;
    if (chromesock_app_set_default_handler(app, on_other, NULL, NULL) != CHROMESOCK_OK ||
        chrome_sockets_tcp_on_receive_add_listener(app, on_receive, NULL) != CHROMESOCK_OK ||
        chrome_sockets_tcp_on_receive_error_add_listener(app, on_receive_error, NULL) != CHROMESOCK_OK ||
        chrome_sockets_tcp_server_on_accept_add_listener(app, on_accept, NULL) != CHROMESOCK_OK ||
        chrome_sockets_tcp_server_on_accept_error_add_listener(app, on_accept_error, NULL) != CHROMESOCK_OK)
        return false;
    transcript_call("sockets.tcpServer.create()");
    if (chrome_sockets_tcp_server_create(app, NULL, &server_id, NULL, NULL) != CHROMESOCK_OK)
        return false;
    transcript_call("sockets.tcpServer.listen(%d, \"%s\", %d)", (int)server_id, address, port);
    return chrome_sockets_tcp_server_listen(app, server_id, address, port, &backlog, on_listen, NULL) ==
           CHROMESOCK_OK;
}

/* Each client costs one descriptor, and a second one while a file is sent. Returns the new limit. */
static uint64_t raise_descriptor_limit(void) {
    const rlim_t most = 65536;
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 1024;
    if (limit.rlim_cur < most) {
        limit.rlim_cur = limit.rlim_max < most ? limit.rlim_max : most;
        setrlimit(RLIMIT_NOFILE, &limit);
        getrlimit(RLIMIT_NOFILE, &limit);
    }
    return limit.rlim_cur < most ? limit.rlim_cur : most;
}

static bool install_signals(void) {
    struct sigaction action = {0};
    action.sa_handler = on_signal;
    sigemptyset(&action.sa_mask);
    return pipe(wake_pipe) == 0 && sigaction(SIGTERM, &action, NULL) == 0 && sigaction(SIGINT, &action, NULL) == 0;
}

int main(int argc, char **argv) {
    const char *address = "127.0.0.1", *folder = NULL, *file = NULL;
    long port = 0;
    bool usage = false;
    for (int i = 1; i < argc; i++) {
        char *end = NULL;
        if (strcmp(argv[i], "--log") == 0) {
            logging = true;
        } else if (strcmp(argv[i], "--address") == 0 && i + 1 < argc) {
            address = argv[++i];
        } else if (strcmp(argv[i], "--manifest") == 0 && i + 1 < argc && file == NULL) {
            file = argv[++i];
        } else if (strcmp(argv[i], "--port") == 0 && i + 1 < argc) {
            port = strtol(argv[++i], &end, 10);
            usage |= *end != '\0' || end == argv[i] || port < 0 || port > 65535;
        } else if (argv[i][0] != '-' && folder == NULL) {
            folder = argv[i];
        } else {
            usage = true;
        }
    }
    if (usage || folder == NULL) {
        fprintf(stderr, "usage: httpd [--port N] [--address A] [--manifest FILE] [--log] FOLDER\n"
                        "Without --port the system chooses one; it is printed. --manifest: the manifest.json that\n"
                        "says where it may listen; without it, everywhere.\n");
        return 2;
    }
    if (!http_files_root(folder, root, sizeof root) || !install_signals()) {
        fprintf(stderr, "httpd: %s: %s\n", folder, strerror(errno));
        return 1;
    }
    char *manifest = NULL;
    if (file != NULL && (manifest = manifest_read("httpd", file)) == NULL)
        return 2;
    if (logging)
        transcript_to(stdout);

    chromesock_app *app;
    chromesock_app_options options = {0};
    options.size = sizeof options;
    options.delivery = CHROMESOCK_DELIVERY_REACTOR;
    options.present = CHROMESOCK_APP_OPTIONS_WRITE_QUOTA;
    options.write_quota_bytes = raise_descriptor_limit() * SENDS_AT_ONCE * SEND_SIZE;
    options.manifest = manifest;
    chromesock_status status = chromesock_app_new(&options, &app);
    if (status == CHROMESOCK_INVALID_MANIFEST)
        manifest_print_error("httpd", file, manifest);
    else if (status != CHROMESOCK_OK)
        fprintf(stderr, "httpd: %s\n", chromesock_status_text(status));
    free(manifest); /* the app has its own copy */
    if (status != CHROMESOCK_OK)
        return status == CHROMESOCK_INVALID_MANIFEST ? 2 : 1;
    char why = '!';
    if (start(app, address, (int)port))
        while (read(wake_pipe[0], &why, 1) < 0 && errno == EINTR)
            ;
    chromesock_app_free(app); /* the last callback has returned when this returns */
    struct id_entry *entry;
    while ((entry = id_table_any(&connections)) != NULL)
        free_connection((struct connection *)id_table_remove(&connections, entry->id));
    close(wake_pipe[0]);
    close(wake_pipe[1]);
    return why == '.' ? 0 : why == 'd' ? 3 : 1;
}
