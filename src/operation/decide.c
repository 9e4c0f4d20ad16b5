#include "operation/decide.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "task/streams.h"
#include "workspace/label_keys.h"

static enum save_rule save_rule_of(const struct operation_request *request)
{
	/* A compaction saves nothing: the workspace goes on on its own writable layer. */
	if (request->kind == OPERATION_COMPACT)
		return SAVE_NEVER;
	if (request->kind == OPERATION_RESTORE)
		return request->no_save ? SAVE_NEVER : SAVE_ALWAYS;
	if (request->kind != OPERATION_ROLLBACK)
		return SAVE_ALWAYS;
	return request->no_save ? SAVE_NEVER : SAVE_IF_CHANGED;
}

int decide_words(const struct operation_request *request, struct record *record, struct error *err)
{
	record->kind = request->kind;
	record->save = save_rule_of(request);
	record->source = strdup(request->source ? request->source : kind_words(request->kind)->source);
	if (!record->source)
		return error_memory(err);
	if (!request->display_name)
		return 0;
	record->display_name = strdup(request->display_name);
	return record->display_name ? 0 : error_memory(err);
}

static char *dated_name(const struct record *record, const char *kind)
{
	return text_format("%s-%s%lld", record->container_id, kind, (long long)record->created_ns);
}

static void forget_names(struct record *record)
{
	free(record->saved);
	free(record->new_active);
	free(record->back_active);
	record->saved = record->new_active = record->back_active = NULL;
}

int decide_names(struct record *record, struct error *err)
{
	const struct kind_words *words = kind_words(record->kind);
	bool rollback = record->kind == OPERATION_ROLLBACK;

	forget_names(record);
	record->saved = dated_name(record, words->saved);
	record->new_active = dated_name(record, words->active);
	if (rollback)
		record->back_active = dated_name(record, "active-");
	return record->saved && record->new_active && (!rollback || record->back_active) ? 0 : error_memory(err);
}

int decide_all_names(const struct record *record, struct decided_names *names, struct error *err)
{
	size_t count = 0;

	*names = (struct decided_names){ .merged = dated_name(record, "merged-"), .top = dated_name(record, "top-") };
	if (!names->merged || !names->top) {
		decided_names_release(names);
		return error_memory(err);
	}
	names->names[count++] = record->saved;
	names->names[count++] = record->new_active;
	names->names[count++] = names->merged;
	names->names[count++] = names->top;
	names->names[count] = record->back_active;
	return 0;
}

void decided_names_release(struct decided_names *names)
{
	free(names->merged);
	free(names->top);
	*names = (struct decided_names){ 0 };
}

const char *decide_stands_on(const struct ctr_snapshot *active)
{
	const char *label = labels_get(&active->labels, LABEL_STANDS_ON);
	const char *stands_on = label ? label : active->parent;

	return stands_on && *stands_on ? stands_on : NULL;
}

int decide_task(const struct ctr_task *task, const struct record *pending, struct record *record, struct error *err)
{
	record->state = task->state == CTR_TASK_STOPPED ? CTR_TASK_NONE : task->state;
	record->old_pid = record->state == CTR_TASK_NONE ? 0 : (int)task->pid;
	if (record->state != CTR_TASK_NONE || !pending || pending->pending != PENDING_START)
		return streams_keep(&task->streams, &record->streams, err);
	record->state = pending->state;
	return streams_keep(&pending->streams, &record->streams, err);
}
