#include "store/rename.h"

#include <string.h>

#include "base/cleanup.h"
#include "store/announce.h"
#include "store/query.h"
#include "store/transaction.h"
#include "store/workspaces.h"

struct renaming {
	const char *container_id;
	const struct store_version *row;
	const char *display_name;
	const char *operation_id;
};

static int update(struct store *store, const struct renaming *renaming, struct error *err)
{
	static const char sql[] =
		"UPDATE snapshots s SET display_name = $3 FROM container_versions v "
		"WHERE v.snapshot_id = s.id AND v.container_id = $1 AND v.version = $2 RETURNING s.id";
	struct query_number number = query_number(renaming->row->version);
	const char *const parameters[] = { renaming->container_id, number.text, renaming->display_name };
	int updated = query_rows(store, sql, parameters, QUERY_COUNT(parameters), NULL, err);

	if (updated == 0)
		return error_set(err, ERROR_NOT_FOUND, "version %d of '%s' has gone meanwhile", renaming->row->version,
				 renaming->container_id);
	return updated < 0 ? -1 : 0;
}

static int announce_name(struct store *store, const struct renaming *renaming, const char *bot_id, struct error *err)
{
	const struct announcement announcement = {
		.operation_id = renaming->operation_id,
		.container_id = renaming->container_id,
		.bot_id = bot_id,
		.type = EVENT_NAME,
		.version = renaming->row->version,
		.only_history = true,
	};
	cleanup_json cJSON *payload = cJSON_CreateObject();

	if (json_add_text(payload, "display_name", renaming->display_name, err) < 0 ||
	    json_add_text(payload, "previous_name", renaming->row->display_name, err) < 0 ||
	    json_add_text(payload, "runtime_snapshot_name", renaming->row->runtime_name, err) < 0)
		return -1;
	if (!cJSON_AddNumberToObject(payload, "version", renaming->row->version))
		return error_memory(err);
	return announce_event(store, &announcement, payload, err);
}

static int rename_body(struct store *store, void *context, struct error *err)
{
	const struct renaming *renaming = context;
	cleanup_store_workspace struct store_workspace workspace = { 0 };

	if (store_workspace_of_container(store, renaming->container_id, &workspace, err) < 0 ||
	    update(store, renaming, err) < 0)
		return -1;
	return announce_name(store, renaming, workspace.bot_id, err);
}

int store_version_rename(struct store *store, const char *container_id, const struct store_version *row,
			 const char *display_name, const char *operation_id, struct error *err)
{
	struct renaming renaming = {
		.container_id = container_id,
		.row = row,
		.display_name = display_name,
		.operation_id = operation_id,
	};

	return transaction_run(store, container_id, rename_body, &renaming, err);
}
