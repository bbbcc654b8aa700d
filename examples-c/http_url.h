/* http_url: takes an http or https URL apart, and follows a Location from it. */
#ifndef EXAMPLES_HTTP_URL_H
#define EXAMPLES_HTTP_URL_H

#include <stdbool.h>

#define HTTP_MAX_URL 4096

struct http_url {
    char host[256];            /* for connect: no brackets around IPv6 */
    char authority[272];       /* for the Host field: as written */
    char target[HTTP_MAX_URL]; /* path and query, begins with '/' */
    int port;
    bool secure; /* https */
};

/* NULL, or what is wrong. */
const char *http_url_parse(const char *text, struct http_url *url);
const char *http_url_follow(const struct http_url *base, const char *location, struct http_url *url);

#endif
