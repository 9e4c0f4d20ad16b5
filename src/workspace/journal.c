#include "workspace/journal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "workspace/record_file.h"
#include "workspace/target.h"

#define SUFFIX ".operation"
#define HALF_SUFFIX SUFFIX FILE_REPLACE_SUFFIX

static char *file_name(const struct session *session, const char *container_id, struct error *err)
{
	char *name = text_format("%s~%s" SUFFIX, session->settings->namespace, container_id);

	if (!name)
		error_memory(err);
	return name;
}

int journal_save(struct session *session, const struct record *record, struct error *err)
{
	cleanup_free char *name = file_name(session, record->container_id, err);

	return name ? record_file_write(session->state_dir, name, record, err) : -1;
}

int journal_load(struct session *session, const char *container_id, struct record *record, struct error *err)
{
	cleanup_free char *name = file_name(session, container_id, err);
	int found;

	if (!name)
		return -1;
	found = record_file_read(session->state_dir, name, record, err);
	if (found > 0)
		return 0;
	if (found == 0 && strcmp(record->container_id, container_id) != 0)
		found = error_set(err, ERROR_FAILED, "it is about another container");
	if (found < 0) {
		error_wrap(err, "'%s' has an unfinished operation whose record '%s/%s' cannot be read", container_id,
			   session->settings->state_dir, name);
		return error_hint(err, "look at the file; once it is moved away, 'wsnap doctor' says what is left");
	}
	return 1;
}

int journal_exists(struct session *session, const char *container_id, struct error *err)
{
	cleanup_free char *name = file_name(session, container_id, err);

	if (!name)
		return -1;
	if (faccessat(session->state_dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return 1;
	if (errno == ENOENT)
		return 0;
	return error_errno(err, ERROR_FAILED, errno, "'%s' cannot be looked at", name);
}

void journal_tidy(struct session *session, const char *container_id)
{
	cleanup_free char *half = text_format("%s~%s" HALF_SUFFIX, session->settings->namespace, container_id);

	if (half && unlinkat(session->state_dir, half, 0) < 0 && errno != ENOENT)
		log_detail("'%s' cannot be removed: %s", half, strerror(errno));
}

int journal_remove(struct session *session, const char *container_id, struct error *err)
{
	cleanup_free char *name = file_name(session, container_id, err);

	journal_tidy(session, container_id);
	return name ? file_remove(session->state_dir, name, err) : -1;
}

/* The container that a file's name is about, NULL if it is none of this namespace's. */
static char *container_of(const struct session *session, const char *file, const char *suffix)
{
	const char *namespace = session->settings->namespace;
	size_t prefix = strlen(namespace), length = strlen(file), behind = strlen(suffix);
	char *container;

	if (length < prefix + 1 + behind || strncmp(file, namespace, prefix) != 0 || file[prefix] != '~' ||
	    strcmp(file + length - behind, suffix) != 0)
		return NULL;
	container = strndup(file + prefix + 1, length - prefix - 1 - behind);
	if (container && !target_name_is_valid(container)) {
		free(container);
		return NULL;
	}
	return container;
}

/* Calls `each` for the name of every file in the state directory. */
static int each_file(struct session *session, int (*each)(const char *file, void *context, struct error *err),
		     void *context, struct error *err)
{
	cleanup_fd int copy = openat(session->state_dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_dir DIR *folder = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;

	if (!folder)
		return error_errno(err, ERROR_FAILED, errno, "the state directory '%s' cannot be read",
				   session->settings->state_dir);
	steal_fd(&copy);
	while ((entry = readdir(folder)))
		if (each(entry->d_name, context, err) < 0)
			return -1;
	return 0;
}

struct with_file {
	const struct session *session;
	const char *container_id, *suffix;
	struct names_set *containers;
};

static int add_container(const char *file, void *context, struct error *err)
{
	const struct with_file *with = context;
	cleanup_free char *container = container_of(with->session, file, with->suffix);

	if (!container || (with->container_id && strcmp(container, with->container_id) != 0))
		return 0;
	return names_set_add(with->containers, container, err);
}

int journal_add_with_file(struct session *session, const char *container_id, const char *suffix,
			  struct names_set *containers, struct error *err)
{
	struct with_file with = {
		.session = session, .container_id = container_id, .suffix = suffix, .containers = containers
	};

	return each_file(session, add_container, &with, err);
}

int journal_each(struct session *session, journal_each_container each, void *context, struct error *err)
{
	cleanup_names_set struct names_set containers = { 0 };

	if (journal_add_with_file(session, NULL, SUFFIX, &containers, err) < 0 ||
	    journal_add_with_file(session, NULL, HALF_SUFFIX, &containers, err) < 0)
		return -1;
	for (size_t i = 0; i < containers.count; i++)
		if (each(containers.items[i], context, err) != 0)
			return -1;
	return 0;
}

/* A container may have ".operation" in its id: only the end of a file's name tells what the file is. */
static bool is_record(const char *file)
{
	static const char *const suffixes[] = { SUFFIX, HALF_SUFFIX, JOURNAL_REFUSED };
	size_t length = strlen(file);

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++)
		if (length > strlen(suffixes[i]) && strcmp(file + length - strlen(suffixes[i]), suffixes[i]) == 0)
			return true;
	return false;
}

static int add_namespace(const char *file, void *namespaces, struct error *err)
{
	const char *tilde = strchr(file, '~');
	cleanup_free char *namespace = NULL;

	if (!tilde || !is_record(file))
		return 0;
	namespace = strndup(file, (size_t)(tilde - file));
	if (!namespace)
		return error_memory(err);
	return text_is_identifier(namespace) ? names_set_add(namespaces, namespace, err) : 0;
}

int journal_namespaces(struct session *session, struct names_set *namespaces, struct error *err)
{
	return each_file(session, add_namespace, namespaces, err);
}
