/* What a host may do to its own process (README "The end", "Threads"): end it in the midst of
 * traffic, start it without standard descriptors, interrupt its threads, fork, load and unload the library. Each
 * case is a process of its own. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api.h"

/* ---- traffic that never ends: each connection sends back what it gets, from both ends ---- */

static struct traffic {
    chromesock_app *app;
    int32_t server, port;
    atomic_int received;
    atomic_int listening;
} t;
static void (*on_received)(void); /* runs in a callback, after 200 messages and once it may */
static atomic_int may_run;

static void start_client(void) {
    int32_t id;
    CHECK_INT(chrome_sockets_tcp_create(t.app, NULL, &id, NULL, NULL), CHROMESOCK_OK);
    CHECK_INT(chrome_sockets_tcp_connect(t.app, id, "127.0.0.1", t.port, 0, NULL, NULL), CHROMESOCK_OK);
}

static void handler(chromesock_app *app, const chromesock_event *e, void *user_data) {
    static const uint8_t first[512];
    (void)user_data;
    switch (e->type) {
    case CHROME_SOCKETS_TCP_SERVER_LISTEN:
        CHECK_INT(e->result, 0);
        chrome_sockets_tcp_server_get_info(app, e->socket_id, NULL, NULL);
        break;
    case CHROME_SOCKETS_TCP_SERVER_GET_INFO:
        t.port = e->sockets[0].local_port;
        atomic_store(&t.listening, 1);
        break;
    case CHROME_SOCKETS_TCP_SERVER_ON_ACCEPT:
        chrome_sockets_tcp_set_paused(app, e->client_socket_id, 0, NULL, NULL);
        break;
    case CHROME_SOCKETS_TCP_CONNECT:
        CHECK_INT(e->result, 0);
        chrome_sockets_tcp_send(app, e->socket_id, first, sizeof first, NULL, NULL);
        break;
    case CHROME_SOCKETS_TCP_ON_RECEIVE:
        chrome_sockets_tcp_send(app, e->socket_id, e->data, e->data_len, NULL, NULL);
        atomic_fetch_add(&t.received, 1);
        if (may_run && t.received >= 200) on_received();
        break;
    default:
        break;
    }
}

static void pump(void) {
    int32_t ran;
    chromesock_status s = chromesock_app_dispatch(t.app, 0, 20, &ran);
    CHECK(s == CHROMESOCK_OK || s == CHROMESOCK_WRONG_DELIVERY);
    if (s == CHROMESOCK_WRONG_DELIVERY) poll(NULL, 0, 1);
}

static void start_traffic(int32_t delivery) {
    chromesock_app_options options;
    long long end = now_ms() + deadline_ms();
    memset(&options, 0, sizeof options);
    options.size = sizeof options;
    options.delivery = delivery;
    CHECK_INT(chromesock_app_new(&options, &t.app), CHROMESOCK_OK);
    CHECK_INT(chromesock_app_set_default_handler(t.app, handler, NULL, NULL), CHROMESOCK_OK);
    CHECK_INT(chrome_sockets_tcp_server_create(t.app, NULL, &t.server, NULL, NULL), CHROMESOCK_OK);
    CHECK_INT(chrome_sockets_tcp_server_listen(t.app, t.server, "127.0.0.1", 0, NULL, NULL, NULL), CHROMESOCK_OK);
    while (!t.listening) {
        if (now_ms() > end) FAIL("deadline: listening");
        pump();
    }
    for (int n = 0; n < 4; n++) start_client();
}

static void await_traffic(int number) {
    int goal = t.received + number;
    long long end = now_ms() + deadline_ms();
    while (t.received < goal) {
        if (now_ms() > end) FAIL("deadline: traffic");
        pump();
    }
}

/* ---- the cases; each ends its process, with 0 if all is well ---- */

static void exit_with_traffic(int32_t delivery) {
    start_traffic(delivery);
    await_traffic(100);
    exit(0);
}
static void exit_with_queue(void) { exit_with_traffic(CHROMESOCK_DELIVERY_QUEUE); }
static void exit_with_reactor(void) { exit_with_traffic(CHROMESOCK_DELIVERY_REACTOR); }

static void return_from_main(void) {
    start_traffic(CHROMESOCK_DELIVERY_REACTOR);
    await_traffic(100);
}

static void exit_now(void) { exit(0); }
static void exit_in_a_callback(void) {
    on_received = exit_now;
    start_traffic(CHROMESOCK_DELIVERY_REACTOR);
    atomic_store(&may_run, 1); /* from here on this thread makes no call: the app may be freed at exit */
    for (;;) pause();
}

static void free_app(void) { chromesock_app_free(t.app); }
static void free_at_exit(void) {
    CHECK_INT(atexit(free_app), 0);
    exit_with_reactor();
}
static void free_at_exit_of_a_callback(void) {
    CHECK_INT(atexit(free_app), 0);
    exit_in_a_callback();
}

/* A destructor that frees while another thread still calls would be the host's fault; one that waits is not. */
static void *wait_for_events(void *arg) {
    const chromesock_event *e;
    while (chromesock_app_next_event(t.app, -1, &e) == CHROMESOCK_OK) chromesock_event_release(e);
    return arg;
}
static void exit_while_a_thread_waits(void) {
    pthread_t thread;
    start_traffic(CHROMESOCK_DELIVERY_QUEUE);
    await_traffic(50);
    CHECK_INT(pthread_create(&thread, NULL, wait_for_events, NULL), 0);
    exit(0);
}

/* Sockets and the library's own descriptors are 0 to 2, which are as good as others. */
static void without_standard_descriptors(void) {
    intptr_t handle, stream;
    int spare = fcntl(2, F_DUPFD_CLOEXEC, 100);
    for (int fd = 0; fd < 3; fd++) close(fd);
    start_traffic(CHROMESOCK_DELIVERY_QUEUE);
    CHECK_INT(chromesock_app_event_handle(t.app, &handle), CHROMESOCK_OK);
    CHECK_INT(chromesock_app_event_stream(t.app, &stream), CHROMESOCK_OK);
    await_traffic(100);
    chromesock_app_free(t.app);
    close((int)stream);
    for (int fd = 0; fd < 3; fd++)
        if (fcntl(fd, F_GETFD) != -1) dprintf(spare, "descriptor %d is still open\n", fd), _exit(1);
}

/* Handlers without SA_RESTART, on whatever thread of the host; threads of the library take none, from the first. */
static pthread_t host_thread;
static atomic_int signals, elsewhere;
static void on_signal(int number) {
    int saved = errno;
    (void)number;
    atomic_fetch_add(&signals, 1);
    if (!pthread_equal(pthread_self(), host_thread)) atomic_fetch_add(&elsewhere, 1);
    errno = saved;
}
static void storm_of_signals(int32_t delivery) {
    struct sigaction action;
    struct itimerval often = {{0, 200}, {0, 200}}, never = {{0, 0}, {0, 0}};
    host_thread = pthread_self();
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    CHECK_INT(sigaction(SIGALRM, &action, NULL), 0);
    CHECK_INT(setitimer(ITIMER_REAL, &often, NULL), 0);
    for (int n = 0; n < 500; n++) {
        chromesock_reactor *reactor;
        CHECK_INT(chromesock_reactor_new(&reactor), CHROMESOCK_OK);
        chromesock_reactor_free(reactor);
    }
    start_traffic(delivery);
    await_traffic(3000);
    chromesock_app_free(t.app);
    CHECK_INT(setitimer(ITIMER_REAL, &never, NULL), 0);
    CHECK(signals > 10);
    CHECK_INT(elsewhere, 0);
}
static void signals_with_queue(void) { storm_of_signals(CHROMESOCK_DELIVERY_QUEUE); }
static void signals_with_reactor(void) { storm_of_signals(CHROMESOCK_DELIVERY_REACTOR); }

/* README: "An app must not be used in a forked child", but the child may have one of its own, and its end is not
 * that of the parent's. */
static void fork_with_traffic(void) {
    start_traffic(CHROMESOCK_DELIVERY_QUEUE);
    await_traffic(100);
    for (int n = 0; n < 20; n++) {
        int status;
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            memset(&t, 0, sizeof t);
            start_traffic(n % 2 ? CHROMESOCK_DELIVERY_REACTOR : CHROMESOCK_DELIVERY_QUEUE);
            await_traffic(20);
            if (n % 4 < 2) chromesock_app_free(t.app);
            if (SANITIZED) _exit(0); /* the parent's threads are not here, and what they hold looks lost */
            exit(0);
        }
        await_traffic(20);
        CHECK_INT(waitpid(child, &status, 0), child);
        CHECK_INT(status, 0);
    }
    await_traffic(100);
    chromesock_app_free(t.app);
}

/* The reactor's thread runs the library's code: it stays loaded, with apps running or gone. */
static void load_and_unload(void) {
    Dl_info info;
    void *address = dlsym(RTLD_DEFAULT, "chromesock_version_number");
    CHECK(address != NULL && dladdr(address, &info) != 0);
    for (int n = 0; n < 50; n++) {
        void *library = dlopen(info.dli_fname, RTLD_NOW | RTLD_LOCAL);
        if (library == NULL) FAIL("%s", dlerror());
        CHECK(dlsym(library, "chromesock_version_number") == address);
        memset(&t, 0, sizeof t);
        start_traffic(CHROMESOCK_DELIVERY_REACTOR);
        CHECK_INT(dlclose(library), 0);
        await_traffic(10);
        chromesock_app_free(t.app);
    }
}

static const struct {
    const char *name;
    void (*run)(void);
    int times;
} cases[] = {
    {"exit_with_queue", exit_with_queue, 40},
    {"exit_with_reactor", exit_with_reactor, 40},
    {"return_from_main", return_from_main, 40},
    {"exit_in_a_callback", exit_in_a_callback, 40},
    {"free_at_exit", free_at_exit, 20},
    {"free_at_exit_of_a_callback", free_at_exit_of_a_callback, 20},
    {"exit_while_a_thread_waits", exit_while_a_thread_waits, 20},
    {"without_standard_descriptors", without_standard_descriptors, 1},
    {"signals_with_queue", signals_with_queue, 1},
    {"signals_with_reactor", signals_with_reactor, 1},
    {"fork_with_traffic", fork_with_traffic, 1},
    {"load_and_unload", load_and_unload, 1},
};
enum { CASES = sizeof cases / sizeof *cases };
static const char *const CHILD = "--child";

static void in_a_process(const char *name) {
    int status;
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        alarm((unsigned)(deadline_ms() / 1000) * 2 + 1); /* a hang ends by a signal; exec keeps it */
        execl("/proc/self/exe", "test_process", CHILD, name, (char *)NULL);
        _exit(127);
    }
    CHECK_INT(waitpid(child, &status, 0), child);
    if (status != 0) FAIL("%s ended with status 0x%x", name, (unsigned)status);
}

static int next_case;
static void in_processes(void) {
    int n = 0;
    do in_a_process(cases[next_case].name);
    while (++n < scaled(cases[next_case].times));
}

int main(int argc, char **argv) {
    if (argc == 3 && strcmp(argv[1], CHILD) == 0) {
        for (int n = 0; n < CASES; n++)
            if (strcmp(argv[2], cases[n].name) == 0) {
                cases[n].run();
                return 0;
            }
        return 126;
    }
    harness_init(argc, argv);
    for (int n = 0; n < CASES; n++) {
        next_case = n;
        run_plain(cases[n].name, in_processes);
    }
    return harness_finish();
}
