#include "live/sign.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

static const char frozen_word[] = "frozen\n", thawed_word[] = "thawed\n";

#define WORD_LENGTH (sizeof(thawed_word) - 1)

_Static_assert(sizeof(frozen_word) == sizeof(thawed_word), "one replaces the other in place");

int sign_write(int file, bool frozen, struct error *err)
{
	ssize_t written =
		file < 0 ? (ssize_t)WORD_LENGTH : pwrite(file, frozen ? frozen_word : thawed_word, WORD_LENGTH, 0);

	if (written == (ssize_t)WORD_LENGTH)
		return 0;
	return error_errno(err, ERROR_FAILED, written < 0 ? errno : ENOSPC, "cannot note whether it is frozen");
}

void sign_write_thawed(int file)
{
	if (file >= 0)
		(void)!pwrite(file, thawed_word, WORD_LENGTH, 0);
}

int sign_open(int folder, const char *name, bool keep, struct error *err)
{
	cleanup_fd int file = openat(folder, name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (file < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot open '%s'", name);
	if (!keep && (ftruncate(file, 0) < 0 || sign_write(file, false, err) < 0))
		return err->kind ? -1 : error_errno(err, ERROR_FAILED, errno, "cannot write '%s'", name);
	return steal_fd(&file);
}

bool sign_says_thawed(int folder, const char *name)
{
	cleanup_fd int file = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	char word[WORD_LENGTH + 1];

	return file >= 0 && read(file, word, sizeof(word)) == (ssize_t)WORD_LENGTH &&
	       memcmp(word, thawed_word, WORD_LENGTH) == 0;
}
