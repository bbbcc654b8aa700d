/* Ways round a rule, tried through the real calls (permissions.md 3: the text decides). Each row states
 * its outcome; a denied one asks no resolver and reaches nobody. */
#include <unistd.h>

#include "harness.h"
#include "resolve_shim.h"


enum outcome {
    DENY,
    CONNECTS,  /* allowed, and the peer is reached */
    ASKS,      /* allowed, and this name is asked for */
    NO_NAME,   /* allowed as a text, and then not a name: -105 without a query */
    BAD_PORT,  /* allowed by a rule for any port, and then out of range: -4 (D6) */
};
enum rules { EXACT, WILD, ANY_HOST, ANY_PORT, RULES };

static int listen_fd; /* for both families */
static uint16_t peer_port;
static char manifests[RULES][600];

static const struct row {
    enum rules rules;
    const char *host;
    long long port;    /* added to the peer's port */
    enum outcome outcome;
    const char *asked;
} rows[] = {
    /* rules for 127.0.0.1, known.test, münchen.test and trailing.test. */
    {EXACT, "127.0.0.1", 0, CONNECTS, NULL},
    {EXACT, "127.1", 0, DENY, NULL},
    {EXACT, "127.0.1", 0, DENY, NULL},
    {EXACT, "0x7f.1", 0, DENY, NULL},
    {EXACT, "0x7f000001", 0, DENY, NULL},
    {EXACT, "2130706433", 0, DENY, NULL},
    {EXACT, "017700000001", 0, DENY, NULL},
    {EXACT, "0177.0.0.1", 0, DENY, NULL},
    {EXACT, "127.0.0.01", 0, DENY, NULL},
    {EXACT, "127.000.000.001", 0, DENY, NULL},
    {EXACT, "127.0.0.1.", 0, DENY, NULL},
    {EXACT, " 127.0.0.1", 0, DENY, NULL},
    {EXACT, "127.0.0.1 ", 0, DENY, NULL},
    {EXACT, "127.0.0.1\t", 0, DENY, NULL},
    {EXACT, "127.0.0.1\n", 0, DENY, NULL},
    {EXACT, "[127.0.0.1]", 0, DENY, NULL},
    {EXACT, "127.0.0.1:80", 0, DENY, NULL},
    {EXACT, "127.0.0.1/", 0, DENY, NULL},
    {EXACT, "127.0.0.1%00", 0, DENY, NULL},
    {EXACT, "127.0.0.1#", 0, DENY, NULL},
    {EXACT, "x@127.0.0.1", 0, DENY, NULL},
    {EXACT, "http://127.0.0.1", 0, DENY, NULL},
    {EXACT, "127.0.0.2", 0, DENY, NULL},
    {EXACT, "0.0.0.0", 0, DENY, NULL},
    {EXACT, "0", 0, DENY, NULL},
    {EXACT, "", 0, DENY, NULL},
    {EXACT, "*", 0, DENY, NULL},
    {EXACT, "::1", 0, DENY, NULL},
    {EXACT, "[::1]", 0, DENY, NULL},
    {EXACT, "::ffff:127.0.0.1", 0, DENY, NULL},
    {EXACT, "[::ffff:127.0.0.1]", 0, DENY, NULL},
    {EXACT, "::ffff:7f00:1", 0, DENY, NULL},
    {EXACT, "::127.0.0.1", 0, DENY, NULL},
    {EXACT, "localhost", 0, DENY, NULL},
    {EXACT, "\xef\xbc\x91\xef\xbc\x92\xef\xbc\x97.0.0.1", 0, DENY, NULL},      /* full-width 127 */
    {EXACT, "127\xe3\x80\x82" "0\xe3\x80\x82" "0\xe3\x80\x82" "1", 0, DENY, NULL}, /* ideographic stops */
    {EXACT, "127.0.0.1\xe2\x80\x8b", 0, DENY, NULL},                          /* zero-width space */
    {EXACT, "127.0.0.\xc2\xb9", 0, DENY, NULL},                               /* superscript one */
    {EXACT, "%31%32%37.0.0.1", 0, DENY, NULL},
    {EXACT, "127.0.0.1.test", 0, DENY, NULL},
    {EXACT, "127.0.0.1", 65536, DENY, NULL},
    {EXACT, "127.0.0.1", -65536, DENY, NULL},
    {EXACT, "127.0.0.1", 131072, DENY, NULL},
    {EXACT, "127.0.0.1", 1, DENY, NULL},
    {EXACT, "known.test", 0, ASKS, "known.test"},
    {EXACT, "KNOWN.Test", 0, ASKS, "known.test"},
    {EXACT, "known.test.", 0, DENY, NULL},
    {EXACT, ".known.test", 0, DENY, NULL},
    {EXACT, "a.known.test", 0, DENY, NULL},
    {EXACT, "known.test", 65536, DENY, NULL},
    {EXACT, "known.test:80", 0, DENY, NULL},
    {EXACT, "kno\xe2\x80\x8bwn.test", 0, DENY, NULL},                          /* zero-width space */
    {EXACT, "known.te\xc2\xadst", 0, DENY, NULL},                              /* soft hyphen */
    {EXACT, "\xef\xbd\x8bnown.test", 0, DENY, NULL},                           /* full-width k */
    {EXACT, "\xe2\x84\xaanown.test", 0, DENY, NULL},                           /* Kelvin sign */
    {EXACT, "known\xe3\x80\x82test", 0, DENY, NULL},
    {EXACT, "known\xef\xbc\x8etest", 0, DENY, NULL},                           /* full-width stop */
    {EXACT, "kn\xd0\xbewn.test", 0, DENY, NULL},                               /* Cyrillic o */
    {EXACT, "m\xc3\xbcnchen.test", 0, ASKS, "xn--mnchen-3ya.test"},
    {EXACT, "xn--mnchen-3ya.test", 0, DENY, NULL}, /* no IDNA in the check, either way */
    {EXACT, "M\xc3\x9cNCHEN.test", 0, DENY, NULL}, /* only ASCII letters are lower-cased */
    {EXACT, "mu\xcc\x88nchen.test", 0, DENY, NULL},
    {EXACT, "trailing.test.", 0, ASKS, "trailing.test."},
    {EXACT, "trailing.test", 0, DENY, NULL},

    /* rules for *.wild.test, *.1, *.0.1 and *.0.0.1: never part of an address */
    {WILD, "a.wild.test", 0, ASKS, "a.wild.test"},
    {WILD, "A.b.WILD.test", 0, ASKS, "a.b.wild.test"},
    {WILD, "wild.test", 0, ASKS, "wild.test"},
    {WILD, ".wild.test", 0, DENY, NULL},
    {WILD, "xwild.test", 0, DENY, NULL},
    {WILD, "a.wild.test.", 0, DENY, NULL},
    {WILD, "wild.test.evil.test", 0, DENY, NULL},
    {WILD, "evil.test\xe3\x80\x82wild.test", 0, DENY, NULL},
    {WILD, "*.wild.test", 0, NO_NAME, NULL},
    {WILD, "a..wild.test", 0, NO_NAME, NULL},
    {WILD, "evil.test/.wild.test", 0, NO_NAME, NULL},
    {WILD, "evil.test#.wild.test", 0, NO_NAME, NULL},
    {WILD, "evil.test:80@x.wild.test", 0, NO_NAME, NULL},
    {WILD, "evil.test%00.wild.test", 0, NO_NAME, NULL},
    {WILD, "127.0.0.1", 0, DENY, NULL},
    {WILD, "127.1", 0, DENY, NULL},
    {WILD, "127.0.1", 0, DENY, NULL},
    {WILD, "0x7f.1", 0, DENY, NULL},
    {WILD, "0177.0.0.1", 0, DENY, NULL},
    {WILD, "::ffff:127.0.0.1", 0, DENY, NULL},
    {WILD, "[::ffff:127.0.0.1]", 0, DENY, NULL},
    {WILD, "::1%lo.0.0.1", 0, DENY, NULL},
    {WILD, "\xef\xbc\x91\xef\xbc\x92\xef\xbc\x97.0.0.1", 0, DENY, NULL},
    {WILD, "127\xe3\x80\x82" "0.0.1", 0, DENY, NULL},
    {WILD, "%31%32%37.0.0.1", 0, DENY, NULL},
    {WILD, "127.0.0.1", 65536, DENY, NULL},

    /* a rule for the port on any host: every spelling of the address works, no other port does */
    {ANY_HOST, "127.1", 0, CONNECTS, NULL},
    {ANY_HOST, "2130706433", 0, CONNECTS, NULL},
    {ANY_HOST, "0x7f.1", 0, CONNECTS, NULL},
    {ANY_HOST, "::1", 0, CONNECTS, NULL},
    {ANY_HOST, "[::1]", 0, CONNECTS, NULL},
    {ANY_HOST, "\xef\xbc\x91\xef\xbc\x92\xef\xbc\x97.0.0.1", 0, CONNECTS, NULL},
    {ANY_HOST, "127.1", 1, DENY, NULL},
    {ANY_HOST, "127.1", 65536, DENY, NULL},
    {ANY_HOST, "127.1", -65536, DENY, NULL},
    {ANY_HOST, "", 0, NO_NAME, NULL},

    /* a rule for the host on any port */
    {ANY_PORT, "127.0.0.1", 0, CONNECTS, NULL},
    {ANY_PORT, "127.0.0.1", 65536, BAD_PORT, NULL},
    {ANY_PORT, "127.0.0.1", -65536, BAD_PORT, NULL},
    {ANY_PORT, "127.1", 0, DENY, NULL},
    {ANY_PORT, "127.1", 65536, DENY, NULL},
};

static enum rules tried;

static void try_row(fx *f, const struct row *r) {
    int32_t id = new_tcp(f), port = (int32_t)(peer_port + r->port);
    int before = shim_queries(), peer;
    call *c = tcp_connect(f, id, r->host, port);
    if (r->outcome == CONNECTS || r->outcome == ASKS) {
        peer = peer_accept(listen_fd);
        IS_OK0(c);
        close(peer);
    }
    await(c);
    if ((c->done->message != NULL && strcmp(c->done->message, DENIED) == 0) != (r->outcome == DENY))
        FAIL("\"%s\" port %d: %s", r->host, (int)port, c->done->message ? c->done->message : "connected");
    CHECK_INT(shim_queries() - before, r->outcome == ASKS);
    switch (r->outcome) {
    case DENY: IS_FAIL_TEXT(c, DENIED); break;
    case ASKS: CHECK_STR(shim_last_name(), r->asked); break;
    case NO_NAME: IS_FAIL(c, CHROMESOCK_NAME_NOT_RESOLVED); break;
    case BAD_PORT: IS_FAIL(c, CHROMESOCK_INVALID_ARGUMENT); break;
    case CONNECTS: break;
    }
    CHECK_INT(peer_accept_pending(listen_fd), 0);
    /* the same answer from the host's question, which also says by which rule */
    chromesock_bool allowed = 7;
    CHECK_INT(chromesock_app_check(f->app, CHROMESOCK_API_SOCKETS, CHROMESOCK_OPERATION_TCP_CONNECT,
                                   r->host, port, &allowed, NULL),
              CHROMESOCK_OK);
    CHECK_INT(allowed, r->outcome != DENY);
    await(tcp_close(f, id));
}

static void connect_rows(fx *f) {
    static const char *const here[] = {"127.0.0.1", NULL};
    static const char *const names[] = {"known.test",  "xn--mnchen-3ya.test", "trailing.test",
                                        "a.wild.test", "a.b.wild.test",       "wild.test"};
    shim_clear();
    for (size_t n = 0; n < sizeof names / sizeof names[0]; n++) shim_set(names[n], here);
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++)
        if (rows[n].rules == tried) try_row(f, &rows[n]);
}

/* listen: a rule for 127.0.0.1 and 0.0.0.0 on any port covers no other spelling of them, and none of
 * the addresses that would include them. */
static void listen_rows(fx *f) {
    static const char *const denied[] = {"127.1",   "0x7f.1", "2130706433",       "127.0.0.1.",
                                         "0",       "0.0",    "0x0",              "::",
                                         "[::]",    "::1",    "::ffff:127.0.0.1", "localhost",
                                         "",        "*",      " 0.0.0.0",         "127.0.0.2",
                                         "0.0.0.0.", "\xef\xbc\x90.0.0.0"};
    int32_t id = new_server(f);
    for (size_t n = 0; n < sizeof denied / sizeof denied[0]; n++) {
        IS_FAIL_TEXT(server_listen(f, id, denied[n], 0), DENIED);
        IS_FAIL_TEXT(server_listen(f, id, denied[n], 65536), DENIED);
        CHECK_INT(server_info_of(f, id)->present & CHROMESOCK_SOCKET_INFO_LOCAL, 0);
    }
    IS_OK0(server_listen(f, id, "0.0.0.0", 0));
}

int main(int argc, char **argv) {
    static const char *const names[] = {"exact", "wild", "any_host", "any_port"};
    chromesock_app_options o;
    char name[40];
    unsigned p;
    harness_init(argc, argv);
    listen_fd = peer_listen_on("::", &peer_port, 64);
    p = peer_port;
    snprintf(manifests[EXACT], sizeof manifests[0],
             "{\"sockets\":{\"tcp\":{\"connect\":[\"127.0.0.1:%u\",\"known.test:%u\","
             "\"m\xc3\xbcnchen.test:%u\",\"trailing.test.:%u\"]}}}",
             p, p, p, p);
    snprintf(manifests[WILD], sizeof manifests[0],
             "{\"sockets\":{\"tcp\":{\"connect\":[\"*.wild.test:%u\",\"*.1:%u\",\"*.0.1:%u\","
             "\"*.0.0.1:%u\"]}}}",
             p, p, p, p);
    snprintf(manifests[ANY_HOST], sizeof manifests[0], "{\"sockets\":{\"tcp\":{\"connect\":\":%u\"}}}", p);
    strcpy(manifests[ANY_PORT], "{\"sockets\":{\"tcp\":{\"connect\":[\"127.0.0.1\"]}}}");
    memset(&o, 0, sizeof o);
    for (int n = 0; n < RULES; n++) {
        tried = (enum rules)n;
        o.manifest = manifests[n];
        snprintf(name, sizeof name, "connect_%s", names[n]);
        run_all_modes(name, connect_rows, &o);
    }
    o.manifest = "{\"sockets\":{\"tcpServer\":{\"listen\":[\"127.0.0.1\",\"0.0.0.0\"]}}}";
    RUN_ALL_MODES_WITH(listen_rows, &o);
    close(listen_fd);
    return harness_finish();
}
