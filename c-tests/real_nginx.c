/* nginx as the server of our client: whole files, compared byte for byte; keep-alive; half-closed
 * requests; a server that goes away (tcp.md 4, 5). */
#include <strings.h>
#include <unistd.h>

#include "harness.h"
#include "real_process.h"

enum { SIZE = 5 << 20 };
static char file[SIZE];
static uint16_t port;

static void start_nginx(void) {
    const char *binary = real_find("nginx");
    const char *dir = real_folder();
    char conf[1024], path[256], prefix[128];
    const char *argv[] = {binary, "-p", prefix, "-c", path, "-e", "stderr", NULL};
    uint32_t x = 1;
    for (size_t n = 0; n < SIZE; n++) {
        x = x * 1664525u + 1013904223u;
        file[n] = (char)(x >> 24);
    }
    real_write("big.bin", file, SIZE);
    real_write("small.txt", "small file\n", 11);
    port = real_port();
    snprintf(conf, sizeof conf,
             "daemon off; master_process off; pid %s/nginx.pid; error_log stderr crit;\n"
             "events { worker_connections 512; }\n"
             "http { access_log off; keepalive_timeout 60; keepalive_requests 100000;\n"
             " client_body_temp_path %s; proxy_temp_path %s; fastcgi_temp_path %s;\n"
             " uwsgi_temp_path %s; scgi_temp_path %s;\n"
             " server { listen 127.0.0.1:%u; root %s; } }\n",
             dir, dir, dir, dir, dir, dir, (unsigned)port, dir);
    real_write("nginx.conf", conf, strlen(conf));
    snprintf(path, sizeof path, "%s/nginx.conf", dir);
    snprintf(prefix, sizeof prefix, "%s/", dir);
    real_start(argv);
    real_wait_listening(port);
}

/* Reads one response with Content-Length; the body goes to *body (freed by the caller). */
struct response {
    char *bytes;
    size_t len, cap, at;
};

static void more(fx *f, int32_t id, struct response *r) {
    const ev *e = await_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE, id);
    if (r->len + e->len + 1 > r->cap) {
        r->cap = (r->len + e->len + 1) * 2;
        r->bytes = realloc(r->bytes, r->cap);
        CHECK(r->bytes != NULL);
    }
    memcpy(r->bytes + r->len, e->data, e->len);
    r->len += e->len;
    r->bytes[r->len] = 0;
    if (f->len > 2048) fx_compact(f);
}

static void expect_body(fx *f, int32_t id, struct response *r, const void *want, size_t len) {
    char *head_end = NULL, *length;
    while (r->bytes == NULL || (head_end = strstr(r->bytes + r->at, "\r\n\r\n")) == NULL) more(f, id, r);
    CHECK(strncmp(r->bytes + r->at, "HTTP/1.1 200", 12) == 0);
    length = strcasestr(r->bytes + r->at, "\r\nContent-Length: ");
    CHECK(length != NULL && length < head_end);
    CHECK_INT(atol(length + 18), len);
    r->at = (size_t)(head_end - r->bytes) + 4;
    while (r->len - r->at < len) more(f, id, r);
    CHECK_MEM(r->bytes + r->at, len, want, len);
    r->at += len;
}

static const char get_big[] = "GET /big.bin HTTP/1.1\r\nHost: test\r\n\r\n";
static const char get_small[] = "GET /small.txt HTTP/1.1\r\nHost: test\r\n\r\n";
static const char get_last[] = "GET /small.txt HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n";

static int32_t open_connection(fx *f, int32_t buffer_size) {
    chrome_sockets_tcp_properties p =
        tcp_props(buffer_size ? CHROME_SOCKETS_TCP_PROPERTIES_BUFFER_SIZE : 0, NULL, buffer_size, 0);
    int32_t id;
    IS_OK(tcp_create(f, &p, &id));
    IS_OK0(tcp_connect(f, id, "127.0.0.1", port));
    return id;
}

static void a_large_file(fx *f) {
    static const int32_t sizes[] = {0, 65536};
    for (size_t n = 0; n < 2; n++) {
        struct response r = {NULL, 0, 0, 0};
        int32_t id = open_connection(f, sizes[n]);
        IS_SENT(tcp_send(f, id, get_big, sizeof get_big - 1), sizeof get_big - 1);
        expect_body(f, id, &r, file, SIZE);
        CHECK_INT(r.at, r.len);
        free(r.bytes);
        close_tcp(f, id, 1);
    }
}

/* Pipelined requests on one connection, pausing in between; the last one ends it. */
static void keep_alive_and_pauses(fx *f) {
    struct response r = {NULL, 0, 0, 0};
    int32_t id = open_connection(f, 0);
    for (int n = 0; n < 50; n++) tcp_send(f, id, get_small, sizeof get_small - 1);
    for (int n = 0; n < 50; n++) {
        if (n % 10 == 0) {
            IS_OK(tcp_set_paused(f, id, 1));
            IS_OK(tcp_set_paused(f, id, 0));
        }
        expect_body(f, id, &r, "small file\n", 11);
    }
    tcp_send(f, id, get_last, sizeof get_last - 1);
    expect_body(f, id, &r, "small file\n", 11);
    receive_error(f, id, CHROMESOCK_CONNECTION_CLOSED); /* */
    CHECK_INT(r.at, r.len);
    free(r.bytes);
}

static void many_clients(fx *f) {
    enum { CLIENTS = 100 };
    int32_t id[CLIENTS];
    for (int n = 0; n < CLIENTS; n++) id[n] = open_connection(f, 0);
    for (int n = 0; n < CLIENTS; n++) tcp_send(f, id[n], get_last, sizeof get_last - 1);
    for (int n = 0; n < CLIENTS; n++) {
        struct response r = {NULL, 0, 0, 0};
        expect_body(f, id[n], &r, "small file\n", 11);
        receive_error(f, id[n], CHROMESOCK_CONNECTION_CLOSED);
        free(r.bytes);
    }
}

int main(int argc, char **argv) {
    harness_init(argc, argv);
    start_nginx();
    RUN_ALL_MODES(a_large_file);
    RUN_ALL_MODES(keep_alive_and_pauses);
    RUN_ALL_MODES(many_clients);
    return harness_finish();
}
