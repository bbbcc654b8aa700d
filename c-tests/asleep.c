#include "asleep.h"

#include <ctype.h>
#include <dirent.h>
#include <sched.h>

long long own_writes(void) {
    char line[64];
    long long n = -1;
    FILE *file = fopen("/proc/thread-self/io", "r");
    CHECK(file != NULL);
    while (fgets(line, sizeof line, file) != NULL) (void)sscanf(line, "syscw: %lld", &n);
    fclose(file);
    CHECK(n >= 0);
    return n;
}

/* What the reactor's thread waits in: its fourth argument is the time-out of epoll_wait and epoll_pwait.
 * 1 if it waits for ever. Of this process's threads the reactor's is the one of that name, which it gives
 * itself as it starts. */
int sleeps_for_ever(void) {
    int found = 0, sleeps = 0;
    DIR *dir = opendir("/proc/self/task");
    CHECK(dir != NULL);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        char path[300], text[256] = "";
        unsigned long long timeout = 0;
        FILE *file;
        if (!isdigit((unsigned char)entry->d_name[0])) continue;
        snprintf(path, sizeof path, "/proc/self/task/%s/comm", entry->d_name);
        file = fopen(path, "r");
        if (file == NULL) continue;
        if (fgets(text, sizeof text, file) == NULL) text[0] = 0;
        fclose(file);
        if (strcmp(text, "chromesock\n") != 0) continue;
        found++;
        snprintf(path, sizeof path, "/proc/self/task/%s/syscall", entry->d_name);
        file = fopen(path, "r");
        CHECK(file != NULL);
        sleeps = fscanf(file, "%*d %*x %*x %*x %llx", &timeout) == 1 && (int32_t)timeout == -1;
        fclose(file);
    }
    closedir(dir);
    CHECK(found <= 1);
    return sleeps;
}

void wait_asleep(void) {
    long long end = now_ms() + deadline_ms();
    while (!sleeps_for_ever()) {
        if (now_ms() > end) FAIL("the reactor does not sleep");
        sched_yield();
    }
}
