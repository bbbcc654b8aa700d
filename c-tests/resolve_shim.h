/* Replaces getaddrinfo for a test program (the program's definition comes before the C library's, for
 * the library under test as well). Names under .stall.test block until released, other names under
 * .test are answered from a table, everything else goes to the system. */
#ifndef CHROMESOCK_TEST_RESOLVE_SHIM_H
#define CHROMESOCK_TEST_RESOLVE_SHIM_H

void shim_clear(void);                                        /* empty table, counters at 0 */
void shim_set(const char *name, const char *const *addresses);  /* ended by NULL */
void shim_error(const char *name, int eai);
void shim_release(void);                  /* stalled queries have ended, with 127.0.0.1, when it returns */
int shim_stalled(void);                                       /* queries blocked at this moment */
int shim_queries(void);                                       /* all queries since shim_clear */
const char *shim_last_name(void);                             /* of the latest query */

#endif
