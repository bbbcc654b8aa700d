/* sockets.tcp: connect by name (tcp.md 10, CN-1, CN-2), with a resolver under the test's control. */
#include <netdb.h>
#include <unistd.h>

#include "harness.h"
#include "resolve_shim.h"

static void connects_to(fx *f, const char *name, int32_t type, int listen_fd, const char *address) {
    int32_t id = new_tcp(f);
    call *c = tcp_connect_type(f, id, name, port_of(listen_fd), type);
    int peer = peer_accept(listen_fd);
    IS_OK0(c);
    CHECK_STR(info_of(f, id)->peer_address, address);
    close(peer);
}

/* DN-2: localhost names need no query; ::1 comes before 127.0.0.1. */
static void localhost_names(fx *f) {
    static const char *const names[] = {"localhost", "localhost.", "a.localhost", "a.b.localhost.",
                                        "LocalHost"};
    uint16_t port = 0;
    int v4 = peer_listen(&port), v6 = peer_listen_on("::1", &port, 16);
    shim_clear();
    for (size_t n = 0; n < sizeof names / sizeof names[0]; n++) {
        connects_to(f, names[n], CHROME_SOCKETS_DNS_QUERY_TYPE_ANY, v6, "::1");
        connects_to(f, names[n], CHROME_SOCKETS_DNS_QUERY_TYPE_IPV6, v6, "::1");
        connects_to(f, names[n], CHROME_SOCKETS_DNS_QUERY_TYPE_IPV4, v4, "127.0.0.1");
    }
    close(v6);
    connects_to(f, "localhost", CHROME_SOCKETS_DNS_QUERY_TYPE_ANY, v4, "127.0.0.1");
    CHECK_INT(shim_queries(), 0);
    close(v4);
}

/* DN-3: refused without a query. */
static void names_that_are_not_asked_for(fx *f) {
    static const char *const names[] = {"",        ".",       "a..test", ".a.test", "a b.test",
                                        "a/b.test", "a:80",    "a.-test", "a.test..", "a@b.test",
                                        "*.test",  "a%b.test", "a\\b.test", "http://a.test"};
    char longest[260];
    int32_t id = new_tcp(f);
    shim_clear();
    for (size_t n = 0; n < sizeof names / sizeof names[0]; n++)
        IS_FAIL(tcp_connect(f, id, names[n], 80), CHROMESOCK_NAME_NOT_RESOLVED);
    /* 254 characters: labels of 49 and a dot */
    memset(longest, 'a', sizeof longest);
    for (int n = 49; n < 254; n += 50) longest[n] = '.';
    longest[254] = 0;
    IS_FAIL(tcp_connect(f, id, longest, 80), CHROMESOCK_NAME_NOT_RESOLVED);
    CHECK_INT(shim_queries(), 0);
}

/* DN-3: what is allowed; DN-4 (D7): canonical before the query. */
static void names_that_are_asked_for(fx *f) {
    static const char *const here[] = {"127.0.0.1", NULL};
    static const struct {
        const char *name, *asked;
    } cases[] = {
        {"known.test", "known.test"},       {"known.test.", "known.test"},
        {"_k-n_own.test", "_k-n_own.test"}, {"-known.test", "-known.test"},
        {"KNOWN.Test", "known.test"},       {"bücher.test", "xn--bcher-kva.test"},
        {"BÜCHER.test", "xn--bcher-kva.test"},
    };
    uint16_t port;
    int listen_fd = peer_listen(&port);
    for (size_t n = 0; n < sizeof cases / sizeof cases[0]; n++) {
        char asked[300];
        shim_clear();
        shim_set(cases[n].asked, here);
        connects_to(f, cases[n].name, CHROME_SOCKETS_DNS_QUERY_TYPE_ANY, listen_fd, "127.0.0.1");
        CHECK(shim_queries() >= 1);
        snprintf(asked, sizeof asked, "%s", shim_last_name());
        if (asked[0] && asked[strlen(asked) - 1] == '.') asked[strlen(asked) - 1] = 0;
        CHECK_STR(asked, cases[n].asked);
    }
    close(listen_fd);
}

/* DN-5: the family filter. */
static void families(fx *f) {
    static const char *const both[] = {"::1", "127.0.0.1", NULL}, *const four[] = {"127.0.0.1", NULL},
                      *const six[] = {"::1", NULL};
    uint16_t port = 0;
    int v4 = peer_listen(&port), v6 = peer_listen_on("::1", &port, 16);
    int32_t id = new_tcp(f);
    shim_clear();
    shim_set("both.test", both);
    shim_set("four.test", four);
    shim_set("six.test", six);
    connects_to(f, "both.test", CHROME_SOCKETS_DNS_QUERY_TYPE_IPV4, v4, "127.0.0.1");
    connects_to(f, "both.test", CHROME_SOCKETS_DNS_QUERY_TYPE_IPV6, v6, "::1");
    connects_to(f, "four.test", CHROME_SOCKETS_DNS_QUERY_TYPE_ANY, v4, "127.0.0.1");
    IS_FAIL(tcp_connect_type(f, id, "four.test", port, CHROME_SOCKETS_DNS_QUERY_TYPE_IPV6),
            CHROMESOCK_NAME_NOT_RESOLVED);
    IS_FAIL(tcp_connect_type(f, id, "six.test", port, CHROME_SOCKETS_DNS_QUERY_TYPE_IPV4),
            CHROMESOCK_NAME_NOT_RESOLVED);
    close(v4);
    close(v6);
}

/* DN-6: order of the resolver, first success wins, the last code counts. */
static void several_addresses(fx *f) {
    static const char *const second[] = {"127.0.0.2", "127.0.0.1", NULL},
                      *const first[] = {"127.0.0.1", "127.0.0.2", NULL},
                      *const unreachable_last[] = {"127.0.0.1", "224.0.0.1", NULL},
                      *const refused_last[] = {"224.0.0.1", "127.0.0.1", NULL};
    uint16_t port;
    int32_t id = new_tcp(f);
    int v4 = peer_listen(&port), other;
    shim_clear();
    shim_set("second.test", second);
    shim_set("first.test", first);
    shim_set("unreachable.test", unreachable_last);
    shim_set("refused.test", refused_last);
    connects_to(f, "second.test", CHROME_SOCKETS_DNS_QUERY_TYPE_ANY, v4, "127.0.0.1");
    other = peer_listen_on("127.0.0.2", &port, 16);
    connects_to(f, "first.test", CHROME_SOCKETS_DNS_QUERY_TYPE_ANY, v4, "127.0.0.1");
    connects_to(f, "second.test", CHROME_SOCKETS_DNS_QUERY_TYPE_ANY, other, "127.0.0.2");
    close(other);
    close(v4);
    IS_FAIL(tcp_connect(f, id, "unreachable.test", dead_port()), CHROMESOCK_ADDRESS_UNREACHABLE);
    IS_FAIL(tcp_connect(f, id, "refused.test", dead_port()), CHROMESOCK_CONNECTION_REFUSED);
}

/* DN-7, DN-8: every failure of the resolver is -105, with its net name. */
static void resolver_failures(fx *f) {
    static const int errors[] = {EAI_NONAME, EAI_AGAIN, EAI_FAIL, EAI_MEMORY, EAI_SERVICE, EAI_FAMILY,
                                 EAI_NODATA};
    int32_t id = new_tcp(f);
    IS_FAIL(tcp_connect(f, id, "unknown.test", 80), CHROMESOCK_NAME_NOT_RESOLVED);
    for (size_t n = 0; n < sizeof errors / sizeof errors[0]; n++) {
        shim_clear();
        shim_error("bad.test", errors[n]);
        IS_FAIL(tcp_connect(f, id, "bad.test", 80), CHROMESOCK_NAME_NOT_RESOLVED);
    }
}

static void until_stalled(fx *f, int n) { wait_until(f, shim_stalled() == n); }

/* Matrix row "connect, resolving", columns send, setPaused; 2.2 "connecting". */
static void calls_while_resolving(fx *f) {
    int32_t id = new_tcp(f);
    uint16_t port;
    int listen_fd = peer_listen(&port), peer;
    call *c = tcp_connect(f, id, "a.stall.test", port);
    until_stalled(f, 1);
    IS_SEND_FAIL(tcp_send(f, id, "x", 1), CHROMESOCK_SOCKET_NOT_CONNECTED);
    IS_FAIL(tcp_set_no_delay(f, id, 1), CHROMESOCK_FAILED);
    IS_OK(tcp_set_paused(f, id, 1));
    CHECK_INT(info_of(f, id)->connected, 0);
    CHECK_INT(info_of(f, id)->paused, 1);
    CHECK(c->done == NULL);
    shim_release();
    peer = peer_accept(listen_fd);
    IS_OK0(c);
    peer_text(peer, "x");
    settle(f);
    no_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE, id); /* paused while resolving counts (CN-10) */
    close(peer);
    close(listen_fd);
}

/* CN-2: the second call finishes resolving first and connects; the first then gets -23. */
static void the_second_connect_wins(fx *f) {
    int peer;
    uint16_t port;
    int listen_fd = peer_listen(&port);
    int32_t id = new_tcp(f);
    call *slow = tcp_connect(f, id, "a.stall.test", port);
    until_stalled(f, 1);
    connect_to(f, id, listen_fd, &peer);
    CHECK(slow->done == NULL);
    shim_release();
    IS_FAIL(slow, CHROMESOCK_SOCKET_IS_CONNECTED);
    peer_text(peer, "unharmed");
    receive(f, id, "unharmed");
    close(peer);
    close(listen_fd);
}

/* CN-2: -104 while the other is in its TCP phase. */
static void the_second_connect_is_in_its_tcp_phase(fx *f) {
    blackhole b;
    int32_t id = new_tcp(f);
    call *slow, *fast;
    blackhole_open(&b, "127.0.0.1", 0);
    slow = tcp_connect(f, id, "a.stall.test", b.port);
    until_stalled(f, 1);
    fast = tcp_connect(f, id, "127.0.0.1", b.port);
    IS_OK(tcp_set_paused(f, id, 0));
    shim_release();
    IS_FAIL(slow, CHROMESOCK_CONNECTION_FAILED);
    CHECK(fast->done == NULL);
    close_tcp(f, id, 0);
    IS_FAIL(fast, CHROMESOCK_ABORTED);
    blackhole_close(&b);
}

/* CN-2: the first starts its own attempt if the second has failed. */
static void the_second_connect_fails(fx *f) {
    uint16_t port;
    int listen_fd = peer_listen(&port), peer;
    int32_t id = new_tcp(f);
    call *slow = tcp_connect(f, id, "a.stall.test", port);
    until_stalled(f, 1);
    IS_FAIL(tcp_connect(f, id, "127.0.0.1", dead_port()), CHROMESOCK_CONNECTION_REFUSED);
    shim_release();
    peer = peer_accept(listen_fd);
    IS_OK0(slow);
    close(peer);
    close(listen_fd);
}

/* D9 (DC-4): disconnect cancels at once, without waiting for the resolver; the late answer goes
 * nowhere, and the socket connects again meanwhile. */
static void disconnect_while_resolving(fx *f) {
    uint16_t port, other_port;
    int listen_fd = peer_listen(&port), other = peer_listen(&other_port), peer;
    int32_t id = new_tcp(f);
    call *c = tcp_connect(f, id, "a.stall.test", port), *d;
    until_stalled(f, 1);
    d = tcp_disconnect(f, id);
    IS_FAIL(c, CHROMESOCK_ABORTED);
    IS_OK(d);
    CHECK(c->done->seq < d->done->seq); /* O-6 */
    CHECK_INT(shim_stalled(), 1);
    connect_to(f, id, other, &peer);
    shim_release();
    settle(f);
    CHECK_INT(peer_accept_pending(listen_fd), 0);
    CHECK_INT(info_of(f, id)->peer_port, other_port);
    close(peer);
    close(listen_fd);
    close(other);
}

int main(int argc, char **argv) {
    harness_init(argc, argv);
    RUN_ALL_MODES(localhost_names);
    RUN_ALL_MODES(names_that_are_not_asked_for);
    RUN_ALL_MODES(names_that_are_asked_for);
    RUN_ALL_MODES(families);
    RUN_ALL_MODES(several_addresses);
    RUN_ALL_MODES(resolver_failures);
    RUN_ALL_MODES(calls_while_resolving);
    RUN_ALL_MODES(the_second_connect_wins);
    RUN_ALL_MODES(the_second_connect_is_in_its_tcp_phase);
    RUN_ALL_MODES(the_second_connect_fails);
    RUN_ALL_MODES(disconnect_while_resolving);
    return harness_finish();
}
