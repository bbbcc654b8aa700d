#define _POSIX_C_SOURCE 200809L
#include "transcript.h"

#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

static FILE *transcript;

void transcript_to(FILE *out) {
    transcript = out;
    setvbuf(out, NULL, _IOLBF, 0);
}

void transcript_call(const char *format, ...) {
    if (transcript == NULL)
        return;
    va_list arguments;
    va_start(arguments, format);
    flockfile(transcript); /* one line is one piece, whatever other threads print */
    fputs("> ", transcript);
    vfprintf(transcript, format, arguments);
    fputc('\n', transcript);
    funlockfile(transcript);
    va_end(arguments);
}

static void print_info(FILE *out, const chromesock_socket_info *info) {
    if (info->local_address != NULL)
        fprintf(out, ", local %s port %d", info->local_address, (int)info->local_port);
    if (info->peer_address != NULL)
        fprintf(out, ", peer %s port %d", info->peer_address, (int)info->peer_port);
    if (info->paused)
        fputs(", paused", out);
}

void transcript_event(const chromesock_event *event) {
    if (transcript == NULL)
        return;
    const char *name = chromesock_event_type_name(event->type);
    if (name == NULL)
        name = "an event type this program does not know";
    if (strncmp(name, "chrome.", 7) == 0)
        name += 7;
    flockfile(transcript);
    bool completes = event->type == CHROMESOCK_TLS_SESSION ||
                     (event->type >= CHROME_SOCKETS_TCP_CREATE && strstr(name, ".on") == NULL);
    fprintf(transcript, "%c %s {", completes ? '<' : '!', name);
    const char *between = "";
    if (event->socket_id != 0) {
        fprintf(transcript, "socketId %d", (int)event->socket_id);
        between = ", ";
    }
    if (event->client_socket_id != 0)
        fprintf(transcript, "%sclientSocketId %d", between, (int)event->client_socket_id);
    if (event->present & CHROMESOCK_EVENT_RESULT) {
        fprintf(transcript, "%sresult %d", between, (int)event->result);
        between = ", ";
    }
    if (event->present & CHROMESOCK_EVENT_BYTES_SENT)
        fprintf(transcript, "%sbytesSent %llu", between, (unsigned long long)event->bytes_sent);
    if (event->present & CHROMESOCK_EVENT_DATA)
        fprintf(transcript, "%sdata %zu bytes", between, event->data_len);
    if (event->present & CHROMESOCK_EVENT_ADDRESS)
        fprintf(transcript, "%saddress \"%s\"", between, event->address);
    if (event->present & CHROMESOCK_EVENT_PORT)
        fprintf(transcript, ", port %d", (int)event->port);
    if (event->sockets_len > 0)
        print_info(transcript, event->sockets);
    if (event->tls_session != NULL)
        fprintf(transcript, ", %s, %s, %s, a certificate for \"%s\"", event->tls_session->version,
                event->tls_session->cipher_suite, event->tls_session->key_exchange_group,
                event->tls_session->verified_name);
    fputc('}', transcript);
    if (event->message != NULL)
        fprintf(transcript, "%s: %s", completes ? " failed" : "", event->message);
    fputc('\n', transcript);
    funlockfile(transcript);
}
