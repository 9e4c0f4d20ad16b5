#include "workspace/host.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "ctr/containers.h"
#include "workspace/journal.h"
#include "workspace/label_keys.h"
#include "workspace/lock.h"
#include "workspace/snapshotters.h"
#include "workspace/survey.h"
#include "workspace/target.h"

int host_has_worked_on(struct session *session, const char *container_id, struct error *err)
{
	cleanup_ctr_container struct ctr_container container = { 0 };

	if (lock_exists(session, container_id))
		return 1;
	if (session->survey)
		return names_set_has(&session->survey->containers, container_id);
	return ctr_container_find(session->ctr, container_id, &container, err);
}

int host_has_row(struct session *session, const struct store_workspace *row, struct error *err)
{
	if (strcmp(row->namespace, session->settings->namespace) == 0 ||
	    target_check_namespace(session, row->container_id, err) == 0)
		return 1;
	return error_forgive(err, ERROR_REFUSED) ? 0 : -1;
}

static int add_owner(const struct ctr_snapshot *snapshot, void *context, struct error *err)
{
	const char *id = labels_get(&snapshot->labels, LABEL_CONTAINER);

	return id && target_name_is_valid(id) ? names_set_add(context, id, err) : 0;
}

int host_add_labelled(struct session *session, const char *filter, struct names_set *ids, struct error *err)
{
	return snapshotters_each(session, filter, add_owner, ids, err);
}

int host_has_container(struct session *session, const char *container_id, struct error *err)
{
	cleanup_names_set struct names_set labelled = { 0 };
	cleanup_free char *filter = text_format("labels.\"" LABEL_CONTAINER "\"==\"%s\"", container_id);
	int known = host_has_worked_on(session, container_id, err);
	size_t count;

	if (known == 0)
		known = journal_exists(session, container_id, err);
	if (known != 0)
		return known;
	if (session->survey) {
		survey_of(session->survey, container_id, &count);
		return count > 0;
	}
	if (!filter)
		return error_memory(err);
	return host_add_labelled(session, filter, &labelled, err) < 0 ? -1 : labelled.count > 0;
}
