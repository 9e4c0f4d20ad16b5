#include "device/catalog.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "device/device.h"
#include "device/names.h"
#include "device/schema.h"
#include "device/yaml.h"

#define MAX_FILE_SIZE ((size_t)1 << 20)
#define MAX_FILES 1000 /* in one folder */

const char *const device_default_dirs[] = { "/etc/cdi", "/var/run/cdi", NULL };

struct folder {
	const char *path;
	size_t index;
	int fd;
	char *names[MAX_FILES];
	size_t count;
};

static void folder_release(struct folder **folder)
{
	if (!*folder)
		return;
	for (size_t i = 0; i < (*folder)->count; i++)
		free((*folder)->names[i]);
	if ((*folder)->fd >= 0)
		close((*folder)->fd);
	free(*folder);
}

#define cleanup_folder __attribute__((cleanup(folder_release)))

static bool has_suffix(const char *name, const char *suffix)
{
	size_t length = strlen(name), end = strlen(suffix);

	return length >= end && strcmp(name + length - end, suffix) == 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int folder_list(struct folder *folder, DIR *dir, struct error *err)
{
	const struct dirent *entry;

	while ((entry = readdir(dir))) {
		const char *name = entry->d_name;

		if (entry->d_type == DT_DIR ||
		    !(has_suffix(name, ".json") || has_suffix(name, ".yaml") || has_suffix(name, ".yml")))
			continue;
		if (folder->count == MAX_FILES)
			return error_set(err, ERROR_USAGE, "'%s' has more than %d CDI files", folder->path, MAX_FILES);
		folder->names[folder->count] = strdup(name);
		if (!folder->names[folder->count])
			return error_memory(err);
		folder->count++;
	}
	qsort(folder->names, folder->count, sizeof(*folder->names), compare_names);
	return 0;
}

/* Adds a file, which takes what the arguments point at, also on failure. */
static int catalog_add(struct catalog *catalog, struct catalog_file file, struct error *err)
{
	struct catalog_file *grown = NULL;

	if (file.path && (file.json || file.problem))
		grown = reallocarray(catalog->files, catalog->file_count + 1, sizeof(*grown));
	if (!grown) {
		free(file.path);
		cJSON_Delete(file.json);
		free(file.kind);
		free(file.problem);
		return error_memory(err);
	}
	catalog->files = grown;
	catalog->files[catalog->file_count++] = file;
	return 0;
}

static int catalog_add_broken(struct catalog *catalog, char *path, const char *kind, const struct error *problem,
			      struct error *err)
{
	if (kind && !cdi_kind_is_valid(kind, strlen(kind)))
		kind = NULL;
	log_detail("'%s' is left out: %s", path ? path : "", problem->message);
	return catalog_add(catalog,
			   (struct catalog_file){ .path = path,
						  .kind = kind ? strdup(kind) : NULL,
						  .problem = strdup(problem->message) },
			   err);
}

static cJSON *parse_file(int dir, const char *name, struct error *problem)
{
	cleanup_text struct text text = { 0 };
	int read = file_read_linked(dir, name, MAX_FILE_SIZE, &text, problem);

	if (read == 1)
		error_set(problem, ERROR_FAILED, "the file is not there");
	if (read != 0)
		return NULL;
	if (has_suffix(name, ".json"))
		return json_parse_exact(text.data, text.length, "the file", problem);
	return yaml_parse(text.data, text.length, problem);
}

static const cJSON *find_device(const cJSON *json, const char *wanted)
{
	const char *kind = json_text(json, "kind");
	const cJSON *device;

	if (strncmp(wanted, kind, strlen(kind)) != 0 || wanted[strlen(kind)] != '=')
		return NULL;
	cJSON_ArrayForEach(device, cJSON_GetObjectItemCaseSensitive(json, "devices"))
		if (strcmp(json_text(device, "name"), wanted + strlen(kind) + 1) == 0)
			return cJSON_GetObjectItemCaseSensitive(device, "containerEdits");
	return NULL;
}

/* Enters the file for those of the wanted devices that it has. Returns how many. */
static int take_devices(struct catalog *catalog, const cJSON *json, const char *path, size_t folder, struct error *err)
{
	int taken = 0;

	for (size_t i = 0; i < catalog->device_count; i++) {
		struct catalog_device *device = &catalog->devices[i];
		const cJSON *edits = find_device(json, device->name);

		if (!edits)
			continue;
		taken++;
		free(device->rival);
		device->rival = NULL;
		if (device->edits && device->folder == folder) {
			device->rival = strdup(path);
			if (!device->rival)
				return error_memory(err);
			continue;
		}
		device->edits = edits;
		device->file = catalog->file_count;
		device->folder = folder;
	}
	return taken;
}

static int read_file(struct catalog *catalog, const struct folder *folder, const char *name, struct error *err)
{
	struct error problem = { 0 };
	cleanup_free char *path = text_format("%s/%s", folder->path, name);
	cleanup_json cJSON *json = NULL;
	int taken;

	if (!path)
		return error_memory(err);
	json = parse_file(folder->fd, name, &problem);
	if (!json || cdi_file_check(json, &problem) < 0)
		return catalog_add_broken(catalog, steal_pointer(path), json_text(json, "kind"), &problem, err);
	taken = take_devices(catalog, json, path, folder->index, err);
	if (taken <= 0)
		return taken;
	return catalog_add(catalog, (struct catalog_file){ .path = steal_pointer(path), .json = steal_pointer(json) },
			   err);
}

static int read_folder(struct catalog *catalog, const char *path, size_t index, struct error *err)
{
	cleanup_folder struct folder *folder = calloc(1, sizeof(*folder));
	cleanup_dir DIR *dir = opendir(path);
	struct error problem = { 0 };

	if (!folder)
		return error_memory(err);
	folder->path = path;
	folder->index = index;
	folder->fd = -1;
	if (!dir && errno == ENOENT)
		return 0;
	if (dir)
		folder->fd = fcntl(dirfd(dir), F_DUPFD_CLOEXEC, 0);
	if (folder->fd < 0) {
		error_errno(&problem, ERROR_FAILED, errno, "the folder cannot be read");
		return catalog_add_broken(catalog, strdup(path), NULL, &problem, err);
	}
	if (folder_list(folder, dir, err) < 0)
		return -1;
	for (size_t i = 0; i < folder->count; i++)
		if (read_file(catalog, folder, folder->names[i], err) < 0)
			return -1;
	return 0;
}

/* A broken file is to blame for a missing device unless it is known to be of another kind. */
static int report_missing(const struct catalog *catalog, const char *const *dirs, const char *name, struct error *err)
{
	cleanup_text struct text folders = { .limit = 256 };
	size_t kind = strcspn(name, "=");

	for (size_t i = 0; i < catalog->file_count; i++) {
		const struct catalog_file *file = &catalog->files[i];

		if (file->json || (file->kind && (strlen(file->kind) != kind || strncmp(file->kind, name, kind) != 0)))
			continue;
		error_set(err, ERROR_USAGE, "'%s' is not found, and the CDI file '%s' is broken: %s", name, file->path,
			  file->problem);
		return error_hint(err, "put the file right; --force goes on without the device");
	}
	error_set(err, ERROR_NOT_FOUND, "no CDI file defines the device '%s'", name);
	for (size_t i = 0; dirs[i]; i++)
		text_printf(&folders, "%s'%s'", i ? ", " : "", dirs[i]);
	return error_hint(err,
			  "CDI files are looked for in %s (cdi_dirs in wsnap.conf); --force goes on without the device",
			  folders.length && !folders.failed ? folders.data : "no folder");
}

static int check_found(const struct catalog *catalog, const char *const *dirs, struct error *err)
{
	for (size_t i = 0; i < catalog->device_count; i++) {
		const struct catalog_device *device = &catalog->devices[i];

		if (!device->edits)
			return report_missing(catalog, dirs, device->name, err);
		if (device->rival)
			return error_set(err, ERROR_USAGE, "'%s' is defined by both '%s' and '%s'", device->name,
					 catalog->files[device->file].path, device->rival);
	}
	return 0;
}

int catalog_search(struct catalog *catalog, const char *const *dirs, char *const *names, size_t count,
		   struct error *err)
{
	*catalog = (struct catalog){ 0 };
	catalog->devices = calloc(count ? count : 1, sizeof(*catalog->devices));
	if (!catalog->devices)
		return error_memory(err);
	catalog->device_count = count;
	for (size_t i = 0; i < count; i++)
		catalog->devices[i].name = names[i];
	for (size_t i = 0; dirs[i]; i++)
		if (read_folder(catalog, dirs[i], i, err) < 0)
			return -1;
	return check_found(catalog, dirs, err);
}

const cJSON *catalog_common_edits(const struct catalog *catalog, const struct catalog_device *device)
{
	return cJSON_GetObjectItemCaseSensitive(catalog->files[device->file].json, "containerEdits");
}

void catalog_release(struct catalog *catalog)
{
	for (size_t i = 0; i < catalog->file_count; i++) {
		free(catalog->files[i].path);
		cJSON_Delete(catalog->files[i].json);
		free(catalog->files[i].kind);
		free(catalog->files[i].problem);
	}
	for (size_t i = 0; i < catalog->device_count; i++)
		free(catalog->devices[i].rival);
	free(catalog->files);
	free(catalog->devices);
	*catalog = (struct catalog){ 0 };
}
