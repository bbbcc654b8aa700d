/* http_files: from a request to a reply out of one folder. No sockets in here either. */
#ifndef EXAMPLES_HTTP_FILES_H
#define EXAMPLES_HTTP_FILES_H

#include "http_request.h"
#include "text.h"

#include <sys/types.h>

struct http_reply {
    int status;
    struct text text; /* the head, and a body that was made in memory */
    size_t text_used; /* so much of it was taken */
    int file;         /* then this part of a file; -1 = none */
    off_t file_offset;
    uint64_t file_left;
    bool keep_alive;
};

/* The folder as realpath gives it, without a slash at the end. */
bool http_files_root(const char *folder, char *root, size_t capacity);

/* Makes the reply; `reply->text.failed` tells that memory ran out. */
void http_files_answer(const char *root, const struct http_request *request, struct http_reply *reply);
/* For a request that http_request_parse refuses: the connection ends behind it. */
void http_reply_refuse(struct http_reply *reply, int status, bool head_only);

/* Takes the next bytes to send, at most `capacity`; 0 = that was all, -1 = the file became shorter
 * than the head said, so the connection has to end. */
ssize_t http_reply_take(struct http_reply *reply, char *buffer, size_t capacity);
bool http_reply_done(const struct http_reply *reply);
void http_reply_free(struct http_reply *reply);

/* Parts that are tested on their own. */

/* "/a%20b//c?x" gives "a b/c". 200, or the status to refuse with. */
int http_path_decode(struct http_piece target, char *path, size_t capacity);
/* 200: send everything; 206: send *first to *last; 416: no such part. */
int http_range_parse(struct http_piece range, uint64_t size, uint64_t *first, uint64_t *last);
const char *http_content_type(const char *path);

#endif
