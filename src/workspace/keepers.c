#include "workspace/keepers.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/boot.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "workspace/label_keys.h"

void keepers_mount_space(char space[static KEEPERS_SPACE_SIZE])
{
	ssize_t length = readlink("/proc/self/ns/mnt", space, KEEPERS_SPACE_SIZE - 1);

	space[length > 0 ? length : 0] = '\0';
}

static bool is_view(const struct ctr_snapshot *snapshot)
{
	const char *kind = labels_get(&snapshot->labels, LABEL_KIND);

	return kind && strcmp(kind, KIND_VIEW) == 0 && labels_get(&snapshot->labels, LABEL_MOUNTED_AT);
}

static bool says(const struct ctr_snapshot *view, const char *key, const char *wanted)
{
	const char *label = labels_get(&view->labels, key);

	return label && strcmp(label, wanted) == 0;
}

static bool is_overlay_of(const struct mount_entry *entry, const void *name)
{
	return strcmp(entry->source, name) == 0;
}

static bool is_plain_of(const struct mount_entry *entry, const void *identity)
{
	return mount_entry_is(entry, identity);
}

static bool is_on(const struct mount_entry *entry, const void *folder)
{
	return strcmp(entry->point, folder) == 0;
}

/* Whether the label says which mount it is, "DEVICE ROOT", and not KEEPERS_PLAIN_UNTOLD. */
static bool is_told(const char *plain)
{
	return strchr(plain, ' ') != NULL;
}

/* Where the mount of a view is: a folder above it may have another name by now. Without an identity (its run was killed before
 * it could say it) whatever is mounted on the folder counts. Where the table cannot be read it counts as mounted: nothing is
 * taken away then. */
static char *find_mount(const struct ctr_snapshot *view, const char *folder)
{
	const char *plain = labels_get(&view->labels, LABEL_MOUNT_PLAIN);
	char *point = NULL;
	int found;

	if (!plain)
		found = mount_table_find(is_overlay_of, view->name, &point);
	else if (is_told(plain))
		found = mount_table_find(is_plain_of, plain, &point);
	else
		found = mount_table_find(is_on, folder, &point);
	return found < 0 ? strdup(folder) : point;
}

char *keepers_mounted_here(const struct ctr_snapshot *view)
{
	return is_view(view) ? find_mount(view, labels_get(&view->labels, LABEL_MOUNTED_AT)) : NULL;
}

/* What another mount namespace has cannot be seen from here: it counts until the next boot. */
char *keepers_mounted_at(const struct ctr_snapshot *view)
{
	char boot[BOOT_ID_SIZE], space[KEEPERS_SPACE_SIZE];

	boot_id(boot);
	keepers_mount_space(space);
	if (!is_view(view) || !says(view, LABEL_BOOT, boot))
		return NULL;
	return says(view, LABEL_MOUNT_SPACE, space) ? keepers_mounted_here(view)
						    : strdup(labels_get(&view->labels, LABEL_MOUNTED_AT));
}

bool keepers_is_seen(const struct ctr_snapshot *view, const char *folder, const struct mount_seen *seen)
{
	const char *plain = labels_get(&view->labels, LABEL_MOUNT_PLAIN);

	if (!is_view(view))
		return false;
	if (!plain)
		return strcmp(seen->source, view->name) == 0;
	return is_told(plain) ? strcmp(seen->identity, plain) == 0 : says(view, LABEL_MOUNTED_AT, folder);
}

bool keepers_may_be(const struct ctr_snapshot *snapshot)
{
	for (size_t i = 0; i < snapshot->labels.count; i++)
		if (text_starts_with(snapshot->labels.items[i].key, LABEL_GUARD))
			return true;
	return is_view(snapshot);
}

bool keepers_mounted_since(const struct ctr_snapshot *version, int64_t unix_ns)
{
	const char *mounted = labels_get(&version->labels, LABEL_MOUNTED);
	int64_t mounted_ns;

	return mounted && (!clock_parse(mounted, &mounted_ns) || mounted_ns >= unix_ns);
}

bool keepers_is_stale_view(const struct ctr_snapshot *snapshot)
{
	cleanup_free char *folder = is_view(snapshot) ? keepers_mounted_at(snapshot) : NULL;

	return is_view(snapshot) && !folder;
}

/* When a process began (proc(5), stat, field 22); 0: there is none. The name in field 2 may hold anything. */
static unsigned long long started(int pid)
{
	cleanup_free char *path = text_format("/proc/%d/stat", pid);
	cleanup_fd int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	char line[1024];
	ssize_t got = fd >= 0 ? read(fd, line, sizeof(line) - 1) : 0;
	char *at;

	line[got > 0 ? got : 0] = '\0';
	at = strrchr(line, ')');
	for (int field = 2; at && field < 22; field++)
		at = strchr(at + 1, ' ');
	return at ? strtoull(at + 1, NULL, 10) : 0;
}

/* "pid:[4026531836]", which no blank is in. */
static void pid_space(char space[static KEEPERS_SPACE_SIZE])
{
	ssize_t length = readlink("/proc/self/ns/pid", space, KEEPERS_SPACE_SIZE - 1);

	space[length > 0 ? length : 0] = '\0';
}

static char *guard_value(int pid)
{
	char boot[BOOT_ID_SIZE], space[KEEPERS_SPACE_SIZE];
	unsigned long long ticks = started(pid);

	boot_id(boot);
	pid_space(space);
	return ticks ? text_format("%llu %s %s", ticks, boot, space) : NULL;
}

/* Of this boot, and of another PID namespace than this process is in. */
static bool is_elsewhere(const char *value)
{
	char boot[BOOT_ID_SIZE], space[KEEPERS_SPACE_SIZE];
	const char *said = strchr(value, ' ');
	size_t length;

	boot_id(boot);
	pid_space(space);
	length = strlen(boot);
	return said && *boot && strncmp(said + 1, boot, length) == 0 && said[1 + length] == ' ' &&
	       strcmp(said + 1 + length + 1, space) != 0;
}

static bool is_alive(int pid, const char *value)
{
	cleanup_free char *now = guard_value(pid);
	size_t length = strlen(value);

	if (is_elsewhere(value))
		return true;
	return now && strncmp(now, value, length) == 0 && (now[length] == '\0' || now[length] == ' ');
}

int keepers_guard_of(const struct ctr_snapshot *version)
{
	for (size_t i = 0; i < version->labels.count; i++) {
		const char *key = version->labels.items[i].key;
		const char *digits = key + strlen(LABEL_GUARD);

		if (text_starts_with(key, LABEL_GUARD) && text_is_digits(digits) && strlen(digits) <= 9 &&
		    is_alive(atoi(digits), version->labels.items[i].value))
			return atoi(digits);
	}
	return 0;
}

int keepers_guard_label(char **key, char **value, struct error *err)
{
	*key = text_format("%s%d", LABEL_GUARD, (int)getpid());
	*value = guard_value(getpid());
	if (*key && *value)
		return 0;
	free(*key);
	free(*value);
	*key = *value = NULL;
	return error_set(err, ERROR_FAILED, "/proc does not tell when this process began");
}
