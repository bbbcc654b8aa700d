/* What both processes of many_connections do. */
#define _GNU_SOURCE
#include "many_connections.h"

#include <sched.h>
#include <stdarg.h>
#include <time.h>
#include <unistd.h>

enum { WAIT_SECONDS = 240 }; /* for any one step */

struct many_options options = {.connections = 5000};
const char *role = "client";
chromesock_app *app;
pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

void fail(const char *format, ...) {
    va_list list;
    va_start(list, format);
    fprintf(stderr, "many_connections, %s: ", role);
    vfprintf(stderr, format, list);
    fputc('\n', stderr);
    va_end(list);
    fflush(stdout);
    _exit(1);
}

void check(int32_t status, const char *what) {
    if (status != CHROMESOCK_OK) {
        const char *name = chromesock_status_name(status);
        fail("%s: %d %s", what, (int)status, name != NULL ? name : "");
    }
}

void check_event(const chromesock_event *event, const char *what) {
    if (event->result != CHROMESOCK_OK || event->message != NULL) {
        fail("%s of socket %d: %d %s", what, (int)event->socket_id, (int)event->result,
             event->message != NULL ? event->message : "");
    }
}

/* ---- waiting, in either delivery ---- */

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int holds(condition is_true) {
    pthread_mutex_lock(&lock);
    int result = is_true();
    pthread_mutex_unlock(&lock);
    return result;
}

void await(condition is_true, const char *what) {
    double end = now() + WAIT_SECONDS;
    if (options.queue) {
        while (!holds(is_true)) {
            check(chromesock_app_dispatch(app, 0, 1000, NULL), "dispatch");
            if (now() > end) {
                fail("waited in vain for: %s", what);
            }
        }
        return;
    }
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += WAIT_SECONDS;
    pthread_mutex_lock(&lock);
    while (!is_true()) {
        if (pthread_cond_timedwait(&changed, &lock, &until) == ETIMEDOUT) {
            fail("waited in vain for: %s", what);
        }
    }
    pthread_mutex_unlock(&lock);
}

/* ---- what the process holds ---- */

static chromesock_app_stats stats(void) {
    chromesock_app_stats s = {.size = sizeof s};
    check(chromesock_app_get_stats(app, &s), "get_stats");
    return s;
}

struct report take_report(void) {
    struct report r = {.heap = heap_in_use(),
                       .dirty = private_dirty(getpid()),
                       .descriptors = count_descriptors(),
                       .sockets = (int32_t)stats().sockets_open};
    return r;
}

/* Every accepted call has had its completion. The last of them may be on its way back from the
 * callback that woke us, so this looks again until it is so. */
void await_quiet(void) {
    double end = now() + WAIT_SECONDS;
    for (;;) {
        chromesock_app_stats s = stats();
        if (s.calls_accepted == s.calls_completed && s.undelivered_events == 0 && s.unsent_bytes == 0) {
            return;
        }
        if (now() > end) {
            fail("%llu calls accepted, %llu completed, %llu events and %llu bytes still kept",
                 (unsigned long long)s.calls_accepted, (unsigned long long)s.calls_completed,
                 (unsigned long long)s.undelivered_events, (unsigned long long)s.unsent_bytes);
        }
        if (options.queue) {
            check(chromesock_app_dispatch(app, 0, 1, NULL), "dispatch");
        } else {
            sched_yield();
        }
    }
}

void new_app(void) {
    chromesock_app_options o = {.size = sizeof o,
                                .delivery = options.queue ? CHROMESOCK_DELIVERY_QUEUE : CHROMESOCK_DELIVERY_REACTOR};
    check(chromesock_app_new(&o, &app), "app_new");
}

/* ---- between the processes ---- */

void write_all(int fd, const void *data, size_t len) {
    if (send(fd, data, len, MSG_NOSIGNAL) != (ssize_t)len) {
        fail("the other process is gone");
    }
}

void read_all(int fd, void *data, size_t len) {
    if (recv(fd, data, len, MSG_WAITALL) != (ssize_t)len) {
        fail("the other process is gone");
    }
}
