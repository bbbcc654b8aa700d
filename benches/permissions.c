/* What a permission check costs with as many rules as asked for: the slowest of a host that is named, one
 * below a wildcard, one that is denied, and one in upper case. Prints one line of JSON. */
#define _GNU_SOURCE
#include "bench.h"

#include <chromesock.h>
#include <time.h>

enum { CHECKS = 300000, RULE_MOST = 64 };

static int64_t cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static char *manifest(int rules)
{
    char *text = malloc((size_t)rules * RULE_MOST + RULE_MOST), *end = text;
    if (text == NULL) {
        die("malloc");
    }
    end += sprintf(end, "{\"sockets\": {\"tcp\": {\"connect\": [");
    for (int i = 0; i < rules; i++) {
        end += sprintf(end, "%s\"", i > 0 ? "," : "");
        end += i % 3 == 0   ? sprintf(end, "host%d.example.com:443", i)
               : i % 3 == 1 ? sprintf(end, "*.zone%d.example.net", i)
                            : sprintf(end, "10.%d.%d.7:%d", i / 250, i % 250, 1024 + i);
        end += sprintf(end, "\"");
    }
    sprintf(end, "]}}}");
    return text;
}

/* Nanoseconds of one check. */
static double measure(chromesock_app *app, const char *host, chromesock_bool wanted)
{
    int64_t begin = cpu_ns();
    for (int i = 0; i < CHECKS; i++) {
        chromesock_bool allowed = !wanted;
        if (chromesock_app_check(app, CHROMESOCK_API_SOCKETS, CHROMESOCK_OPERATION_TCP_CONNECT, host, 443, &allowed,
                                 NULL) != CHROMESOCK_OK ||
            allowed != wanted) {
            fprintf(stderr, "%s: the answer is wrong\n", host);
            exit(1);
        }
    }
    return (double)(cpu_ns() - begin) / CHECKS;
}

int main(int argc, char **argv)
{
    int rules = argc == 2 ? atoi(argv[1]) : 0, middle = rules / 6 * 3;
    char hosts[4][RULE_MOST];
    double slowest = 0;
    chromesock_app *app = NULL;
    if (rules < 6) {
        fprintf(stderr, "permissions RULES\n");
        return 2;
    }
    char *text = manifest(rules);
    chromesock_app_options options = {.size = sizeof options, .manifest = text};
    if (chromesock_app_new(&options, &app) != CHROMESOCK_OK) {
        fprintf(stderr, "the manifest was not taken\n");
        return 1;
    }
    snprintf(hosts[0], RULE_MOST, "host%d.example.com", middle);
    snprintf(hosts[1], RULE_MOST, "a.b.zone%d.example.net", middle + 1);
    snprintf(hosts[2], RULE_MOST, "www.elsewhere.example.org");
    snprintf(hosts[3], RULE_MOST, "HOST%d.EXAMPLE.COM", middle);
    for (int i = 0; i < 4; i++) {
        double ns = measure(app, hosts[i], i != 2);
        slowest = ns > slowest ? ns : slowest;
    }
    printf("{\"ns\": %.1f}\n", slowest);
    chromesock_app_free(app);
    free(text);
    return 0;
}
