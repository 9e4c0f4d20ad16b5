#include <string.h>

#include "command/commands.h"
#include "output/json_writer.h"
#include "output/output.h"
#include "policy/due.h"
#include "recover/recover.h"

struct run_policies_options {
	bool dry_run;
	char *policy_dir;
};

static const struct option_spec run_policies_options[] = {
	{ .type = OPTION_FLAG,
	  .name = "dry-run",
	  .offset = offsetof(struct run_policies_options, dry_run),
	  .help = "say what is due, and change nothing" },
	{ .type = OPTION_TEXT,
	  .name = "policy-dir",
	  .argument = "DIR",
	  .offset = offsetof(struct run_policies_options, policy_dir),
	  .otherwise = "/etc/wsnap/policy.d",
	  .check = option_check_not_empty,
	  .help = "where the policies are" },
	{ .type = OPTION_END },
};

struct report {
	struct output *out;
	struct json_writer writer;
	bool dry_run;
};

static void write_json(struct json_writer *writer, const struct policy_done *done, const struct error *failure)
{
	writer_object(writer, NULL);
	writer_text(writer, "container_id", done->container_id);
	writer_text(writer, "policy", done->policy);
	writer_bool(writer, "due", done->due);
	if (done->version > 0)
		writer_integer(writer, "version", done->version);
	else
		writer_null(writer, "version");
	writer_bool(writer, "unchanged", done->unchanged);
	writer_integer(writer, "pruned", done->pruned);
	writer_integer(writer, "pruned_for_room", done->pruned_for_room);
	writer_integer(writer, "freed_bytes", done->freed_bytes);
	if (failure)
		output_json_error(writer, failure);
	writer_close(writer);
}

static void write_saved(struct output *out, const struct policy_done *done)
{
	if (done->version > 0)
		output_line(out, "'%s': version %d saved (policy '%s')", done->container_id, done->version,
			    done->policy);
	else
		output_line(out, "'%s': nothing has changed (policy '%s')", done->container_id, done->policy);
	if (done->pruned + done->pruned_for_room > 0)
		output_line(out, "'%s': %d versions went (policy '%s')", done->container_id,
			    done->pruned + done->pruned_for_room, done->policy);
}

static void write_line(const struct report *report, const struct policy_done *done, const struct error *failure)
{
	struct output *out = report->out;

	if (out->quiet && done->version > 0)
		output_line(out, "%s %d", done->container_id, done->version);
	else if (out->quiet)
		return;
	else if (failure)
		output_line(out, "'%s': failed: %s", done->container_id, failure->message);
	else if (done->due && report->dry_run)
		output_line(out, "'%s' is due (policy '%s')", done->container_id, done->policy);
	else if (done->due)
		write_saved(out, done);
}

static int write_done(const struct policy_done *done, const struct error *failure, void *context, struct error *err)
{
	struct report *report = context;

	report->out->changed |= done->version > 0 || done->pruned + done->pruned_for_room > 0;
	if (report->out->json)
		write_json(&report->writer, done, failure);
	else
		write_line(report, done, failure);
	return report->writer.failed ? error_memory(err) : 0;
}

static int run(const struct invocation *invocation, struct error *err)
{
	const struct run_policies_options *options = invocation->options;
	struct report report = { .out = invocation->out,
				 .writer = { .stream = invocation->out->stream },
				 .dry_run = options->dry_run };
	cleanup_policies struct policies policies = { 0 };
	int result;

	if (policies_read(options->policy_dir, &policies, err) < 0)
		return -1;
	if (report.out->json) {
		writer_object(&report.writer, NULL);
		writer_array(&report.writer, "workspaces");
	}
	if (!options->dry_run)
		recover_left_forks(invocation->session);
	result = policies_do_due(invocation->session, &policies, options->dry_run, write_done, &report, err);
	if (report.out->json) {
		writer_close(&report.writer);
		writer_close(&report.writer);
	}
	return result;
}

const struct command command_run_policies = {
	.name = "run-policies",
	.arguments = "",
	.summary = "do what the policies say is due, for every workspace, once",
	.description =
		"Saves every workspace whose newest version is as old as its policy says, and gives up what the\n"
		"policy does not keep. A timer runs it every few minutes. A policy is a file in\n"
		"/etc/wsnap/policy.d; a container's label wsnap.policy=NAME chooses one, else the first whose filter\n"
		"matches is taken. With --quiet the ids and numbers of what was saved are printed.\n",
	.options = run_policies_options,
	.options_size = sizeof(struct run_policies_options),
	.run = run,
};
