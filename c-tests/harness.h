/* What every test program of this suite shares: asserts, the recorder of events, and one driver for
 * the delivery modes. Nothing here waits without a deadline, and a missed deadline fails loudly. */
#ifndef CHROMESOCK_TEST_HARNESS_H
#define CHROMESOCK_TEST_HARNESS_H

#include <chromesock.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "peer.h"
#include "peer_udp.h"

/* ---- asserts: print both values, the place, the case and the recorded events, then end ---- */

_Noreturn void fail_at(const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void check_int_at(const char *file, int line, const char *what, long long got, long long want);
void check_str_at(const char *file, int line, const char *what, const char *got, const char *want);
void check_mem_at(const char *file, int line, const char *what, const void *got, size_t got_len,
                  const void *want, size_t want_len);

#define FAIL(...) fail_at(__FILE__, __LINE__, __VA_ARGS__)
#define CHECK(cond) ((cond) ? (void)0 : fail_at(__FILE__, __LINE__, "not true: %s", #cond))
#define CHECK_INT(got, want) \
    check_int_at(__FILE__, __LINE__, #got, (long long)(got), (long long)(want))
#define CHECK_STR(got, want) check_str_at(__FILE__, __LINE__, #got, (got), (want))
#define CHECK_MEM(got, got_len, want, want_len) \
    check_mem_at(__FILE__, __LINE__, #got, (got), (got_len), (want), (want_len))

/* ---- time, numbers of the run ---- */

long long now_ms(void);
long long deadline_ms(void);          /* how long one wait may take, from CHROMESOCK_TEST_DEADLINE */
long scaled(long n);                  /* n, or less when CHROMESOCK_SCALE asks for less (percent) */
const char *net_name(int32_t code);   /* "net::ERR_…" from this suite's own copy of the table */
size_t net_table_len(void);           /* the codes of that table */
int32_t net_table_code(size_t i);

/* ---- the recorder ---- */

struct tls_facts {
    char version[16], suite[64], group[32], name[256];
    size_t chain_len, leaf_len;
    unsigned char leaf[4096];
};

typedef struct ev {                   /* a deep copy of one event */
    uint32_t type, present;
    int32_t id, client, result, port;
    void *user;
    char *message, *address;
    unsigned char *data;
    size_t len;
    uint64_t bytes_sent;
    chromesock_socket_info *info;
    size_t info_len;
    char **texts;                     /* getJoinedGroups */
    size_t texts_len;
    chrome_socket_network_interface *interfaces;
    size_t interfaces_len;
    struct tls_facts *tls;            /* get_tls_session */
    size_t seq;                       /* place in the app's order of events */
    int taken;
} ev;

typedef struct fx fx;

typedef struct call {                 /* one accepted call; its address is the call's user_data */
    fx *f;
    uint32_t type;
    int32_t id;
    ev *_Atomic done;
    atomic_int completions;
    struct call *next;
} call;

enum mode { MODE_DISPATCH, MODE_DISPATCH_CB, MODE_PULL, MODE_REACTOR, MODE_REACTOR_CB, MODE_COUNT };
/* The _CB modes give a callback with every call and listeners for every event; the others leave all
 * of it to the default handler. */

typedef void (*inside_fn)(fx *f, const chromesock_event *event);
#define NOTHING ((inside_fn)0)

struct fx {
    chromesock_app *app;
    enum mode mode;
    chromesock_callback callback;     /* what the wrappers below pass; NULL in modes without _CB */
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    ev **events;
    atomic_size_t len;                /* cases read it while callbacks record */
    size_t cap;
    call *calls;
    uint64_t accepted;                /* accepted calls, also those made past the wrappers */
    unsigned char *seen_ids;          /* bitmap of ids given out: none may come twice */
    size_t seen_cap;
    atomic_int inside_now;            /* callbacks running: never more than one */
    atomic_int app_closed;
    atomic_int released;                     /* runs of the default handler's release hook */
    uint64_t held_bytes;              /* of onReceive events the case still holds at the end */
    pthread_t main_thread;
    /* run inside each callback, after recording, no lock held; in pull mode, while the event is held */
    _Atomic(inside_fn) inside;
    void *arg;
    int settle_fd;
    atomic_int holds;                 /* by fx_hold */
};

extern fx *current;

void harness_init(int argc, char **argv);    /* argv[1]: only cases whose name contains it */
int harness_finish(void);
int mode_is_reactor(enum mode mode);
const char *mode_name(enum mode mode);
int harness_wants(const char *name);

typedef void (*case_fn)(fx *f);
void run_all_modes(const char *name, case_fn fn, const chromesock_app_options *options);
void run_plain(const char *name, void (*fn)(void));
#define RUN_ALL_MODES(fn) run_all_modes(#fn, fn, NULL)
#define RUN_ALL_MODES_WITH(fn, options) run_all_modes(#fn, fn, options)
#define RUN(fn) run_plain(#fn, fn)

/* A fixture by hand, for cases that need two apps or an app of their own. */
fx *fx_new(enum mode mode, const chromesock_app_options *options);
void fx_listen_to_all(fx *f);         /* what _CB modes do at the start */
void fx_close_and_check(fx *f);       /* close, drain, APP_CLOSED last, every call exactly once */
void fx_end(fx *f);                   /* fx_close_and_check, free, release hook ran once */
void fx_wait_freed(fx *f);            /* after a free inside a callback: it is done */
void fx_forget(fx *f);                /* memory of the fixture only; the app is already freed */
void fx_check_calls(fx *f);           /* every accepted call completed exactly once */
void fx_compact(fx *f);               /* long runs: drop completed calls and what was taken */
void fx_record(fx *f, const chromesock_event *event);
chromesock_app_stats fx_stats(fx *f);
void fx_handler(chromesock_app *app, const chromesock_event *event, void *user_data);
void fx_release(void *user_data);

/* ---- waiting ---- */

typedef int (*predicate)(fx *f, void *arg);   /* called with the fixture's mutex held */
void fx_stop_inside(fx *f);   /* inside = NOTHING, once it has run for the events seen so far */
void fx_wait_at(const char *file, int line, fx *f, predicate p, void *arg, const char *what);
ev *await_at(const char *file, int line, call *c);
ev *await_event_at(const char *file, int line, fx *f, uint32_t type, int32_t id);
void no_event_at(const char *file, int line, fx *f, uint32_t type, int32_t id);
void receive_at(const char *file, int line, fx *f, int32_t id, const void *want, size_t len);
void fx_pump(fx *f, int timeout_ms);  /* one step of the mode: dispatch, take or wait */
void settle(fx *f);   /* returns when everything that was on the wire before the call was handled */
#define fx_wait(f, p, arg) fx_wait_at(__FILE__, __LINE__, f, p, arg, #p)
#define await(c) await_at(__FILE__, __LINE__, c)
#define await_event(f, type, id) await_event_at(__FILE__, __LINE__, f, type, id)
#define no_event(f, type, id) no_event_at(__FILE__, __LINE__, f, type, id)  /* none recorded, untaken */
#define receive(f, id, text) receive_at(__FILE__, __LINE__, f, id, text, strlen(text))
#define receive_bytes(f, id, data, len) receive_at(__FILE__, __LINE__, f, id, data, len)
/* Wait for a condition that raises no event; pumps meanwhile. */
#define wait_until(f, cond)                                                             \
    do {                                                                                \
        long long end_ = now_ms() + deadline_ms();                                      \
        while (!(cond)) {                                                               \
            if (now_ms() > end_) FAIL("deadline: %s", #cond);                           \
            fx_pump(f, 1);                                                              \
        }                                                                               \
    } while (0)
/* The same without a pump: nothing is taken from the queue meanwhile. */
#define wait_idly(cond)                                                                 \
    do {                                                                                \
        long long end_ = now_ms() + deadline_ms();                                      \
        while (!(cond)) {                                                               \
            if (now_ms() > end_) FAIL("deadline: %s", #cond);                           \
            poll(NULL, 0, 1);                                                           \
        }                                                                               \
    } while (0)

/* ---- what a completion says (notation of tcp.md 0.3) ---- */

void ok_at(const char *file, int line, const ev *e);
void ok0_at(const char *file, int line, const ev *e);
void fail_code_at(const char *file, int line, const ev *e, int32_t code, const char *message);
void fail_text_at(const char *file, int line, const ev *e, const char *message);
void sent_at(const char *file, int line, const ev *e, uint64_t n);
void send_fail_at(const char *file, int line, const ev *e, int32_t code);
#define IS_OK(c) ok_at(__FILE__, __LINE__, await(c))                            /* OK() */
#define IS_OK0(c) ok0_at(__FILE__, __LINE__, await(c))                          /* OK(0) */
#define IS_FAIL(c, code) fail_code_at(__FILE__, __LINE__, await(c), code, NULL) /* FAIL(code) */
#define IS_FAIL_TEXT(c, text) fail_text_at(__FILE__, __LINE__, await(c), text)  /* FAIL("m") */
#define IS_FAIL_BOTH(c, code, text) fail_code_at(__FILE__, __LINE__, await(c), code, text)
#define IS_SENT(c, n) sent_at(__FILE__, __LINE__, await(c), n)
#define IS_SEND_FAIL(c, code) send_fail_at(__FILE__, __LINE__, await(c), code)
#define NOT_FOUND "Socket not found"
#define DENIED "Does not have permission"           /* chrome.sockets.tcp and tcpServer */
#define APP_DENIED "App does not have permission"   /* the others */
/* The host's event about a denied call, before its completion: which call, which rule is missing, and the host and
 * port as they were passed. */
void denial_told_at(const char *file, int line, call *c, const char *what, const char *rule,
                    const char *host, int32_t port);

/* onReceiveError / onAcceptError with this code */
void error_event_at(const char *file, int line, fx *f, uint32_t type, int32_t id, int32_t code);
#define receive_error(f, id, code) \
    error_event_at(__FILE__, __LINE__, f, CHROME_SOCKETS_TCP_ON_RECEIVE_ERROR, id, code)
#define accept_error(f, id, code) \
    error_event_at(__FILE__, __LINE__, f, CHROME_SOCKETS_TCP_SERVER_ON_ACCEPT_ERROR, id, code)

/* ---- the API, one wrapper per method: the call must be accepted ---- */

call *call_new(fx *f, uint32_t type, int32_t id);
call *call_entered(fx *f, uint32_t type, int32_t id);   /* call_new, expected to complete */
void fx_hold(fx *f, int hold);    /* chromesock_app_hold_calls */
call *call_made(const char *file, int line, call *c, chromesock_status status);
#define MADE(c, status) call_made(__FILE__, __LINE__, c, status)

call *tcp_create(fx *f, const chrome_sockets_tcp_properties *properties, int32_t *id);
call *tcp_update(fx *f, int32_t id, const chrome_sockets_tcp_properties *properties);
call *tcp_set_paused(fx *f, int32_t id, int paused);
call *tcp_set_keep_alive(fx *f, int32_t id, int enable, int32_t delay);
call *tcp_set_no_delay(fx *f, int32_t id, int no_delay);
call *tcp_connect_type(fx *f, int32_t id, const char *host, int32_t port, int32_t type);
call *tcp_connect(fx *f, int32_t id, const char *host, int32_t port);
call *tcp_disconnect(fx *f, int32_t id);
call *tcp_send(fx *f, int32_t id, const void *data, size_t len);
call *tcp_close(fx *f, int32_t id);
call *tcp_get_info(fx *f, int32_t id);
call *tcp_get_sockets(fx *f);
call *server_create(fx *f, const chrome_sockets_tcp_server_properties *properties, int32_t *id);
call *server_update(fx *f, int32_t id, const chrome_sockets_tcp_server_properties *properties);
call *server_set_paused(fx *f, int32_t id, int paused);
call *server_listen(fx *f, int32_t id, const char *address, int32_t port);
call *server_listen_backlog(fx *f, int32_t id, const char *address, int32_t port, int32_t backlog);
call *server_disconnect(fx *f, int32_t id);
call *server_close(fx *f, int32_t id);
call *server_get_info(fx *f, int32_t id);
call *server_get_sockets(fx *f);

chrome_sockets_tcp_properties tcp_props(uint32_t present, const char *name, int32_t buffer_size,
                                        int persistent);
chrome_sockets_tcp_server_properties server_props(uint32_t present, const char *name,
                                                  int persistent);

/* ---- common steps, each checked ---- */

int32_t new_tcp(fx *f);
int32_t new_tcp_paused(fx *f);
int32_t new_server(fx *f);
int32_t connected(fx *f, int *peer_fd);          /* a connected socket and the raw other end */
int32_t connected_paused(fx *f, int *peer_fd);   /* paused before connect */
int32_t listening(fx *f, uint16_t *port);        /* a server on 127.0.0.1 */
int32_t listening_on(fx *f, uint16_t port);      /* the same, on a port of the test's choice */
int32_t accepted(fx *f, int32_t server, uint16_t port, int *peer_fd);  /* an accepted socket */
void connect_to(fx *f, int32_t id, int listen_fd, int *peer_fd);
const chromesock_socket_info *info_of(fx *f, int32_t id);         /* tcp getInfo, valid to the end */
const chromesock_socket_info *server_info_of(fx *f, int32_t id);
void close_tcp(fx *f, int32_t id, int read_in_flight);   /* and takes the -100 that CL-2 names */

/* The library's descriptor of a connection (or, with peer_port 0, of a listener), found among our own
 * by its ports: defaults such as TCP_NODELAY can be read from it. */
int fd_of(uint16_t local_port, uint16_t peer_port);
int library_end(int peer_fd);         /* of the connection to this peer */
/* The kernel takes as little as it can of what is sent; far less than HELD bytes if the peer never reads. */
enum { HELD = 900000 };
void shrink_sending(int fd);
int count_fds(void);
long rss_kib(void);
/* Sanitizers keep freed memory for a while; memory is not compared under them. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

#endif
