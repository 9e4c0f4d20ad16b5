/* Every kind of edit, in JSON and in YAML, once and many times, and taken back. */
#include "support/device_harness.h"

#define SPEC                                                                               \
	"{\"process\":{\"user\":{\"uid\":0,\"gid\":7},\"env\":[\"PATH=/bin\",\"A=old\"]}," \
	"\"mounts\":[{\"destination\":\"/proc\",\"type\":\"proc\",\"source\":\"proc\"},"   \
	"{\"destination\":\"/opt/a/b\",\"source\":\"/x\"}],"                               \
	"\"linux\":{\"resources\":{\"devices\":[{\"allow\":false,\"access\":\"rwm\"}]}}}"

/* One of each, in JSON. */
#define ALL                                                                                                 \
	"{\"env\":[\"A=new\",\"B=1\"],"                                                                     \
	"\"deviceNodes\":[{\"path\":\"/dev/gpu0\",\"hostPath\":\"/dev/null\",\"uid\":5},"                   \
	"{\"path\":\"/dev/"                                                                                 \
	"gpu1\",\"type\":\"b\",\"major\":8,\"minor\":3,\"fileMode\":432,\"permissions\":\"r\"}],"           \
	"\"mounts\":[{\"hostPath\":\"/lib/v\",\"containerPath\":\"/opt/a\",\"options\":[\"ro\",\"bind\"]}," \
	"{\"hostPath\":\"tmpfs\",\"containerPath\":\"/proc\",\"type\":\"tmpfs\"}],"                         \
	"\"hooks\":[{\"hookName\":\"prestart\",\"path\":\"/h/1\",\"args\":[\"h\",\"x\"]},"                  \
	"{\"hookName\":\"createRuntime\",\"path\":\"/h/2\",\"env\":[\"E=1\"]},"                             \
	"{\"hookName\":\"createContainer\",\"path\":\"/h/3\",\"timeout\":4},"                               \
	"{\"hookName\":\"startContainer\",\"path\":\"/h/4\"},{\"hookName\":\"poststart\",\"path\":\"/h/"    \
	"5\"},"                                                                                             \
	"{\"hookName\":\"poststop\",\"path\":\"/h/6\"}],"                                                   \
	"\"additionalGids\":[0,44,44],\"intelRdt\":{\"closID\":\"fast\"}}"

#define ALL_YAML                                                                                         \
	"---\ncdiVersion: 1.0.0\nkind: v.com/c\ndevices:\n- name: 0\n  containerEdits:\n"                \
	"    env: [A=new, 'B=1']\n    deviceNodes:\n"                                                    \
	"    - {path: /dev/gpu0, hostPath: /dev/null, uid: 5, major: ~}\n"                               \
	"    - path: /dev/gpu1\n      type: b\n      major: 0x8\n      minor: 3\n      fileMode: 0660\n" \
	"      permissions: \"r\"\n    mounts:\n"                                                        \
	"    - hostPath: /lib/v\n      containerPath: /opt/a\n      options: [ro, bind]\n"               \
	"    - {hostPath: tmpfs, containerPath: /proc, type: tmpfs}\n    hooks:\n"                       \
	"    - {hookName: prestart, path: /h/1, args: [h, x]}\n"                                         \
	"    - {hookName: createRuntime, path: /h/2, env: [E=1]}\n"                                      \
	"    - {hookName: createContainer, path: /h/3, timeout: 4}\n"                                    \
	"    - {hookName: startContainer, path: /h/4}\n    - {hookName: poststart, path: /h/5}\n"        \
	"    - {hookName: poststop, path: /h/6}\n    additionalGids: [0, 44, 44]\n"                      \
	"    intelRdt: {closID: !!str fast}\n"

#define EDITED                                                                                          \
	"{\"process\":{\"user\":{\"uid\":0,\"gid\":7,\"additionalGids\":[44]},"                         \
	"\"env\":[\"PATH=/bin\",\"A=new\",\"B=1\"]},"                                                   \
	"\"mounts\":[{\"destination\":\"/proc\",\"type\":\"tmpfs\",\"source\":\"tmpfs\"},"              \
	"{\"destination\":\"/opt/a\",\"source\":\"/lib/v\",\"options\":[\"ro\",\"bind\"]},"             \
	"{\"destination\":\"/opt/a/b\",\"source\":\"/x\"}],"                                            \
	"\"linux\":{\"resources\":{\"devices\":[{\"allow\":false,\"access\":\"rwm\"},"                  \
	"{\"allow\":true,\"type\":\"c\",\"major\":1,\"minor\":3,\"access\":\"rwm\"},"                   \
	"{\"allow\":true,\"type\":\"b\",\"major\":8,\"minor\":3,\"access\":\"r\"}]},"                   \
	"\"devices\":[{\"path\":\"/dev/gpu0\",\"type\":\"c\",\"major\":1,\"minor\":3,\"fileMode\":438," \
	"\"uid\":5,\"gid\":7},{\"path\":\"/dev/gpu1\",\"type\":\"b\",\"major\":8,\"minor\":3,"          \
	"\"fileMode\":432,\"gid\":7}],\"intelRdt\":{\"closID\":\"fast\"}},"                             \
	"\"hooks\":{\"prestart\":[{\"path\":\"/h/1\",\"args\":[\"h\",\"x\"]}],"                         \
	"\"createRuntime\":[{\"path\":\"/h/2\",\"env\":[\"E=1\"]}],"                                    \
	"\"createContainer\":[{\"path\":\"/h/3\",\"timeout\":4}],"                                      \
	"\"startContainer\":[{\"path\":\"/h/4\"}],\"poststart\":[{\"path\":\"/h/5\"}],"                 \
	"\"poststop\":[{\"path\":\"/h/6\"}]}}"

static void test_json(void **state)
{
	(void)state;
	put_device(early, "a.json", "0", ALL);
	expect_spec(SPEC, "v.com/c=0", EDITED);
}

static void test_yaml(void **state)
{
	(void)state;
	put(early, "a.yaml", ALL_YAML);
	expect_spec(SPEC, "v.com/c=0", EDITED);
}

static void test_yml_suffix(void **state)
{
	(void)state;
	put(early, "a.yml", ALL_YAML);
	expect_spec(SPEC, "v.com/c=0", EDITED);
	put(early, "b.conf", "broken");
}

static void test_twenty_rounds(void **state)
{
	char *spec = strdup(SPEC);
	size_t length;

	(void)state;
	put_device(early, "a.json", "0", ALL);
	free(spec);
	spec = edit_spec(SPEC, "v.com/c=0");
	length = strlen(spec);
	for (int round = 0; round < 20; round++) {
		char *next = edit_spec(spec, "v.com/c=0");

		free(spec);
		spec = next;
		assert_int_equal(strlen(spec), length);
	}
	expect_same(spec, "v.com/c=0");
	free(spec);
}

/* Without the device, the spec is what it was, byte for byte, the replaced items included. */
static void test_removed(void **state)
{
	cleanup_free char *spec = NULL, *back = NULL;

	(void)state;
	put_device(early, "a.json", "0", ALL);
	spec = edit_spec(SPEC, "v.com/c=0");
	assert_string_not_equal(spec, SPEC);
	back = edit_spec(spec, "");
	assert_string_equal(back, SPEC);
	expect_same(SPEC, "");
}

static void test_removed_one_of_two(void **state)
{
	cleanup_free char *both = NULL, *one = NULL, *only = NULL;

	(void)state;
	put_device(early, "a.json", "a", "{\"env\":[\"A=1\"]}");
	put_device(early, "b.json", "b", "{\"env\":[\"A=2\",\"B=2\"]}");
	both = edit_spec("{\"process\":{\"env\":[\"A=0\"]}}", "v.com/c=a,v.com/c=b");
	assert_non_null(strstr(both, "[\"A=2\",\"B=2\"]"));
	one = edit_spec(both, "v.com/c=a");
	only = edit_spec("{\"process\":{\"env\":[\"A=0\"]}}", "v.com/c=a");
	assert_string_equal(one, only);
}

/* The order of an object's members has no meaning; that of a list has. */
static void assert_same_json(const char *a, const char *b)
{
	cleanup_json cJSON *first = cJSON_Parse(a), *second = cJSON_Parse(b);

	assert_non_null(first);
	assert_true(cJSON_Compare(first, second, true));
}

static void test_changed_file_is_followed(void **state)
{
	cleanup_free char *old = NULL, *new = NULL, *direct = NULL;

	(void)state;
	put_device(early, "a.json", "0",
		   "{\"env\":[\"LIB=1\"],\"deviceNodes\":[{\"path\":\"/dev/"
		   "g\",\"type\":\"c\",\"major\":9,\"minor\":1}],"
		   "\"hooks\":[{\"hookName\":\"prestart\",\"path\":\"/v1\"}],"
		   "\"mounts\":[{\"hostPath\":\"/v1\",\"containerPath\":\"/v1\"}]}");
	old = edit_spec(SPEC, "v.com/c=0");
	put_device(early, "a.json", "0",
		   "{\"env\":[\"LIB=2\"],\"deviceNodes\":[{\"path\":\"/dev/"
		   "g\",\"type\":\"c\",\"major\":9,\"minor\":2}],"
		   "\"hooks\":[{\"hookName\":\"prestart\",\"path\":\"/v2\"}],"
		   "\"mounts\":[{\"hostPath\":\"/v2\",\"containerPath\":\"/v2\"}]}");
	new = edit_spec(old, "v.com/c=0");
	direct = edit_spec(SPEC, "v.com/c=0");
	assert_same_json(new, direct);
	assert_null(strstr(new, "/v1"));
	assert_null(strstr(new, "LIB=1"));
}

/* A server put the device in before us: nothing doubles, a change is followed, and its own items stay. */
static void test_items_of_others(void **state)
{
	static const char spec[] =
		"{\"process\":{\"env\":[\"LIB=1\"]},\"hooks\":{\"prestart\":[{\"path\":\"/h\"}]},"
		"\"linux\":{\"devices\":[{\"path\":\"/dev/g\",\"type\":\"c\",\"major\":9,\"minor\":1}]}}";
	cleanup_free char *changed = NULL, *back = NULL;

	(void)state;
	put_device(early, "a.json", "0",
		   "{\"env\":[\"LIB=1\"],\"hooks\":[{\"hookName\":\"prestart\",\"path\":\"/h\"}]}");
	expect_same(spec, "v.com/c=0");
	put_device(early, "a.json", "0",
		   "{\"env\":[\"LIB=2\"],\"deviceNodes\":[{\"path\":\"/dev/"
		   "g\",\"type\":\"c\",\"major\":9,\"minor\":2,"
		   "\"permissions\":\"none\"}]}");
	expect_spec(spec, "v.com/c=0",
		    "{\"process\":{\"env\":[\"LIB=2\"]},\"hooks\":{\"prestart\":[{\"path\":\"/h\"}]},"
		    "\"linux\":{\"devices\":[{\"path\":\"/dev/g\",\"type\":\"c\",\"major\":9,\"minor\":2}]}}");
	changed = edit_spec(spec, "v.com/c=0");
	back = edit_spec(changed, "");
	assert_string_equal(back, spec);
}

#define DRIVER(version)                                                                                                \
	"{\"mounts\":[{\"hostPath\":\"/wsnap-no/libg.so." version "\",\"containerPath\":\"/lib/libg.so." version "\"," \
	"\"options\":[\"ro\",\"bind\"]}],\"hooks\":[{\"hookName\":\"createContainer\",\"path\":\"/hook\","             \
	"\"args\":[\"hook\",\"--link\",\"libg.so." version "::/lib/libg.so\"]}]}"
#define DRIVER_MOUNT(version)                                                                         \
	"{\"destination\":\"/lib/libg.so." version "\",\"source\":\"/wsnap-no/libg.so." version "\"," \
	"\"options\":[\"ro\",\"bind\"]}"
#define DRIVER_HOOK(version)                                                                                   \
	"\"hooks\":{\"createContainer\":[{\"path\":\"/hook\",\"args\":[\"hook\",\"--link\",\"libg.so." version \
	"::/lib/libg.so\"]}]}"

/* A server put the old driver's files in, and no operation of ours ever saw them described. */
static void test_another_drivers_files(void **state)
{
	static const char mine[] = "{\"destination\":\"/mnt/7\",\"source\":\"/wsnap-no/mine.1\"}";
	cleanup_free char *spec =
		text_format("{\"mounts\":[%s,%s],%s}", DRIVER_MOUNT("535.54.03"), mine, DRIVER_HOOK("535.54.03"));
	cleanup_free char *expected =
		text_format("{\"mounts\":[%s,%s],%s}", mine, DRIVER_MOUNT("1570.9"), DRIVER_HOOK("1570.9"));

	(void)state;
	put_device(early, "a.json", "0", DRIVER("1570.9"));
	expect_spec(spec, "v.com/c=0", expected);
	/* What is there may be the user's. */
	expect_spec(
		"{\"mounts\":[{\"destination\":\"/lib/libg.so.2\",\"source\":\"/\",\"options\":[\"ro\",\"bind\"]}]}",
		"v.com/c=0",
		"{\"mounts\":[{\"destination\":\"/lib/libg.so.2\",\"source\":\"/\",\"options\":[\"ro\",\"bind\"]}," DRIVER_MOUNT(
			"1570.9") "]," DRIVER_HOOK("1570.9") "}");
}

/* A server put them in, and an operation saw them described: they go with the description, whatever they are called. */
static void test_mounts_of_others_that_were_described(void **state)
{
	static const char spec[] = "{\"mounts\":[{\"destination\":\"/opt/old\",\"source\":\"/\"},"
				   "{\"destination\":\"/data\",\"source\":\"/\"}]}";
	cleanup_free char *seen = NULL, *changed = NULL, *back = NULL, *kept = NULL;

	(void)state;
	put_device(early, "a.json", "0", "{\"mounts\":[{\"hostPath\":\"/\",\"containerPath\":\"/opt/old\"}]}");
	expect_spec(spec, "v.com/c=0", spec);
	seen = edit_spec(spec, "v.com/c=0");
	expect_same(seen, "v.com/c=0");
	kept = edit_spec(seen, "");
	assert_string_equal(kept, spec);
	put_device(early, "a.json", "0", "{\"mounts\":[{\"hostPath\":\"/\",\"containerPath\":\"/opt/new\"}]}");
	expect_spec(
		seen, "v.com/c=0",
		"{\"mounts\":[{\"destination\":\"/data\",\"source\":\"/\"},{\"destination\":\"/opt/new\",\"source\":\"/\"}]}");
	changed = edit_spec(seen, "v.com/c=0");
	back = edit_spec(changed, "");
	assert_string_equal(back, "{\"mounts\":[{\"destination\":\"/data\",\"source\":\"/\"}]}");
	/* Spelled in another way. */
	free(seen);
	seen = edit_spec("{\"mounts\":[{\"destination\":\"/opt/new/\",\"source\":\"/\",\"options\":[]}]}", "v.com/c=0");
	put_device(early, "a.json", "0", "{\"env\":[\"A=1\"]}");
	expect_spec(seen, "v.com/c=0", "{\"process\":{\"env\":[\"A=1\"]}}");
	/* Another source for the same place. */
	free(seen);
	put_device(early, "a.json", "0", "{\"mounts\":[{\"hostPath\":\"/\",\"containerPath\":\"/opt/old\"}]}");
	seen = edit_spec(spec, "v.com/c=0");
	put_device(early, "a.json", "0", "{\"mounts\":[{\"hostPath\":\"/usr\",\"containerPath\":\"/opt/old\"}]}");
	expect_spec(
		seen, "v.com/c=0",
		"{\"mounts\":[{\"destination\":\"/opt/old\",\"source\":\"/usr\"},{\"destination\":\"/data\",\"source\":\"/\"}]}");
}

/* What somebody changed after us is his; the rest still goes. */
static void test_changed_by_others(void **state)
{
	cleanup_free char *spec = NULL, *back = NULL;
	char *value;

	(void)state;
	put_device(early, "a.json", "0", "{\"env\":[\"A=1\",\"B=1\"]}");
	spec = edit_spec("{\"process\":{\"env\":[]}}", "v.com/c=0");
	value = strstr(spec, "A=1");
	value[2] = '9';
	back = edit_spec(spec, "");
	assert_string_equal(back, "{\"process\":{\"env\":[\"A=9\"]}}");
}

static void test_broken_annotation(void **state)
{
	(void)state;
	put_device(early, "a.json", "0", "{\"env\":[\"A=1\"]}");
	expect_spec("{\"annotations\":{\"wsnap.cdi\":\"[{\"}}", "v.com/c=0", "{\"process\":{\"env\":[\"A=1\"]}}");
	expect_spec("{\"annotations\":{\"wsnap.cdi\":\"[1,{\\\"at\\\":\\\"root\\\",\\\"item\\\":1},[],{}]\","
		    "\"k\":\"v\"},"
		    "\"root\":1}",
		    "", "{\"annotations\":{\"k\":\"v\"},\"root\":1}");
}

static void test_hostile_memories_of_mounts(void **state)
{
	(void)state;
	put_device(early, "a.json", "0", "{\"mounts\":[{\"hostPath\":\"/\",\"containerPath\":\"/m\"}]}");
	expect_spec(
		"{\"annotations\":{\"wsnap.cdi\":\"[{\\\"found\\\":true},{\\\"found\\\":true,\\\"at\\\":7,\\\"item\\\":1},"
		"{\\\"found\\\":true,\\\"at\\\":\\\"mounts\\\"},{\\\"found\\\":true,\\\"at\\\":\\\"root\\\","
		"\\\"item\\\":1}]\"},\"root\":1}",
		"v.com/c=0", "{\"root\":1,\"mounts\":[{\"destination\":\"/m\",\"source\":\"/\"}]}");
}

static void test_common_edits_once(void **state)
{
	(void)state;
	put(early, "a.json",
	    "{\"cdiVersion\":\"0.5.0\",\"kind\":\"v.com/"
	    "c\",\"containerEdits\":{\"hooks\":[{\"hookName\":\"prestart\","
	    "\"path\":\"/once\"}],\"env\":[\"COMMON=1\",\"X=common\"]},\"devices\":["
	    "{\"name\":\"0\",\"containerEdits\":{\"env\":[\"X=0\"]}},{\"name\":\"1\",\"containerEdits\":{"
	    "\"env\":[\"Y=1\"]}},"
	    "{\"name\":\"2\",\"containerEdits\":{\"env\":[\"Z=2\"]}}]}");
	expect_spec("{}", "v.com/c=0,v.com/c=1",
		    "{\"process\":{\"env\":[\"COMMON=1\",\"X=0\",\"Y=1\"]},\"hooks\":{\"prestart\":[{"
		    "\"path\":\"/once\"}]}}");
}

static void test_net_devices(void **state)
{
	cleanup_free char *spec = NULL, *back = NULL;
	static const char before[] = "{\"linux\":{\"netDevices\":{\"eth9\":{\"name\":\"old\"}}}}";

	(void)state;
	put(early, "a.json",
	    "{\"cdiVersion\":\"1.1.0\",\"kind\":\"v.com/"
	    "c\",\"devices\":[{\"name\":\"n\",\"containerEdits\":{\"netDevices\":["
	    "{\"hostInterfaceName\":\"eth8\",\"name\":\"a\"},{\"hostInterfaceName\":\"eth9\",\"name\":\"b\"}]"
	    "}}]}");
	expect_spec(before, "v.com/c=n",
		    "{\"linux\":{\"netDevices\":{\"eth9\":{\"name\":\"b\"},\"eth8\":{\"name\":\"a\"}}}}");
	spec = edit_spec(before, "v.com/c=n");
	back = edit_spec(spec, "");
	assert_string_equal(back, before);
}

static void test_mount_order(void **state)
{
	(void)state;
	put_device(early, "a.json", "0",
		   "{\"mounts\":[{\"hostPath\":\"/1\",\"containerPath\":\"/a/b\"},{\"hostPath\":\"/"
		   "2\",\"containerPath\":\"/a\"},"
		   "{\"hostPath\":\"/3\",\"containerPath\":\"/z/\"},{\"hostPath\":\"/"
		   "4\",\"containerPath\":\"/ab\"}]}");
	expect_spec("{\"mounts\":[{\"destination\":\"/z\"},{\"destination\":\"/a/b/c\"},{\"destination\":\"/"
		    "q\"}]}",
		    "v.com/c=0",
		    "{\"mounts\":[{\"destination\":\"/z/\",\"source\":\"/3\"},{\"destination\":\"/"
		    "a\",\"source\":\"/2\"},"
		    "{\"destination\":\"/a/b\",\"source\":\"/1\"},"
		    "{\"destination\":\"/a/b/c\"},{\"destination\":\"/q\"},{\"destination\":\"/"
		    "ab\",\"source\":\"/4\"}]}");
}

static void test_numbers_and_text_are_kept(void **state)
{
	static const char spec[] =
		"{\"process\":{\"rlimits\":[{\"hard\":18446744073709551615,\"soft\":9223372036854775807}],"
		"\"env\":[\"T=\\\"\\\\\\n\xc3\xa4,18446744073709551615\"]},"
		"\"linux\":{\"resources\":{\"memory\":{\"limit\":9007199254740993,\"swap\":-"
		"9223372036854775808},"
		"\"cpu\":{\"shares\":1000000000000000,\"x\":1.50,\"y\":1E3,\"z\":-0.1e-7,\"q\":12345}}},"
		"\"n\":null,\"e\":{},\"l\":[]}";
	cleanup_free char *edited = NULL, *back = NULL;

	(void)state;
	put_device(early, "a.json", "0", "{\"env\":[\"A=1\"]}");
	edited = edit_spec(spec, "v.com/c=0");
	assert_non_null(strstr(edited, "\"hard\":18446744073709551615,\"soft\":9223372036854775807"));
	assert_non_null(strstr(edited, "\"limit\":9007199254740993,\"swap\":-9223372036854775808"));
	assert_non_null(strstr(edited, "\"shares\":1000000000000000,\"x\":1.50,\"y\":1E3,\"z\":-0.1e-7,\"q\":12345"));
	back = edit_spec(edited, "");
	assert_string_equal(back, spec);
}

/* Also in what was replaced and is remembered. */
static void test_numbers_of_replaced_items(void **state)
{
	static const char spec[] = "{\"linux\":{\"devices\":[{\"path\":\"/dev/g\",\"x\":18446744073709551615}]}}";
	cleanup_free char *edited = NULL, *back = NULL;

	(void)state;
	put_device(early, "a.json", "0", "{\"deviceNodes\":[{\"path\":\"/dev/g\",\"hostPath\":\"/dev/null\"}]}");
	edited = edit_spec(spec, "v.com/c=0");
	back = edit_spec(edited, "");
	assert_string_equal(back, spec);
}

static void test_host_devices(void **state)
{
	cleanup_free char *fifo = text_format("%s/fifo", scratch), *link = text_format("%s/link", scratch);
	cleanup_free char *edits = NULL, *linked = NULL;

	(void)state;
	assert_int_equal(mkfifo(fifo, 0640), 0);
	assert_int_equal(symlink("/dev/zero", link), 0);
	put_device(early, "a.json", "gone", "{\"deviceNodes\":[{\"path\":\"/dev/wsnap-not-there\"}]}");
	put_device(early, "b.json", "dir", "{\"deviceNodes\":[{\"path\":\"/dev/x\",\"hostPath\":\"/dev\"}]}");
	put_device(early, "c.json", "type", "{\"deviceNodes\":[{\"path\":\"/dev/null\",\"type\":\"b\"}]}");
	put_device(early, "d.json", "full",
		   "{\"deviceNodes\":[{\"path\":\"/dev/"
		   "wsnap-not-there\",\"type\":\"u\",\"major\":5,\"minor\":6}]}");
	edits = text_format("{\"deviceNodes\":[{\"path\":\"/dev/f\",\"hostPath\":\"%s\"}]}", fifo);
	put_device(early, "e.json", "fifo", edits);
	linked = text_format("{\"deviceNodes\":[{\"path\":\"/dev/l\",\"hostPath\":\"%s\",\"fileMode\":0}]}", link);
	put_device(early, "f.json", "link", linked);
	expect_error("{}", "v.com/c=gone", ERROR_FAILED,
		     "'v.com/c=gone': device '/dev/wsnap-not-there' on the host: No such file");
	expect_error("{}", "v.com/c=dir", ERROR_FAILED, "'/dev' on the host is not a device");
	expect_error("{}", "v.com/c=type", ERROR_FAILED, "has the type 'c', not 'b'");
	expect_spec("{}", "v.com/c=full",
		    "{\"linux\":{\"devices\":[{\"path\":\"/dev/"
		    "wsnap-not-there\",\"type\":\"u\",\"major\":5,\"minor\":6}],"
		    "\"resources\":{\"devices\":[{\"allow\":true,\"type\":\"c\",\"major\":5,\"minor\":6,"
		    "\"access\":\"rwm\"}]}}}");
	expect_spec("{}", "v.com/c=fifo",
		    "{\"linux\":{\"devices\":[{\"path\":\"/dev/"
		    "f\",\"type\":\"p\",\"major\":0,\"minor\":0,\"fileMode\":416}]}}");
	expect_spec("{}", "v.com/c=link",
		    "{\"linux\":{\"devices\":[{\"path\":\"/dev/"
		    "l\",\"type\":\"c\",\"major\":1,\"minor\":5,\"fileMode\":0}],"
		    "\"resources\":{\"devices\":[{\"allow\":true,\"type\":\"c\",\"major\":1,\"minor\":5,"
		    "\"access\":\"rwm\"}]}}}");
}

static void test_hostile_specs(void **state)
{
	static const char *const bad[] = { "",
					   "[]",
					   "7",
					   "{",
					   "{}{}",
					   "{\"a\":\"\\u0000\"}",
					   "{\"a\":1e}",
					   "{\"process\":7}",
					   "{\"process\":{\"env\":{}}}",
					   "{\"process\":[]}" };

	(void)state;
	put_device(early, "a.json", "0", "{\"env\":[\"A=1\"]}");
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		expect_error(bad[i], "v.com/c=0", ERROR_FAILED, "the container's spec");
	expect_spec("{\"process\":null}", "v.com/c=0", "{\"process\":{\"env\":[\"A=1\"]}}");
}

#define DEVICE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, scratch_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		DEVICE_TEST(test_json),
		DEVICE_TEST(test_yaml),
		DEVICE_TEST(test_yml_suffix),
		DEVICE_TEST(test_twenty_rounds),
		DEVICE_TEST(test_removed),
		DEVICE_TEST(test_removed_one_of_two),
		DEVICE_TEST(test_changed_file_is_followed),
		DEVICE_TEST(test_items_of_others),
		DEVICE_TEST(test_another_drivers_files),
		DEVICE_TEST(test_mounts_of_others_that_were_described),
		DEVICE_TEST(test_changed_by_others),
		DEVICE_TEST(test_broken_annotation),
		DEVICE_TEST(test_hostile_memories_of_mounts),
		DEVICE_TEST(test_common_edits_once),
		DEVICE_TEST(test_net_devices),
		DEVICE_TEST(test_mount_order),
		DEVICE_TEST(test_numbers_and_text_are_kept),
		DEVICE_TEST(test_numbers_of_replaced_items),
		DEVICE_TEST(test_host_devices),
		DEVICE_TEST(test_hostile_specs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
