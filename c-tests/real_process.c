#include "real_process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

static char folder[64];
enum { MOST_CHILDREN = 64 };
static pid_t children[MOST_CHILDREN];
static int children_len;

static void remove_tree(const char *path) {
    DIR *dir = opendir(path);
    struct dirent *entry;
    if (dir == NULL) {
        unlink(path);
        return;
    }
    while ((entry = readdir(dir)) != NULL) {
        char inner[512];
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name);
        remove_tree(inner);
    }
    closedir(dir);
    rmdir(path);
}

static void end_child(pid_t child) {
    kill(child, SIGTERM);
    for (int n = 0; n < 200; n++) { /* two seconds to end by itself */
        if (waitpid(child, NULL, WNOHANG) != 0) return;
        usleep(10000);
    }
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

static void clean_up(void) {
    while (children_len > 0) end_child(children[--children_len]);
    if (folder[0]) remove_tree(folder);
}

const char *real_find(const char *binary) {
    static char path[256];
    static const char *const places[] = {"/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin"};
    for (size_t n = 0; n < sizeof places / sizeof places[0]; n++) {
        snprintf(path, sizeof path, "%s/%s", places[n], binary);
        if (access(path, X_OK) == 0) return path;
    }
    printf("skipped: no %s on this machine\n", binary);
    exit(77);
}

const char *real_folder(void) {
    if (!folder[0]) {
        strcpy(folder, "/tmp/chromesock-test-XXXXXX");
        CHECK(mkdtemp(folder) != NULL);
        CHECK_INT(chmod(folder, 0755), 0); /* the server's workers may be another user */
        atexit(clean_up);
    }
    return folder;
}

void real_write(const char *name, const void *data, size_t len) {
    char path[256];
    FILE *file;
    snprintf(path, sizeof path, "%s/%s", real_folder(), name);
    file = fopen(path, "wb");
    CHECK(file != NULL);
    CHECK_INT(fwrite(data, 1, len, file), len);
    CHECK_INT(fclose(file), 0);
}

uint16_t real_port(void) { return dead_port(); }

/* Those that have ended by themselves make room. */
static void forget_ended(void) {
    int kept = 0;
    for (int n = 0; n < children_len; n++)
        if (waitpid(children[n], NULL, WNOHANG) == 0) children[kept++] = children[n];
    children_len = kept;
}

void real_start(const char *const *argv) {
    pid_t child;
    real_folder();
    forget_ended();
    CHECK(children_len < MOST_CHILDREN);
    child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        int null = open("/dev/null", O_RDWR);
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* a failed test leaves nothing running */
        dup2(null, 0);
        dup2(null, 1);
        execv(argv[0], (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    children[children_len++] = child;
}

void real_wait_listening(uint16_t port) {
    long long end = now_ms() + deadline_ms();
    for (;;) {
        int fd = peer_try_connect("127.0.0.1", port), status;
        if (fd >= 0) {
            close(fd);
            return;
        }
        if (waitpid(children[children_len - 1], &status, WNOHANG) > 0) {
            children_len--;
            FAIL("the server ended at once, status 0x%x", (unsigned)status);
        }
        if (now_ms() > end) FAIL("the server does not listen on port %u: %s", (unsigned)port, strerror(-fd));
        usleep(5000);
    }
}
