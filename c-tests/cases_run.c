/* Runs the behavioural cases (cases/README.md) over one delivery mode:
 *   cases_run MODE TRACE PEER_SCRIPT FILE...      MODE: pull, dispatch or reactor
 * Writes the traces to TRACE and prints a difference for each case that fails. With CASES_ALL_FAIL=1
 * every case has to fail. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cases_run.h"
#include "forced.h"

enum mode { PULL, DISPATCH, REACTOR };
static const char *const mode_names[] = {"pull", "dispatch", "reactor"};

typedef struct call {
    int32_t id;                /* its first argument; 0: none */
    int quiet;                 /* not part of the trace */
    int done;
    cJSON *value;              /* of a quiet one */
    struct call *next;
} call;

typedef struct entry {         /* as it was delivered */
    const member *member;
    call *by;                  /* NULL: a notification */
    cJSON *value;
    char *message;
    struct entry *next;
} entry;

typedef struct line {
    char *text;
    const char *name;
    call *by;
    int used;                  /* a step waited for it */
} line;

typedef struct lines {
    line *at;
    size_t len, room;
} lines;

typedef struct label {
    char *name;                /* of a peer, or a socket id */
    int port;
    struct label *next;
} label;

static struct {
    enum mode mode;
    peer *peer;
    chromesock_app *app;
    pthread_mutex_t mutex;
    pthread_cond_t arrived;
    entry *first, **last;      /* delivered and not yet looked at; under the mutex */
    call *calls;
    lines trace, expected;
    label *labels;
    int32_t marker;            /* the socket of settle() */
    int marked;                /* its datagrams */
} run;

static long long now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static long long deadline(void) {
    const char *seconds = getenv("CHROMESOCK_TEST_DEADLINE");
    return now_ms() + (seconds ? atoll(seconds) : 60) * 1000;
}

static char *copy(const char *text) { return text ? must(strdup(text)) : NULL; }

static line *add_line(lines *to, const char *name, cJSON *value, const char *message) {
    if (to->len == to->room) {
        to->room = to->room ? 2 * to->room : 32;
        to->at = must(realloc(to->at, to->room * sizeof *to->at));
    }
    line *l = &to->at[to->len++];
    memset(l, 0, sizeof *l);
    l->text = trace_line(name, value, message);
    l->name = name;
    return l;
}

/* "peer.read …"; no step waits for it. */
static void add_peer_line(lines *to, const cJSON *args, cJSON *gives, const char *error) {
    char name[64];
    snprintf(name, sizeof name, "peer.%s", args->child->valuestring);
    add_line(to, name, gives, error)->name = "";
}

static void forget_lines(lines *of) {
    for (size_t i = 0; i < of->len; i++) free(of->at[i].text);
    free(of->at);
    memset(of, 0, sizeof *of);
}

/* ---- ports get names ---- */

static void name_port(const char *name, int port) {
    label *l = must(malloc(sizeof *l));
    l->name = copy(name);
    l->port = port;
    l->next = run.labels;
    run.labels = l;
}

static const label *port_named(const char *name) {
    for (const label *l = run.labels; l; l = l->next)
        if (strcmp(l->name, name) == 0) return l;
    return NULL;
}

static const label *label_of(int port) {
    for (const label *l = run.labels; l; l = l->next)
        if (l->port == port) return l;
    return NULL;
}

static void hide_ports(cJSON *value) {
    static const char *const ports[] = {"localPort", "peerPort", "remotePort", "port"};
    for (size_t i = 0; i < sizeof ports / sizeof ports[0]; i++) {
        cJSON *item = cJSON_GetObjectItem(value, ports[i]);
        char text[64] = "?";
        if (!cJSON_IsNumber(item) || item->valueint == 0) continue;
        if (label_of(item->valueint)) snprintf(text, sizeof text, "$%s", label_of(item->valueint)->name);
        cJSON_ReplaceItemInObject(value, ports[i], must(cJSON_CreateString(text)));
    }
    if (cJSON_IsArray(value))
        for (cJSON *item = value->child; item; item = item->next) hide_ports(item);
}

/* getInfo tells the port that the system chose: from then on it is the socket's. */
static void learn_port(int32_t id, const cJSON *info) {
    const cJSON *port = cJSON_GetObjectItem(info, "localPort");
    char name[16];
    if (port == NULL || label_of(port->valueint)) return;
    snprintf(name, sizeof name, "%d", (int)id);
    name_port(name, port->valueint);
}

/* What the machine's interfaces are is its own affair; the shape is not. */
static cJSON *networks_shape(cJSON *list) {
    for (const cJSON *at = list->child; at; at = at->next)
        if (!cJSON_IsString(cJSON_GetObjectItem(at, "name")) ||
            !cJSON_IsString(cJSON_GetObjectItem(at, "address")) ||
            !cJSON_IsNumber(cJSON_GetObjectItem(at, "prefixLength")) || cJSON_GetArraySize(at) != 3)
            return list;
    cJSON_Delete(list);
    return must(cJSON_CreateString("networks"));
}

/* A copy in which "$name" is that port. */
static cJSON *with_ports(const cJSON *args) {
    cJSON *to = must(cJSON_CreateArray());
    for (const cJSON *at = args->child; at; at = at->next) {
        if (cJSON_IsString(at) && at->valuestring[0] == '$') {
            const label *l = port_named(at->valuestring + 1);
            if (l == NULL) give_up("no port %s", at->valuestring);
            cJSON_AddItemToArray(to, must(cJSON_CreateNumber(l->port)));
        } else {
            cJSON_AddItemToArray(to, must(cJSON_Duplicate(at, 1)));
        }
    }
    return to;
}

/* ---- what is delivered ---- */

static void record(const chromesock_event *event, call *by) {
    const member *m = member_of_type(event->type);
    entry *e;
    if (m == NULL) return;     /* the host's own events */
    e = must(calloc(1, sizeof *e));
    e->member = m;
    e->by = by;
    e->value = m->value(event);
    e->message = copy(event->message);
    pthread_mutex_lock(&run.mutex);
    *run.last = e;
    run.last = &e->next;
    pthread_cond_signal(&run.arrived);
    pthread_mutex_unlock(&run.mutex);
}

static void on_done(chromesock_app *app, const chromesock_event *event, void *user_data) {
    (void)app;
    record(event, user_data);
}

static void on_event(chromesock_app *app, const chromesock_event *event, void *user_data) {
    (void)app, (void)user_data;
    record(event, NULL);
}

static void take(entry *e) {
    const cJSON *id = cJSON_GetObjectItem(e->value, "socketId");
    if (e->by) e->by->done = 1;
    if (e->by && e->by->quiet) {
        e->by->value = e->value;
        e->value = NULL;
    } else if (e->by == NULL && run.marker && id && id->valueint == run.marker) {
        run.marked++;
    } else if (!e->member->silent) {
        if (e->by) learn_port(e->by->id, e->value);
        if (e->value && strcmp(e->member->name, "socket.getNetworkList") == 0)
            e->value = networks_shape(e->value);
        hide_ports(e->value);
        add_line(&run.trace, e->member->name, e->value, e->message)->by = e->by;
    }
    cJSON_Delete(e->value);
    free(e->message);
    free(e);
}

/* Waits for something to be delivered, shortly, and takes all that was. */
static void pump(void) {
    enum { SHORTLY = 100 };
    entry *e, *next;
    if (run.mode == PULL) {
        const chromesock_event *event;
        if (chromesock_app_next_event(run.app, SHORTLY, &event) == CHROMESOCK_OK) {
            record(event, event->user_data);
            chromesock_event_release(event);
        }
    } else if (run.mode == DISPATCH) {
        chromesock_app_dispatch(run.app, 0, SHORTLY, NULL);
    }
    pthread_mutex_lock(&run.mutex);
    if (run.mode == REACTOR && run.first == NULL) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += 1;
        pthread_cond_timedwait(&run.arrived, &run.mutex, &until);
    }
    e = run.first;
    run.first = NULL;
    run.last = &run.first;
    pthread_mutex_unlock(&run.mutex);
    for (; e; e = next) {
        next = e->next;
        take(e);
    }
}

/* The trace so far is a beginning of the expected one. */
static int as_expected(void) {
    if (run.trace.len > run.expected.len) return 0;
    for (size_t i = 0; i < run.trace.len; i++)
        if (strcmp(run.trace.at[i].text, run.expected.at[i].text) != 0) return 0;
    return 1;
}

static line *unused(const char *name) {
    for (size_t i = 0; i < run.trace.len; i++)
        if (!run.trace.at[i].used && strcmp(run.trace.at[i].name, name) == 0) return &run.trace.at[i];
    return NULL;
}

/* ---- steps ---- */

/* 0 when the completion did not come in time or the trace went wrong before. */
static int completed(const call *c) {
    long long end = deadline();
    while (!c->done) {
        if (!c->quiet && !as_expected()) return 0;
        if (now_ms() > end) return 0;
        pump();
    }
    for (size_t i = 0; i < run.trace.len; i++)
        if (run.trace.at[i].by == c) run.trace.at[i].used = 1;
    return 1;
}

static call *start(const cJSON *request, int quiet) {
    cJSON *args = with_ports(request);
    const char *name = args->child->valuestring;
    const member *m = member_named(name);
    call *c = must(calloc(1, sizeof *c));
    chromesock_status status;
    if (m == NULL || m->invoke == NULL) give_up("no method %s", name);
    c->quiet = quiet;
    if (args->child->next && cJSON_IsNumber(args->child->next)) c->id = args->child->next->valueint;
    c->next = run.calls;
    run.calls = c;
    force_hold(run.app);
    status = m->invoke(run.app, args, run.mode == PULL ? NULL : on_done, c);
    force_run(run.app);
    if (status != CHROMESOCK_OK) give_up("%s was refused with %d", name, (int)status);
    c->done = m->silent;
    cJSON_Delete(args);
    return c;
}

static int awaited(const char *name) {
    long long end = deadline();
    line *l;
    while ((l = unused(name)) == NULL) {
        if (!as_expected() || now_ms() > end) return 0;
        pump();
    }
    l->used = 1;
    return 1;
}

static int peer_did(const cJSON *request) {
    cJSON *args = with_ports(request);
    cJSON *answer = peer_ask(run.peer, args);
    const cJSON *error = cJSON_GetObjectItem(answer, "error"), *ports = cJSON_GetObjectItem(answer, "ports");
    cJSON *gives = cJSON_GetObjectItem(answer, "gives");
    if (ports)
        for (const cJSON *at = ports->child; at; at = at->next) name_port(at->string, at->valueint);
    if (gives) hide_ports(gives);
    if (gives || error) add_peer_line(&run.trace, args, gives, error ? error->valuestring : NULL);
    cJSON_Delete(answer);
    cJSON_Delete(args);
    return error == NULL;
}

static cJSON *quietly(const char *format, int32_t id) {
    char text[128];
    cJSON *args;
    call *c;
    snprintf(text, sizeof text, format, (int)id);
    args = must(cJSON_Parse(text));
    c = start(args, 1);
    cJSON_Delete(args);
    return completed(c) ? c->value : NULL;
}

/* Everything that was on the wire has been delivered: datagrams to a socket of our own came after it.
 * The second one is read in a later turn of the reactor than all that was readable before the first. */
static int settled(void) {
    long long end = deadline();
    const cJSON *info, *created = quietly("[\"sockets.udp.create\"]", 0);
    if (created == NULL) return 0;
    run.marker = cJSON_GetObjectItem(created, "socketId")->valueint;
    run.marked = 0;
    quietly("[\"sockets.udp.bind\", %d, \"127.0.0.1\", 0]", run.marker);
    info = quietly("[\"sockets.udp.getInfo\", %d]", run.marker);
    for (int i = 1; i <= 2; i++) {
        cJSON *request = must(cJSON_Parse("[\"mark\"]"));
        cJSON_AddItemToArray(request, must(cJSON_CreateNumber(cJSON_GetObjectItem(info, "localPort")->valueint)));
        cJSON_Delete(peer_ask(run.peer, request));
        cJSON_Delete(request);
        for (; run.marked < i; pump())
            if (now_ms() > end) return 0;
    }
    quietly("[\"sockets.udp.close\", %d]", run.marker);
    run.marker = 0;
    return 1;
}

static int step_done(const cJSON *step) {
    const cJSON *what = step->child;
    if (strcmp(what->string, "call") == 0) return completed(start(what, 0));
    if (strcmp(what->string, "start") == 0) return start(what, 0), 1;
    if (strcmp(what->string, "await") == 0) return awaited(what->valuestring);
    if (strcmp(what->string, "peer") == 0) return peer_did(what);
    if (strcmp(what->string, "settle") == 0) return settled();
    give_up("no step %s", what->string);
}

/* ---- cases ---- */

static const char *string_in(const cJSON *object, const char *name) {
    const cJSON *item = cJSON_GetObjectItem(object, name);
    return item ? item->valuestring : NULL;
}

static void expect(const cJSON *step) {
    const cJSON *what = step->child;
    const char *fails = string_in(step, "fails");
    cJSON *gives = cJSON_GetObjectItem(step, "gives");
    if (strcmp(what->string, "call") == 0) {
        const member *m = member_named(what->child->valuestring);
        if (m == NULL) give_up("no method %s", what->child->valuestring);
        if (!m->silent) add_line(&run.expected, m->name, gives, fails);
    } else if (strcmp(what->string, "await") == 0) {
        add_line(&run.expected, what->valuestring, gives, fails);
    } else if (gives) {
        add_peer_line(&run.expected, what, gives, NULL);
    }
}

/* One word for the peer; its answer. */
static cJSON *ask(const char *operation) {
    cJSON *request = must(cJSON_CreateArray()), *answer;
    cJSON_AddItemToArray(request, must(cJSON_CreateString(operation)));
    answer = peer_ask(run.peer, request);
    cJSON_Delete(request);
    return answer;
}

static int open_app(const cJSON *test) {
    chromesock_app_options options;
    chromesock_texts *texts = NULL;
    chromesock_status status;
    const cJSON *manifest = cJSON_GetObjectItem(test, "manifest"), *quota = cJSON_GetObjectItem(test, "quota");
    char *json = manifest ? must(cJSON_PrintUnformatted(manifest)) : NULL;
    cJSON *roots = cJSON_GetObjectItem(test, "roots") ? ask("roots") : NULL;
    memset(&options, 0, sizeof options);
    options.size = sizeof options;
    options.delivery = run.mode == REACTOR ? CHROMESOCK_DELIVERY_REACTOR : CHROMESOCK_DELIVERY_QUEUE;
    options.manifest = json;
    options.extra_roots_pem = cJSON_GetStringValue(cJSON_GetObjectItem(roots, "gives"));
    if (quota) {
        options.present = CHROMESOCK_APP_OPTIONS_WRITE_QUOTA;
        options.write_quota_bytes = (uint64_t)quota->valuedouble;
    }
    force_paths(&options);
    status = chromesock_app_new(&options, &run.app);
    if (status == CHROMESOCK_INVALID_MANIFEST) {
        chromesock_manifest_check(json, &texts);
        add_line(&run.trace, "createChrome", NULL, chromesock_texts_at(texts, 0));
        chromesock_texts_free(texts);
    } else if (status != CHROMESOCK_OK) {
        give_up("app_new: %d", (int)status);
    } else if (run.mode != PULL) {
        listen_to_all(run.app, on_event, NULL);
    }
    free(json);
    cJSON_Delete(roots);
    return status == CHROMESOCK_OK;
}

static void close_app(void) {
    chromesock_app_free(run.app);
    run.app = NULL;
    while (run.first) {        /* nobody delivers any more */
        entry *next = run.first->next;
        cJSON_Delete(run.first->value);
        free(run.first->message);
        free(run.first);
        run.first = next;
    }
    run.last = &run.first;
    while (run.calls) {
        call *next = run.calls->next;
        cJSON_Delete(run.calls->value);
        free(run.calls);
        run.calls = next;
    }
}

static void forget_labels(void) {
    while (run.labels) {
        label *next = run.labels->next;
        free(run.labels->name);
        free(run.labels);
        run.labels = next;
    }
}

static void print_difference(const char *where) {
    size_t same = 0;
    while (same < run.trace.len && same < run.expected.len &&
           strcmp(run.trace.at[same].text, run.expected.at[same].text) == 0)
        printf("    %s\n", run.trace.at[same++].text);
    for (size_t i = same; i < run.expected.len; i++) printf("  - %s\n", run.expected.at[i].text);
    for (size_t i = same; i < run.trace.len; i++) printf("  + %s\n", run.trace.at[i].text);
    if (where) printf("  it stopped at %s\n", where);
}

/* Its trace goes to `out`. */
static int case_holds(const cJSON *test, FILE *out) {
    const cJSON *steps = cJSON_GetObjectItem(test, "steps"), *step;
    const char *refused = string_in(test, "refused");
    char *where = NULL;
    int held;
    if (refused) add_line(&run.expected, "createChrome", NULL, refused);
    cJSON_ArrayForEach(step, steps) expect(step);
    if (open_app(test)) {
        cJSON_ArrayForEach(step, steps) {
            if (step_done(step)) continue;
            where = must(cJSON_PrintUnformatted(step));
            break;
        }
        /* an app with a manifest may not bind the socket this takes */
        if (where == NULL && cJSON_GetObjectItem(test, "manifest") == NULL && !settled())
            where = copy("the end: nothing settled");
        close_app();
    }
    held = where == NULL && run.trace.len == run.expected.len && as_expected();
    fprintf(out, "== %s: %s\n", string_in(test, "rule"), string_in(test, "name"));
    for (size_t i = 0; i < run.trace.len; i++) fprintf(out, "%s\n", run.trace.at[i].text);
    if (!held) {
        printf("FAILED (%s) %s: %s\n", mode_names[run.mode], string_in(test, "rule"), string_in(test, "name"));
        print_difference(where);
    }
    free(where);
    forget_lines(&run.trace);
    forget_lines(&run.expected);
    forget_labels();
    return held;
}

static cJSON *read_file(const char *path) {
    FILE *file = fopen(path, "rb");
    char *text;
    long len;
    cJSON *json;
    if (file == NULL) give_up("%s: %s", path, strerror(errno));
    fseek(file, 0, SEEK_END);
    len = ftell(file);
    rewind(file);
    text = must(malloc((size_t)len + 1));
    if (fread(text, 1, (size_t)len, file) != (size_t)len) give_up("%s cannot be read", path);
    text[len] = '\0';
    fclose(file);
    json = cJSON_Parse(text);
    if (json == NULL) give_up("%s is no JSON, at %.40s", path, cJSON_GetErrorPtr());
    free(text);
    return json;
}

/* Is what the case needs (a word for the peer) there? */
static int can(const char *what) {
    cJSON *request = must(cJSON_CreateArray()), *answer;
    int yes;
    cJSON_AddItemToArray(request, must(cJSON_CreateString("has")));
    cJSON_AddItemToArray(request, must(cJSON_CreateString(what)));
    answer = peer_ask(run.peer, request);
    yes = cJSON_IsTrue(cJSON_GetObjectItem(answer, "gives"));
    cJSON_Delete(request);
    cJSON_Delete(answer);
    return yes;
}

int main(int argc, char **argv) {
    int ran = 0, failed = 0, skipped = 0;
    FILE *out;
    if (argc < 5) give_up("usage: %s pull|dispatch|reactor TRACE PEER_SCRIPT FILE...", argv[0]);
    while (run.mode < REACTOR && strcmp(mode_names[run.mode], argv[1]) != 0) run.mode++;
    if (strcmp(mode_names[run.mode], argv[1]) != 0) give_up("no mode %s", argv[1]);
    out = fopen(argv[2], "w");
    if (out == NULL) give_up("%s: %s", argv[2], strerror(errno));
    pthread_mutex_init(&run.mutex, NULL);
    pthread_cond_init(&run.arrived, NULL);
    run.last = &run.first;
    run.peer = peer_start(argv[3]);
    for (int i = 4; i < argc; i++) {
        cJSON *file = read_file(argv[i]);
        const cJSON *test;
        cJSON_ArrayForEach(test, file) {
            if (string_in(test, "needs") && !can(string_in(test, "needs"))) {
                skipped++;
                continue;
            }
            ran++;
            failed += !case_holds(test, out);
            cJSON_Delete(ask("clear"));
        }
        cJSON_Delete(file);
    }
    peer_stop(run.peer);
    printf("%s: %d cases, %d failed, %d skipped\n", argv[1], ran, failed, skipped);
    return fclose(out) != 0 || ran == 0 || failed != (getenv("CASES_ALL_FAIL") ? ran : 0);
}
