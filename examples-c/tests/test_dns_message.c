/* The message readers of dns and discover, without a network: what they make of good messages, and that no
 * bytes at all lead them astray. Each message ends where the process's memory ends, so that a read beyond
 * it ends the test. */
#define _DEFAULT_SOURCE
#include "dns_message.h"
#include "ssdp.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { RANDOM_MESSAGES = 200000, ROOM = 8192 };

static int failures;
static uint8_t *memory_end; /* the page after it cannot be touched */

static void check(bool good, const char *what, int line) {
    if (!good) {
        fprintf(stderr, "line %d: not true: %s\n", line, what);
        failures++;
    }
}

static void check_text(const char *got, const char *want, const char *what, int line) {
    if (strcmp(got, want) != 0) {
        fprintf(stderr, "line %d: %s is \"%s\", not \"%s\"\n", line, what, got, want);
        failures++;
    }
}

#define CHECK(condition) check((condition), #condition, __LINE__)
#define TEXT(got, want) check_text((got), (want), #got, __LINE__)
#define BYTES(text) at_the_end(text, sizeof(text) - 1)

static struct dns_reader at_the_end(const void *bytes, size_t len) {
    memcpy(memory_end - len, bytes, len);
    return (struct dns_reader){memory_end - len, len, 0};
}

/* ---- names ---- */

static void names_survive_the_way_there_and_back(void) {
    static const char *const pairs[][2] = {
        {"example.com", "example.com"}, {"example.com.", "example.com"}, {".", "."},
        {"a\\.b.c", "a\\.b.c"},         {"back\\\\slash", "back\\\\slash"}, {"My Printer._ipp._tcp.local", NULL},
        {"\\000\\255\\065", "\\000\\255A"}, {"caf\303\251.local", "caf\\195\\169.local"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        uint8_t query[DNS_QUERY_MOST];
        struct dns_header header;
        struct dns_question question;
        size_t len = dns_write_query(query, 0x1234, DNS_RECURSE, pairs[i][0], DNS_TXT);
        CHECK(len >= 12 + 1 + 4);
        struct dns_reader reader = at_the_end(query, len);
        CHECK(dns_read_header(&reader, &header) && header.id == 0x1234 && header.flags == DNS_RECURSE);
        CHECK(header.questions == 1 && header.answers == 0 && header.authorities == 0 && header.additionals == 0);
        CHECK(dns_read_question(&reader, &question) && question.type == DNS_TXT && question.class == DNS_IN);
        CHECK(reader.at == len);
        TEXT(question.name, pairs[i][1] != NULL ? pairs[i][1] : pairs[i][0]);
    }
}

static void names_that_are_none(void) {
    static const char *const bad[] = {"", "..", ".a", "a..b", "a..", "\\", "a\\", "\\25", "\\256", "\\2x5"};
    uint8_t query[DNS_QUERY_MOST];
    char text[512];
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CHECK(dns_write_query(query, 0, 0, bad[i], DNS_A) == 0);
    memset(text, 'x', sizeof text);
    text[63] = '\0';
    CHECK(dns_write_query(query, 0, 0, text, DNS_A) == 12 + 65 + 4);
    text[63] = 'x';
    text[64] = '\0';
    CHECK(dns_write_query(query, 0, 0, text, DNS_A) == 0);
    /* The longest name: 255 bytes with each label's length and the root. */
    memset(text, 'x', sizeof text);
    text[63] = text[127] = text[191] = '.';
    text[253] = '\0';
    CHECK(dns_write_query(query, 0, 0, text, DNS_A) == DNS_QUERY_MOST);
    text[253] = 'x';
    text[254] = '\0';
    CHECK(dns_write_query(query, 0, 0, text, DNS_A) == 0);
    text[253] = '.';
    text[254] = 'x';
    text[255] = '\0';
    CHECK(dns_write_query(query, 0, 0, text, DNS_A) == 0);
    /* The same at four characters for each byte: the longest text. */
    char longest[DNS_NAME_MOST] = "";
    for (size_t i = 0; i < 253; i++)
        strcat(longest, i == 63 || i == 127 || i == 191 ? "." : "\\001");
    size_t len = dns_write_query(query, 0, 0, longest, DNS_A);
    CHECK(len == DNS_QUERY_MOST);
    char name[DNS_NAME_MOST];
    struct dns_reader reader = at_the_end(query, len);
    CHECK(dns_name_at(&reader, 12, name, NULL));
    TEXT(name, longest);
}

static void pointers_lead_back_and_to_an_end(void) {
    char name[DNS_NAME_MOST];
    size_t end;
    struct dns_reader reader = BYTES("\3www\7example\0\1a\300\4\300\15");
    CHECK(dns_name_at(&reader, 13, name, &end) && end == 17);
    TEXT(name, "a.example");
    CHECK(dns_name_at(&reader, 17, name, &end) && end == 19); /* a pointer to a name with a pointer */
    TEXT(name, "a.example");
    reader = BYTES("\300\0");
    CHECK(!dns_name_at(&reader, 0, name, NULL)); /* to itself */
    reader = BYTES("\1a\300\0");
    CHECK(!dns_name_at(&reader, 0, name, NULL)); /* round and round */
    reader = BYTES("\300\2\300\0");
    CHECK(!dns_name_at(&reader, 0, name, NULL) && !dns_name_at(&reader, 2, name, NULL)); /* each to the other */
    reader = BYTES("\300");
    CHECK(!dns_name_at(&reader, 0, name, NULL)); /* cut off */
    reader = BYTES("\3ab");
    CHECK(!dns_name_at(&reader, 0, name, NULL));
    reader = BYTES("\3abc");
    CHECK(!dns_name_at(&reader, 0, name, NULL)); /* without its root */
    reader = BYTES("\101a\0");
    CHECK(!dns_name_at(&reader, 0, name, NULL)); /* a label of a kind that does not exist */
    CHECK(!dns_name_at(&reader, reader.len, name, NULL) && !dns_name_at(&reader, reader.len + 1, name, NULL));
}

static void the_same_name(void) {
    CHECK(dns_same_name("Example.COM", "example.com."));
    CHECK(!dns_same_name("example.com", "example.co"));
    CHECK(dns_same_name(".", "."));
    CHECK(!dns_same_name("a\\.", "a"));
}

/* ---- records ---- */

static void data_as_text(const char *want, int line, uint16_t type, const void *data, size_t len) {
    uint8_t message[512] = "\7example\0\0\0\0\1\0\0\0\74"; /* a name, type 0, class, ttl 60 */
    char *text = NULL;
    size_t text_len;
    struct dns_record record;
    message[10] = (uint8_t)type;
    message[17] = (uint8_t)(len >> 8);
    message[18] = (uint8_t)len;
    memcpy(message + 19, data, len);
    struct dns_reader reader = at_the_end(message, 19 + len);
    FILE *to = open_memstream(&text, &text_len);
    bool good = dns_read_record(&reader, &record) && record.ttl == 60 && reader.at == reader.len &&
                dns_print_data(to, &reader, &record);
    fclose(to);
    check(good == (want != NULL), "the data is as said", line);
    check_text(text, want != NULL ? want : "", "the data", line);
    free(text);
}

#define DATA(type, data, want) data_as_text(want, __LINE__, type, data, sizeof(data) - 1)

static void data_of_all_types(void) {
    DATA(DNS_A, "\300\250\1\2", "192.168.1.2");
    DATA(DNS_A, "\300\250\1", NULL);
    DATA(DNS_AAAA, "\40\1\15\270\0\0\0\0\0\0\0\0\0\0\0\1", "2001:db8::1");
    DATA(DNS_AAAA, "\40\1\15\270", NULL);
    DATA(DNS_PTR, "\1a\300\0", "a.example");
    DATA(DNS_PTR, "\1a\300\0x", NULL); /* more than a name */
    DATA(DNS_CNAME, "", NULL);
    DATA(DNS_MX, "\0\12\4mail\300\0", "10 mail.example");
    DATA(DNS_MX, "\0", NULL);
    DATA(DNS_SRV, "\0\1\0\2\37\220\4host\300\0", "1 2 8080 host.example");
    DATA(DNS_TXT, "\5hello\0\3a\"\\\1\n", "\"hello\" \"\" \"a\\\"\\\\\" \"\\010\"");
    DATA(DNS_TXT, "\5hell", NULL);
    DATA(DNS_TXT, "", "");
    DATA(99, "\1\377", "\\# 2 01ff");
}

static void records_that_are_cut(void) {
    static const char whole[] = "\1a\0\0\1\0\1\0\0\0\74\0\4\1\2\3\4";
    struct dns_record record;
    for (size_t len = 0; len < sizeof whole - 1; len++) {
        struct dns_reader reader = at_the_end(whole, len);
        CHECK(!dns_read_record(&reader, &record));
    }
    struct dns_reader reader = at_the_end(whole, sizeof whole - 1);
    CHECK(dns_read_record(&reader, &record) && record.data_len == 4);
}

/* ---- SSDP ---- */

static bool ssdp(const char *text, struct ssdp_message *message) {
    size_t len = strlen(text);
    memcpy(memory_end - len, text, len);
    return ssdp_read(memory_end - len, len, message);
}

static void ssdp_messages(void) {
    struct ssdp_message message;
    char text[2048];
    CHECK(ssdp("HTTP/1.1 200 OK\r\nlocation:  http://1.2.3.4/d.xml\r\nUSN: uuid:1\r\n\r\n", &message));
    TEXT(message.name, "uuid:1");
    TEXT(message.location, "http://1.2.3.4/d.xml");
    CHECK(ssdp("NOTIFY * HTTP/1.1\nNTS: ssdp:alive\nUSN: a\033[2Jb", &message));
    TEXT(message.name, "a?[2Jb");
    TEXT(message.location, "-");
    CHECK(!ssdp("NOTIFY * HTTP/1.1\r\nNTS: ssdp:byebye\r\nUSN: x\r\n\r\n", &message));
    CHECK(!ssdp("M-SEARCH * HTTP/1.1\r\nUSN: x\r\n\r\n", &message));
    CHECK(!ssdp("HTTP/1.1 200 OK\r\n\r\nUSN: after the head\r\n", &message));
    CHECK(!ssdp("", &message) && !ssdp("\n", &message));
    snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\nUSN: %01000d\r\n\r\n", 0);
    CHECK(ssdp(text, &message) && strlen(message.name) == SSDP_VALUE_MOST - 1);
}

/* ---- any bytes ---- */

static uint32_t state;

static uint32_t next_random(void) {
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state;
}

static void read_all(struct dns_reader reader, FILE *nowhere) {
    struct dns_header header;
    struct dns_question question;
    struct dns_record record;
    struct ssdp_message message;
    ssdp_read(reader.bytes, reader.len, &message);
    if (!dns_read_header(&reader, &header))
        return;
    for (int i = 0; i < header.questions; i++)
        if (!dns_read_question(&reader, &question))
            return;
    for (int i = header.answers + header.authorities + header.additionals; i > 0; i--) {
        if (!dns_read_record(&reader, &record))
            return;
        CHECK(strlen(record.name) < DNS_NAME_MOST && record.data_at + record.data_len <= reader.len);
        dns_print_data(nowhere, &reader, &record);
    }
}

static void random_messages(uint32_t seed) {
    static const char good[] = "\22\64\201\200\0\1\0\3\0\0\0\0\7example\3com\0\0\17\0\1"
                               "\300\14\0\17\0\1\0\0\0\74\0\11\0\12\4mail\300\14"
                               "\300\14\0\20\0\1\0\0\0\74\0\6\5hello"
                               "\300\14\0\14\0\1\0\0\0\74\0\2\300\14";
    uint8_t bytes[ROOM];
    FILE *nowhere = fopen("/dev/null", "w");
    state = seed;
    for (int i = 0; i < RANDOM_MESSAGES; i++) {
        size_t len = sizeof good - 1;
        if (i % 2 == 0) { /* a good one with a few bytes changed and perhaps an end cut off */
            memcpy(bytes, good, len);
            for (uint32_t changes = next_random() % 4; changes > 0; changes--)
                bytes[next_random() % len] = (uint8_t)next_random();
            if (next_random() % 2 == 0)
                len = next_random() % len;
        } else {
            len = next_random() % 256;
            /* Few values: many short labels and many pointers. */
            uint32_t mask = next_random() % 2 == 0 ? 0xff : 0xc3;
            for (size_t k = 0; k < len; k++)
                bytes[k] = (uint8_t)(next_random() & mask);
        }
        read_all(at_the_end(bytes, len), nowhere);
    }
    fclose(nowhere);
}

int main(int argc, char **argv) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t room = (ROOM + page - 1) / page * page;
    uint8_t *memory = mmap(NULL, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED || mprotect(memory + room, page, PROT_NONE) != 0)
        return perror("memory"), 1;
    memory_end = memory + room;
    names_survive_the_way_there_and_back();
    names_that_are_none();
    pointers_lead_back_and_to_an_end();
    the_same_name();
    data_of_all_types();
    records_that_are_cut();
    ssdp_messages();
    uint32_t seed = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : (uint32_t)getpid();
    printf("random messages, seed %lu\n", (unsigned long)seed);
    random_messages(seed != 0 ? seed : 1);
    return failures != 0;
}
