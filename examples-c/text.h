/* text: a string that grows. An allocation that fails is remembered in `failed`; ask once, at the end. */
#ifndef EXAMPLES_TEXT_H
#define EXAMPLES_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct text {
    char *at; /* free() it; NULL while empty */
    size_t len, capacity;
    bool failed;
};

void text_add(struct text *text, const void *bytes, size_t len);
void text_print(struct text *text, const char *format, ...);
void text_free(struct text *text);
/* Appends a whole file and a NUL; NULL, or what is wrong: a file with a NUL in it is none of text. */
const char *text_read_file(struct text *text, const char *path);

#endif
