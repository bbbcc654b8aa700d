/* Every function with NULL for every pointer, bad text, bad structs, bad numbers:
 * a defined refusal, out-parameters untouched, nothing kept, no crash. */
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness.h"

static void never(chromesock_app *app, const chromesock_event *e, void *user_data) {
    (void)app;
    (void)user_data;
    FAIL("a refused call has completed with event 0x%x", (unsigned)e->type);
}

#define REFUSED(expression) CHECK_INT(expression, CHROMESOCK_INVALID_ARGUMENT)

static void null_app(void) {
    chromesock_app *const a = NULL;
    chrome_sockets_tcp_properties p = tcp_props(0, NULL, 0, 0);
    chrome_sockets_tcp_server_properties sp = server_props(0, NULL, 0);
    const chromesock_event *e = (const chromesock_event *)1;
    chromesock_app_stats stats;
    chromesock_texts *texts = (chromesock_texts *)1;
    chromesock_bool has = 7;
    intptr_t handle = 77;
    int32_t n = 77;
    const uint8_t byte = 1;
    memset(&stats, 0, sizeof stats);
    stats.size = sizeof stats;
    REFUSED(chromesock_app_close(a));
    chromesock_app_free(a);
    REFUSED(chromesock_app_set_default_handler(a, never, NULL, NULL));
    REFUSED(chromesock_app_dispatch(a, 0, 0, &n));
    REFUSED(chromesock_app_next_event(a, 0, &e));
    REFUSED(chromesock_app_event_handle(a, &handle));
    REFUSED(chromesock_app_get_stats(a, &stats));
    REFUSED(chromesock_app_suspend(a));
    REFUSED(chromesock_app_resume(a));
    REFUSED(chromesock_app_unload(a));
    REFUSED(chromesock_app_has_api(a, CHROMESOCK_API_SOCKETS, &has));
    REFUSED(chromesock_app_check(a, CHROMESOCK_API_SOCKETS, CHROMESOCK_OPERATION_TCP_CONNECT, "a", 1, &has,
                                 &texts));
    REFUSED(chromesock_app_get_rules(a, CHROMESOCK_API_SOCKETS, &texts));
    REFUSED(chrome_sockets_tcp_create(a, &p, &n, never, NULL));
    REFUSED(chrome_sockets_tcp_update(a, 1, &p, never, NULL));
    REFUSED(chrome_sockets_tcp_set_paused(a, 1, 1, never, NULL));
    REFUSED(chrome_sockets_tcp_set_keep_alive(a, 1, 1, 0, never, NULL));
    REFUSED(chrome_sockets_tcp_set_no_delay(a, 1, 1, never, NULL));
    REFUSED(chrome_sockets_tcp_connect(a, 1, "127.0.0.1", 1, 0, never, NULL));
    REFUSED(chrome_sockets_tcp_disconnect(a, 1, never, NULL));
    REFUSED(chrome_sockets_tcp_send(a, 1, &byte, 1, never, NULL));
    REFUSED(chrome_sockets_tcp_close(a, 1, never, NULL));
    REFUSED(chrome_sockets_tcp_get_info(a, 1, never, NULL));
    REFUSED(chrome_sockets_tcp_get_sockets(a, never, NULL));
    REFUSED(chrome_sockets_tcp_on_receive_add_listener(a, never, NULL));
    REFUSED(chrome_sockets_tcp_on_receive_remove_listener(a, never, NULL));
    REFUSED(chrome_sockets_tcp_on_receive_has_listener(a, never, NULL, &has));
    REFUSED(chrome_sockets_tcp_on_receive_error_add_listener(a, never, NULL));
    REFUSED(chrome_sockets_tcp_on_receive_error_remove_listener(a, never, NULL));
    REFUSED(chrome_sockets_tcp_on_receive_error_has_listener(a, never, NULL, &has));
    REFUSED(chrome_sockets_tcp_server_create(a, &sp, &n, never, NULL));
    REFUSED(chrome_sockets_tcp_server_update(a, 1, &sp, never, NULL));
    REFUSED(chrome_sockets_tcp_server_set_paused(a, 1, 1, never, NULL));
    REFUSED(chrome_sockets_tcp_server_listen(a, 1, "127.0.0.1", 0, NULL, never, NULL));
    REFUSED(chrome_sockets_tcp_server_disconnect(a, 1, never, NULL));
    REFUSED(chrome_sockets_tcp_server_close(a, 1, never, NULL));
    REFUSED(chrome_sockets_tcp_server_get_info(a, 1, never, NULL));
    REFUSED(chrome_sockets_tcp_server_get_sockets(a, never, NULL));
    REFUSED(chrome_sockets_tcp_server_on_accept_add_listener(a, never, NULL));
    REFUSED(chrome_sockets_tcp_server_on_accept_remove_listener(a, never, NULL));
    REFUSED(chrome_sockets_tcp_server_on_accept_has_listener(a, never, NULL, &has));
    REFUSED(chrome_sockets_tcp_server_on_accept_error_add_listener(a, never, NULL));
    REFUSED(chrome_sockets_tcp_server_on_accept_error_remove_listener(a, never, NULL));
    REFUSED(chrome_sockets_tcp_server_on_accept_error_has_listener(a, never, NULL, &has));
    CHECK_INT(n, 77); /* out-parameters are written only on OK */
    CHECK_INT(handle, 77);
    CHECK_INT(has, 7);
    CHECK(e == (const chromesock_event *)1);
    CHECK(texts == (chromesock_texts *)1);
}

static void null_pointers(fx *f) {
    chromesock_app *a = f->app;
    const chromesock_event *e = NULL;
    int32_t tcp = new_tcp(f), server = new_server(f);
    uint64_t before = fx_stats(f).calls_accepted;
    REFUSED(chromesock_app_new(NULL, NULL));
    REFUSED(chromesock_reactor_new(NULL));
    chromesock_reactor_free(NULL);
    REFUSED(chromesock_event_retain(NULL, &e));
    chromesock_event_release(NULL);
    REFUSED(chromesock_app_next_event(a, 0, NULL));
    REFUSED(chromesock_app_event_handle(a, NULL));
    REFUSED(chromesock_app_get_stats(a, NULL));
    REFUSED(chromesock_manifest_check(NULL, NULL));
    REFUSED(chromesock_app_has_api(a, CHROMESOCK_API_SOCKETS, NULL));
    REFUSED(chromesock_app_check(a, CHROMESOCK_API_SOCKETS, CHROMESOCK_OPERATION_TCP_CONNECT, NULL, 1, NULL,
                                 NULL));
    REFUSED(chromesock_app_get_rules(a, CHROMESOCK_API_SOCKETS, NULL));
    chromesock_texts_free(NULL);
    REFUSED(chrome_sockets_tcp_connect(a, tcp, NULL, 80, 0, never, NULL));
    REFUSED(chrome_sockets_tcp_send(a, tcp, NULL, 5, never, NULL)); /* (NULL, 0) is valid: S-5 */
    REFUSED(chrome_sockets_tcp_send(a, 999, NULL, 5, never, NULL)); /* G-10: before the look-up */
    REFUSED(chrome_sockets_tcp_server_listen(a, server, NULL, 0, NULL, never, NULL));
    REFUSED(chrome_sockets_tcp_on_receive_add_listener(a, NULL, NULL));
    REFUSED(chrome_sockets_tcp_on_receive_remove_listener(a, NULL, NULL));
    REFUSED(chrome_sockets_tcp_on_receive_has_listener(a, never, NULL, NULL));
    REFUSED(chrome_sockets_tcp_on_receive_error_add_listener(a, NULL, NULL));
    REFUSED(chrome_sockets_tcp_on_receive_error_remove_listener(a, NULL, NULL));
    REFUSED(chrome_sockets_tcp_on_receive_error_has_listener(a, never, NULL, NULL));
    REFUSED(chrome_sockets_tcp_server_on_accept_add_listener(a, NULL, NULL));
    REFUSED(chrome_sockets_tcp_server_on_accept_remove_listener(a, NULL, NULL));
    REFUSED(chrome_sockets_tcp_server_on_accept_has_listener(a, never, NULL, NULL));
    REFUSED(chrome_sockets_tcp_server_on_accept_error_add_listener(a, NULL, NULL));
    REFUSED(chrome_sockets_tcp_server_on_accept_error_remove_listener(a, NULL, NULL));
    REFUSED(chrome_sockets_tcp_server_on_accept_error_has_listener(a, never, NULL, NULL));
    CHECK_INT(fx_stats(f).calls_accepted, before); /* nothing was kept */
    /* G-13: no properties is "none given" */
    IS_OK(tcp_update(f, tcp, NULL));
    IS_OK(server_update(f, server, NULL));
    CHECK_INT(info_of(f, tcp)->present, CHROMESOCK_SOCKET_INFO_CONNECTED);
}

/* A retained event without a place to put it. */
static void retain_without_place(fx *f, const chromesock_event *event) {
    (void)f;
    REFUSED(chromesock_event_retain(event, NULL));
}
static void retain_null(fx *f) {
    f->inside = retain_without_place;
    IS_OK(tcp_get_sockets(f));
    f->inside = NOTHING;
}

/* A name present but NULL, and text that is not UTF-8. */
static void bad_text(fx *f) {
    static const char *const bad[] = {"\xff", "a\x80", "\xc3\x28", "\xe2\x82", "\xed\xa0\x80",
                                      "\xf5\x80\x80\x80", "\xc0\xaf"};
    chromesock_app *a = f->app;
    int32_t tcp = new_tcp(f), server = new_server(f), out = 77;
    for (size_t n = 0; n < sizeof bad / sizeof bad[0]; n++) {
        chrome_sockets_tcp_properties p =
            tcp_props(CHROME_SOCKETS_TCP_PROPERTIES_NAME, bad[n], 0, 0);
        chrome_sockets_tcp_server_properties sp =
            server_props(CHROME_SOCKETS_TCP_SERVER_PROPERTIES_NAME, bad[n], 0);
        REFUSED(chrome_sockets_tcp_create(a, &p, &out, never, NULL));
        REFUSED(chrome_sockets_tcp_update(a, tcp, &p, never, NULL));
        REFUSED(chrome_sockets_tcp_connect(a, tcp, bad[n], 80, 0, never, NULL));
        REFUSED(chrome_sockets_tcp_server_create(a, &sp, &out, never, NULL));
        REFUSED(chrome_sockets_tcp_server_update(a, server, &sp, never, NULL));
        REFUSED(chrome_sockets_tcp_server_listen(a, server, bad[n], 0, NULL, never, NULL));
        REFUSED(chromesock_manifest_check(bad[n], NULL));
        REFUSED(chromesock_app_check(a, CHROMESOCK_API_SOCKETS, CHROMESOCK_OPERATION_TCP_CONNECT, bad[n], 1,
                                     NULL, NULL));
    }
    CHECK_INT(out, 77);
    CHECK_STR(info_of(f, tcp)->name, NULL);
    CHECK_INT(fx_stats(f).sockets_open, 2);
}

/* Memory whose last byte is the last of a page; a read or write behind it ends the test. */
static unsigned char *guarded(size_t len) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    unsigned char *at = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(at != MAP_FAILED);
    CHECK_INT(mprotect(at + page, page, PROT_NONE), 0);
    return at + page - len;
}

static int is_short_of_header(uint32_t size) { return size < 2 * sizeof(uint32_t); }

/* What a struct of properties had in its first published version; no caller can have less. */
enum { FIRST_VERSION = 24 };

/* Every size from 0 on, with nothing readable behind: less than the first version is refused, and
 * nothing behind the size is read. */
static void short_structs(fx *f) {
    int32_t tcp = new_tcp(f), server = new_server(f);
    for (uint32_t size = 0; size <= sizeof(chrome_sockets_tcp_properties); size++) {
        chrome_sockets_tcp_properties p = tcp_props(0, NULL, 0, 0);
        chromesock_status s;
        unsigned char *place = guarded((sizeof p + 7) / 8 * 8);
        size_t have = size < 4 ? 4 : size;
        /* aligned structs only: move so that `have` bytes, rounded up to 8, end at the page's end */
        place += sizeof p - (have + 7) / 8 * 8;
        p.size = size;
        memcpy(place, &p, have);
        s = chrome_sockets_tcp_update(f->app, tcp, (const chrome_sockets_tcp_properties *)(void *)place,
                                      NULL, NULL);
        if (s == CHROMESOCK_OK) f->accepted++;
        CHECK_INT(s, size < FIRST_VERSION ? CHROMESOCK_INVALID_ARGUMENT : CHROMESOCK_OK);
    }
    for (uint32_t size = 0; size <= sizeof(chrome_sockets_tcp_server_properties); size++) {
        chrome_sockets_tcp_server_properties p = server_props(0, NULL, 0);
        chromesock_status s;
        unsigned char *place = guarded((sizeof p + 7) / 8 * 8);
        size_t have = size < 4 ? 4 : size;
        place += sizeof p - (have + 7) / 8 * 8;
        p.size = size;
        memcpy(place, &p, have);
        s = chrome_sockets_tcp_server_update(
            f->app, server, (const chrome_sockets_tcp_server_properties *)(void *)place, NULL, NULL);
        if (s == CHROMESOCK_OK) f->accepted++;
        CHECK_INT(s, size < FIRST_VERSION ? CHROMESOCK_INVALID_ARGUMENT : CHROMESOCK_OK);
    }
    IS_OK(tcp_get_sockets(f));
}

/* A present bit whose member lies behind the given size. */
static void present_behind_size(fx *f) {
    int32_t tcp = new_tcp(f);
    chrome_sockets_tcp_properties p = tcp_props(CHROME_SOCKETS_TCP_PROPERTIES_NAME, (char *)1, 0, 0);
    p.size = 8;
    REFUSED(chrome_sockets_tcp_update(f->app, tcp, &p, never, NULL));
    CHECK_STR(info_of(f, tcp)->name, NULL);
}

/* A larger size (a newer caller): what we know is read, the rest is not looked at. */
static void long_structs(fx *f) {
    static const uint32_t sizes[] = {sizeof(chrome_sockets_tcp_properties) + 1, 4096, UINT32_MAX};
    for (size_t n = 0; n < sizeof sizes / sizeof sizes[0]; n++) {
        chrome_sockets_tcp_properties *p = (void *)guarded(sizeof *p);
        chrome_sockets_tcp_server_properties *sp = (void *)guarded(sizeof *sp);
        chromesock_app_options *o = (void *)guarded(sizeof *o);
        chromesock_app_stats *st = (void *)guarded(sizeof *st);
        chromesock_app *app = NULL;
        int32_t id = 0;
        *p = tcp_props(CHROME_SOCKETS_TCP_PROPERTIES_NAME, "long", 0, 0);
        p->size = sizes[n];
        IS_OK(tcp_create(f, p, &id));
        CHECK_STR(info_of(f, id)->name, "long");
        *sp = server_props(CHROME_SOCKETS_TCP_SERVER_PROPERTIES_NAME, "long", 0);
        sp->size = sizes[n];
        IS_OK(server_create(f, sp, &id));
        CHECK_STR(server_info_of(f, id)->name, "long");
        memset(o, 0, sizeof *o);
        o->size = sizes[n] < sizeof *o ? sizeof *o + 1 : sizes[n];
        CHECK_INT(chromesock_app_new(o, &app), CHROMESOCK_OK);
        chromesock_app_free(app);
        memset(st, 0, sizeof *st);
        st->size = sizes[n] < sizeof *st ? sizeof *st + 1 : sizes[n];
        CHECK_INT(chromesock_app_get_stats(f->app, st), CHROMESOCK_OK);
        CHECK_INT(st->calls_accepted, f->accepted);
    }
}

/* app_new: sizes, bits, delivery; the out-parameter stays untouched. */
static void bad_options(void) {
    static const int32_t deliveries[] = {-1, 2, INT32_MIN, INT32_MAX};
    char mark;
    chromesock_app *app = (chromesock_app *)(void *)&mark;
    chromesock_app_options o;
    for (uint32_t size = 0; size < sizeof o; size++) {
        size_t have = size < 4 ? 4 : size;
        unsigned char *place = guarded((sizeof o + 7) / 8 * 8) + sizeof o - (have + 7) / 8 * 8;
        chromesock_status s;
        memset(&o, 0, sizeof o);
        o.size = size;
        memcpy(place, &o, have);
        app = (chromesock_app *)(void *)&mark;
        s = chromesock_app_new((const chromesock_app_options *)(void *)place, &app);
        if (is_short_of_header(size)) CHECK_INT(s, CHROMESOCK_INVALID_ARGUMENT);
        if (s == CHROMESOCK_OK) {
            chromesock_app_free(app);
        } else {
            CHECK_INT(s, CHROMESOCK_INVALID_ARGUMENT);
            CHECK((void *)app == (void *)&mark);
        }
        app = (chromesock_app *)(void *)&mark;
    }
    memset(&o, 0, sizeof o);
    o.size = sizeof o;
    for (size_t n = 0; n < sizeof deliveries / sizeof deliveries[0]; n++) {
        o.delivery = deliveries[n];
        REFUSED(chromesock_app_new(&o, &app));
    }
    o.delivery = 0;
    for (int bit = 3; bit < 32; bit++) {
        o.present = 1u << bit;
        REFUSED(chromesock_app_new(&o, &app));
    }
    CHECK((void *)app == (void *)&mark);
}

static void unknown_present_bits(fx *f) {
    int32_t tcp = new_tcp(f), server = new_server(f), out = 77;
    for (int bit = 2; bit < 32; bit++) {
        chrome_sockets_tcp_properties p = tcp_props(1u << bit, NULL, 0, 0);
        chrome_sockets_tcp_server_properties sp = server_props(1u << bit, NULL, 0);
        if (bit >= 3) {
            REFUSED(chrome_sockets_tcp_create(f->app, &p, &out, never, NULL));
            REFUSED(chrome_sockets_tcp_update(f->app, tcp, &p, never, NULL));
        }
        REFUSED(chrome_sockets_tcp_server_create(f->app, &sp, &out, never, NULL));
        REFUSED(chrome_sockets_tcp_server_update(f->app, server, &sp, never, NULL));
    }
    CHECK_INT(out, 77);
}

/* get_stats writes no more than the size it was given. */
static void short_stats(fx *f) {
    for (uint32_t size = 0; size <= sizeof(chromesock_app_stats); size++) {
        size_t have = size < 4 ? 4 : size;
        unsigned char *place = guarded(sizeof(chromesock_app_stats)) + sizeof(chromesock_app_stats) -
                               (have + 7) / 8 * 8;
        chromesock_status s;
        memset(place, 0xee, (have + 7) / 8 * 8);
        memcpy(place, &size, sizeof size);
        s = chromesock_app_get_stats(f->app, (chromesock_app_stats *)(void *)place);
        if (size < 4) CHECK_INT(s, CHROMESOCK_INVALID_ARGUMENT);
        CHECK(s == CHROMESOCK_OK || s == CHROMESOCK_INVALID_ARGUMENT);
        for (size_t n = have; n < (have + 7) / 8 * 8; n++) CHECK_INT(place[n], 0xee);
    }
}

/* Numbers at their limits. Ports, backlog, delay and ids are judged in the completion (G-12, tested
 * with each method); an enum that does not exist is an argument error. */
static void numbers(fx *f) {
    static const int32_t types[] = {-1, 3, INT32_MIN, INT32_MAX};
    int32_t id = new_tcp(f), n = 77;
    call *c;
    const uint8_t byte = 1;
    chromesock_status s;
    for (size_t k = 0; k < sizeof types / sizeof types[0]; k++) {
        REFUSED(chrome_sockets_tcp_connect(f->app, id, "127.0.0.1", 80, types[k], never, NULL));
        REFUSED(chrome_sockets_tcp_connect(f->app, 999, "127.0.0.1", 80, types[k], never, NULL));
    }
    IS_OK(tcp_set_paused(f, id, 255)); /* any non-zero is true */
    CHECK_INT(info_of(f, id)->paused, 1);
    if (f->mode == MODE_DISPATCH || f->mode == MODE_DISPATCH_CB) {
        tcp_get_sockets(f);
        CHECK_INT(chromesock_app_dispatch(f->app, INT32_MIN, INT32_MIN, &n), CHROMESOCK_OK);
        CHECK_INT(n, 1);
        tcp_get_sockets(f);
        CHECK_INT(chromesock_app_dispatch(f->app, INT32_MAX, INT32_MAX, &n), CHROMESOCK_OK);
        CHECK_INT(n, 1);
    }
    /* More bytes than any memory holds: refused by quota or as an argument, never read. */
    c = call_new(f, CHROME_SOCKETS_TCP_SEND, id);
    s = chrome_sockets_tcp_send(f->app, id, &byte, SIZE_MAX, f->callback, c);
    if (s == CHROMESOCK_OK) {
        f->accepted++;
        IS_FAIL_TEXT(c, "Exceeded write quota.");
    } else {
        CHECK_INT(s, CHROMESOCK_INVALID_ARGUMENT);
    }
    free(c);
}

/* After app_close every call is refused with CONTEXT_SHUT_DOWN; the rest still answers. */
static void a_closed_app(fx *f) {
    chromesock_app *a = f->app;
    chrome_sockets_tcp_properties p = tcp_props(0, NULL, 0, 0);
    chrome_sockets_tcp_server_properties sp = server_props(0, NULL, 0);
    const uint8_t byte = 1;
    int32_t n = 77, id = new_tcp(f), server = new_server(f);
    fx_close_and_check(f);
#define SHUT(expression) CHECK_INT(expression, CHROMESOCK_CONTEXT_SHUT_DOWN)
    SHUT(chromesock_app_suspend(a));
    SHUT(chromesock_app_resume(a));
    SHUT(chromesock_app_unload(a));
    SHUT(chrome_sockets_tcp_create(a, &p, &n, never, NULL));
    SHUT(chrome_sockets_tcp_update(a, id, &p, never, NULL));
    SHUT(chrome_sockets_tcp_set_paused(a, id, 1, never, NULL));
    SHUT(chrome_sockets_tcp_set_keep_alive(a, id, 1, 0, never, NULL));
    SHUT(chrome_sockets_tcp_set_no_delay(a, id, 1, never, NULL));
    SHUT(chrome_sockets_tcp_connect(a, id, "127.0.0.1", 1, 0, never, NULL));
    SHUT(chrome_sockets_tcp_disconnect(a, id, never, NULL));
    SHUT(chrome_sockets_tcp_send(a, id, &byte, 1, never, NULL));
    SHUT(chrome_sockets_tcp_close(a, id, never, NULL));
    SHUT(chrome_sockets_tcp_get_info(a, id, never, NULL));
    SHUT(chrome_sockets_tcp_get_sockets(a, never, NULL));
    SHUT(chrome_sockets_tcp_server_create(a, &sp, &n, never, NULL));
    SHUT(chrome_sockets_tcp_server_update(a, server, &sp, never, NULL));
    SHUT(chrome_sockets_tcp_server_set_paused(a, server, 1, never, NULL));
    SHUT(chrome_sockets_tcp_server_listen(a, server, "127.0.0.1", 0, NULL, never, NULL));
    SHUT(chrome_sockets_tcp_server_disconnect(a, server, never, NULL));
    SHUT(chrome_sockets_tcp_server_close(a, server, never, NULL));
    SHUT(chrome_sockets_tcp_server_get_info(a, server, never, NULL));
    SHUT(chrome_sockets_tcp_server_get_sockets(a, never, NULL));
    CHECK_INT(n, 77);
    CHECK_INT(chromesock_app_close(a), CHROMESOCK_OK);
}

int main(int argc, char **argv) {
    harness_init(argc, argv);
    RUN(null_app);
    RUN_ALL_MODES(null_pointers);
    RUN_ALL_MODES(retain_null);
    RUN_ALL_MODES(bad_text);
    RUN_ALL_MODES(short_structs);
    RUN_ALL_MODES(present_behind_size);
    RUN_ALL_MODES(long_structs);
    RUN(bad_options);
    RUN_ALL_MODES(unknown_present_bits);
    RUN_ALL_MODES(short_stats);
    RUN_ALL_MODES(numbers);
    RUN_ALL_MODES(a_closed_app);
    return harness_finish();
}
