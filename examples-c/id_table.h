/* id_table: finds a program's own record of a socket by the socket's id.
 * Events name a socket by id only. Looking the id up each time makes late events harmless: ids are
 * never used twice, so the answer for a closed socket is simply "not found". */
#ifndef EXAMPLES_ID_TABLE_H
#define EXAMPLES_ID_TABLE_H

#include <stdint.h>

#define ID_TABLE_BUCKETS 4096u /* a power of two */

/* The first member of whatever is kept in the table. */
struct id_entry {
    int32_t id;
    struct id_entry *next;
};

struct id_table {
    struct id_entry *buckets[ID_TABLE_BUCKETS];
};

void id_table_add(struct id_table *table, struct id_entry *entry);
struct id_entry *id_table_find(const struct id_table *table, int32_t id);   /* NULL = not there */
struct id_entry *id_table_remove(struct id_table *table, int32_t id);       /* NULL = not there */
struct id_entry *id_table_any(const struct id_table *table);                /* NULL = empty */

#endif
