/* The layers of settings: defaults, configuration file, environment, flags. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/config.h"
#include "base/settings.h"

#define PATH_TEMPLATE "/tmp/wsnap-settings-XXXXXX"

struct fixture {
	char path[sizeof(PATH_TEMPLATE)];
	struct settings settings;
	struct error err;
};

static int set_up(void **state)
{
	static const char *const names[] = { "CONTAINERD_ADDRESS", "CONTAINERD_NAMESPACE", "WSNAP_DATABASE",
					     "WSNAP_CONFIG",       "WSNAP_STATE_DIR",      "CNI_PATH",
					     "NETCONFPATH" };
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	int fd;

	if (!fixture)
		return -1;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		unsetenv(names[i]);
	memcpy(fixture->path, PATH_TEMPLATE, sizeof(fixture->path));
	fd = mkstemp(fixture->path);
	*state = fixture;
	return fd < 0 || close(fd) < 0 || setenv("WSNAP_CONFIG", fixture->path, 1) < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	settings_release(&fixture->settings);
	unlink(fixture->path);
	free(fixture);
	return 0;
}

static void put(const struct fixture *fixture, const char *text, size_t length)
{
	FILE *file = fopen(fixture->path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, length, file), length);
	assert_int_equal(fclose(file), 0);
}

/* Loads with the file's text and the words of a command line, up to NULL. */
static int load(struct fixture *fixture, const char *text, ...)
{
	struct options_given given = { 0 };
	struct option_given one;
	char *words[16];
	struct option_words walk = { .words = words };
	va_list args;
	int result;

	put(fixture, text, strlen(text));
	va_start(args, text);
	while ((words[walk.count] = va_arg(args, char *)))
		walk.count++;
	va_end(args);
	while (options_next(&walk, NULL, settings_options, &one, &fixture->err) == OPTION_WORD_OPTION)
		assert_int_equal(options_given_add(&given, &one, &fixture->err), 0);
	settings_release(&fixture->settings);
	fixture->settings = (struct settings){ 0 };
	result = settings_load(&fixture->settings, &given, &fixture->err);
	options_given_release(&given);
	return result;
}

/* A file that is refused with these words behind its name. */
static void refuses(struct fixture *fixture, const char *text, const char *words)
{
	char expected[512];

	assert_int_equal(load(fixture, text, NULL), -1);
	assert_int_equal(fixture->err.kind, ERROR_USAGE);
	snprintf(expected, sizeof(expected), "'%s', %s", fixture->path, words);
	assert_string_equal(fixture->err.message, expected);
}

static void nothing_given_means_the_defaults(void **state)
{
	struct fixture *fixture = *state;
	const struct settings *settings = &fixture->settings;

	assert_int_equal(load(fixture, "", NULL), 0);
	assert_string_equal(settings->address, "/run/containerd/containerd.sock");
	assert_string_equal(settings->namespace, "default");
	assert_null(settings->database);
	assert_string_equal(settings->state_dir, "/var/lib/wsnap");
	assert_string_equal(settings->cni_path, "/opt/cni/bin:/usr/lib/cni");
	assert_string_equal(settings->cni_conf_dir, "/etc/cni/net.d");
	assert_string_equal(settings->cdi_dirs, "/etc/cdi:/var/run/cdi");
	assert_int_equal(settings->wait_s, 60);
	assert_int_equal(settings->stop_timeout_s, 10);
	assert_int_equal(settings->network, NETWORK_AUTO);
	assert_false(settings->json || settings->quiet || settings->verbose || settings->force);
	assert_int_equal(settings->max_depth, 64);
	assert_int_equal(settings->warn_versions, 1000);
	assert_int_equal(settings->warn_free_percent, 10);
	assert_int_equal(settings->keep.last, 0);
	assert_int_equal(settings->keep.within.hours, 0);
}

static void a_flag_beats_the_environment_beats_the_file(void **state)
{
	struct fixture *fixture = *state;
	const char *const file = "namespace = from-file\nwait=5\n";

	assert_int_equal(load(fixture, file, NULL), 0);
	assert_string_equal(fixture->settings.namespace, "from-file");
	assert_int_equal(fixture->settings.wait_s, 5);
	setenv("CONTAINERD_NAMESPACE", "from-environment", 1);
	assert_int_equal(load(fixture, file, NULL), 0);
	assert_string_equal(fixture->settings.namespace, "from-environment");
	assert_int_equal(load(fixture, file, "-n", "from-flag", "-w0", NULL), 0);
	assert_string_equal(fixture->settings.namespace, "from-flag");
	assert_int_equal(fixture->settings.wait_s, 0);
	setenv("CONTAINERD_NAMESPACE", "", 1);
	assert_int_equal(load(fixture, file, NULL), 0);
	assert_string_equal(fixture->settings.namespace, "from-file");
}

static void the_scheme_of_an_address_is_dropped(void **state)
{
	struct fixture *fixture = *state;

	setenv("CONTAINERD_ADDRESS", "unix:///run/x.sock", 1);
	assert_int_equal(load(fixture, "", NULL), 0);
	assert_string_equal(fixture->settings.address, "/run/x.sock");
	setenv("CONTAINERD_ADDRESS", "tcp://host:1", 1);
	assert_int_equal(load(fixture, "", NULL), -1);
	assert_string_equal(fixture->err.message,
			    "'CONTAINERD_ADDRESS' cannot be 'tcp://host:1': not the absolute path of a socket");
}

static void every_key_is_read(void **state)
{
	struct fixture *fixture = *state;
	const struct settings *settings = &fixture->settings;

	assert_int_equal(
		load(fixture,
		     "# a comment\n\n  address = /a # behind a value\nnamespace=n\ndatabase = host=h password=a#b\r\n"
		     "state_dir = /s\nwait = 86400\nstop_timeout = 3600\nnetwork = none\ncni_path = /c:/d\n"
		     "cni_conf_dir = /e\ncdi_dirs=/f\ncni_timeout = 5\nformat = json\nmax_depth = 400\nwarn_versions = 0\n"
		     "warn_free_percent = 100\nkeep_last = 1\nkeep_hourly = 2\nkeep_daily = 3\nkeep_weekly = 4\n"
		     "keep_monthly = 5\nkeep_yearly = 6\nkeep_within = 1y2m3d4h",
		     NULL),
		0);
	assert_string_equal(settings->address, "/a");
	assert_string_equal(settings->database, "host=h password=a#b");
	assert_int_equal(settings->wait_s, 86400);
	assert_int_equal(settings->stop_timeout_s, 3600);
	assert_int_equal(settings->network, NETWORK_NONE);
	assert_string_equal(settings->cni_path, "/c:/d");
	assert_string_equal(settings->cdi_dirs, "/f");
	assert_int_equal(settings->cni_timeout_s, 5);
	assert_true(settings->json);
	assert_int_equal(settings->max_depth, 400);
	assert_int_equal(settings->keep.yearly, 6);
	assert_int_equal(settings->keep.within.years, 1);
	assert_int_equal(settings->keep.within.months, 2);
	assert_int_equal(settings->keep.within.days, 3);
	assert_int_equal(settings->keep.within.hours, 4);
}

static void bad_lines_are_named(void **state)
{
	struct fixture *fixture = *state;

	refuses(fixture, "wait = 1\ncolour = red\n", "line 2: 'colour' is not a key");
	refuses(fixture, "config = /x\n", "line 1: 'config' is not a key");
	refuses(fixture, "wait = 1\n\nwait = 1\n", "line 3: 'wait' is set a second time");
	refuses(fixture, "wait\n", "line 1: not of the form 'key = value'");
	refuses(fixture, "wait =\n", "line 1: 'wait' cannot be '': not a whole number from 0 to 86400");
	refuses(fixture, "wait = 86401\n", "line 1: 'wait' cannot be '86401': not a whole number from 0 to 86400");
	refuses(fixture, "wait = +1\n", "line 1: 'wait' cannot be '+1': not a whole number from 0 to 86400");
	refuses(fixture, "max_depth = 1\n", "line 1: 'max_depth' cannot be '1': not a whole number from 2 to 400");
	refuses(fixture, "keep_last = 99999999999999999999\n",
		"line 1: 'keep_last' cannot be '99999999999999999999': not a whole number from 0 to 2147483647");
	refuses(fixture, "network = maybe\n", "line 1: 'network' cannot be 'maybe': neither auto nor attach nor none");
	refuses(fixture, "state_dir = here\n", "line 1: 'state_dir' cannot be 'here': not an absolute path");
	refuses(fixture, "wait = 1\n\xff\n", "line 2: not UTF-8");
	refuses(fixture, "keep_within = 7\n",
		"line 1: 'keep_within' cannot be '7': not a length of time such as "
		"2y6m7d12h (years, months, days, hours)");
}

static void a_nul_byte_is_refused(void **state)
{
	struct fixture *fixture = *state;
	struct settings *settings = &fixture->settings;

	assert_int_equal(config_parse("f", "wait = 1\nwait\0 = 1\n", 19, settings_options, settings, &fixture->err),
			 -1);
	assert_string_equal(fixture->err.message, "'f', line 2: it has a NUL byte");
}

static void files_that_cannot_be_used_are_usage_errors(void **state)
{
	struct fixture *fixture = *state;
	size_t size = CONFIG_LIMIT + 1;
	char *huge = malloc(size + 1);

	assert_non_null(huge);
	memset(huge, '#', size);
	huge[size] = '\0';
	assert_int_equal(load(fixture, huge, NULL), -1);
	assert_int_equal(fixture->err.kind, ERROR_USAGE);
	assert_non_null(strstr(fixture->err.message, "is longer than 65536 bytes"));
	free(huge);
	assert_int_equal(load(fixture, "", "-c", "/tmp", NULL), -1);
	assert_string_equal(fixture->err.message, "the configuration cannot be used: '/tmp' is not a regular file");
	assert_int_equal(load(fixture, "", "--config=/nowhere/x", NULL), -1);
	assert_string_equal(fixture->err.message, "'/nowhere/x' is not there: the configuration cannot be read");
	assert_int_equal(chmod(fixture->path, 0666), 0);
	assert_int_equal(load(fixture, "", NULL), -1);
	assert_non_null(strstr(fixture->err.message, "may be written by everybody"));
}

static void a_secret_is_not_in_the_message(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(load(fixture, "", "-d", "password=sekrit\n", NULL), -1);
	assert_string_equal(fixture->err.message, "'--database' cannot be used: it has control characters");
	assert_int_equal(load(fixture, "password sekrit\n", NULL), -1);
	assert_null(strstr(fixture->err.message, "sekrit"));
}

static void errors_come_in_the_format_that_was_asked_for(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(load(fixture, "format = table\nbad\n", "--json", NULL), -1);
	assert_true(fixture->settings.json);
	assert_int_equal(load(fixture, "format = json\nbad\n", NULL), -1);
	assert_true(fixture->settings.json);
	assert_int_equal(load(fixture, "format = json\nbad\n", "--format=table", NULL), -1);
	assert_false(fixture->settings.json);
	assert_int_equal(load(fixture, "bad\nformat = json\n", NULL), -1);
	assert_true(fixture->settings.json);
	assert_non_null(strstr(fixture->err.message, "line 1: "));
	assert_int_equal(load(fixture, "", "--wait", "soon", "--json", "-t", "later", NULL), -1);
	assert_true(fixture->settings.json);
	assert_string_equal(fixture->err.message, "'--wait' cannot be 'soon': not a whole number from 0 to 86400");
	assert_int_equal(load(fixture, "format = json\n", "--wait", "soon", NULL), -1);
	assert_true(fixture->settings.json);
	assert_int_equal(load(fixture, "format = json\n", "--wait", "soon", "--format", "table", NULL), -1);
	assert_false(fixture->settings.json);
}

static void what_is_overruled_is_not_judged(void **state)
{
	struct fixture *fixture = *state;

	setenv("CONTAINERD_NAMESPACE", "a bad name", 1);
	assert_int_equal(load(fixture, "", NULL), -1);
	assert_int_equal(load(fixture, "", "-n", "good", NULL), 0);
	assert_string_equal(fixture->settings.namespace, "good");
	setenv("CONTAINERD_NAMESPACE", "good", 1);
	assert_int_equal(load(fixture, "namespace = a bad name\n", NULL), 0);
	assert_string_equal(fixture->settings.namespace, "good");
	assert_int_equal(load(fixture, "wait = soon\nformat = xml\n", "-w5", "--json", NULL), 0);
	assert_int_equal(fixture->settings.wait_s, 5);
	assert_true(fixture->settings.json);
	/* An empty variable overrules nothing. What is wrong in another way stays so. */
	setenv("CONTAINERD_NAMESPACE", "", 1);
	assert_int_equal(load(fixture, "namespace = a bad name\n", NULL), -1);
	assert_int_equal(load(fixture, "wait = 1\nwait = 1\n", "-w5", NULL), -1);
	assert_int_equal(load(fixture, "colour = red\n", "-n", "good", NULL), -1);
	assert_int_equal(load(fixture, "namespace = good\n", "-n", "a bad name", NULL), -1);
}

static void help_does_not_need_a_good_file(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(load(fixture, "bad\n", "--help", NULL), 0);
	assert_true(fixture->settings.show_help);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_given_means_the_defaults),
		TEST(a_flag_beats_the_environment_beats_the_file),
		TEST(the_scheme_of_an_address_is_dropped),
		TEST(every_key_is_read),
		TEST(bad_lines_are_named),
		TEST(a_nul_byte_is_refused),
		TEST(files_that_cannot_be_used_are_usage_errors),
		TEST(a_secret_is_not_in_the_message),
		TEST(errors_come_in_the_format_that_was_asked_for),
		TEST(what_is_overruled_is_not_judged),
		TEST(help_does_not_need_a_good_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
