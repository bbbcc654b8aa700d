/* What a process holds right now, as the kernel and the C library tell it. */
#ifndef PROCESS_H
#define PROCESS_H

#include "bench.h"

#include <dirent.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>

/* Bytes handed out by malloc in all threads, large blocks included; 0 under a sanitizer. */
static inline int64_t heap_in_use(void)
{
    struct mallinfo2 heap = mallinfo2();
    return (int64_t)(heap.uordblks + heap.hblkhd);
}

static inline int32_t count_descriptors(void)
{
    int32_t n = 0;
    DIR *dir = opendir("/proc/self/fd");
    if (dir == NULL) {
        die("/proc/self/fd");
    }
    while (readdir(dir) != NULL) {
        n++;
    }
    closedir(dir);
    return n; /* "." , ".." and the folder itself are counted each time */
}

/* Bytes of pages that only this process has and that it has written to; 0 if not known. */
static inline int64_t private_dirty(pid_t process)
{
    char line[256], path[64];
    long kib = -1;
    snprintf(path, sizeof path, "/proc/%ld/smaps_rollup", (long)process);
    FILE *file = fopen(path, "r");
    while (file != NULL && kib < 0 && fgets(line, sizeof line, file) != NULL) {
        if (sscanf(line, "Private_Dirty: %ld", &kib) != 1) {
            kib = -1;
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    return kib < 0 ? 0 : (int64_t)kib * 1024;
}

#endif
