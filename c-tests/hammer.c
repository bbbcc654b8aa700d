/* Random misuse from several threads, with a printed seed: hammer [seed [steps]]. Whatever it does,
 * the process lives and every accepted call completes exactly once (tcp.md G-20). */
#include <time.h>
#include <unistd.h>

#include "api.h"
#include "calls_udp.h"
#include "tls_peer.h"

enum { THREADS = 3, IDS = 40 };

struct hammer {
    fx *f;
    uint64_t state;
    long steps;
    pthread_t thread;
};

static uint16_t server_port, tls_port;
static int32_t ids[IDS];
static pthread_mutex_t ids_mutex = PTHREAD_MUTEX_INITIALIZER;
static atomic_int running;

static uint32_t next(struct hammer *h) {
    h->state = h->state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(h->state >> 33);
}

static int32_t some_id(struct hammer *h) {
    static const int32_t odd[] = {0, -1, INT32_MIN, INT32_MAX, 7777777};
    int32_t id;
    if (next(h) % 16 == 0) return odd[next(h) % 5];
    pthread_mutex_lock(&ids_mutex);
    id = ids[next(h) % IDS];
    pthread_mutex_unlock(&ids_mutex);
    return id;
}

static void keep_id(struct hammer *h, int32_t id) {
    pthread_mutex_lock(&ids_mutex);
    ids[next(h) % IDS] = id;
    pthread_mutex_unlock(&ids_mutex);
}

static int32_t number(struct hammer *h) {
    static const int32_t odd[] = {0, 1, -1, 65535, 65536, INT32_MIN, INT32_MAX, 32768};
    return odd[next(h) % 8];
}

static const char *host(struct hammer *h) {
    static const char *const hosts[] = {"127.0.0.1", "127.0.0.1", "127.0.0.1", "::1",   "localhost",
                                        "127.1",     "",          "a..b",      "[::1]", "224.0.0.1"};
    return hosts[next(h) % 10];
}

static int32_t port(struct hammer *h) {
    switch (next(h) % 8) {
    case 0: case 1: return number(h);
    case 2: return tls_port;
    default: return server_port;
    }
}

/* A completion's user_data must be a call of ours even when the call is refused later: refused calls
 * simply never complete, and are not counted. */
static void expect(struct hammer *h, call *c, chromesock_status status, chromesock_status refusal) {
    fx *f = h->f;
    if (status == CHROMESOCK_OK) {
        pthread_mutex_lock(&f->mutex);
        c->next = f->calls;
        f->calls = c;
        f->accepted++;
        pthread_mutex_unlock(&f->mutex);
        return;
    }
    if (status != refusal) FAIL("call 0x%x refused with %d", (unsigned)c->type, (int)status);
    free(c);
}

static void listener(chromesock_app *app, const chromesock_event *e, void *user_data) {
    (void)app;
    (void)e;
    (void)user_data;
}

/* Calls that are refused at once, whatever the state. */
static void misuse(struct hammer *h) {
    static unsigned char junk[64];
    fx *f = h->f;
    int32_t id = some_id(h);
    chrome_sockets_tcp_properties p = tcp_props(1u << (3 + next(h) % 29), NULL, 0, 0);
    call *c;
    switch (next(h) % 7) {
    case 0:
        c = call_new(f, CHROME_SOCKETS_TCP_SEND, id);
        expect(h, c, chrome_sockets_tcp_send(f->app, id, NULL, 1 + next(h), f->callback, c),
               CHROMESOCK_INVALID_ARGUMENT);
        break;
    case 1:
        c = call_new(f, CHROME_SOCKETS_TCP_UPDATE, id);
        expect(h, c, chrome_sockets_tcp_update(f->app, id, &p, f->callback, c),
               CHROMESOCK_INVALID_ARGUMENT);
        break;
    case 2:
        c = call_new(f, CHROME_SOCKETS_TCP_CONNECT, id);
        expect(h, c, chrome_sockets_tcp_connect(f->app, id, "\xff\xfe", 1, 0, f->callback, c),
               CHROMESOCK_INVALID_ARGUMENT);
        break;
    case 3:
        c = call_new(f, CHROME_SOCKETS_TCP_CONNECT, id);
        expect(h, c,
               chrome_sockets_tcp_connect(f->app, id, "127.0.0.1", 1, 3 + (int32_t)(next(h) % 9),
                                          f->callback, c),
               CHROMESOCK_INVALID_ARGUMENT);
        break;
    case 4: CHECK_INT(chromesock_app_next_event(f->app, 0, NULL), CHROMESOCK_INVALID_ARGUMENT); break;
    case 5:
        memset(junk, (int)next(h) & 0xff, sizeof junk);
        c = call_new(f, CHROME_SOCKETS_TCP_SEND, id);
        expect(h, c, chrome_sockets_tcp_send(f->app, id, junk, next(h) % sizeof junk, f->callback, c),
               CHROMESOCK_OK);
        break;
    default: CHECK_INT(chromesock_event_retain(NULL, NULL), CHROMESOCK_INVALID_ARGUMENT); break;
    }
}

/* Any method of the header with arguments that are odd but not refused. */
static void any_method(struct hammer *h) {
    static const unsigned char block[70000];
    const struct api_method *m = &api_methods[next(h) % api_methods_len];
    chrome_sockets_udp_properties p = udp_props(next(h) % 4, "hammer", number(h), (int)next(h) & 1);
    int32_t made = 0, optional = number(h);
    struct api_in in = api_harmless(some_id(h), &made);
    chrome_sockets_tcp_secure_options secure = {sizeof secure, 0, "tls1.3", next(h) % 2 ? "tls1.2" : NULL};
    if (next(h) % 2) in.properties = &p;
    if (next(h) % 2) in.secure = &secure;
    if (next(h) % 2) in.optional = &optional;
    if (next(h) % 2) in.text = host(h);
    in.choice = (int32_t)(next(h) % 2);
    in.port = port(h);
    in.number = number(h);
    in.flag = (chromesock_bool)(next(h) % 3);
    in.data = block;
    in.data_len = next(h) % sizeof block;
    api_call(h->f, m, &in);
    if (api_takes(m, 'N')) keep_id(h, made);
}

/* Any method with one argument that is refused. */
static void any_misuse(struct hammer *h) {
    const struct api_method *m = &api_methods[next(h) % api_methods_len];
    chrome_sockets_udp_properties p = udp_props(1u << (3 + next(h) % 29), NULL, 0, 0);
    chrome_sockets_tcp_secure_options secure = {sizeof secure, 1u << next(h) % 32, NULL, NULL};
    struct api_in in = api_harmless(some_id(h), NULL);
    call *c;
    if (api_takes(m, 'T')) in.text = next(h) % 2 ? NULL : "\xff\xfe";
    else if (api_takes(m, 'D')) in.data = NULL;
    else if (api_takes(m, 'C')) in.choice = 3 + (int32_t)(next(h) % 9);
    else if (api_takes(m, 'P')) in.properties = &p;
    else if (api_takes(m, 'S')) in.secure = &secure;
    else return;
    c = call_new(h->f, m->type, in.socket_id);
    expect(h, c, m->call(h->f->app, &in, h->f->callback, c), CHROMESOCK_INVALID_ARGUMENT);
}

/* Mostly awake, or nothing would happen; an unload ends every socket, so the server is made anew. */
static void life(struct hammer *h) {
    chromesock_app *a = h->f->app;
    chrome_sockets_tcp_server_properties keep =
        server_props(CHROME_SOCKETS_TCP_SERVER_PROPERTIES_PERSISTENT, NULL, 1);
    int32_t server = 0;
    switch (next(h) % 24) {
    case 0:
        CHECK_INT(chromesock_app_unload(a), CHROMESOCK_OK);
        server_create(h->f, &keep, &server);
        server_listen(h->f, server, "127.0.0.1", server_port);
        break;
    case 1: case 2: case 3: case 4: case 5: CHECK_INT(chromesock_app_suspend(a), CHROMESOCK_OK); break;
    default: CHECK_INT(chromesock_app_resume(a), CHROMESOCK_OK); break;
    }
}

static void questions(struct hammer *h) {
    static const char *const manifests[] = {"{}", "{\"sockets\":{}}", "{\"sockets\":7}", "[[[[",
                                            "{\"permissions\":[\"x\",{\"socket\":[\"y\"]}]}"};
    chromesock_app *a = h->f->app;
    chromesock_texts *texts = NULL;
    chromesock_bool b = 7;
    int32_t api = (int32_t)(next(h) % 4) - 1, operation = (int32_t)(next(h) % 10) - 1;
    int bad = api < 0 || api > 1;
    CHECK_INT(chromesock_app_has_api(a, api, &b), bad ? CHROMESOCK_INVALID_ARGUMENT : CHROMESOCK_OK);
    CHECK_INT(chromesock_app_get_rules(a, api, &texts), bad ? CHROMESOCK_INVALID_ARGUMENT : CHROMESOCK_OK);
    CHECK_INT(chromesock_texts_count(texts), !bad);
    chromesock_texts_free(texts);
    texts = NULL;
    bad |= operation < 0 || operation > 7;
    CHECK_INT(chromesock_app_check(a, api, operation, host(h), port(h), &b, &texts),
              bad ? CHROMESOCK_INVALID_ARGUMENT : CHROMESOCK_OK);
    CHECK_STR(chromesock_texts_at(texts, 0), bad ? NULL : "*");
    chromesock_texts_free(texts);
    chromesock_manifest_check(manifests[next(h) % 5], &texts);
    CHECK_STR(chromesock_texts_at(texts, next(h) + 3u), NULL);
    chromesock_texts_free(texts);
}

static atomic_int secured;

static void wait_done(fx *f, call *c) {
    long long end = now_ms() + deadline_ms();
    while (!c->completions) {
        if (now_ms() > end) FAIL("deadline: call 0x%x", (unsigned)c->type);
        fx_pump(f, 1);
    }
}

/* Secures a connection; as soon as it is connected, or is secured, everybody may have it. */
static void secure_one(struct hammer *h) {
    chrome_sockets_tcp_properties keep = tcp_props(CHROME_SOCKETS_TCP_PROPERTIES_PERSISTENT, NULL, 0, 1);
    int is_tls = next(h) % 8 > 0; /* else a handshake that may never end (tcp.md TLS-27) */
    int32_t id = 0;
    call *c;
    tcp_create(h->f, &keep, &id);
    tcp_set_paused(h->f, id, next(h) % 8 > 0);
    wait_done(h->f, tcp_connect(h->f, id, "127.0.0.1", is_tls ? tls_port : server_port));
    if (!is_tls || next(h) % 4 == 0) keep_id(h, id);
    c = tcp_secure(h->f, id);
    if (!is_tls || next(h) % 4 == 0) return;
    wait_done(h->f, c);
    if (c->done->message == NULL) secured++;
    tcp_send(h->f, id, "echo this", 9);
    tcp_set_paused(h->f, id, 0);
    get_tls_session(h->f, id);
    keep_id(h, id);
}

static void one_step(struct hammer *h) {
    static const char block[70000];
    fx *f = h->f;
    int32_t id = some_id(h), made = 0;
    chrome_sockets_tcp_properties p = tcp_props(next(h) % 8, "hammer", number(h), (int)next(h) & 1);
    chrome_sockets_tcp_server_properties sp = server_props(next(h) % 4, "hammer", (int)next(h) & 1);
    chromesock_bool has;
    intptr_t handle;
    if (next(h) % 2) {
        any_method(h);
        return;
    }
    switch (next(h) % 35) {
    case 0: case 1:
        tcp_create(f, next(h) % 2 ? &p : NULL, &made);
        keep_id(h, made);
        break;
    case 2:
        server_create(f, next(h) % 2 ? &sp : NULL, &made);
        keep_id(h, made);
        break;
    case 3: tcp_update(f, id, &p); break;
    case 4: tcp_set_paused(f, id, (int)next(h) % 3); break;
    case 5: tcp_set_keep_alive(f, id, (int)next(h) & 1, number(h)); break;
    case 6: tcp_set_no_delay(f, id, (int)next(h) & 1); break;
    case 7: case 8: case 9: case 10: tcp_connect_type(f, id, host(h), port(h), (int32_t)(next(h) % 3)); break;
    case 11: tcp_disconnect(f, id); break;
    case 12: case 13: case 14: tcp_send(f, id, block, next(h) % sizeof block); break;
    case 15: tcp_close(f, id); break;
    case 16: tcp_get_info(f, id); break;
    case 17: tcp_get_sockets(f); break;
    case 18: server_update(f, id, &sp); break;
    case 19: server_set_paused(f, id, (int)next(h) & 1); break;
    case 20: server_listen_backlog(f, id, "127.0.0.1", next(h) % 2 ? 0 : number(h), number(h)); break;
    case 21: server_listen(f, id, host(h), 0); break;
    case 22: server_disconnect(f, id); break;
    case 23: server_close(f, id); break;
    case 24: server_get_info(f, id); break;
    case 25: server_get_sockets(f); break;
    case 26:
        CHECK_INT(chrome_sockets_tcp_on_receive_has_listener(f->app, listener, h, &has), 0);
        fx_stats(f);
        break;
    case 27:
        chromesock_app_event_handle(f->app, &handle);
        fx_pump(f, 0);
        break;
    case 28: misuse(h); break;
    case 29: case 30: life(h); break;
    case 31: questions(h); break;
    case 32: any_misuse(h); break;
    case 33: secure_one(h); break;
    default: fx_pump(f, 1); break;
    }
}

static void *hammer_thread(void *arg) {
    struct hammer *h = arg;
    for (long n = 0; n < h->steps; n++) one_step(h);
    atomic_fetch_sub(&running, 1);
    return NULL;
}

/* Accepted clients join the ids everybody works on; now and then an event is retained for a while. */
static void adopt(fx *f, const chromesock_event *event) {
    const chromesock_event *kept = NULL;
    (void)f;
    if (event->type == CHROME_SOCKETS_TCP_SERVER_ON_ACCEPT) {
        pthread_mutex_lock(&ids_mutex);
        ids[(unsigned)event->client_socket_id % IDS] = event->client_socket_id;
        pthread_mutex_unlock(&ids_mutex);
        tcp_set_paused(f, event->client_socket_id, 0);
    }
    if (event->type == CHROME_SOCKET_ACCEPT && event->client_socket_id > 0) {
        pthread_mutex_lock(&ids_mutex);
        ids[(unsigned)event->client_socket_id % IDS] = event->client_socket_id;
        pthread_mutex_unlock(&ids_mutex);
    }
    if (event->data_len % 2) {
        CHECK_INT(chromesock_event_retain(event, &kept), CHROMESOCK_OK);
        chromesock_event_release(kept);
    }
}

static uint64_t seed;
static long steps;

static void hammer(fx *f) {
    struct hammer h[THREADS];
    call *c;
    int32_t server = new_server(f);
    tls_echo *echo = tls_echo_start(peer_listen(&tls_port));
    secured = 0;
    IS_OK0(server_listen(f, server, "127.0.0.1", 0));
    c = server_get_info(f, server);
    IS_OK(c);
    server_port = (uint16_t)c->done->info[0].local_port;
    chrome_sockets_tcp_server_properties keep =
        server_props(CHROME_SOCKETS_TCP_SERVER_PROPERTIES_PERSISTENT, NULL, 1);
    IS_OK(server_update(f, server, &keep));
    for (int n = 0; n < IDS; n++) ids[n] = n % 6 ? new_tcp(f) : new_server(f);
    f->inside = adopt;
    atomic_store(&running, THREADS);
    for (int n = 0; n < THREADS; n++) {
        h[n].f = f;
        h[n].state = seed + (uint64_t)n * 1000003u + (uint64_t)f->mode;
        h[n].steps = steps;
        CHECK_INT(pthread_create(&h[n].thread, NULL, hammer_thread, &h[n]), 0);
    }
    while (atomic_load(&running) > 0) fx_pump(f, 1);
    for (int n = 0; n < THREADS; n++) CHECK_INT(pthread_join(h[n].thread, NULL), 0);
    /* the callback of an accept may still make a call: wait for the reactor to be through */
    IS_OK(tcp_get_sockets(f));
    f->inside = NOTHING;
    IS_OK(tcp_get_sockets(f));
    printf("  %d secured\n", atomic_load(&secured));
    CHECK(secured > 0);
    tls_echo_stop(echo);
}

int main(int argc, char **argv) {
    chromesock_app_options o = tls_options();
    seed = argc > 1 ? strtoull(argv[1], NULL, 0) : (uint64_t)time(NULL);
    steps = argc > 2 ? atol(argv[2]) : scaled(6000);
    harness_init(0, NULL);
    printf("seed %llu, %ld steps, %d threads\n", (unsigned long long)seed, steps, (int)THREADS);
    RUN_ALL_MODES_WITH(hammer, &o);
    return harness_finish();
}
