#include "ctr/mounts.h"

#include <stdlib.h>
#include <string.h>

void ctr_mount_release(struct ctr_mount *mount)
{
	free(mount->type);
	free(mount->source);
	free(mount->target);
	for (size_t i = 0; i < mount->option_count; i++)
		free(mount->options[i]);
	free(mount->options);
	*mount = (struct ctr_mount){ 0 };
}

void ctr_mounts_release(struct ctr_mounts *mounts)
{
	for (size_t i = 0; i < mounts->count; i++)
		ctr_mount_release(&mounts->items[i]);
	free(mounts->items);
	*mounts = (struct ctr_mounts){ 0 };
}

const char *ctr_mount_option(const struct ctr_mount *mount, const char *name)
{
	size_t length = strlen(name);

	for (size_t i = 0; i < mount->option_count; i++)
		if (strncmp(mount->options[i], name, length) == 0 && mount->options[i][length] == '=')
			return mount->options[i] + length + 1;
	return NULL;
}

bool ctr_mount_has_word(const struct ctr_mount *mount, const char *word)
{
	for (size_t i = 0; i < mount->option_count; i++)
		if (strcmp(mount->options[i], word) == 0)
			return true;
	return false;
}
