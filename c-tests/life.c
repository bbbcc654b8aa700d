#include "life.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

void app_suspend(fx *f) { CHECK_INT(chromesock_app_suspend(f->app), CHROMESOCK_OK); }
void app_resume(fx *f) { CHECK_INT(chromesock_app_resume(f->app), CHROMESOCK_OK); }
void app_unload(fx *f) { CHECK_INT(chromesock_app_unload(f->app), CHROMESOCK_OK); }

size_t barrier(fx *f) {
    call *c = tcp_get_sockets(f);
    size_t at = 0;
    IS_OK(c);
    pthread_mutex_lock(&f->mutex);
    while (f->events[at] != c->done) at++; /* not its seq: fx_compact may have moved it */
    pthread_mutex_unlock(&f->mutex);
    return at;
}

size_t sleep_now(fx *f) {
    app_suspend(f);
    return barrier(f);
}

void prod(fx *f) {
    for (int n = 0; n < 3; n++) {
        int peer;
        int32_t id = connected_paused(f, &peer);
        IS_SENT(tcp_send(f, id, "?", 1), 1);
        peer_expect(peer, "?");
        close_tcp(f, id, 0);
        close(peer);
    }
}

int wanted_at(const char *file, int line, fx *f, size_t since) {
    int wanted = 0;
    pthread_mutex_lock(&f->mutex);
    for (size_t n = since + 1; n < f->len; n++) {
        const ev *e = f->events[n];
        if (e->type >= 0x100 && (e->type & 0x80))
            fail_at(file, line, "%s on id %d came while the app was asleep (tcp.md LC-3)",
                    chromesock_event_type_name(e->type), (int)e->id);
        wanted += e->type == CHROMESOCK_APP_WANTED;
    }
    pthread_mutex_unlock(&f->mutex);
    return wanted;
}

void await_wanted(fx *f) {
    const ev *e = await_event(f, CHROMESOCK_APP_WANTED, 0);
    CHECK_INT(e->id, 0);
    CHECK_INT(e->present, 0);
    CHECK_STR(e->message, NULL);
}

static int is_found(const ev *e) {
    if (e->message == NULL) return 1;
    CHECK_STR(e->message, NOT_FOUND);
    return 0;
}

int alive(fx *f, int32_t id) { return is_found(await(tcp_get_info(f, id))); }
int server_alive(fx *f, int32_t id) { return is_found(await(server_get_info(f, id))); }

int32_t made_persistent(fx *f, int32_t id) {
    chrome_sockets_tcp_properties p = tcp_props(CHROME_SOCKETS_TCP_PROPERTIES_PERSISTENT, NULL, 0, 1);
    IS_OK(tcp_update(f, id, &p));
    return id;
}

int32_t server_made_persistent(fx *f, int32_t id) {
    chrome_sockets_tcp_server_properties p =
        server_props(CHROME_SOCKETS_TCP_SERVER_PROPERTIES_PERSISTENT, NULL, 1);
    IS_OK(server_update(f, id, &p));
    return id;
}

size_t sockets_of(fx *f) { return await(tcp_get_sockets(f))->info_len; }

int count_events(fx *f, uint32_t type, int32_t id) {
    int found = 0;
    pthread_mutex_lock(&f->mutex);
    for (size_t n = 0; n < f->len; n++)
        found += f->events[n]->type == type && (id == 0 || f->events[n]->id == id);
    pthread_mutex_unlock(&f->mutex);
    return found;
}

/* ---- talkers ---- */

enum { WINDOW = 3 << 20, LONGEST = 30000 };

struct talker {
    int fd;
    atomic_int stop;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    uint64_t sent, allowed;
    pthread_t thread;
};

unsigned char stream_byte(uint64_t place) {
    return (unsigned char)(place * 31 + (place >> 8) * 7 + (place >> 16));
}

/* Pieces of odd lengths, one after the other; ends early when the other end is gone. */
static void *talk(void *arg) {
    static const size_t lengths[] = {1, 4096, 17, LONGEST, 1460, 9000, 3};
    talker *t = arg;
    unsigned char *piece = malloc(LONGEST);
    CHECK(piece != NULL);
    for (size_t round = 0; !t->stop; round++) {
        size_t len = lengths[round % (sizeof lengths / sizeof lengths[0])];
        ssize_t n;
        pthread_mutex_lock(&t->mutex);
        while (t->sent + len > t->allowed && !t->stop) pthread_cond_wait(&t->changed, &t->mutex);
        pthread_mutex_unlock(&t->mutex);
        if (t->stop) break;
        for (size_t k = 0; k < len; k++) piece[k] = stream_byte(t->sent + k);
        n = send(t->fd, piece, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n > 0) {
            t->sent += (uint64_t)n;
        } else if (errno == EAGAIN) {
            struct pollfd p = {t->fd, POLLOUT, 0};
            poll(&p, 1, 20); /* only so long, to see `stop` */
        } else {
            CHECK(errno == EPIPE || errno == ECONNRESET);
            break;
        }
    }
    free(piece);
    return NULL;
}

talker *talker_start(int fd) {
    talker *t = calloc(1, sizeof *t);
    CHECK(t != NULL);
    t->fd = fd;
    t->allowed = WINDOW;
    pthread_mutex_init(&t->mutex, NULL);
    pthread_cond_init(&t->changed, NULL);
    CHECK_INT(pthread_create(&t->thread, NULL, talk, t), 0);
    return t;
}

static void talker_allow(talker *t, uint64_t got) {
    pthread_mutex_lock(&t->mutex);
    t->allowed = got + WINDOW;
    pthread_cond_signal(&t->changed);
    pthread_mutex_unlock(&t->mutex);
}

uint64_t talker_stop(talker *t) {
    uint64_t sent;
    pthread_mutex_lock(&t->mutex);
    t->stop = 1;
    pthread_cond_signal(&t->changed);
    pthread_mutex_unlock(&t->mutex);
    CHECK_INT(pthread_join(t->thread, NULL), 0);
    sent = t->sent;
    pthread_mutex_destroy(&t->mutex);
    pthread_cond_destroy(&t->changed);
    free(t);
    return sent;
}

uint64_t stream_end(stream *s) {
    talker *t = s->from;
    s->from = NULL;
    return talker_stop(t);
}

int stream_reached(fx *f, void *arg) {
    stream *s = arg;
    for (size_t n = 0; n < f->len; n++) {
        ev *e = f->events[n];
        if (e->taken || e->type != CHROME_SOCKETS_TCP_ON_RECEIVE || e->id != s->id) continue;
        for (size_t k = 0; k < e->len; k++)
            if (e->data[k] != stream_byte(s->got + k))
                FAIL("socket %d: byte %llu of the stream is wrong", (int)s->id,
                     (unsigned long long)(s->got + k));
        s->got += e->len;
        e->taken = 1;
    }
    if (s->from) talker_allow(s->from, s->got);
    return s->got >= s->goal;
}

void stream_take(fx *f, stream *s) {
    pthread_mutex_lock(&f->mutex);
    stream_reached(f, s);
    pthread_mutex_unlock(&f->mutex);
}
