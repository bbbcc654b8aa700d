/* http_request: reads the head of an HTTP/1.x request. No sockets in here: bytes in, a verdict out. */
#ifndef EXAMPLES_HTTP_REQUEST_H
#define EXAMPLES_HTTP_REQUEST_H

#include "http_piece.h"

#define HTTP_MAX_HEAD 16384u /* longer heads are answered with 431 */

/* Its pieces are of the bytes given to http_request_parse, and valid as long as they are. */
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

#endif
