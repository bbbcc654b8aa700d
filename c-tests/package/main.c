/* A host outside the tree: prints the library's version, creates and closes one TCP socket. */
#include <chromesock.h>
#include <stdio.h>
#include <string.h>

enum { DEADLINE_MS = 10000 };

static int created, closed;

static void on_create(chromesock_app *app, const chromesock_event *event, void *user_data)
{
    (void)app;
    created += event->type == CHROME_SOCKETS_TCP_CREATE && event->socket_id == *(int32_t *)user_data;
}

static void on_close(chromesock_app *app, const chromesock_event *event, void *user_data)
{
    (void)app;
    (void)user_data;
    closed += event->type == CHROME_SOCKETS_TCP_CLOSE && event->message == NULL;
}

static int ok(const char *what, chromesock_status status)
{
    if (status != CHROMESOCK_OK)
        fprintf(stderr, "%s: %d %s\n", what, (int)status, chromesock_status_name(status));
    return status == CHROMESOCK_OK;
}

int main(void)
{
    char built_for[32];
    sprintf(built_for, "%d.%d.%d", CHROMESOCK_VERSION_MAJOR, CHROMESOCK_VERSION_MINOR, CHROMESOCK_VERSION_PATCH);
    if (strcmp(built_for, chromesock_version()) != 0) {
        fprintf(stderr, "header %s, library %s\n", built_for, chromesock_version());
        return 1;
    }

    chromesock_app *app = NULL;
    int32_t socket_id = 0;
    if (!ok("app_new", chromesock_app_new(NULL, &app)) ||
        !ok("create", chrome_sockets_tcp_create(app, NULL, &socket_id, on_create, &socket_id)) ||
        !ok("close", chrome_sockets_tcp_close(app, socket_id, on_close, NULL)))
        return 1;
    for (int32_t n = 1; !(created && closed) && n > 0;)
        if (!ok("dispatch", chromesock_app_dispatch(app, 0, DEADLINE_MS, &n)))
            return 1;
    chromesock_app_free(app);

    if (created != 1 || closed != 1) {
        fprintf(stderr, "completions: create %d, close %d, expected 1 and 1\n", created, closed);
        return 1;
    }
    printf("%s\n", chromesock_version());
    return 0;
}
