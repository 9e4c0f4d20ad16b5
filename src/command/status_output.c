#include "command/status_output.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "command/status_prometheus.h"
#include "output/age.h"

#define NS_PER_SECOND 1000000000
#define NAMED_MOST 5

static const char *const verdicts[] = { "OK", "WARNING", "CRITICAL", "UNKNOWN" };

static bool is_table(const struct status_output *output)
{
	return !output->out->json && !output->out->quiet && !output->prometheus && !output->is_check;
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

void status_output_begin(struct status_output *output)
{
	static const char *const headings[] = { "CONTAINER", "VERSIONS", "NEWEST", "AGE",
						"SIZE",      "DEPTH",    "OPEN",   "LAST" };

	output->writer.stream = output->stream;
	if (output->out->json && !output->prometheus) {
		writer_object(&output->writer, NULL);
		writer_array(&output->writer, "workspaces");
	} else if (is_table(output)) {
		table_begin(&output->table, output->stream, headings, 8);
	}
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

static void integer_or_null(struct json_writer *writer, const char *key, bool known, int64_t value)
{
	if (known)
		writer_integer(writer, key, value);
	else
		writer_null(writer, key);
}

static void write_json(struct status_output *output, const struct workspace_status *status)
{
	struct json_writer *writer = &output->writer;
	int64_t age_s = age_of(output, status);

	writer_object(writer, NULL);
	writer_text(writer, "container_id", status->container_id);
	writer_text(writer, "bot_id", status->bot_id);
	integer_or_null(writer, "newest_version", status->newest_version > 0, status->newest_version);
	integer_or_null(writer, "age_s", age_s >= 0, age_s);
	writer_integer(writer, "versions", status->versions);
	integer_or_null(writer, "bytes", status->has_bytes, status->bytes);
	integer_or_null(writer, "depth", status->depth >= 0, status->depth);
	writer_integer(writer, "open_operations", status->open_operations);
	writer_text(writer, "last_result", last_word(status));
	writer_text(writer, "last_message", status->last.message);
	writer_time(writer, "last_at", status->last.at_ns);
	writer_close(writer);
}

static void number_cell(struct table *table, bool known, int number)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", number);
	table_cell(table, known ? text : NULL);
}

static void write_row(struct status_output *output, const struct workspace_status *status)
{
	struct table *table = &output->table;
	char age[AGE_SIZE], size[OUTPUT_SIZE_SIZE];
	int64_t age_s = age_of(output, status);

	age_format(age_s, age);
	output_format_size(status->bytes, size);
	table_cell(table, status->container_id);
	number_cell(table, true, status->versions);
	number_cell(table, status->newest_version > 0, status->newest_version);
	table_cell(table, age_s >= 0 ? age : NULL);
	table_cell(table, status->has_bytes ? size : NULL);
	number_cell(table, status->depth >= 0, status->depth);
	number_cell(table, true, status->open_operations);
	table_cell(table, last_word(status));
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

int status_output_add(const struct workspace_status *status, void *context, struct error *err)
{
	struct status_output *output = context;

	output->count++;
	note_verdict(output, status);
	if (output->prometheus)
		return status_samples_add(&output->samples, status, output->now_ns, err);
	if (output->out->json)
		write_json(output, status);
	else if (output->out->quiet && status->newest_version > 0)
		fprintf(output->stream, "%s %d\n", status->container_id, status->newest_version);
	else if (is_table(output))
		write_row(output, status);
	return output->writer.failed || output->bad_names.failed ? error_memory(err) : 0;
}

/* One line, as monitors take it: what is wrong, and behind the bar what can be drawn. */
static void write_verdict(struct status_output *output)
{
	fprintf(output->stream, "WSNAP %s: ", verdicts[output->worst]);
	if (output->bad)
		fprintf(output->stream, "%zu of %zu workspaces are not saved in time: %s%s", output->bad, output->count,
			output->bad_names.data, output->bad > NAMED_MOST ? ", …" : "");
	else
		fprintf(output->stream, "%zu workspaces are saved in time", output->count);
	if (output->oldest_s >= 0)
		fprintf(output->stream, " | oldest=%" PRId64 "s", output->oldest_s);
	fputc('\n', output->stream);
}

static int write_end(struct status_output *output, struct error *err)
{
	if (output->prometheus) {
		status_samples_write(output->samples, output->namespace, output->stream);
		return 0;
	}
	if (output->out->json) {
		writer_close(&output->writer);
		writer_close(&output->writer);
		return 0;
	}
	if (output->is_check && !output->out->quiet)
		write_verdict(output);
	return is_table(output) ? table_end(&output->table, err) : 0;
}

/* FILE is replaced: who reads it meanwhile finds the old one or the new one. */
static int write_file(const struct status_output *output, struct error *err)
{
	const char *slash = strrchr(output->file, '/'), *name = slash ? slash + 1 : output->file;
	cleanup_free char *folder = slash ? strndup(output->file, (size_t)(slash - output->file + 1)) : strdup(".");
	cleanup_fd int dir = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	if (!folder)
		return error_memory(err);
	if (dir < 0)
		return error_errno(err, ERROR_FAILED, errno, "'%s' cannot be written", output->file);
	if (file_replace(dir, name, 0644, output->gathered, output->length, err) < 0)
		return error_wrap(err, "'%s' cannot be written", output->file);
	return 0;
}

int status_output_end(struct status_output *output, struct error *err)
{
	if (write_end(output, err) < 0)
		return -1;
	if (!output->file && !output->is_check)
		return 0;
	if (fclose(steal_pointer(output->stream)) != 0)
		return error_memory(err);
	if (output->file)
		return write_file(output, err);
	fwrite(output->gathered, 1, output->length, output->out->stream);
	return 0;
}

void status_output_release(struct status_output *output)
{
	if (output->stream && output->stream != output->out->stream)
		fclose(output->stream);
	free(output->gathered);
	table_release(&output->table);
	text_release(&output->bad_names);
	status_samples_free(output->samples);
}
