#include "operation/frozen.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/boot.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "live/live.h"
#include "live/sign.h"
#include "workspace/journal.h"

static char *sign_name_of(const struct session *session, const char *container_id)
{
	return text_format("%s~%s.frozen", session->settings->namespace, container_id);
}

static char *sign_name(const struct run *run)
{
	return sign_name_of(run->session, run->record->container_id);
}

/* The inode's number tells a group from one that is made later in the same place; 0: it is not there. */
static int64_t inode_of(const char *folder)
{
	struct stat status;

	return stat(folder, &status) == 0 ? (int64_t)status.st_ino : 0;
}

int frozen_note(const char *folder, void *context, struct error *err)
{
	struct run *run = context;
	struct record *record;
	cleanup_free char *name = NULL;
	cleanup_fd int sign = -1;
	bool known;

	if (run->whole)
		run = run->whole;
	record = run->record;
	known = record->frozen && strcmp(record->frozen, folder) == 0 &&
		(record->frozen_inode == 0 || record->frozen_inode == inode_of(folder));
	name = sign_name(run);
	if (!name)
		return error_memory(err);
	/* What the sign says of this group already is true. */
	sign = sign_open(run->session->state_dir, name, known, err);
	if (sign < 0)
		return -1;
	if (!known) {
		free(record->frozen);
		record->frozen = strdup(folder);
	}
	record->frozen_inode = inode_of(folder);
	if (!record->frozen)
		return error_memory(err);
	return journal_save(run->session, record, err) < 0 ? -1 : steal_fd(&sign);
}

static bool is_of_this_boot(const struct record *record)
{
	char boot[BOOT_ID_SIZE];

	boot_id(boot);
	return !record->boot || strcmp(boot, record->boot) == 0;
}

/* Earlier builds have noted no inode, and have made no sign. */
const char *frozen_by_us(const struct run *run)
{
	const struct record *record = run->record;
	cleanup_free char *name = sign_name(run);

	if (!record->frozen || record->frozen_inode == 0)
		return record->frozen;
	if (!is_of_this_boot(record) || inode_of(record->frozen) != record->frozen_inode)
		return NULL;
	return name && sign_says_thawed(run->session->state_dir, name) ? NULL : record->frozen;
}

/* Whoever comes next, and finds it frozen, finds somebody else's pause. Where that cannot be written he thaws it once more. */
static void tell_thawed(const struct run *run)
{
	cleanup_free char *name = sign_name(run);
	struct error ignored = { 0 };
	cleanup_fd int sign = name ? sign_open(run->session->state_dir, name, true, &ignored) : -1;

	if (sign >= 0)
		sign_write_thawed(sign);
}

int frozen_thaw(struct run *run, struct error *err)
{
	const char *folder = frozen_by_us(run);

	if (!folder)
		return 0;
	if (live_thaw(folder, err) < 0)
		return -1;
	tell_thawed(run);
	return 0;
}

void frozen_forget(const struct session *session, const char *container_id)
{
	cleanup_free char *name = sign_name_of(session, container_id);

	if (name && unlinkat(session->state_dir, name, 0) < 0 && errno != ENOENT)
		log_detail("'%s' cannot be removed: %s", name, strerror(errno));
}
