#include "http_piece.h"

#include <string.h>

static char lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool http_piece_is(struct http_piece piece, const char *text) {
    return piece.at != NULL && piece.len == strlen(text) && memcmp(piece.at, text, piece.len) == 0;
}

bool http_piece_is_nocase(struct http_piece piece, const char *text) {
    if (piece.at == NULL || piece.len != strlen(text))
        return false;
    for (size_t i = 0; i < piece.len; i++)
        if (lower(piece.at[i]) != lower(text[i]))
            return false;
    return true;
}

struct http_piece http_piece_trim(const char *at, size_t len) {
    while (len > 0 && (*at == ' ' || *at == '\t')) {
        at++;
        len--;
    }
    while (len > 0 && (at[len - 1] == ' ' || at[len - 1] == '\t'))
        len--;
    return (struct http_piece){at, len};
}

bool http_piece_has_token(struct http_piece list, const char *token) {
    size_t start = 0;
    while (list.at != NULL && start < list.len) {
        const char *comma = memchr(list.at + start, ',', list.len - start);
        size_t end = comma != NULL ? (size_t)(comma - list.at) : list.len;
        if (http_piece_is_nocase(http_piece_trim(list.at + start, end - start), token))
            return true;
        start = end + 1;
    }
    return false;
}

bool http_piece_number(struct http_piece piece, uint64_t *number) {
    uint64_t value = 0;
    if (piece.at == NULL || piece.len == 0)
        return false;
    for (size_t i = 0; i < piece.len; i++) {
        if (piece.at[i] < '0' || piece.at[i] > '9')
            return false;
        uint64_t digit = (uint64_t)(piece.at[i] - '0');
        if (value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *number = value;
    return true;
}

bool http_piece_starts_nocase(struct http_piece piece, const char *text) {
    size_t len = strlen(text);
    return piece.len >= len && http_piece_is_nocase((struct http_piece){piece.at, len}, text);
}

bool http_piece_take_line(struct http_piece *rest, struct http_piece *line) {
    const char *end = rest->len > 0 ? memchr(rest->at, '\n', rest->len) : NULL;
    if (end == NULL)
        return false;
    size_t taken = (size_t)(end - rest->at);
    *line = (struct http_piece){rest->at, taken > 0 && end[-1] == '\r' ? taken - 1 : taken};
    rest->at += taken + 1;
    rest->len -= taken + 1;
    return true;
}
