/* tls_words: what to tell the user when a connection cannot be secured. */
#ifndef EXAMPLES_TLS_WORDS_H
#define EXAMPLES_TLS_WORDS_H

#include <chromesock.h>

/* For a failed CHROME_SOCKETS_TCP_SECURE: Chrome's name for it, and what it means. */
void tls_print_failure(const char *program, const char *peer, const chromesock_event *event);

#endif
