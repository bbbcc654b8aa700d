#include "manifest.h"
#include "text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define LONGEST (16 * 1024 * 1024) /* the library takes less; this only guards against the wrong file */

static void complain(const char *program, const char *path, const char *why) {
    fprintf(stderr, "%s: %s: %s\n", program, path, why);
}

/* NULL: fine; the text ends with NUL then. */
static const char *read_file(const char *path, struct text *text) {
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
        wrong = "this is not a manifest";
    text_add(text, "", 1);
    return text->failed ? "no memory" : wrong;
}

char *manifest_read(const char *program, const char *path) {
    struct text text = {0};
    const char *wrong = read_file(path, &text);
    if (wrong != NULL) {
        complain(program, path, wrong);
        text_free(&text);
        return NULL;
    }
    chromesock_texts *warnings = NULL;
    if (chromesock_manifest_check(text.at, &warnings) == CHROMESOCK_OK)
        for (size_t i = 0; i < chromesock_texts_count(warnings); i++)
            complain(program, path, chromesock_texts_at(warnings, i));
    chromesock_texts_free(warnings);
    return text.at;
}

void manifest_print_error(const char *program, const char *path, const char *text) {
    chromesock_texts *messages = NULL;
    chromesock_manifest_check(text, &messages);
    const char *message = chromesock_texts_at(messages, 0), *place = chromesock_texts_at(messages, 1);
    if (message == NULL)
        message = "this is not a manifest";
    if (place != NULL && place[0] != '\0')
        fprintf(stderr, "%s: %s: %s: %s\n", program, path, place, message);
    else
        complain(program, path, message);
    chromesock_texts_free(messages);
}

void manifest_print_denial(const char *program, const chromesock_event *event) {
    fprintf(stderr, "%s: %s\n", program, event->message != NULL ? event->message : "denied");
}
