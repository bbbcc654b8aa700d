#include "text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LONGEST (16 * 1024 * 1024) /* guards against the wrong file */

static bool reserve(struct text *text, size_t more) {
    if (text->failed || more > (size_t)-1 / 4 - text->len) {
        text->failed = true;
        return false;
    }
    if (text->len + more <= text->capacity)
        return true;
    size_t capacity = text->capacity ? text->capacity : 512;
    while (capacity < text->len + more)
        capacity *= 2;
    char *grown = realloc(text->at, capacity);
    if (grown == NULL) {
        text->failed = true;
        return false;
    }
    text->at = grown;
    text->capacity = capacity;
    return true;
}

void text_add(struct text *text, const void *bytes, size_t len) {
    if (len == 0 || !reserve(text, len))
        return;
    memcpy(text->at + text->len, bytes, len);
    text->len += len;
}

void text_print(struct text *text, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (len < 0 || !reserve(text, (size_t)len + 1)) {
        text->failed = true;
        return;
    }
    va_start(arguments, format);
    vsnprintf(text->at + text->len, (size_t)len + 1, format, arguments);
    va_end(arguments);
    text->len += (size_t)len;
}

void text_free(struct text *text) {
    free(text->at);
    memset(text, 0, sizeof *text);
}

const char *text_read_file(struct text *text, const char *path) {
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return strerror(errno);
    char buffer[4096];
    size_t len;
    while ((len = fread(buffer, 1, sizeof buffer, file)) > 0 && text->len < LONGEST)
        text_add(text, buffer, len);
    const char *wrong = ferror(file) ? strerror(errno) : NULL;
    fclose(file);
    if (wrong == NULL && (text->len >= LONGEST || (text->len > 0 && memchr(text->at, '\0', text->len) != NULL)))
        wrong = "this is not a text file";
    text_add(text, "", 1);
    return text->failed ? "no memory" : wrong;
}
