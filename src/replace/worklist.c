#include "replace/worklist.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/boot.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "replace/items.h"

#define MAGIC "wsnap-replace 1"
#define HALF ".half"
#define DONE ".done"
#define SETTLED ".settled"
#define HEAD_SIZE 512
#define MOST_BYTES ((size_t)4 << 30)
/* How long another process that is at it is waited for. */
#define PATIENCE_MS 120000
#define PAUSE_MS 20

/* Each word of the file ends with a NUL. The first letter of an entry says what it is. */
enum {
	ENTRY_SCOPE = 'S',
	ENTRY_MOUNT = 'M',
	ENTRY_ITEM = 'I',
	ENTRY_LINK = 'L',
	ENTRY_WAS = 'W',
	ENTRY_STAMP = 'T',
	ENTRY_END = 'E'
};

static int this_boot(char boot[static BOOT_ID_SIZE], struct error *err)
{
	boot_id(boot);
	return *boot ? 0 : error_set(err, ERROR_FAILED, "the kernel does not say which boot this is");
}

static int cannot(const struct worklist *worklist, const char *what, struct error *err)
{
	return error_errno(err, ERROR_FAILED, errno, "the list of changes '%s' cannot be %s", worklist->name, what);
}

void worklist_release(struct worklist *worklist)
{
	if (worklist->file >= 0)
		close(worklist->file);
	free(worklist->name);
	free(worklist->stamp);
	*worklist = WORKLIST_NONE;
}

/* Whether the file that was locked still bears the name: who had it may have closed it meanwhile. */
static bool bears(const struct worklist *worklist, const char *path)
{
	struct stat held, named;

	return fstat(worklist->file, &held) == 0 && fstatat(worklist->folder, path, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	       held.st_ino == named.st_ino;
}

/* --- writing ------------------------------------------------------------------------------------------------ */

static void add_word(struct text *text, const char *word)
{
	text_append(text, word, strlen(word) + 1);
}

static void add_entry(struct text *text, char what, const char *path, const char *other)
{
	text_append(text, &what, 1);
	add_word(text, path);
	if (other)
		add_word(text, other);
}

static int write_text(struct worklist *worklist, const struct text *text, struct error *err)
{
	if (text->failed)
		return error_memory(err);
	if (text->length && file_write_all(worklist->file, text->data, text->length) < 0)
		return cannot(worklist, "written", err);
	return 0;
}

static char *half_name(const char *name)
{
	return text_format("%s" HALF, name);
}

static int write_head(struct worklist *worklist, const char *id, struct error *err)
{
	cleanup_text struct text text = { 0 };
	char boot[BOOT_ID_SIZE];

	if (this_boot(boot, err) < 0)
		return -1;
	add_word(&text, MAGIC);
	add_word(&text, boot);
	add_word(&text, id);
	return write_text(worklist, &text, err);
}

int worklist_begin(struct worklist *worklist, int folder, const char *name, const char *id, struct error *err)
{
	cleanup_free char *half = half_name(name);

	*worklist = (struct worklist){ .folder = folder, .file = -1, .name = strdup(name) };
	if (!worklist->name || !half)
		return error_memory(err);
	if (worklist_remove(folder, name, err) < 0)
		return -1;
	worklist->file = openat(folder, half, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (worklist->file < 0 || flock(worklist->file, LOCK_EX | LOCK_NB) < 0)
		return cannot(worklist, "begun", err);
	return write_head(worklist, id, err);
}

/* With the first items also what they are limited to. Mounts are looked for once more before the end: all that are known by then
 * have to be known to whoever finishes it. One that stands there twice is one. */
static void add_limits(struct text *text, const struct replace *replace, bool last)
{
	for (size_t i = 0; i < replace->scopes.count && !last; i++)
		add_entry(text, ENTRY_SCOPE, replace->scopes.items[i], NULL);
	for (size_t i = 0; i < replace->mounts.count; i++)
		add_entry(text, ENTRY_MOUNT, replace->mounts.items[i], NULL);
}

/* With what is there, so that whoever comes after a crash finds out what somebody has written since. */
static int add_item(struct text *text, struct replace *replace, struct replace_item *item, struct error *err)
{
	char state[ITEMS_STATE_SIZE];

	if (item->noted)
		return 0;
	if (items_state(replace, item->path, state, err) < 0)
		return -1;
	add_entry(text, item->first ? ENTRY_LINK : ENTRY_ITEM, item->path, item->first);
	add_entry(text, ENTRY_WAS, state, NULL);
	item->noted = true;
	return 0;
}

int worklist_note(struct worklist *worklist, struct replace *replace, bool last, struct error *err)
{
	cleanup_text struct text text = { .limit = MOST_BYTES };

	add_limits(&text, replace, last);
	for (size_t i = 0; i < replace->count; i++)
		if (add_item(&text, replace, replace->items[i], err) < 0)
			return -1;
	if (last && worklist->stamp)
		add_entry(&text, ENTRY_STAMP, worklist->stamp, NULL);
	if (last)
		add_entry(&text, ENTRY_END, "", NULL);
	if (write_text(worklist, &text, err) < 0)
		return -1;
	return fsync(worklist->file) == 0 ? 0 : cannot(worklist, "written back", err);
}

int worklist_seal(struct worklist *worklist, struct error *err)
{
	cleanup_free char *half = half_name(worklist->name);

	if (!half)
		return error_memory(err);
	if (renameat(worklist->folder, half, worklist->folder, worklist->name) < 0)
		return cannot(worklist, "sealed", err);
	/* It may be sealed all the same: it is looked at whether it is. */
	return fsync(worklist->folder) == 0 ? 0 : cannot(worklist, "sealed", err);
}

int worklist_unseal(struct worklist *worklist, struct error *err)
{
	if (bears(worklist, worklist->name) && unlinkat(worklist->folder, worklist->name, 0) < 0 && errno != ENOENT)
		return cannot(worklist, "given up", err);
	/* Another process may have done the one, and not yet the other. */
	if (fsync(worklist->folder) < 0)
		return cannot(worklist, "given up", err);
	return 0;
}

bool worklist_is_due(const struct worklist *worklist)
{
	return worklist->name && !worklist->was_made && faccessat(worklist->folder, worklist->name, F_OK, 0) == 0;
}

int worklist_close(struct worklist *worklist, struct error *err)
{
	cleanup_free char *done = text_format("%s" DONE, worklist->name);

	if (!done)
		return error_memory(err);
	if (!worklist->was_made && renameat(worklist->folder, worklist->name, worklist->folder, done) < 0)
		return cannot(worklist, "closed", err);
	return 0;
}

int worklist_settle(struct worklist *worklist, struct error *err)
{
	cleanup_free char *done = text_format("%s" DONE, worklist->name);
	cleanup_free char *settled = text_format("%s" SETTLED, worklist->name);

	if (!done || !settled)
		return error_memory(err);
	if (renameat(worklist->folder, done, worklist->folder, settled) < 0 || fsync(worklist->folder) < 0)
		return cannot(worklist, "closed for good", err);
	return 0;
}

int worklist_remove(int folder, const char *name, struct error *err)
{
	static const char *const suffixes[] = { HALF, "", DONE, SETTLED };

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++) {
		cleanup_free char *path = text_format("%s%s", name, suffixes[i]);

		if (!path)
			return error_memory(err);
		if (faccessat(folder, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0 && file_remove(folder, path, err) < 0)
			return -1;
	}
	return 0;
}

/* --- reading ------------------------------------------------------------------------------------------------ */

/* 1 open and locked; 0 there is none; -1. */
static int open_locked(struct worklist *worklist, const char *path, struct error *err)
{
	double end_ms = clock_monotonic_ms() + PATIENCE_MS;

	worklist->file = openat(worklist->folder, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (worklist->file < 0)
		return errno == ENOENT ? 0 : cannot(worklist, "opened", err);
	while (flock(worklist->file, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK)
			return cannot(worklist, "locked", err);
		if (clock_monotonic_ms() > end_ms)
			return error_set(err, ERROR_FAILED, "another process still works on the list of changes '%s'",
					 worklist->name);
		clock_sleep_ms(PAUSE_MS);
	}
	return 1;
}

static int read_all(struct worklist *worklist, struct text *text, struct error *err)
{
	char chunk[65536];
	ssize_t got;

	text->limit = MOST_BYTES;
	while ((got = read(worklist->file, chunk, sizeof(chunk))) > 0)
		text_append(text, chunk, (size_t)got);
	if (got < 0)
		return cannot(worklist, "read", err);
	return text->failed ? error_memory(err) : 0;
}

struct reading {
	const char *at, *end;
	struct replace_item *item; /* the last one */
};

/* The next word, or NULL: there is none that is whole. */
static const char *next_word(struct reading *reading)
{
	const char *word = reading->at;
	const char *nul = reading->at < reading->end ? memchr(word, '\0', (size_t)(reading->end - word)) : NULL;

	if (!nul)
		return NULL;
	reading->at = nul + 1;
	return word;
}

static int damaged(const struct worklist *worklist, struct error *err)
{
	return error_set(err, ERROR_FAILED, "the list of changes '%s' is damaged", worklist->name);
}

static int read_item(const struct worklist *worklist, struct reading *reading, char what, const char *path,
		     struct replace *replace, struct error *err)
{
	const char *first = what == ENTRY_LINK ? next_word(reading) : NULL;
	struct replace_item *item;

	if (what == ENTRY_LINK && !first)
		return damaged(worklist, err);
	item = items_add(replace, path, err);
	if (!item)
		return -1;
	reading->item = item;
	if (first && !item->first)
		item->first = strdup(first);
	return first && !item->first ? error_memory(err) : 0;
}

static int read_was(const struct worklist *worklist, const struct reading *reading, const char *state,
		    struct error *err)
{
	struct replace_item *item = reading->item;

	if (!item)
		return damaged(worklist, err);
	free(item->was);
	item->was = strdup(state);
	return item->was ? 0 : error_memory(err);
}

static int read_stamp(struct worklist *worklist, const char *stamp, struct error *err)
{
	free(worklist->stamp);
	worklist->stamp = strdup(stamp);
	return worklist->stamp ? 0 : error_memory(err);
}

/* 1 there is more, 0 that was the end, -1. */
static int read_entry(struct worklist *worklist, struct reading *reading, struct replace *replace, struct error *err)
{
	char what = reading->at < reading->end ? *reading->at++ : '\0';
	const char *path = next_word(reading);

	if (!path)
		return damaged(worklist, err);
	switch (what) {
	case ENTRY_SCOPE:
		return replace_add_scope(replace, path, err) < 0 ? -1 : 1;
	case ENTRY_MOUNT:
		return replace_add_mount(replace, path, err) < 0 ? -1 : 1;
	case ENTRY_ITEM:
	case ENTRY_LINK:
		return read_item(worklist, reading, what, path, replace, err) < 0 ? -1 : 1;
	case ENTRY_WAS:
		return read_was(worklist, reading, path, err) < 0 ? -1 : 1;
	case ENTRY_STAMP:
		return read_stamp(worklist, path, err) < 0 ? -1 : 1;
	case ENTRY_END:
		return 0;
	default:
		return damaged(worklist, err);
	}
}

/* What the list says of itself: whose it is, and of which boot. */
struct head {
	const char *boot, *id;
};

static bool read_head(struct reading *reading, struct head *head)
{
	const char *magic = next_word(reading);

	head->boot = next_word(reading);
	head->id = next_word(reading);
	return magic && head->boot && head->id && strcmp(magic, MAGIC) == 0;
}

/* 1; 0 where it is another operation's, or was made in this boot already: what is not on the disk yet is in memory. `id`
 * NULL: it is ours. */
static int read_worklist(struct worklist *worklist, bool done, const char *id, struct replace *replace,
			 struct error *err)
{
	cleanup_text struct text text = { 0 };
	struct reading reading;
	char now[BOOT_ID_SIZE];
	struct head head;
	int more = 1;

	if (this_boot(now, err) < 0 || read_all(worklist, &text, err) < 0)
		return -1;
	reading = (struct reading){ .at = text.data, .end = text.data ? text.data + text.length : NULL };
	if (!read_head(&reading, &head))
		return damaged(worklist, err);
	if ((id && strcmp(head.id, id) != 0) || (done && strcmp(head.boot, now) == 0))
		return 0;
	worklist->same_boot = strcmp(head.boot, now) == 0;
	while (more > 0)
		more = read_entry(worklist, &reading, replace, err);
	return more < 0 ? -1 : 1;
}

/* One that cannot be read may be ours: that is said when it is opened. */
static bool is_of(int file, const char *id)
{
	char bytes[HEAD_SIZE];
	ssize_t got = pread(file, bytes, sizeof(bytes), 0);
	struct reading reading = { .at = bytes, .end = bytes + (got > 0 ? got : 0) };
	struct head head;

	return !read_head(&reading, &head) || strcmp(head.id, id) == 0;
}

/* 1, 0, -1. Who has it closes it under another name, or gives it up, before he lets it go. */
static int is_there(int folder, const char *path, const char *id, struct error *err)
{
	cleanup_worklist struct worklist worklist = { .folder = folder, .file = -1, .name = strdup(path) };
	int found = worklist.name ? open_locked(&worklist, path, err) : error_memory(err);

	return found > 0 ? is_of(worklist.file, id) && bears(&worklist, path) : found;
}

int worklist_exists(int folder, const char *name, const char *id, struct error *err)
{
	static const char *const suffixes[] = { "", DONE, SETTLED };
	int found = 0;

	/* A name that it gets meanwhile is one that comes later. */
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(*suffixes) && found == 0; i++) {
		cleanup_free char *path = text_format("%s%s", name, suffixes[i]);

		found = path ? is_there(folder, path, id, err) : error_memory(err);
	}
	return found;
}

int worklist_time(const struct worklist *worklist, struct timespec *written, struct error *err)
{
	struct stat status;

	if (fstat(worklist->file, &status) < 0)
		return cannot(worklist, "examined", err);
	*written = status.st_mtim;
	return 0;
}

int worklist_read(struct worklist *worklist, struct replace *replace, struct error *err)
{
	cleanup_free char *done = text_format("%s" DONE, worklist->name);

	if (!done)
		return error_memory(err);
	if (!bears(worklist, worklist->was_made ? done : worklist->name))
		return 0;
	if (lseek(worklist->file, 0, SEEK_SET) < 0)
		return cannot(worklist, "read", err);
	return read_worklist(worklist, false, NULL, replace, err);
}

int worklist_open(struct worklist *worklist, int folder, const char *name, const char *id, struct replace *replace,
		  struct error *err)
{
	cleanup_free char *done = text_format("%s" DONE, name);
	int found;

	*worklist = (struct worklist){ .folder = folder, .file = -1, .name = strdup(name) };
	if (!worklist->name || !done)
		return error_memory(err);
	found = open_locked(worklist, name, err);
	if (found > 0 && bears(worklist, name))
		return read_worklist(worklist, false, id, replace, err);
	if (found < 0)
		return -1;
	if (worklist->file >= 0)
		close(steal_fd(&worklist->file));
	found = open_locked(worklist, done, err);
	worklist->was_made = found > 0;
	return found > 0 ? read_worklist(worklist, true, id, replace, err) : found;
}
