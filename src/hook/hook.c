#include "hook/hook.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/log.h"
#include "base/program.h"

#define OUTPUT_LIMIT ((size_t)1 << 20)
#define VARIABLES_MOST 24

static const char *const phase_names[] = { [HOOK_PRE] = "pre", [HOOK_POST] = "post" };

/* Passed on from our own environment: nothing that may hold a password. */
static const char *const passed_on[] = { "PATH", "HOME", "LANG", "LC_ALL", "TZ", "USER", "LOGNAME" };

bool hook_is_wanted(const struct settings *settings)
{
	return !settings->no_hooks && settings->hooks_dir && access(settings->hooks_dir, F_OK) == 0;
}

/* --- what it is told ------------------------------------------------------------------------------ */

struct told {
	char *variables[VARIABLES_MOST + 1]; /* NULL at the end */
	size_t count;
	char *json;
};

static void told_release(struct told *told)
{
	for (size_t i = 0; i < told->count; i++)
		free(told->variables[i]);
	free(told->json);
}

#define cleanup_told __attribute__((cleanup(told_release)))

static int add_variable(struct told *told, const char *name, const char *value, struct error *err)
{
	char *variable = text_format("%s=%s", name, value ? value : "");

	if (!variable || told->count == VARIABLES_MOST) {
		free(variable);
		return error_memory(err);
	}
	told->variables[told->count++] = variable;
	return 0;
}

/* A fact as a variable WSNAP_NAME and as a member `key` of the document. */
static int tell(struct told *told, cJSON *json, const char *name, const char *key, const char *value, struct error *err)
{
	return add_variable(told, name, value, err) < 0 ? -1 : json_add_text(json, key, value, err);
}

static int tell_number(struct told *told, cJSON *json, const char *name, const char *key, int number, struct error *err)
{
	cleanup_free char *text = text_format("%d", number);

	if (!text || !cJSON_AddNumberToObject(json, key, number))
		return error_memory(err);
	return add_variable(told, name, text, err);
}

static int tell_outcome(struct told *told, cJSON *json, const struct hook_facts *facts, struct error *err)
{
	if (facts->version > 0 && tell_number(told, json, "WSNAP_VERSION", "version", facts->version, err) < 0)
		return -1;
	if (facts->version <= 0 &&
	    (add_variable(told, "WSNAP_VERSION", "", err) < 0 || !cJSON_AddNullToObject(json, "version")))
		return error_memory(err);
	return tell_number(told, json, "WSNAP_EXIT_STATUS", "exit_status", facts->exit_status, err);
}

static int tell_all(struct told *told, enum hook_phase phase, const struct hook_facts *facts, struct error *err)
{
	cleanup_json cJSON *json = cJSON_CreateObject();

	if (!json)
		return error_memory(err);
	for (size_t i = 0; i < sizeof(passed_on) / sizeof(*passed_on); i++)
		if (getenv(passed_on[i]) && add_variable(told, passed_on[i], getenv(passed_on[i]), err) < 0)
			return -1;
	if (tell(told, json, "WSNAP_PHASE", "phase", phase_names[phase], err) < 0 ||
	    tell(told, json, "WSNAP_OPERATION", "operation", facts->operation, err) < 0 ||
	    tell(told, json, "WSNAP_OPERATION_ID", "operation_id", facts->operation_id, err) < 0 ||
	    tell(told, json, "WSNAP_CONTAINER_ID", "container_id", facts->container_id, err) < 0 ||
	    tell(told, json, "WSNAP_BOT_ID", "bot_id", facts->bot_id, err) < 0 ||
	    tell(told, json, "WSNAP_NAMESPACE", "namespace", facts->namespace, err) < 0 ||
	    tell(told, json, "WSNAP_SOURCE", "source", facts->source, err) < 0 ||
	    add_variable(told, "WSNAP_LIVE", facts->live ? "true" : "false", err) < 0)
		return -1;
	if (!cJSON_AddBoolToObject(json, "live", facts->live))
		return error_memory(err);
	if (phase == HOOK_POST && tell_outcome(told, json, facts, err) < 0)
		return -1;
	told->json = json_print(json, err);
	return told->json ? 0 : -1;
}

/* --- one hook ------------------------------------------------------------------------------------- */

static void log_lines(const char *path, char *said)
{
	char *line;

	while (said && (line = strsep(&said, "\n")))
		if (*line)
			log_detail("'%s': %s", path, line);
}

/* Its last line that is not empty: why it failed. Cuts the text there. */
static const char *last_line(struct text *said)
{
	char *line;

	while (said->length && strchr("\n\r\t ", said->data[said->length - 1]))
		said->data[--said->length] = '\0';
	line = said->length ? strrchr(said->data, '\n') : NULL;
	return line ? line + 1 : said->length ? said->data : "";
}

static int judge(const char *path, unsigned timeout_s, struct program_outcome *outcome, struct error *err)
{
	struct text *said = outcome->complaints.length ? &outcome->complaints : &outcome->output;
	const char *last = last_line(said), *colon = *last ? ": " : "";

	switch (outcome->end) {
	case PROGRAM_EXITED:
		if (outcome->code == 0)
			return 0;
		return error_set(err, ERROR_REFUSED, "the hook '%s' failed with status %d%s%.300s", path, outcome->code,
				 colon, last);
	case PROGRAM_SIGNALED:
		return error_set(err, ERROR_REFUSED, "the hook '%s' was ended by SIG%s%s%.300s", path,
				 sigabbrev_np(outcome->code), colon, last);
	case PROGRAM_TIMED_OUT:
		return error_set(err, ERROR_REFUSED, "the hook '%s' did not end within %u s%s%.300s", path, timeout_s,
				 colon, last);
	case PROGRAM_TOO_MUCH:
		break;
	}
	return error_set(err, ERROR_REFUSED, "the hook '%s' printed too much", path);
}

static int run_one(const struct settings *settings, const char *path, const struct told *told, struct error *err)
{
	const struct program program = { .file = path,
					 .environment = (char *const *)told->variables,
					 .input = told->json,
					 .output_limit = OUTPUT_LIMIT,
					 .timeout_ms = settings->hook_timeout_s * 1000 };
	cleanup_program_outcome struct program_outcome outcome = { 0 };
	struct error failure = { 0 };

	if (program_run(&program, &outcome, err) < 0) {
		err->kind = ERROR_REFUSED;
		return -1;
	}
	judge(path, settings->hook_timeout_s, &outcome, &failure);
	log_lines(path, outcome.output.data);
	log_lines(path, outcome.complaints.data);
	*err = failure;
	return failure.kind == ERROR_NONE ? 0 : -1;
}

/* --- the folder ----------------------------------------------------------------------------------- */

/* They run as we do: whoever may write them could do whatever we can. */
static int check_owner(const struct stat *status, const char *path, struct error *err)
{
	if ((status->st_uid == 0 || status->st_uid == geteuid()) && !(status->st_mode & (S_IWGRP | S_IWOTH)))
		return 0;
	error_set(err, ERROR_REFUSED, "the hook '%s' is not run: others may write it", path);
	return error_hint(err, "'chown root %s; chmod go-w %s', or --no-hooks", path, path);
}

static int is_hook(const struct dirent *entry)
{
	return entry->d_name[0] != '.' && !strchr(entry->d_name, '~');
}

/* 1: it is to be run, 0: it is no program, -1. */
static int look_at(int dir, const char *name, const char *path, struct error *err)
{
	struct stat status;

	if (fstatat(dir, name, &status, 0) < 0)
		return error_errno(err, ERROR_REFUSED, errno, "the hook '%s' cannot be looked at", path);
	if (!S_ISREG(status.st_mode) || !(status.st_mode & S_IXUSR))
		return 0;
	return check_owner(&status, path, err) < 0 ? -1 : 1;
}

static int open_folder(const char *path, struct error *err)
{
	cleanup_fd int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat status;

	if (dir < 0 || fstat(dir, &status) < 0)
		return error_errno(err, ERROR_REFUSED, errno, "the folder of hooks '%s' cannot be read", path);
	return check_owner(&status, path, err) < 0 ? -1 : steal_fd(&dir);
}

static int run_named(const struct settings *settings, enum hook_phase phase, int dir, const char *name,
		     const struct told *told, struct error *err)
{
	cleanup_free char *path = text_format("%s/%s", settings->hooks_dir, name);
	int wanted = path ? look_at(dir, name, path, err) : error_memory(err);

	if (wanted > 0)
		wanted = run_one(settings, path, told, err);
	if (wanted >= 0 || phase == HOOK_PRE)
		return wanted < 0 ? -1 : 0;
	log_warning("%s", err->message);
	error_clear(err);
	return 0;
}

int hook_run(const struct settings *settings, enum hook_phase phase, const struct hook_facts *facts, struct error *err)
{
	cleanup_fd int dir = open_folder(settings->hooks_dir, err);
	cleanup_told struct told told = { 0 };
	struct dirent **names = NULL;
	int count, result = 0;

	if (dir < 0 || tell_all(&told, phase, facts, err) < 0)
		return -1;
	count = scandirat(dir, ".", &names, is_hook, alphasort);
	if (count < 0)
		return error_errno(err, ERROR_REFUSED, errno, "the folder of hooks '%s' cannot be read",
				   settings->hooks_dir);
	for (int i = 0; i < count; i++) {
		if (result == 0)
			result = run_named(settings, phase, dir, names[i]->d_name, &told, err);
		free(names[i]);
	}
	free(names);
	return result;
}
