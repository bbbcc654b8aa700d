#include "manifest.h"
#include "text.h"

#include <stdio.h>

static void complain(const char *program, const char *path, const char *why) {
    fprintf(stderr, "%s: %s: %s\n", program, path, why);
}

char *manifest_read(const char *program, const char *path) {
    struct text text = {0};
    const char *wrong = text_read_file(&text, path);
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
