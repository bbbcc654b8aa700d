/* Peers that reset under write never raise SIGPIPE in the host, whose disposition is the default one
 * and stays it (tcp.md S-8). */
#include <signal.h>
#include <unistd.h>

#include "harness.h"

static void resets_under_write(fx *f) {
    static char block[100000];
    for (int n = 0; n < 30; n++) {
        int peer, sends = 0;
        int32_t id = n % 2 ? connected(f, &peer) : connected_paused(f, &peer);
        call *c;
        if (n % 3 == 0)
            close(peer);
        else
            peer_reset(peer);
        do {
            c = tcp_send(f, id, block, sizeof block);
            await(c);
        } while (c->done->message == NULL && ++sends < 1000);
        CHECK(sends < 1000);
        CHECK(c->done->result == CHROMESOCK_CONNECTION_RESET ||
              c->done->result == CHROMESOCK_SOCKET_NOT_CONNECTED);
        send_fail_at(__FILE__, __LINE__, c->done, c->done->result);
        tcp_close(f, id);
    }
}

static void disposition_is_untouched(void) {
    struct sigaction a;
    CHECK_INT(sigaction(SIGPIPE, NULL, &a), 0);
    CHECK(a.sa_handler == SIG_DFL);
}

int main(int argc, char **argv) {
    sigset_t mask;
    signal(SIGPIPE, SIG_DFL); /* the runner may have ignored it */
    sigemptyset(&mask);
    sigaddset(&mask, SIGPIPE);
    pthread_sigmask(SIG_UNBLOCK, &mask, NULL);
    harness_init(argc, argv);
    RUN_ALL_MODES(resets_under_write);
    RUN(disposition_is_untouched);
    return harness_finish();
}
