/* The HTTP parts of httpd and fetch, without a network. */
#define _XOPEN_SOURCE 700
#include "http_files.h"
#include "http_request.h"
#include "http_response.h"
#include "http_url.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int failures;

static void check_number(long long got, long long want, const char *what, int line) {
    if (got != want) {
        fprintf(stderr, "line %d: %s is %lld, not %lld\n", line, what, got, want);
        failures++;
    }
}

static void check_text(const char *got, const char *want, const char *what, int line) {
    if (strcmp(got, want) != 0) {
        fprintf(stderr, "line %d: %s is \"%s\", not \"%s\"\n", line, what, got, want);
        failures++;
    }
}

#define NUMBER(got, want) check_number((long long)(got), (long long)(want), #got, __LINE__)
#define TEXT(got, want) check_text((got), (want), #got, __LINE__)

/* ---- requests ---- */

static int verdict(const char *head) {
    struct http_request request;
    size_t used;
    return http_request_parse(head, strlen(head), &request, &used);
}

static void refuses_what_is_not_a_request(void) {
    static const struct {
        const char *head;
        int status;
    } cases[] = {
        {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 200},
        {"GET / HTTP/1.1\nHost: a\n\n", 200},
        {"\r\n\r\nHEAD / HTTP/1.0\r\n\r\n", 200},
        {"GET / HTTP/1.1\r\nHost: a\r\n", HTTP_NEED_MORE},
        {"GET", HTTP_NEED_MORE},
        {"GET / HTTP/1.1\r\n\r\n", 400},                                     /* no Host */
        {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},               /* two of them */
        {"GET /\r\n\r\n", 400},                                              /* HTTP/0.9 */
        {"GET / HTTP/2.0\r\n\r\n", 505},
        {"GET / HTTP/1.x\r\n\r\n", 400},
        {"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"G(T / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400},                         /* space before the colon */
        {"GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n", 400},                    /* a bare CR */
        {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 501},
        {"POST / HTTP/1.1\r\nHost: a\r\n\r\n", 405},
        {"BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 501},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int status = verdict(cases[i].head);
        if (status != cases[i].status) {
            fprintf(stderr, "status %d, not %d, for:\n%s\n", status, cases[i].status, cases[i].head);
            failures++;
        }
    }
    static const char nul[] = "GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n";
    struct http_request request;
    size_t used;
    NUMBER(http_request_parse(nul, sizeof nul - 1, &request, &used), 400);
}

static void bounds_the_head(void) {
    static char head[2 * HTTP_MAX_HEAD];
    int len = snprintf(head, sizeof head, "GET / HTTP/1.1\r\nHost: a\r\nX: ");
    memset(head + len, 'x', sizeof head - (size_t)len);
    struct http_request request;
    size_t used;
    NUMBER(http_request_parse(head, HTTP_MAX_HEAD - 1, &request, &used), HTTP_NEED_MORE);
    NUMBER(http_request_parse(head, HTTP_MAX_HEAD, &request, &used), 431);
    memcpy(head + HTTP_MAX_HEAD - 4, "\r\n\r\n", 4); /* exactly as long as allowed */
    NUMBER(http_request_parse(head, HTTP_MAX_HEAD, &request, &used), 200);
    NUMBER(used, HTTP_MAX_HEAD);
}

static bool kept(const char *head) {
    struct http_request request;
    size_t used;
    NUMBER(http_request_parse(head, strlen(head), &request, &used), 200);
    return request.keep_alive;
}

static void keeps_connections_by_the_rules(void) {
    NUMBER(kept("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), true);
    NUMBER(kept("GET / HTTP/1.1\r\nHost: a\r\nConnection: Close\r\n\r\n"), false);
    NUMBER(kept("GET / HTTP/1.1\r\nHost: a\r\nConnection: x , close\r\n\r\n"), false);
    NUMBER(kept("GET / HTTP/1.0\r\n\r\n"), false);
    NUMBER(kept("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"), true);
    NUMBER(kept("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"), true);
    /* The body is not read, so nothing after it may be taken for a request. */
    NUMBER(kept("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"), false);
}

static void takes_pipelined_heads_one_by_one(void) {
    static const char two[] = "GET /a HTTP/1.1\r\nHost: h\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n";
    struct http_request request;
    size_t used = 0;
    NUMBER(http_request_parse(two, sizeof two - 1, &request, &used), 200);
    NUMBER(http_piece_is(request.target, "/a"), true);
    NUMBER(http_request_parse(two + used, sizeof two - 1 - used, &request, &used), 200);
    NUMBER(http_piece_is(request.target, "/b"), true);
}

/* ---- paths and ranges ---- */

static int decode(const char *target, char *path, size_t capacity) {
    return http_path_decode((struct http_piece){target, strlen(target)}, path, capacity);
}

static void never_leaves_the_folder(void) {
    char path[64];
    NUMBER(decode("/a%20b//c?x=../y", path, sizeof path), 200);
    TEXT(path, "a b/c");
    NUMBER(decode("http://h/a", path, sizeof path), 200);
    TEXT(path, "a");
    NUMBER(decode("/", path, sizeof path), 200);
    TEXT(path, "");
    NUMBER(decode("/a..b/c.", path, sizeof path), 200);
    static const char *const hidden[] = {"/..", "/../x", "/a/../../x", "/%2e%2e/x", "/%2E./x", "/.%2e/x",
                                         "/a%2f..%2f..%2fx", "//../x", "/.", "/.git/config", "http://h/../x"};
    for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++)
        if (decode(hidden[i], path, sizeof path) != 404) {
            fprintf(stderr, "%s is not refused\n", hidden[i]);
            failures++;
        }
    NUMBER(decode("/a%00b", path, sizeof path), 400);
    NUMBER(decode("/a%2", path, sizeof path), 400);
    NUMBER(decode("/a%zz", path, sizeof path), 400);
    NUMBER(decode("a", path, sizeof path), 400);
    NUMBER(decode("*", path, sizeof path), 400);
    NUMBER(decode("http://h", path, sizeof path), 400);
    NUMBER(decode("/123456", path, 7), 200); /* six bytes and the NUL */
    NUMBER(decode("/1234567", path, 7), 414);
}

static void range_is(const char *text, uint64_t size, int status, uint64_t first, uint64_t last) {
    uint64_t got_first = 0, got_last = 0;
    int got = http_range_parse((struct http_piece){text, strlen(text)}, size, &got_first, &got_last);
    if (got != status || (status == 206 && (got_first != first || got_last != last))) {
        fprintf(stderr, "%s of %llu: %d %llu-%llu\n", text, (unsigned long long)size, got,
                (unsigned long long)got_first, (unsigned long long)got_last);
        failures++;
    }
}

static void cuts_ranges(void) {
    range_is("bytes=0-0", 10, 206, 0, 0);
    range_is("bytes=2-5", 10, 206, 2, 5);
    range_is("bytes=2-", 10, 206, 2, 9);
    range_is("bytes=2-99", 10, 206, 2, 9);
    range_is("bytes=9-9", 10, 206, 9, 9);
    range_is("bytes=-3", 10, 206, 7, 9);
    range_is("bytes=-99", 10, 206, 0, 9);
    range_is("bytes=10-", 10, 416, 0, 0);
    range_is("bytes=-0", 10, 416, 0, 0);
    range_is("bytes=0-", 0, 416, 0, 0);
    range_is("bytes=-1", 0, 416, 0, 0);
    range_is("bytes=5-2", 10, 200, 0, 0);
    range_is("bytes=0-1,4-5", 10, 200, 0, 0);
    range_is("bytes=-", 10, 200, 0, 0);
    range_is("bytes=a-b", 10, 200, 0, 0);
    range_is("lines=0-1", 10, 200, 0, 0);
    range_is("bytes=0-18446744073709551615", 10, 206, 0, 9);
    range_is("bytes=0-18446744073709551616", 10, 200, 0, 0);
}

/* ---- a real folder ---- */

static char root[PATH_MAX];

static void write_file(const char *name, const char *content) {
    char path[PATH_MAX + 256];
    snprintf(path, sizeof path, "%s/%s", root, name);
    FILE *file = fopen(path, "wb");
    if (file == NULL || fputs(content, file) < 0 || fclose(file) != 0) {
        perror(path);
        exit(2);
    }
}

/* The whole reply as one string, taken in pieces of `step` bytes. */
static const char *reply_to(const char *head, size_t step) {
    static char all[65536];
    size_t len = 0;
    ssize_t got;
    struct http_request request;
    struct http_reply reply;
    size_t used;
    if (http_request_parse(head, strlen(head), &request, &used) != 200)
        return "not accepted";
    http_files_answer(root, &request, &reply);
    while (!http_reply_done(&reply) && (got = http_reply_take(&reply, all + len, step)) > 0)
        len += (size_t)got;
    http_reply_free(&reply);
    all[len] = '\0';
    return all;
}

static void reply_has(const char *head, const char *start, const char *part, int line) {
    const char *reply = reply_to(head, 7);
    if (strncmp(reply, start, strlen(start)) != 0 || (part != NULL && strstr(reply, part) == NULL)) {
        fprintf(stderr, "line %d: the reply is not %s … %s but:\n%s\n", line, start, part, reply);
        failures++;
    }
}

#define REPLY(method_and_target, fields, start, part) \
    reply_has(method_and_target " HTTP/1.1\r\nHost: h\r\n" fields "\r\n", start, part, __LINE__)

static void answers_from_a_folder(void) {
    char scratch[] = "/tmp/test_http.XXXXXX", command[PATH_MAX + 64], path[PATH_MAX + 256];
    if (mkdtemp(scratch) == NULL) {
        perror(scratch);
        exit(2);
    }
    snprintf(path, sizeof path, "%s/root", scratch);
    mkdir(path, 0755);
    if (!http_files_root(path, root, sizeof root))
        exit(2);
    write_file("ten.txt", "0123456789");
    write_file("<b>&\"'.txt", "x");
    write_file("a:b%.txt", "odd");
    write_file(".hidden", "no");
    write_file("../secret", "no");
    snprintf(path, sizeof path, "%s/empty dir", root);
    mkdir(path, 0755);
    snprintf(path, sizeof path, "%s/with", root);
    mkdir(path, 0755);
    write_file("with/index.html", "<p>index");
    snprintf(path, sizeof path, "%s/out", root);
    NUMBER(symlink("../secret", path), 0);
    snprintf(path, sizeof path, "%s/in", root);
    NUMBER(symlink("ten.txt", path), 0);
    snprintf(path, sizeof path, "%s/up", root);
    NUMBER(symlink("..", path), 0);
    snprintf(path, sizeof path, "%s/pipe", root);
    NUMBER(mkfifo(path, 0600), 0);

    REPLY("GET /ten.txt", "", "HTTP/1.1 200 OK\r\n", "\r\n\r\n0123456789");
    REPLY("GET /ten.txt", "", "HTTP/1.1 200 OK\r\n", "Content-Length: 10\r\n");
    REPLY("GET /ten.txt", "Range: bytes=2-4\r\n", "HTTP/1.1 206 ", "\r\n\r\n234");
    REPLY("GET /ten.txt", "Range: bytes=-3\r\n", "HTTP/1.1 206 ", "Content-Range: bytes 7-9/10\r\n");
    REPLY("GET /ten.txt", "Range: bytes=10-\r\n", "HTTP/1.1 416 ", "Content-Range: bytes */10\r\n");
    REPLY("GET /ten.txt", "Range: bytes=2-4,6-7\r\n", "HTTP/1.1 200 ", "\r\n\r\n0123456789");
    REPLY("GET /ten.txt", "Range: bytes=2-4\r\nIf-Range: \"x\"\r\n", "HTTP/1.1 200 ", "0123456789");
    REPLY("GET /in", "", "HTTP/1.1 200 ", "0123456789");
    REPLY("GET /a:b%25.txt", "", "HTTP/1.1 200 ", "odd");
    REPLY("GET /with/", "", "HTTP/1.1 200 ", "<p>index");
    REPLY("GET //with", "", "HTTP/1.1 301 ", "Location: /with/\r\n");
    REPLY("GET /empty%20dir", "", "HTTP/1.1 301 ", "Location: /empty%20dir/\r\n");
    REPLY("GET /", "", "HTTP/1.1 200 ", "&lt;b&gt;&amp;&quot;&#39;.txt");
    REPLY("GET /", "", "HTTP/1.1 200 ", "href=\"./a%3Ab%25.txt\"");
    REPLY("GET /empty%20dir/", "", "HTTP/1.1 200 ", "<a href=\"../\">");
    REPLY("GET /out", "", "HTTP/1.1 404 ", NULL);
    REPLY("GET /up/secret", "", "HTTP/1.1 404 ", NULL);
    REPLY("GET /up/", "", "HTTP/1.1 404 ", NULL);
    REPLY("GET /pipe", "", "HTTP/1.1 404 ", NULL);
    REPLY("GET /ten.txt/", "", "HTTP/1.1 404 ", NULL);
    REPLY("GET /nothing", "", "HTTP/1.1 404 ", NULL);
    REPLY("GET /.hidden", "", "HTTP/1.1 404 ", NULL);
    NUMBER(strstr(reply_to("GET / HTTP/1.0\r\n\r\n", 1000), "hidden") == NULL, true);
    const char *head_only = reply_to("HEAD /ten.txt HTTP/1.0\r\n\r\n", 1000);
    TEXT(head_only + strlen(head_only) - 4, "\r\n\r\n");
    NUMBER(strstr(head_only, "Content-Length: 10\r\n") != NULL, true);

    /* A date taken from a reply and given back: nothing new. */
    char *modified = strstr(reply_to("HEAD /ten.txt HTTP/1.0\r\n\r\n", 1000), "Last-Modified: ");
    char request[256];
    snprintf(request, sizeof request, "GET /ten.txt HTTP/1.0\r\nIf-Modified-Since: %.29s\r\n\r\n", modified + 15);
    NUMBER(strncmp(reply_to(request, 1000), "HTTP/1.1 304 ", 13), 0);

    /* A file that became shorter than the head promised must not end like a whole one. */
    struct http_request parsed;
    struct http_reply reply;
    size_t used;
    char bytes[4096];
    static const char get[] = "GET /ten.txt HTTP/1.0\r\n\r\n";
    http_request_parse(get, sizeof get - 1, &parsed, &used);
    http_files_answer(root, &parsed, &reply);
    write_file("ten.txt", "0123");
    NUMBER(http_reply_take(&reply, bytes, sizeof bytes), -1);
    http_reply_free(&reply);

    snprintf(command, sizeof command, "rm -rf '%s'", scratch);
    NUMBER(system(command), 0);
}

/* ---- responses and URLs ---- */

struct collected {
    char body[256];
    size_t len;
};

static void collect(void *user_data, const uint8_t *bytes, size_t len) {
    struct collected *collected = user_data;
    if (collected->len + len < sizeof collected->body) {
        memcpy(collected->body + collected->len, bytes, len);
        collected->len += len;
    }
}

/* Feeds the text in pieces of every size, then ends the connection. */
static void response_is(const char *text, bool whole, int status, const char *body, int line) {
    static struct http_response response;
    for (size_t step = 1; step <= strlen(text); step++) {
        struct collected collected = {0};
        http_response_init(&response);
        response.on_body = collect;
        response.user_data = &collected;
        for (size_t at = 0; at < strlen(text); at += step) {
            size_t left = strlen(text) - at;
            http_response_feed(&response, (const uint8_t *)text + at, left < step ? left : step);
        }
        check_number(http_response_end(&response), whole, "whole", line);
        if (!whole)
            continue;
        check_number(response.status, status, "status", line);
        check_text(collected.body, body, "body", line);
    }
}

#define RESPONSE(text, whole, status, body) response_is(text, whole, status, body, __LINE__)

static void reads_responses(void) {
    RESPONSE("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", true, 200, "hello");
    RESPONSE("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloextra", true, 200, "hello");
    RESPONSE("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", true, 200, "");
    RESPONSE("HTTP/1.0 200 OK\r\n\r\nuntil the end", true, 200, "until the end");
    RESPONSE("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 No\r\nContent-Length: 1\r\n\r\nx", true, 404, "x");
    RESPONSE("HTTP/1.1 204 No Content\r\n\r\n", true, 204, "");
    RESPONSE("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nT: v\r\n\r\n",
             true, 200, "abc0123456789");
    /* What is cut short or is not understood must not pass for a whole response. */
    RESPONSE("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", false, 0, "");
    RESPONSE("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n", false, 0, "");
    RESPONSE("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n", false, 0, "");
    RESPONSE("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", false, 0, "");
    RESPONSE("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n11111111111111111\r\n", false, 0, "");
    RESPONSE("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", false, 0, "");
    RESPONSE("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx", false, 0, "");
    RESPONSE("HTTP/1.1 20x OK\r\n\r\n", false, 0, "");
    RESPONSE("SSH-2.0-x\r\n\r\n", false, 0, "");
    RESPONSE("HTTP/1.1 200 OK\r\n", false, 0, "");
}

static void reads_urls(void) {
    struct http_url url, next;
    NUMBER(http_url_parse("http://h", &url) == NULL, true);
    TEXT(url.target, "/");
    NUMBER(url.port, 80);
    NUMBER(http_url_parse("HTTP://[::1]:81?q#f", &url) == NULL, true);
    TEXT(url.host, "::1");
    TEXT(url.authority, "[::1]:81");
    TEXT(url.target, "/?q");
    NUMBER(url.port, 81);
    static const char *const wrong[] = {"https:/h/", "ftp://h/", "h", "http://", "http://:80/", "http://h:0/",
                                        "http://h:65536/", "http://h:x/", "http://u@h/", "http://[::1/",
                                        "http://[::1]x/", "http://h/a b", "http://h/\r\nX: y"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (http_url_parse(wrong[i], &next) == NULL) {
            fprintf(stderr, "%s is accepted\n", wrong[i]);
            failures++;
        }
    NUMBER(http_url_parse("http://h:8/a/b?c", &url) == NULL, true);
    static const struct {
        const char *location, *authority, *target;
    } follow[] = {
        {"/x", "h:8", "/x"},       {"x?y", "h:8", "/a/x?y"},      {"?z", "h:8", "/a/b?z"},
        {"//i/x", "i", "/x"},      {"http://j:9", "j:9", "/"},
    };
    for (size_t i = 0; i < sizeof follow / sizeof *follow; i++) {
        NUMBER(http_url_follow(&url, follow[i].location, &next) == NULL, true);
        TEXT(next.authority, follow[i].authority);
        TEXT(next.target, follow[i].target);
    }
    NUMBER(url.secure, false);
    NUMBER(http_url_follow(&url, "https://h/x", &next) == NULL, true);
    NUMBER(next.secure, true);
    NUMBER(next.port, 443);
    NUMBER(http_url_follow(&next, "y", &url) == NULL, true);
    NUMBER(url.secure, true);
    TEXT(url.target, "/y");
    NUMBER(http_url_follow(&next, "http://h/x", &url) == NULL, false); /* not back to plain text */
}

int main(void) {
    refuses_what_is_not_a_request();
    bounds_the_head();
    keeps_connections_by_the_rules();
    takes_pipelined_heads_one_by_one();
    never_leaves_the_folder();
    cuts_ranges();
    answers_from_a_folder();
    reads_responses();
    reads_urls();
    if (failures > 0)
        fprintf(stderr, "%d failures\n", failures);
    return failures > 0 ? 1 : 0;
}
