/* The notation of data and of traces, see cases/README.md. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cases_run.h"

void give_up(const char *format, ...) {
    va_list args;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    exit(2);
}

void *must(void *memory) {
    if (memory == NULL) give_up("out of memory");
    return memory;
}

bytes bytes_of(const char *text) {
    bytes b;
    size_t times = 0;
    int end = 0;
    if (strncmp(text, "hex:", 4) == 0) {
        b.len = strlen(text + 4) / 2;
        b.at = must(malloc(b.len + 1));
        for (size_t i = 0; i < b.len; i++) {
            unsigned byte;
            if (sscanf(text + 4 + 2 * i, "%2x", &byte) != 1) give_up("no hex: %s", text);
            b.at[i] = (unsigned char)byte;
        }
    } else if (text[0] != '\0' && sscanf(text + 1, "*%zu%n", &times, &end) == 1 && text[1 + end] == '\0') {
        b.len = times;
        b.at = must(malloc(times + 1));
        memset(b.at, text[0], times);
    } else {
        b.len = strlen(text);
        b.at = must(malloc(b.len + 1));
        memcpy(b.at, text, b.len);
    }
    return b;
}

char *text_of(const unsigned char *data, size_t len) {
    size_t same = 0, printable = 0;
    char *text;
    for (size_t i = 0; i < len; i++) {
        same += data[i] == data[0];
        printable += data[i] >= 0x20 && data[i] <= 0x7e;
    }
    text = must(malloc(2 * len + 32));
    if (printable < len) {
        char *at = text + sprintf(text, "hex:");
        for (size_t i = 0; i < len; i++) at += sprintf(at, "%02x", data[i]);
    } else if (len > 32 && same == len) {
        sprintf(text, "%c*%zu", data[0], len);
    } else {
        if (len) memcpy(text, data, len);
        text[len] = '\0';
    }
    return text;
}

/* Members in the order of their names, everywhere below `value`. */
static void sort_members(cJSON *value) {
    if (cJSON_IsObject(value)) {
        cJSON *sorted = must(cJSON_CreateObject());
        while (value->child) {
            cJSON *least = value->child;
            for (cJSON *at = least->next; at; at = at->next)
                if (strcmp(at->string, least->string) < 0) least = at;
            /* cJSON appends to objects as to arrays: the name stays with the item */
            cJSON_AddItemToArray(sorted, cJSON_DetachItemViaPointer(value, least));
        }
        value->child = sorted->child;
        sorted->child = NULL;
        cJSON_Delete(sorted);
    }
    for (cJSON *at = value->child; at; at = at->next) sort_members(at);
}

char *trace_line(const char *name, cJSON *value, const char *message) {
    char *json = NULL, *line;
    size_t room = strlen(name) + (message ? strlen(message) : 0) + 8;
    if (value) {
        sort_members(value);
        json = must(cJSON_PrintUnformatted(value));
        room += strlen(json);
    }
    line = must(malloc(room));
    snprintf(line, room, "%s%s%s%s%s", name, json ? " " : "", json ? json : "", message ? " ! " : "",
             message ? message : "");
    free(json);
    return line;
}
