#include "support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

const char *scratch;

int scratch_set_up(void **state)
{
	static char path[PATH_MAX];
	const char *folder = getenv("TMPDIR");

	(void)state;
	snprintf(path, sizeof(path), "%s/wsnap-unit-XXXXXX", folder && *folder ? folder : "/tmp");
	scratch = mkdtemp(path);
	assert_non_null(scratch);
	return 0;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *where)
{
	(void)status;
	(void)type;
	(void)where;
	return remove(path);
}

int scratch_tear_down(void **state)
{
	(void)state;
	assert_int_equal(nftw(scratch, remove_one, 64, FTW_DEPTH | FTW_PHYS | FTW_MOUNT), 0);
	scratch = NULL;
	return 0;
}
