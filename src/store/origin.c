#include "store/origin.h"

#include "base/cleanup.h"
#include "store/query.h"
#include "store/words.h"

void store_set_origin(struct store *store, const struct store_origin *origin)
{
	store->origin = *origin;
}

static int add(cJSON *payload, const char *key, const char *value, struct error *err)
{
	return value ? json_add_text(payload, key, value, err) : 0;
}

int store_origin_add(cJSON *payload, const struct store_origin *origin, struct error *err)
{
	if (add(payload, "by", origin->by, err) < 0 || add(payload, "host", origin->host, err) < 0)
		return -1;
	return add(payload, "note", origin->note, err);
}

static int read_origin(const struct rows *rows, int row, int32_t *version, struct store_origin *origin,
		       struct error *err)
{
	int64_t number;

	if (rows_integer(rows, row, 0, 1, INT32_MAX, &number, err) < 0 ||
	    rows_text_or_null(rows, row, 1, ROWS_TEXT_LIMIT, &origin->by, err) < 0 ||
	    rows_text_or_null(rows, row, 2, ROWS_TEXT_LIMIT, &origin->host, err) < 0 ||
	    rows_text_or_null(rows, row, 3, ROWS_TEXT_LIMIT, &origin->note, err) < 0)
		return -1;
	*version = (int32_t)number;
	return 0;
}

int store_origins_each(struct store *store, const char *container_id, int32_t version, store_origin_each each,
		       void *context, struct error *err)
{
	/* Texts that are too long to be ours are cut. */
	static const char sql[] =
		"SELECT DISTINCT ON (version) version, by, host, note FROM (SELECT "
		"CASE WHEN payload->>'version' ~ '^[0-9]{1,9}$' THEN (payload->>'version')::int END AS version, "
		"left(payload->>'by', 1024) AS by, left(payload->>'host', 1024) AS host, "
		"left(payload->>'note', 1024) AS note, created_at, id FROM lifecycle_events WHERE container_id = $1 "
		"AND event_type IN " SQL_EVENTS_OF_ORIGIN ") AS made "
		"WHERE version > 0 AND ($2 = 0 OR version = $2) ORDER BY version, created_at DESC, id";
	struct query_number number = query_number(version);
	const char *const parameters[] = { container_id, number.text };
	cleanup_rows struct rows rows = { 0 };
	int count = query_rows(store, sql, parameters, QUERY_COUNT(parameters), &rows, err);

	for (int row = 0; row < count; row++) {
		struct store_origin origin = { 0 };
		int32_t found;

		if (read_origin(&rows, row, &found, &origin, err) < 0 || each(found, &origin, context, err) < 0)
			return -1;
	}
	return count < 0 ? -1 : 0;
}
