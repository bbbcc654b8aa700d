/* Whether the reactor sleeps, and what it costs to wake it. For processes with one reactor. */
#ifndef CHROMESOCK_TEST_ASLEEP_H
#define CHROMESOCK_TEST_ASLEEP_H

#include "harness.h"

long long own_writes(void);   /* of the calling thread; sends and receives on sockets do not count */
int sleeps_for_ever(void);    /* the reactor's thread waits without a time-out */
void wait_asleep(void);
void wait_no_reactor(void);   /* its thread has ended */

#endif
