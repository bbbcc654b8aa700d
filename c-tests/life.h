/* Steps that the tests of suspend, resume and unload share, and peers that send all the time. */
#ifndef CHROMESOCK_TEST_LIFE_H
#define CHROMESOCK_TEST_LIFE_H

#include "harness.h"

/* ---- the three steps; the calls are carried out in order, so a completion proves they are done ---- */

void app_suspend(fx *f);
void app_resume(fx *f);
void app_unload(fx *f);
size_t barrier(fx *f);     /* a getSockets that completes; where it stands in f->events */
size_t sleep_now(fx *f);   /* suspend and barrier: what is recorded from there on came while asleep */
void prod(fx *f);          /* as settle(), but raises no event: works while asleep */

/* Nothing but completions and host events stands behind this place; how many APP_WANTED. */
int wanted_at(const char *file, int line, fx *f, size_t since);
#define wanted_since(f, since) wanted_at(__FILE__, __LINE__, f, since)
void await_wanted(fx *f);

int alive(fx *f, int32_t id);          /* of sockets.tcp */
int server_alive(fx *f, int32_t id);
int32_t made_persistent(fx *f, int32_t id);
int32_t server_made_persistent(fx *f, int32_t id);
size_t sockets_of(fx *f);              /* length of sockets.tcp.getSockets */
int count_events(fx *f, uint32_t type, int32_t id);   /* recorded so far, taken or not */

/* ---- a peer that sends all the time, on a thread of its own ---- */

typedef struct talker talker;
unsigned char stream_byte(uint64_t place);
talker *talker_start(int fd);
uint64_t talker_stop(talker *t);       /* how many bytes it has sent; fd stays open */

/* What a socket receives from a talker: checked byte by byte, in order. */
typedef struct stream {
    int32_t id;
    talker *from;                      /* kept at most a window ahead; NULL: somebody else sends */
    uint64_t got, goal;
} stream;
int stream_reached(fx *f, void *arg);  /* a predicate: takes what has come, got >= goal? */
void stream_take(fx *f, stream *s);    /* what has come, so that the talker goes on */
#define receive_stream(f, s, more) \
    ((s)->goal = (s)->got + (more), fx_wait_at(__FILE__, __LINE__, f, stream_reached, s, "stream"))
#define receive_stream_to(f, s, place) \
    ((s)->goal = (place), fx_wait_at(__FILE__, __LINE__, f, stream_reached, s, "stream"))
#define receive_stream_to_its_end(f, s) receive_stream_to(f, s, stream_end(s))
uint64_t stream_end(stream *s);        /* stops its talker; how many bytes that has sent */

#endif
