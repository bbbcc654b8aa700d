/* http_piece: looks at parts of a text where they are, as of the lines and fields of HTTP. Nothing is copied. */
#ifndef EXAMPLES_HTTP_PIECE_H
#define EXAMPLES_HTTP_PIECE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_piece {
    const char *at; /* NULL = there is none */
    size_t len;
};

bool http_piece_is(struct http_piece piece, const char *text); /* exact */
bool http_piece_is_nocase(struct http_piece piece, const char *text);
bool http_piece_starts_nocase(struct http_piece piece, const char *text);
/* Is `token` one of the elements of a comma-separated list? Case does not matter. */
bool http_piece_has_token(struct http_piece list, const char *token);
/* Decimal digits only, nothing else; false if not so or too large. */
bool http_piece_number(struct http_piece piece, uint64_t *number);
/* Takes spaces and tabs off both ends. */
struct http_piece http_piece_trim(const char *at, size_t len);
/* Takes one line off the front, without its CR LF (a lone LF will do). False: no whole line is there. */
bool http_piece_take_line(struct http_piece *rest, struct http_piece *line);

#endif
