#include "replace/shelf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "replace/candidates.h"
#include "replace/file.h"
#include "replace/remove.h"

#define NUMBER_SIZE 16
#define MOST_SHELVED 0x3fffffffU /* as an item can say */

char *replace_shelf_name(const char *id)
{
	return text_format(".wsnap-%s.files", id);
}

static char *shelf_name(const struct replace *replace, struct error *err)
{
	char *name = text_format("%s.files", replace->temporary);

	if (!name)
		error_memory(err);
	return name;
}

static int open_shelf(struct replace *replace, struct error *err)
{
	cleanup_free char *name = shelf_name(replace, err);

	if (!name || replace->shelf >= 0)
		return name ? 0 : -1;
	if (replace_clear_shelf(replace, err) < 0)
		return -1;
	if (mkdirat(replace->root, name, 0700) == 0)
		replace->shelf = beneath_open(replace->root, name, O_RDONLY);
	return replace->shelf >= 0 ? 0
				   : error_errno(err, ERROR_FAILED, errno, "the folder '/%s' cannot be created", name);
}

static int put_there(struct replace *replace, const struct candidate *candidate, struct error *err)
{
	char number[NUMBER_SIZE];
	cleanup_fd int file = -1;

	if (open_shelf(replace, err) < 0)
		return -1;
	snprintf(number, sizeof(number), "%u", ++replace->shelved);
	file = openat(replace->shelf, number, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (file < 0)
		return error_errno(err, ERROR_FAILED, errno, "a file cannot be created");
	if (file_make(replace, candidate->folder, candidate->name, &candidate->status, file, 0, err) < 0)
		return -1;
	candidate->item->shelved = replace->shelved & MOST_SHELVED;
	return 0;
}

int replace_shelve(struct replace *replace, struct error *err)
{
	for (size_t i = 0; i < replace->count; i++) {
		struct candidate candidate;
		int found = candidate_find(replace, replace->items[i], &candidate, err);

		if (found < 0)
			return -1;
		if (found && put_there(replace, &candidate, err) < 0)
			return error_wrap(err, "'/%s'", replace->items[i]->path);
	}
	return 0;
}

int shelf_take(struct replace *replace, const struct replace_item *item, int folder, const char *name)
{
	char number[NUMBER_SIZE];

	snprintf(number, sizeof(number), "%u", item->shelved);
	return renameat(replace->shelf, number, folder, name);
}

int replace_clear_shelf(struct replace *replace, struct error *err)
{
	cleanup_free char *name = shelf_name(replace, err);

	beneath_forget(&replace->here);
	return name ? remove_entry(replace, name, err) : -1;
}

void shelf_release(struct replace *replace)
{
	struct error why = { 0 };

	if (replace->shelf < 0)
		return;
	close(replace->shelf);
	replace->shelf = -1;
	if (replace_clear_shelf(replace, &why) < 0)
		log_detail("%s", why.message);
}
