#include "base/log.h"
#include "command/commands.h"
#include "output/json_writer.h"
#include "workspace/operation.h"
#include "workspace/target.h"

struct recovered_list {
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

static void write_json(struct json_writer *writer, const struct recovered *recovered)
{
	writer_object(writer, NULL);
	writer_text(writer, "operation_id", recovered->operation_id);
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
	if (list->out->json)
		write_json(&list->writer, recovered);
	else if (list->out->quiet)
		output_line(list->out, "%s", recovered->operation_id);
	else
		output_line(list->out, "'%s': %s", recovered->container_id, recovered->what);
	return list->writer.failed ? error_memory(err) : 0;
}

/* All were tried if any was told of: then the list is whole even where one of them failed. */
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

static int recover(const struct invocation *invocation, const char *container_id, struct error *err)
{
	struct recovered_list list = { .out = invocation->out, .writer = { .stream = invocation->out->stream } };
	int result = operation_recover(invocation->session, container_id, write_recovered, &list, err);

	end(&list, result < 0);
	return result;
}

static int recover_run(const struct invocation *invocation, struct error *err)
{
	const char *word = invocation->arguments[0];
	cleanup_target struct target target = { 0 };

	if (invocation->store_error)
		log_warning("going on without the database: %s", invocation->store_error->message);
	if (!word)
		return recover(invocation, NULL, err);
	if (target_resolve(invocation->session, word, false, &target, err) == 0)
		return recover(invocation, target.container_id, err);
	if (err->kind != ERROR_NOT_FOUND)
		return -1;
	/* The container may be gone and yet have left a record under its id. */
	error_clear(err);
	return recover(invocation, word, err);
}

const struct command command_recover = {
	.name = "recover",
	.arguments = "[TARGET]",
	.summary = "finish operations that were interrupted",
	.description = "Finishes what was interrupted by a crash, a reboot, or a server that was away, for one\n"
		       "workspace or for all. Every other command does so for the workspace it is about.\n"
		       "With --quiet the ids of the operations are printed.\n",
	.needs = COMMAND_NEEDS_RECOVERY,
	.run = recover_run,
};
