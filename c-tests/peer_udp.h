/* A raw UDP peer for the tests: plain sockets, every wait has a deadline. */
#ifndef CHROMESOCK_TEST_PEER_UDP_H
#define CHROMESOCK_TEST_PEER_UDP_H

#include <stddef.h>
#include <stdint.h>

int udp_peer_on(const char *address, uint16_t *port);   /* *port 0: chosen by the system */
int udp_peer(uint16_t *port);                           /* 127.0.0.1 */
int udp_peer_try_send(int fd, const void *data, size_t len, const char *address, uint16_t port);
void udp_peer_send(int fd, const void *data, size_t len, const char *address, uint16_t port);
void udp_peer_text(int fd, const char *text, uint16_t port);   /* to 127.0.0.1 */
/* One datagram; its length. *from_port, and *ttl if the socket reports it, may be NULL. */
size_t udp_peer_read(int fd, void *data, size_t room, uint16_t *from_port, int *ttl);
void udp_peer_expect(int fd, const char *text);
int udp_peer_waiting(int fd);                  /* is a datagram there right now? */
/* Segments of `segment` bytes in one system call (UDP_SEGMENT); 0 if the system cannot. */
int udp_peer_send_train(int fd, const void *data, size_t len, uint16_t segment, uint16_t port);
void udp_peer_join(int fd, const char *group);
/* Both 0 or -errno, as a plain socket sees them on this machine. */
int udp_probe_send(const char *bind_to, const char *address, uint16_t port, size_t len, int broadcast);
int udp_probe_join(const char *bind_to, const char *group);
int udp_probe_bind(const char *address, uint16_t port);
int udp_has_ipv6(void);
/* A port that is free for UDP and TCP and that the system gives to nobody by itself: for cases that let
 * go of a port and want it back, while other tests run. */
uint16_t quiet_port(void);
/* The code of an errno, from this suite's own copy of the table udp.md 11. */
int32_t net_code_of(int error);

#endif
