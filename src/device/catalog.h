/*
 * The CDI files of a host, searched for wanted devices. Folders are read in order, files by name; a device
 * of a later folder replaces that of an earlier one, two files of one folder with the same device are
 * in conflict about it. Files that nobody wants anything from may be broken.
 */
#ifndef WSNAP_DEVICE_CATALOG_H
#define WSNAP_DEVICE_CATALOG_H

#include <stddef.h>

#include "base/error.h"
#include "base/json.h"

struct catalog_file {
	char *path;
	cJSON *json; /* canonical, see device/schema.h; NULL: broken */
	char *kind;  /* of a broken file, where it could be read */
	char *problem;
};

/* Where a wanted device was found. */
struct catalog_device {
	const char *name;   /* as wanted; belongs to the caller */
	const cJSON *edits; /* belongs to the file */
	size_t file;        /* index in `files` */
	size_t folder;
	char *rival; /* path of the file that it is in conflict with, or NULL */
};

struct catalog {
	struct catalog_file *files;
	size_t file_count;
	struct catalog_device *devices; /* one for each wanted name, in their order */
	size_t device_count;
};

#define cleanup_catalog __attribute__((cleanup(catalog_release)))

/* Finds every name or fails: ERROR_NOT_FOUND, or ERROR_USAGE when a broken file may define it, two files
 * are in conflict about it, or a folder has too many files. Released by the caller in either case. */
int catalog_search(struct catalog *catalog, const char *const *dirs, char *const *names, size_t count,
		   struct error *err);

/* The edits for every device of the file that `device` is in, or NULL. */
const cJSON *catalog_common_edits(const struct catalog *catalog, const struct catalog_device *device);

void catalog_release(struct catalog *catalog);

#endif
