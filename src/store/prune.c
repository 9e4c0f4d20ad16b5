/* Taking versions away. Their numbers live on in the events. */
#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "store/announce.h"
#include "store/query.h"
#include "store/transaction.h"
#include "store/versions.h"

struct pruning {
	const char *container_id;
	const char *operation_id;
	const int32_t *versions;
	size_t count;
	bool container_gone; /* only where the whole history goes */
	char bot_id[ID_SIZE];
	struct rows parents; /* version and number of its parent, for those that are there */
};

static void pruning_release(struct pruning *pruning)
{
	rows_release(&pruning->parents);
}

static int read_bot(struct store *store, struct pruning *pruning, struct error *err)
{
	cleanup_rows struct rows rows = { 0 };
	int found = query_rows(store, "SELECT bot_id::text FROM containers WHERE container_id = $1",
			       &pruning->container_id, 1, &rows, err);

	return found > 0 ? rows_id(&rows, 0, 0, pruning->bot_id, err) : found;
}

static int add_numbers(const struct pruning *pruning, struct text *array, struct error *err)
{
	for (size_t i = 0; i < pruning->count; i++)
		text_printf(array, "%c%" PRId32, i ? ',' : '{', pruning->versions[i]);
	text_add(array, pruning->count ? "}" : "{}");
	return array->failed ? error_memory(err) : 0;
}

/* What the versions came from, asked before any of them goes. One that went earlier is told by its event. */
static int read_parents(struct store *store, struct pruning *pruning, struct error *err)
{
	static const char sql[] =
		"WITH known AS (SELECT s.runtime_snapshot_name AS name, v.version FROM container_versions v "
		"JOIN snapshots s ON s.id = v.snapshot_id WHERE v.container_id = $1 UNION ALL "
		"SELECT payload->>'snapshot_name', "
		"CASE WHEN payload->>'version' ~ '^[0-9]{1,9}$' THEN (payload->>'version')::int END "
		"FROM lifecycle_events WHERE container_id = $1 AND event_type = " SQL_EVENT_VERSION_PRUNE ") "
		"SELECT v.version, max(known.version) FROM container_versions v JOIN snapshots s ON s.id = v.snapshot_id "
		"JOIN known ON known.name = s.parent_runtime_snapshot_name AND known.version < v.version "
		"WHERE v.container_id = $1 AND v.version = ANY ($2::int[]) GROUP BY v.version ORDER BY v.version";
	cleanup_text struct text array = { 0 };

	if (add_numbers(pruning, &array, err) < 0)
		return -1;

	const char *const parameters[] = { pruning->container_id, array.data };

	rows_release(&pruning->parents);
	return query_rows(store, sql, parameters, QUERY_COUNT(parameters), &pruning->parents, err) < 0 ? -1 : 0;
}

/* The parent's number, 0 for none. */
static int find_parent(const struct pruning *pruning, int32_t version, int64_t *parent, struct error *err)
{
	int low = 0, high = rows_count(&pruning->parents);
	int64_t number;

	*parent = 0;
	while (low < high) {
		int middle = low + (high - low) / 2;

		if (rows_integer(&pruning->parents, middle, 0, 1, INT32_MAX, &number, err) < 0)
			return -1;
		if (number == version)
			return rows_integer(&pruning->parents, middle, 1, 1, INT32_MAX, parent, err);
		if (number < version)
			low = middle + 1;
		else
			high = middle;
	}
	return 0;
}

/* Columns of what delete_version() returns. */
enum { VERSION_ID, SNAPSHOT_ID, RUNTIME_NAME, DISPLAY_NAME, SOURCE };

static int delete_version(struct store *store, const struct pruning *pruning, int32_t version, struct rows *rows,
			  struct error *err)
{
	static const char sql[] = "DELETE FROM container_versions v USING snapshots s "
				  "WHERE s.id = v.snapshot_id AND v.container_id = $1 AND v.version = $2 "
				  "RETURNING v.id::text, s.id::text, s.runtime_snapshot_name, s.display_name, s.source";
	struct query_number number = query_number(version);
	const char *const parameters[] = { pruning->container_id, number.text };

	int found = query_rows(store, sql, parameters, QUERY_COUNT(parameters), rows, err);

	if (found <= 1)
		return found;
	/* The key may include a column that we do not know (a team): the session's settings must say whose rows
	 * these are. */
	error_set(err, ERROR_DATABASE, "version %d of '%s' has %d rows, of which this user may see one only", version,
		  pruning->container_id, found);
	return error_hint(err, "give --database the user, or the options, that belong to this container");
}

static int delete_snapshot(struct store *store, const struct rows *deleted, struct error *err)
{
	static const char sql[] = "DELETE FROM snapshots s WHERE s.id = $1 "
				  "AND NOT EXISTS (SELECT FROM container_versions v WHERE v.snapshot_id = s.id)";
	const char *id;

	if (rows_text(deleted, 0, SNAPSHOT_ID, &id, err) < 0)
		return -1;
	return query_rows(store, sql, &id, 1, NULL, err) < 0 ? -1 : 0;
}

static int add_column(cJSON *payload, const char *key, const struct rows *rows, int column, struct error *err)
{
	const char *text;

	if (rows_text_or_null(rows, 0, column, ROWS_TEXT_LIMIT, &text, err) < 0)
		return -1;
	return json_add_text(payload, key, text, err);
}

static int announce_prune(struct store *store, const struct pruning *pruning, int32_t version,
			  const struct rows *deleted, struct error *err)
{
	const struct announcement announcement = {
		.operation_id = pruning->operation_id,
		.container_id = pruning->container_id,
		.bot_id = pruning->bot_id,
		.type = EVENT_VERSION_PRUNE,
		.version = version,
		.many = true,
		.only_history = true,
	};
	cleanup_json cJSON *payload = cJSON_CreateObject();
	int64_t parent;

	if (add_column(payload, "snapshot_name", deleted, RUNTIME_NAME, err) < 0 ||
	    add_column(payload, "runtime_snapshot_name", deleted, RUNTIME_NAME, err) < 0 ||
	    add_column(payload, "version_id", deleted, VERSION_ID, err) < 0 ||
	    add_column(payload, "display_name", deleted, DISPLAY_NAME, err) < 0 ||
	    add_column(payload, "source", deleted, SOURCE, err) < 0 || find_parent(pruning, version, &parent, err) < 0)
		return -1;
	if (!cJSON_AddNumberToObject(payload, "version", version) ||
	    !(parent ? cJSON_AddNumberToObject(payload, "parent", (double)parent)
		     : cJSON_AddNullToObject(payload, "parent")))
		return error_memory(err);
	return announce_event(store, &announcement, payload, err);
}

static int prune_body(struct store *store, void *context, struct error *err)
{
	struct pruning *pruning = context;

	if (read_bot(store, pruning, err) < 0 || read_parents(store, pruning, err) < 0)
		return -1;
	for (size_t i = 0; i < pruning->count; i++) {
		cleanup_rows struct rows deleted = { 0 };
		int found = delete_version(store, pruning, pruning->versions[i], &deleted, err);

		if (found < 0)
			return -1;
		if (found > 0 && (delete_snapshot(store, &deleted, err) < 0 ||
				  announce_prune(store, pruning, pruning->versions[i], &deleted, err) < 0))
			return -1;
	}
	return 0;
}

int store_versions_delete(struct store *store, const char *container_id, const int32_t *versions, size_t count,
			  const char *operation_id, struct error *err)
{
	__attribute__((cleanup(pruning_release))) struct pruning pruning = {
		.container_id = container_id,
		.operation_id = operation_id,
		.versions = versions,
		.count = count,
	};

	return transaction_run(store, container_id, prune_body, &pruning, err);
}

/* --- the whole history ------------------------------------------------------------------------------- */

/* Rows of one page: taken away before the next one is asked for. */
#define HISTORY_PAGE 1000
#define HISTORY_PAGE_SQL "1000"

static int delete_page(struct store *store, struct pruning *pruning, int *count, struct error *err)
{
	cleanup_rows struct rows rows = { 0 };
	int32_t versions[HISTORY_PAGE];
	int64_t number;

	*count = query_rows(store,
			    "SELECT version FROM container_versions WHERE container_id = $1 "
			    "ORDER BY version LIMIT " HISTORY_PAGE_SQL,
			    &pruning->container_id, 1, &rows, err);
	for (int row = 0; row < *count; row++) {
		if (rows_integer(&rows, row, 0, INT32_MIN, INT32_MAX, &number, err) < 0)
			return -1;
		versions[row] = (int32_t)number;
	}
	pruning->versions = versions;
	pruning->count = *count > 0 ? (size_t)*count : 0;
	return *count < 0 ? -1 : prune_body(store, pruning, err);
}

/* In this order, for what refers to what. */
static int delete_ours(struct store *store, const struct pruning *pruning, struct error *err)
{
	if (query_rows(store, "DELETE FROM lifecycle_events WHERE container_id = $1", &pruning->container_id, 1, NULL,
		       err) < 0)
		return -1;
	if (!pruning->container_gone)
		return 0;
	return query_rows(store, "DELETE FROM containers WHERE container_id = $1", &pruning->container_id, 1, NULL,
			  err) < 0
		       ? -1
		       : 0;
}

static int history_body(struct store *store, void *context, struct error *err)
{
	struct pruning *pruning = context;
	int ours = store_schema_is_ours(store, err), count;

	if (ours < 0)
		return -1;
	do {
		if (delete_page(store, pruning, &count, err) < 0)
			return -1;
	} while (count > 0);
	if (query_rows(store, "DELETE FROM snapshots WHERE container_id = $1", &pruning->container_id, 1, NULL, err) <
	    0)
		return -1;
	return ours ? delete_ours(store, pruning, err) : 0;
}

int store_history_delete(struct store *store, const char *container_id, bool container_gone, const char *operation_id,
			 struct error *err)
{
	struct pruning pruning = {
		.container_id = container_id,
		.operation_id = operation_id,
		.container_gone = container_gone,
	};

	return transaction_run(store, container_id, history_body, &pruning, err);
}

int store_version_greatest(struct store *store, const char *container_id, int32_t *greatest, struct error *err)
{
	static const char sql[] =
		"SELECT greatest(0, (SELECT max(version) FROM container_versions WHERE container_id = $1), "
		"(SELECT max(number) FILTER (WHERE number <= 2147483647) FROM ("
		"SELECT CASE WHEN payload->>'version' ~ '^[0-9]{1,10}$' THEN (payload->>'version')::bigint END "
		"AS number FROM lifecycle_events WHERE container_id = $1 AND event_type IN " SQL_EVENTS_WITH_NUMBERS
		") AS event)) AS version";
	cleanup_rows struct rows rows = { 0 };
	int64_t number;

	if (query_rows(store, sql, &container_id, 1, &rows, err) < 0 ||
	    rows_integer(&rows, 0, 0, 0, INT32_MAX, &number, err) < 0)
		return -1;
	*greatest = (int32_t)number;
	return 0;
}
