/* transcript: prints what goes through the library's boundary, one line each:
 *     > sockets.tcp.connect(1, "127.0.0.1", 80)              a call
 *     < sockets.tcp.connect {socketId 1, result 0}           its completion
 *     ! sockets.tcp.onReceive {socketId 1, data 512 bytes}   an event
 */
#ifndef EXAMPLES_TRANSCRIPT_H
#define EXAMPLES_TRANSCRIPT_H

#include <chromesock.h>
#include <stdio.h>

void transcript_to(FILE *out); /* without it nothing is printed; before the first call */
void transcript_call(const char *format, ...);
void transcript_event(const chromesock_event *event);

#endif
