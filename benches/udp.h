/* What the UDP load client and the UDP servers agree on.
 *
 *   echo    the server sends back what it receives
 *   sink    the server counts what it receives, and after each REPORT_EVERY datagrams sends the number so far
 *   source  for each credit received the server sends PART datagrams of the size it says
 *
 * For echo and source nothing is lost: no more than WINDOW datagrams are under way, which the default socket
 * buffers hold, and each datagram starts with its number, from 0 on. A sink is sent more than it can take: what
 * counts is what it did take. Servers start and end as those for TCP do (bench.h). */
#ifndef UDP_H
#define UDP_H

#include "bench.h"

#include <sys/uio.h>

enum {
    WINDOW = 64,
    PART = 16,
    REPORT_EVERY = 1024,
    DATAGRAM_MOST = 1472,
    BATCH = 64 /* datagrams of one recvmmsg or sendmmsg, of those who use them */
};

/* What a credit is: the size of the datagrams wanted. */
struct credit {
    uint32_t size;
};

/* In the byte order of the machine: both ends are the same one. */
static inline void put_number(uint8_t *data, uint64_t number)
{
    memcpy(data, &number, sizeof number);
}

static inline uint64_t get_number(const uint8_t *data)
{
    uint64_t number;
    memcpy(&number, data, sizeof number);
    return number;
}

static inline uint32_t credit_size(const void *data, size_t len)
{
    struct credit credit;
    if (len != sizeof credit) {
        fprintf(stderr, "no credit: %zu bytes\n", len);
        exit(1);
    }
    memcpy(&credit, data, sizeof credit);
    if (credit.size < sizeof(uint64_t) || credit.size > DATAGRAM_MOST) {
        fprintf(stderr, "a credit for datagrams of %u bytes\n", credit.size);
        exit(1);
    }
    return credit.size;
}

/* Counts a datagram that a sink has received; true: a report is due. They all have one size. */
static inline int count_received(uint64_t *received, size_t len)
{
    static size_t size;
    if (*received == 0) {
        size = len;
    }
    if (len != size) {
        fprintf(stderr, "a datagram of %zu bytes, not %zu\n", len, size);
        exit(1);
    }
    return ++*received % REPORT_EVERY == 0;
}

#endif
