#include "resolve_shim.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define NAMES 16
#define ADDRESSES 8

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t released = PTHREAD_COND_INITIALIZER, gone = PTHREAD_COND_INITIALIZER;
static struct entry {
    char name[64];
    char address[ADDRESSES][48];
    int count, error;
} table[NAMES];
static int entries, stalled, leaving, queries, generation;
static char last_name[300];

/* One allocation per answer, so that freeaddrinfo knows ours by its head. */
struct answer {
    struct addrinfo info[ADDRESSES];
    struct sockaddr_storage address[ADDRESSES];
    struct answer *next;
};
static struct answer *answers;

static struct entry *add(const char *name) {
    struct entry *e = &table[entries++];
    if (entries > NAMES) abort();
    memset(e, 0, sizeof *e);
    strncpy(e->name, name, sizeof e->name - 1);
    return e;
}

void shim_set(const char *name, const char *const *addresses) {
    pthread_mutex_lock(&mutex);
    struct entry *e = add(name);
    for (; *addresses; addresses++) strncpy(e->address[e->count++], *addresses, 47);
    pthread_mutex_unlock(&mutex);
}

void shim_error(const char *name, int eai) {
    pthread_mutex_lock(&mutex);
    add(name)->error = eai;
    pthread_mutex_unlock(&mutex);
}

void shim_clear(void) {
    pthread_mutex_lock(&mutex);
    entries = queries = 0;
    last_name[0] = 0;
    pthread_mutex_unlock(&mutex);
}

void shim_release(void) {
    pthread_mutex_lock(&mutex);
    generation++;
    leaving += stalled;
    stalled = 0;
    pthread_cond_broadcast(&released);
    while (leaving > 0) pthread_cond_wait(&gone, &mutex);
    pthread_mutex_unlock(&mutex);
}

static int read_locked(const int *value) {
    int v;
    pthread_mutex_lock(&mutex);
    v = *value;
    pthread_mutex_unlock(&mutex);
    return v;
}

int shim_stalled(void) { return read_locked(&stalled); }
int shim_queries(void) { return read_locked(&queries); }

const char *shim_last_name(void) {
    static char copy[sizeof last_name];
    pthread_mutex_lock(&mutex);
    memcpy(copy, last_name, sizeof copy);
    pthread_mutex_unlock(&mutex);
    return copy;
}

static int ends_with(const char *s, const char *tail) {
    size_t a = strlen(s), b = strlen(tail);
    return a >= b && strcmp(s + a - b, tail) == 0;
}

static int make_answer(const struct entry *e, int port, const struct addrinfo *hints,
                       struct addrinfo **result) {
    struct answer *a = calloc(1, sizeof *a);
    int family = hints ? hints->ai_family : AF_UNSPEC, n = 0;
    if (a == NULL) return EAI_MEMORY;
    for (int i = 0; i < e->count; i++) {
        struct sockaddr_in *v4 = (struct sockaddr_in *)&a->address[n];
        struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&a->address[n];
        struct addrinfo *info = &a->info[n];
        int is6 = strchr(e->address[i], ':') != NULL;
        if (family != AF_UNSPEC && family != (is6 ? AF_INET6 : AF_INET)) continue;
        if (is6) {
            v6->sin6_family = AF_INET6;
            v6->sin6_port = htons((uint16_t)port);
            inet_pton(AF_INET6, e->address[i], &v6->sin6_addr);
        } else {
            v4->sin_family = AF_INET;
            v4->sin_port = htons((uint16_t)port);
            inet_pton(AF_INET, e->address[i], &v4->sin_addr);
        }
        info->ai_family = is6 ? AF_INET6 : AF_INET;
        info->ai_socktype = SOCK_STREAM;
        info->ai_protocol = IPPROTO_TCP;
        info->ai_addr = (struct sockaddr *)&a->address[n];
        info->ai_addrlen = is6 ? sizeof *v6 : sizeof *v4;
        if (n > 0) a->info[n - 1].ai_next = info;
        n++;
    }
    if (n == 0) {
        free(a);
        return EAI_NONAME;
    }
    a->next = answers;
    answers = a;
    *result = a->info;
    return 0;
}

typedef int (*getaddrinfo_fn)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
typedef void (*freeaddrinfo_fn)(struct addrinfo *);

static void *system_symbol(const char *name) { return dlsym(RTLD_NEXT, name); }

int getaddrinfo(const char *restrict node, const char *restrict service,
                const struct addrinfo *restrict hints, struct addrinfo **restrict result) {
    static const struct entry loopback = {"", {"127.0.0.1"}, 1, 0};
    char name[sizeof last_name] = "";
    int status = EAI_NONAME, port = service ? atoi(service) : 0;
    if (node) strncpy(name, node, sizeof name - 1);
    pthread_mutex_lock(&mutex);
    queries++;
    memcpy(last_name, name, sizeof name);
    if (name[0] && name[strlen(name) - 1] == '.') name[strlen(name) - 1] = 0;
    if (!ends_with(name, ".test")) {
        void *symbol = system_symbol("getaddrinfo");
        getaddrinfo_fn next;
        memcpy(&next, &symbol, sizeof next);
        pthread_mutex_unlock(&mutex);
        return next(node, service, hints, result);
    }
    if (ends_with(name, ".stall.test")) {
        int mine = generation;
        stalled++;
        while (generation == mine) pthread_cond_wait(&released, &mutex);
        if (--leaving == 0) pthread_cond_broadcast(&gone);
        status = make_answer(&loopback, port, hints, result);
    } else {
        for (int i = 0; i < entries; i++)
            if (strcmp(table[i].name, name) == 0)
                status = table[i].error ? table[i].error
                                        : make_answer(&table[i], port, hints, result);
    }
    pthread_mutex_unlock(&mutex);
    return status;
}

void freeaddrinfo(struct addrinfo *info) {
    struct answer **at;
    if (info == NULL) return;
    pthread_mutex_lock(&mutex);
    for (at = &answers; *at; at = &(*at)->next)
        if ((*at)->info == info) {
            struct answer *mine = *at;
            *at = mine->next;
            pthread_mutex_unlock(&mutex);
            free(mine);
            return;
        }
    pthread_mutex_unlock(&mutex);
    void *symbol = system_symbol("freeaddrinfo");
    freeaddrinfo_fn next;
    memcpy(&next, &symbol, sizeof next);
    next(info);
}
