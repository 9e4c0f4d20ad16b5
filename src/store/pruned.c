#include "store/pruned.h"

#include "base/cleanup.h"
#include "store/query.h"
#include "store/words.h"

enum { VERSION, RUNTIME_NAME, PARENT, PARENT_KNOWN };

static int read_pruned(const struct rows *rows, int row, struct store_pruned *pruned, struct error *err)
{
	int64_t version, parent = 0;

	if (rows_integer(rows, row, VERSION, 1, INT32_MAX, &version, err) < 0 ||
	    rows_text(rows, row, RUNTIME_NAME, &pruned->runtime_name, err) < 0 ||
	    (!rows_is_null(rows, row, PARENT) && rows_integer(rows, row, PARENT, 0, INT32_MAX, &parent, err) < 0))
		return -1;
	pruned->version = (int32_t)version;
	pruned->parent = (int32_t)parent;
	pruned->parent_known = *rows_raw(rows, row, PARENT_KNOWN) == 't';
	return 0;
}

int store_pruned_list(struct store *store, const char *container_id, store_pruned_each each, void *context,
		      struct error *err)
{
	static const char sql[] =
		"SELECT version, name, parent, parent_known FROM (SELECT "
		"CASE WHEN payload->>'version' ~ '^[0-9]{1,9}$' THEN (payload->>'version')::int END AS version, "
		"coalesce(payload->>'runtime_snapshot_name', payload->>'snapshot_name') AS name, "
		"CASE WHEN payload->>'parent' ~ '^[0-9]{1,9}$' THEN (payload->>'parent')::int END AS parent, "
		"payload ? 'parent' AS parent_known, created_at, id "
		"FROM lifecycle_events WHERE container_id = $1 AND event_type = " SQL_EVENT_VERSION_PRUNE ") AS pruned "
		"WHERE version > 0 AND name <> '' AND octet_length(name) < 4096 ORDER BY created_at, id";
	cleanup_rows struct rows rows = { 0 };
	int count = query_rows(store, sql, &container_id, 1, &rows, err);

	for (int row = 0; row < count; row++) {
		struct store_pruned pruned = { 0 };

		if (read_pruned(&rows, row, &pruned, err) < 0 || each(&pruned, context, err) < 0)
			return -1;
	}
	return count < 0 ? -1 : 0;
}
