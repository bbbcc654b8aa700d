/* http_response: reads an HTTP/1.x response as its bytes come, in pieces of any size. No sockets in here. */
#ifndef EXAMPLES_HTTP_RESPONSE_H
#define EXAMPLES_HTTP_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_MAX_RESPONSE_HEAD 65536u
#define HTTP_MAX_LOCATION 4096u

enum http_response_state {
    HTTP_RESPONSE_HEAD,
    HTTP_RESPONSE_LENGTH,      /* a body of known length */
    HTTP_RESPONSE_UNTIL_CLOSE, /* a body that ends with the connection */
    HTTP_RESPONSE_CHUNK_SIZE,
    HTTP_RESPONSE_CHUNK,
    HTTP_RESPONSE_CHUNK_END,
    HTTP_RESPONSE_TRAILER,
    HTTP_RESPONSE_DONE,
    HTTP_RESPONSE_BAD
};

struct http_response {
    enum http_response_state state;
    int status;
    char location[HTTP_MAX_LOCATION]; /* "" = none */
    /* Called with each line of a head, without its end; and with the bytes of the body. */
    void (*on_line)(void *user_data, const char *line, size_t len);
    void (*on_body)(void *user_data, const uint8_t *bytes, size_t len);
    void *user_data;
    /* private */
    char line[8192];
    size_t line_len, head_len;
    uint64_t left;
    bool started, chunked, encoded, has_length;
};

/* Set the callbacks and user_data (NULL = not wanted) after this. */
void http_response_init(struct http_response *response);
/* Returns the state reached; after DONE and BAD further bytes are ignored. */
enum http_response_state http_response_feed(struct http_response *response, const uint8_t *bytes, size_t len);
/* The connection has ended: was that the end of the response, too? */
bool http_response_end(struct http_response *response);

#endif
