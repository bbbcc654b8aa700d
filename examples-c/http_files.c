#define _XOPEN_SOURCE 700
#include "http_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define DATE_SIZE 32

static const char *reason(int status) {
    switch (status) {
    case 200: return "OK";
    case 206: return "Partial Content";
    case 301: return "Moved Permanently";
    case 304: return "Not Modified";
    case 400: return "Bad Request";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 414: return "URI Too Long";
    case 416: return "Range Not Satisfiable";
    case 431: return "Request Header Fields Too Large";
    case 501: return "Not Implemented";
    case 503: return "Service Unavailable";
    case 505: return "HTTP Version Not Supported";
    default: return "Error";
    }
}

const char *http_content_type(const char *path) {
    static const struct {
        const char *ending, *type;
    } types[] = {
        {"html", "text/html; charset=utf-8"}, {"htm", "text/html; charset=utf-8"},
        {"css", "text/css; charset=utf-8"},   {"js", "text/javascript; charset=utf-8"},
        {"mjs", "text/javascript; charset=utf-8"},
        {"txt", "text/plain; charset=utf-8"}, {"md", "text/plain; charset=utf-8"},
        {"c", "text/plain; charset=utf-8"},   {"h", "text/plain; charset=utf-8"},
        {"rs", "text/plain; charset=utf-8"},  {"toml", "text/plain; charset=utf-8"},
        {"csv", "text/csv; charset=utf-8"},   {"xml", "application/xml"},
        {"json", "application/json"},         {"wasm", "application/wasm"},
        {"pdf", "application/pdf"},           {"zip", "application/zip"},
        {"png", "image/png"},                 {"jpg", "image/jpeg"},
        {"jpeg", "image/jpeg"},               {"gif", "image/gif"},
        {"svg", "image/svg+xml"},             {"webp", "image/webp"},
        {"ico", "image/vnd.microsoft.icon"},  {"woff2", "font/woff2"},
        {"mp3", "audio/mpeg"},                {"mp4", "video/mp4"},
    };
    const char *slash = strrchr(path, '/');
    const char *dot = strrchr(slash != NULL ? slash : path, '.');
    if (dot != NULL)
        for (size_t i = 0; i < sizeof types / sizeof *types; i++)
            if (http_piece_is_nocase((struct http_piece){dot + 1, strlen(dot + 1)}, types[i].ending))
                return types[i].type;
    return "application/octet-stream";
}

static void http_date(time_t when, char out[DATE_SIZE]) {
    struct tm parts;
    if (gmtime_r(&when, &parts) == NULL || /* the program never leaves the C locale: English names */
        strftime(out, DATE_SIZE, "%a, %d %b %Y %H:%M:%S GMT", &parts) == 0)
        out[0] = '\0';
}

static void begin_head(struct http_reply *reply, int status, uint64_t length, const char *type) {
    char date[DATE_SIZE];
    http_date(time(NULL), date);
    reply->status = status;
    text_print(&reply->text, "HTTP/1.1 %d %s\r\nDate: %s\r\nConnection: %s\r\n", status, reason(status), date,
               reply->keep_alive ? "keep-alive" : "close");
    if (type != NULL) /* NULL: 304, which describes no content */
        text_print(&reply->text, "Content-Type: %s\r\nContent-Length: %llu\r\nX-Content-Type-Options: nosniff\r\n",
                   type, (unsigned long long)length);
}

static void init_reply(struct http_reply *reply, bool keep_alive) {
    memset(reply, 0, sizeof *reply);
    reply->file = -1;
    reply->keep_alive = keep_alive;
}

/* `field` is NULL or one more head line with its CR LF. */
static void refuse_with(struct http_reply *reply, int status, bool head_only, const char *field) {
    char body[128];
    int len = snprintf(body, sizeof body, "%d %s\n", status, reason(status));
    begin_head(reply, status, (uint64_t)len, "text/plain; charset=utf-8");
    if (field != NULL)
        text_print(&reply->text, "%s", field);
    text_print(&reply->text, "\r\n%s", head_only ? "" : body);
}

void http_reply_refuse(struct http_reply *reply, int status, bool head_only) {
    init_reply(reply, false);
    refuse_with(reply, status, head_only, status == 405 ? "Allow: GET, HEAD\r\n" : NULL);
}

static int hex_digit(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

int http_path_decode(struct http_piece target, char *path, size_t capacity) {
    if (target.len > 7 && memcmp(target.at, "http://", 7) == 0) { /* the form proxies use */
        const char *slash = memchr(target.at + 7, '/', target.len - 7);
        if (slash == NULL)
            return 400;
        target.len -= (size_t)(slash - target.at);
        target.at = slash;
    }
    if (target.len == 0 || target.at[0] != '/')
        return 400;
    size_t len = 0;
    for (size_t i = 0; i < target.len && target.at[i] != '?'; i++) {
        char c = target.at[i];
        if (c == '%') {
            int high = i + 2 < target.len ? hex_digit(target.at[i + 1]) : -1;
            int low = i + 2 < target.len ? hex_digit(target.at[i + 2]) : -1;
            if (high < 0 || low < 0)
                return 400;
            c = (char)(high * 16 + low);
            i += 2;
        }
        if (c == '\0' || target.at[i] == '#')
            return 400;
        bool at_start = len == 0 || path[len - 1] == '/';
        if (c == '/' && at_start)
            continue;
        if (c == '.' && at_start) /* "..", "." and hidden files, judged after decoding */
            return 404;
        if (len + 1 >= capacity)
            return 414;
        path[len++] = c;
    }
    path[len] = '\0';
    return 200;
}

int http_range_parse(struct http_piece range, uint64_t size, uint64_t *first, uint64_t *last) {
    static const char unit[] = "bytes=";
    size_t unit_len = sizeof unit - 1;
    if (range.at == NULL || range.len <= unit_len || memcmp(range.at, unit, unit_len) != 0)
        return 200;
    struct http_piece spec = http_piece_trim(range.at + unit_len, range.len - unit_len);
    const char *dash = spec.len > 0 ? memchr(spec.at, '-', spec.len) : NULL;
    if (dash == NULL)
        return 200;
    struct http_piece from = {spec.at, (size_t)(dash - spec.at)};
    struct http_piece to = {dash + 1, spec.len - from.len - 1};
    uint64_t number;
    if (from.len == 0) { /* the last so many bytes */
        if (!http_piece_number(to, &number))
            return 200;
        if (number == 0 || size == 0)
            return 416;
        *first = number < size ? size - number : 0;
        *last = size - 1;
        return 206;
    }
    /* Several ranges at once, or nonsense: a server may answer with the whole. */
    if (!http_piece_number(from, first) || (to.len > 0 && !http_piece_number(to, last)))
        return 200;
    if (to.len > 0 && *last < *first)
        return 200;
    if (*first >= size)
        return 416;
    if (to.len == 0 || *last >= size)
        *last = size - 1;
    return 206;
}

bool http_files_root(const char *folder, char *root, size_t capacity) {
    char resolved[PATH_MAX];
    struct stat about;
    if (realpath(folder, resolved) == NULL || stat(resolved, &about) != 0)
        return false;
    if (!S_ISDIR(about.st_mode)) {
        errno = ENOTDIR;
        return false;
    }
    if (strcmp(resolved, "/") == 0)
        resolved[0] = '\0';
    if (strlen(resolved) >= capacity) {
        errno = ENAMETOOLONG;
        return false;
    }
    strcpy(root, resolved);
    return true;
}

/* Opens what the path leads to, if that lies under the root after all links are followed. -1: no. */
static int open_under(const char *root, const char *path, struct stat *about) {
    char joined[2 * PATH_MAX], resolved[PATH_MAX];
    int len = snprintf(joined, sizeof joined, "%s/%s", root, path);
    if (len < 0 || (size_t)len >= sizeof joined) {
        errno = ENAMETOOLONG;
        return -1;
    }
    if (realpath(joined, resolved) == NULL)
        return -1;
    size_t root_len = strlen(root);
    if (strncmp(resolved, root, root_len) != 0 || (resolved[root_len] != '/' && resolved[root_len] != '\0')) {
        errno = EACCES;
        return -1;
    }
    /* O_NONBLOCK: opening a named pipe must not stop the server. */
    int file = open(resolved, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (file >= 0 && fstat(file, about) != 0) {
        close(file);
        return -1;
    }
    return file;
}

static void add_url_text(struct text *text, const char *path) {
    for (; *path != '\0'; path++) {
        unsigned char c = (unsigned char)*path;
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr("-._~/", c) != NULL)
            text_add(text, path, 1);
        else
            text_print(text, "%%%02X", (unsigned)c);
    }
}

static void add_html_text(struct text *text, const char *raw) {
    for (; *raw != '\0'; raw++) {
        switch (*raw) {
        case '&': text_print(text, "&amp;"); break;
        case '<': text_print(text, "&lt;"); break;
        case '>': text_print(text, "&gt;"); break;
        case '"': text_print(text, "&quot;"); break;
        case '\'': text_print(text, "&#39;"); break;
        default: text_add(text, raw, 1);
        }
    }
}

static int visible(const struct dirent *entry) {
    return entry->d_name[0] != '.';
}

static void add_list_line(struct text *page, const char *name, const struct stat *about) {
    const char *slash = S_ISDIR(about->st_mode) ? "/" : "";
    text_print(page, "<li><a href=\"./"); /* "./": a name like "a:b" is not a scheme */
    add_url_text(page, name);
    text_print(page, "%s\">", slash);
    add_html_text(page, name);
    text_print(page, "%s</a>", slash);
    if (S_ISREG(about->st_mode))
        text_print(page, " %lld bytes", (long long)about->st_size);
    text_print(page, "</li>\n");
}

static void answer_list(const char *root, const char *path, int folder, bool head_only, struct http_reply *reply) {
    char joined[2 * PATH_MAX];
    struct dirent **entries = NULL;
    struct text page = {0};
    snprintf(joined, sizeof joined, "%s/%s", root, path);
    int count = scandir(joined, &entries, visible, alphasort);
    if (count < 0) {
        refuse_with(reply, errno == EMFILE || errno == ENFILE ? 503 : 404, head_only, NULL);
        return;
    }
    text_print(&page, "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"><title>/");
    add_html_text(&page, path);
    text_print(&page, "</title></head>\n<body><h1>/");
    add_html_text(&page, path);
    text_print(&page, "</h1>\n<ul>\n");
    if (path[0] != '\0')
        text_print(&page, "<li><a href=\"../\">../</a></li>\n");
    for (int i = 0; i < count; i++) {
        struct stat about;
        if (fstatat(folder, entries[i]->d_name, &about, 0) == 0)
            add_list_line(&page, entries[i]->d_name, &about);
        free(entries[i]);
    }
    free(entries);
    text_print(&page, "</ul></body></html>\n");
    begin_head(reply, 200, page.len, "text/html; charset=utf-8");
    text_print(&reply->text, "\r\n");
    if (!head_only)
        text_add(&reply->text, page.at, page.len);
    reply->text.failed |= page.failed;
    text_free(&page);
}

/* Takes over `file`. */
static void answer_file(const char *path, int file, const struct stat *about, const struct http_request *request,
                        struct http_reply *reply) {
    char modified[DATE_SIZE];
    uint64_t size = (uint64_t)about->st_size, first = 0, last = 0;
    http_date(about->st_mtime, modified);
    int status = 200;
    if (http_piece_is(request->if_modified_since, modified))
        status = 304;
    else if (!request->head_only && (request->if_range.at == NULL || http_piece_is(request->if_range, modified)))
        status = http_range_parse(request->range, size, &first, &last);
    if (status == 416) {
        char field[64];
        snprintf(field, sizeof field, "Content-Range: bytes */%llu\r\n", (unsigned long long)size);
        refuse_with(reply, status, false, field);
        close(file);
        return;
    }
    if (status != 206) {
        first = 0;
        last = size - 1; /* not used if the size is 0 */
    }
    uint64_t length = size > 0 ? last - first + 1 : 0;
    begin_head(reply, status, length, status == 304 ? NULL : http_content_type(path));
    if (status == 206)
        text_print(&reply->text, "Content-Range: bytes %llu-%llu/%llu\r\n", (unsigned long long)first,
                   (unsigned long long)last, (unsigned long long)size);
    text_print(&reply->text, "Last-Modified: %s\r\nAccept-Ranges: bytes\r\n\r\n", modified);
    if (request->head_only || status == 304 || length == 0) {
        close(file);
        return;
    }
    reply->file = file;
    reply->file_offset = (off_t)first;
    reply->file_left = length;
}

static void answer_moved(const char *path, bool head_only, struct http_reply *reply) {
    struct text field = {0};
    text_print(&field, "Location: /");
    add_url_text(&field, path);
    text_print(&field, "/\r\n");
    refuse_with(reply, 301, head_only, field.failed ? NULL : field.at);
    reply->text.failed |= field.failed;
    text_free(&field);
}

void http_files_answer(const char *root, const struct http_request *request, struct http_reply *reply) {
    char path[PATH_MAX];
    struct stat about;
    init_reply(reply, request->keep_alive);
    int status = http_path_decode(request->target, path, sizeof path);
    if (status != 200) {
        refuse_with(reply, status, request->head_only, NULL);
        return;
    }
    int file = open_under(root, path, &about);
    if (file < 0) {
        refuse_with(reply, errno == EMFILE || errno == ENFILE ? 503 : 404, request->head_only, NULL);
        return;
    }
    size_t len = strlen(path);
    if (S_ISREG(about.st_mode)) {
        answer_file(path, file, &about, request, reply);
        return;
    }
    if (!S_ISDIR(about.st_mode)) {
        refuse_with(reply, 404, request->head_only, NULL);
    } else if (len > 0 && path[len - 1] != '/') {
        answer_moved(path, request->head_only, reply);
    } else {
        static const char index_name[] = "index.html";
        struct stat index_about;
        int index = -1;
        if (len + sizeof index_name <= sizeof path) {
            memcpy(path + len, index_name, sizeof index_name);
            index = open_under(root, path, &index_about);
        }
        if (index >= 0 && S_ISREG(index_about.st_mode)) {
            answer_file(path, index, &index_about, request, reply);
        } else {
            if (index >= 0)
                close(index);
            path[len] = '\0';
            answer_list(root, path, file, request->head_only, reply);
        }
    }
    close(file);
}

ssize_t http_reply_take(struct http_reply *reply, char *buffer, size_t capacity) {
    size_t len = reply->text.len - reply->text_used;
    if (len > capacity)
        len = capacity;
    if (len > 0)
        memcpy(buffer, reply->text.at + reply->text_used, len);
    reply->text_used += len;
    while (len < capacity && reply->file_left > 0) {
        size_t want = capacity - len;
        if (want > reply->file_left)
            want = (size_t)reply->file_left;
        ssize_t got = pread(reply->file, buffer + len, want, reply->file_offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return -1;
        len += (size_t)got;
        reply->file_offset += got;
        reply->file_left -= (uint64_t)got;
    }
    return (ssize_t)len;
}

bool http_reply_done(const struct http_reply *reply) {
    return reply->text_used == reply->text.len && reply->file_left == 0;
}

void http_reply_free(struct http_reply *reply) {
    text_free(&reply->text);
    if (reply->file >= 0)
        close(reply->file);
    reply->file = -1;
    reply->text_used = 0;
    reply->file_left = 0;
}
