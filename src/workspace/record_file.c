#include "workspace/record_file.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"

#define RECORD_LIMIT ((size_t)16 << 20)

int record_file_write(int dir, const char *name, const struct record *record, struct error *err)
{
	cleanup_free char *json = record_print(record, err);

	if (!json)
		return -1;
	if (file_replace(dir, name, 0600, json, strlen(json), err) < 0)
		return error_wrap(err, "the record of the operation on '%s'", record->container_id);
	return 0;
}

int record_file_read(int dir, const char *name, struct record *record, struct error *err)
{
	cleanup_text struct text text = { 0 };
	int found = file_read(dir, name, RECORD_LIMIT, &text, err);

	return found == 0 ? record_parse(text.data, text.length, record, err) : found;
}
