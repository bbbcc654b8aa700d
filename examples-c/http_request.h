/* http_request: reads the head of an HTTP/1.x request. No sockets in here: bytes in, a verdict out. */
#ifndef EXAMPLES_HTTP_REQUEST_H
#define EXAMPLES_HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_MAX_HEAD 16384u /* longer heads are answered with 431 */

/* A piece of the bytes given to http_request_parse; valid as long as they are. */
struct http_piece {
    const char *at; /* NULL = the request has no such field */
    size_t len;
};

struct http_request {
    struct http_piece method, target, range, if_range, if_modified_since;
    bool head_only;  /* the method is HEAD */
    bool old;        /* HTTP/1.0 */
    bool keep_alive; /* the client wants to go on with this connection */
};

#define HTTP_NEED_MORE 0

/* Returns HTTP_NEED_MORE; or 200 and the length of the head in *used; or the status to refuse the
 * request with, after which the connection cannot be kept. */
int http_request_parse(const char *bytes, size_t len, struct http_request *request, size_t *used);

bool http_piece_is(struct http_piece piece, const char *text);      /* exact */
bool http_piece_is_nocase(struct http_piece piece, const char *text);
/* Is `token` one of the elements of a comma-separated list? Case does not matter. */
bool http_piece_has_token(struct http_piece list, const char *token);
/* Decimal digits only, nothing else; false if not so or too large. */
bool http_piece_number(struct http_piece piece, uint64_t *number);
/* Takes spaces and tabs off both ends. */
struct http_piece http_piece_trim(const char *at, size_t len);

#endif
