/* The host's side of manifests (permissions.md 5, 5.3, 6; header): what is refused and with which text,
 * warnings, lists of texts, and the questions has_api, check and get_rules. Reading a manifest in depth
 * is tested beside the code that reads it; here it is seen through the C API. */
#include "harness.h"

#define EXAMPLE                                                                                      \
    "\xef\xbb\xbf// a comment before it\n"                                                           \
    "{\"name\":\"demo\",\"version\":\"1\",\"manifest_version\":2,\"permissions\":[\"storage\","      \
    "{\"socket\":[\"tcp-connect:*.Example.com:443\",\"udp-bind\",\"bogus:1:2\"]}],/* and one here */" \
    "\"sockets\":{\"udp\":{\"bind\":\"*\",\"send\":[\"*.example.com:53\",\"224.0.0.251:5353\"],"     \
    "\"multicastMembership\":\"\"},\"tcpServer\":{\"listen\":\"127.0.0.1:8080\"}}}"
#define BAD_LIST \
    "Invalid value for 'permissions[socket]': Cannot parse the permission list. It's not a list.."
#define UNKNOWN(item) "Permission '" item "' is unknown or URL pattern is malformed."

/* permissions.md 5.1 and 5.2: manifest, message, path. A NULL message: some text, of the JSON itself. */
static const struct {
    const char *manifest, *message, *path;
} bad[] = {
    {"{\"sockets\":5}", "expected dictionary, got integer", "sockets"},
    {"{\"sockets\":null}", "expected dictionary, got null", "sockets"},
    {"{\"sockets\":[]}", "expected dictionary, got list", "sockets"},
    {"{\"sockets\":{\"udp\":true}}", "'udp': expected dictionary, got boolean", "sockets.udp"},
    {"{\"sockets\":{\"tcp\":\"*\"}}", "'tcp': expected dictionary, got string", "sockets.tcp"},
    {"{\"sockets\":{\"tcpServer\":1.5}}", "'tcpServer': expected dictionary, got double",
     "sockets.tcpServer"},
    {"{\"sockets\":{\"tcp\":{\"connect\":7}}}", "expected string or strings, got integer",
     "sockets.tcp.connect"},
    {"{\"sockets\":{\"tcpServer\":{\"listen\":null}}}", "expected string or strings, got null",
     "sockets.tcpServer.listen"},
    {"{\"sockets\":{\"tcp\":{\"connect\":[\"a\",\"b\",{}]}}}",
     "Error at key 'strings': Parsing array failed at index 2: expected string, got dictionary",
     "sockets.tcp.connect[2]"},
    {"{\"sockets\":{\"tcp\":{\"connect\":\"a:b:c\"}}}", "Invalid host:port pattern 'a:b:c'",
     "sockets.tcp.connect"},
    {"{\"sockets\":{\"tcp\":{\"connect\":[\"*\",\"www.example.com:65536\"]}}}",
     "Invalid host:port pattern 'www.example.com:65536'", "sockets.tcp.connect[1]"},
    {"{\"sockets\":{\"tcpServer\":{\"listen\":\"[::1]:80\"}}}", "Invalid host:port pattern '[::1]:80'",
     "sockets.tcpServer.listen"},
    {"{\"sockets\":{\"udp\":{\"multicastMembership\":\"*\"}}}", "Invalid host:port pattern '*'",
     "sockets.udp.multicastMembership"},
    /* the whole structure comes before the first pattern */
    {"{\"sockets\":{\"udp\":{\"bind\":\"a:b:c\"},\"tcp\":5}}", "'tcp': expected dictionary, got integer",
     "sockets.tcp"},
    {"{\"permissions\":5}", "Invalid value for 'permissions'.", "permissions"},
    {"{\"permissions\":[\"storage\",5]}", "Invalid value for 'permissions[1]'.", "permissions[1]"},
    {"{\"permissions\":[{\"a\":1,\"b\":2}]}", "Invalid value for 'permissions[0]'.", "permissions[0]"},
    {"{\"permissions\":[{\"socket\":\"tcp-connect\"}]}", BAD_LIST, "permissions[0].socket"},
    {"{\"permissions\":[\"usb\",{\"socket\":null}]}", BAD_LIST, "permissions[1].socket"},
    {"", NULL, ""},
    {"[]", NULL, ""},
    {"{", NULL, ""},
    {"{\"sockets\":{}", NULL, ""},
    {"{\"sockets\":{}} x", NULL, ""},
    {"{\"sockets\":{}} /* never ends", NULL, ""},
};

static void bad_manifests(void) {
    for (size_t n = 0; n < sizeof bad / sizeof bad[0]; n++) {
        chromesock_texts *texts = NULL;
        chromesock_app_options o;
        char mark;
        chromesock_app *app = (chromesock_app *)(void *)&mark;
        CHECK_INT(chromesock_manifest_check(bad[n].manifest, &texts), CHROMESOCK_INVALID_MANIFEST);
        CHECK_INT(chromesock_texts_count(texts), 2);
        if (bad[n].message)
            CHECK_STR(chromesock_texts_at(texts, 0), bad[n].message);
        else
            CHECK(strlen(chromesock_texts_at(texts, 0)) > 10);
        CHECK_STR(chromesock_texts_at(texts, 1), bad[n].path);
        chromesock_texts_free(texts);
        CHECK_INT(chromesock_manifest_check(bad[n].manifest, NULL), CHROMESOCK_INVALID_MANIFEST);
        memset(&o, 0, sizeof o);
        o.size = sizeof o;
        o.manifest = bad[n].manifest;
        for (int delivery = 0; delivery < 2; delivery++) {
            o.delivery = delivery;
            CHECK_INT(chromesock_app_new(&o, &app), CHROMESOCK_INVALID_MANIFEST);
            CHECK((void *)app == (void *)&mark);
        }
    }
    CHECK(chromesock_status_name(CHROMESOCK_INVALID_MANIFEST) != NULL);
    CHECK(chromesock_status_text(CHROMESOCK_INVALID_MANIFEST) != NULL);
}

/* Too long, too deep, ten thousand rules: an answer, and soon. */
static void large_manifests(void) {
    static char text[5 << 20];
    size_t at;
    memset(text, ' ', sizeof text - 1);
    text[0] = '{';
    text[sizeof text - 2] = '}';
    CHECK_INT(chromesock_manifest_check(text, NULL), CHROMESOCK_INVALID_MANIFEST);
    memset(text, '[', 200000);
    text[200000] = 0;
    CHECK_INT(chromesock_manifest_check(text, NULL), CHROMESOCK_INVALID_MANIFEST);
    at = (size_t)sprintf(text, "{\"sockets\":{\"tcp\":{\"connect\":[\"last\"");
    for (int n = 0; n < 10000; n++) at += (size_t)sprintf(text + at, ",\"host%d.test:%d\"", n, n + 1);
    sprintf(text + at, "]}}}");
    CHECK_INT(chromesock_manifest_check(text, NULL), CHROMESOCK_OK);
}

/* permissions.md 5.2: warnings in order; they do not stop the app. */
static void warnings(void) {
    static const char *const manifest =
        "{\"permissions\":[\"storage\",\"no such thing\",{\"socket\":[\"tcp-connect\",\"tcp-connect:a:b:c\","
        "7,\"TCP-CONNECT\"]},{\"usb\":[]},\"<all_urls>\",\"second\"],"
        "\"optional_permissions\":[\"third\",\"socket\"]}";
    static const char *const want[] = {
        UNKNOWN("no such thing"), UNKNOWN("\"tcp-connect:a:b:c\""), UNKNOWN("7"),
        UNKNOWN("\"TCP-CONNECT\""), UNKNOWN("second"), UNKNOWN("third"),
    };
    chromesock_texts *texts = NULL;
    chromesock_app_options o;
    chromesock_app *app = NULL;
    CHECK_INT(chromesock_manifest_check(manifest, &texts), CHROMESOCK_OK);
    CHECK_INT(chromesock_texts_count(texts), 7); /* the last is about "socket" being optional */
    for (size_t n = 0; n < sizeof want / sizeof want[0]; n++)
        CHECK_STR(chromesock_texts_at(texts, n), want[n]);
    CHECK(strstr(chromesock_texts_at(texts, 6), "'socket'") != NULL);
    chromesock_texts_free(texts);
    memset(&o, 0, sizeof o);
    o.size = sizeof o;
    o.manifest = manifest;
    CHECK_INT(chromesock_app_new(&o, &app), CHROMESOCK_OK);
    chromesock_app_free(app);
    CHECK_INT(chromesock_manifest_check(EXAMPLE, &texts), CHROMESOCK_OK);
    CHECK_INT(chromesock_texts_count(texts), 1);
    CHECK_STR(chromesock_texts_at(texts, 0), UNKNOWN("\"bogus:1:2\""));
    chromesock_texts_free(texts);
    CHECK_INT(chromesock_manifest_check("{}", &texts), CHROMESOCK_OK);
    CHECK_INT(chromesock_texts_count(texts), 0);
    chromesock_texts_free(texts);
}

/* permissions.md 2.3: a rule that is accepted and cannot do what it seems to say gets a hint, after the warnings. */
static void hints(void) {
    static const char *const manifest =
        "{\"permissions\":[{\"socket\":[\"tcp-connect:good\",\"tcp-connect:a/b\"]},\"bogus\"],"
        "\"sockets\":{\"udp\":{\"send\":[\"*.168.0.1:53\",\"fine\"]},\"tcp\":{\"connect\":\"a.com.\"}}}";
    static const char *const want[] = {
        UNKNOWN("bogus"),
        "udp-send-to:*.168.0.1:53: a wildcard never covers part of an IP address",
        "tcp-connect:a.com.:*: only a host written with the same dots at its end matches",
        "tcp-connect:a/b:*: the host is compared as plain text and this text is not a host name",
    };
    chromesock_texts *texts = NULL;
    CHECK_INT(chromesock_manifest_check(manifest, &texts), CHROMESOCK_OK);
    CHECK_INT(chromesock_texts_count(texts), sizeof want / sizeof want[0]);
    for (size_t n = 0; n < sizeof want / sizeof want[0]; n++)
        CHECK_STR(chromesock_texts_at(texts, n), want[n]);
    chromesock_texts_free(texts);
}

/* JSON can hold a NUL, C text cannot: no message may get lost for it, and the path stays second. */
static void nul_in_a_manifest(void) {
    static const char *const pattern = "{\"sockets\":{\"tcp\":{\"connect\":[\"*\",\"a\\u0000b:c:d\"]}}}";
    static const char *const name = "{\"permissions\":[\"a\\u0000b\",\"second\"]}";
    chromesock_texts *texts = NULL;
    CHECK_INT(chromesock_manifest_check(pattern, &texts), CHROMESOCK_INVALID_MANIFEST);
    CHECK_INT(chromesock_texts_count(texts), 2);
    CHECK(strstr(chromesock_texts_at(texts, 0), "Invalid host:port pattern 'a") != NULL);
    CHECK_STR(chromesock_texts_at(texts, 1), "sockets.tcp.connect[1]");
    chromesock_texts_free(texts);
    CHECK_INT(chromesock_manifest_check(name, &texts), CHROMESOCK_OK);
    CHECK_INT(chromesock_texts_count(texts), 2);
    CHECK(strstr(chromesock_texts_at(texts, 0), "Permission 'a") != NULL);
    CHECK_STR(chromesock_texts_at(texts, 1), UNKNOWN("second"));
    chromesock_texts_free(texts);
}

static void list_functions(void) {
    chromesock_texts *texts = NULL;
    CHECK_INT(chromesock_texts_count(NULL), 0);
    CHECK_STR(chromesock_texts_at(NULL, 0), NULL);
    CHECK_STR(chromesock_texts_at(NULL, (size_t)-1), NULL);
    chromesock_texts_free(NULL);
    CHECK_INT(chromesock_manifest_check("{\"sockets\":1}", &texts), CHROMESOCK_INVALID_MANIFEST);
    CHECK(chromesock_texts_at(texts, 0) == chromesock_texts_at(texts, 0)); /* borrowed, not copied */
    CHECK_STR(chromesock_texts_at(texts, 2), NULL);
    CHECK_STR(chromesock_texts_at(texts, (size_t)-1), NULL);
    CHECK_STR(chromesock_texts_at(texts, (size_t)INT32_MAX + 1), NULL);
    chromesock_texts_free(texts);
}

static void bad_arguments(void) {
    chromesock_texts *const mark = (chromesock_texts *)1;
    chromesock_texts *texts = mark;
    chromesock_app_options o;
    chromesock_app *app = NULL;
    CHECK_INT(chromesock_manifest_check(NULL, &texts), CHROMESOCK_INVALID_ARGUMENT);
    CHECK_INT(chromesock_manifest_check(NULL, NULL), CHROMESOCK_INVALID_ARGUMENT);
    CHECK_INT(chromesock_manifest_check("{\"name\":\"\xff\"}", &texts), CHROMESOCK_INVALID_ARGUMENT);
    CHECK(texts == mark);
    memset(&o, 0, sizeof o);
    o.size = sizeof o;
    o.manifest = "{\"name\":\"\xff\"}";
    CHECK_INT(chromesock_app_new(&o, &app), CHROMESOCK_INVALID_ARGUMENT);
    CHECK(app == NULL);
}

/* ---- the questions about an app ---- */

static void check_rules(fx *f, int32_t api, const char *const *want) {
    chromesock_texts *rules = NULL;
    size_t n = 0;
    CHECK_INT(chromesock_app_get_rules(f->app, api, &rules), CHROMESOCK_OK);
    for (; want[n] != NULL; n++) CHECK_STR(chromesock_texts_at(rules, n), want[n]);
    CHECK_INT(chromesock_texts_count(rules), n);
    chromesock_texts_free(rules);
}

/* NULL: denied, with an empty list. */
static void check(fx *f, int32_t api, int32_t operation, const char *host, int32_t port,
                  const char *rule) {
    chromesock_texts *texts = NULL;
    chromesock_bool allowed = 7;
    CHECK_INT(chromesock_app_check(f->app, api, operation, host, port, &allowed, &texts), CHROMESOCK_OK);
    if (allowed != (rule != NULL)) FAIL("%s port %d: allowed %d", host, (int)port, (int)allowed);
    CHECK_INT(chromesock_texts_count(texts), rule != NULL);
    CHECK_STR(chromesock_texts_at(texts, 0), rule);
    chromesock_texts_free(texts);
    CHECK_INT(chromesock_app_check(f->app, api, operation, host, port, &allowed, NULL), CHROMESOCK_OK);
    CHECK_INT(chromesock_app_check(f->app, api, operation, host, port, NULL, NULL), CHROMESOCK_OK);
}

enum { NEW = CHROMESOCK_API_SOCKETS, OLD = CHROMESOCK_API_SOCKET };
#define OP(name) CHROMESOCK_OPERATION_##name

/* permissions.md 5.3, every row; the order of section 6. */
static void the_worked_example(fx *f) {
    static const char *const legacy[] = {"tcp-connect:*.example.com:443", "udp-bind:*:*", NULL};
    static const char *const sockets[] = {"tcp-listen:127.0.0.1:8080", "udp-bind:*:*",
                                          "udp-send-to:224.0.0.251:5353",
                                          "udp-send-to:*.example.com:53", "udp-multicast-membership",
                                          NULL};
    check_rules(f, OLD, legacy);
    check_rules(f, NEW, sockets);
    check(f, NEW, OP(UDP_BIND), "0.0.0.0", 0, "udp-bind:*:*");
    check(f, NEW, OP(UDP_SEND_TO), "ns.example.com", 53, "udp-send-to:*.example.com:53");
    check(f, NEW, OP(UDP_SEND_TO), "224.0.0.251", 5353, "udp-send-to:224.0.0.251:5353");
    check(f, NEW, OP(UDP_SEND_TO), "224.0.0.251", 5354, NULL);
    check(f, NEW, OP(UDP_MULTICAST_MEMBERSHIP), "*", 0, "udp-multicast-membership");
    check(f, NEW, OP(TCP_CONNECT), "www.example.com", 443, NULL);
    check(f, NEW, OP(TCP_LISTEN), "127.0.0.1", 8080, "tcp-listen:127.0.0.1:8080");
    check(f, NEW, OP(TCP_LISTEN), "0.0.0.0", 8080, NULL);
    check(f, OLD, OP(TCP_CONNECT), "www.example.com", 443, "tcp-connect:*.example.com:443");
    check(f, OLD, OP(TCP_CONNECT), "WWW.EXAMPLE.COM", 443, "tcp-connect:*.example.com:443");
    check(f, OLD, OP(TCP_LISTEN), "127.0.0.1", 8080, NULL);
    check(f, OLD, OP(UDP_SEND_TO), "ns.example.com", 53, NULL);
    check(f, OLD, OP(UDP_BIND), "::", -1, "udp-bind:*:*");
    /* operations nobody has granted, ports out of range, wrap-around */
    check(f, NEW, OP(RESOLVE_HOST), "ns.example.com", 53, NULL);
    check(f, NEW, OP(NETWORK_STATE), "", 0, NULL);
    check(f, NEW, OP(TCP_LISTEN), "127.0.0.1", 8080 + 65536, NULL);
    check(f, NEW, OP(TCP_LISTEN), "127.1", 8080, NULL);
    check(f, NEW, OP(UDP_BIND), "anything", INT32_MIN, "udp-bind:*:*");
}

static void everything(fx *f) {
    static const char *const all[] = {"*", NULL};
    check_rules(f, NEW, all);
    check_rules(f, OLD, all);
    for (int32_t op = OP(TCP_CONNECT); op <= OP(NETWORK_STATE); op++) {
        check(f, NEW, op, "", -1, "*");
        check(f, OLD, op, "x", 70000, "*");
    }
}

static void nothing(fx *f) {
    static const char *const none[] = {NULL};
    check_rules(f, NEW, none);
    check_rules(f, OLD, none);
    check(f, NEW, OP(TCP_CONNECT), "127.0.0.1", 80, NULL);
    check(f, OLD, OP(UDP_BIND), "127.0.0.1", 80, NULL);
}

/* The questions refuse bad arguments and then write nothing; a closed app still answers. */
static void bad_questions(fx *f) {
    static const int32_t apis[] = {-1, 2, INT32_MIN, INT32_MAX}, operations[] = {-1, 8, INT32_MIN, INT32_MAX};
    chromesock_texts *const mark = (chromesock_texts *)1;
    chromesock_texts *texts = mark;
    chromesock_bool b = 7;
    chromesock_app *a = f->app;
#define REFUSED(expression) CHECK_INT(expression, CHROMESOCK_INVALID_ARGUMENT)
    REFUSED(chromesock_app_has_api(a, NEW, NULL));
    REFUSED(chromesock_app_get_rules(a, NEW, NULL));
    REFUSED(chromesock_app_check(a, NEW, OP(TCP_CONNECT), NULL, 80, &b, &texts));
    REFUSED(chromesock_app_check(a, NEW, OP(TCP_CONNECT), "\xff", 80, &b, &texts));
    for (size_t n = 0; n < sizeof apis / sizeof apis[0]; n++) {
        REFUSED(chromesock_app_has_api(a, apis[n], &b));
        REFUSED(chromesock_app_get_rules(a, apis[n], &texts));
        REFUSED(chromesock_app_check(a, apis[n], OP(TCP_CONNECT), "a", 80, &b, &texts));
        REFUSED(chromesock_app_check(a, NEW, operations[n], "a", 80, &b, &texts));
    }
    CHECK_INT(b, 7);
    CHECK(texts == mark);
    fx_close_and_check(f);
    CHECK_INT(chromesock_app_has_api(a, NEW, &b), CHROMESOCK_OK);
    check(f, OLD, OP(UDP_BIND), "127.0.0.1", 80, "udp-bind:*:*");
}

int main(int argc, char **argv) {
    chromesock_app_options o;
    harness_init(argc, argv);
    memset(&o, 0, sizeof o);
    RUN(bad_manifests);
    RUN(large_manifests);
    RUN(warnings);
    RUN(hints);
    RUN(nul_in_a_manifest);
    RUN(list_functions);
    RUN(bad_arguments);
    o.manifest = EXAMPLE;
    RUN_ALL_MODES_WITH(the_worked_example, &o);
    RUN_ALL_MODES_WITH(bad_questions, &o);
    o.manifest = "{\"sockets\":{},\"permissions\":[\"socket\"]}";
    RUN_ALL_MODES_WITH(nothing, &o);
    o.manifest = "{}";
    RUN_ALL_MODES_WITH(nothing, &o);
    RUN_ALL_MODES(everything);
    return harness_finish();
}
