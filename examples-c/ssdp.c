#define _POSIX_C_SOURCE 200809L
#include "ssdp.h"

#include <string.h>
#include <strings.h>

struct span {
    const char *at;
    size_t len;
};

static bool starts_with(struct span line, const char *text) {
    size_t len = strlen(text);
    return line.len >= len && strncasecmp(line.at, text, len) == 0;
}

/* The next line, without its end; false after the last. */
static bool take_line(struct span *rest, struct span *line) {
    if (rest->len == 0)
        return false;
    const char *end = memchr(rest->at, '\n', rest->len);
    size_t used = end != NULL ? (size_t)(end - rest->at) + 1 : rest->len;
    line->at = rest->at;
    line->len = end != NULL ? used - 1 : used;
    if (line->len > 0 && line->at[line->len - 1] == '\r')
        line->len--;
    rest->at += used;
    rest->len -= used;
    return true;
}

/* The value of a header line, if it is this header's. */
static bool take_value(struct span line, const char *header, char value[SSDP_VALUE_MOST]) {
    if (!starts_with(line, header))
        return false;
    size_t at = strlen(header), len = 0;
    while (at < line.len && (line.at[at] == ' ' || line.at[at] == '\t'))
        at++;
    for (; at < line.len && len < SSDP_VALUE_MOST - 1; at++)
        value[len++] = line.at[at] > ' ' && line.at[at] <= '~' ? line.at[at] : '?';
    value[len] = '\0';
    return true;
}

bool ssdp_read(const uint8_t *bytes, size_t len, struct ssdp_message *message) {
    struct span rest = {(const char *)bytes, len}, line;
    char kind[SSDP_VALUE_MOST] = "";
    if (!take_line(&rest, &line))
        return false;
    bool answer = starts_with(line, "HTTP/1.1 200 "), announcement = starts_with(line, "NOTIFY * ");
    strcpy(message->name, "");
    strcpy(message->location, "-");
    while (take_line(&rest, &line) && line.len > 0)
        if (!take_value(line, "USN:", message->name) && !take_value(line, "LOCATION:", message->location))
            take_value(line, "NTS:", kind);
    return (answer || (announcement && strcmp(kind, "ssdp:alive") == 0)) && message->name[0] != '\0';
}
