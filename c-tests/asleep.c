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

/* How many there are: threads of that name, which they give themselves as they start. And whether the last one waits
 * for ever: what it waits in has the time-out as fourth argument, epoll_wait as well as epoll_pwait. */
static int reactors(int *sleeps) {
    int found = 0;
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
        snprintf(path, sizeof path, "/proc/self/task/%s/syscall", entry->d_name);
        file = fopen(path, "r");
        if (file == NULL) continue; /* it has ended meanwhile */
        found++;
        *sleeps = fscanf(file, "%*d %*x %*x %*x %llx", &timeout) == 1 && (int32_t)timeout == -1;
        fclose(file);
    }
    closedir(dir);
    return found;
}

int sleeps_for_ever(void) {
    int sleeps = 0;
    /* One that has been waited for is listed for a moment longer. */
    wait_idly(reactors(&sleeps) <= 1);
    return sleeps;
}

void wait_no_reactor(void) {
    int sleeps;
    wait_idly(reactors(&sleeps) == 0);
}

void wait_asleep(void) {
    long long end = now_ms() + deadline_ms();
    while (!sleeps_for_ever()) {
        if (now_ms() > end) FAIL("the reactor does not sleep");
        sched_yield();
    }
}
