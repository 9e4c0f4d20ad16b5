/* wsnap: gives containerd's containers a history of versions. */
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/log.h"
#include "command/commands.h"
#include "command/run.h"
#include "output/output.h"
#include "output/terminal.h"

#define COMMAND_POINTER(name) &command_##name,

static const struct command *const commands[] = { COMMANDS(COMMAND_POINTER) NULL };

/* A descriptor that is closed would be the number of the next socket, and be written to. Read-only, so
 * that writing to it still fails. */
static void hold_standard_streams(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDONLY) < 0)
			exit(ERROR_FAILED);
}

/* A walk down the 500 layers that overlayfs takes at most holds some descriptors of each. All of our waiting is
 * poll(2)'s, which does not mind high numbers; nor do the plugins that inherit the limit. */
#define FILES_NEEDED 8192

static void allow_many_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= FILES_NEEDED)
		return;
	limit.rlim_cur = limit.rlim_max < FILES_NEEDED ? limit.rlim_max : FILES_NEEDED;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static int run(const struct command_line *line, const struct settings *settings, struct output *out, struct error *err)
{
	if (settings->show_version) {
		output_line(out, "wsnap %s", WSNAP_VERSION);
		return 0;
	}
	if (settings->show_help)
		return command_help(line, out, err);
	return command_run(line, settings, out, err);
}

static int take_words(struct command_line *line, char *const *words, size_t count, struct settings *settings,
		      struct error *err)
{
	struct error later;
	int parsed = command_line_parse(line, words, count, err);
	int loaded = settings_load(settings, &line->given, parsed < 0 ? &later : err);

	if (settings->verbose)
		log_set_level(LOG_VERBOSE);
	if (settings->quiet)
		log_set_level(LOG_QUIET);
	return parsed < 0 || loaded < 0 ? -1 : 0;
}

/* What hinders a check in the manner of Nagios leaves it without an answer: UNKNOWN. */
#define CHECK_FAILED 3

static int status_of_failure(const struct command_line *line, const struct output *out, const struct error *err)
{
	if (out->failure_status)
		return out->failure_status;
	return line->is_check ? CHECK_FAILED : (int)err->kind;
}

int main(int argc, char **argv)
{
	cleanup_command_line struct command_line line = { .commands = commands };
	cleanup_settings struct settings settings = { 0 };
	struct output out = { .stream = stdout };
	struct error err = { 0 };
	int result;

	hold_standard_streams();
	allow_many_files();
	setlocale(LC_CTYPE, "C.UTF-8"); /* for wcwidth(3); nothing else depends on it */
	result = take_words(&line, argv + (argc > 0), argc > 0 ? (size_t)argc - 1 : 0, &settings, &err);
	/* What the file says is a default: a flag beats it. */
	out.json = settings.json && (settings.format_given || !settings.quiet);
	out.quiet = settings.quiet;
	out.columns = terminal_columns(STDOUT_FILENO);
	out.colour = terminal_has_colour(STDOUT_FILENO);
	if (result == 0)
		result = run(&line, &settings, &out, &err);
	if (result == 0)
		result = output_end(&out, &err);
	if (result == 0 && fclose(stdout) != 0)
		result = error_set(&err, out.changed ? ERROR_INCOMPLETE : ERROR_FAILED,
				   "standard output cannot be written");
	if (result == 0)
		return out.exit_status;
	output_error(stderr, settings.json, &err, status_of_failure(&line, &out, &err));
	return status_of_failure(&line, &out, &err);
}
