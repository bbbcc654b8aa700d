/* reuse_port: several apps, each on a reactor of its own, serve one address; for everybody else, and within
 * an app, it is in use (tcp.md LS-4, udp.md 4.4). */
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <unistd.h>

#include "calls_socket.h"
#include "calls_udp.h"
#include "harness.h"

enum { APPS = 3, PEERS = 96 };

/* ---- a system without SO_REUSEPORT: the library finds this function instead of the C library's ---- */

static atomic_int lacks_it;

int setsockopt(int fd, int level, int name, const void *value, socklen_t len) {
    static int (*real)(int, int, int, const void *, socklen_t);
    if (atomic_load(&lacks_it) && level == SOL_SOCKET && name == SO_REUSEPORT) {
        errno = ENOPROTOOPT;
        return -1;
    }
    if (real == NULL) *(void **)&real = dlsym(RTLD_NEXT, "setsockopt");
    return real(fd, level, name, value, len);
}

/* ---- apps ---- */

static chromesock_app_options sharing(void) {
    chromesock_app_options o;
    memset(&o, 0, sizeof o);
    o.reuse_port = 1;
    return o;
}

static fx *app_sharing(enum mode mode) {
    chromesock_app_options o = sharing();
    return fx_new(mode, &o);
}

static int32_t server_at(fx *f, const char *address, uint16_t port) {
    int32_t id = new_server(f);
    current = f;
    IS_OK0(server_listen(f, id, address, port));
    return id;
}

static void is_in_use(fx *f, const char *address, uint16_t port) {
    int32_t id = new_server(f);
    current = f;
    IS_FAIL(server_listen(f, id, address, port), CHROMESOCK_ADDRESS_IN_USE);
    IS_OK0(server_listen(f, id, address, 0)); /* LS-5 */
    IS_OK(server_close(f, id));
}

static void is_in_use_udp(fx *f, const char *address, uint16_t port) {
    int32_t id = new_udp(f);
    current = f;
    IS_FAIL(udp_bind(f, id, address, port), CHROMESOCK_ADDRESS_IN_USE);
    IS_OK0(udp_bind(f, id, address, 0));
    close_udp(f, id);
}

/* Events of this type that were recorded so far. */
static int count(fx *f, uint32_t type) {
    int n = 0;
    pthread_mutex_lock(&f->mutex);
    for (size_t i = 0; i < f->len; i++) n += f->events[i]->type == type;
    pthread_mutex_unlock(&f->mutex);
    return n;
}

static int count_all(fx **apps, int n_apps, uint32_t type) {
    int n = 0;
    for (int i = 0; i < n_apps; i++) {
        fx_pump(apps[i], 0);
        n += count(apps[i], type);
    }
    return n;
}

static void wait_for_all(fx **apps, int n_apps, uint32_t type, int want) {
    long long end = now_ms() + deadline_ms();
    while (count_all(apps, n_apps, type) < want)
        if (now_ms() > end) FAIL("%d events of %d", count_all(apps, n_apps, type), want);
    CHECK_INT(count_all(apps, n_apps, type), want);
}

/* ---- TCP ---- */

static void connections_are_spread(void) {
    for (int mode = 0; mode < MODE_COUNT; mode++) {
        fx *apps[APPS];
        int peers[PEERS];
        uint16_t port = 0;
        for (int i = 0; i < APPS; i++) {
            apps[i] = app_sharing((enum mode)mode);
            server_at(apps[i], "127.0.0.1", port);
            /* the first one's port was chosen by the system */
            if (i == 0) port = (uint16_t)server_info_of(apps[0], 1)->local_port;
        }
        for (int i = 0; i < PEERS; i++) peers[i] = peer_connect("127.0.0.1", port);
        wait_for_all(apps, APPS, CHROME_SOCKETS_TCP_SERVER_ON_ACCEPT, PEERS);
        for (int i = 0; i < APPS; i++) {
            int share = count(apps[i], CHROME_SOCKETS_TCP_SERVER_ON_ACCEPT);
            current = apps[i];
            CHECK(share > 0 && share < PEERS);
            for (int n = 0; n < share; n++) {
                int32_t id = await_event(apps[i], CHROME_SOCKETS_TCP_SERVER_ON_ACCEPT, 1)->client;
                IS_SENT(tcp_send(apps[i], id, "hello", 5), 5);
            }
        }
        for (int i = 0; i < PEERS; i++) {
            peer_expect(peers[i], "hello");
            close(peers[i]);
        }
        for (int i = 0; i < APPS; i++) {
            current = apps[i];
            fx_end(apps[i]);
        }
    }
}

/* LS-4: the address is in use for an app that does not share, in whichever order they come. */
static void others_find_it_in_use(void) {
    fx *one = app_sharing(MODE_PULL), *other = fx_new(MODE_PULL, NULL), *third = app_sharing(MODE_PULL);
    uint16_t port, taken;
    int32_t id;
    server_at(one, "127.0.0.1", 0);
    port = (uint16_t)server_info_of(one, 1)->local_port;
    is_in_use(other, "127.0.0.1", port);
    is_in_use(other, "0.0.0.0", port);
    is_in_use(other, "::", port);
    current = other;
    id = listening(other, &taken);
    is_in_use(one, "127.0.0.1", taken);
    is_in_use(third, "0.0.0.0", taken);
    server_at(third, "127.0.0.1", port);
    current = other;
    IS_OK(server_close(other, id));
    server_at(one, "127.0.0.1", taken); /* SD-1 */
    current = one, fx_end(one);
    current = other, fx_end(other);
    current = third, fx_end(third);
}

/* LS-4: a page finds what it listens on itself in use, as without the option. */
static void an_app_does_not_share_with_itself(void) {
    for (int mode = 0; mode < MODE_COUNT; mode++) {
        fx *f = app_sharing((enum mode)mode);
        int32_t id = server_at(f, "127.0.0.1", 0), again = new_server(f), legacy;
        uint16_t port = (uint16_t)server_info_of(f, id)->local_port;
        is_in_use(f, "127.0.0.1", port);
        is_in_use(f, "127.1", port);
        is_in_use(f, "0.0.0.0", port);
        is_in_use(f, "::", port);
        is_in_use(f, "::ffff:127.0.0.1", port);
        legacy = new_sock(f, TCP);
        RESULT_TEXT(sock_listen(f, legacy, "127.0.0.1", port, 5), CHROMESOCK_ADDRESS_IN_USE, COULD_NOT_LISTEN);
        IS_OK0(server_listen(f, again, "127.0.0.2", port)); /* another address */
        IS_OK(server_disconnect(f, id));
        IS_OK0(server_listen(f, id, "127.0.0.1", port)); /* its own, given back */
        fx_end(f);
    }
}

/* SD-1: with one of them gone, the others serve what comes. */
static void the_rest_goes_on(void) {
    fx *one = app_sharing(MODE_REACTOR), *other = app_sharing(MODE_REACTOR);
    int peers[PEERS];
    uint16_t port;
    server_at(one, "127.0.0.1", 0);
    port = (uint16_t)server_info_of(one, 1)->local_port;
    server_at(other, "127.0.0.1", port);
    current = one;
    fx_end(one);
    for (int i = 0; i < PEERS; i++) peers[i] = peer_connect("127.0.0.1", port);
    wait_for_all(&other, 1, CHROME_SOCKETS_TCP_SERVER_ON_ACCEPT, PEERS);
    for (int i = 0; i < PEERS; i++) close(peers[i]);
    current = other;
    fx_end(other);
}

/* AC-8: the share of a paused server waits for it. */
static void a_paused_share_waits(void) {
    fx *apps[2] = {app_sharing(MODE_DISPATCH), app_sharing(MODE_DISPATCH)};
    int peers[PEERS], share;
    uint16_t port;
    server_at(apps[0], "127.0.0.1", 0);
    port = (uint16_t)server_info_of(apps[0], 1)->local_port;
    IS_OK(server_set_paused(apps[0], 1, 1));
    server_at(apps[1], "127.0.0.1", port);
    for (int i = 0; i < PEERS; i++) peers[i] = peer_connect("127.0.0.1", port);
    settle(apps[1]);
    share = count(apps[1], CHROME_SOCKETS_TCP_SERVER_ON_ACCEPT);
    CHECK(share > 0 && share < PEERS);
    CHECK_INT(count(apps[0], CHROME_SOCKETS_TCP_SERVER_ON_ACCEPT), 0);
    current = apps[0];
    IS_OK(server_set_paused(apps[0], 1, 0));
    wait_for_all(apps, 1, CHROME_SOCKETS_TCP_SERVER_ON_ACCEPT, PEERS - share);
    for (int i = 0; i < PEERS; i++) close(peers[i]);
    for (int i = 0; i < 2; i++) current = apps[i], fx_end(apps[i]);
}

/* ---- UDP ---- */

static void datagrams_are_spread(void) {
    for (int mode = 0; mode < MODE_COUNT; mode++) {
        fx *apps[APPS];
        int peers[PEERS];
        uint16_t port = 0, unused;
        for (int i = 0; i < APPS; i++) {
            apps[i] = app_sharing((enum mode)mode);
            if (i == 0) bound(apps[i], &port);
            else IS_OK0(udp_bind(apps[i], new_udp(apps[i]), "127.0.0.1", port));
        }
        for (int i = 0; i < PEERS; i++) {
            peers[i] = udp_peer(&unused);
            udp_peer_text(peers[i], "hello", port);
        }
        wait_for_all(apps, APPS, CHROME_SOCKETS_UDP_ON_RECEIVE, PEERS);
        for (int i = 0; i < APPS; i++) {
            int share = count(apps[i], CHROME_SOCKETS_UDP_ON_RECEIVE);
            current = apps[i];
            CHECK(share > 0 && share < PEERS);
            fx_end(apps[i]);
        }
        for (int i = 0; i < PEERS; i++) close(peers[i]);
    }
}

static void a_udp_address_is_in_use(void) {
    fx *one = app_sharing(MODE_PULL), *other = fx_new(MODE_PULL, NULL), *third = app_sharing(MODE_PULL);
    uint16_t port, taken;
    int32_t legacy;
    current = one;
    bound(one, &port);
    current = other;
    bound(other, &taken);
    is_in_use_udp(other, "127.0.0.1", port);
    is_in_use_udp(other, "0.0.0.0", port);
    is_in_use_udp(third, "127.0.0.1", taken);
    is_in_use_udp(one, "127.0.0.1", port);
    is_in_use_udp(one, "0.0.0.0", port);
    legacy = new_sock(one, UDP);
    RESULT(sock_bind(one, legacy, "127.0.0.1", port), CHROMESOCK_ADDRESS_IN_USE);
    current = third;
    IS_OK0(udp_bind(third, new_udp(third), "127.0.0.1", port));
    current = one, fx_end(one);
    current = other, fx_end(other);
    current = third, fx_end(third);
}

/* A port that the system chooses is nobody else's, though all of them could be shared. */
static void chosen_ports_differ(void) {
    enum { SOCKETS = 2000 };
    static uint8_t seen[65536];
    fx *apps[2] = {app_sharing(MODE_PULL), app_sharing(MODE_PULL)};
    memset(seen, 0, sizeof seen);
    for (int n = 0; n < SOCKETS; n++) {
        uint16_t port;
        current = apps[n % 2];
        bound(apps[n % 2], &port);
        CHECK_INT(seen[port]++, 0);
    }
    for (int i = 0; i < 2; i++) current = apps[i], fx_end(apps[i]);
}

/* ---- the option ---- */

static void a_system_that_cannot(void) {
    char mark;
    chromesock_app *app = (chromesock_app *)(void *)&mark;
    chromesock_app_options o = sharing();
    fx *f;
    o.size = sizeof o;
    atomic_store(&lacks_it, 1);
    for (int value = 0; value < 256; value++) {
        o.reuse_port = (chromesock_bool)value;
        if (value != 0) CHECK_INT(chromesock_app_new(&o, &app), CHROMESOCK_NOT_IMPLEMENTED);
    }
    CHECK((void *)app == (void *)&mark);
    f = fx_new(MODE_PULL, NULL); /* who does not ask for it does not miss it */
    server_at(f, "127.0.0.1", 0);
    fx_end(f);
    atomic_store(&lacks_it, 0);
}

int main(int argc, char **argv) {
    harness_init(argc, argv);
    RUN(connections_are_spread);
    RUN(others_find_it_in_use);
    RUN(an_app_does_not_share_with_itself);
    RUN(the_rest_goes_on);
    RUN(a_paused_share_waits);
    RUN(datagrams_are_spread);
    RUN(a_udp_address_is_in_use);
    RUN(chosen_ports_differ);
    RUN(a_system_that_cannot);
    return harness_finish();
}
