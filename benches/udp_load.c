/* The one load client of all UDP contestants; see load.c, whose output it shares. A window of datagrams is
 * kept under way; what has come is taken, and followed by as much, with one system call each. A server that
 * only receives gets all this client can send. One by one, that may be less than it could take, and the
 * server's CPU time says more than the rate; with --bursts the system cuts the datagrams out of long ones
 * (UDP_SEGMENT), and servers that take them together have a use for that. What a server sends as a long one
 * arrives here uncut (UDP_GRO), so that this client is no slower than the servers. */
#define _GNU_SOURCE
#include "udp.h"
#include "window.h"

#include <getopt.h>
#include <netinet/udp.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

enum { ROOM = 4 * 1024 * 1024 }; /* of the socket's buffer: a window must not be lost in it */
enum { CREDITS_LEAST = 2, CREDITS_MOST = 16 };

static int size = 64, bursts;
static int fd;

/* Datagrams to send, and what the system calls want to know of them. */
static uint8_t out[BATCH][DATAGRAM_MOST];
static struct iovec out_bytes[BATCH];
static struct mmsghdr out_messages[BATCH];

/* Received ones: those that the system has left together, as it does where they came together, are taken
 * so; each slot has the size of the datagrams in it. */
enum { SLOTS = 32, SLOT = 64 * 1024 };
static uint8_t in[SLOTS][SLOT];
static struct iovec in_bytes[SLOTS];
static struct mmsghdr in_messages[SLOTS];
static struct {
    _Alignas(struct cmsghdr) char room[CMSG_SPACE(sizeof(int))];
} in_control[SLOTS];

static void open_socket(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)load.port)};
    struct timeval patience = {.tv_sec = STALL_SECONDS};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
        die("socket");
    }
    int room = ROOM, one = 1;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    if (setsockopt(fd, SOL_UDP, UDP_GRO, &one, sizeof one) != 0) {
        die("UDP_GRO");
    }
    for (int i = 0; i < BATCH; i++) {
        out_bytes[i].iov_base = out[i];
        out_messages[i].msg_hdr.msg_iov = &out_bytes[i];
        out_messages[i].msg_hdr.msg_iovlen = 1;
        for (int k = 0; k < DATAGRAM_MOST; k++) {
            out[i][k] = (uint8_t)(k * 13 + 7);
        }
    }
    for (int i = 0; i < SLOTS; i++) {
        in_bytes[i].iov_base = in[i];
        in_bytes[i].iov_len = SLOT;
        in_messages[i].msg_hdr.msg_iov = &in_bytes[i];
        in_messages[i].msg_hdr.msg_iovlen = 1;
        in_messages[i].msg_hdr.msg_control = &in_control[i];
    }
}

/* Takes what is there and gives each datagram to `take` with its number since the start; returns how many. */
static int receive(int flags, uint64_t count, void (*take)(const uint8_t *, size_t, uint64_t))
{
    int got = 0;
    for (int i = 0; i < SLOTS; i++) {
        in_messages[i].msg_hdr.msg_controllen = sizeof in_control[i].room;
    }
    int n = recvmmsg(fd, in_messages, SLOTS, flags, NULL);
    if (n < 0 && errno != EAGAIN) {
        die("recvmmsg");
    }
    for (int i = 0; i < n; i++) {
        size_t all = in_messages[i].msg_len, each = all;
        struct cmsghdr *header = CMSG_FIRSTHDR(&in_messages[i].msg_hdr);
        if (header != NULL && header->cmsg_level == SOL_UDP && header->cmsg_type == UDP_GRO) {
            int segment;
            memcpy(&segment, CMSG_DATA(header), sizeof segment);
            each = (size_t)segment;
        }
        for (size_t at = 0; at < all; at += each, got++) {
            take(in[i] + at, all - at < each ? all - at : each, count + (uint64_t)got);
        }
    }
    return got;
}

/* Waits for a datagram and takes all that are there. */
static int receive_some(uint64_t count, void (*take)(const uint8_t *, size_t, uint64_t))
{
    int n = receive(MSG_WAITFORONE, count, take);
    if (n == 0) {
        fail("the server stands still, or a datagram was lost");
    }
    return n;
}

static void send_batch(int n, size_t len)
{
    for (int i = 0; i < n; i++) {
        out_bytes[i].iov_len = len;
    }
    for (int done = 0; done < n;) {
        int sent = sendmmsg(fd, out_messages + done, (unsigned)(n - done), 0);
        if (sent < 0) {
            die("sendmmsg");
        }
        done += sent;
    }
}

/* Sends as many of the numbered datagrams: one by one, or as a long one for the system to cut. */
static void send_numbered(int n)
{
    static uint64_t next;
    static uint8_t whole[BATCH * DATAGRAM_MOST];
    while (n > 0) {
        int most = bursts && CUT_MOST / size < BATCH ? CUT_MOST / size : BATCH, part = n < most ? n : most;
        for (int i = 0; i < part; i++) {
            put_number(out[i], next++);
        }
        if (bursts) {
            for (int i = 0; i < part; i++) {
                memcpy(whole + i * size, out[i], (size_t)size);
            }
            if (send(fd, whole, (size_t)(part * size), 0) != part * size) {
                die("send");
            }
        } else {
            send_batch(part, (size_t)size);
        }
        n -= part;
    }
}

/* ---- each turn takes what has come and sends as much; gives the number of datagrams that count ---- */

/* The number of the datagram has to be the next one, and its size the one wanted. */
static void check_numbered(const uint8_t *data, size_t len, uint64_t number)
{
    if (len != (size_t)size || get_number(data) != number) {
        fail("another datagram was expected");
    }
}

static void check_echoed(const uint8_t *data, size_t len, uint64_t number)
{
    check_numbered(data, len, number);
    if (memcmp(data + 8, out[0] + 8, len - 8) != 0) {
        fail("the answer differs");
    }
}

static int turn_echo(uint64_t count)
{
    int n = receive_some(count, check_echoed);
    send_numbered(n);
    return n;
}

static uint64_t reported;
static double last_report;

static void take_report(const uint8_t *data, size_t len, uint64_t number)
{
    (void)number;
    if (len != 8 || get_number(data) != reported + REPORT_EVERY) {
        fail("the server's count is wrong");
    }
    reported += REPORT_EVERY;
    last_report = now();
}

static int turn_receive(uint64_t count)
{
    if (last_report == 0) {
        last_report = now();
    }
    send_numbered(8 * BATCH);
    receive(MSG_DONTWAIT, count, take_report);
    if (now() - last_report > STALL_SECONDS) {
        fail("the server stands still");
    }
    return (int)(reported - count);
}

static void send_credits(int n)
{
    struct credit credit = {.size = (uint32_t)size};
    for (int i = 0; i < n; i++) {
        memcpy(out[i], &credit, sizeof credit);
    }
    send_batch(n, sizeof credit);
}

/* Credits under way: as many as the socket's buffer has room for, so that a server that is fast need not wait
 * for this client to wake. The system counts some 1 KiB more than a datagram's bytes, and may count twice. */
static int credits(void)
{
    int room = 0, most;
    socklen_t len = sizeof room;
    if (getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, &len) != 0) {
        die("SO_RCVBUF");
    }
    most = room / (2 * (size + 1024)) / PART;
    return most < CREDITS_LEAST ? CREDITS_LEAST : most > CREDITS_MOST ? CREDITS_MOST : most;
}

static int turn_send(uint64_t count)
{
    static int uncredited;
    int n = receive_some(count, check_numbered);
    uncredited += n;
    if (uncredited >= PART) {
        send_credits(uncredited / PART);
        uncredited %= PART;
    }
    return n;
}

static void usage(void)
{
    fprintf(stderr, "udp_load --workload echo|receive|send --port N --server PID\n"
                    "         [--size BYTES] [--bursts] [--seconds S] [--warmup S]\n");
    exit(2);
}

static void read_options(int argc, char **argv)
{
    static const struct option known[] = {
        {"workload", required_argument, NULL, 'w'}, {"port", required_argument, NULL, 'p'},
        {"server", required_argument, NULL, 'S'},   {"size", required_argument, NULL, 'z'},
        {"seconds", required_argument, NULL, 's'},  {"warmup", required_argument, NULL, 'u'},
        {"bursts", no_argument, NULL, 'b'},         {NULL, 0, NULL, 0}};
    int o;
    while ((o = getopt_long(argc, argv, "", known, NULL)) != -1) {
        switch (o) {
        case 'w': load.workload = optarg; break;
        case 'p': load.port = atoi(optarg); break;
        case 'S': load.server = (pid_t)atoi(optarg); break;
        case 'z': size = atoi(optarg); break;
        case 's': load.seconds = atof(optarg); break;
        case 'b': bursts = 1; break;
        case 'u': load.warmup = atof(optarg); break;
        default: usage();
        }
    }
    if (load.workload == NULL || load.port <= 0 || load.server <= 0 || load.seconds <= 0 || size < 8 ||
        size > DATAGRAM_MOST) {
        usage();
    }
}

int main(int argc, char **argv)
{
    int (*turn)(uint64_t) = NULL;
    uint64_t count = 0;
    read_options(argc, argv);
    open_socket();
    if (bursts && setsockopt(fd, SOL_UDP, UDP_SEGMENT, &size, sizeof size) != 0) {
        die("UDP_SEGMENT");
    }
    if (strcmp(load.workload, "echo") == 0) {
        turn = turn_echo;
        send_numbered(ECHO_WINDOW);
    } else if (strcmp(load.workload, "receive") == 0) {
        turn = turn_receive;
    } else if (strcmp(load.workload, "send") == 0) {
        turn = turn_send;
        send_credits(credits());
    } else {
        usage();
    }
    double start = now();
    do {
        count += (uint64_t)turn(count);
    } while (!tick(start, count));
    print_window(count);
    return 0;
}
