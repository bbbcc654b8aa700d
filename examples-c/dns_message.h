/* dns_message: writes DNS queries and reads DNS messages (RFC 1035), as unicast DNS and mDNS send them.
 *
 * Nothing here allocates, and nothing reads outside of the bytes given, whatever they are. Names are text
 * as in zone files: labels with dots between them, a dot or backslash inside a label as \. or \\, bytes
 * that cannot be printed as \DDD; the root is ".". */
#ifndef EXAMPLES_DNS_MESSAGE_H
#define EXAMPLES_DNS_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { DNS_A = 1, DNS_NS = 2, DNS_CNAME = 5, DNS_PTR = 12, DNS_MX = 15, DNS_TXT = 16, DNS_AAAA = 28, DNS_SRV = 33 };
enum { DNS_IN = 1, DNS_CLASS_MASK = 0x7fff }; /* the top bit of a class is a flag of mDNS */
enum { DNS_RESPONSE = 0x8000, DNS_TRUNCATED = 0x0200, DNS_RECURSE = 0x0100, DNS_RCODE_MASK = 0x000f };
enum {
    DNS_QUERY_MOST = 12 + 255 + 4, /* bytes of a message with one question */
    DNS_NAME_MOST = 4 * 255 + 1    /* characters of a name as text, with its NUL */
};

struct dns_reader {
    const uint8_t *bytes;
    size_t len, at;
};

struct dns_header {
    uint16_t id, flags, questions, answers, authorities, additionals;
};

struct dns_question {
    char name[DNS_NAME_MOST];
    uint16_t type, class;
};

struct dns_record {
    char name[DNS_NAME_MOST];
    uint16_t type, class;
    uint32_t ttl; /* seconds */
    size_t data_at, data_len;
};

/* Writes a query with one question; gives its length, 0 if `name` is not a name. */
size_t dns_write_query(uint8_t out[DNS_QUERY_MOST], uint16_t id, uint16_t flags, const char *name, uint16_t type);

/* Each reads what comes next and moves on; false: the message is broken, and reading is over. */
bool dns_read_header(struct dns_reader *reader, struct dns_header *header);
bool dns_read_question(struct dns_reader *reader, struct dns_question *question);
bool dns_read_record(struct dns_reader *reader, struct dns_record *record);

/* The name that starts at a place of the message, which may be in a record's data. `*end` is where the
 * bytes after it start; NULL = not asked. */
bool dns_name_at(const struct dns_reader *reader, size_t at, char name[DNS_NAME_MOST], size_t *end);

bool dns_same_name(const char *one, const char *other); /* by the rules of DNS: ASCII case does not count */

/* The type as text, or NULL. And back; 0: unknown. */
const char *dns_type_name(uint16_t type);
uint16_t dns_type_by_name(const char *text);

/* Prints a record's data, as a zone file would have it. False: it is broken; nothing was printed. */
bool dns_print_data(FILE *to, const struct dns_reader *reader, const struct dns_record *record);

#endif
