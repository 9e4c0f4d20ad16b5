#include <string.h>

#include "command/commands.h"
#include "command/report.h"
#include "command/version_columns.h"
#include "naming/naming.h"

static void print_json(struct output *out, const struct naming_result *result)
{
	struct json_writer writer = { .stream = out->stream };
	struct operation_result course = { 0 };

	memcpy(course.operation_id, result->operation_id, sizeof(course.operation_id));
	writer_object(&writer, NULL);
	writer_text(&writer, "container_id", result->container_id);
	version_write(&result->row, &writer);
	report_course(&writer, &course);
	writer_close(&writer);
}

static int name_run(const struct invocation *invocation, struct error *err)
{
	const struct naming_request request = {
		.target = &invocation->targets[0],
		.version = &invocation->versions[0],
		.name = invocation->name,
	};
	cleanup_naming_result struct naming_result result = { 0 };
	struct output *out = invocation->out;

	if (naming_run(invocation->session, &request, &result, err) < 0)
		return -1;
	out->changed = true;
	if (out->json)
		print_json(out, &result);
	else if (out->quiet)
		output_line(out, "%d", result.row.version);
	else if (result.row.display_name)
		output_line(out, "version %d of '%s' is called '%s'", result.row.version, result.container_id,
			    result.row.display_name);
	else
		output_line(out, "version %d of '%s' has no name", result.row.version, result.container_id);
	return 0;
}

const struct command command_name = {
	.name = "name",
	.arguments = "TARGET VERSION NAME",
	.summary = "give a version a name, or with '' take it away",
	.description = "Names a version after it was made; '' takes its name away. Versions with a name stay when\n"
		       "'prune' gives up others. Nothing else changes, and the workspace goes on running.\n"
		       "With --quiet the version's number is printed.\n",
	.needs = COMMAND_NEEDS_ALL,
	.run = name_run,
};
