/* Every function of the header, by a list made from the header: no app, NULL for every pointer, bad
 * text, bad numbers, bad structs, unknown ids, a closed app, listeners.
 * test_misuse.c has what is special to one function. */
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "api.h"
#include "calls_socket.h"
#include "calls_udp.h"

static void never(chromesock_app *app, const chromesock_event *e, void *user_data) {
    (void)app;
    (void)user_data;
    FAIL("a refused call has completed with event 0x%x", (unsigned)e->type);
}

static void never_run(void *owner) {
    (void)owner;
    FAIL("a refused call has released what it was given");
}

static void refused_at(int line, const char *name, chromesock_status s, chromesock_status want) {
    if (s != want) FAIL("%s (line %d): %d, want %d", name, line, (int)s, (int)want);
}
#define REFUSED(m, app, in) \
    refused_at(__LINE__, (m)->name, (m)->call(app, in, never, NULL), CHROMESOCK_INVALID_ARGUMENT)

/* ---- functions of the host: one case each, by name; a new one without a case does not compile ---- */

#define BAD(expression) CHECK_INT(expression, CHROMESOCK_INVALID_ARGUMENT)
static int32_t n77;
static void host_chromesock_event_retain(void) {
    const chromesock_event *e = (const chromesock_event *)1;
    BAD(chromesock_event_retain(NULL, &e));
    CHECK(e == (const chromesock_event *)1);
}
static void host_chromesock_event_release(void) { chromesock_event_release(NULL); }
static void host_chromesock_version_number(void) { CHECK(chromesock_version_number() != 0); }
static void host_chromesock_version(void) { CHECK(chromesock_version() != NULL); }
static void host_chromesock_status_name(void) { CHECK_STR(chromesock_status_name(INT32_MAX), NULL); }
static void host_chromesock_status_text(void) { CHECK_STR(chromesock_status_text(INT32_MIN), NULL); }
static void host_chromesock_event_type_name(void) {
    CHECK_STR(chromesock_event_type_name(UINT32_MAX), NULL);
    CHECK_STR(chromesock_event_type_name(0), NULL);
}
static void host_chromesock_reactor_new(void) { BAD(chromesock_reactor_new(NULL)); }
static void host_chromesock_reactor_free(void) { chromesock_reactor_free(NULL); }
static void host_chromesock_app_new(void) { BAD(chromesock_app_new(NULL, NULL)); }
static void host_chromesock_app_close(void) { BAD(chromesock_app_close(NULL)); }
static void host_chromesock_app_free(void) { chromesock_app_free(NULL); }
static void host_chromesock_app_set_default_handler(void) {
    BAD(chromesock_app_set_default_handler(NULL, never, NULL, NULL));
}
static void host_chromesock_app_dispatch(void) { BAD(chromesock_app_dispatch(NULL, 0, 0, &n77)); }
static void host_chromesock_app_next_event(void) {
    const chromesock_event *e = (const chromesock_event *)1;
    BAD(chromesock_app_next_event(NULL, 0, &e));
    CHECK(e == (const chromesock_event *)1);
}
static void host_chromesock_app_event_handle(void) {
    ptrdiff_t handle = 77;
    BAD(chromesock_app_event_handle(NULL, &handle));
    CHECK_INT(handle, 77);
}
static void host_chromesock_app_copy_events(void) {
    static uint64_t room[512];
    size_t written = 77, left = 77;
    BAD(chromesock_app_copy_events(NULL, (uint8_t *)room, sizeof room, &written, &left));
    CHECK_INT(written, 77);
}
static void host_chromesock_app_hold_calls(void) { BAD(chromesock_app_hold_calls(NULL, 1)); }
static void host_chromesock_app_run_calls(void) { BAD(chromesock_app_run_calls(NULL)); }
static void host_chromesock_sockets_tcp_send_owned(void) {
    static const uint8_t byte;
    BAD(chromesock_sockets_tcp_send_owned(NULL, 1, &byte, 1, never_run, NULL, never, NULL));
    BAD(chromesock_sockets_tcp_send_owned(NULL, 1, NULL, 1, never_run, NULL, never, NULL));
}
static void host_chromesock_app_event_stream(void) {
    intptr_t stream = 77;
    BAD(chromesock_app_event_stream(NULL, &stream));
    CHECK_INT(stream, 77);
}
static void host_chromesock_app_get_tls_session(void) {
    BAD(chromesock_app_get_tls_session(NULL, 1, never, NULL));
}
static void host_chromesock_app_get_stats(void) {
    chromesock_app_stats s;
    memset(&s, 0, sizeof s);
    s.size = sizeof s;
    BAD(chromesock_app_get_stats(NULL, &s));
}
static void host_chromesock_manifest_check(void) { BAD(chromesock_manifest_check(NULL, NULL)); }
static void host_chromesock_texts_count(void) { CHECK_INT(chromesock_texts_count(NULL), 0); }
static void host_chromesock_texts_at(void) { CHECK_STR(chromesock_texts_at(NULL, 0), NULL); }
static void host_chromesock_texts_free(void) { chromesock_texts_free(NULL); }
static void host_chromesock_app_has_api(void) {
    chromesock_bool b = 7;
    BAD(chromesock_app_has_api(NULL, 0, &b));
    CHECK_INT(b, 7);
}
static void host_chromesock_app_check(void) {
    chromesock_bool b = 7;
    BAD(chromesock_app_check(NULL, 0, 0, "a", 1, &b, NULL));
    CHECK_INT(b, 7);
}
static void host_chromesock_app_get_rules(void) {
    chromesock_texts *texts = (chromesock_texts *)1;
    BAD(chromesock_app_get_rules(NULL, 0, &texts));
    CHECK(texts == (chromesock_texts *)1);
}
static void host_chromesock_app_suspend(void) { BAD(chromesock_app_suspend(NULL)); }
static void host_chromesock_app_resume(void) { BAD(chromesock_app_resume(NULL)); }
static void host_chromesock_app_unload(void) { BAD(chromesock_app_unload(NULL)); }

#define API_EVENT(name)
#define API_LISTENER(name, type)
#define API_METHOD(name, type, takes, arguments)
#define API_HOST(name) host_##name,
static void (*const hosts[])(void) = {
#include "api_table.h"
};

static void no_app(void) {
    chromesock_bool has = 7;
    int32_t made = 77;
    struct api_in in = api_harmless(1, &made);
    for (size_t n = 0; n < sizeof hosts / sizeof hosts[0]; n++) hosts[n]();
    for (size_t n = 0; n < api_methods_len; n++) REFUSED(&api_methods[n], NULL, &in);
    for (size_t n = 0; n < api_listeners_len; n++) {
        BAD(api_listeners[n].add(NULL, never, NULL));
        BAD(api_listeners[n].remove(NULL, never, NULL));
        BAD(api_listeners[n].has(NULL, never, NULL, &has));
    }
    CHECK_INT(made, 77); /* out-parameters are written only on OK */
    CHECK_INT(has, 7);
}

/* ---- methods ---- */

/* The list is the whole API: 21 of chrome.socket, all of chrome.sockets, each with an event type of its
 * own that has Chrome's name. */
static void the_list(void) {
    size_t old = 0, udp = 0;
    for (size_t n = 0; n < api_methods_len; n++) {
        const char *name = chromesock_event_type_name(api_methods[n].type);
        CHECK(name != NULL);
        CHECK(strncmp(name, "chrome.", 7) == 0);
        for (size_t k = 0; k < n; k++) CHECK(api_methods[k].type != api_methods[n].type);
        old += strncmp(api_methods[n].name, "chrome_socket_", 14) == 0;
        udp += strncmp(api_methods[n].name, "chrome_sockets_udp_", 19) == 0;
    }
    CHECK_INT(old, 21);
    CHECK_INT(udp, 14);
    CHECK_INT(api_listeners_len, 6);
    /* every completion type belongs to a method, every notification to a listener or to the host */
    for (size_t n = 0; n < api_events_len; n++) {
        int found = api_events[n] < 0x100;
        for (size_t k = 0; k < api_methods_len; k++) found += api_methods[k].type == api_events[n];
        for (size_t k = 0; k < api_listeners_len; k++) found += api_listeners[k].type == api_events[n];
        CHECK_INT(found, 1);
        CHECK(chromesock_event_type_name(api_events[n]) != NULL);
    }
}

/* An open socket of the namespace a method belongs to. */
static int32_t socket_for(fx *f, const struct api_method *m) {
    if (strncmp(m->name, "chrome_sockets_tcp_server_", 26) == 0) return new_server(f);
    if (strncmp(m->name, "chrome_sockets_tcp_", 19) == 0) return new_tcp(f);
    if (strncmp(m->name, "chrome_sockets_udp_", 19) == 0) return new_udp(f);
    return new_sock(f, m->type == CHROME_SOCKET_BIND ? UDP : TCP);
}

/* NULL, bad text, a number that is no choice: refused, for a known id and before an unknown one is
 * looked up; nothing is kept. */
static void bad_arguments(fx *f) {
    static const char *const bad[] = {"\xff", "a\x80", "\xc3\x28", "\xe2\x82", "\xed\xa0\x80",
                                      "\xf5\x80\x80\x80", "\xc0\xaf"};
    static const int32_t choices[] = {-1, 3, INT32_MIN, INT32_MAX};
    for (size_t n = 0; n < api_methods_len; n++) {
        const struct api_method *m = &api_methods[n];
        int32_t ids[] = {api_takes(m, 'I') ? socket_for(f, m) : 0, 999}, made = 77;
        uint64_t before = fx_stats(f).calls_accepted;
        for (int k = 0; k < 2; k++) {
            struct api_in in = api_harmless(ids[k], &made);
            if (api_takes(m, 'T')) {
                in.text = NULL;
                REFUSED(m, f->app, &in);
                for (size_t b = 0; b < sizeof bad / sizeof bad[0]; b++) {
                    in.text = bad[b];
                    REFUSED(m, f->app, &in);
                }
                in.text = "127.0.0.1";
            }
            if (api_takes(m, 'D')) {
                in.data = NULL; /* (NULL, 0) is valid */
                REFUSED(m, f->app, &in);
                in.data_len = SIZE_MAX;
                REFUSED(m, f->app, &in);
                in = api_harmless(ids[k], &made);
            }
            if (api_takes(m, 'C'))
                for (size_t c = 0; c < sizeof choices / sizeof choices[0]; c++) {
                    in.choice = choices[c];
                    REFUSED(m, f->app, &in);
                }
        }
        CHECK_INT(made, 77);
        CHECK_INT(fx_stats(f).calls_accepted, before);
    }
}

/* More bytes than any memory holds: refused by quota or as an argument, never read. */
static void impossible_lengths(fx *f) {
    static const size_t lengths[] = {SIZE_MAX, SIZE_MAX / 2, SIZE_MAX / 2 + 1};
    for (size_t n = 0; n < api_methods_len; n++) {
        const struct api_method *m = &api_methods[n];
        if (!api_takes(m, 'D')) continue;
        for (size_t k = 0; k < sizeof lengths / sizeof lengths[0]; k++) {
            struct api_in in = api_harmless(socket_for(f, m), NULL);
            call *c = call_new(f, m->type, in.socket_id);
            chromesock_status s;
            in.data_len = lengths[k];
            s = m->call(f->app, &in, f->callback, c);
            if (s == CHROMESOCK_OK) {
                f->accepted++;
                CHECK(await(c)->message != NULL || c->done->result < 0);
            } else {
                CHECK_INT(s, CHROMESOCK_INVALID_ARGUMENT);
            }
            free(c);
        }
    }
}

/* No callback, no id wanted, no properties: all of it is "not given". An unknown id is judged in the
 * completion; only destroy is silent (socket-legacy.md 4.2). */
static void unknown_ids(fx *f) {
    static const int32_t ids[] = {0, -1, INT32_MIN, INT32_MAX};
    for (size_t n = 0; n < api_methods_len; n++) {
        const struct api_method *m = &api_methods[n];
        if (!api_takes(m, 'I')) {
            struct api_in in = api_harmless(0, NULL);
            CHECK_STR(await(api_call(f, m, &in))->message, NULL);
            continue;
        }
        for (size_t k = 0; k < sizeof ids / sizeof ids[0]; k++) {
            struct api_in in = api_harmless(ids[k], NULL);
            CHECK_STR(await(api_call(f, m, &in))->message,
                      m->type == CHROME_SOCKET_DESTROY ? NULL : NOT_FOUND);
        }
    }
}

/* Memory whose last byte is the last of a page; a read behind it ends the test. */
static unsigned char *guarded(size_t len) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    unsigned char *at = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(at != MAP_FAILED);
    CHECK_INT(mprotect(at + page, page, PROT_NONE), 0);
    return at + page - len;
}
static void unguard(unsigned char *place, size_t len) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    CHECK_INT(munmap(place + len - page, 2 * page), 0);
}

/* Every size from 0 on with nothing readable behind it: less than the first version is refused, longer
 * ones (a newer caller) are read as far as they are known; unknown bits are refused. All three kinds
 * of properties have one size in their first version. */
enum { FIRST_VERSION = 24 };
_Static_assert(sizeof(chrome_sockets_tcp_properties) == FIRST_VERSION &&
                   sizeof(chrome_sockets_tcp_server_properties) == FIRST_VERSION &&
                   sizeof(chrome_sockets_udp_properties) == FIRST_VERSION,
               "first version");
static void properties(fx *f) {
    static const uint32_t longer[] = {FIRST_VERSION + 1, 4096, UINT32_MAX};
    for (size_t n = 0; n < api_methods_len; n++) {
        const struct api_method *m = &api_methods[n];
        int32_t made = 77, id = api_takes(m, 'I') ? socket_for(f, m) : 0;
        struct api_in in = api_harmless(id, &made);
        chrome_sockets_udp_properties p = udp_props(UDP_NAME, "name", 0, 0);
        if (!api_takes(m, 'P')) continue;
        for (uint32_t size = 0; size < FIRST_VERSION; size++) {
            size_t have = ((size < 4 ? 4 : size) + 7) / 8 * 8;
            unsigned char *place = guarded(have);
            p.size = size;
            memcpy(place, &p, have);
            in.properties = place;
            REFUSED(m, f->app, &in);
            unguard(place, have);
        }
        for (int bit = 3; bit < 32; bit++) {
            p = udp_props(1u << bit, NULL, 0, 0);
            in.properties = &p;
            REFUSED(m, f->app, &in);
        }
        p = udp_props(UDP_NAME, "bad \xff", 0, 0);
        in.properties = &p;
        REFUSED(m, f->app, &in);
        CHECK_INT(made, 77);
        for (size_t k = 0; k < sizeof longer / sizeof longer[0]; k++) {
            unsigned char *place = guarded(FIRST_VERSION);
            p = udp_props(UDP_NAME, "long", 0, 0);
            p.size = longer[k];
            memcpy(place, &p, sizeof p);
            in.properties = place;
            IS_OK(api_call(f, m, &in));
            unguard(place, FIRST_VERSION);
        }
    }
}

/* The same for the options of secure, whose first version has no bits at all. */
_Static_assert(sizeof(chrome_sockets_tcp_secure_options) == FIRST_VERSION, "first version");
static void secure_options(fx *f) {
    for (size_t n = 0; n < api_methods_len; n++) {
        const struct api_method *m = &api_methods[n];
        struct api_in in = api_harmless(999, NULL);
        chrome_sockets_tcp_secure_options o = {sizeof o, 0, "tls1.2", "tls1.3"};
        if (!api_takes(m, 'S')) continue;
        for (uint32_t size = 0; size < FIRST_VERSION; size++) {
            size_t have = ((size < 4 ? 4 : size) + 7) / 8 * 8;
            unsigned char *place = guarded(have);
            o.size = size;
            memcpy(place, &o, have);
            in.secure = (const void *)place;
            REFUSED(m, f->app, &in);
            unguard(place, have);
        }
        in.secure = &o;
        for (int bit = 0; bit < 32; bit++) {
            o = (chrome_sockets_tcp_secure_options){sizeof o, 1u << bit, NULL, NULL};
            REFUSED(m, f->app, &in);
        }
        o = (chrome_sockets_tcp_secure_options){sizeof o, 0, "bad \xff", NULL};
        REFUSED(m, f->app, &in);
        o = (chrome_sockets_tcp_secure_options){UINT32_MAX, 0, "no such version", NULL};
        CHECK_STR(await(api_call(f, m, &in))->message, NOT_FOUND);
    }
}

/* After app_close every method is refused with CONTEXT_SHUT_DOWN; listeners may still be asked for. */
static void a_closed_app(fx *f) {
    int32_t made = 77, id = new_udp(f);
    struct api_in in = api_harmless(id, &made);
    chromesock_bool has = 7;
    fx_close_and_check(f);
    for (size_t n = 0; n < api_methods_len; n++)
        refused_at(__LINE__, api_methods[n].name, api_methods[n].call(f->app, &in, never, NULL),
                   CHROMESOCK_CONTEXT_SHUT_DOWN);
    for (size_t n = 0; n < api_listeners_len; n++)
        CHECK_INT(api_listeners[n].has(f->app, never, NULL, &has), CHROMESOCK_OK);
    CHECK_INT(has, 0);
    CHECK_INT(made, 77);
}

/* Listeners: none is refused, twice counts once, removed is gone, one not there is no error. */
static void listeners(fx *f) {
    for (size_t n = 0; n < api_listeners_len; n++) {
        const struct api_listener *l = &api_listeners[n];
        chromesock_bool has = 7;
        CHECK(chromesock_event_type_name(l->type) != NULL);
        BAD(l->add(f->app, NULL, NULL));
        BAD(l->remove(f->app, NULL, NULL));
        BAD(l->has(f->app, never, NULL, NULL));
        CHECK_INT(l->has(f->app, never, &has, &has), CHROMESOCK_OK);
        CHECK_INT(has, 0);
        CHECK_INT(l->add(f->app, never, &has), CHROMESOCK_OK);
        CHECK_INT(l->add(f->app, never, &has), CHROMESOCK_OK);
        CHECK_INT(l->has(f->app, never, &has, &has), CHROMESOCK_OK);
        CHECK_INT(has, 1);
        CHECK_INT(l->has(f->app, never, NULL, &has), CHROMESOCK_OK); /* another user_data: another listener */
        CHECK_INT(has, 0);
        CHECK_INT(l->remove(f->app, never, &has), CHROMESOCK_OK);
        CHECK_INT(l->has(f->app, never, &has, &has), CHROMESOCK_OK);
        CHECK_INT(has, 0);
        CHECK_INT(l->remove(f->app, never, &has), CHROMESOCK_OK);
    }
}

int main(int argc, char **argv) {
    harness_init(argc, argv);
    RUN(no_app);
    RUN(the_list);
    RUN_ALL_MODES(bad_arguments);
    RUN_ALL_MODES(impossible_lengths);
    RUN_ALL_MODES(unknown_ids);
    RUN_ALL_MODES(properties);
    RUN_ALL_MODES(secure_options);
    RUN_ALL_MODES(a_closed_app);
    RUN_ALL_MODES(listeners);
    return harness_finish();
}
