/* The functions of chromesock.h as tables, made from the header itself (api_table.cmake): tests that go
 * through them cover a new function without being told. */
#ifndef CHROMESOCK_TEST_API_H
#define CHROMESOCK_TEST_API_H

#include "harness.h"

/* All that a method may take; which of it, its `takes` says. */
struct api_in {
    int32_t socket_id;       /* I */
    int32_t *new_id;         /* N */
    const void *properties;  /* P */
    const chrome_sockets_tcp_secure_options *secure; /* S */
    const char *text;        /* T */
    const int32_t *optional; /* O */
    int32_t choice;          /* C: 0 and 1 exist everywhere, 3 nowhere */
    int32_t port;            /* p */
    int32_t number;          /* n */
    chromesock_bool flag;    /* F */
    const uint8_t *data;     /* D */
    size_t data_len;
};

struct api_method {          /* completes with an event of this type */
    const char *name;
    uint32_t type;
    const char *takes;
    chromesock_status (*call)(chromesock_app *app, const struct api_in *in, chromesock_callback callback,
                              void *user_data);
};
extern const struct api_method api_methods[];
extern const size_t api_methods_len;

struct api_listener {
    const char *name;
    uint32_t type;
    chromesock_status (*add)(chromesock_app *, chromesock_callback, void *);
    chromesock_status (*remove)(chromesock_app *, chromesock_callback, void *);
    chromesock_status (*has)(chromesock_app *, chromesock_callback, void *, chromesock_bool *);
};
extern const struct api_listener api_listeners[];
extern const size_t api_listeners_len;

extern const uint32_t api_events[];
extern const size_t api_events_len;

int api_takes(const struct api_method *m, char what);
/* Harmless arguments: 127.0.0.1, port 0, one byte of data, nothing optional. */
struct api_in api_harmless(int32_t id, int32_t *new_id);
call *api_call(fx *f, const struct api_method *m, const struct api_in *in);   /* must be accepted */

#endif
