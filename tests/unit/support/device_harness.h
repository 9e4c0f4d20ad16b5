/*
 * Folders of CDI files for the tests of devices: two of them in a scratch folder, later one wins. Also the
 * one call under test, with the answers that a test can want from it.
 */
#ifndef WSNAP_TESTS_DEVICE_HARNESS_H
#define WSNAP_TESTS_DEVICE_HARNESS_H

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "device/device.h"
#include "support/scratch.h"

static char early[PATH_MAX], late[PATH_MAX];
static const char *const dirs[] = { early, late, NULL };

static inline int set_up(void **state)
{
	scratch_set_up(state);
	snprintf(early, sizeof(early), "%s/etc", scratch);
	snprintf(late, sizeof(late), "%s/run", scratch);
	return mkdir(early, 0755) < 0 || mkdir(late, 0755) < 0 ? -1 : 0;
}

static inline void put_bytes(const char *dir, const char *name, const void *bytes, size_t length)
{
	cleanup_free char *path = text_format("%s/%s", dir, name);
	cleanup_file FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, length, file), length);
}

static inline void put(const char *dir, const char *name, const char *content)
{
	put_bytes(dir, name, content, strlen(content));
}

/* A JSON file of kind v.com/c with the device `device` and these edits. */
static inline void put_device(const char *dir, const char *name, const char *device, const char *edits)
{
	cleanup_free char *json = text_format("{\"cdiVersion\":\"1.0.0\",\"kind\":\"v.com/c\",\"devices\":[{"
					      "\"name\":\"%s\",\"containerEdits\":%s}]}",
					      device, edits);

	put(dir, name, json);
}

/* Edits the spec. Returns the new one, or a copy of `spec` when nothing changed. */
static inline char *edit_spec(const char *spec, const char *list)
{
	struct error err = { 0 };
	char **names, *edited;
	size_t count;

	assert_int_equal(device_names_parse(list, &names, &count, &err), 0);
	if (device_edit_spec(spec, strlen(spec), dirs, names, count, &edited, &err) < 0)
		fail_msg("%s", err.message);
	device_names_free(names, count);
	return edited ? edited : strdup(spec);
}

/* Edits the spec without its annotation, which has tests of its own. */
static inline void expect_spec(const char *spec, const char *list, const char *expected)
{
	cleanup_free char *edited = edit_spec(spec, list), *shown = NULL;
	cleanup_json cJSON *json = NULL;
	struct error err = { 0 };
	cJSON *annotations;

	json = json_parse_exact(edited, strlen(edited), "the spec", &err);
	assert_non_null(json);
	annotations = cJSON_GetObjectItemCaseSensitive(json, "annotations");
	cJSON_DeleteItemFromObjectCaseSensitive(annotations, "wsnap.cdi");
	if (annotations && !annotations->child)
		cJSON_DeleteItemFromObjectCaseSensitive(json, "annotations");
	shown = json_print(json, &err);
	assert_string_equal(shown, expected);
}

static inline void expect_error(const char *spec, const char *list, enum error_kind kind, const char *part)
{
	struct error err = { 0 };
	char **names, *edited = NULL;
	size_t count;
	int result;

	assert_int_equal(device_names_parse(list, &names, &count, &err), 0);
	result = device_edit_spec(spec, strlen(spec), dirs, names, count, &edited, &err);
	device_names_free(names, count);
	assert_int_equal(result, -1);
	assert_null(edited);
	if (!strstr(err.message, part))
		fail_msg("'%s' is not in: %s", part, err.message);
	assert_int_equal(err.kind, kind);
}

/* That nothing changes, which shows as no new spec. */
static inline void expect_same(const char *spec, const char *list)
{
	struct error err = { 0 };
	char **names, *edited = NULL;
	size_t count;

	assert_int_equal(device_names_parse(list, &names, &count, &err), 0);
	assert_int_equal(device_edit_spec(spec, strlen(spec), dirs, names, count, &edited, &err), 0);
	device_names_free(names, count);
	assert_null(edited);
}

#endif
