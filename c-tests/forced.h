/* Optional paths of the library forced off, or spinning forced on, for all apps of a test program: from
 *   CHROMESOCK_TEST_WITHOUT       a sum of CHROMESOCK_WITHOUT_...
 *   CHROMESOCK_TEST_BUSY_POLL_US  a time
 *   CHROMESOCK_TEST_RUN_CALLS     any text: each call is carried out in the reactor's place where that sleeps
 * What an app observes is the same, so the tests hold all the same. */
#ifndef CHROMESOCK_TEST_FORCED_H
#define CHROMESOCK_TEST_FORCED_H

#include <chromesock.h>
#include <stdlib.h>

static inline void force_paths(chromesock_app_options *options) {
    const char *without = getenv("CHROMESOCK_TEST_WITHOUT"), *us = getenv("CHROMESOCK_TEST_BUSY_POLL_US");
    if (without) options->without |= (uint32_t)strtoul(without, NULL, 10);
    if (us && options->busy_poll_us == 0) options->busy_poll_us = (uint32_t)strtoul(us, NULL, 10);
}

/* Before a call, and behind it. */
static inline void force_hold(chromesock_app *app) {
    if (getenv("CHROMESOCK_TEST_RUN_CALLS")) (void)chromesock_app_hold_calls(app, 1);
}
static inline void force_run(chromesock_app *app) {
    if (getenv("CHROMESOCK_TEST_RUN_CALLS")) (void)chromesock_app_run_calls(app);
}

#endif
