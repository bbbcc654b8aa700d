/* What the harness keeps of an event: a copy of its own, so that tests may look at it after the callback. */
#ifndef CHROMESOCK_TEST_EVENT_COPY_H
#define CHROMESOCK_TEST_EVENT_COPY_H

#include "harness.h"

ev *event_copy(const chromesock_event *event);
void event_free(ev *e);

#endif
