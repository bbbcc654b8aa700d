/* chrome.socket.getNetworkList against what getifaddrs and /sys say (socket-legacy.md 10), also in a
 * network of our own where that is permitted. */
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "calls_socket.h"

struct entry {
    char name[IF_NAMESIZE];
    unsigned char bytes[16];
    int family, prefix;
};
enum { MOST = 256 };

static int prefix_of(const unsigned char *mask, int bytes) {
    int n = 0;
    for (int k = 0; k < bytes * 8 && (mask[k / 8] & (0x80 >> k % 8)); k++) n++;
    return n;
}

/* Table of 10: loopback out, UP and RUNNING (and LOWER_UP: the same flag here); tentative ones out. */
static int is_tentative(const unsigned char *bytes) {
    FILE *file = fopen("/proc/net/if_inet6", "r");
    char text[64], name[32];
    unsigned index, prefix, scope, flags;
    int found = 0;
    if (file == NULL) return 0;
    while (fscanf(file, "%63s %x %x %x %x %31s", text, &index, &prefix, &scope, &flags, name) == 6) {
        int same = 1;
        for (int n = 0; n < 16; n++) {
            unsigned byte;
            sscanf(text + 2 * n, "%2x", &byte);
            same &= byte == bytes[n];
        }
        /* IFA_F_TENTATIVE, IFA_F_DADFAILED, IFA_F_OPTIMISTIC */
        if (same && (flags & (0x40 | 0x08 | 0x04))) found = 1;
    }
    fclose(file);
    return found;
}

static int compare(const void *a, const void *b) {
    const struct entry *x = a, *y = b;
    if (x->family != y->family) return x->family == AF_INET ? -1 : 1;
    return memcmp(x->bytes, y->bytes, sizeof x->bytes);
}

static int expected(struct entry *to) {
    struct ifaddrs *all, *at;
    int n = 0, kept = 0;
    CHECK_INT(getifaddrs(&all), 0);
    for (at = all; at; at = at->ifa_next) {
        struct entry e;
        unsigned want = IFF_UP | IFF_RUNNING;
        memset(&e, 0, sizeof e);
        if (at->ifa_addr == NULL || (at->ifa_flags & IFF_LOOPBACK) || (at->ifa_flags & want) != want) continue;
        e.family = at->ifa_addr->sa_family;
        if (e.family == AF_INET) {
            memcpy(e.bytes, &((struct sockaddr_in *)(void *)at->ifa_addr)->sin_addr, 4);
            e.prefix = prefix_of(
                (unsigned char *)&((struct sockaddr_in *)(void *)at->ifa_netmask)->sin_addr, 4);
        } else if (e.family == AF_INET6) {
            memcpy(e.bytes, &((struct sockaddr_in6 *)(void *)at->ifa_addr)->sin6_addr, 16);
            e.prefix = prefix_of(
                (unsigned char *)&((struct sockaddr_in6 *)(void *)at->ifa_netmask)->sin6_addr, 16);
            if (is_tentative(e.bytes)) continue;
        } else {
            continue;
        }
        snprintf(e.name, sizeof e.name, "%s", at->ifa_name);
        CHECK(n < MOST);
        to[n++] = e;
    }
    freeifaddrs(all);
    qsort(to, (size_t)n, sizeof *to, compare);
    for (int k = 0; k < n; k++) /* one address on two interfaces: once */
        if (k == 0 || compare(&to[k], &to[kept - 1]) != 0) to[kept++] = to[k];
    return kept;
}

/* An address may cease to be tentative at any moment: the list is compared with a state that was the
 * same before and after. */
static const ev *is_the_list(fx *f) {
    static struct entry want[MOST], after[MOST];
    long long end = now_ms() + deadline_ms();
    const ev *e;
    int n;
    for (;;) {
        n = expected(want);
        e = await(sock_get_network_list(f));
        if (expected(after) == n && memcmp(want, after, (size_t)n * sizeof *want) == 0) break;
        if (now_ms() > end) FAIL("deadline: the addresses of this machine keep changing");
    }
    ok_at(__FILE__, __LINE__, e);
    CHECK_INT(e->present, CHROMESOCK_EVENT_INTERFACES);
    CHECK_INT(e->id, 0);
    for (size_t k = 0; k < e->interfaces_len; k++) {
        char text[INET6_ADDRSTRLEN];
        const chrome_socket_network_interface *got = &e->interfaces[k];
        if ((int)k >= n) FAIL("%s on %s is too much", got->address, got->name);
        inet_ntop(want[k].family, want[k].bytes, text, sizeof text);
        CHECK_STR(got->address, text); /* canonical, no zone */
        CHECK_INT(got->prefix_length, want[k].prefix);
        CHECK(strcmp(got->name, "lo") != 0);
        CHECK_STR(got->name, want[k].name);
    }
    CHECK_INT(e->interfaces_len, n);
    return e;
}

static void the_list(fx *f) {
    is_the_list(f);
    /* no socket is needed, and none is made */
    CHECK_INT(fx_stats(f).sockets_open, 0);
    call *c[20];
    for (int n = 0; n < 20; n++) c[n] = sock_get_network_list(f);
    for (int n = 0; n < 20; n++) {
        IS_OK(c[n]);
        if (n) CHECK(c[n - 1]->done->seq < c[n]->done->seq);
    }
}

/* The filters, on interfaces made for it: down, without carrier, with several addresses, host-only,
 * link-local, the same address twice, loopback addresses elsewhere. */
static int try_command(const char *command) { return system(command) == 0; }
static int lists(const ev *e, const char *beginning) {
    for (size_t n = 0; n < e->interfaces_len; n++)
        if (strncmp(e->interfaces[n].address, beginning, strlen(beginning)) == 0) return 1;
    return 0;
}
static void filters(void) {
    pid_t child;
    int status;
    fflush(NULL);
    child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        fx *f;
        const ev *e;
        int six;
        if (unshare(CLONE_NEWNET) != 0 || !try_command("ip link set lo up 2>/dev/null")) _exit(77);
        f = fx_new(MODE_DISPATCH, NULL);
        CHECK_INT(is_the_list(f)->interfaces_len, 0); /* loopback alone */
        if (!try_command("ip link add va type veth peer name vb 2>/dev/null")) _exit(77);
        CHECK(try_command("ip addr add 10.9.8.7/20 dev va && ip addr add 10.1.2.3/32 dev va"));
        CHECK(try_command("ip addr add 192.0.2.200/24 dev vb"));
        CHECK_INT(is_the_list(f)->interfaces_len, 0); /* both down */
        CHECK(try_command("ip link set va up"));
        CHECK_INT(is_the_list(f)->interfaces_len, 0); /* up without carrier */
        CHECK(try_command("ip link set vb up"));
        six = try_command("ip -6 addr add 2001:db8::5/64 dev va nodad 2>/dev/null");
        /* the system notices the carrier in its own time */
        wait_until(f, lists(is_the_list(f), "192.0.2.200") && lists(is_the_list(f), "10.9.8.7"));
        e = is_the_list(f);
        CHECK_STR(e->interfaces[0].address, "10.1.2.3");
        CHECK_INT(e->interfaces[0].prefix_length, 32);
        CHECK_STR(e->interfaces[1].address, "10.9.8.7");
        CHECK_INT(e->interfaces[1].prefix_length, 20);
        CHECK_STR(e->interfaces[2].address, "192.0.2.200");
        if (six) {
            /* tentative for about a second */
            CHECK(try_command("ip -6 addr add 2001:db8::6/64 dev va"));
            e = is_the_list(f);
            CHECK_STR(e->interfaces[3].address, "2001:db8::5");
            CHECK_INT(e->interfaces[3].prefix_length, 64);
            /* and link-local ones when they are through */
            wait_until(f, lists(is_the_list(f), "fe80:"));
        }
        fx_end(f);
        _exit(0);
    }
    CHECK_INT(waitpid(child, &status, 0), child);
    if (status == 77 << 8)
        printf("filters: no network of our own is permitted\n");
    else
        CHECK_INT(status, 0);
}

int main(int argc, char **argv) {
    harness_init(argc, argv);
    RUN_ALL_MODES(the_list);
    RUN(filters);
    return harness_finish();
}
