#include "workspace/workspaces.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "ctr/tasks.h"
#include "workspace/host.h"

static int compare_containers(const void *a, const void *b)
{
	return strcmp(((const struct ctr_container *)a)->id, ((const struct ctr_container *)b)->id);
}

static int compare_rows(const void *a, const void *b)
{
	return strcmp(((const struct store_workspace *)a)->container_id,
		      ((const struct store_workspace *)b)->container_id);
}

/* A row that cannot be read does not hide the others. */
static int pass_over(const struct store_workspace *row)
{
	log_warning("'%s' is passed over: %s", row->container_id, row->fault);
	return 0;
}

static int pass_workspace(struct session *session, const struct store_workspace *row,
			  const struct ctr_container *container, workspaces_each_one each, void *context,
			  struct error *err)
{
	cleanup_ctr_task struct ctr_task task = { 0 };
	struct workspace workspace = { .row = row, .container = container };

	int is_its = row->fault ? pass_over(row) : host_has_row(session, row, err);

	if (is_its <= 0)
		return is_its;
	if (ctr_task_get(session->ctr, container->id, &task, err) < 0)
		return -1;
	workspace.status = ctr_task_state_name(task.state);
	return each(&workspace, context, err);
}

int workspaces_each(struct session *session, workspaces_each_one each, void *context, struct error *err)
{
	cleanup_ctr_containers struct ctr_containers containers = { 0 };
	cleanup_store_workspaces struct store_workspaces rows = { 0 };
	size_t at = 0;
	int result = 0;

	if (ctr_container_list(session->ctr, NULL, &containers, err) < 0 ||
	    store_workspace_list(session->store, &rows, err) < 0)
		return -1;
	/* Neither containerd's order nor that of the database's collation is sure to be strcmp's. */
	if (containers.count)
		qsort(containers.items, containers.count, sizeof(*containers.items), compare_containers);
	if (rows.count)
		qsort(rows.items, rows.count, sizeof(*rows.items), compare_rows);
	for (size_t i = 0; i < rows.count && result == 0; i++) {
		while (at < containers.count && strcmp(containers.items[at].id, rows.items[i].container_id) < 0)
			at++;
		if (at < containers.count && strcmp(containers.items[at].id, rows.items[i].container_id) == 0)
			result = pass_workspace(session, &rows.items[i], &containers.items[at], each, context, err);
	}
	return result;
}
