/* What the UDP load client and the UDP servers agree on. Nothing is lost: no more than WINDOW datagrams are
 * under way, which the default socket buffers hold.
 *
 *   echo    the server sends back what it receives
 *   sink    for each PART datagrams received the server sends one of 8 bytes: their number so far
 *   source  for each CREDIT received the server sends PART datagrams of the size it says
 *
 * Each datagram starts with its number, from 0 on. Servers start and end as those for TCP do (bench.h). */
#ifndef UDP_H
#define UDP_H

#include "bench.h"

#include <sys/uio.h>

enum {
    WINDOW = 64,
    PART = 16,
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

#endif
