#include "store/workspaces.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "store/query.h"

#define METADATA_LIMIT ((size_t)4 << 20)

/* The newest version is the one with the greatest number: a clock may have been wrong when another was made. */
#define FROM_WORKSPACES                                                                                           \
	"FROM containers c LEFT JOIN LATERAL (SELECT count(*) AS versions, coalesce(max(version), 0) AS newest, " \
	"(SELECT n.created_at FROM container_versions n WHERE n.container_id = c.container_id "                   \
	"ORDER BY n.version DESC LIMIT 1) AS newest_at "                                                          \
	"FROM container_versions WHERE container_id = c.container_id) v ON true "

#define SELECT_WORKSPACES                                                                                                 \
	"SELECT c.bot_id::text, c.container_id, c.namespace, c.image, c.status, v.versions, v.newest, " SQL_MICROSECONDS( \
		"v.newest_at") " AS newest_at " FROM_WORKSPACES

void store_workspace_release(struct store_workspace *workspace)
{
	free(workspace->container_id);
	free(workspace->namespace);
	free(workspace->image);
	free(workspace->status);
	free(workspace->newest_at);
	free(workspace->fault);
	*workspace = (struct store_workspace){ 0 };
}

void store_workspaces_release(struct store_workspaces *workspaces)
{
	for (size_t i = 0; i < workspaces->count; i++)
		store_workspace_release(&workspaces->items[i]);
	free(workspaces->items);
	*workspaces = (struct store_workspaces){ 0 };
}

/* A copy of a text that must not be null. */
static int copy_text(const struct rows *rows, int row, int column, char **copy, struct error *err)
{
	const char *text;

	if (rows_text(rows, row, column, &text, err) < 0)
		return -1;
	*copy = strdup(text);
	return *copy ? 0 : error_memory(err);
}

static int copy_time(const struct rows *rows, int row, int column, char **copy, struct error *err)
{
	char text[CLOCK_TEXT_SIZE];
	int64_t unix_ns;

	if (rows_is_null(rows, row, column))
		return 0;
	if (rows_time(rows, row, column, &unix_ns, err) < 0)
		return -1;
	clock_format(unix_ns, text);
	*copy = strdup(text);
	return *copy ? 0 : error_memory(err);
}

/* Fills what can be filled; the caller releases it also after an error. */
static int read_workspace(const struct rows *rows, int row, struct store_workspace *workspace, struct error *err)
{
	int64_t versions;
	int64_t newest;

	if (copy_text(rows, row, 1, &workspace->container_id, err) < 0)
		return -1;
	if (rows_id(rows, row, 0, workspace->bot_id, err) < 0 ||
	    copy_text(rows, row, 2, &workspace->namespace, err) < 0 ||
	    copy_text(rows, row, 3, &workspace->image, err) < 0 ||
	    copy_text(rows, row, 4, &workspace->status, err) < 0 ||
	    rows_integer(rows, row, 5, 0, INT32_MAX, &versions, err) < 0 ||
	    rows_integer(rows, row, 6, 0, INT32_MAX, &newest, err) < 0 ||
	    copy_time(rows, row, 7, &workspace->newest_at, err) < 0)
		return error_wrap(err, "the row of '%s'", workspace->container_id);
	workspace->versions = (int)versions;
	workspace->newest = (int)newest;
	return 0;
}

/* A database user who is not restricted to one team may see a row of that id for several teams. */
static int is_ambiguous(struct store *store, const char *container_id, struct error *err)
{
	static const char sql[] = "SELECT string_agg(DISTINCT coalesce('team ' || (to_jsonb(c) ->> 'team_id'), "
				  "'bot ' || c.bot_id::text), ' and ') AS owners FROM containers c "
				  "WHERE c.container_id = $1";
	cleanup_rows struct rows rows = { 0 };
	const char *owners;

	if (query_rows(store, sql, &container_id, 1, &rows, err) < 0 || rows_text(&rows, 0, 0, &owners, err) < 0)
		return -1;
	error_set(err, ERROR_REFUSED, "'%s' has several rows in the table containers, of %.1000s", container_id,
		  owners);
	return error_hint(err, "give --database a user whom the tables hold to the rows of one of them, and the "
			       "options that say which");
}

/* 1 found, 0 none, 2 there are several. */
static int find_workspace(struct store *store, const char *sql, const char *parameter,
			  struct store_workspace *workspace, struct error *err)
{
	cleanup_rows struct rows rows = { 0 };
	cleanup_store_workspace struct store_workspace found = { 0 };
	int count = query_rows(store, sql, &parameter, 1, &rows, err);

	if (count <= 0)
		return count;
	if (read_workspace(&rows, 0, &found, err) < 0)
		return -1;
	*workspace = found;
	found = (struct store_workspace){ 0 };
	return count > 1 ? 2 : 1;
}

int store_workspace_of_container(struct store *store, const char *container_id, struct store_workspace *workspace,
				 struct error *err)
{
	cleanup_store_workspace struct store_workspace found = { 0 };
	int count =
		find_workspace(store, SELECT_WORKSPACES "WHERE c.container_id = $1 LIMIT 2", container_id, &found, err);

	if (count > 1)
		return is_ambiguous(store, container_id, err);
	*workspace = found;
	found = (struct store_workspace){ 0 };
	return count;
}

int store_workspace_of_bot(struct store *store, const char *bot_id, struct store_workspace *workspace,
			   struct error *err)
{
	char id[ID_SIZE];

	if (!id_parse(bot_id, id))
		return 0;
	return find_workspace(store,
			      SELECT_WORKSPACES
			      "WHERE c.bot_id = $1 "
			      "AND coalesce(to_jsonb(c) ->> 'workspace_backend', 'container') = 'container' "
			      "ORDER BY c.updated_at DESC, c.created_at DESC, c.container_id DESC LIMIT 1",
			      id, workspace, err);
}

int store_bot_exists(struct store *store, const char *bot_id, struct error *err)
{
	char id[ID_SIZE];
	const char *const parameters[] = { id };

	if (!id_parse(bot_id, id))
		return 0;
	return query_rows(store, "SELECT FROM bots WHERE id = $1 LIMIT 1", parameters, 1, NULL, err);
}

/* The row as JSON has the key or has it not: a query that names the column would fail without it. */
int store_bot_metadata(struct store *store, const char *bot_id, char **metadata, struct error *err)
{
	cleanup_rows struct rows rows = { 0 };
	char id[ID_SIZE];
	const char *const parameters[] = { id };
	const char *text;
	int found;

	if (!id_parse(bot_id, id))
		return 0;
	found = query_rows(store,
			   "SELECT nullif(to_jsonb(b) -> 'metadata', 'null')::text AS metadata "
			   "FROM bots b WHERE b.id = $1 LIMIT 1",
			   parameters, 1, &rows, err);
	if (found <= 0)
		return found;
	if (rows_text_or_null(&rows, 0, 0, METADATA_LIMIT, &text, err) < 0)
		return -1;
	if (!text)
		return 0;
	*metadata = strdup(text);
	return *metadata ? 1 : error_memory(err);
}

/* Of a row that cannot be read the name stays, and why. 1 it has one, 0 it is passed over, -1 no memory. */
static int keep_fault(const struct rows *rows, int row, const struct error *failure, struct store_workspace *workspace,
		      struct error *err)
{
	struct error nameless = { 0 };

	store_workspace_release(workspace);
	if (copy_text(rows, row, 1, &workspace->container_id, &nameless) < 0) {
		log_warning("a row of the table containers is passed over: %s", failure->message);
		return 0;
	}
	workspace->fault = strdup(failure->message);
	return workspace->fault ? 1 : error_memory(err);
}

int store_workspace_list(struct store *store, struct store_workspaces *workspaces, struct error *err)
{
	cleanup_rows struct rows rows = { 0 };
	cleanup_store_workspaces struct store_workspaces found = { 0 };
	int count = query_rows(store, SELECT_WORKSPACES "ORDER BY c.container_id COLLATE \"C\"", NULL, 0, &rows, err);

	if (count < 0)
		return -1;
	found.items = calloc((size_t)count + 1, sizeof(*found.items));
	if (!found.items)
		return error_memory(err);
	for (int row = 0; row < count; row++) {
		struct store_workspace *workspace = &found.items[found.count++];
		struct error failure = { 0 };
		int kept = read_workspace(&rows, row, workspace, &failure) == 0;

		if (!kept)
			kept = keep_fault(&rows, row, &failure, workspace, err);
		if (kept < 0)
			return -1;
		found.count -= !kept;
	}
	*workspaces = found;
	found = (struct store_workspaces){ 0 };
	return 0;
}
