#include <stddef.h>
#include <string.h>

#include "base/log.h"
#include "base/names_set.h"
#include "command/commands.h"
#include "command/several.h"
#include "fork/fork_finish.h"
#include "output/json_writer.h"
#include "prune/prune.h"
#include "recover/recover.h"
#include "workspace/journal.h"
#include "workspace/target.h"
#include "workspace/warnings.h"

struct recover_options {
	struct several several;
	bool all_namespaces;
	bool break_lock;
};

static const struct option_spec recover_options[] = {
	{ .type = OPTION_FLAG,
	  .name = "all-namespaces",
	  .offset = offsetof(struct recover_options, all_namespaces),
	  .help = "also what was interrupted in other namespaces" },
	{ .type = OPTION_FLAG,
	  .name = "break-lock",
	  .offset = offsetof(struct recover_options, break_lock),
	  .help = "take TARGET's lock from a run that you know to have ended" },
	SEVERAL_OPTIONS(recover_options),
	{ .type = OPTION_END },
};

struct recovered_list {
	bool break_lock;
	const char *namespace; /* that is being recovered */
	struct output *out;
	struct json_writer writer;
	size_t count;
};

static void begin(struct recovered_list *list)
{
	if (!list->out->json || list->writer.depth)
		return;
	writer_object(&list->writer, NULL);
	writer_array(&list->writer, "recovered");
}

static void write_json(struct json_writer *writer, const char *namespace, const struct recovered *recovered)
{
	writer_object(writer, NULL);
	writer_text(writer, "operation_id", *recovered->operation_id ? recovered->operation_id : NULL);
	writer_text(writer, "namespace", namespace);
	writer_text(writer, "container_id", recovered->container_id);
	writer_text(writer, "result", recovered->what);
	writer_integer(writer, "exit_status", recovered->failed);
	writer_close(writer);
}

static int write_recovered(const struct recovered *recovered, void *context, struct error *err)
{
	struct recovered_list *list = context;

	begin(list);
	list->count++;
	list->out->changed |= !recovered->failed;
	if (list->out->json)
		write_json(&list->writer, list->namespace, recovered);
	else if (list->out->quiet && *recovered->operation_id)
		output_line(list->out, "%s", recovered->operation_id);
	else if (!list->out->quiet)
		output_line(list->out, "'%s': %s", recovered->container_id, recovered->what);
	return list->writer.failed ? error_memory(err) : 0;
}

/* If anything was listed, all were tried: then the list is closed even though one of them failed. */
static void end(struct recovered_list *list, bool failed)
{
	if (failed && list->count == 0)
		return;
	begin(list);
	if (list->out->json) {
		writer_close(&list->writer);
		writer_close(&list->writer);
	} else if (list->count == 0 && !list->out->quiet) {
		output_line(list->out, "nothing to recover");
	}
}

static int recover_here(struct recovered_list *list, struct session *session, const char *container_id,
			struct error *err)
{
	const struct recover_request request = { .container_id = container_id, .break_lock = list->break_lock };

	list->namespace = session->settings->namespace;
	return recover_workspaces(session, &request, write_recovered, list, err);
}

/* In a session of its own: a connection to containerd is one to a namespace. */
static int recover_other(struct recovered_list *list, const struct settings *settings, char *namespace,
			 struct error *err)
{
	struct settings other = *settings;
	cleanup_session struct session session = { .state_dir = -1 };
	struct error store_error = { 0 };

	other.namespace = namespace;
	if (session_open_for_recovery(&other, &session, &store_error, err) < 0)
		return -1;
	return recover_here(list, &session, NULL, err);
}

/* The other namespaces, after our own: prunings and locks leave their marks in containerd alone. The first failure comes back, after all were tried. */
static int recover_others(const struct invocation *invocation, struct recovered_list *list, struct error *err)
{
	const struct settings *settings = invocation->settings;
	cleanup_names_set struct names_set namespaces = { 0 };
	struct failures failures = { 0 };

	if (recover_namespaces(invocation->session, &namespaces, err) < 0)
		return -1;
	for (size_t i = 0; i < namespaces.count; i++) {
		struct error failure = { 0 };

		if (strcmp(namespaces.items[i], settings->namespace) == 0 ||
		    recover_other(list, settings, namespaces.items[i], &failure) == 0)
			continue;
		failures_note(&failures, &failure);
	}
	return failures_first(&failures, err);
}

static int go_through(const struct invocation *invocation, struct recovered_list *list, struct error *err)
{
	const struct recover_options *options = invocation->options;
	int result = recover_here(list, invocation->session, NULL, err);
	struct error failure = { 0 };

	if (!options->all_namespaces) {
		warnings_namespaces(invocation->session);
		return result;
	}
	if (recover_others(invocation, list, &failure) == 0 || result < 0)
		return result;
	*err = failure;
	return -1;
}

static int is_one(const struct record *record, void *context, struct error *err)
{
	(void)record;
	(void)context;
	(void)err;
	return 1;
}

/* A container that is gone may have left a record under its id, a lock, or versions that are marked to go; one that was to
 * be made as a fork, its lease. */
static int recover_word(const struct invocation *invocation, struct recovered_list *list, struct error *err)
{
	const char *id = invocation->targets[0].text;
	struct session *session = invocation->session;
	cleanup_target struct target target = { 0 };
	struct error unknown = { 0 };
	int left;

	if (target_resolve(session, invocation->targets, false, &target, &unknown) == 0)
		return recover_here(list, session, target.container_id, err);
	if (unknown.kind == ERROR_NOT_FOUND) {
		if (session_open_state(session, err) < 0)
			return -1;
		left = list->break_lock ? 1 : journal_exists(session, id, err);
		if (left == 0)
			left = prune_count_unfinished(session, id, err);
		if (left == 0)
			left = journal_each_refused(session, id, is_one, NULL, err);
		if (left == 0)
			left = fork_is_left(session, id, err);
		if (left != 0)
			return left < 0 ? -1 : recover_here(list, session, id, err);
	}
	/* Without the database a bot cannot be looked up, so it must not be called unknown. */
	*err = unknown;
	if (unknown.kind != ERROR_NOT_FOUND || !invocation->store_error)
		return -1;
	*err = *invocation->store_error;
	return error_wrap(err, "'%s' cannot be looked up", id);
}

static int recover_check(const struct invocation *invocation, struct error *err)
{
	const struct recover_options *options = invocation->options;

	if (options->break_lock && invocation->target_count == 0)
		return error_set(err, ERROR_USAGE, "'--break-lock' needs a TARGET");
	if (!options->all_namespaces || invocation->target_count == 0)
		return 0;
	return error_set(err, ERROR_USAGE, "'--all-namespaces' does not go with a TARGET, '%s'",
			 invocation->arguments[0]);
}

static int recover_run(const struct invocation *invocation, struct error *err)
{
	const struct recover_options *options = invocation->options;
	struct recovered_list list = { .break_lock = options->break_lock,
				       .out = invocation->out,
				       .writer = { .stream = invocation->out->stream } };
	int result;

	if (invocation->store_error)
		log_warning("going on without the database: %s", invocation->store_error->message);
	result = invocation->target_count ? recover_word(invocation, &list, err) : go_through(invocation, &list, err);
	end(&list, result < 0);
	return result;
}

const struct command command_recover = {
	.name = "recover",
	.arguments = "[TARGET...]",
	.summary = "finish operations that were interrupted",
	.description = "Finishes what was interrupted by a crash, a reboot, or a server that was away, for one\n"
		       "workspace or for all. Every other command does so for the workspace it is about.\n"
		       "Without --all-namespaces, which the boot unit gives, it is about one namespace.\n"
		       "The lock of a run of another host or state directory is never taken for a dead one's;\n"
		       "--break-lock is your word that it is.\n"
		       "With --quiet the ids of the operations are printed.\n",
	.options = recover_options,
	.options_size = sizeof(struct recover_options),
	.needs = COMMAND_NEEDS_CONTAINERD,
	.takes_several = true,
	.several_offset = offsetof(struct recover_options, several),
	.check = recover_check,
	.run = recover_run,
};
