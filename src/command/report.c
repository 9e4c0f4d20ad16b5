#include "command/report.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "output/meter_line.h"
#include "command/version_columns.h"
#include "recover/bring_back.h"
#include "workspace/names.h"

static void report_steps(struct json_writer *writer, const struct operation_result *result)
{
	writer_array(writer, "steps");
	for (size_t i = 0; i < result->step_count; i++) {
		writer_object(writer, NULL);
		writer_text(writer, "name", result->steps[i].name);
		writer_ms(writer, "ms", result->steps[i].ms);
		writer_close(writer);
	}
	writer_close(writer);
}

static void report_live(struct json_writer *writer, const struct operation_result *result)
{
	if (!result->live)
		return;
	writer_bool(writer, "live", true);
	writer_ms(writer, "frozen_ms", result->frozen_ms);
	writer_integer(writer, "passes", result->passes);
	writer_integer(writer, "copied_bytes", (int64_t)result->copied_bytes);
	writer_integer(writer, "copied_entries", (int64_t)result->copied_entries);
}

void report_course(struct json_writer *writer, const struct operation_result *result)
{
	writer_text(writer, "operation_id", result->operation_id);
	writer_ms(writer, "downtime_ms", result->downtime_ms);
	report_live(writer, result);
	report_steps(writer, result);
}

void report_operation(struct json_writer *writer, const struct operation_result *result)
{
	report_course(writer, result);
	writer_array(writer, "unsaved_mounts");
	for (size_t i = 0; i < result->unsaved_mount_count; i++)
		writer_text(writer, NULL, result->unsaved_mounts[i]);
	writer_close(writer);
}

void report_version(struct json_writer *writer, const struct operation_result *result)
{
	const struct store_version version = {
		.version = result->version,
		.display_name = result->display_name,
		.runtime_name = result->runtime_name,
		.source = result->source,
		.created_ns = result->created_ns,
	};

	version_write_saved(&version, writer);
	writer_text(writer, "snapshotter", result->snapshotter);
}

void report_format_downtime(const struct operation_result *result, char text[static REPORT_DOWNTIME_SIZE])
{
	text[0] = '\0';
	if (result->live && result->frozen_ms > 0)
		snprintf(text, REPORT_DOWNTIME_SIZE, " (frozen for %.1f ms)", result->frozen_ms);
	else if (result->downtime_ms > 0)
		snprintf(text, REPORT_DOWNTIME_SIZE, " (downtime %.0f ms)", result->downtime_ms);
}

static void warn_of_mounts(const struct invocation *invocation, const struct operation_result *result)
{
	cleanup_text struct text names = { 0 };

	if (result->unsaved_mount_count == 0 || !(isatty(STDERR_FILENO) || invocation->settings->verbose))
		return;
	for (size_t i = 0; i < result->unsaved_mount_count; i++)
		text_printf(&names, "%s'%s'", i ? ", " : "", result->unsaved_mounts[i]);
	if (!names.failed)
		log_warning("mounts of '%s' are not part of a version: %s", result->container_id, names.data);
}

static int report_end(const struct invocation *invocation, const struct operation_result *result, struct error *err)
{
	warn_of_mounts(invocation, result);
	if (output_end(invocation->out, err) == 0)
		return 0;
	/* Not ERROR_FAILED, which says that the workspace is as it was. */
	err->kind = ERROR_INCOMPLETE;
	return error_hint(err, "the operation is done all the same: 'wsnap list %s' shows it", result->container_id);
}

void report_saved(const struct invocation *invocation, const struct operation_result *result)
{
	struct output *out = invocation->out;
	char downtime[REPORT_DOWNTIME_SIZE];

	report_format_downtime(result, downtime);
	if (out->quiet)
		output_line(out, "%d", result->version);
	else if (result->unchanged)
		output_line(out, "'%s' has not changed since version %d: nothing was saved", result->container_id,
			    result->version);
	else if (result->display_name)
		output_line(out, "version %d '%s' of '%s' saved%s", result->version, result->display_name,
			    result->container_id, downtime);
	else
		output_line(out, "version %d of '%s' saved%s", result->version, result->container_id, downtime);
}

int report_run(const struct invocation *invocation, const struct operation_request *request, report_print print_json,
	       report_print print_line, struct error *err)
{
	cleanup_operation_result struct operation_result result = { 0 };
	struct meter_line line;
	int done;

	if (invocation->store_error) {
		bring_back(invocation->session, request->target);
		*err = *invocation->store_error;
		return -1;
	}
	meter_line_begin(&line,
			 !invocation->is_one_of_several && !invocation->out->quiet && !invocation->settings->verbose);
	done = operation_run(invocation->session, request, &result, err);
	meter_line_end(&line);
	if (done < 0)
		return -1;
	invocation->out->changed |= !result.unchanged;
	if (invocation->out->json)
		print_json(invocation, &result);
	else
		print_line(invocation, &result);
	return report_end(invocation, &result, err);
}
