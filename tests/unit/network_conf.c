/* Which configuration is chosen, and which are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "network/conf.h"
#include "support/stage.h"

static void nothing_there(void **state)
{
	const struct stage *stage = *state;
	struct network_settings settings = { .plugin_path = stage->plugins, .conf_dir = stage->confs };
	struct network *network;
	struct error err = { 0 };

	assert_int_equal(network_load(&settings, &network, &err), 0);
	assert_null(network);
	settings.conf_dir = "/nowhere/net.d";
	assert_int_equal(network_load(&settings, &network, &err), 0);
}

static void the_first_by_name_counts(void **state)
{
	const struct stage *stage = *state;
	cleanup_conf struct conf conf = { 0 };
	struct error err = { 0 };
	char folder[PATH_MAX];

	snprintf(folder, sizeof(folder), "%s/00-folder.conf", stage->confs);
	assert_int_equal(mkdir(folder, 0755), 0);
	stage_write(stage, "net.d/00-notes.txt", "no JSON");
	stage_write(stage, "net.d/30.conflist", "broken");
	stage_write(stage, "net.d/20.json", "{\"cniVersion\":\"1.0.0\",\"name\":\"second\",\"type\":\"a\"}");
	stage_write(stage, "net.d/10.conflist",
		    "{\"cniVersion\":\"0.4.0\",\"name\":\"first\",\"plugins\":[{\"type\":\"a\"},{\"type\":\"b\"}]}");
	assert_int_equal(conf_load(stage->confs, &conf, &err), 1);
	assert_string_equal(conf.name, "first");
	assert_string_equal(conf.version, "0.4.0");
	assert_int_equal(cJSON_GetArraySize(conf.plugins), 2);
}

static void one_plugin_becomes_a_list(void **state)
{
	static const char single[] = "{\"cniVersion\":\"1.0.0\",\"name\":\"lone\",\"type\":\"a\",\"mtu\":1400}";
	cleanup_conf struct conf conf = { 0 };
	struct error err = { 0 };

	(void)state;
	assert_int_equal(conf_parse(single, strlen(single), "x", &conf, &err), 0);
	assert_string_equal(conf.bytes, "{\"cniVersion\":\"1.0.0\",\"name\":\"lone\",\"plugins\":["
					"{\"cniVersion\":\"1.0.0\",\"name\":\"lone\",\"type\":\"a\",\"mtu\":1400}]}");
	assert_string_equal(conf_plugin_type(cJSON_GetArrayItem(conf.plugins, 0)), "a");
}

static void the_newest_version_of_several(void **state)
{
	static const char list[] = "{\"cniVersion\":\"0.4.0\",\"cniVersions\":[\"9.0.0\",\"1.1.0\",\"1.0.0\"],"
				   "\"name\":\"n\",\"plugins\":[{\"type\":\"a\"}]}";
	cleanup_conf struct conf conf = { 0 };
	struct error err = { 0 };

	(void)state;
	assert_int_equal(conf_parse(list, strlen(list), "x", &conf, &err), 0);
	assert_string_equal(conf.version, "1.1.0");
}

static const struct {
	const char *bytes;
	const char *message;
} broken[] = {
	{ "", "network configuration 'x' is not JSON" },
	{ "{} {}", "network configuration 'x' is not JSON" },
	{ "[]", "network configuration 'x' is not a JSON object" },
	{ "{\"name\":\"n\"}", "network configuration 'x' names neither a plugin nor a list of plugins" },
	{ "{\"cniVersion\":\"1.0.0\",\"plugins\":[{\"type\":\"a\"}]}", "network configuration 'x' has no valid name" },
	{ "{\"cniVersion\":\"1.0.0\",\"name\":\"../n\",\"plugins\":[{\"type\":\"a\"}]}",
	  "network configuration 'x' has no valid name" },
	{ "{\"cniVersion\":\"1.0.0\",\"name\":7,\"plugins\":[{\"type\":\"a\"}]}",
	  "network configuration 'x' has no valid name" },
	{ "{\"cniVersion\":\"0.2.0\",\"name\":\"n\",\"plugins\":[{\"type\":\"a\"}]}",
	  "network configuration 'x' has cniVersion '0.2.0', which is not supported" },
	{ "{\"cniVersion\":1,\"name\":\"n\",\"plugins\":[{\"type\":\"a\"}]}",
	  "network configuration 'x' has cniVersion '', which is not supported" },
	{ "{\"cniVersion\":\"1.0.0\",\"name\":\"n\",\"plugins\":[]}", "network configuration 'x' has no plugins" },
	{ "{\"cniVersion\":\"1.0.0\",\"name\":\"n\",\"plugins\":{\"type\":\"a\"}}",
	  "network configuration 'x' has no plugins" },
	{ "{\"cniVersion\":\"1.0.0\",\"name\":\"n\",\"plugins\":[{}]}",
	  "network configuration 'x' has a plugin without a type" },
	{ "{\"cniVersion\":\"1.0.0\",\"name\":\"n\",\"plugins\":[\"a\"]}",
	  "network configuration 'x' has a plugin without a type" },
	{ "{\"cniVersion\":\"1.0.0\",\"name\":\"n\",\"plugins\":[{\"type\":\"../a\"}]}",
	  "network configuration 'x' has a plugin type '../a' that is no file name" },
	{ "{\"cniVersion\":\"1.0.0\",\"name\":\"n\",\"plugins\":[{\"type\":\"a\",\"ipam\":{\"type\":\"..\"}}]}",
	  "network configuration 'x' has a plugin type '..' that is no file name" },
};

static void what_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		struct conf conf = { 0 };
		struct error err = { 0 };

		assert_int_equal(conf_parse(broken[i].bytes, strlen(broken[i].bytes), "x", &conf, &err), -1);
		assert_int_equal(err.kind, ERROR_USAGE);
		assert_string_equal(err.message, broken[i].message);
		assert_null(conf.document);
	}
}

static void every_plugin_must_be_there(void **state)
{
	const struct stage *stage = *state;
	struct network_settings settings = { .plugin_path = stage->plugins, .conf_dir = stage->confs };
	struct network *network;
	struct error err = { 0 };
	char expected[PATH_MAX];

	stage_plugin(stage, "a", "");
	stage_write(stage, "net.d/10.conf",
		    "{\"cniVersion\":\"1.0.0\",\"name\":\"n\",\"type\":\"a\",\"ipam\":{\"type\":\"absent\"}}");
	assert_int_equal(network_load(&settings, &network, &err), -1);
	assert_int_equal(err.kind, ERROR_USAGE);
	snprintf(expected, sizeof(expected), "network 'n': plugin 'absent' is not in '%s'", stage->plugins);
	assert_string_equal(err.message, expected);
}

static void folders_must_be_absolute(void **state)
{
	static const char *const paths[] = { "plugins", "./plugins", "/usr/lib/cni:plugins", ":../cni" };
	const struct stage *stage = *state;
	struct network *network;
	struct error err = { 0 };

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		struct network_settings settings = { .plugin_path = paths[i], .conf_dir = stage->confs };

		assert_int_equal(network_load(&settings, &network, &err), -1);
		assert_int_equal(err.kind, ERROR_USAGE);
		assert_non_null(strstr(err.message, "is not an absolute path"));
	}
	assert_int_equal(network_load(&(struct network_settings){ .plugin_path = "/a::/b:", .conf_dir = "net.d" },
				      &network, &err),
			 -1);
	assert_string_equal(err.message, "'net.d' is not an absolute path");
	assert_int_equal(network_load(&(struct network_settings){ .plugin_path = "/a::/b:", .conf_dir = "/nowhere" },
				      &network, &err),
			 0);
}

static void dangling_link_and_oversized_file(void **state)
{
	const struct stage *stage = *state;
	struct conf conf = { 0 };
	struct error err = { 0 };
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/10.conf", stage->confs);
	assert_int_equal(symlink("/nowhere", path), 0);
	assert_int_equal(conf_load(stage->confs, &conf, &err), -1);
	assert_int_equal(err.kind, ERROR_USAGE);
	assert_int_equal(unlink(path), 0);
	stage_write(stage, "net.d/10.conf", "%*s", (2 << 20) + 1, " ");
	assert_int_equal(conf_load(stage->confs, &conf, &err), -1);
	assert_int_equal(err.kind, ERROR_USAGE);
	assert_non_null(strstr(err.message, "is longer than 2097152 bytes"));
}

static void names(void **state)
{
	(void)state;
	assert_true(conf_name_is_valid("default-web_1.x"));
	assert_false(conf_name_is_valid(""));
	assert_false(conf_name_is_valid("-a"));
	assert_false(conf_name_is_valid(".."));
	assert_false(conf_name_is_valid("a/b"));
	assert_false(conf_name_is_valid("a b"));
	assert_true(conf_ifname_is_valid("eth0"));
	assert_false(conf_ifname_is_valid(""));
	assert_false(conf_ifname_is_valid("."));
	assert_false(conf_ifname_is_valid("eth0:1"));
	assert_false(conf_ifname_is_valid("../eth0"));
	assert_false(conf_ifname_is_valid("an-interface-too"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, stage_set_up, stage_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_there),
		TEST(the_first_by_name_counts),
		TEST(one_plugin_becomes_a_list),
		TEST(the_newest_version_of_several),
		TEST(what_is_refused),
		TEST(every_plugin_must_be_there),
		TEST(folders_must_be_absolute),
		TEST(dangling_link_and_oversized_file),
		TEST(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
