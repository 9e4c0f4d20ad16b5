#include "device/device.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "device/apply.h"
#include "device/catalog.h"
#include "device/ledger.h"

/* Whether no device before this one is of the same file. The edits that all devices of a file have in common are put
 * in with the first of them. */
static bool is_first_of_file(const struct catalog *catalog, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (catalog->devices[i].file == catalog->devices[index].file)
			return false;
	return true;
}

static int apply_devices(const struct catalog *catalog, struct ledger *ledger, struct error *err)
{
	for (size_t i = 0; i < catalog->device_count; i++) {
		const struct catalog_device *device = &catalog->devices[i];

		if (is_first_of_file(catalog, i) &&
		    cdi_edits_apply(catalog_common_edits(catalog, device), ledger, err) < 0)
			return error_wrap(err, "'%s'", device->name);
		if (cdi_edits_apply(device->edits, ledger, err) < 0)
			return error_wrap(err, "'%s'", device->name);
	}
	return 0;
}

static int edit(cJSON *spec, const struct catalog *catalog, struct error *err)
{
	cleanup_ledger struct ledger ledger = { 0 };

	if (ledger_open(&ledger, spec, err) < 0 || apply_devices(catalog, &ledger, err) < 0 ||
	    (catalog->device_count > 0 && ledger_drop_outdated(&ledger, err) < 0))
		return -1;
	return ledger_close(&ledger, err);
}

int device_edit_spec(const char *spec_json, size_t length, const char *const *dirs, char *const *names, size_t count,
		     char **edited, struct error *err)
{
	cleanup_catalog struct catalog catalog = { 0 };
	cleanup_json cJSON *spec = NULL;
	cleanup_free char *before = NULL, *after = NULL;

	*edited = NULL;
	if (count && catalog_search(&catalog, dirs, names, count, err) < 0)
		return -1;
	spec = json_parse_exact(spec_json, length, "the container's spec", err);
	if (!spec)
		return -1;
	if (!cJSON_IsObject(spec))
		return error_set(err, ERROR_FAILED, "the container's spec is not an object");
	before = json_print(spec, err);
	if (!before || edit(spec, &catalog, err) < 0)
		return -1;
	after = json_print(spec, err);
	if (!after)
		return -1;
	if (strcmp(before, after) != 0)
		*edited = steal_pointer(after);
	return 0;
}
