/* One transaction for everything that an operation did. */
#include "store/operation.h"

#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "store/announce.h"
#include "store/query.h"
#include "store/transaction.h"
#include "store/workspaces.h"

/* What one try at the transaction knows so far. */
struct writing {
	const struct store_operation *operation;
	struct store_written written;
	char bot_id[ID_SIZE]; /* of the container's row */
	char *snapshot_id;    /* "" while there is no row */
};

static void writing_release(struct writing *writing)
{
	free(writing->snapshot_id);
	writing->snapshot_id = NULL;
}

static int no_bot(const char *bot_id, struct error *err)
{
	error_set(err, ERROR_NOT_FOUND, "bot '%s' has no row in the table bots", bot_id);
	return error_hint(err, "the tables are another server's: create the bot there first");
}

/* The bot's row; made where the schema is ours. */
static int ensure_bot(struct store *store, const char *bot_id, struct error *err)
{
	int exists = store_bot_exists(store, bot_id, err);
	int ours = exists == 0 ? store_schema_is_ours(store, err) : 0;

	if (exists != 0 || ours < 0)
		return exists < 0 || ours < 0 ? -1 : 0;
	if (!ours)
		return no_bot(bot_id, err);
	return query_rows(store, "INSERT INTO bots (id) VALUES ($1)", &bot_id, 1, NULL, err) < 0 ? -1 : 0;
}

/* Somebody may have deleted the row on purpose: one that is made again must not make a server start the container. */
static int keep_from_starting(struct store *store, const char *container_id, struct error *err)
{
	static const char sql[] = "UPDATE containers SET auto_start = false WHERE container_id = $1";

	return query_rows(store, sql, &container_id, 1, NULL, err) < 0 ? -1 : 0;
}

static int insert_container(struct store *store, struct writing *writing, struct error *err)
{
	static const char sql[] =
		"INSERT INTO containers (bot_id, container_id, container_name, image, status, namespace, "
		"last_stopped_at, last_started_at, created_at, updated_at) "
		"VALUES ($1, $2, $2, coalesce($3, ''), $4, $5, $6, $7, coalesce($8::timestamptz, now()), "
		"coalesce($8::timestamptz, now()))";
	const struct store_operation *operation = writing->operation;
	struct query_time stopped, started, created;
	const char *const parameters[] = {
		operation->bot_id,
		operation->container_id,
		operation->image,
		operation->status,
		operation->namespace,
		query_time(operation->stopped_ns, &stopped),
		query_time(operation->started_ns, &started),
		/* A bot's newest row is its workspace, so a rebuilt row must not get a newer time. */
		query_time(operation->is_rebuilt ? operation->created_ns : 0, &created),
	};

	if (ensure_bot(store, operation->bot_id, err) < 0)
		return -1;
	snprintf(writing->bot_id, sizeof(writing->bot_id), "%s", operation->bot_id);
	if (query_rows(store, sql, parameters, QUERY_COUNT(parameters), NULL, err) < 0)
		return -1;
	return operation->is_rebuilt || operation->is_gone ? keep_from_starting(store, operation->container_id, err)
							   : 0;
}

/* An operation that is recorded late does not overwrite the times of a later one. */
static int write_container(struct store *store, struct writing *writing, struct error *err)
{
	static const char sql[] = "UPDATE containers SET image = coalesce($2, image), "
				  "status = coalesce($3, status), "
				  "updated_at = CASE WHEN $6 THEN now() ELSE updated_at END, "
				  "last_stopped_at = greatest(last_stopped_at, $4), "
				  "last_started_at = greatest(last_started_at, $5) "
				  "WHERE container_id = $1 RETURNING bot_id::text";
	const struct store_operation *operation = writing->operation;
	struct query_time stopped, started;
	int ours = store_schema_is_ours(store, err);
	const char *const parameters[] = {
		operation->container_id,
		operation->is_late ? NULL : operation->image,
		operation->is_late ? NULL : operation->status,
		query_time(operation->stopped_ns, &stopped),
		query_time(operation->started_ns, &started),
		/* By it the other server tells which of a bot's containers is the one in use. */
		ours ? "true" : "false",
	};
	cleanup_rows struct rows rows = { 0 };
	int updated = ours < 0 ? -1 : query_rows(store, sql, parameters, QUERY_COUNT(parameters), &rows, err);

	if (updated < 0)
		return -1;
	if (updated == 0)
		return insert_container(store, writing, err);
	return rows_id(&rows, 0, 0, writing->bot_id, err);
}

static int read_written(const struct rows *rows, int column, struct store_written *written, struct error *err)
{
	int64_t version;

	if (rows_id(rows, 0, column, written->version_id, err) < 0 ||
	    rows_integer(rows, 0, column + 1, 1, INT32_MAX, &version, err) < 0 ||
	    rows_time(rows, 0, column + 2, &written->created_ns, err) < 0)
		return -1;
	written->version = (int32_t)version;
	return 0;
}

static int keep_snapshot_id(struct writing *writing, const struct rows *rows, struct error *err)
{
	const char *id;

	if (rows_text(rows, 0, 0, &id, err) < 0)
		return -1;
	writing->snapshot_id = strdup(id);
	return writing->snapshot_id ? 0 : error_memory(err);
}

/* Takes what an earlier run has written: the snapshot's row, and its version. */
static int find_snapshot(struct store *store, struct writing *writing, struct error *err)
{
	static const char sql[] = "SELECT s.id::text, v.id::text, v.version, " SQL_MICROSECONDS(
		"v.created_at") " AS created_at "
				"FROM snapshots s LEFT JOIN container_versions v "
				"ON v.snapshot_id = s.id AND v.container_id = s.container_id "
				"WHERE s.container_id = $1 AND s.runtime_snapshot_name = $2 ORDER BY v.version LIMIT 1";
	const char *const parameters[] = { writing->operation->container_id, writing->operation->runtime_name };
	cleanup_rows struct rows rows = { 0 };
	int found = query_rows(store, sql, parameters, QUERY_COUNT(parameters), &rows, err);

	if (found <= 0)
		return found;
	if (keep_snapshot_id(writing, &rows, err) < 0)
		return -1;
	return rows_is_null(&rows, 0, 1) ? 0 : read_written(&rows, 1, &writing->written, err);
}

static int insert_snapshot(struct store *store, struct writing *writing, struct error *err)
{
	static const char sql[] =
		"INSERT INTO snapshots (container_id, runtime_snapshot_name, display_name, "
		"parent_runtime_snapshot_name, snapshotter, source, created_at) "
		"VALUES ($1, $2, $3, $4, $5, $6, coalesce($7::timestamptz, now())) RETURNING id::text";
	const struct store_operation *operation = writing->operation;
	struct query_time created;
	const char *const parameters[] = {
		operation->container_id,
		operation->runtime_name,
		operation->display_name,
		operation->parent,
		operation->snapshotter,
		operation->source,
		query_time(operation->created_ns, &created),
	};
	cleanup_rows struct rows rows = { 0 };

	if (query_rows(store, sql, parameters, QUERY_COUNT(parameters), &rows, err) < 0)
		return -1;
	return keep_snapshot_id(writing, &rows, err);
}

/* One more than the greatest number ever given. Rows of versions that were taken away are gone; the events that told
 * of them are not, nor, where the database was lost, what the caller knows. Numbers in foreign events that could not
 * be ours are passed over. */
static int next_version(struct store *store, const struct store_operation *operation, int32_t *next, struct error *err)
{
	static const char sql[] =
		"SELECT greatest($2::int, (SELECT max(version) FROM container_versions WHERE container_id = $1), "
		"(SELECT max(number) FILTER (WHERE number <= 2147483647) FROM ("
		"SELECT CASE WHEN payload->>'version' ~ '^[0-9]{1,10}$' THEN (payload->>'version')::bigint END "
		"AS number FROM lifecycle_events WHERE container_id = $1 AND event_type IN " SQL_EVENTS_WITH_NUMBERS
		") AS event)) AS version";
	struct query_number floor = query_number(operation->version_floor);
	const char *const parameters[] = { operation->container_id, floor.text };
	cleanup_rows struct rows rows = { 0 };
	int64_t greatest;

	if (query_rows(store, sql, parameters, QUERY_COUNT(parameters), &rows, err) < 0 ||
	    rows_integer(&rows, 0, 0, 0, INT32_MAX, &greatest, err) < 0)
		return -1;
	if (greatest == INT32_MAX)
		return error_set(err, ERROR_FAILED, "'%s' has used up its version numbers: the last is %d",
				 operation->container_id, INT32_MAX);
	*next = (int32_t)(greatest + 1);
	return 0;
}

static int check_version_is_free(struct store *store, const char *container_id, int32_t version, struct error *err)
{
	struct query_number number = query_number(version);
	const char *const parameters[] = { container_id, number.text };
	int found = query_rows(store, "SELECT FROM container_versions WHERE container_id = $1 AND version = $2",
			       parameters, QUERY_COUNT(parameters), NULL, err);

	if (found > 0)
		return error_set(err, ERROR_FAILED, "version %" PRId32 " of '%s' is another snapshot's", version,
				 container_id);
	return found;
}

static int choose_version(struct store *store, const struct store_operation *operation, int32_t *version,
			  struct error *err)
{
	if (operation->known_version == 0)
		return next_version(store, operation, version, err);
	if (operation->known_version < 0)
		return error_set(err, ERROR_FAILED, "'%" PRId32 "' is no version of '%s'", operation->known_version,
				 operation->container_id);
	*version = operation->known_version;
	return check_version_is_free(store, operation->container_id, *version, err);
}

static int insert_version(struct store *store, struct writing *writing, struct error *err)
{
	static const char sql[] = "INSERT INTO container_versions (container_id, snapshot_id, version, created_at) "
				  "VALUES ($1, $2, $3, coalesce($4::timestamptz, now())) "
				  "RETURNING id::text, version, " SQL_MICROSECONDS("created_at") " AS created_at";
	const struct store_operation *operation = writing->operation;
	cleanup_rows struct rows rows = { 0 };
	struct query_time created;
	struct query_number number;
	int32_t version = 0;

	if (choose_version(store, operation, &version, err) < 0)
		return -1;
	number = query_number(version);

	const char *const parameters[] = { operation->container_id, writing->snapshot_id, number.text,
					   query_time(operation->created_ns, &created) };

	if (query_rows(store, sql, parameters, QUERY_COUNT(parameters), &rows, err) < 0)
		return -1;
	return read_written(&rows, 0, &writing->written, err);
}

static int write_version(struct store *store, struct writing *writing, struct error *err)
{
	if (find_snapshot(store, writing, err) < 0)
		return -1;
	if (!writing->snapshot_id && insert_snapshot(store, writing, err) < 0)
		return -1;
	return writing->written.version > 0 ? 0 : insert_version(store, writing, err);
}

/* Of an operation that was begun before such things were kept, this run is all that is known. */
static const struct store_origin *origin_of(const struct store_operation *operation)
{
	return operation->is_rebuilt || operation->origin.by || operation->origin.host ? &operation->origin : NULL;
}

static int announce(struct store *store, const struct writing *writing, enum store_event_type type, int32_t version,
		    cJSON *payload, struct error *err)
{
	const struct announcement announcement = {
		.operation_id = writing->operation->operation_id,
		.container_id = writing->operation->container_id,
		.bot_id = writing->bot_id,
		.type = type,
		.version = version,
		.created_ns = writing->operation->is_rebuilt ? writing->operation->created_ns : 0,
		.origin = origin_of(writing->operation),
		.only_history = writing->operation->is_live,
	};

	return announce_event(store, &announcement, payload, err);
}

static int fill_snapshot_create(const struct writing *writing, cJSON *payload, struct error *err)
{
	const struct store_operation *operation = writing->operation;
	cleanup_free char *shown = store_version_shown(operation->display_name, writing->written.version);

	if (!shown)
		return error_memory(err);
	if (json_add_text(payload, "snapshot_name", shown, err) < 0 ||
	    json_add_text(payload, "display_name", operation->display_name, err) < 0 ||
	    json_add_text(payload, "runtime_snapshot_name", operation->runtime_name, err) < 0 ||
	    json_add_text(payload, "snapshotter", operation->snapshotter, err) < 0)
		return -1;
	return json_add_text(payload, "source", operation->source, err);
}

static int fill_version_create(const struct writing *writing, cJSON *payload, struct error *err)
{
	const struct store_operation *operation = writing->operation;

	if (json_add_text(payload, "snapshot_name", operation->runtime_name, err) < 0 ||
	    json_add_text(payload, "version_id", writing->written.version_id, err) < 0 ||
	    json_add_text(payload, "display_name", operation->display_name, err) < 0)
		return -1;
	return json_add_text(payload, "source", operation->source, err);
}

static int fill_fork(const struct writing *writing, cJSON *payload, struct error *err)
{
	const struct store_operation *operation = writing->operation;

	if (json_add_text(payload, "origin_container_id", operation->origin_container_id, err) < 0 ||
	    json_add_text(payload, "image", operation->image, err) < 0)
		return -1;
	if (!cJSON_AddNumberToObject(payload, "origin_version", operation->origin_version))
		return error_memory(err);
	return fill_version_create(writing, payload, err);
}

static int fill_version(const struct writing *writing, cJSON *payload, struct error *err)
{
	switch (writing->operation->version_event) {
	case EVENT_SNAPSHOT_CREATE:
		return fill_snapshot_create(writing, payload, err);
	case EVENT_FORK:
		return fill_fork(writing, payload, err);
	default:
		return fill_version_create(writing, payload, err);
	}
}

static int announce_version(struct store *store, const struct writing *writing, struct error *err)
{
	enum store_event_type type = writing->operation->version_event;
	cleanup_json cJSON *payload = cJSON_CreateObject();

	if (fill_version(writing, payload, err) < 0)
		return -1;
	if (!cJSON_AddNumberToObject(payload, "version", writing->written.version) ||
	    (writing->operation->is_live && !cJSON_AddTrueToObject(payload, "live")))
		return error_memory(err);
	return announce(store, writing, type, writing->written.version, payload, err);
}

static int announce_rollback(struct store *store, const struct writing *writing, struct error *err)
{
	const struct store_operation *operation = writing->operation;
	int32_t saved = writing->written.version;
	cleanup_json cJSON *payload = cJSON_CreateObject();

	if (json_add_text(payload, "snapshot_name", operation->rollback_runtime_name, err) < 0 ||
	    json_add_text(payload, "source", SOURCE_ROLLBACK, err) < 0)
		return -1;
	if (!cJSON_AddNumberToObject(payload, "version", operation->rolled_back_to) ||
	    (saved > 0 && !cJSON_AddNumberToObject(payload, "saved_version", saved)))
		return error_memory(err);
	return announce(store, writing, EVENT_VERSION_ROLLBACK, operation->rolled_back_to, payload, err);
}

static int fill_restore(const struct writing *writing, cJSON *payload, struct error *err)
{
	const struct store_operation *operation = writing->operation;
	const char *words = operation->restored_paths ? operation->restored_paths : "[]";
	int32_t saved = writing->written.version ? writing->written.version : operation->restore_saved;
	cJSON *paths = json_parse(words, strlen(words), "the paths of the restore", err);

	if (!paths)
		return -1;
	if (!cJSON_AddItemToObject(payload, "paths", paths)) {
		cJSON_Delete(paths);
		return error_memory(err);
	}
	if (!cJSON_AddNumberToObject(payload, "version", operation->restored_from) ||
	    !(saved > 0 ? cJSON_AddNumberToObject(payload, "saved_version", saved)
			: cJSON_AddNullToObject(payload, "saved_version")))
		return error_memory(err);
	return 0;
}

static int announce_restore(struct store *store, const struct writing *writing, struct error *err)
{
	cleanup_json cJSON *payload = cJSON_CreateObject();

	if (!payload)
		return error_memory(err);
	if (fill_restore(writing, payload, err) < 0)
		return -1;
	return announce(store, writing, EVENT_RESTORE, writing->operation->restored_from, payload, err);
}

static int write_all(struct store *store, void *context, struct error *err)
{
	struct writing *writing = context;
	const struct store_operation *operation = writing->operation;

	writing_release(writing);
	writing->written = (struct store_written){ 0 };
	if (write_container(store, writing, err) < 0)
		return -1;
	if (operation->runtime_name && write_version(store, writing, err) < 0)
		return -1;
	if (operation->runtime_name && operation->version_event && announce_version(store, writing, err) < 0)
		return -1;
	if (operation->rolled_back_to > 0 && announce_rollback(store, writing, err) < 0)
		return -1;
	return operation->restored_from > 0 ? announce_restore(store, writing, err) : 0;
}

int store_write_operation(struct store *store, const struct store_operation *operation, struct store_written *written,
			  struct error *err)
{
	__attribute__((cleanup(writing_release))) struct writing writing = { .operation = operation };

	if (transaction_run(store, operation->container_id, write_all, &writing, err) < 0)
		return -1;
	*written = writing.written;
	return 0;
}

int store_rehearse_operation(struct store *store, const struct store_operation *operation, struct error *err)
{
	__attribute__((cleanup(writing_release))) struct writing writing = { .operation = operation };

	return transaction_rehearse(store, operation->container_id, write_all, &writing, err);
}

int store_check_bot(struct store *store, const char *bot_id, struct error *err)
{
	int ours = store_schema_is_ours(store, err);
	int exists = ours == 0 ? store_bot_exists(store, bot_id, err) : ours;

	if (exists < 0)
		return -1;
	return exists ? store_check_writable(store, err) : no_bot(bot_id, err);
}
