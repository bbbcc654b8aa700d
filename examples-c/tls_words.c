#include "tls_words.h"

#include <stdio.h>

static const char *explain(chromesock_status status) {
    switch (status) {
    case CHROMESOCK_CERT_AUTHORITY_INVALID:
        return "nobody who is trusted vouches for the server's certificate (--cacert FILE adds authorities)";
    case CHROMESOCK_CERT_COMMON_NAME_INVALID:
        return "the server's certificate is for another name";
    case CHROMESOCK_CERT_DATE_INVALID:
        return "the server's certificate has expired, or is not valid yet; or the clock is wrong";
    case CHROMESOCK_SSL_PROTOCOL_ERROR:
        return "what the server says is not TLS, or breaks its rules";
    case CHROMESOCK_SSL_VERSION_OR_CIPHER_MISMATCH:
        return "the server has no version of TLS or no cipher that is safe enough";
    case CHROMESOCK_SSL_CLIENT_AUTH_CERT_NEEDED:
        return "the server wants a certificate from its clients";
    default: {
        const char *text = chromesock_status_text(status);
        return text != NULL ? text : "unknown error";
    }
    }
}

void tls_print_failure(const char *program, const char *peer, const chromesock_event *event) {
    fprintf(stderr, "%s: %s: cannot be secured: %s: %s\n", program, peer, event->message, explain(event->result));
}
