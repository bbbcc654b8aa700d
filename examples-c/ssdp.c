#include "ssdp.h"

#include "http_piece.h"

#include <string.h>

/* The next line; the last one may lack its end. */
static bool take_line(struct http_piece *rest, struct http_piece *line) {
    if (http_piece_take_line(rest, line))
        return true;
    *line = *rest;
    rest->len = 0;
    return line->len > 0;
}

/* The value of a header line, if it is this header's. */
static bool take_value(struct http_piece line, const char *header, char value[SSDP_VALUE_MOST]) {
    if (!http_piece_starts_nocase(line, header))
        return false;
    size_t name_len = strlen(header), len = 0;
    struct http_piece text = http_piece_trim(line.at + name_len, line.len - name_len);
    for (; len < text.len && len < SSDP_VALUE_MOST - 1; len++)
        value[len] = text.at[len] > ' ' && text.at[len] <= '~' ? text.at[len] : '?';
    value[len] = '\0';
    return true;
}

bool ssdp_read(const uint8_t *bytes, size_t len, struct ssdp_message *message) {
    struct http_piece rest = {(const char *)bytes, len}, line;
    char kind[SSDP_VALUE_MOST] = "";
    if (!take_line(&rest, &line))
        return false;
    bool answer = http_piece_starts_nocase(line, "HTTP/1.1 200 ");
    bool announcement = http_piece_starts_nocase(line, "NOTIFY * ");
    strcpy(message->name, "");
    strcpy(message->location, "-");
    while (take_line(&rest, &line) && line.len > 0)
        if (!take_value(line, "USN:", message->name) && !take_value(line, "LOCATION:", message->location))
            take_value(line, "NTS:", kind);
    return (answer || (announcement && strcmp(kind, "ssdp:alive") == 0)) && message->name[0] != '\0';
}
