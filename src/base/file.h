/*
 * Files that hold state or come from outside: read whole under a limit, written
 * so that a reader or a power cut finds the old content or the new one, opened
 * without following links in the last component.
 */
#ifndef WSNAP_BASE_FILE_H
#define WSNAP_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/text.h"

/* Opens `path`, a regular file, with O_NOFOLLOW and reads at most `limit` bytes into
 * *text. Returns 1 when there is no such file, -1 when it cannot be read, is not a regular file
 * or is longer. `path` is relative to `dir`, a descriptor or AT_FDCWD. */
int file_read(int dir, const char *path, size_t limit, struct text *text, struct error *err);

/* Like file_read for files that an administrator may have put behind a link
 * (configuration): follows links. */
int file_read_linked(int dir, const char *path, size_t limit, struct text *text, struct error *err);

/* Like file_read_linked, and refuses a file that everybody may write, for root one that anybody else may. */
int file_read_trusted(int dir, const char *path, size_t limit, struct text *text, struct error *err);

/* What a file_replace that was killed leaves is called like the file, with this behind it. */
#define FILE_REPLACE_SUFFIX ".new"

/* Replaces `name` in the open directory `dir`: temporary file, fsync, rename(2), fsync of the
 * directory. When it returns 0, the content survives a power cut. */
int file_replace(int dir, const char *name, mode_t mode, const void *bytes, size_t length, struct error *err);

/*
 * Writes what the user wants in `path`. A file, or none yet, is replaced as file_replace() does it; a device or a pipe,
 * also behind a link as /dev/stdout is one, is written to and stays. A link to a file is ERROR_REFUSED: it would be lost,
 * or what it leads to not written whole.
 */
int file_write_output(const char *path, const void *bytes, size_t length, struct error *err);

/* Unlinks `name` in `dir` if it is there, and fsyncs the directory. */
int file_remove(int dir, const char *name, struct error *err);

/* Makes the directory and its missing parents with `mode`, then opens it. The
 * directory itself must not be a link. Returns a descriptor, the caller closes it. */
int file_open_directory(const char *path, mode_t mode, struct error *err);

/* Writes all bytes, through EINTR and short writes. Sets errno. */
int file_write_all(int fd, const void *bytes, size_t length);

#endif
