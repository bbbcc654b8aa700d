/* Close, disconnect, app close and free while a name is being looked up and the resolver hangs
 * (tcp.md CL-3, DC-4, D9; blocked look-ups are left behind). */
#include <unistd.h>

#include "harness.h"
#include "resolve_shim.h"

static void until_stalled(fx *f, int n) { wait_until(f, shim_stalled() == n); }

/* CL-3: resolving at close: "Socket not found" without a result, before the close answer. */
static void close_while_resolving(fx *f) {
    int32_t id = new_tcp(f);
    uint16_t port;
    int listen_fd = peer_listen(&port);
    call *c = tcp_connect(f, id, "a.stall.test", port), *d;
    until_stalled(f, 1);
    d = tcp_close(f, id);
    IS_FAIL_TEXT(c, NOT_FOUND);
    IS_OK(d);
    CHECK(c->done->seq < d->done->seq); /* O-6 */
    CHECK_INT(shim_stalled(), 1);       /* nobody waited for the resolver */
    shim_release();
    settle(f);
    CHECK_INT(peer_accept_pending(listen_fd), 0); /* the late answer goes nowhere */
    no_event(f, CHROME_SOCKETS_TCP_ON_RECEIVE_ERROR, id);
    close(listen_fd);
}

/* More look-ups than run at once, all cancelled: those that wait never start. */
static void many_look_ups(fx *f) {
    enum { N = 160, AT_ONCE = 64 }; /* of one app */
    call *c[N], *d[N];
    int32_t id[N];
    for (int n = 0; n < N; n++) {
        char name[32]; /* of its own: those that wait for the same name share a look-up */
        snprintf(name, sizeof name, "n%d.stall.test", n);
        id[n] = new_tcp(f);
        c[n] = tcp_connect(f, id[n], name, 9);
    }
    until_stalled(f, AT_ONCE);
    for (int n = 0; n < N; n++) d[n] = n % 2 ? tcp_close(f, id[n]) : tcp_disconnect(f, id[n]);
    for (int n = 0; n < N; n++) {
        if (n % 2)
            IS_FAIL_TEXT(c[n], NOT_FOUND);
        else
            IS_FAIL(c[n], CHROMESOCK_ABORTED);
        IS_OK(d[n]);
    }
    shim_release();
    settle(f);
    CHECK_INT(shim_stalled(), 0);
}

/* The reactor and literals are not blocked by a hanging resolver. */
static void the_rest_goes_on(fx *f) {
    int32_t id = new_tcp(f);
    call *c = tcp_connect(f, id, "a.stall.test", 9);
    until_stalled(f, 1);
    settle(f);
    CHECK(c->done == NULL);
    IS_OK(tcp_disconnect(f, id));
    IS_FAIL(c, CHROMESOCK_ABORTED);
    shim_release();
}

/* App close: pending look-ups complete with ABORTED; the end does not wait for the resolver. */
static void app_close_while_resolving(fx *f) {
    call *c = tcp_connect(f, new_tcp(f), "a.stall.test", 9);
    until_stalled(f, 1);
    fx_close_and_check(f);
    CHECK_INT(shim_stalled(), 1);
    fail_code_at(__FILE__, __LINE__, c->done, CHROMESOCK_ABORTED, NULL);
    shim_release();
}

/* Free with hanging look-ups returns; the thread that hangs holds nothing of the app. */
static void free_while_resolving(void) {
    for (int mode = 0; mode < MODE_COUNT; mode++) {
        fx *f = fx_new((enum mode)mode, NULL);
        call *c = tcp_connect(f, new_tcp(f), "a.stall.test", 9);
        until_stalled(f, 1);
        chromesock_app_free(f->app);
        CHECK_INT(shim_stalled(), 1);
        if (mode != MODE_PULL) fail_code_at(__FILE__, __LINE__, c->done, CHROMESOCK_ABORTED, NULL);
        fx_forget(f);
        /* let it come back now, with nobody to answer to */
        shim_release();
    }
}

/* Ends the process with a look-up still hanging: exit must not wait for it. */
static void exit_while_resolving(void) {
    fx *f = fx_new(MODE_DISPATCH, NULL);
    tcp_connect(f, new_tcp(f), "last.stall.test", 9);
    until_stalled(f, 1);
    chromesock_app_free(f->app);
    fx_forget(f);
}

int main(int argc, char **argv) {
    harness_init(argc, argv);
    RUN_ALL_MODES(close_while_resolving);
    RUN_ALL_MODES(many_look_ups);
    RUN_ALL_MODES(the_rest_goes_on);
    RUN_ALL_MODES(app_close_while_resolving);
    RUN(free_while_resolving);
    RUN(exit_while_resolving);
    return harness_finish();
}
