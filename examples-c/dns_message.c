#define _POSIX_C_SOURCE 200809L
#include "dns_message.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

enum { LABEL_MOST = 63, NAME_BYTES_MOST = 255 };

/* ---- writing ---- */

static size_t put16(uint8_t *out, size_t at, unsigned value) {
    out[at] = (uint8_t)(value >> 8);
    out[at + 1] = (uint8_t)value;
    return at + 2;
}

/* One byte of a label from its text; gives the characters used, 0 for a broken escape. */
static size_t read_character(const char *text, uint8_t *byte) {
    if (text[0] != '\\') {
        *byte = (uint8_t)text[0];
        return 1;
    }
    if (text[1] == '\0')
        return 0;
    if (text[1] < '0' || text[1] > '9') {
        *byte = (uint8_t)text[1];
        return 2;
    }
    unsigned value = 0;
    for (int i = 1; i <= 3; i++) {
        if (text[i] < '0' || text[i] > '9')
            return 0;
        value = value * 10 + (unsigned)(text[i] - '0');
    }
    *byte = (uint8_t)value;
    return value <= 255 ? 4 : 0;
}

/* Gives the bytes written, 0 if the text is no name. */
static size_t write_name(uint8_t out[NAME_BYTES_MOST], const char *text) {
    size_t len = 0, label = 0; /* where the length of the current label stands is `label` */
    if (strcmp(text, ".") == 0)
        text++;
    else if (*text == '\0')
        return 0;
    while (*text != '\0') {
        label = len++;
        while (*text != '\0' && *text != '.') {
            uint8_t byte;
            size_t used = read_character(text, &byte);
            /* Room is kept for this byte and for the root. */
            if (used == 0 || len - label > LABEL_MOST || len + 2 > NAME_BYTES_MOST)
                return 0;
            out[len++] = byte;
            text += used;
        }
        out[label] = (uint8_t)(len - label - 1);
        if (out[label] == 0)
            return 0;
        if (*text == '.')
            text++; /* the one at the end, too */
    }
    out[len++] = 0;
    return len;
}

size_t dns_write_query(uint8_t out[DNS_QUERY_MOST], uint16_t id, uint16_t flags, const char *name, uint16_t type) {
    const unsigned words[6] = {id, flags, 1, 0, 0, 0};
    size_t at = 0;
    for (size_t i = 0; i < 6; i++)
        at = put16(out, at, words[i]);
    size_t len = write_name(out + at, name);
    if (len == 0)
        return 0;
    at = put16(out, at + len, type);
    return put16(out, at, DNS_IN);
}

/* ---- reading ---- */

static bool take16(struct dns_reader *reader, uint16_t *value) {
    if (reader->at > reader->len || reader->len - reader->at < 2)
        return false;
    *value = (uint16_t)(reader->bytes[reader->at] << 8 | reader->bytes[reader->at + 1]);
    reader->at += 2;
    return true;
}

bool dns_read_header(struct dns_reader *reader, struct dns_header *header) {
    return take16(reader, &header->id) && take16(reader, &header->flags) && take16(reader, &header->questions) &&
           take16(reader, &header->answers) && take16(reader, &header->authorities) &&
           take16(reader, &header->additionals);
}

/* One byte as text: at most four characters. */
static size_t put_character(char *text, uint8_t byte, const char *escaped) {
    if (byte < ' ' || byte > '~') {
        text[0] = '\\';
        text[1] = (char)('0' + byte / 100);
        text[2] = (char)('0' + byte / 10 % 10);
        text[3] = (char)('0' + byte % 10);
        return 4;
    }
    size_t len = 0;
    if (strchr(escaped, byte) != NULL)
        text[len++] = '\\';
    text[len++] = (char)byte;
    return len;
}

bool dns_name_at(const struct dns_reader *reader, size_t at, char name[DNS_NAME_MOST], size_t *end) {
    size_t text = 0, bytes = 1; /* the root's; a name of 255 bytes has at most 254 * 4 characters */
    size_t before = reader->len; /* a pointer must lead to a place before this one, so there is an end */
    bool jumped = false;
    for (;;) {
        if (at >= reader->len)
            return false;
        size_t len = reader->bytes[at];
        if (len >= 0xc0) {
            if (reader->len - at < 2)
                return false;
            size_t to = (len & 0x3f) << 8 | reader->bytes[at + 1];
            if (!jumped && end != NULL)
                *end = at + 2;
            if (to >= at || to >= before)
                return false;
            jumped = true;
            at = before = to;
            continue;
        }
        if (len > LABEL_MOST || len >= reader->len - at)
            return false;
        at++;
        if (len == 0)
            break;
        bytes += len + 1;
        if (bytes > NAME_BYTES_MOST)
            return false;
        if (text > 0)
            name[text++] = '.';
        for (size_t i = 0; i < len; i++)
            text += put_character(name + text, reader->bytes[at + i], ".\\");
        at += len;
    }
    if (!jumped && end != NULL)
        *end = at;
    if (text == 0)
        name[text++] = '.';
    name[text] = '\0';
    return true;
}

bool dns_read_question(struct dns_reader *reader, struct dns_question *question) {
    return dns_name_at(reader, reader->at, question->name, &reader->at) && take16(reader, &question->type) &&
           take16(reader, &question->class);
}

bool dns_read_record(struct dns_reader *reader, struct dns_record *record) {
    uint16_t high, low, len;
    if (!dns_name_at(reader, reader->at, record->name, &reader->at) || !take16(reader, &record->type) ||
        !take16(reader, &record->class) || !take16(reader, &high) || !take16(reader, &low) ||
        !take16(reader, &len) || len > reader->len - reader->at)
        return false;
    record->ttl = (uint32_t)high << 16 | low;
    record->data_at = reader->at;
    record->data_len = len;
    reader->at += len;
    return true;
}

bool dns_same_name(const char *one, const char *other) {
    size_t len = strlen(one), other_len = strlen(other);
    /* A dot at the end says no more than its absence, unless it is escaped or all there is. */
    if (len > 1 && one[len - 1] == '.' && one[len - 2] != '\\')
        len--;
    if (other_len > 1 && other[other_len - 1] == '.' && other[other_len - 2] != '\\')
        other_len--;
    return len == other_len && strncasecmp(one, other, len) == 0;
}

static const struct {
    uint16_t type;
    const char *name;
} types[] = {{DNS_A, "A"},   {DNS_NS, "NS"},   {DNS_CNAME, "CNAME"}, {DNS_PTR, "PTR"},
             {DNS_MX, "MX"}, {DNS_TXT, "TXT"}, {DNS_AAAA, "AAAA"},   {DNS_SRV, "SRV"}};

const char *dns_type_name(uint16_t type) {
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (types[i].type == type)
            return types[i].name;
    return NULL;
}

uint16_t dns_type_by_name(const char *text) {
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (strcasecmp(types[i].name, text) == 0)
            return types[i].type;
    return 0;
}

/* ---- printing ---- */

/* Strings with a length byte each, in quotes. */
static bool print_text(FILE *to, const uint8_t *data, size_t len) {
    for (size_t at = 0; at < len; at += 1 + (size_t)data[at])
        if (data[at] >= len - at)
            return false;
    for (size_t at = 0; at < len; at += 1 + (size_t)data[at]) {
        fputs(at > 0 ? " \"" : "\"", to);
        for (size_t i = 1; i <= data[at]; i++) {
            char character[4];
            fwrite(character, 1, put_character(character, data[at + i], "\"\\"), to);
        }
        fputc('"', to);
    }
    return true;
}

/* Numbers of 16 bits, then a name that fills the rest of the data. */
static bool print_numbers_and_name(FILE *to, const struct dns_reader *reader, const struct dns_record *record,
                                   int numbers) {
    struct dns_reader data = {reader->bytes, record->data_at + record->data_len, record->data_at};
    uint16_t values[3];
    char name[DNS_NAME_MOST];
    for (int i = 0; i < numbers; i++)
        if (!take16(&data, &values[i]))
            return false;
    if (!dns_name_at(&data, data.at, name, &data.at) || data.at != data.len)
        return false;
    for (int i = 0; i < numbers; i++)
        fprintf(to, "%u ", (unsigned)values[i]);
    fputs(name, to);
    return true;
}

bool dns_print_data(FILE *to, const struct dns_reader *reader, const struct dns_record *record) {
    const uint8_t *data = reader->bytes + record->data_at;
    char address[INET6_ADDRSTRLEN];
    switch (record->type) {
    case DNS_A:
    case DNS_AAAA:
        if (record->data_len != (record->type == DNS_A ? 4U : 16U) ||
            inet_ntop(record->type == DNS_A ? AF_INET : AF_INET6, data, address, sizeof address) == NULL)
            return false;
        fputs(address, to);
        return true;
    case DNS_NS:
    case DNS_CNAME:
    case DNS_PTR:
        return print_numbers_and_name(to, reader, record, 0);
    case DNS_MX:
        return print_numbers_and_name(to, reader, record, 1);
    case DNS_SRV:
        return print_numbers_and_name(to, reader, record, 3);
    case DNS_TXT:
        return print_text(to, data, record->data_len);
    default: /* as RFC 3597 has it */
        fprintf(to, "\\# %zu ", record->data_len);
        for (size_t i = 0; i < record->data_len; i++)
            fprintf(to, "%02x", data[i]);
        return true;
    }
}
