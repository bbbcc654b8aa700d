/* The thread of mode foreign: hands in small sends one by one until told to stop. How a send gets to the
 * loop is the contestant's affair; this bounds how many are unfinished, and lets the thread sleep when
 * they are too many, the same way for all who are written in C or C++. */
#ifndef FOREIGN_H
#define FOREIGN_H

#include "bench.h"

struct foreign {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t room;
    uint64_t submitted;      /* the thread's own */
    uint64_t finished;       /* read and written atomically */
    int waiting, stop;
    void (*submit)(void *target, uint64_t number); /* called on the foreign thread */
    void *target;
};

static inline uint64_t foreign_unfinished(struct foreign *f)
{
    return f->submitted - __atomic_load_n(&f->finished, __ATOMIC_SEQ_CST);
}

/* False: stop. Wakes up only when half of the window is free, so that sleeping costs little. */
static inline int foreign_wait_for_room(struct foreign *f)
{
    int going;
    pthread_mutex_lock(&f->lock);
    __atomic_store_n(&f->waiting, 1, __ATOMIC_SEQ_CST);
    while (!f->stop && foreign_unfinished(f) > FOREIGN_WINDOW / 2) {
        pthread_cond_wait(&f->room, &f->lock);
    }
    __atomic_store_n(&f->waiting, 0, __ATOMIC_SEQ_CST);
    going = !f->stop;
    pthread_mutex_unlock(&f->lock);
    return going;
}

static inline void *foreign_run(void *argument)
{
    struct foreign *f = (struct foreign *)argument;
    while (!__atomic_load_n(&f->stop, __ATOMIC_RELAXED) &&
           (foreign_unfinished(f) < FOREIGN_WINDOW || foreign_wait_for_room(f))) {
        f->submit(f->target, f->submitted++);
    }
    return NULL;
}

static inline void foreign_start(struct foreign *f, void (*submit)(void *, uint64_t), void *target)
{
    memset(f, 0, sizeof *f);
    f->submit = submit;
    f->target = target;
    if (pthread_mutex_init(&f->lock, NULL) != 0 || pthread_cond_init(&f->room, NULL) != 0 ||
        pthread_create(&f->thread, NULL, foreign_run, f) != 0) {
        die("thread");
    }
}

/* On the loop's thread: `n` more sends are done. `submitted` is not looked at, it belongs to the thread. */
static inline void foreign_finish(struct foreign *f, uint64_t n)
{
    uint64_t before = __atomic_fetch_add(&f->finished, n, __ATOMIC_SEQ_CST);
    uint64_t half = FOREIGN_WINDOW / 2;
    /* One signal for each half window is enough: of any that the sleeper waits for, one multiple is the end. */
    if (before / half != (before + n) / half && __atomic_load_n(&f->waiting, __ATOMIC_SEQ_CST)) {
        pthread_mutex_lock(&f->lock);
        pthread_cond_signal(&f->room);
        pthread_mutex_unlock(&f->lock);
    }
}

static inline void foreign_stop(struct foreign *f)
{
    pthread_mutex_lock(&f->lock);
    __atomic_store_n(&f->stop, 1, __ATOMIC_RELAXED);
    pthread_cond_signal(&f->room);
    pthread_mutex_unlock(&f->lock);
    pthread_join(f->thread, NULL);
}

#endif
