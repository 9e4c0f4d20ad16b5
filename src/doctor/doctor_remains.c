/* Folders that a snapshotter has moved out of the way to remove them, and could not: they take space that nobody counts. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "doctor/doctor_checks.h"
#include "layer/layer.h"
#include "workspace/location.h"
#include "workspace/snapshotter_traits.h"
#include "workspace/survey.h"

static int tell_remains(struct doctor *doctor, const char *folder, const char *name, struct error *err)
{
	cleanup_free char *path = text_format("%s/%s", folder, name);
	struct doctor_subject subject = { .kind = DOCTOR_FILES_LEFT, .subject = path };
	int64_t bytes = 0, entries = 0;

	if (!path)
		return error_memory(err);
	if (layer_usage(path, &bytes, &entries, err) < 0) {
		/* It may just be going. */
		log_detail("%s", err->message);
		error_clear(err);
		return 0;
	}
	return doctor_tell(
		doctor, &subject, err,
		"'%s' is left of a snapshot that containerd could not remove, %lld bytes (has it an immutable "
		"file? 'chattr -R -i' and 'rm -r' free them)",
		path, (long long)bytes);
}

static int look_into(struct doctor *doctor, const char *folder, const char *prefix, struct error *err)
{
	cleanup_dir DIR *open = opendir(folder);
	struct dirent *entry;

	if (!open)
		return errno == ENOENT ? 0 : error_errno(err, ERROR_FAILED, errno, "'%s' cannot be read", folder);
	while ((entry = readdir(open)))
		if (text_starts_with(entry->d_name, prefix) && tell_remains(doctor, folder, entry->d_name, err) < 0)
			return -1;
	return 0;
}

/* Any writable snapshot shows the folder that all of them lie in. */
static int look_beside(struct doctor *doctor, const char *snapshotter, const char *key, struct error *err)
{
	cleanup_location struct location location = { 0 };
	char *slash;

	if (location_find(doctor->session, snapshotter, key, &location, err) < 0)
		return error_forgive(err, ERROR_NOT_FOUND) ? 0 : -1;
	slash = location.writable ? strrchr(location.writable, '/') : NULL;
	if (!slash || slash == location.writable)
		return 0;
	*slash = '\0';
	return look_into(doctor, location.writable, snapshotter_known(snapshotter)->left_prefix, err);
}

int doctor_check_remains(struct doctor *doctor, const struct target *target, struct error *err)
{
	const struct survey *survey = doctor->session->survey;

	if (target && target->present && snapshotter_known(target->container.snapshotter)->left_prefix)
		return look_beside(doctor, target->container.snapshotter, target->container.snapshot_key, err);
	for (size_t i = 0; survey && i < survey->count; i++)
		if (survey->snapshots[i].info.kind == CTR_SNAPSHOT_ACTIVE &&
		    snapshotter_known(survey->snapshots[i].snapshotter)->left_prefix)
			return look_beside(doctor, survey->snapshots[i].snapshotter, survey->snapshots[i].info.name,
					   err);
	return 0;
}
