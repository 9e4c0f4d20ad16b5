#include "command/status_output.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "command/several_report.h"
#include "command/status_prometheus.h"
#include "output/age.h"

#define NS_PER_SECOND 1000000000
#define NAMED_MOST 5

static const char *const verdicts[] = { "OK", "WARNING", "CRITICAL", "UNKNOWN" };

/* A table, or JSON. */
static bool is_list(const struct status_output *output)
{
	return !output->prometheus && (output->out->json || (!output->out->quiet && !output->is_check));
}

/* A check's first line tells how bad it is, and a file is written at the end: both are gathered. */
int status_output_open(struct status_output *output, struct error *err)
{
	output->oldest_s = -1;
	output->stream = output->out->stream;
	if (!output->file && !output->is_check)
		return 0;
	output->stream = open_memstream(&output->gathered, &output->length);
	return output->stream ? 0 : error_memory(err);
}

/* The age in seconds, -1 without a version. A clock that was set back makes nothing younger than now. */
static int64_t age_of(const struct status_output *output, const struct workspace_status *status)
{
	int64_t age_ns = output->now_ns - status->saved_ns;

	if (status->saved_ns == 0)
		return -1;
	return age_ns > 0 ? age_ns / NS_PER_SECOND : 0;
}

static const char *last_word(const struct workspace_status *status)
{
	if (!status->last.what)
		return NULL;
	return status->last.exit_status == 0 ? "done" : error_code((enum error_kind)status->last.exit_status);
}

/* What a line is about. */
struct row {
	const struct status_output *output;
	const struct workspace_status *status;
};

static const struct workspace_status *status_of_row(const void *row)
{
	return ((const struct row *)row)->status;
}

static int64_t age_of_row(const void *row)
{
	return age_of(((const struct row *)row)->output, status_of_row(row));
}

static void show_container(const void *row, struct text *cell)
{
	text_add(cell, status_of_row(row)->container_id);
}

static void write_container(const void *row, struct json_writer *writer)
{
	writer_text(writer, "container_id", status_of_row(row)->container_id);
}

static void write_bot(const void *row, struct json_writer *writer)
{
	writer_text(writer, "bot_id", status_of_row(row)->bot_id);
}

static void show_versions(const void *row, struct text *cell)
{
	text_printf(cell, "%d", status_of_row(row)->versions);
}

static void write_versions(const void *row, struct json_writer *writer)
{
	writer_integer(writer, "versions", status_of_row(row)->versions);
}

static void show_newest(const void *row, struct text *cell)
{
	if (status_of_row(row)->newest_version > 0)
		text_printf(cell, "%d", status_of_row(row)->newest_version);
}

static void write_newest(const void *row, struct json_writer *writer)
{
	int newest = status_of_row(row)->newest_version;

	writer_known(writer, "newest_version", newest > 0, newest);
}

static void show_age(const void *row, struct text *cell)
{
	char age[AGE_SIZE];

	if (age_of_row(row) < 0)
		return;
	age_format(age_of_row(row), age);
	text_add(cell, age);
}

static void write_age(const void *row, struct json_writer *writer)
{
	writer_known(writer, "age_s", age_of_row(row) >= 0, age_of_row(row));
}

static void show_size(const void *row, struct text *cell)
{
	char size[OUTPUT_SIZE_SIZE];

	if (!status_of_row(row)->has_bytes)
		return;
	output_format_size(status_of_row(row)->bytes, size);
	text_add(cell, size);
}

static void write_bytes(const void *row, struct json_writer *writer)
{
	writer_known(writer, "bytes", status_of_row(row)->has_bytes, status_of_row(row)->bytes);
}

static void show_depth(const void *row, struct text *cell)
{
	if (status_of_row(row)->depth >= 0)
		text_printf(cell, "%d", status_of_row(row)->depth);
}

static void write_depth(const void *row, struct json_writer *writer)
{
	writer_known(writer, "depth", status_of_row(row)->depth >= 0, status_of_row(row)->depth);
}

static void show_open(const void *row, struct text *cell)
{
	text_printf(cell, "%d", status_of_row(row)->open_operations);
}

static void write_open(const void *row, struct json_writer *writer)
{
	writer_integer(writer, "open_operations", status_of_row(row)->open_operations);
}

static void show_last(const void *row, struct text *cell)
{
	const char *word = last_word(status_of_row(row));

	if (word)
		text_add(cell, word);
}

static void write_last(const void *row, struct json_writer *writer)
{
	const struct workspace_status *status = status_of_row(row);

	writer_text(writer, "last_result", last_word(status));
	writer_text(writer, "last_message", status->last.message);
	writer_time(writer, "last_at", status->last.at_ns);
}

static const struct column all_columns[] = {
	{ "container", { "CONTAINER", 0, true }, true, show_container, write_container },
	{ .name = "bot", .write = write_bot },
	{ "versions", { "VERSIONS", 4, false }, true, show_versions, write_versions },
	{ "newest", { "NEWEST", 2, false }, true, show_newest, write_newest },
	{ "age", { "AGE", 0, false }, true, show_age, write_age },
	{ "size", { "SIZE", 3, false }, true, show_size, write_bytes },
	{ "depth", { "DEPTH", 5, false }, true, show_depth, write_depth },
	{ "open", { "OPEN", 1, false }, true, show_open, write_open },
	{ "last", { "LAST", 0, false }, true, show_last, write_last },
	{ .name = NULL },
};

/* The list goes where the rest goes: its lines are cut only where a terminal shows them. */
int status_output_begin(struct status_output *output, struct error *err)
{
	output->lines = *output->out;
	output->lines.stream = output->stream;
	output->lines.columns = output->file ? 0 : output->out->columns;
	output->sheet = (struct sheet){ .out = &output->lines, .all = all_columns, .key = "workspaces" };
	if (sheet_choose(&output->sheet, err) < 0)
		return -1;
	if (is_list(output))
		sheet_begin(&output->sheet);
	return 0;
}

static enum check_status judge(const struct status_output *output, const struct workspace_status *status)
{
	if (status->saved_ns == 0 || status->saved_ns < output->critical_ns)
		return CHECK_CRITICAL;
	return status->saved_ns < output->warning_ns ? CHECK_WARNING : CHECK_OK;
}

static void note_verdict(struct status_output *output, const struct workspace_status *status)
{
	enum check_status verdict = judge(output, status);
	int64_t age_s = age_of(output, status);
	char age[AGE_SIZE];

	if (age_s > output->oldest_s)
		output->oldest_s = age_s;
	if (verdict > output->worst)
		output->worst = verdict;
	if (verdict == CHECK_OK || output->bad++ >= NAMED_MOST)
		return;
	age_format(age_s, age);
	text_printf(&output->bad_names, "%s'%s' %s", output->bad > 1 ? ", " : "", status->container_id,
		    age_s >= 0 ? age : "has no version");
}

static int add_failure(struct status_output *output, const struct workspace_status *status, struct error *err)
{
	struct json_writer *writer = &output->sheet.writer;

	failures_note(&output->failures, status->failure);
	output->worst = CHECK_UNKNOWN;
	if (output->failures.count <= SEVERAL_NAMED_MOST)
		text_printf(&output->failed_names, "%s'%s'", output->failures.count > 1 ? ", " : "",
			    status->container_id);
	if (!is_list(output) || !output->out->json)
		return output->failed_names.failed ? error_memory(err) : 0;
	writer_object(writer, NULL);
	writer_text(writer, "container_id", status->container_id);
	output_json_error(writer, status->failure);
	writer_close(writer);
	return writer->failed ? error_memory(err) : 0;
}

int status_output_add(const struct workspace_status *status, void *context, struct error *err)
{
	struct status_output *output = context;
	const struct row row = { .output = output, .status = status };

	output->count++;
	if (status->failure)
		return add_failure(output, status, err);
	note_verdict(output, status);
	if (output->prometheus)
		return status_samples_add(&output->samples, status, output->now_ns, err);
	if (is_list(output) && sheet_row(&output->sheet, &row, err) < 0)
		return -1;
	if (!output->out->json && output->out->quiet && status->newest_version > 0)
		fprintf(output->stream, "%s %d\n", status->container_id, status->newest_version);
	return output->bad_names.failed ? error_memory(err) : 0;
}

/* One line, as monitors take it: what is wrong, and behind the bar what can be drawn. */
static void write_verdict(struct status_output *output)
{
	fprintf(output->stream, "WSNAP %s: ", verdicts[output->worst]);
	if (output->failures.count)
		fprintf(output->stream, "%zu of %zu workspaces cannot be looked at: %s%s; ", output->failures.count,
			output->count, output->failed_names.data,
			output->failures.count > SEVERAL_NAMED_MOST ? ", …" : "");
	if (output->bad)
		fprintf(output->stream, "%zu of %zu workspaces are not saved in time: %s%s", output->bad, output->count,
			output->bad_names.data, output->bad > NAMED_MOST ? ", …" : "");
	else
		fprintf(output->stream, "%zu workspaces are saved in time", output->count - output->failures.count);
	if (output->oldest_s >= 0)
		fprintf(output->stream, " | oldest=%" PRId64 "s", output->oldest_s);
	fputc('\n', output->stream);
}

/* Metrics are whole or there are none, and of nothing there is no table. */
static bool has_nothing_to_write(const struct status_output *output)
{
	if (output->failures.count == 0)
		return false;
	return output->prometheus || (!output->out->json && output->failures.count == output->count);
}

static int write_end(struct status_output *output, struct error *err)
{
	if (output->prometheus) {
		status_samples_write(output->samples, output->namespace, output->stream);
		return 0;
	}
	if (is_list(output))
		return sheet_end(&output->sheet, err);
	if (output->is_check && !output->out->quiet)
		write_verdict(output);
	return 0;
}

static int write_out(struct status_output *output, struct error *err)
{
	if (has_nothing_to_write(output) && !output->is_check)
		return 0;
	if (write_end(output, err) < 0)
		return -1;
	if (!output->file && !output->is_check)
		return 0;
	if (fclose(steal_pointer(output->stream)) != 0)
		return error_memory(err);
	if (output->file)
		return file_write_output(output->file, output->gathered, output->length, err);
	fwrite(output->gathered, 1, output->length, output->out->stream);
	return 0;
}

int status_output_end(struct status_output *output, struct error *err)
{
	if (write_out(output, err) < 0)
		return -1;
	return several_tell_failures(&output->failures, output->failed_names.data, output->count, err);
}

void status_output_release(struct status_output *output)
{
	if (output->stream && output->stream != output->out->stream)
		fclose(output->stream);
	free(output->gathered);
	sheet_release(&output->sheet);
	text_release(&output->bad_names);
	text_release(&output->failed_names);
	status_samples_free(output->samples);
}
