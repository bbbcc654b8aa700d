/* The option `without`: each feature is used unless it is forbidden, and what is sent and received is the same.
 * forced.h runs the tests of behaviour without the features, too. */
#include <dlfcn.h>
#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "calls_udp.h"
#include "harness.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

enum { SIZE = 100, SENDS = 20, ALL = 127 }; /* more than one recvmmsg takes: only then datagrams are joined */

/* ---- what the library asks of the system: it finds these functions instead of the C library's ---- */

static atomic_int gro_wishes, low_waters, batches, joined;
static atomic_int refusal; /* what recvmmsg fails with, as where a filter of system calls does not know it */

int setsockopt(int fd, int level, int name, const void *value, socklen_t len) {
    static int (*real)(int, int, int, const void *, socklen_t);
    if (real == NULL) *(void **)&real = dlsym(RTLD_NEXT, "setsockopt");
    gro_wishes += level == IPPROTO_UDP && name == UDP_GRO;
    low_waters += level == SOL_SOCKET && name == SO_RCVLOWAT;
    return real(fd, level, name, value, len);
}

int recvmmsg(int fd, struct mmsghdr *messages, unsigned n, int flags, struct timespec *timeout) {
    static int (*real)(int, struct mmsghdr *, unsigned, int, struct timespec *);
    if (real == NULL) *(void **)&real = dlsym(RTLD_NEXT, "recvmmsg");
    batches++;
    if (refusal != 0) return errno = refusal, -1;
    return real(fd, messages, n, flags, timeout);
}

/* Where the library makes that call without the function of its name. As the C library's, it passes on six words,
 * however many the caller has given. */
__attribute__((no_sanitize_address)) long syscall(long number, ...) {
    static long (*real)(long, ...);
    long arguments[6];
    va_list list;
    va_start(list, number);
    for (int n = 0; n < 6; n++) arguments[n] = va_arg(list, long);
    va_end(list);
    if (real == NULL) *(void **)&real = dlsym(RTLD_NEXT, "syscall");
    batches += number == SYS_recvmmsg;
    if (number == SYS_recvmmsg && refusal != 0) return errno = refusal, -1;
    return real(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], arguments[5]);
}

/* A copy: a peer of this program sends a train by itself. */
static atomic_int peer_sends;

ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
    static ssize_t (*real)(int, const struct msghdr *, int);
    const struct cmsghdr *control = CMSG_FIRSTHDR(message);
    if (real == NULL) *(void **)&real = dlsym(RTLD_NEXT, "sendmsg");
    if (control != NULL && control->cmsg_level == IPPROTO_UDP && control->cmsg_type == UDP_SEGMENT)
        joined += !atomic_load(&peer_sends);
    return real(fd, message, flags);
}

/* Sockets that are watched. */
static atomic_int watched;

int epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event) {
    static int (*real)(int, int, int, struct epoll_event *);
    if (real == NULL) *(void **)&real = dlsym(RTLD_NEXT, "epoll_ctl");
    watched += operation == EPOLL_CTL_ADD;
    return real(epoll, operation, fd, event);
}

/* ---- */

static fx *app_without(enum mode mode, uint32_t without) {
    chromesock_app_options o;
    memset(&o, 0, sizeof o);
    o.without = without;
    gro_wishes = low_waters = batches = joined = 0;
    return fx_new(mode, &o);
}

static unsigned char block[SIZE * SENDS];

static void datagrams(enum mode mode, uint32_t without) {
    fx *f = app_without(mode, without);
    uint16_t port, peer_port;
    int peer = udp_peer(&peer_port), can_segment;
    int32_t id = bound(f, &port);
    call *sends[SENDS];
    unsigned char got[SIZE + 1];
    CHECK_INT(chromesock_app_hold_calls(f->app, 1), CHROMESOCK_OK);
    for (int n = 0; n < SENDS; n++)
        sends[n] = udp_send(f, id, block + n * SIZE, SIZE, "127.0.0.1", peer_port);
    CHECK_INT(chromesock_app_hold_calls(f->app, 0), CHROMESOCK_OK);
    for (int n = 0; n < SENDS; n++) {
        IS_SENT(sends[n], SIZE);
        CHECK_MEM(got, udp_peer_read(peer, got, sizeof got, NULL, NULL), block + n * SIZE, SIZE);
    }
    /* All are there before the first is read. */
    IS_OK(udp_set_paused(f, id, 1));
    peer_sends = 1;
    can_segment = udp_peer_send_train(peer, block, sizeof block, SIZE, port);
    peer_sends = 0;
    for (int n = 0; n < SENDS && !can_segment; n++)
        udp_peer_send(peer, block + n * SIZE, SIZE, "127.0.0.1", port);
    IS_OK(udp_set_paused(f, id, 0));
    for (int n = 0; n < SENDS; n++) datagram_bytes(f, id, block + n * SIZE, SIZE);
    fx_end(f);
    close(peer);
    CHECK_INT(joined > 0, can_segment && !(without & CHROMESOCK_WITHOUT_UDP_SEGMENT));
    CHECK_INT(gro_wishes, !(without & (CHROMESOCK_WITHOUT_UDP_GRO | CHROMESOCK_WITHOUT_RECVMMSG)));
    CHECK_INT(batches > 0, !(without & CHROMESOCK_WITHOUT_RECVMMSG));
}

static void datagrams_with_and_without(void) {
    for (int mode = 0; mode < MODE_COUNT; mode++)
        for (uint32_t without = 0; without <= ALL; without++) datagrams((enum mode)mode, without);
}

/* udp.md 5.2: datagrams come one by one where the system refuses to give many, from the first or later. The call is
 * refused once for an app. */
static void refused_batches(enum mode mode, int error, int before) {
    fx *f = app_without(mode, 0);
    uint16_t port, other_port, peer_port;
    int peer = udp_peer(&peer_port);
    int32_t id = bound(f, &port), other = bound(f, &other_port);
    for (int round = 0; round < 3; round++) {
        if (round == before) {
            refusal = error;
            batches = 0;
        }
        IS_OK(udp_set_paused(f, id, 1));
        peer_sends = 1;
        if (!udp_peer_send_train(peer, block, sizeof block, SIZE, port))
            for (int n = 0; n < SENDS; n++) udp_peer_send(peer, block + n * SIZE, SIZE, "127.0.0.1", port);
        peer_sends = 0;
        IS_OK(udp_set_paused(f, id, 0));
        for (int n = 0; n < SENDS; n++) datagram_bytes(f, id, block + n * SIZE, SIZE);
    }
    udp_peer_send(peer, "x", 1, "127.0.0.1", other_port);
    datagram(f, other, "x");
    fx_end(f);
    close(peer);
    refusal = 0;
    CHECK_INT(batches, 1);
}

static void datagrams_where_batches_are_refused(void) {
    for (int mode = 0; mode < MODE_COUNT; mode++)
        for (int before = 0; before < 3; before++) {
            refused_batches((enum mode)mode, ENOSYS, before);
            refused_batches((enum mode)mode, EPERM, before);
        }
}

/* How many segments bring the peer several small sends that were made at once. */
static unsigned segments_of_sends(enum mode mode, uint32_t without) {
    fx *f = app_without(mode, without);
    int peer;
    int32_t id = connected(f, &peer);
    call *sends[SENDS];
    unsigned char got[sizeof block];
    struct tcp_info info;
    socklen_t len = sizeof info;
    CHECK_INT(chromesock_app_hold_calls(f->app, 1), CHROMESOCK_OK);
    for (int n = 0; n < SENDS; n++) sends[n] = tcp_send(f, id, block + n * SIZE, SIZE);
    CHECK_INT(chromesock_app_hold_calls(f->app, 0), CHROMESOCK_OK);
    for (int n = 0; n < SENDS; n++) IS_SENT(sends[n], SIZE);
    peer_read(peer, got, sizeof got);
    CHECK_MEM(got, sizeof got, block, sizeof block);
    CHECK_INT(getsockopt(peer, IPPROTO_TCP, TCP_INFO, &info, &len), 0);
    fx_end(f);
    close(peer);
    return info.tcpi_data_segs_in;
}

static void sends_with_and_without(void) {
    for (int mode = 0; mode < MODE_COUNT; mode++) {
        CHECK_INT(segments_of_sends((enum mode)mode, 0), 1);
        CHECK_INT(segments_of_sends((enum mode)mode, ALL & ~CHROMESOCK_WITHOUT_GATHERED_SENDS), 1);
        /* the system may join some that it cannot get rid of at once, but not the first */
        CHECK(segments_of_sends((enum mode)mode, CHROMESOCK_WITHOUT_GATHERED_SENDS) > 1);
    }
}

/* A paused connection has nothing to wait for, once it is there. */
static void connections(enum mode mode, uint32_t without) {
    fx *f = app_without(mode, without);
    int peer;
    int32_t id;
    watched = 0;
    id = connected_paused(f, &peer);
    CHECK_INT(watched, without != 0);
    IS_OK(tcp_set_paused(f, id, 0));
    peer_send(peer, "x", 1);
    receive(f, id, "x");
    CHECK_INT(watched, 1);
    fx_end(f);
    close(peer);
}

static void connections_with_and_without(void) {
    for (int mode = 0; mode < MODE_COUNT; mode++) {
        connections((enum mode)mode, 0);
        connections((enum mode)mode, CHROMESOCK_WITHOUT_PROMPT_CONNECT);
    }
}

/* A stream whose every piece is read before the next one comes: as long as each is told of by itself. */
enum { PIECE = 60000, PIECES = 100 };

static unsigned char piece[PIECE];
static atomic_size_t received;

static void compare_streamed(fx *f, const chromesock_event *event) {
    (void)f;
    if (event->type != CHROME_SOCKETS_TCP_ON_RECEIVE) return;
    for (size_t n = 0, len; n < event->data_len; n += len) {
        size_t at = (received + n) % PIECE;
        len = event->data_len - n;
        if (len > PIECE - at) len = PIECE - at;
        CHECK_MEM(event->data + n, len, piece + at, len);
    }
    received += event->data_len;
}

static void fast_stream(enum mode mode, uint32_t without) {
    fx *f = app_without(mode, without);
    chrome_sockets_tcp_properties properties =
        tcp_props(CHROME_SOCKETS_TCP_PROPERTIES_BUFFER_SIZE, NULL, PIECE, 0);
    int peer;
    int32_t id = connected_paused(f, &peer);
    IS_OK(tcp_update(f, id, &properties));
    received = 0;
    f->inside = compare_streamed;
    IS_OK(tcp_set_paused(f, id, 0));
    for (size_t n = 1; n <= PIECES; n++) {
        peer_send(peer, piece, PIECE);
        wait_until(f, received == n * PIECE);
    }
    CHECK_INT(low_waters > 0, !(without & CHROMESOCK_WITHOUT_RCVLOWAT));
    fx_end(f);
    close(peer);
}

static void fast_streams_with_and_without(void) {
    for (size_t n = 0; n < PIECE; n++) piece[n] = (unsigned char)(n * 7 + n / 256);
    for (int mode = 0; mode < MODE_COUNT; mode++) {
        fast_stream((enum mode)mode, 0);
        fast_stream((enum mode)mode, CHROMESOCK_WITHOUT_RCVLOWAT);
    }
}

/* ---- sends of callbacks ---- */

enum { LARGE = 40000, BETWEEN = 10, BURST = 2 * LARGE + BETWEEN };

static struct {
    int peer;
    int32_t id;
    int has_come; /* before the callback returns */
    atomic_int done;
    call *calls[3];
    unsigned char expected[BURST];
} burst;

/* Sends from memory that is written over at once. */
static void send_burst(fx *f, const chromesock_event *event) {
    static const size_t sizes[] = {LARGE, BETWEEN, LARGE};
    unsigned char data[LARGE];
    size_t at = 0;
    if (event->type != CHROME_SOCKETS_TCP_ON_RECEIVE || burst.done) return;
    for (int n = 0; n < 3; n++) {
        memcpy(data, burst.expected + at, sizes[n]);
        burst.calls[n] = tcp_send(f, burst.id, data, sizes[n]);
        memset(data, '-', sizeof data);
        if (n == 0 && mode_is_reactor(f->mode)) burst.has_come = peer_readable(burst.peer, 100);
        at += sizes[n];
    }
    burst.done = 1;
}

/* The third goes behind the second, which is copied. */
static void sends_of_callbacks(enum mode mode, uint32_t without) {
    fx *f = app_without(mode, without);
    static unsigned char got[BURST];
    memset(&burst, 0, sizeof burst);
    for (size_t n = 0; n < BURST; n++) burst.expected[n] = (unsigned char)(n * 7 + n / 256);
    burst.id = connected(f, &burst.peer);
    f->inside = send_burst;
    peer_send(burst.peer, "x", 1);
    receive(f, burst.id, "x");
    wait_until(f, burst.done);
    if (mode_is_reactor(mode)) CHECK_INT(burst.has_come, !(without & CHROMESOCK_WITHOUT_PROMPT_SENDS));
    peer_read(burst.peer, got, BURST);
    CHECK_MEM(got, BURST, burst.expected, BURST);
    IS_SENT(burst.calls[0], LARGE);
    IS_SENT(burst.calls[1], BETWEEN);
    IS_SENT(burst.calls[2], LARGE);
    f->inside = NOTHING;
    fx_end(f);
    close(burst.peer);
}

static void sends_of_callbacks_with_and_without(void) {
    for (int mode = 0; mode < MODE_COUNT; mode++) {
        sends_of_callbacks((enum mode)mode, 0);
        sends_of_callbacks((enum mode)mode, CHROMESOCK_WITHOUT_PROMPT_SENDS);
    }
}

static void unknown_features(void) {
    char mark;
    chromesock_app *app = (chromesock_app *)(void *)&mark;
    chromesock_app_options o;
    memset(&o, 0, sizeof o);
    o.size = sizeof o;
    for (int bit = 7; bit < 32; bit++) {
        o.without = 1u << bit;
        CHECK_INT(chromesock_app_new(&o, &app), CHROMESOCK_INVALID_ARGUMENT);
        o.without |= ALL;
        CHECK_INT(chromesock_app_new(&o, &app), CHROMESOCK_INVALID_ARGUMENT);
    }
    CHECK((void *)app == (void *)&mark);
}

int main(int argc, char **argv) {
    for (size_t n = 0; n < sizeof block; n++) block[n] = (unsigned char)(n * 7 + n / SIZE);
    harness_init(argc, argv);
    RUN(datagrams_with_and_without);
    RUN(datagrams_where_batches_are_refused);
    RUN(sends_with_and_without);
    RUN(connections_with_and_without);
    RUN(fast_streams_with_and_without);
    RUN(sends_of_callbacks_with_and_without);
    RUN(unknown_features);
    return harness_finish();
}
