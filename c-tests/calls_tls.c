#include "calls_tls.h"

#include "calls_socket.h"

static chrome_sockets_tcp_secure_options versions(const char *min, const char *max) {
    chrome_sockets_tcp_secure_options o = {sizeof o, 0, min, max};
    return o;
}

call *tcp_secure(fx *f, int32_t id) {
    call *c = call_entered(f, CHROME_SOCKETS_TCP_SECURE, id);
    return MADE(c, chrome_sockets_tcp_secure(f->app, id, NULL, f->callback, c));
}
call *tcp_secure_versions(fx *f, int32_t id, const char *min, const char *max) {
    call *c = call_entered(f, CHROME_SOCKETS_TCP_SECURE, id);
    chrome_sockets_tcp_secure_options o = versions(min, max);
    return MADE(c, chrome_sockets_tcp_secure(f->app, id, &o, f->callback, c));
}
call *sock_secure(fx *f, int32_t id) {
    call *c = call_entered(f, CHROME_SOCKET_SECURE, id);
    return MADE(c, chrome_socket_secure(f->app, id, NULL, f->callback, c));
}
call *sock_secure_versions(fx *f, int32_t id, const char *min, const char *max) {
    call *c = call_entered(f, CHROME_SOCKET_SECURE, id);
    chrome_sockets_tcp_secure_options o = versions(min, max);
    return MADE(c, chrome_socket_secure(f->app, id, &o, f->callback, c));
}
call *get_tls_session(fx *f, int32_t id) {
    call *c = call_entered(f, CHROMESOCK_TLS_SESSION, id);
    return MADE(c, chromesock_app_get_tls_session(f->app, id, f->callback, c));
}

void secure_failed_at(const char *file, int line, call *secure, int32_t code) {
    fx *f = secure->f;
    fail_code_at(file, line, await_at(file, line, secure), code, NULL);
    if (secure->type == CHROME_SOCKET_SECURE) {
        fail_text_at(file, line, await_at(file, line, sock_get_info(f, secure->id)), NOT_FOUND);
        return;
    }
    fail_text_at(file, line, await_at(file, line, tcp_set_paused(f, secure->id, 0)), NOT_FOUND);
    fail_text_at(file, line, await_at(file, line, tcp_close(f, secure->id)), NOT_FOUND);
}
