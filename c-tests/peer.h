/* A raw TCP peer for the tests: plain sockets, every wait has a deadline. */
#ifndef CHROMESOCK_TEST_PEER_H
#define CHROMESOCK_TEST_PEER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

socklen_t peer_address(struct sockaddr_storage *to, const char *address, uint16_t port);   /* of a literal */
int peer_listen_on(const char *address, uint16_t *port, int backlog);  /* *port 0: chosen by the system */
int peer_listen(uint16_t *port);                                       /* 127.0.0.1, deep backlog */
int peer_accept(int listen_fd);
int peer_accept_pending(int listen_fd);        /* is somebody waiting to be accepted, right now? */
int peer_try_connect(const char *address, uint16_t port);   /* descriptor or -errno */
int peer_connect(const char *address, uint16_t port);
uint16_t port_of(int fd);                      /* local port */
uint16_t port_of_peer(int fd);

void peer_send(int fd, const void *data, size_t len);
void peer_text(int fd, const char *text);
void peer_text_if_open(int fd, const char *text);   /* the other end may be gone already */
void peer_bytewise(int fd, const char *text);  /* one segment per byte */
size_t peer_send_until_blocked(int fd, const void *pattern, size_t pattern_len, size_t most);
void peer_read(int fd, void *data, size_t len);
void peer_expect(int fd, const char *text);
void peer_expect_eof(int fd);                  /* a clean end, not a reset */
int peer_wait_end(int fd);                     /* 0 end of stream, else the errno; data is thrown away */
int peer_readable(int fd, int timeout_ms);
void peer_half_close(int fd);
void peer_reset(int fd);                       /* closes with RST */

/* An address where connect never ends: a listener whose queue is full. */
typedef struct blackhole {
    int listen_fd, filler;
    uint16_t port;
} blackhole;
void blackhole_open(blackhole *b, const char *address, uint16_t port);
void blackhole_wake(blackhole *b);             /* make room: attempts now succeed */
void blackhole_close(blackhole *b);
/* A port of 127.0.0.1 with nobody behind it, until somebody listens there with SO_REUSEADDR. */
uint16_t dead_port(void);

/* A peer on a thread of its own, serving one connection of a listener. */
typedef struct peer_thread peer_thread;
enum peer_job { PEER_ECHO, PEER_DRAIN };
peer_thread *peer_thread_start(int listen_fd, enum peer_job job, int connections);
size_t peer_thread_join(peer_thread *t);       /* bytes it read */

#endif
