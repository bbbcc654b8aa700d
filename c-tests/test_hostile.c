/* What a hostile host or peer may try, and must not get. */
#include "calls_udp.h"
#include "harness.h"
#include "peer.h"
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* spec/README.md S2: closing an id in another namespace is no close, and costs its socket nothing. */
static void closed_in_the_wrong_namespace(fx *f) {
    int peer;
    int32_t id = connected(f, &peer);
    peer_text(peer, "first ");
    IS_FAIL_TEXT(udp_close(f, id), NOT_FOUND);
    peer_text(peer, "second");
    receive(f, id, "first second");
    close(peer);
}

/* a mark of urgent data makes a read stop short; what is behind it comes all the same. */
static void urgent_data(fx *f) {
    int peer;
    int32_t id = connected(f, &peer);
    CHECK_INT(send(peer, "abc", 3, 0), 3);
    CHECK_INT(send(peer, "!", 1, MSG_OOB), 1);
    CHECK_INT(send(peer, "defg", 4, 0), 4);
    receive(f, id, "abcdefg");
    close(peer);
}

/* A struct that ends within one of its members is refused, not read half. */
static void odd_sizes(void) {
    for (uint32_t size = 17; size < sizeof(chromesock_app_options); size++) {
        chromesock_app_options o;
        chromesock_app *app = NULL;
        if (size % sizeof(void *) == 0) continue;
        memset(&o, 0xff, sizeof o);
        o.present = 0;
        o.delivery = 0;
        o.size = size;
        CHECK_INT(chromesock_app_new(&o, &app), CHROMESOCK_INVALID_ARGUMENT);
    }
}

/* A mark of 0 bytes still lets one read through at a time. */
static void marks_of_nothing(void) {
    chromesock_app_options o;
    memset(&o, 0, sizeof o);
    o.present = CHROMESOCK_APP_OPTIONS_UNDELIVERED_PER_SOCKET | CHROMESOCK_APP_OPTIONS_UNDELIVERED_PER_APP;
    for (int mode = 0; mode < MODE_COUNT; mode++) {
        fx *f = fx_new((enum mode)mode, &o);
        int peer;
        int32_t id = connected(f, &peer);
        peer_text(peer, "some");
        receive(f, id, "some");
        peer_text(peer, "more");
        receive(f, id, "more");
        close(peer);
        fx_end(f);
    }
}

/* Releasing an event that is only borrowed does nothing. */
static void release_borrowed(fx *f, const chromesock_event *event) {
    (void)f;
    chromesock_event_release(event);
    chromesock_event_release(event);
}

static void a_borrowed_event_released(fx *f) {
    if (f->mode == MODE_PULL) return; /* there it is owned */
    f->inside = release_borrowed;
    IS_OK(tcp_get_sockets(f));
    fx_stop_inside(f);
}

int main(int argc, char **argv) {
    harness_init(argc, argv);
    RUN_ALL_MODES(closed_in_the_wrong_namespace);
    RUN_ALL_MODES(urgent_data);
    RUN(odd_sizes);
    RUN(marks_of_nothing);
    RUN_ALL_MODES(a_borrowed_event_released);
    return harness_finish();
}
