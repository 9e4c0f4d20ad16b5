/* The operator's programs before and after an operation. */
#include "base/log.h"
#include "hook/hook.h"
#include "operation/steps.h"
#include "workspace/journal.h"

static struct hook_facts facts_of(const struct run *run)
{
	const struct record *record = run->record;

	return (struct hook_facts){
		.operation = kind_words(record->kind)->name,
		.operation_id = record->operation_id,
		.container_id = record->container_id,
		.bot_id = record->bot_id,
		.namespace = record->namespace,
		.source = record->source,
		.live = record->live && (record->kind != OPERATION_RESTORE || record->old_pid != 0),
	};
}

/* Noted before they run: however this run ends, the hooks that come after the operation will run as well. */
int step_pre_hook(struct run *run, struct error *err)
{
	const struct settings *settings = run->session->settings;
	const struct hook_facts facts = facts_of(run);

	if (run->is_part || !hook_is_wanted(settings))
		return 0;
	run->record->hooked = true;
	if (journal_save(run->session, run->record, err) < 0)
		return -1;
	if (hook_run(settings, HOOK_PRE, &facts, err) == 0)
		return 0;
	error_wrap(err, "'%s' was not touched", run->record->container_id);
	return err->hint[0] ? -1 : error_hint(err, "--no-hooks insists");
}

static int exit_status_of(const struct run *run)
{
	const struct record *record = run->record;

	if (record->turned_back)
		return run->failure != ERROR_NONE ? (int)run->failure : ERROR_FAILED;
	return record->pending == PENDING_NOTHING && !record->refusal ? 0 : ERROR_INCOMPLETE;
}

/* Their failure comes too late to change anything: it is a warning. */
int step_post_hook(struct run *run, struct error *err)
{
	struct hook_facts facts = facts_of(run);

	facts.version = run->result->version ? run->result->version : run->record->restore_saved;
	facts.exit_status = exit_status_of(run);
	if (hook_is_wanted(run->session->settings) && hook_run(run->session->settings, HOOK_POST, &facts, err) < 0) {
		log_warning("%s", err->message);
		error_clear(err);
	}
	run->record->hooked = false;
	return 0;
}
