/* Files that a test writes and spoils. Failures end the test (cmocka). */
#ifndef WSNAP_TESTS_FILES_H
#define WSNAP_TESTS_FILES_H

#include <sys/types.h>

/* Makes the file or empties it, and writes the text with one write(2), as the files of the kernel want it. */
void files_write(const char *path, const char *text);

/* Turns a bit of the byte at this place around. */
void files_damage(const char *path, off_t at);

#endif
