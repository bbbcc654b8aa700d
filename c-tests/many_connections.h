/* What the two processes of many_connections share: ends with a message, waiting, what a process holds. */
#ifndef MANY_CONNECTIONS_H
#define MANY_CONNECTIONS_H

#include "bench.h"
#include "process.h"

#include <chromesock.h>
#include <pthread.h>

struct many_options {
    int connections, queue;
    long limit; /* heap bytes per idle connection and process; 0: only print */
};

struct report {
    int64_t heap, dirty; /* see process.h */
    int32_t descriptors, sockets;
};

extern struct many_options options;
extern const char *role;
extern chromesock_app *app;
/* Guards what callbacks write: they run on the reactor thread or inside dispatch. */
extern pthread_mutex_t lock;
extern pthread_cond_t changed;

_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
void check(int32_t status, const char *what);
void check_event(const chromesock_event *event, const char *what);

typedef int (*condition)(void); /* called with the lock held */
void await(condition is_true, const char *what);
void await_quiet(void);

void new_app(void);
struct report take_report(void);

/* Between the processes. */
void write_all(int fd, const void *data, size_t len);
void read_all(int fd, void *data, size_t len);

/* The server's process: answers orders until it is told to end. */
void serve(int control);

#endif
