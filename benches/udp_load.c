/* The one load client of all UDP contestants; see load.c, whose output it shares. A window of datagrams is
 * kept under way; what has come is taken, and followed by as much, with one system call each. A server that only
 * receives gets all this client can send. One by one, that may be less than it could take, and the server's
 * CPU time says more than the rate; with --bursts, where the system cuts the datagrams out of long ones
 * (UDP_SEGMENT), it is more, and systems that can hand bursts on as they are have a use for that. */
#define _GNU_SOURCE
#include "udp.h"

#include <getopt.h>
#include <netinet/udp.h>
#include <time.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

enum { STALL_SECONDS = 10 };

static struct {
    const char *workload;
    int port, size, bursts;
    pid_t server;
    double seconds, warmup;
} options = {.size = 64, .seconds = 1.0, .warmup = 0.2};

static clockid_t server_clock;
static int fd;

/* Datagrams to send and received ones, and what the system calls want to know of them. */
static uint8_t out[BATCH][DATAGRAM_MOST], in[BATCH][DATAGRAM_MOST + 1];
static struct iovec out_bytes[BATCH], in_bytes[BATCH];
static struct mmsghdr out_messages[BATCH], in_messages[BATCH];

static void fail(const char *what)
{
    fprintf(stderr, "udp_load %s: %s\n", options.workload, what);
    exit(1);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int64_t server_cpu(void)
{
    struct timespec t;
    if (clock_gettime(server_clock, &t) != 0) {
        die("CPU clock of the server");
    }
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void open_socket(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)options.port)};
    struct timeval patience = {.tv_sec = STALL_SECONDS};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
        die("socket");
    }
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    for (int i = 0; i < BATCH; i++) {
        out_bytes[i].iov_base = out[i];
        in_bytes[i].iov_base = in[i];
        in_bytes[i].iov_len = sizeof in[i];
        out_messages[i].msg_hdr.msg_iov = &out_bytes[i];
        in_messages[i].msg_hdr.msg_iov = &in_bytes[i];
        out_messages[i].msg_hdr.msg_iovlen = in_messages[i].msg_hdr.msg_iovlen = 1;
        for (int k = 0; k < DATAGRAM_MOST; k++) {
            out[i][k] = (uint8_t)(k * 13 + 7);
        }
    }
}

/* Waits for one datagram and takes all that are there. */
static int receive(void)
{
    int n = recvmmsg(fd, in_messages, BATCH, MSG_WAITFORONE, NULL);
    if (n < 0 && errno == EAGAIN) {
        fail("the server stands still, or a datagram was lost");
    }
    if (n < 0) {
        die("recvmmsg");
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

/* Sends as many of the numbered datagrams. */
static void send_numbered(int n)
{
    static uint64_t next;
    for (int i = 0; i < n; i++) {
        put_number(out[i], next++);
    }
    send_batch(n, (size_t)options.size);
}

/* The number of the datagram has to be the next one, and its size the one wanted. */
static void check_numbered(int i, uint64_t number)
{
    if (in_messages[i].msg_len != (unsigned)options.size || get_number(in[i]) != number) {
        fail("another datagram was expected");
    }
}

/* Each turn takes what has come and sends as much; gives the number of datagrams that count. */
static int turn_echo(uint64_t count)
{
    int n = receive();
    for (int i = 0; i < n; i++) {
        check_numbered(i, count + (uint64_t)i);
        if (memcmp(in[i] + 8, out[0] + 8, (size_t)options.size - 8) != 0) {
            fail("the answer differs");
        }
    }
    send_numbered(n);
    return n;
}

/* One long datagram for the system to cut. */
static void send_burst(void)
{
    static uint8_t whole[BATCH * DATAGRAM_MOST];
    size_t size = (size_t)options.size, most = 65000 / size, len = size * (most < BATCH ? most : BATCH);
    if (send(fd, whole, len, 0) != (ssize_t)len && errno != ENOBUFS) {
        die("send");
    }
}

/* The newest of the server's reports, if there is one. */
static int turn_receive(uint64_t count)
{
    static double last;
    uint64_t reported = count;
    if (last == 0) {
        last = now();
    }
    for (int i = 0; i < 8; i++) {
        if (options.bursts) {
            send_burst();
        } else {
            send_numbered(BATCH);
        }
    }
    int n = recvmmsg(fd, in_messages, BATCH, MSG_DONTWAIT, NULL);
    if (n < 0 && errno != EAGAIN) {
        die("recvmmsg");
    }
    for (int i = 0; i < n; i++) {
        if (in_messages[i].msg_len != 8 || get_number(in[i]) != reported + REPORT_EVERY) {
            fail("the server's count is wrong");
        }
        reported += REPORT_EVERY;
        last = now();
    }
    if (now() - last > STALL_SECONDS) {
        fail("the server stands still");
    }
    return (int)(reported - count);
}

static void send_credits(int n)
{
    struct credit credit = {.size = (uint32_t)options.size};
    for (int i = 0; i < n; i++) {
        memcpy(out[i], &credit, sizeof credit);
    }
    send_batch(n, sizeof credit);
}

static int turn_send(uint64_t count)
{
    static int uncredited;
    int n = receive();
    for (int i = 0; i < n; i++) {
        check_numbered(i, count + (uint64_t)i);
    }
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
        case 'w': options.workload = optarg; break;
        case 'p': options.port = atoi(optarg); break;
        case 'S': options.server = (pid_t)atoi(optarg); break;
        case 'z': options.size = atoi(optarg); break;
        case 's': options.seconds = atof(optarg); break;
        case 'b': options.bursts = 1; break;
        case 'u': options.warmup = atof(optarg); break;
        default: usage();
        }
    }
    if (options.workload == NULL || options.port <= 0 || options.server <= 0 || options.seconds <= 0 ||
        options.size < 8 || options.size > DATAGRAM_MOST) {
        usage();
    }
}

int main(int argc, char **argv)
{
    int (*turn)(uint64_t) = NULL;
    uint64_t count = 0, count_begin;
    read_options(argc, argv);
    if (clock_getcpuclockid(options.server, &server_clock) != 0) {
        fail("no such server");
    }
    open_socket();
    if (strcmp(options.workload, "echo") == 0) {
        turn = turn_echo;
        send_numbered(WINDOW);
    } else if (strcmp(options.workload, "receive") == 0) {
        int size = options.size;
        if (options.bursts && setsockopt(fd, SOL_UDP, UDP_SEGMENT, &size, sizeof size) != 0) {
            die("UDP_SEGMENT");
        }
        turn = turn_receive;
    } else if (strcmp(options.workload, "send") == 0) {
        turn = turn_send;
        send_credits(WINDOW / PART);
    } else {
        usage();
    }
    double start = now(), end;
    do {
        count += (uint64_t)turn(count);
    } while (now() - start < options.warmup);
    count_begin = count;
    int64_t cpu_begin = server_cpu();
    start = now();
    do {
        count += (uint64_t)turn(count);
        end = now();
    } while (end - start < options.seconds);
    int64_t cpu = server_cpu() - cpu_begin;
    uint64_t messages = count - count_begin;
    printf("{\"messages\": %llu, \"seconds\": %.6f, \"rate\": %.3f, \"cpu_ns\": %.1f, \"total\": %llu}\n",
           (unsigned long long)messages, end - start, (double)messages / (end - start),
           (double)cpu / (double)messages, (unsigned long long)count);
    return 0;
}
