#include <string.h>

#include "base/text.h"
#include "command/commands.h"
#include "command/report.h"
#include "fork/fork.h"
#include "operation/operation.h"
#include "output/json_writer.h"
#include "recover/bring_back.h"
#include "workspace/label_keys.h"
#include "workspace/target.h"

#define MAX_LABELS 64
#define LABEL_LIMIT 4096 /* containerd's, for key and value */

/* As they were given: the texts are those of the command line. */
struct given_labels {
	const char *items[MAX_LABELS];
	size_t count;
};

struct fork_options {
	bool start;
	bool live;
	bool name_as_hostname;
	char *bot;
	struct given_labels labels;
};

static int add_label(const char *text, void *field, struct error *err)
{
	struct given_labels *labels = field;

	if (!strchr(text, '=') || *text == '=')
		return error_set(err, ERROR_USAGE, "'%.100s' is no label: KEY=VALUE is", text);
	/* An old containerd would keep it, and no newer one could read it. */
	if (!text_is_utf8(text, strlen(text)))
		return error_set(err, ERROR_USAGE, "'%.100s' is no label: it is not UTF-8", text);
	if (strlen(text) - strlen("=") > LABEL_LIMIT)
		return error_set(err, ERROR_USAGE, "'%.100s…' is no label: key and value have more than %d bytes", text,
				 LABEL_LIMIT);
	if (labels->count == MAX_LABELS)
		return error_set(err, ERROR_USAGE, "more than %d labels", MAX_LABELS);
	labels->items[labels->count++] = text;
	return 0;
}

static int check_bot(const char *text, struct error *err)
{
	char id[ID_SIZE];

	if (id_parse(text, id))
		return 0;
	return error_set(err, ERROR_USAGE, "'%.100s' is no bot id: a UUID is", text);
}

static const struct option_spec fork_options[] = {
	{ .type = OPTION_FLAG,
	  .name = "start",
	  .offset = offsetof(struct fork_options, start),
	  .help = "start it, with a network address of its own" },
	{ .type = OPTION_OTHER,
	  .name = "label",
	  .argument = "KEY=VALUE",
	  .offset = offsetof(struct fork_options, labels),
	  .set = add_label,
	  .help = "give the new container this label; repeatable" },
	{ .type = OPTION_TEXT,
	  .name = "bot",
	  .argument = "UUID",
	  .offset = offsetof(struct fork_options, bot),
	  .check = check_bot,
	  .help = "the bot that owns the new container" },
	{ .type = OPTION_FLAG,
	  .name = "name-as-hostname",
	  .offset = offsetof(struct fork_options, name_as_hostname),
	  .help = "make NEW-ID its hostname" },
	{ .type = OPTION_FLAG,
	  .name = "live",
	  .offset = offsetof(struct fork_options, live),
	  .help = "with @ of a running workspace: take a live version first, and fork that" },
	{ .type = OPTION_END },
};

/* Row and label are to say the same. */
static int check_labelled_bot(const struct fork_options *options, struct error *err)
{
	static const char key[] = LABEL_BOT "=";
	char named[ID_SIZE] = "", labelled[ID_SIZE];

	if (options->bot)
		id_parse(options->bot, named);
	for (size_t i = 0; i < options->labels.count; i++) {
		const char *label = options->labels.items[i];

		if (!text_starts_with(label, key))
			continue;
		if (!id_parse(label + strlen(key), labelled))
			return error_set(err, ERROR_USAGE, "'%.100s' names no bot: a UUID does", label);
		if (*named && strcmp(named, labelled) != 0)
			return error_set(err, ERROR_USAGE, "'--bot %s' and '--label %s' name two bots", named, label);
	}
	return 0;
}

static int fork_check(const struct invocation *invocation, struct error *err)
{
	const struct fork_options *options = invocation->options;

	if (!target_name_is_valid(invocation->arguments[2]))
		return error_set(err, ERROR_USAGE, "'%.100s' cannot be a container id", invocation->arguments[2]);
	if (options->live && strcmp(invocation->arguments[1], "@") != 0)
		return error_set(err, ERROR_USAGE, "'--live' goes with '@' alone, not with '%.100s'",
				 invocation->arguments[1]);
	return check_labelled_bot(options, err);
}

static void print(const struct invocation *invocation, const struct fork_result *result)
{
	struct output *out = invocation->out;
	struct json_writer writer = { .stream = out->stream };
	struct operation_result course = { .step_count = result->step_count };

	if (!out->json && out->quiet)
		output_line(out, "%s", result->container_id);
	else if (!out->json)
		output_line(out, "'%s' is a fork of version %d of '%s'%s", result->container_id, result->origin_version,
			    result->origin_id, result->started ? ", and runs" : "");
	if (!out->json)
		return;
	memcpy(course.operation_id, result->operation_id, sizeof(course.operation_id));
	memcpy(course.steps, result->steps, sizeof(result->steps));
	writer_object(&writer, NULL);
	writer_text(&writer, "container_id", result->container_id);
	writer_text(&writer, "snapshotter", result->snapshotter);
	writer_text(&writer, "image", result->image);
	writer_bool(&writer, "started", result->started);
	writer_integer(&writer, "version", result->version);
	writer_object(&writer, "origin");
	writer_text(&writer, "container_id", result->origin_id);
	writer_integer(&writer, "version", result->origin_version);
	writer_close(&writer);
	report_course(&writer, &course);
	writer_close(&writer);
}

/* An option of those who take versions, which a hint of theirs names. */
static bool names_stop(const struct error *err)
{
	return strstr(err->hint, "--stop") != NULL;
}

/* The version that is forked then is the one that stands for the present. */
static int take_live_version(const struct invocation *invocation, struct version_word *version, struct error *err)
{
	const struct operation_request request = {
		.kind = OPERATION_VERSION,
		.target = invocation->targets,
		.mode = MODE_LIVE,
	};
	cleanup_operation_result struct operation_result result = { 0 };

	if (operation_run(invocation->session, &request, &result, err) < 0)
		return names_stop(err) ? error_hint(err, "'wsnap version %s --stop' takes one, which @ is then",
						    request.target->text)
				       : -1;
	invocation->out->changed = true;
	*version = (struct version_word){ .kind = VERSION_WORD_NUMBER, .number = result.version };
	return 0;
}

static int set_labels(const struct given_labels *given, struct labels *labels, struct error *err)
{
	for (size_t i = 0; i < given->count; i++) {
		const char *value = strchr(given->items[i], '=');
		char key[OPTION_VALUE_LIMIT + 1];

		snprintf(key, sizeof(key), "%.*s", (int)(value - given->items[i]), given->items[i]);
		if (labels_set(labels, key, value + 1, err) < 0)
			return -1;
	}
	return 0;
}

static int fork_command_run(const struct invocation *invocation, struct error *err)
{
	const struct fork_options *options = invocation->options;
	cleanup_labels struct labels labels = { 0 };
	cleanup_fork_result struct fork_result result = { 0 };
	struct version_word taken = { 0 };
	const struct fork_request request = {
		.target = invocation->targets,
		.version = options->live ? &taken : invocation->versions,
		.new_id = invocation->arguments[2],
		.labels = &labels,
		.bot = options->bot,
		.start = options->start,
		.name_as_hostname = options->name_as_hostname,
	};

	bring_back(invocation->session, invocation->targets);
	if (set_labels(&options->labels, &labels, err) < 0 ||
	    (options->live && (fork_foresee(invocation->session, &request, err) < 0 ||
			       take_live_version(invocation, &taken, err) < 0)) ||
	    fork_run(invocation->session, &request, &result, err) < 0)
		return -1;
	invocation->out->changed = true;
	print(invocation, &result);
	return 0;
}

const struct command command_fork = {
	.name = "fork",
	.arguments = "TARGET VERSION NEW-ID",
	.summary = "a new container that begins with a version",
	.description =
		"Makes a container of its own from a version: with its image, spec, environment and command, on a\n"
		"writable layer of its own, and with a history of its own that begins at version 1. Nothing is\n"
		"copied, and whatever becomes of TARGET, the fork stays whole. What is mounted into both they\n"
		"share. Labels by which others own or start TARGET are dropped unless they are given.\n"
		"TARGET's container need not exist any more; then NEW-ID may be its old id, and its history\n"
		"goes on.\n"
		"With --quiet the new container's id is printed.\n",
	.options = fork_options,
	.options_size = sizeof(struct fork_options),
	.check = fork_check,
	.run = fork_command_run,
};
