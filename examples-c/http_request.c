#include "http_request.h"

#include <string.h>

/* The characters RFC 9110 allows in methods and field names. */
static bool is_token(struct http_piece piece) {
    for (size_t i = 0; i < piece.len; i++) {
        char c = piece.at[i];
        bool letter_or_digit = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter_or_digit && (c == '\0' || strchr("!#$%&'*+-.^_`|~", c) == NULL))
            return false;
    }
    return piece.len > 0;
}

static int parse_request_line(struct http_piece line, struct http_request *request) {
    const char *first = memchr(line.at, ' ', line.len);
    if (first == NULL)
        return 400;
    size_t rest = line.len - (size_t)(first - line.at) - 1;
    const char *second = memchr(first + 1, ' ', rest);
    if (second == NULL)
        return 400;
    struct http_piece method = {line.at, (size_t)(first - line.at)};
    struct http_piece target = {first + 1, (size_t)(second - first - 1)};
    struct http_piece version = {second + 1, line.len - (size_t)(second + 1 - line.at)};
    if (!is_token(method) || target.len == 0)
        return 400;
    for (size_t i = 0; i < target.len; i++)
        if (target.at[i] <= ' ' || target.at[i] > '~')
            return 400;
    if (version.len != 8 || memcmp(version.at, "HTTP/", 5) != 0 || version.at[6] != '.' ||
        version.at[5] < '0' || version.at[5] > '9' || version.at[7] < '0' || version.at[7] > '9')
        return 400;
    if (version.at[5] != '1')
        return 505;
    request->method = method;
    request->target = target;
    request->old = version.at[7] == '0';
    request->head_only = http_piece_is(method, "HEAD");
    return 200;
}

struct fields {
    bool close, keep_alive, body, encoded;
    int hosts, lengths;
    uint64_t length;
};

static int parse_field(struct http_piece line, struct http_request *request, struct fields *fields) {
    const char *colon = memchr(line.at, ':', line.len);
    if (colon == NULL)
        return 400;
    struct http_piece name = {line.at, (size_t)(colon - line.at)};
    struct http_piece value = http_piece_trim(colon + 1, line.len - name.len - 1);
    /* A folded line, or a space before the colon, would be read differently by different programs. */
    if (!is_token(name))
        return 400;
    for (size_t i = 0; i < value.len; i++)
        if (value.at[i] == '\0' || value.at[i] == '\r')
            return 400;
    if (http_piece_is_nocase(name, "Connection")) {
        fields->close |= http_piece_has_token(value, "close");
        fields->keep_alive |= http_piece_has_token(value, "keep-alive");
    } else if (http_piece_is_nocase(name, "Host")) {
        fields->hosts++;
    } else if (http_piece_is_nocase(name, "Content-Length")) {
        uint64_t length;
        if (!http_piece_number(value, &length) || (fields->lengths++ > 0 && length != fields->length))
            return 400;
        fields->length = length;
        fields->body |= length > 0;
    } else if (http_piece_is_nocase(name, "Transfer-Encoding")) {
        fields->encoded = true;
    } else if (http_piece_is_nocase(name, "Range")) {
        request->range = value;
    } else if (http_piece_is_nocase(name, "If-Range")) {
        request->if_range = value;
    } else if (http_piece_is_nocase(name, "If-Modified-Since")) {
        request->if_modified_since = value;
    }
    return 200;
}

/* GET and HEAD are served; the other methods HTTP itself defines are known but not allowed here. */
static int judge_method(struct http_piece method) {
    static const char *const known[] = {"POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"};
    if (http_piece_is(method, "GET") || http_piece_is(method, "HEAD"))
        return 200;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (http_piece_is(method, known[i]))
            return 405;
    return 501;
}

int http_request_parse(const char *bytes, size_t len, struct http_request *request, size_t *used) {
    memset(request, 0, sizeof *request);
    /* The limit holds for what is looked at, so a head that never ends is refused in time. */
    struct http_piece rest = {bytes, len < HTTP_MAX_HEAD ? len : HTTP_MAX_HEAD}, line;
    int incomplete = len < HTTP_MAX_HEAD ? HTTP_NEED_MORE : 431;
    do { /* empty lines before a request are a known habit of old clients */
        if (!http_piece_take_line(&rest, &line))
            return incomplete;
    } while (line.len == 0);
    int status = parse_request_line(line, request);
    if (status != 200)
        return status;
    struct fields fields = {0};
    for (;;) {
        if (!http_piece_take_line(&rest, &line))
            return incomplete;
        if (line.len == 0)
            break;
        status = parse_field(line, request, &fields);
        if (status != 200)
            return status;
    }
    if (fields.hosts > 1 || (!request->old && fields.hosts == 0))
        return 400;
    if (fields.encoded)
        return 501;
    status = judge_method(request->method);
    if (status != 200)
        return status;
    /* A body is not read, so what follows this head must never be taken for a request. */
    request->keep_alive = !fields.body && !fields.close && (!request->old || fields.keep_alive);
    *used = (size_t)(rest.at - bytes);
    return 200;
}
