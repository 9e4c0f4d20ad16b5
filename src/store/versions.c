#include "store/versions.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "store/query.h"

/* Rows of one page: their size times this is the memory that a listing takes. */
#define PAGE 2500
#define PAGE_SQL "2500"

#define SELECT_VERSIONS                                                                                                           \
	"SELECT v.id::text, v.version, s.runtime_snapshot_name, nullif(s.display_name, '') AS display_name, "                     \
	"nullif(s.parent_runtime_snapshot_name, '') AS parent_runtime_snapshot_name, s.snapshotter, s.source, " SQL_MICROSECONDS( \
		"v.created_at") " AS created_at "                                                                                 \
				"FROM container_versions v JOIN snapshots s ON s.id = v.snapshot_id WHERE v.container_id = $1 "

void store_version_release(struct store_version *version)
{
	free(version->runtime_name);
	free(version->display_name);
	free(version->parent);
	free(version->snapshotter);
	free(version->source);
	*version = (struct store_version){ 0 };
}

/* A text of the rows; the members of store_version are not const because a copy owns them. */
static int point_at(const struct rows *rows, int row, int column, bool may_be_null, char **member, struct error *err)
{
	const char *text;
	int result = may_be_null ? rows_text_or_null(rows, row, column, ROWS_TEXT_LIMIT, &text, err)
				 : rows_text(rows, row, column, &text, err);

	if (result == 0)
		memcpy(member, &text, sizeof(text));
	return result;
}

/* The texts point into the rows. */
static int read_version(const struct rows *rows, int row, struct store_version *version, struct error *err)
{
	int64_t number;

	if (rows_integer(rows, row, 1, 1, INT32_MAX, &number, err) < 0)
		return -1;
	version->version = (int32_t)number;
	if (rows_id(rows, row, 0, version->id, err) < 0 ||
	    point_at(rows, row, 2, false, &version->runtime_name, err) < 0 ||
	    point_at(rows, row, 3, true, &version->display_name, err) < 0 ||
	    point_at(rows, row, 4, true, &version->parent, err) < 0 ||
	    point_at(rows, row, 5, false, &version->snapshotter, err) < 0 ||
	    point_at(rows, row, 6, false, &version->source, err) < 0 ||
	    rows_time(rows, row, 7, &version->created_ns, err) < 0)
		return error_wrap(err, "version %d", version->version);
	return 0;
}

int store_versions_each(struct store *store, const char *container_id, store_version_each each, void *context,
			struct error *err)
{
	struct query_number last = query_number(INT32_MIN);
	const char *const parameters[] = { container_id, last.text };
	int count;

	do {
		cleanup_rows struct rows rows = { 0 };
		struct store_version version = { 0 };

		count = query_rows(store, SELECT_VERSIONS "AND v.version > $2 ORDER BY v.version LIMIT " PAGE_SQL,
				   parameters, QUERY_COUNT(parameters), &rows, err);
		for (int row = 0; row < count; row++)
			if (read_version(&rows, row, &version, err) < 0 || each(&version, context, err) < 0)
				return -1;
		last = query_number(version.version);
	} while (count == PAGE);
	return count < 0 ? -1 : 0;
}

static int copy_member(char **to, const char *from)
{
	*to = from ? strdup(from) : NULL;
	return !from || *to ? 0 : -1;
}

int store_version_copy(const struct store_version *from, struct store_version *to, struct error *err)
{
	cleanup_store_version struct store_version copy = { .version = from->version, .created_ns = from->created_ns };

	memcpy(copy.id, from->id, sizeof(copy.id));
	if (copy_member(&copy.runtime_name, from->runtime_name) < 0 ||
	    copy_member(&copy.display_name, from->display_name) < 0 || copy_member(&copy.parent, from->parent) < 0 ||
	    copy_member(&copy.snapshotter, from->snapshotter) < 0 || copy_member(&copy.source, from->source) < 0)
		return error_memory(err);
	*to = copy;
	copy = (struct store_version){ 0 };
	return 0;
}

static int find_version(struct store *store, const char *sql, const char *const *parameters, int count,
			struct store_version *version, struct error *err)
{
	cleanup_rows struct rows rows = { 0 };
	struct store_version found = { 0 };
	int rows_found = query_rows(store, sql, parameters, count, &rows, err);

	if (rows_found <= 0)
		return rows_found;
	if (read_version(&rows, 0, &found, err) < 0 || store_version_copy(&found, version, err) < 0)
		return -1;
	return 1;
}

int store_version_by_number(struct store *store, const char *container_id, int32_t number,
			    struct store_version *version, struct error *err)
{
	struct query_number text = query_number(number);
	const char *const parameters[] = { container_id, text.text };

	return find_version(store, SELECT_VERSIONS "AND v.version = $2 LIMIT 1", parameters, QUERY_COUNT(parameters),
			    version, err);
}

int store_version_by_name(struct store *store, const char *container_id, const char *display_name,
			  struct store_version *version, struct error *err)
{
	const char *const parameters[] = { container_id, display_name };

	return find_version(store, SELECT_VERSIONS "AND s.display_name = $2 ORDER BY v.version DESC LIMIT 1",
			    parameters, QUERY_COUNT(parameters), version, err);
}

int store_version_newest(struct store *store, const char *container_id, struct store_version *version,
			 struct error *err)
{
	return find_version(store, SELECT_VERSIONS "ORDER BY v.version DESC LIMIT 1", &container_id, 1, version, err);
}

int store_version_at(struct store *store, const char *container_id, int64_t unix_ns, struct store_version *version,
		     struct error *err)
{
	char limit[CLOCK_TEXT_SIZE];
	const char *const parameters[] = { container_id, limit };

	clock_format(unix_ns, limit);
	return find_version(store,
			    SELECT_VERSIONS "AND v.created_at <= $2 ORDER BY v.created_at DESC, v.version DESC LIMIT 1",
			    parameters, QUERY_COUNT(parameters), version, err);
}

int store_version_of_snapshot(struct store *store, const char *container_id, const char *runtime_name,
			      struct store_version *version, struct error *err)
{
	const char *const parameters[] = { container_id, runtime_name };

	return find_version(store, SELECT_VERSIONS "AND s.runtime_snapshot_name = $2 ORDER BY v.version LIMIT 1",
			    parameters, QUERY_COUNT(parameters), version, err);
}

int store_snapshot_other(struct store *store, const char *container_id, const char *runtime_name, char **other,
			 struct error *err)
{
	const char *const parameters[] = { container_id, runtime_name };
	cleanup_rows struct rows rows = { 0 };
	const char *text;
	int found = query_rows(store,
			       "SELECT s.container_id FROM snapshots s "
			       "WHERE s.runtime_snapshot_name = $2 AND s.container_id <> $1 LIMIT 1",
			       parameters, QUERY_COUNT(parameters), &rows, err);

	if (found <= 0)
		return found;
	if (rows_text(&rows, 0, 0, &text, err) < 0)
		return -1;
	*other = strdup(text);
	return *other ? 1 : error_memory(err);
}
