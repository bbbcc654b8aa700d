/* A host at the end of its resources (tcp.md G-6, G-20, 3.5 table: -12; header: INSUFFICIENT_RESOURCES): without
 * descriptors or threads every function answers, and works again when there are some; a send of more than there is
 * memory for fails alone; without random numbers there is no TLS. Limits of the single calls: test_emfile.c,
 * test_udp_bind.c, test_socket_server.c. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api.h"
#include "calls_socket.h"
#include "calls_tls.h"
#include "calls_udp.h"
#include "resolve_shim.h"

/* ---- no descriptors ---- */

enum { LIMIT = 256, KINDS = 11 };
static int fillers[LIMIT], filled;

static void use_up(void) {
    int fd;
    while ((fd = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0) {
        CHECK(filled < LIMIT);
        fillers[filled++] = fd;
    }
    CHECK_INT(errno, EMFILE);
}

static void give_back(void) {
    while (filled > 0) close(fillers[--filled]);
}

/* Sockets of every namespace, new and in use, and an id that nobody has; what is closed later by `close_kind`. */
static void make_kinds(fx *f, int32_t ids[KINDS], int peers[3]) {
    uint16_t port;
    ids[0] = new_tcp(f);
    ids[1] = connected(f, &peers[0]);
    ids[2] = new_server(f);
    ids[3] = listening(f, &port);
    ids[4] = new_udp(f);
    ids[5] = bound(f, &port);
    ids[6] = new_sock(f, TCP);
    ids[7] = sock_connected(f, &peers[1]);
    ids[8] = sock_listening(f, &port);
    ids[9] = sock_udp_connected(f, &peers[2], &port);
    ids[10] = 99999;
}

static call *close_kind(fx *f, int kind, int32_t id) {
    if (kind < 2) return tcp_close(f, id);
    if (kind < 4) return server_close(f, id);
    if (kind < 6) return udp_close(f, id);
    return sock_destroy(f, id);
}

static void every_method_without_descriptors(fx *f) {
    uint16_t port;
    int listener = peer_listen(&port), peer;
    int32_t id;
    for (size_t n = 0; n < api_methods_len; n++) {
        const struct api_method *m = &api_methods[n];
        call *calls[KINDS];
        int32_t ids[KINDS], made;
        int peers[3];
        make_kinds(f, ids, peers);
        use_up();
        for (int kind = 0; kind < KINDS; kind++) {
            struct api_in in = api_harmless(ids[kind], &made);
            in.port = port;
            calls[kind] = api_call(f, m, &in);
        }
        /* Reads, accepts and handshakes pend until their socket goes. */
        for (int kind = 0; kind < KINDS; kind++) await(close_kind(f, kind, ids[kind]));
        for (int kind = 0; kind < KINDS; kind++) await(calls[kind]);
        give_back();
        for (int k = 0; k < 3; k++) close(peers[k]);
        fx_compact(f);
    }
    id = new_tcp(f);
    while (peer_accept_pending(listener)) close(peer_accept(listener));
    connect_to(f, id, listener, &peer);
    peer_text(peer, "all is well");
    receive(f, id, "all is well");
    close(peer);
    close(listener);
}

/* What has no descriptor yet is refused and leaves its place as it was. */
static void host_functions_without_descriptors(fx *f) {
    chromesock_app *app = (chromesock_app *)1;
    chromesock_reactor *reactor = (chromesock_reactor *)1;
    intptr_t place = 77;
    const chromesock_status expected =
        mode_is_reactor(f->mode) ? CHROMESOCK_WRONG_DELIVERY : CHROMESOCK_INSUFFICIENT_RESOURCES;
    use_up();
    CHECK_INT(chromesock_app_new(NULL, &app), CHROMESOCK_INSUFFICIENT_RESOURCES);
    CHECK_INT(chromesock_reactor_new(&reactor), CHROMESOCK_INSUFFICIENT_RESOURCES);
    CHECK_INT(chromesock_app_event_stream(f->app, &place), expected);
    CHECK_INT(chromesock_app_event_handle(f->app, &place), expected);
    CHECK(app == (chromesock_app *)1 && reactor == (chromesock_reactor *)1);
    CHECK_INT(place, 77);
    IS_OK(tcp_get_sockets(f));
    give_back();
    if (!mode_is_reactor(f->mode)) {
        CHECK_INT(chromesock_app_event_stream(f->app, &place), CHROMESOCK_OK);
        close((int)place);
        CHECK_INT(chromesock_app_event_handle(f->app, &place), CHROMESOCK_OK);
    }
}

/* Roots that cannot be read are no reason to trust nobody, or anybody. */
static void system_roots_without_descriptors(void) {
    chromesock_app_options options;
    chromesock_app *app = (chromesock_app *)1;
    memset(&options, 0, sizeof options);
    options.size = sizeof options;
    options.trust = CHROMESOCK_TRUST_SYSTEM;
    CHECK_INT(chromesock_reactor_new(&options.reactor), CHROMESOCK_OK);
    use_up();
    CHECK_INT(chromesock_app_new(&options, &app), CHROMESOCK_INSUFFICIENT_RESOURCES);
    CHECK(app == (chromesock_app *)1);
    give_back();
    chromesock_reactor_free(options.reactor);
}

/* ---- no threads ---- */

static atomic_int refuse_threads;

int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *), void *arg) {
    static int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    if (refuse_threads) return EAGAIN;
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
    return real(thread, attr, start, arg);
}

static void reactors_without_threads(void) {
    chromesock_app *app = (chromesock_app *)1;
    chromesock_reactor *reactor = (chromesock_reactor *)1;
    int before = count_fds();
    refuse_threads = 1;
    CHECK_INT(chromesock_app_new(NULL, &app), CHROMESOCK_INSUFFICIENT_RESOURCES);
    CHECK_INT(chromesock_reactor_new(&reactor), CHROMESOCK_INSUFFICIENT_RESOURCES);
    refuse_threads = 0;
    CHECK(app == (chromesock_app *)1 && reactor == (chromesock_reactor *)1);
    CHECK_INT(count_fds(), before);
    CHECK_INT(chromesock_app_new(NULL, &app), CHROMESOCK_OK);
    chromesock_app_free(app);
}

/* Names cannot be looked up, addresses can be reached; and names again when there are threads. */
static void names_without_threads(fx *f) {
    static const char *const here[] = {"127.0.0.1", NULL};
    uint16_t port, udp_port;
    int listener = peer_listen(&port), peer;
    int32_t tcp = new_tcp(f), other = new_tcp(f), udp = bound(f, &udp_port), sock = new_sock(f, TCP);
    shim_clear();
    shim_set("name.test", here);
    refuse_threads = 1;
    IS_FAIL(tcp_connect(f, tcp, "name.test", port), CHROMESOCK_NAME_NOT_RESOLVED);
    IS_FAIL(tcp_connect(f, tcp, "name.test", port), CHROMESOCK_NAME_NOT_RESOLVED);
    CHECK(await(udp_text(f, udp, "x", "name.test", udp_port))->message != NULL);
    CHECK(await(sock_connect(f, sock, "name.test", port))->message != NULL);
    CHECK_INT(shim_queries(), 0);
    connect_to(f, other, listener, &peer);
    close(peer);
    refuse_threads = 0;
    IS_OK0(tcp_connect(f, tcp, "name.test", port));
    close(listener);
}

/* ---- no memory ---- */

/* Lets the process have so much more than now: of addresses, or of memory to write to (RLIMIT_DATA). */
static void limit_memory(int resource, rlim_t more) {
    struct rlimit limit;
    long all, writable;
    FILE *sizes = fopen("/proc/self/statm", "r");
    CHECK(sizes != NULL && fscanf(sizes, "%ld %*d %*d %*d %*d %ld", &all, &writable) == 2);
    fclose(sizes);
    limit.rlim_cur = (rlim_t)(resource == RLIMIT_AS ? all : writable) * (rlim_t)sysconf(_SC_PAGESIZE) + more;
    limit.rlim_max = limit.rlim_cur;
    CHECK_INT(setrlimit(resource, &limit), 0);
}

/* 14.1: -13. A datagram is too long for that, and fails as such (udp.md 4.6 row 8). */
static void sends_without_memory(fx *f) {
    const size_t len = 150 << 20; /* within the quota */
    uint16_t port, udp_port;
    int peers[3];
    int32_t tcp = connected(f, &peers[0]), udp = bound(f, &port), legacy = sock_connected(f, &peers[1]);
    int32_t datagrams = sock_bound(f, &port), both = sock_udp_connected(f, &peers[2], &udp_port);
    void *much = mmap(NULL, len, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    CHECK(much != MAP_FAILED);
    limit_memory(RLIMIT_AS, 64 << 20);
    IS_SEND_FAIL(tcp_send(f, tcp, much, len), CHROMESOCK_OUT_OF_MEMORY);
    RESULT(sock_write(f, legacy, much, len), CHROMESOCK_OUT_OF_MEMORY);
    RESULT(sock_write(f, both, much, len), CHROMESOCK_OUT_OF_MEMORY);
    IS_SEND_FAIL(udp_send(f, udp, much, len, "127.0.0.1", 9), CHROMESOCK_MSG_TOO_BIG);
    RESULT(sock_send_to(f, datagrams, much, len, "127.0.0.1", 9), CHROMESOCK_MSG_TOO_BIG);
    CHECK_INT(fx_stats(f).unsent_bytes, 0);
    IS_SENT(tcp_send(f, tcp, "still well", 10), 10);
    peer_expect(peers[0], "still well");
    RESULT(sock_write(f, legacy, "too", 3), 3);
}

/* DN-3: a text longer than any host, where there is no memory for another of its kind, is a host that is not found,
 * soon enough. */
static void hosts_without_memory(fx *f) {
    const size_t len = 64 << 20;
    char *much = malloc(len + 1);
    int32_t tcp = new_tcp(f), udp, legacy = new_sock(f, TCP);
    uint16_t port;
    CHECK(much != NULL);
    for (size_t n = 0; n < len; n++) much[n] = n % 2 ? '.' : '1';
    much[len] = 0;
    udp = bound(f, &port);
    limit_memory(RLIMIT_AS, 32 << 20);
    for (size_t n = 0; n < api_methods_len; n++) {
        struct api_in in = api_harmless(tcp, NULL);
        chrome_sockets_tcp_secure_options versions = {sizeof versions, 0, much, much};
        if (!api_takes(&api_methods[n], 'T') && !api_takes(&api_methods[n], 'S')) continue;
        in.text = much;
        in.secure = &versions;
        await(api_call(f, &api_methods[n], &in));
    }
    IS_FAIL(tcp_connect(f, tcp, much, 80), CHROMESOCK_NAME_NOT_RESOLVED);
    RESULT_TEXT(sock_connect(f, legacy, much, 80), CHROMESOCK_NAME_NOT_RESOLVED, "DNS resolution failed");
    IS_SEND_FAIL(udp_send(f, udp, "x", 1, much, 80), CHROMESOCK_NAME_NOT_RESOLVED);
    IS_FAIL(udp_bind(f, new_udp(f), much, 0), CHROMESOCK_INVALID_ARGUMENT);
    free(much);
}

/* udp.md 5.2: without the memory to receive many datagrams at once they come one by one. */
static void datagrams_without_memory(fx *f) {
    uint16_t port, peer_port;
    int peer = udp_peer(&peer_port);
    int32_t id = bound(f, &port);
    limit_memory(RLIMIT_DATA, 600 << 10);
    for (int n = 0; n < 3; n++) udp_peer_send(peer, "hello", 5, "127.0.0.1", port);
    for (int n = 0; n < 3; n++) datagram(f, id, "hello");
    close(peer);
}

static atomic_int lists_left;
static void count_list(chromesock_app *app, const chromesock_event *event, void *user_data) {
    (void)app;
    (void)user_data;
    CHECK(event->sockets_len > 0);
    atomic_fetch_sub(&lists_left, 1);
}

/* Long lists that are asked for all at once have been handed to their callbacks before many more are made; a long name
 * is there once. */
static void lists_without_memory(fx *f) {
    enum { SOCKETS = 5000, LISTS = 1000 };
    static char name[1 << 20];
    int32_t id;
    chrome_sockets_tcp_properties named = tcp_props(CHROME_SOCKETS_TCP_PROPERTIES_NAME, name, 0, 0);
    if (!mode_is_reactor(f->mode)) return; /* a queue holds what the host does not take */
    memset(name, 'n', sizeof name - 1);
    tcp_create(f, &named, &id);
    for (int n = 1; n < SOCKETS; n++) tcp_create(f, NULL, NULL);
    fx_compact(f);
    atomic_store(&lists_left, 2 * LISTS);
    limit_memory(RLIMIT_AS, 128 << 20); /* all of either would be more than twice as much */
    CHECK_INT(chromesock_app_hold_calls(f->app, 1), CHROMESOCK_OK);
    for (int n = 0; n < LISTS; n++)
        CHECK_INT(chrome_sockets_tcp_get_sockets(f->app, count_list, NULL), CHROMESOCK_OK);
    for (int n = 0; n < LISTS; n++)
        CHECK_INT(chrome_sockets_tcp_get_info(f->app, id, count_list, NULL), CHROMESOCK_OK);
    f->accepted += 2 * LISTS;
    CHECK_INT(chromesock_app_hold_calls(f->app, 0), CHROMESOCK_OK);
    wait_until(f, atomic_load(&lists_left) == 0);
}

/* ---- no random numbers ---- */

/* tcp.md TLS-10: a filter of system calls that does not know getrandom takes away TLS, and nothing else. */
static void tls_without_random_numbers(fx *f) {
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getrandom, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
    int peer;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) != 0) {
        printf("tls_without_random_numbers: no filter is permitted\n");
        return;
    }
    for (int n = 0; n < 2; n++) {
        int32_t id = connected_paused(f, &peer);
        SECURE_FAILED(tcp_secure(f, id), CHROMESOCK_UNEXPECTED);
        CHECK_INT(peer_wait_end(peer), 0);
        close(peer);
    }
    connected(f, &peer);
    close(peer);
}

/* In a process of its own, whose limit goes with it. */
static void in_a_process(case_fn fn, enum mode mode) {
    int status;
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        fx *f = fx_new(mode, NULL);
        fn(f);
        fx_end(f);
        _exit(0);
    }
    CHECK_INT(waitpid(child, &status, 0), child);
    CHECK_INT(status, 0);
}

static void without_random_numbers(void) {
    for (int mode = 0; mode < MODE_COUNT; mode++) in_a_process(tls_without_random_numbers, (enum mode)mode);
}

static void without_memory(void) {
    if (SANITIZED) return; /* they take all addresses for themselves */
    for (int mode = 0; mode < MODE_COUNT; mode++) {
        in_a_process(sends_without_memory, (enum mode)mode);
        in_a_process(hosts_without_memory, (enum mode)mode);
        in_a_process(datagrams_without_memory, (enum mode)mode);
        in_a_process(lists_without_memory, (enum mode)mode);
    }
}

int main(int argc, char **argv) {
    struct rlimit limit;
    harness_init(argc, argv);
    CHECK_INT(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = LIMIT;
    CHECK_INT(setrlimit(RLIMIT_NOFILE, &limit), 0);
    RUN(without_random_numbers); /* first: once the process has done TLS, random numbers are assumed */
    RUN_ALL_MODES(every_method_without_descriptors);
    RUN_ALL_MODES(host_functions_without_descriptors);
    RUN(system_roots_without_descriptors);
    RUN(reactors_without_threads);
    RUN_ALL_MODES(names_without_threads);
    RUN(without_memory);
    return harness_finish();
}
