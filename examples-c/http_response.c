#include "http_response.h"

#include "http_piece.h"

#include <string.h>

void http_response_init(struct http_response *response) {
    memset(response, 0, sizeof *response);
    response->state = HTTP_RESPONSE_HEAD;
}

static enum http_response_state status_line(struct http_response *response, struct http_piece line) {
    if (line.len < 12 || memcmp(line.at, "HTTP/1.", 7) != 0 || line.at[8] != ' ' ||
        (line.len > 12 && line.at[12] != ' '))
        return HTTP_RESPONSE_BAD;
    uint64_t status;
    if (!http_piece_number((struct http_piece){line.at + 9, 3}, &status) || status < 100)
        return HTTP_RESPONSE_BAD;
    response->status = (int)status;
    response->started = true;
    return HTTP_RESPONSE_HEAD;
}

static enum http_response_state field_line(struct http_response *response, struct http_piece line) {
    const char *colon = memchr(line.at, ':', line.len);
    if (colon == NULL)
        return HTTP_RESPONSE_BAD;
    struct http_piece name = {line.at, (size_t)(colon - line.at)};
    struct http_piece value = http_piece_trim(colon + 1, line.len - name.len - 1);
    if (http_piece_is_nocase(name, "Content-Length")) {
        uint64_t length;
        if (!http_piece_number(value, &length) || (response->has_length && length != response->left))
            return HTTP_RESPONSE_BAD;
        response->left = length;
        response->has_length = true;
    } else if (http_piece_is_nocase(name, "Transfer-Encoding")) {
        response->encoded = true;
        response->chunked = http_piece_is_nocase(value, "chunked");
    } else if (http_piece_is_nocase(name, "Location")) {
        if (value.len >= sizeof response->location || memchr(value.at, '\0', value.len) != NULL)
            return HTTP_RESPONSE_BAD;
        memcpy(response->location, value.at, value.len);
        response->location[value.len] = '\0';
    }
    return HTTP_RESPONSE_HEAD;
}

/* What comes after the empty line that ends a head. */
static enum http_response_state head_end(struct http_response *response) {
    if (response->status / 100 == 1) { /* an interim answer; the real one follows */
        response->started = response->chunked = response->encoded = response->has_length = false;
        response->left = 0;
        response->location[0] = '\0';
        return HTTP_RESPONSE_HEAD;
    }
    if (response->status == 204 || response->status == 304)
        return HTTP_RESPONSE_DONE;
    if (response->encoded) /* stronger than a length; other codings were not asked for */
        return response->chunked ? HTTP_RESPONSE_CHUNK_SIZE : HTTP_RESPONSE_BAD;
    if (!response->has_length)
        return HTTP_RESPONSE_UNTIL_CLOSE;
    return response->left > 0 ? HTTP_RESPONSE_LENGTH : HTTP_RESPONSE_DONE;
}

static enum http_response_state chunk_size_line(struct http_response *response, struct http_piece line) {
    uint64_t size = 0;
    size_t digits = 0;
    for (; digits < line.len; digits++) {
        char c = line.at[digits];
        unsigned digit;
        if (c >= '0' && c <= '9')
            digit = (unsigned)(c - '0');
        else if (c >= 'a' && c <= 'f')
            digit = (unsigned)(c - 'a') + 10;
        else if (c >= 'A' && c <= 'F')
            digit = (unsigned)(c - 'A') + 10;
        else
            break;
        if (size >> 60 != 0)
            return HTTP_RESPONSE_BAD;
        size = size * 16 + digit;
    }
    /* An extension may follow; it means nothing to us. */
    if (digits == 0 || (digits < line.len && strchr("; \t", line.at[digits]) == NULL))
        return HTTP_RESPONSE_BAD;
    response->left = size;
    return size > 0 ? HTTP_RESPONSE_CHUNK : HTTP_RESPONSE_TRAILER;
}

static enum http_response_state whole_line(struct http_response *response, struct http_piece line) {
    switch (response->state) {
    case HTTP_RESPONSE_HEAD:
        if (response->on_line != NULL)
            response->on_line(response->user_data, line.at, line.len);
        if (!response->started)
            return status_line(response, line);
        return line.len > 0 ? field_line(response, line) : head_end(response);
    case HTTP_RESPONSE_CHUNK_SIZE:
        return chunk_size_line(response, line);
    case HTTP_RESPONSE_CHUNK_END:
        return line.len == 0 ? HTTP_RESPONSE_CHUNK_SIZE : HTTP_RESPONSE_BAD;
    default: /* trailer */
        return line.len == 0 ? HTTP_RESPONSE_DONE : HTTP_RESPONSE_TRAILER;
    }
}

static void feed_line_byte(struct http_response *response, char byte) {
    bool counted = response->state == HTTP_RESPONSE_HEAD || response->state == HTTP_RESPONSE_TRAILER;
    if (counted && ++response->head_len > HTTP_MAX_RESPONSE_HEAD) {
        response->state = HTTP_RESPONSE_BAD;
        return;
    }
    if (byte == '\n') {
        size_t len = response->line_len;
        if (len > 0 && response->line[len - 1] == '\r')
            len--;
        response->line_len = 0;
        response->state = whole_line(response, (struct http_piece){response->line, len});
    } else if (response->line_len < sizeof response->line) {
        response->line[response->line_len++] = byte;
    } else {
        response->state = HTTP_RESPONSE_BAD;
    }
}

static size_t feed_body(struct http_response *response, const uint8_t *bytes, size_t len) {
    bool limited = response->state != HTTP_RESPONSE_UNTIL_CLOSE;
    if (limited && len > response->left)
        len = (size_t)response->left;
    if (response->on_body != NULL)
        response->on_body(response->user_data, bytes, len);
    if (limited) {
        response->left -= len;
        if (response->left == 0)
            response->state =
                response->state == HTTP_RESPONSE_CHUNK ? HTTP_RESPONSE_CHUNK_END : HTTP_RESPONSE_DONE;
    }
    return len;
}

enum http_response_state http_response_feed(struct http_response *response, const uint8_t *bytes, size_t len) {
    size_t used = 0;
    while (used < len && response->state < HTTP_RESPONSE_DONE) {
        switch (response->state) {
        case HTTP_RESPONSE_LENGTH:
        case HTTP_RESPONSE_UNTIL_CLOSE:
        case HTTP_RESPONSE_CHUNK:
            used += feed_body(response, bytes + used, len - used);
            break;
        default:
            feed_line_byte(response, (char)bytes[used++]);
        }
    }
    return response->state;
}

bool http_response_end(struct http_response *response) {
    if (response->state == HTTP_RESPONSE_UNTIL_CLOSE)
        response->state = HTTP_RESPONSE_DONE;
    return response->state == HTTP_RESPONSE_DONE;
}
