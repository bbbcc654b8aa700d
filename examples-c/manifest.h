/* manifest: the file for options.manifest, and what to tell the user about it. */
#ifndef EXAMPLES_MANIFEST_H
#define EXAMPLES_MANIFEST_H

#include <chromesock.h>

/* The text of the file, free() it; NULL: the user has been told why. Warnings are printed. */
char *manifest_read(const char *program, const char *path);
/* After CHROMESOCK_INVALID_MANIFEST: prints what is wrong, and where. */
void manifest_print_error(const char *program, const char *path, const char *text);
/* For CHROMESOCK_PERMISSION_DENIED: which call was denied, and which rule is missing. */
void manifest_print_denial(const char *program, const chromesock_event *event);

#endif
