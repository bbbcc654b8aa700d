#include "http_url.h"

#include "http_piece.h"

#include <stdio.h>
#include <string.h>

static const char *parse_authority(struct http_piece authority, struct http_url *url) {
    struct http_piece host = authority, port = {0};
    if (authority.len >= sizeof url->authority || memchr(authority.at, '@', authority.len) != NULL)
        return "user names in a URL are not supported";
    const char *bracket = authority.len > 0 && authority.at[0] == '[' ? memchr(authority.at, ']', authority.len) : NULL;
    size_t host_end = 0;
    if (bracket != NULL) {
        host = (struct http_piece){authority.at + 1, (size_t)(bracket - authority.at) - 1};
        host_end = host.len + 2;
    } else {
        const char *colon = memchr(authority.at, ':', authority.len);
        if (colon != NULL)
            host.len = (size_t)(colon - authority.at);
        host_end = host.len;
    }
    if (host_end < authority.len) {
        if (authority.at[host_end] != ':')
            return "the host is not well formed";
        port = (struct http_piece){authority.at + host_end + 1, authority.len - host_end - 1};
    }
    if (host.len == 0 || host.len >= sizeof url->host)
        return "the host is missing or too long";
    url->port = url->secure ? 443 : 80;
    if (port.len > 0) {
        uint64_t number;
        if (!http_piece_number(port, &number) || number == 0 || number > 65535)
            return "the port is not a number from 1 to 65535";
        url->port = (int)number;
    }
    memcpy(url->host, host.at, host.len);
    url->host[host.len] = '\0';
    memcpy(url->authority, authority.at, authority.len);
    url->authority[authority.len] = '\0';
    return NULL;
}

const char *http_url_parse(const char *text, struct http_url *url) {
    /* Nothing that could end a line of the request, or the URL inside it. */
    for (const char *c = text; *c != '\0'; c++)
        if ((unsigned char)*c <= ' ' || (unsigned char)*c >= 127)
            return "the URL has a character that must be written as %XX";
    struct http_piece whole = {text, strlen(text)};
    url->secure = http_piece_starts_nocase(whole, "https://");
    if (!url->secure && !http_piece_starts_nocase(whole, "http://"))
        return "not an http:// or https:// URL";
    const char *authority = strchr(text, '/') + 2;
    size_t len = strcspn(authority, "/?#");
    const char *wrong = parse_authority((struct http_piece){authority, len}, url);
    if (wrong != NULL)
        return wrong;
    const char *path = authority + len;
    size_t path_len = strcspn(path, "#");
    int printed = snprintf(url->target, sizeof url->target, "%s%.*s", *path == '/' ? "" : "/", (int)path_len, path);
    return printed < 0 || (size_t)printed >= sizeof url->target ? "the URL is too long" : NULL;
}

const char *http_url_follow(const struct http_url *base, const char *location, struct http_url *url) {
    char text[2 * HTTP_MAX_URL];
    const char *own = base->secure ? "https" : "http";
    int len;
    size_t scheme = strcspn(location, ":/?#");
    if (location[scheme] == ':') {
        len = snprintf(text, sizeof text, "%s", location);
    } else if (strncmp(location, "//", 2) == 0) {
        len = snprintf(text, sizeof text, "%s:%s", own, location);
    } else if (location[0] == '/') {
        len = snprintf(text, sizeof text, "%s://%s%s", own, base->authority, location);
    } else { /* relative to the folder of the path; with "?" alone, to the path */
        int keep = (int)strcspn(base->target, "?");
        while (location[0] != '?' && keep > 0 && base->target[keep - 1] != '/')
            keep--;
        len = snprintf(text, sizeof text, "%s://%s%.*s%s", own, base->authority, keep, base->target, location);
    }
    if (len < 0 || (size_t)len >= sizeof text)
        return "the URL is too long";
    const char *wrong = http_url_parse(text, url);
    return wrong == NULL && base->secure && !url->secure ? "this leads from https back to http" : wrong;
}
