#include "doctor/doctor.h"
#include "command/commands.h"
#include "command/several.h"
#include "output/json_writer.h"
#include "workspace/warnings.h"

struct doctor_options {
	struct several several;
	bool fix;
};

static const struct option_spec doctor_options[] = {
	{ .type = OPTION_FLAG,
	  .name = "fix",
	  .offset = offsetof(struct doctor_options, fix),
	  .help = "put right what can be put right without losing anything" },
	SEVERAL_OPTIONS(doctor_options),
	{ .type = OPTION_END },
};

struct findings {
	struct output *out;
	struct json_writer writer;
};

/* Late: when nothing could be looked at, the error stands alone. */
static void begin(struct findings *findings)
{
	if (!findings->out->json || findings->writer.depth)
		return;
	writer_object(&findings->writer, NULL);
	writer_array(&findings->writer, "findings");
}

static void write_json(struct json_writer *writer, const struct doctor_finding *finding)
{
	writer_object(writer, NULL);
	writer_text(writer, "kind", finding->kind);
	writer_text(writer, "container_id", finding->container_id);
	writer_text(writer, "subject", finding->subject);
	writer_text(writer, "message", finding->message);
	writer_bool(writer, "fixed", finding->fixed);
	writer_close(writer);
}

static int write_finding(const struct doctor_finding *finding, void *context, struct error *err)
{
	struct findings *findings = context;

	begin(findings);
	findings->out->changed |= finding->fixed;
	if (findings->out->json)
		write_json(&findings->writer, finding);
	else
		output_line(findings->out, "%s%s", finding->fixed ? "fixed: " : "", finding->message);
	return findings->writer.failed ? error_memory(err) : 0;
}

static int judge(const struct invocation *invocation, const struct doctor_summary *summary, struct error *err)
{
	const struct doctor_options *options = invocation->options;
	struct output *out = invocation->out;

	if (summary->found == summary->fixed) {
		if (!out->json && !out->quiet && summary->found == 0)
			output_line(out, "all is well");
		return 0;
	}
	error_set(err, ERROR_FAILED, "%zu of %zu findings are left", summary->found - summary->fixed, summary->found);
	return options->fix ? -1 : error_hint(err, "'wsnap doctor --fix' puts right what can be put right");
}

static int doctor_run_command(const struct invocation *invocation, struct error *err)
{
	const struct doctor_options *options = invocation->options;
	struct findings findings = { .out = invocation->out, .writer = { .stream = invocation->out->stream } };
	struct doctor_summary summary = { 0 };
	const struct target_word *target = invocation->target_count ? invocation->targets : NULL;
	int result;

	result = doctor_run(invocation->session, target, options->fix, write_finding, &findings, &summary, err);
	if (!target)
		warnings_namespaces(invocation->session);
	if (result == 0)
		begin(&findings);
	if (findings.writer.depth) {
		writer_close(&findings.writer);
		writer_close(&findings.writer);
	}
	return result < 0 ? -1 : judge(invocation, &summary, err);
}

const struct command command_doctor = {
	.name = "doctor",
	.arguments = "[TARGET...]",
	.summary = "find what does not fit together, and put it right",
	.description =
		"Compares containerd, the database and the state directory, for one workspace or for the namespace,\n"
		"and prints a line for everything that does not fit. The status is 0 when there is nothing, or when\n"
		"all was fixed, else 1. With --fix, operations and prunings that were cut off are finished,\n"
		"versions that the database has lost are written again from their snapshots, versions are protected\n"
		"from containerd's collection again, leases and network addresses that nobody uses are given\n"
		"back, and a container whose snapshot is gone is put on the newest state that is on the disk.\n",
	.options = doctor_options,
	.options_size = sizeof(struct doctor_options),
	.takes_several = true,
	.several_offset = offsetof(struct doctor_options, several),
	.run = doctor_run_command,
};
