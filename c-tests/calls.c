/* One wrapper per method of the API, and the steps nearly every case starts with. */
#include "forced.h"
#include "harness.h"

#include <dirent.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

call *call_new(fx *f, uint32_t type, int32_t id) {
    call *c = calloc(1, sizeof *c);
    CHECK(c != NULL);
    c->f = f;
    c->type = type;
    c->id = id;
    return c;
}

/* The call enters the list before it is made: in reactor mode its completion may come first. */
call *call_entered(fx *f, uint32_t type, int32_t id) {
    call *c = call_new(f, type, id);
    pthread_mutex_lock(&f->mutex);
    c->next = f->calls;
    f->calls = c;
    f->accepted++;
    pthread_mutex_unlock(&f->mutex);
    if (!f->holds) force_hold(f->app);
    return c;
}

call *call_made(const char *file, int line, call *c, chromesock_status status) {
    check_int_at(file, line, "status of the call", status, CHROMESOCK_OK);
    if (!c->f->holds) force_run(c->f->app);
    return c;
}

void fx_hold(fx *f, int hold) {
    f->holds = hold;
    CHECK_INT(chromesock_app_hold_calls(f->app, (chromesock_bool)hold), CHROMESOCK_OK);
}

call *tcp_create(fx *f, const chrome_sockets_tcp_properties *properties, int32_t *id) {
    call *c = call_entered(f, CHROME_SOCKETS_TCP_CREATE, 0);
    return MADE(c, chrome_sockets_tcp_create(f->app, properties, id, f->callback, c));
}
call *tcp_update(fx *f, int32_t id, const chrome_sockets_tcp_properties *properties) {
    call *c = call_entered(f, CHROME_SOCKETS_TCP_UPDATE, id);
    return MADE(c, chrome_sockets_tcp_update(f->app, id, properties, f->callback, c));
}
call *tcp_set_paused(fx *f, int32_t id, int paused) {
    call *c = call_entered(f, CHROME_SOCKETS_TCP_SET_PAUSED, id);
    return MADE(c, chrome_sockets_tcp_set_paused(f->app, id, (chromesock_bool)paused, f->callback, c));
}
call *tcp_set_keep_alive(fx *f, int32_t id, int enable, int32_t delay) {
    call *c = call_entered(f, CHROME_SOCKETS_TCP_SET_KEEP_ALIVE, id);
    return MADE(c, chrome_sockets_tcp_set_keep_alive(f->app, id, (chromesock_bool)enable, delay,
                                                     f->callback, c));
}
call *tcp_set_no_delay(fx *f, int32_t id, int no_delay) {
    call *c = call_entered(f, CHROME_SOCKETS_TCP_SET_NO_DELAY, id);
    return MADE(c, chrome_sockets_tcp_set_no_delay(f->app, id, (chromesock_bool)no_delay, f->callback,
                                                   c));
}
call *tcp_connect_type(fx *f, int32_t id, const char *host, int32_t port, int32_t type) {
    call *c = call_entered(f, CHROME_SOCKETS_TCP_CONNECT, id);
    return MADE(c, chrome_sockets_tcp_connect(f->app, id, host, port, type, f->callback, c));
}
call *tcp_connect(fx *f, int32_t id, const char *host, int32_t port) {
    return tcp_connect_type(f, id, host, port, CHROME_SOCKETS_DNS_QUERY_TYPE_ANY);
}
call *tcp_disconnect(fx *f, int32_t id) {
    call *c = call_entered(f, CHROME_SOCKETS_TCP_DISCONNECT, id);
    return MADE(c, chrome_sockets_tcp_disconnect(f->app, id, f->callback, c));
}
call *tcp_send(fx *f, int32_t id, const void *data, size_t len) {
    call *c = call_entered(f, CHROME_SOCKETS_TCP_SEND, id);
    return MADE(c, chrome_sockets_tcp_send(f->app, id, data, len, f->callback, c));
}
call *tcp_close(fx *f, int32_t id) {
    call *c = call_entered(f, CHROME_SOCKETS_TCP_CLOSE, id);
    return MADE(c, chrome_sockets_tcp_close(f->app, id, f->callback, c));
}
call *tcp_get_info(fx *f, int32_t id) {
    call *c = call_entered(f, CHROME_SOCKETS_TCP_GET_INFO, id);
    return MADE(c, chrome_sockets_tcp_get_info(f->app, id, f->callback, c));
}
call *tcp_get_sockets(fx *f) {
    call *c = call_entered(f, CHROME_SOCKETS_TCP_GET_SOCKETS, 0);
    return MADE(c, chrome_sockets_tcp_get_sockets(f->app, f->callback, c));
}
call *server_create(fx *f, const chrome_sockets_tcp_server_properties *properties, int32_t *id) {
    call *c = call_entered(f, CHROME_SOCKETS_TCP_SERVER_CREATE, 0);
    return MADE(c, chrome_sockets_tcp_server_create(f->app, properties, id, f->callback, c));
}
call *server_update(fx *f, int32_t id, const chrome_sockets_tcp_server_properties *properties) {
    call *c = call_entered(f, CHROME_SOCKETS_TCP_SERVER_UPDATE, id);
    return MADE(c, chrome_sockets_tcp_server_update(f->app, id, properties, f->callback, c));
}
call *server_set_paused(fx *f, int32_t id, int paused) {
    call *c = call_entered(f, CHROME_SOCKETS_TCP_SERVER_SET_PAUSED, id);
    return MADE(c, chrome_sockets_tcp_server_set_paused(f->app, id, (chromesock_bool)paused,
                                                        f->callback, c));
}
static call *listen_call(fx *f, int32_t id, const char *address, int32_t port, const int32_t *backlog) {
    call *c = call_entered(f, CHROME_SOCKETS_TCP_SERVER_LISTEN, id);
    return MADE(c, chrome_sockets_tcp_server_listen(f->app, id, address, port, backlog, f->callback, c));
}
call *server_listen(fx *f, int32_t id, const char *address, int32_t port) {
    return listen_call(f, id, address, port, NULL);
}
call *server_listen_backlog(fx *f, int32_t id, const char *address, int32_t port, int32_t backlog) {
    return listen_call(f, id, address, port, &backlog);
}
call *server_disconnect(fx *f, int32_t id) {
    call *c = call_entered(f, CHROME_SOCKETS_TCP_SERVER_DISCONNECT, id);
    return MADE(c, chrome_sockets_tcp_server_disconnect(f->app, id, f->callback, c));
}
call *server_close(fx *f, int32_t id) {
    call *c = call_entered(f, CHROME_SOCKETS_TCP_SERVER_CLOSE, id);
    return MADE(c, chrome_sockets_tcp_server_close(f->app, id, f->callback, c));
}
call *server_get_info(fx *f, int32_t id) {
    call *c = call_entered(f, CHROME_SOCKETS_TCP_SERVER_GET_INFO, id);
    return MADE(c, chrome_sockets_tcp_server_get_info(f->app, id, f->callback, c));
}
call *server_get_sockets(fx *f) {
    call *c = call_entered(f, CHROME_SOCKETS_TCP_SERVER_GET_SOCKETS, 0);
    return MADE(c, chrome_sockets_tcp_server_get_sockets(f->app, f->callback, c));
}

chrome_sockets_tcp_properties tcp_props(uint32_t present, const char *name, int32_t buffer_size,
                                        int persistent) {
    chrome_sockets_tcp_properties p;
    memset(&p, 0, sizeof p);
    p.size = sizeof p;
    p.present = present;
    p.name = name;
    p.buffer_size = buffer_size;
    p.persistent = (chromesock_bool)persistent;
    return p;
}

chrome_sockets_tcp_server_properties server_props(uint32_t present, const char *name,
                                                  int persistent) {
    chrome_sockets_tcp_server_properties p;
    memset(&p, 0, sizeof p);
    p.size = sizeof p;
    p.present = present;
    p.name = name;
    p.persistent = (chromesock_bool)persistent;
    return p;
}

/* ---- what a completion says ---- */

void ok_at(const char *file, int line, const ev *e) {
    check_str_at(file, line, "message", e->message, NULL);
    check_int_at(file, line, "present & RESULT", e->present & CHROMESOCK_EVENT_RESULT, 0);
    check_int_at(file, line, "result", e->result, 0);
}

void ok0_at(const char *file, int line, const ev *e) {
    check_str_at(file, line, "message", e->message, NULL);
    check_int_at(file, line, "present & RESULT", e->present & CHROMESOCK_EVENT_RESULT,
                 CHROMESOCK_EVENT_RESULT);
    check_int_at(file, line, "result", e->result, 0);
}

void fail_code_at(const char *file, int line, const ev *e, int32_t code, const char *message) {
    check_int_at(file, line, "present & RESULT", e->present & CHROMESOCK_EVENT_RESULT,
                 CHROMESOCK_EVENT_RESULT);
    check_int_at(file, line, "result", e->result, code);
    check_str_at(file, line, "message", e->message, message ? message : net_name(code));
}

void fail_text_at(const char *file, int line, const ev *e, const char *message) {
    check_str_at(file, line, "message", e->message, message);
    check_int_at(file, line, "present & RESULT", e->present & CHROMESOCK_EVENT_RESULT, 0);
}

void sent_at(const char *file, int line, const ev *e, uint64_t n) {
    ok0_at(file, line, e);
    check_int_at(file, line, "present & BYTES_SENT", e->present & CHROMESOCK_EVENT_BYTES_SENT,
                 CHROMESOCK_EVENT_BYTES_SENT);
    check_int_at(file, line, "bytes_sent", (long long)e->bytes_sent, (long long)n);
}

void send_fail_at(const char *file, int line, const ev *e, int32_t code) {
    fail_code_at(file, line, e, code, NULL);
    check_int_at(file, line, "present & BYTES_SENT", e->present & CHROMESOCK_EVENT_BYTES_SENT, 0);
}

void error_event_at(const char *file, int line, fx *f, uint32_t type, int32_t id, int32_t code) {
    const ev *e = await_event_at(file, line, f, type, id);
    check_int_at(file, line, "present & RESULT", e->present & CHROMESOCK_EVENT_RESULT,
                 CHROMESOCK_EVENT_RESULT);
    check_int_at(file, line, "result of the error event", e->result, code);
}

void receive_at(const char *file, int line, fx *f, int32_t id, const void *want, size_t len) {
    size_t got = 0;
    while (got < len) {
        const ev *e = await_event_at(file, line, f, CHROME_SOCKETS_TCP_ON_RECEIVE, id);
        size_t room = len - got;
        check_int_at(file, line, "present & DATA", e->present & CHROMESOCK_EVENT_DATA,
                     CHROMESOCK_EVENT_DATA);
        if (e->len == 0) fail_at(file, line, "empty onReceive (tcp.md 2.3)");
        if (e->len > room)
            fail_at(file, line, "%zu bytes received, only %zu more expected", e->len, room);
        check_mem_at(file, line, "received", e->data, e->len, (const char *)want + got, e->len);
        got += e->len;
    }
}

/* ---- common steps ---- */

int32_t new_tcp(fx *f) {
    int32_t id = 0;
    call *c = tcp_create(f, NULL, &id);
    IS_OK(c);
    CHECK_INT(c->done->id, id);
    return id;
}

int32_t new_tcp_paused(fx *f) {
    int32_t id = new_tcp(f);
    IS_OK(tcp_set_paused(f, id, 1));
    return id;
}

int32_t new_server(fx *f) {
    int32_t id = 0;
    call *c = server_create(f, NULL, &id);
    IS_OK(c);
    CHECK_INT(c->done->id, id);
    return id;
}

void connect_to(fx *f, int32_t id, int listen_fd, int *peer_fd) {
    call *c = tcp_connect(f, id, "127.0.0.1", port_of(listen_fd));
    *peer_fd = peer_accept(listen_fd);
    IS_OK0(c);
}

static int32_t connect_new(fx *f, int32_t id, int *peer_fd) {
    uint16_t port;
    int listen_fd = peer_listen(&port);
    connect_to(f, id, listen_fd, peer_fd);
    close(listen_fd);
    return id;
}

int32_t connected(fx *f, int *peer_fd) { return connect_new(f, new_tcp(f), peer_fd); }
int32_t connected_paused(fx *f, int *peer_fd) { return connect_new(f, new_tcp_paused(f), peer_fd); }

const chromesock_socket_info *info_of(fx *f, int32_t id) {
    call *c = tcp_get_info(f, id);
    const ev *e = await(c);
    ok_at(__FILE__, __LINE__, e);
    CHECK(e->present & CHROMESOCK_EVENT_SOCKETS);
    CHECK_INT(e->info_len, 1);
    CHECK_INT(e->info[0].socket_id, id);
    return &e->info[0];
}

const chromesock_socket_info *server_info_of(fx *f, int32_t id) {
    call *c = server_get_info(f, id);
    const ev *e = await(c);
    ok_at(__FILE__, __LINE__, e);
    CHECK(e->present & CHROMESOCK_EVENT_SOCKETS);
    CHECK_INT(e->info_len, 1);
    CHECK_INT(e->info[0].socket_id, id);
    return &e->info[0];
}

int32_t listening_on(fx *f, uint16_t port) {
    int32_t id = new_server(f);
    IS_OK0(server_listen(f, id, "127.0.0.1", port));
    return id;
}

int32_t listening(fx *f, uint16_t *port) {
    int32_t id = listening_on(f, 0);
    *port = (uint16_t)server_info_of(f, id)->local_port;
    CHECK(*port != 0);
    return id;
}

int32_t accepted(fx *f, int32_t server, uint16_t port, int *peer_fd) {
    const ev *e;
    *peer_fd = peer_connect("127.0.0.1", port);
    e = await_event(f, CHROME_SOCKETS_TCP_SERVER_ON_ACCEPT, server);
    CHECK(e->client > 0);
    return e->client;
}

void close_tcp(fx *f, int32_t id, int read_in_flight) {
    IS_OK(tcp_close(f, id));
    if (read_in_flight) receive_error(f, id, CHROMESOCK_CONNECTION_CLOSED);
}

/* A full round trip of another connection: the reactor has then polled after whatever was on the
 * wire before, so an event that has not come by now does not come. */
void settle(fx *f) {
    uint16_t port;
    int32_t id = new_tcp(f);
    int peer;
    if (f->settle_fd < 0) f->settle_fd = peer_listen(&port);
    connect_to(f, id, f->settle_fd, &peer);
    for (int i = 0; i < 2; i++) {
        IS_SENT(tcp_send(f, id, "?", 1), 1);
        peer_expect(peer, "?");
        peer_text(peer, "!");
        receive(f, id, "!");
    }
    close_tcp(f, id, 1);
    close(peer);
}

void denial_told_at(const char *file, int line, call *c, const char *what, const char *rule,
                    const char *host, int32_t port) {
    const ev *told = await_event_at(file, line, c->f, CHROMESOCK_PERMISSION_DENIED, c->id);
    char name[64], quoted[400], number[32];
    if (told->seq >= c->done->seq) fail_at(file, line, "the denial is told after the completion");
    check_int_at(file, line, "present", told->present, CHROMESOCK_EVENT_ADDRESS | CHROMESOCK_EVENT_PORT);
    check_str_at(file, line, "address", told->address, host);
    check_int_at(file, line, "port", told->port, port);
    snprintf(name, sizeof name, "chrome.%s: ", what);
    snprintf(quoted, sizeof quoted, "\"%s\"", host);
    snprintf(number, sizeof number, "port %d", (int)port);
    if (told->message == NULL || strncmp(told->message, name, strlen(name)) != 0)
        fail_at(file, line, "\"%s\" does not name the call", told->message ? told->message : "");
    if (strstr(told->message, "the manifest has no") == NULL &&
        (!strstr(told->message, rule) || !strstr(told->message, quoted) || !strstr(told->message, number)))
        fail_at(file, line, "\"%s\" does not say which rule is missing", told->message);
}

/* ---- looking from outside ---- */

int fd_of(uint16_t local_port, uint16_t peer_port) {
    DIR *dir = opendir("/proc/self/fd");
    struct dirent *entry;
    int found = -1;
    CHECK(dir != NULL);
    while ((entry = readdir(dir)) != NULL) {
        struct sockaddr_storage a;
        socklen_t len = sizeof a;
        int fd = atoi(entry->d_name);
        if (entry->d_name[0] == '.' || fd == dirfd(dir)) continue;
        if (getsockname(fd, (struct sockaddr *)&a, &len) != 0) continue;
        if (a.ss_family != AF_INET && a.ss_family != AF_INET6) continue;
        if (port_of(fd) != local_port) continue;
        len = sizeof a;
        if (getpeername(fd, (struct sockaddr *)&a, &len) == 0) {
            if (peer_port != 0 && port_of_peer(fd) == peer_port) found = fd;
        } else if (peer_port == 0) {
            found = fd;
        }
    }
    closedir(dir);
    return found;
}

int library_end(int peer_fd) {
    int fd = fd_of(port_of_peer(peer_fd), port_of(peer_fd));
    CHECK(fd >= 0);
    return fd;
}

void shrink_sending(int fd) {
    int size = 4096;
    CHECK_INT(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size), 0);
}

int count_fds(void) {
    DIR *dir = opendir("/proc/self/fd");
    int n = 0;
    CHECK(dir != NULL);
    while (readdir(dir) != NULL) n++;
    closedir(dir);
    return n - 3; /* ".", ".." and the directory itself */
}

long rss_kib(void) {
    long pages = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    CHECK(file != NULL);
    CHECK_INT(fscanf(file, "%ld %ld", &pages, &resident), 2);
    fclose(file);
    return resident * (sysconf(_SC_PAGESIZE) / 1024);
}
