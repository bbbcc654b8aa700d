#include "event_copy.h"

static char *copy_text(const char *s) {
    char *r;
    if (s == NULL) return NULL;
    r = strdup(s);
    if (r == NULL) FAIL("out of memory");
    return r;
}

static struct tls_facts *copy_session(const chromesock_tls_session *from) {
    struct tls_facts *t = calloc(1, sizeof *t);
    if (t == NULL) FAIL("out of memory");
    CHECK(from->size >= sizeof *from);
    snprintf(t->version, sizeof t->version, "%s", from->version);
    snprintf(t->suite, sizeof t->suite, "%s", from->cipher_suite);
    snprintf(t->group, sizeof t->group, "%s", from->key_exchange_group);
    snprintf(t->name, sizeof t->name, "%s", from->verified_name);
    t->chain_len = from->chain_len;
    t->leaf_len = from->chain[0].len;
    CHECK(t->leaf_len <= sizeof t->leaf);
    memcpy(t->leaf, from->chain[0].data, t->leaf_len);
    return t;
}

ev *event_copy(const chromesock_event *event) {
    ev *e = calloc(1, sizeof *e);
    const unsigned char *at = (const unsigned char *)event->sockets;
    if (e == NULL) FAIL("out of memory");
    CHECK(event->size >= sizeof *event);
    e->type = event->type;
    e->present = event->present;
    e->id = event->socket_id;
    e->client = event->client_socket_id;
    e->result = event->result;
    e->port = event->port;
    e->user = event->user_data;
    e->message = copy_text(event->message);
    e->address = copy_text(event->address);
    e->bytes_sent = event->bytes_sent;
    e->len = event->data_len;
    if (e->len) {
        e->data = malloc(e->len);
        if (e->data == NULL) FAIL("out of memory");
        memcpy(e->data, event->data, e->len);
    }
    e->info_len = event->sockets_len;
    e->info = e->info_len ? calloc(e->info_len, sizeof *e->info) : NULL;
    for (size_t i = 0; i < e->info_len; i++) {
        const chromesock_socket_info *from = (const chromesock_socket_info *)(const void *)at;
        CHECK(from->size >= sizeof *from);
        e->info[i] = *from;
        e->info[i].name = copy_text(from->name);
        e->info[i].local_address = copy_text(from->local_address);
        e->info[i].peer_address = copy_text(from->peer_address);
        at += from->size;
    }
    e->texts_len = event->texts_len;
    e->texts = e->texts_len ? calloc(e->texts_len, sizeof *e->texts) : NULL;
    for (size_t i = 0; i < e->texts_len; i++) e->texts[i] = copy_text(event->texts[i]);
    at = (const unsigned char *)event->interfaces;
    e->interfaces_len = event->interfaces_len;
    e->interfaces = e->interfaces_len ? calloc(e->interfaces_len, sizeof *e->interfaces) : NULL;
    for (size_t i = 0; i < e->interfaces_len; i++) {
        const chrome_socket_network_interface *from = (const void *)at;
        CHECK(from->size >= sizeof *from);
        e->interfaces[i] = *from;
        e->interfaces[i].name = copy_text(from->name);
        e->interfaces[i].address = copy_text(from->address);
        at += from->size;
    }
    if (event->tls_session) e->tls = copy_session(event->tls_session);
    return e;
}

void event_free(ev *e) {
    for (size_t i = 0; i < e->info_len; i++) {
        free((char *)(uintptr_t)e->info[i].name);
        free((char *)(uintptr_t)e->info[i].local_address);
        free((char *)(uintptr_t)e->info[i].peer_address);
    }
    for (size_t i = 0; i < e->texts_len; i++) free(e->texts[i]);
    for (size_t i = 0; i < e->interfaces_len; i++) {
        free((char *)(uintptr_t)e->interfaces[i].name);
        free((char *)(uintptr_t)e->interfaces[i].address);
    }
    free(e->texts);
    free(e->interfaces);
    free(e->tls);
    free(e->info);
    free(e->message);
    free(e->address);
    free(e->data);
    free(e);
}
