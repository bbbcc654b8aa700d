/* Wrappers for what TLS adds to the API: secure in both generations, and what the host may ask. */
#ifndef CHROMESOCK_TEST_CALLS_TLS_H
#define CHROMESOCK_TEST_CALLS_TLS_H

#include "harness.h"

call *tcp_secure(fx *f, int32_t id);
call *tcp_secure_versions(fx *f, int32_t id, const char *min, const char *max);
call *sock_secure(fx *f, int32_t id);
call *sock_secure_versions(fx *f, int32_t id, const char *min, const char *max);
call *get_tls_session(fx *f, int32_t id);

/* FAIL(code) of a secure that ends the socket: its id is gone (tcp.md TLS-10). */
void secure_failed_at(const char *file, int line, call *secure, int32_t code);
#define SECURE_FAILED(c, code) secure_failed_at(__FILE__, __LINE__, c, code)

#define NOT_CONNECTED "Socket not connected"
#define NOT_PLAIN "Socket must be a connected client TCP socket."
#define ONLY_TCP "Only TCP sockets are supported for TLS."

#endif
