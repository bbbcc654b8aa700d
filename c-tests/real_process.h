/* Servers started for one test: own folder, own port, killed at the end. */
#ifndef CHROMESOCK_TEST_REAL_PROCESS_H
#define CHROMESOCK_TEST_REAL_PROCESS_H

#include <stddef.h>
#include <stdint.h>

/* Ends the program with 77 (skipped) if the binary is nowhere in PATH or the usual folders. */
const char *real_find(const char *binary);
const char *real_folder(void);                    /* made on first use, removed at exit */
void real_write(const char *name, const void *data, size_t len);   /* a file in the folder */
uint16_t real_port(void);                         /* for a server */
void real_start(const char *const *argv);         /* killed and awaited at exit */
void real_wait_listening(uint16_t port);           /* of the one started last */

#endif
