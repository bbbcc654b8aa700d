/* cases/peer.py as a child process, one line there and one line back. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cases_run.h"

struct peer {
    pid_t pid;
    FILE *to, *from;
};

peer *peer_start(const char *script) {
    peer *p = must(malloc(sizeof *p));
    int to[2], from[2];
    if (pipe(to) != 0 || pipe(from) != 0) give_up("pipe");
    p->pid = fork();
    if (p->pid < 0) give_up("fork");
    if (p->pid == 0) {
        dup2(to[0], 0);
        dup2(from[1], 1);
        close(to[0]), close(to[1]), close(from[0]), close(from[1]);
        execlp("python3", "python3", script, (char *)NULL);
        _exit(127);
    }
    close(to[0]);
    close(from[1]);
    p->to = must(fdopen(to[1], "w"));
    p->from = must(fdopen(from[0], "r"));
    return p;
}

cJSON *peer_ask(peer *p, const cJSON *request) {
    char *text = must(cJSON_PrintUnformatted(request));
    char *line = NULL;
    size_t room = 0;
    cJSON *answer;
    fprintf(p->to, "%s\n", text);
    fflush(p->to);
    if (getline(&line, &room, p->from) < 0) give_up("the peer is gone, at %s", text);
    answer = cJSON_Parse(line);
    if (answer == NULL) give_up("the peer said %s", line);
    free(line);
    free(text);
    return answer;
}

void peer_stop(peer *p) {
    int status;
    fclose(p->to);      /* the end of its input ends it */
    fclose(p->from);
    waitpid(p->pid, &status, 0);
    free(p);
}
