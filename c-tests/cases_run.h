/* The behavioural cases (cases/README.md) from C: members by Chrome's name, values in Chrome's shape. */
#ifndef CHROMESOCK_CASES_RUN_H
#define CHROMESOCK_CASES_RUN_H

#include <chromesock.h>
#include <cjson/cJSON.h>

/* ---- cases_api.c: the members ---- */

typedef struct member {
    const char *name;                 /* as in Chrome, without "chrome." */
    uint32_t type;
    /* NULL for a notification; args[0] is the name, then the arguments in Chrome's order */
    chromesock_status (*invoke)(chromesock_app *app, const cJSON *args, chromesock_callback callback,
                                void *user_data);
    cJSON *(*value)(const chromesock_event *event);   /* Chrome's result; NULL: none */
    int silent;                       /* has no callback in Chrome */
} member;

const member *member_named(const char *name);     /* NULL: unknown */
const member *member_of_type(uint32_t type);
void listen_to_all(chromesock_app *app, chromesock_callback listener, void *user_data);

/* ---- cases_text.c: the notation of data, the canonical text of values ---- */

typedef struct bytes {
    unsigned char *at;
    size_t len;
} bytes;

bytes bytes_of(const char *text);                 /* "abc", "hex:00ff", "x*4096" */
char *text_of(const unsigned char *data, size_t len);
/* "name {…} ! message", members sorted; value and message may be NULL */
char *trace_line(const char *name, cJSON *value, const char *message);

/* ---- cases_peer.c: the other end ---- */

typedef struct peer peer;
peer *peer_start(const char *script);
cJSON *peer_ask(peer *p, const cJSON *request);   /* the answer; the caller's */
void peer_stop(peer *p);

_Noreturn void give_up(const char *format, ...) __attribute__((format(printf, 1, 2)));
void *must(void *memory);                         /* ends the program when it is NULL */

#endif
