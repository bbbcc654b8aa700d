/* chrome.sockets.udp: ids, create, update, getInfo, getSockets, setPaused, close (udp.md 1 to 4.3, 4.7
 * to 4.9). */
#include <unistd.h>

#include "calls_socket.h"
#include "calls_udp.h"

/* udp.md 4.1, 2.2 "created": {socketId, persistent:false, paused:false}. */
static void created(fx *f) {
    int32_t id = 0;
    call *c = udp_create(f, NULL, &id);
    const chromesock_socket_info *info;
    IS_OK(c);
    CHECK(id > 0); /* udp.md 1 row 1 */
    CHECK_INT(c->done->id, id);
    info = udp_info_of(f, id);
    CHECK_INT(info->present, 0);
    CHECK_INT(info->persistent, 0);
    CHECK_INT(info->paused, 0);
    CHECK_STR(info->name, NULL);
    CHECK_STR(info->local_address, NULL);
    CHECK_INT(info->local_port, 0);
}

/* udp.md 2.1, 2.2: which members getInfo has, by what was stored. */
static void info_members(fx *f) {
    static const struct {
        uint32_t given;
        const char *name;
        int32_t buffer_size;
        int persistent;
        uint32_t want;
    } rows[] = {
        {UDP_NAME, "a name", 0, 0, CHROMESOCK_SOCKET_INFO_NAME},
        {UDP_NAME, "", 0, 0, 0},
        {UDP_NAME, "\xc3\xbc", 0, 0, CHROMESOCK_SOCKET_INFO_NAME},
        {UDP_BUFFER_SIZE, NULL, 1, 0, CHROMESOCK_SOCKET_INFO_BUFFER_SIZE},
        {UDP_BUFFER_SIZE, NULL, 65536, 0, CHROMESOCK_SOCKET_INFO_BUFFER_SIZE},
        {UDP_BUFFER_SIZE, NULL, INT32_MAX, 0, CHROMESOCK_SOCKET_INFO_BUFFER_SIZE}, /* as given */
        {UDP_BUFFER_SIZE, NULL, 0, 0, 0},
        {UDP_BUFFER_SIZE, NULL, -1, 0, 0},
        {UDP_BUFFER_SIZE, NULL, INT32_MIN, 0, 0},
        {UDP_PERSISTENT, NULL, 0, 1, 0},
        {UDP_NAME | UDP_BUFFER_SIZE | UDP_PERSISTENT, "all", 512, 1,
         CHROMESOCK_SOCKET_INFO_NAME | CHROMESOCK_SOCKET_INFO_BUFFER_SIZE},
        {0, "not given", 512, 1, 0}, /* a member without its bit */
    };
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++)
        for (int by_update = 0; by_update < 2; by_update++) {
            chrome_sockets_udp_properties p =
                udp_props(rows[n].given, rows[n].name, rows[n].buffer_size, rows[n].persistent);
            const chromesock_socket_info *info;
            int32_t id = 0;
            if (by_update) {
                id = new_udp(f);
                IS_OK(udp_update(f, id, &p)); /* udp.md 4.2 row 2 */
            } else {
                IS_OK(udp_create(f, &p, &id));
            }
            info = udp_info_of(f, id);
            CHECK_INT(info->present, rows[n].want);
            CHECK_STR(info->name, rows[n].want & CHROMESOCK_SOCKET_INFO_NAME ? rows[n].name : NULL);
            if (rows[n].want & CHROMESOCK_SOCKET_INFO_BUFFER_SIZE)
                CHECK_INT(info->buffer_size, rows[n].buffer_size);
            CHECK_INT(info->persistent, rows[n].given & UDP_PERSISTENT ? rows[n].persistent : 0);
        }
}

/* udp.md 2.1 "Absent in update: unchanged"; "" clears the name, 0 the size. */
static void update_keeps_what_is_absent(fx *f) {
    chrome_sockets_udp_properties all =
        udp_props(UDP_NAME | UDP_BUFFER_SIZE | UDP_PERSISTENT, "first", 512, 1);
    chrome_sockets_udp_properties name = udp_props(UDP_NAME, "second", 9, 0);
    chrome_sockets_udp_properties clear = udp_props(UDP_NAME | UDP_BUFFER_SIZE, "", 0, 0);
    const chromesock_socket_info *info;
    int32_t id = 0;
    IS_OK(udp_create(f, &all, &id));
    IS_OK(udp_update(f, id, NULL));
    IS_OK(udp_update(f, id, &name));
    info = udp_info_of(f, id);
    CHECK_STR(info->name, "second");
    CHECK_INT(info->buffer_size, 512);
    CHECK_INT(info->persistent, 1);
    IS_OK(udp_update(f, id, &clear));
    info = udp_info_of(f, id);
    CHECK_INT(info->present, 0);
    CHECK_INT(info->persistent, 1);
}

/* udp.md 2.2: the states. */
static void info_of_each_state(fx *f) {
    static const uint32_t local = CHROMESOCK_SOCKET_INFO_LOCAL;
    const chromesock_socket_info *info;
    static char block[4097];
    uint16_t port, peer_port;
    int peer = udp_peer(&peer_port);
    int32_t id = new_udp(f);
    IS_OK(udp_set_paused(f, id, 1)); /* "created, paused" */
    info = udp_info_of(f, id);
    CHECK_INT(info->paused, 1);
    CHECK_INT(info->present, 0);
    IS_OK(udp_set_paused(f, id, 0));
    /* "bind failed" = created */
    IS_FAIL(udp_bind(f, id, "127.0.0.1", peer_port), CHROMESOCK_ADDRESS_IN_USE);
    CHECK_INT(udp_info_of(f, id)->present, 0);
    /* "bound": the address as bound, the real port */
    IS_OK0(udp_bind(f, id, "0.0.0.0", 0));
    info = udp_info_of(f, id);
    CHECK_INT(info->present, local);
    CHECK_STR(info->local_address, "0.0.0.0");
    CHECK(info->local_port > 0 && info->local_port < 65536);
    CHECK_INT(info->paused, 0);
    CHECK_INT(info->connected, 0);
    port = (uint16_t)info->local_port;
    /* "after a receive error": as bound with paused:true */
    udp_peer_send(peer, block, sizeof block, "127.0.0.1", port);
    udp_error(f, id, CHROMESOCK_MSG_TOO_BIG);
    info = udp_info_of(f, id);
    CHECK_INT(info->present, local);
    CHECK_INT(info->local_port, port);
    CHECK_INT(info->paused, 1);
    /* "closed" */
    close_udp(f, id);
    IS_FAIL_TEXT(udp_get_info(f, id), NOT_FOUND);
    close(peer);
}

/* udp.md 2.2: canonical text; a mapped address in hex. */
static void canonical_addresses(fx *f) {
    static const char *const rows[][2] = {
        {"::1", "::1"},
        {"0:0:0:0:0:0:0:1", "::1"},
        {"::", "::"},
        {"::ffff:127.0.0.1", "::ffff:7f00:1"},
        {"::FFFF:7F00:1", "::ffff:7f00:1"},
    };
    if (!udp_has_ipv6()) return;
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        int32_t id = new_udp(f);
        IS_OK0(udp_bind(f, id, rows[n][0], 0));
        CHECK_STR(udp_info_of(f, id)->local_address, rows[n][1]);
        close_udp(f, id);
    }
}

/* udp.md 1 rows 4 and 5: 0, negative and closed ids are unknown, in every method that takes an id. */
static void unknown_ids(fx *f) {
    int32_t closed = new_udp(f);
    int32_t ids[] = {0, -1, INT32_MIN, INT32_MAX, 0};
    close_udp(f, closed);
    ids[4] = closed;
    for (size_t n = 0; n < sizeof ids / sizeof ids[0]; n++) {
        int32_t id = ids[n];
        IS_FAIL_TEXT(udp_update(f, id, NULL), NOT_FOUND);            /* 4.2 */
        IS_FAIL_TEXT(udp_set_paused(f, id, 1), NOT_FOUND);           /* 4.3 */
        IS_FAIL_TEXT(udp_bind(f, id, "127.0.0.1", 0), NOT_FOUND);    /* 4.4 row 1 */
        IS_FAIL_TEXT(udp_bind(f, id, "bad", 70000), NOT_FOUND);      /* 4.4 row 1 before 4 */
        IS_FAIL_TEXT(udp_set_ttl(f, id, 1), NOT_FOUND);              /* 4.5 row 1 */
        IS_FAIL_TEXT(udp_set_ttl(f, id, 999), NOT_FOUND);            /* 4.5 row 1 before 3 */
        IS_FAIL_TEXT(udp_set_loopback(f, id, 1), NOT_FOUND);         /* 4.5 row 1 */
        IS_FAIL_TEXT(udp_text(f, id, "x", "127.0.0.1", 9), NOT_FOUND);   /* 4.6 row 2 */
        IS_FAIL_TEXT(udp_text(f, id, "x", "a..b", 70000), NOT_FOUND);    /* 4.6 row 2 before 4 */
        IS_FAIL_TEXT(udp_close(f, id), NOT_FOUND);                   /* 4.7 */
        IS_FAIL_TEXT(udp_get_info(f, id), NOT_FOUND);                /* 4.8 */
        IS_FAIL_TEXT(udp_join(f, id, "224.0.0.251"), NOT_FOUND);     /* 4.10 row 1 */
        IS_FAIL_TEXT(udp_join(f, id, "bad"), NOT_FOUND);             /* 4.10 row 1 before 3 */
        IS_FAIL_TEXT(udp_leave(f, id, "224.0.0.251"), NOT_FOUND);    /* 4.11 */
        IS_FAIL_TEXT(udp_get_groups(f, id), NOT_FOUND);              /* 4.12 */
        IS_FAIL_TEXT(udp_set_broadcast(f, id, 1), NOT_FOUND);        /* 4.13 */
    }
}

/* README S2, udp.md 1 row 2: one counter for the four namespaces; an id of another is unknown. */
static void four_namespaces(fx *f) {
    int32_t udp = new_udp(f), tcp = new_tcp(f), server = new_server(f);
    int32_t old_tcp = new_sock(f, TCP), old_udp = new_sock(f, UDP), last = new_udp(f);
    int32_t foreign[] = {tcp, server, old_tcp, old_udp};
    CHECK_INT(tcp, udp + 1);
    CHECK_INT(server, udp + 2);
    CHECK_INT(old_tcp, udp + 3);
    CHECK_INT(old_udp, udp + 4);
    CHECK_INT(last, udp + 5);
    for (size_t n = 0; n < sizeof foreign / sizeof foreign[0]; n++) {
        IS_FAIL_TEXT(udp_get_info(f, foreign[n]), NOT_FOUND);
        IS_FAIL_TEXT(udp_bind(f, foreign[n], "127.0.0.1", 0), NOT_FOUND);
        IS_FAIL_TEXT(udp_text(f, foreign[n], "x", "127.0.0.1", 9), NOT_FOUND);
        IS_FAIL_TEXT(udp_get_groups(f, foreign[n]), NOT_FOUND);
        IS_FAIL_TEXT(udp_set_broadcast(f, foreign[n], 1), NOT_FOUND);
        IS_FAIL_TEXT(udp_close(f, foreign[n]), NOT_FOUND);
    }
    IS_FAIL_TEXT(tcp_get_info(f, udp), NOT_FOUND);
    IS_FAIL_TEXT(tcp_close(f, udp), NOT_FOUND);
    IS_FAIL_TEXT(server_get_info(f, udp), NOT_FOUND);
    IS_FAIL_TEXT(server_close(f, udp), NOT_FOUND);
    IS_FAIL_TEXT(sock_get_info(f, udp), NOT_FOUND);
    IS_OK(sock_destroy(f, udp)); /* silent, and nothing is destroyed */
    CHECK_INT(udp_info_of(f, udp)->socket_id, udp);
    CHECK_INT(fx_stats(f).sockets_open, 6);
}

/* udp.md 4.9: the sockets of this API, ascending; [] if none. */
static void get_sockets(fx *f) {
    int32_t id[5];
    call *c = udp_get_sockets(f);
    uint16_t port;
    IS_OK(c);
    CHECK_INT(c->done->present, CHROMESOCK_EVENT_SOCKETS);
    CHECK_INT(c->done->info_len, 0);
    new_tcp(f);
    new_sock(f, UDP);
    for (int n = 0; n < 5; n++) id[n] = n == 3 ? bound(f, &port) : new_udp(f);
    close_udp(f, id[1]);
    c = udp_get_sockets(f);
    IS_OK(c);
    CHECK_INT(c->done->info_len, 4);
    CHECK_INT(c->done->info[0].socket_id, id[0]);
    CHECK_INT(c->done->info[1].socket_id, id[2]);
    CHECK_INT(c->done->info[2].socket_id, id[3]);
    CHECK_INT(c->done->info[3].socket_id, id[4]);
    CHECK_INT(c->done->info[2].local_port, port);
    CHECK_INT(c->done->info[3].present, 0);
    c = tcp_get_sockets(f);
    IS_OK(c);
    CHECK_INT(c->done->info_len, 1);
}

/* udp.md 1 row 3: another app's id is an unknown id. */
static void another_apps_id(void) {
    fx *a = fx_new(MODE_DISPATCH, NULL), *b = fx_new(MODE_DISPATCH, NULL);
    uint16_t port;
    int32_t first = new_udp(a), id = bound(a, &port);
    CHECK_INT(new_udp(b), first);
    IS_FAIL_TEXT(udp_get_info(b, id), NOT_FOUND);
    IS_FAIL_TEXT(udp_close(b, id), NOT_FOUND);
    CHECK_INT(udp_info_of(a, id)->local_port, port);
    fx_end(b);
    fx_end(a);
}

/* udp.md 4.3: value unchanged, set, cleared, in each state; any non-zero is true. */
static void set_paused(fx *f) {
    int32_t id = new_udp(f);
    static const int values[] = {0, 1, 1, 255, 0, 0, 1};
    for (int is_bound = 0; is_bound < 2; is_bound++) {
        for (size_t n = 0; n < sizeof values / sizeof values[0]; n++) {
            IS_OK(udp_set_paused(f, id, values[n]));
            CHECK_INT(udp_info_of(f, id)->paused, values[n] != 0);
        }
        if (!is_bound) IS_OK0(udp_bind(f, id, "127.0.0.1", 0)); /* bind keeps the flag */
        CHECK_INT(udp_info_of(f, id)->paused, 1);
    }
}

int main(int argc, char **argv) {
    harness_init(argc, argv);
    RUN_ALL_MODES(created);
    RUN_ALL_MODES(info_members);
    RUN_ALL_MODES(update_keeps_what_is_absent);
    RUN_ALL_MODES(info_of_each_state);
    RUN_ALL_MODES(canonical_addresses);
    RUN_ALL_MODES(unknown_ids);
    RUN_ALL_MODES(four_namespaces);
    RUN_ALL_MODES(get_sockets);
    RUN(another_apps_id);
    RUN_ALL_MODES(set_paused);
    return harness_finish();
}
