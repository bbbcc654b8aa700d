#include "id_table.h"

#include <stddef.h>

static unsigned bucket_of(int32_t id) {
    return (uint32_t)id & (ID_TABLE_BUCKETS - 1u);
}

void id_table_add(struct id_table *table, struct id_entry *entry) {
    struct id_entry **bucket = &table->buckets[bucket_of(entry->id)];
    entry->next = *bucket;
    *bucket = entry;
}

struct id_entry *id_table_find(const struct id_table *table, int32_t id) {
    struct id_entry *entry = table->buckets[bucket_of(id)];
    while (entry != NULL && entry->id != id)
        entry = entry->next;
    return entry;
}

struct id_entry *id_table_remove(struct id_table *table, int32_t id) {
    struct id_entry **link = &table->buckets[bucket_of(id)];
    while (*link != NULL && (*link)->id != id)
        link = &(*link)->next;
    struct id_entry *entry = *link;
    if (entry != NULL)
        *link = entry->next;
    return entry;
}

struct id_entry *id_table_any(const struct id_table *table) {
    for (unsigned i = 0; i < ID_TABLE_BUCKETS; i++)
        if (table->buckets[i] != NULL)
            return table->buckets[i];
    return NULL;
}
