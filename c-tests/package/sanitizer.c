/* Hosts that break the contract. AddressSanitizer must stop each:
 *   read  passes options one byte long, so the library reads beyond them
 *   leak  pulls events and never releases them */
#include <chromesock.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Several: one may go unseen where a stale copy of its address lies on the stack. */
enum { EVENTS = 20, DEADLINE_MS = 10000 };

static int read_beyond(void)
{
    char *options = calloc(1, 1);
    chromesock_app *app = NULL;
    chromesock_status status = chromesock_app_new((const chromesock_app_options *)(void *)options, &app);
    fprintf(stderr, "app_new: %d\n", (int)status);
    free(options);
    chromesock_app_free(app);
    return 0;
}

static int leak(void)
{
    chromesock_app *app = NULL;
    if (chromesock_app_new(NULL, &app) != CHROMESOCK_OK)
        return 2;
    for (int i = 0; i < EVENTS; i++) {
        const chromesock_event *event = NULL;
        if (chrome_sockets_tcp_create(app, NULL, NULL, NULL, NULL) != CHROMESOCK_OK ||
            chromesock_app_next_event(app, DEADLINE_MS, &event) != CHROMESOCK_OK)
            return 2;
    }
    chromesock_app_free(app);
    return 0;
}

int main(int argc, char **argv)
{
    return argc == 2 && strcmp(argv[1], "leak") == 0 ? leak() : read_beyond();
}
