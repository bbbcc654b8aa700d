/* What both libuv servers share: checks, and the end of the loop with the end of standard input. */
#ifndef UV_HOST_H
#define UV_HOST_H

#include "bench.h"

#include <signal.h>
#include <uv.h>

static inline void check(int result, const char *what)
{
    if (result < 0) {
        fprintf(stderr, "%s: %s\n", what, uv_strerror(result));
        exit(1);
    }
}

static inline void on_input_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    static char drained[256];
    (void)handle;
    (void)suggested;
    *buf = uv_buf_init(drained, sizeof drained);
}

static inline void on_input(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    (void)buf;
    if (n < 0) {
        uv_stop(stream->loop);
    }
}

static inline void run_until_end_of_input(uv_loop_t *loop)
{
    uv_pipe_t input;
    signal(SIGPIPE, SIG_IGN); /* libuv leaves that to the program */
    check(uv_pipe_init(loop, &input, 0), "uv_pipe_init");
    check(uv_pipe_open(&input, 0), "standard input");
    check(uv_read_start((uv_stream_t *)&input, on_input_alloc, on_input), "standard input");
    uv_run(loop, UV_RUN_DEFAULT);
}

#endif
