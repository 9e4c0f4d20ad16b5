/* Which CDI file counts, which versions allow what, and files that nobody should trust. */
#include "support/device_harness.h"

#include <time.h>

#define FILE_OF(version, kind, name, edits)                                                    \
	"{\"cdiVersion\":\"" version "\",\"kind\":\"" kind "\",\"devices\":[{\"name\":\"" name \
	"\",\"containerEdits\":" edits "}]}"
#define ENV_EDITS "{\"env\":[\"A=1\"]}"
#define ENV_SPEC "{\"process\":{\"env\":[\"A=1\"]}}"

static void test_later_folder_wins(void **state)
{
	(void)state;
	put_device(early, "a.json", "0", "{\"env\":[\"A=early\"]}");
	put_device(late, "z.json", "0", ENV_EDITS);
	expect_spec("{}", "v.com/c=0", ENV_SPEC);
}

static void test_conflict_of_one_folder(void **state)
{
	(void)state;
	put(early, "a.json",
	    "{\"cdiVersion\":\"0.5.0\",\"kind\":\"v.com/"
	    "c\",\"devices\":[{\"name\":\"0\",\"containerEdits\":{\"env\":[\"A=1\"]}},"
	    "{\"name\":\"1\",\"containerEdits\":{\"env\":[\"A=1\"]}}]}");
	put_device(early, "b.json", "0", "{\"env\":[\"A=b\"]}");
	expect_error("{}", "v.com/c=0", ERROR_USAGE, "b.json'");
	expect_spec("{}", "v.com/c=1", ENV_SPEC);
	put_device(late, "c.json", "0", ENV_EDITS);
	expect_spec("{}", "v.com/c=0", ENV_SPEC);
}

static void test_not_found(void **state)
{
	(void)state;
	expect_error("{}", "v.com/c=0", ERROR_NOT_FOUND, "no CDI file defines the device 'v.com/c=0'");
	put_device(early, "a.json", "0", ENV_EDITS);
	expect_error("{}", "v.com/c=1", ERROR_NOT_FOUND, "'v.com/c=1'");
	expect_error("{}", "v.com/cc=0", ERROR_NOT_FOUND, "'v.com/cc=0'");
	assert_int_equal(rmdir(late), 0);
	expect_spec("{}", "v.com/c=0", ENV_SPEC);
}

static void test_broken_files(void **state)
{
	(void)state;
	put_device(early, "a.json", "0", ENV_EDITS);
	put(early, "b.json", "{ not json");
	expect_spec("{}", "v.com/c=0", ENV_SPEC);
	expect_error("{}", "v.com/c=1", ERROR_USAGE, "b.json' is broken");
	put(early, "b.json", FILE_OF("9.9.9", "other.com/c", "1", ENV_EDITS));
	expect_error("{}", "v.com/c=1", ERROR_NOT_FOUND, "'v.com/c=1'");
	put(early, "b.json", FILE_OF("9.9.9", "v.com/c", "1", ENV_EDITS));
	expect_error("{}", "v.com/c=1", ERROR_USAGE, "b.json' is broken: CDI version '9.9.9' is not known");
}

/* A file that says `json`, and why it is broken; NULL: it is not. */
static void check_file(const char *json, const char *problem)
{
	put(early, "a.json", json);
	if (problem)
		expect_error("{}", "v.com/c=d", ERROR_USAGE, problem);
	else
		free(edit_spec("{}", "v.com/c=d"));
}

static void test_versions(void **state)
{
#define NEEDS(version, edits, problem) check_file(FILE_OF(version, "v.com/c", "d", edits), problem)
	(void)state;
	NEEDS("0.2.0", ENV_EDITS, "'0.2.0' is not known");
	NEEDS("1.2.0", ENV_EDITS, "'1.2.0' is not known");
	NEEDS("", ENV_EDITS, "'' is not known");
	NEEDS("0.3.0", ENV_EDITS, NULL);
	NEEDS("v0.3.0", ENV_EDITS, NULL);
	NEEDS("1.1.0", ENV_EDITS, NULL);
	NEEDS("0.3.0", "{\"mounts\":[{\"hostPath\":\"/a\",\"containerPath\":\"/a\",\"type\":\"x\"}]}",
	      "'type' needs CDI version 0.4.0");
	NEEDS("0.4.0", "{\"mounts\":[{\"hostPath\":\"/a\",\"containerPath\":\"/a\",\"type\":\"x\"}]}", NULL);
	NEEDS("0.4.0", "{\"deviceNodes\":[{\"path\":\"/a\",\"hostPath\":\"/dev/null\"}]}",
	      "'hostPath' needs CDI version 0.5.0");
	NEEDS("0.4.0", "{\"deviceNodes\":[{\"path\":\"/dev/null\",\"hostPath\":\"\"}]}", NULL);
	NEEDS("0.6.0", "{\"env\":[\"A=1\"],\"additionalGids\":[5]}", "'additionalGids' needs CDI version 0.7.0");
	NEEDS("0.6.0", "{\"env\":[\"A=1\"],\"additionalGids\":[]}", NULL);
	NEEDS("0.7.0", "{\"additionalGIDs\":[5]}", NULL);
	NEEDS("0.6.0", "{\"intelRdt\":{}}", "'intelRdt' needs CDI version 0.7.0");
	NEEDS("0.7.0", "{\"intelRdt\":{\"enableCMT\":true}}", NULL);
	NEEDS("1.0.0", "{\"intelRdt\":{\"enableMonitoring\":true}}", "'enableMonitoring' needs CDI version 1.1.0");
	NEEDS("1.0.0", "{\"netDevices\":[{\"hostInterfaceName\":\"a\",\"name\":\"b\"}]}",
	      "'netDevices' needs CDI version 1.1.0");
#undef NEEDS
	check_file("{\"cdiVersion\":\"0.5.0\",\"kind\":\"v.com/"
		   "c\",\"annotations\":{\"a\":\"b\"},\"devices\":[{\"name\":\"d\","
		   "\"containerEdits\":{\"env\":[\"A=1\"]}}]}",
		   "'annotations' needs CDI version 0.6.0");
	put(early, "a.json", FILE_OF("0.4.0", "v.com/c", "0", ENV_EDITS));
	expect_error("{}", "v.com/c=0", ERROR_USAGE, "'0' needs CDI version 0.5.0");
	put(early, "a.json", FILE_OF("0.5.0", "v.com/c.d", "x", ENV_EDITS));
	expect_error("{}", "v.com/c.d=x", ERROR_USAGE, "'v.com/c.d' needs CDI version 0.6.0");
}

static void test_rules(void **state)
{
	static const struct {
		const char *edits, *problem;
	} cases[] = {
		{ "{}", "device 'd' has no edits" },
		{ "{\"env\":[\"A\"]}", "'A' in 'env' is not NAME=VALUE" },
		{ "{\"env\":[\"=A\"]}", "'=A' in 'env' is not NAME=VALUE" },
		{ "{\"env\":[7]}", "'env' has a wrong type" },
		{ "{\"env\":\"A=1\"}", "'env' has a wrong type" },
		{ "{\"Env\":[\"A=1\"],\"env\":[]}", "'containerEdits' has 'env' twice" },
		{ "{\"environment\":[]}", "unknown field 'environment'" },
		{ "{\"deviceNodes\":[{}]}", "'deviceNodes' has no 'path'" },
		{ "{\"deviceNodes\":[{\"path\":null}]}", "'deviceNodes' has no 'path'" },
		{ "{\"deviceNodes\":[7]}", "'deviceNodes' is not an object" },
		{ "{\"deviceNodes\":[{\"path\":\"\"}]}", "path of a device node is empty" },
		{ "{\"deviceNodes\":[{\"path\":\"/a\",\"type\":\"x\"}]}", "has the type 'x'" },
		{ "{\"deviceNodes\":[{\"path\":\"/a\",\"permissions\":\"rwx\"}]}", "has the permissions 'rwx'" },
		{ "{\"deviceNodes\":[{\"path\":\"/a\",\"major\":-1}]}", "'major' has a wrong type or is out of range" },
		{ "{\"deviceNodes\":[{\"path\":\"/a\",\"uid\":4294967296}]}",
		  "'uid' has a wrong type or is out of range" },
		{ "{\"deviceNodes\":[{\"path\":\"/a\",\"gid\":99999999999999999999}]}", "'gid' has a wrong type" },
		{ "{\"deviceNodes\":[{\"path\":\"/a\",\"minor\":1.5}]}", "'minor' has a wrong type" },
		{ "{\"mounts\":[{\"hostPath\":\"/a\"}]}", "'mounts' has no 'containerPath'" },
		{ "{\"mounts\":[{\"hostPath\":\"\",\"containerPath\":\"/a\"}]}", "a mount has an empty path" },
		{ "{\"hooks\":[{\"hookName\":\"never\",\"path\":\"/a\"}]}", "there is no hook 'never'" },
		{ "{\"hooks\":[{\"hookName\":\"prestart\",\"path\":\"a\"}]}", "'a' of a hook is not absolute" },
		{ "{\"hooks\":[{\"hookName\":\"prestart\",\"path\":\"/a\",\"timeout\":0}]}",
		  "'timeout' has a wrong type" },
		{ "{\"hooks\":[{\"hookName\":\"prestart\",\"path\":\"/a\",\"env\":[\"x\"]}]}", "'x' in 'env'" },
		{ "{\"intelRdt\":{\"closID\":\"..\"}}", "'..' is not a closID" },
		{ "{\"intelRdt\":{\"closID\":\"a/b\"}}", "'a/b' is not a closID" },
		{ "{\"additionalGids\":[-5]}", "'additionalGids' has a wrong type" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		cleanup_free char *json = text_format(FILE_OF("1.0.0", "v.com/c", "d", "%s"), cases[i].edits);

		check_file(json, cases[i].problem);
	}
	check_file("[]", "the file is not an object");
	check_file("{}", "'the file' has no 'cdiVersion'");
	check_file("{\"cdiVersion\":\"1.0.0\",\"kind\":\"v.com/c\",\"devices\":[]}", "the file has no devices");
	check_file(FILE_OF("1.0.0", "v.com", "d", ENV_EDITS), "'v.com' is not a kind");
	check_file("{\"cdiVersion\":\"1.0.0\",\"kind\":\"v.com/"
		   "c\",\"devices\":[{\"name\":\"d\",\"containerEdits\":{\"env\":[\"A=1\"]}},"
		   "{\"name\":\"d\",\"containerEdits\":{\"env\":[\"A=1\"]}}]}",
		   "device 'd' is there twice");
	check_file("{\"cdiVersion\":\"1.0.0\",\"kind\":\"v.com/c\",\"devices\":[{\"name\":\"d "
		   "e\",\"containerEdits\":{\"env\":[\"A=1\"]}}]}",
		   "'d e' is not a name for a device");
}

/* A YAML file of one device, d, with `edits` behind `containerEdits: `. */
static void put_yaml(const char *edits)
{
	cleanup_free char *yaml =
		text_format("cdiVersion: 1.0.0\nkind: v.com/c\ndevices:\n- name: d\n  containerEdits: %s\n", edits);

	put(early, "a.yaml", yaml);
}

static void test_yaml_scalars(void **state)
{
	(void)state;
	put_yaml("{env: [\"A=1\", 'B=yes', C=~], deviceNodes: [{path: /dev/n, type: c, major: 0o17, minor: "
		 "017, fileMode: 0x1f}]}");
	expect_spec("{}", "v.com/c=d",
		    "{\"process\":{\"env\":[\"A=1\",\"B=yes\",\"C=~\"]},\"linux\":{\"devices\":[{\"path\":\"/"
		    "dev/n\",\"type\":\"c\","
		    "\"major\":15,\"minor\":15,\"fileMode\":31}],\"resources\":{\"devices\":[{\"allow\":true,"
		    "\"type\":\"c\","
		    "\"major\":15,\"minor\":15,\"access\":\"rwm\"}]}}}");
	put_yaml("{deviceNodes: [{path: /dev/n, type: c, major: '1'}]}");
	expect_error("{}", "v.com/c=d", ERROR_USAGE, "'major' has a wrong type");
	put_yaml("{deviceNodes: [{path: /dev/n, type: c, major: 1.5}]}");
	expect_error("{}", "v.com/c=d", ERROR_USAGE, "'major' has a wrong type");
	put_yaml("{deviceNodes: [{path: /dev/n, type: c, major: 99999999999999999999}]}");
	expect_error("{}", "v.com/c=d", ERROR_USAGE, "'major' has a wrong type");
	put_yaml("{hooks: [{hookName: prestart, path: /a, args: [1, true, 0x10, ~]}]}");
	expect_error("{}", "v.com/c=d", ERROR_USAGE, "'args' has a wrong type");
	put_yaml("{hooks: [{hookName: prestart, path: /a, args: [1, true, 0x10, 007]}]}");
	expect_spec("{}", "v.com/c=d",
		    "{\"hooks\":{\"prestart\":[{\"path\":\"/a\",\"args\":[\"1\",\"true\",\"0x10\",\"007\"]}]}}");
}

static void test_yaml_refused(void **state)
{
	static const struct {
		const char *edits, *problem;
	} cases[] = {
		{ "{env: &a [A=1], hooks: *a}", "aliases are not taken" },
		{ "{<<: &x {env: [A=1]}}", "unknown field '<<'" },
		{ "{env: [!!binary QT0x]}", "tags other than !!str" },
		{ "{env: [!x A=1]}", "tags other than !!str" },
		{ "{env: [\"A=\\0b\"]}", "a scalar has a NUL character" },
		{ "{[a]: b}", "a key is not a scalar" },
		{ "{env: [], env: []}", "a key comes twice" },
		{ "{env: [A=1", "near line" },
		{ "{env: [A=1]}\n--- \nmore: 1", "more than one document" },
		{ "7", "'containerEdits' has a wrong type" },
		{ "\"\xff\"", "is broken" },
		{ "\x01", "is broken" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		put_yaml(cases[i].edits);
		expect_error("{}", "v.com/c=d", ERROR_USAGE, cases[i].problem);
	}
	put(early, "a.yaml", "");
	expect_error("{}", "v.com/c=d", ERROR_USAGE, "the file is empty");
	put_bytes(early, "a.yaml", "a: b\0c", 6);
	expect_error("{}", "v.com/c=d", ERROR_USAGE, "a NUL character");
}

static char *repeat(const char *unit, size_t times)
{
	struct text text = { 0 };

	for (size_t i = 0; i < times; i++)
		text_add(&text, unit);
	return text_steal(&text);
}

/* Files made to cost time or memory: each is refused at once. */
static void test_bombs(void **state)
{
	static const struct {
		const char *name, *unit;
		size_t times;
	} bombs[] = {
		{ "a.yaml", "[", 1000000 },    { "a.yaml", "{", 1000000 },      { "a.yaml", "- ", 500000 },
		{ "a.yaml", "[],", 300000 },   { "a.yaml", "\"", 1000000 },     { "a.yaml", "? ", 500000 },
		{ "a.yaml", "a: ", 300000 },   { "a.yaml", "&a [*a,", 140000 }, { "a.yaml", "{a: ", 250000 },
		{ "a.yaml", "a:\n ", 200000 }, { "a.yaml", "!", 1000000 },      { "a.yaml", "%", 1000000 },
		{ "a.json", "[", 1000000 },    { "a.json", "{\"a\":", 200000 }, { "a.json", "9", 1000000 },
		{ "a.json", " ", 1048577 },    { "a.yaml", "#", 1048577 },
	};
	struct timespec before, after;

	(void)state;
	for (size_t i = 0; i < sizeof(bombs) / sizeof(*bombs); i++) {
		cleanup_free char *bytes = repeat(bombs[i].unit, bombs[i].times);
		cleanup_free char *path = text_format("%s/%s", early, bombs[i].name);

		put(early, bombs[i].name, bytes);
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
		expect_error("{}", "v.com/c=d", ERROR_USAGE, "is broken");
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
		if (after.tv_sec - before.tv_sec > 5)
			fail_msg("'%s' took %ld s", bombs[i].unit, (long)(after.tv_sec - before.tv_sec));
		assert_int_equal(unlink(path), 0);
	}
}

static void test_sizes(void **state)
{
	cleanup_free char *padding = repeat(" ", 1048576 - strlen(FILE_OF("1.0.0", "v.com/c", "d", ENV_EDITS)));
	cleanup_free char *largest = text_format("%s%s", FILE_OF("1.0.0", "v.com/c", "d", ENV_EDITS), padding);
	cleanup_free char *many = repeat("\"A=1\",", 4096), *edits = text_format("{\"env\":[%s\"A=1\"]}", many);

	(void)state;
	put(early, "a.json", largest);
	expect_spec("{}", "v.com/c=d", ENV_SPEC);
	put_device(early, "a.json", "d", edits);
	expect_error("{}", "v.com/c=d", ERROR_USAGE, "'env' has more than 4096 items");
}

static void test_not_files(void **state)
{
	cleanup_free char *dir = text_format("%s/dir.json", early), *fifo = text_format("%s/fifo.json", early);
	cleanup_free char *link = text_format("%s/link.json", late), *loop = text_format("%s/loop.yaml", late);
	cleanup_free char *target = text_format("%s/target", scratch);

	(void)state;
	put_device(early, "a.json", "0", "{\"env\":[\"A=early\"]}");
	put_device(scratch, "target", "0", ENV_EDITS);
	assert_int_equal(mkdir(dir, 0755), 0);
	assert_int_equal(mkfifo(fifo, 0644), 0);
	assert_int_equal(symlink(target, link), 0);
	assert_int_equal(symlink("loop.yaml", loop), 0);
	expect_spec("{}", "v.com/c=0", ENV_SPEC);
	expect_error("{}", "v.com/c=1", ERROR_USAGE, "fifo.json' is broken");
	assert_int_equal(unlink(fifo), 0);
	assert_int_equal(unlink(loop), 0);
	expect_error("{}", "v.com/c=1", ERROR_NOT_FOUND, "'v.com/c=1'");
}

static void test_nul_in_json(void **state)
{
	(void)state;
	put_device(early, "a.json", "d", "{\"env\":[\"A=\\u0000b\"]}");
	expect_error("{}", "v.com/c=d", ERROR_USAGE, "a NUL character");
	put_bytes(early, "a.json", FILE_OF("1.0.0", "v.com/c", "d", ENV_EDITS) "\0x",
		  sizeof(FILE_OF("1.0.0", "v.com/c", "d", ENV_EDITS)) + 1);
	expect_error("{}", "v.com/c=d", ERROR_USAGE, "a NUL character");
}

static void test_too_many_files(void **state)
{
	(void)state;
	for (int i = 0; i < 1000; i++) {
		cleanup_free char *name = text_format("%04d.json", i);

		put(early, name, i == 500 ? FILE_OF("1.0.0", "v.com/c", "d", ENV_EDITS) : "{}");
	}
	expect_spec("{}", "v.com/c=d", ENV_SPEC);
	put(early, "more.json", "{}");
	expect_error("{}", "v.com/c=d", ERROR_USAGE, "has more than 1000 CDI files");
}

static void test_folder_that_is_none(void **state)
{
	(void)state;
	assert_int_equal(rmdir(late), 0);
	put(scratch, "run", "x");
	expect_error("{}", "v.com/c=d", ERROR_USAGE, "the folder cannot be read");
	put_device(early, "a.json", "d", ENV_EDITS);
	expect_spec("{}", "v.com/c=d", ENV_SPEC);
}

#define DEVICE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, scratch_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		DEVICE_TEST(test_later_folder_wins),
		DEVICE_TEST(test_conflict_of_one_folder),
		DEVICE_TEST(test_not_found),
		DEVICE_TEST(test_broken_files),
		DEVICE_TEST(test_versions),
		DEVICE_TEST(test_rules),
		DEVICE_TEST(test_yaml_scalars),
		DEVICE_TEST(test_yaml_refused),
		DEVICE_TEST(test_bombs),
		DEVICE_TEST(test_sizes),
		DEVICE_TEST(test_not_files),
		DEVICE_TEST(test_nul_in_json),
		DEVICE_TEST(test_too_many_files),
		DEVICE_TEST(test_folder_that_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
