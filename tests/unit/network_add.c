/* ADD and its undoing, with plugins that are scripts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/stage.h"

#define AMPLE_MS 20000
#define NETNS "/proc/self/ns/net"

/* Bodies of plugins. */
#define GIVES(address) "echo '{\"cniVersion\":\"1.0.0\",\"ips\":[{\"address\":\"" address "\"}],\"dns\":{}}'\n"
#define ON_ADD(commands) "if [ $CNI_COMMAND = ADD ]; then\n" commands "\nfi\n"
#define FAILS(code, msg, details) \
	"echo '{\"cniVersion\":\"1.0.0\",\"code\":" code ",\"msg\":\"" msg "\",\"details\":\"" details "\"}'; exit 1"

static struct network_attachment plain = { .container_id = (char[]){ "box" }, .ifname = (char[]){ "eth0" } };

static void add(const struct stage *stage, const struct network_attachment *attachment, const char *expected)
{
	char *address = NULL;
	struct error err = { 0 };

	if (network_add(stage->network, attachment, NETNS, &address, &err) < 0)
		fail_msg("%s", err.message);
	if (expected)
		assert_string_equal(address, expected);
	else
		assert_null(address);
	free(address);
}

static void add_fails(const struct stage *stage, const struct network_attachment *attachment, const char *expected)
{
	char *address = NULL;
	struct error err = { 0 };

	assert_int_equal(network_add(stage->network, attachment, NETNS, &address, &err), -1);
	assert_int_equal(err.kind, ERROR_FAILED);
	assert_string_equal(err.message, expected);
	assert_null(address);
	stage_assert_cached(stage, "test-box-eth0", false);
}

static void each_gets_the_result_of_the_one_before(void **state)
{
	struct stage *stage = *state;
	cJSON *json;
	char line[256];

	stage_plugin(stage, "a", GIVES("10.9.0.2/24"));
	stage_plugin(stage, "b", GIVES("10.9.0.3/24"));
	stage_plugin(stage, "c", GIVES("10.9.0.4/24"));
	stage_load(stage, "1.0.0", "{\"type\":\"a\",\"mtu\":1400},{\"type\":\"b\"},{\"type\":\"c\"}", AMPLE_MS);
	add(stage, &plain, "10.9.0.4/24");
	stage_assert_log(stage, "ADD a\nADD b\nADD c\n");

	json = stage_input(stage, "a", "ADD", 1);
	assert_string_equal(json_text(json, "name"), "test");
	assert_string_equal(json_text(json, "cniVersion"), "1.0.0");
	assert_int_equal(json_integer(json, "mtu", 0), 1400);
	assert_null(cJSON_GetObjectItem(json, "prevResult"));
	assert_null(cJSON_GetObjectItem(json, "runtimeConfig"));
	cJSON_Delete(json);
	json = stage_input(stage, "c", "ADD", 1);
	assert_string_equal(
		json_text(cJSON_GetArrayItem(cJSON_GetObjectItem(cJSON_GetObjectItem(json, "prevResult"), "ips"), 0),
			  "address"),
		"10.9.0.3/24");
	cJSON_Delete(json);

	assert_true(stage_environment_has(stage, "a", "ADD", 1, "CNI_COMMAND=ADD"));
	assert_true(stage_environment_has(stage, "a", "ADD", 1, "CNI_CONTAINERID=box"));
	assert_true(stage_environment_has(stage, "a", "ADD", 1, "CNI_NETNS=" NETNS));
	assert_true(stage_environment_has(stage, "a", "ADD", 1, "CNI_IFNAME=eth0"));
	assert_true(stage_environment_has(stage, "a", "ADD", 1, "CNI_ARGS="));
	snprintf(line, sizeof(line), "CNI_PATH=%s", stage->plugins);
	assert_true(stage_environment_has(stage, "a", "ADD", 1, line));
}

static void nothing_of_our_environment_but_the_path(void **state)
{
	struct stage *stage = *state;

	setenv("WSNAP_DATABASE", "password=secret", 1);
	stage_plugin(stage, "a", GIVES("10.9.0.2/24"));
	stage_load(stage, "1.0.0", "{\"type\":\"a\"}", AMPLE_MS);
	add(stage, &plain, "10.9.0.2/24");
	assert_false(stage_environment_has(stage, "a", "ADD", 1, "WSNAP_DATABASE=password=secret"));
	unsetenv("WSNAP_DATABASE");
}

static void loopback_comes_first(void **state)
{
	struct stage *stage = *state;
	cJSON *json;

	stage_plugin(stage, "loopback", GIVES("127.0.0.1/8"));
	stage_plugin(stage, "a", GIVES("10.9.0.2/24"));
	stage_load(stage, "1.0.0", "{\"type\":\"a\"}", AMPLE_MS);
	add(stage, &plain, "10.9.0.2/24");
	stage_assert_log(stage, "ADD loopback\nADD a\n");
	assert_true(stage_environment_has(stage, "loopback", "ADD", 1, "CNI_IFNAME=lo"));
	json = stage_input(stage, "loopback", "ADD", 1);
	assert_string_equal(json_text(json, "name"), "cni-loopback");
	cJSON_Delete(json);
	stage_assert_cached(stage, "test-box-eth0", true);
	stage_assert_cached(stage, "cni-loopback-box-lo", false);
}

static void a_failure_undoes_in_reverse_order(void **state)
{
	struct stage *stage = *state;

	stage_plugin(stage, "a", GIVES("10.9.0.2/24"));
	stage_plugin(stage, "b", ON_ADD(FAILS("999", "no luck", "at all")));
	stage_plugin(stage, "c", GIVES("10.9.0.4/24"));
	stage_load(stage, "1.0.0", "{\"type\":\"a\"},{\"type\":\"b\"},{\"type\":\"c\"}", AMPLE_MS);
	add_fails(stage, &plain, "network 'test': plugin 'b' failed with code 999: no luck; at all");
	stage_assert_log(stage, "ADD a\nADD b\nDEL c\nDEL b\nDEL a\n"
				"ADD a\nADD b\nDEL c\nDEL b\nDEL a\n");
}

static const struct {
	const char *body;
	const char *message;
} failures[] = {
	{ FAILS("4", "bad variables", ""), "network 'test': plugin 'a' failed with code 4: bad variables" },
	{ FAILS("6", "not JSON", "x"), "network 'test': plugin 'a' failed with code 6: not JSON; x" },
	{ FAILS("7", "bad config", "x"), "network 'test': plugin 'a' failed with code 7: bad config; x" },
	{ FAILS("1", "incompatible CNI versions", "config is \\\"1.0.0\\\""),
	  "network 'test': plugin 'a' failed with code 1: incompatible CNI versions; config is \"1.0.0\"" },
	{ "echo '{\"code\":\"7\"}'; exit 3", "network 'test': plugin 'a' failed with exit status 3" },
	{ "echo nonsense; echo one >&2; echo 'two\033[1m' >&2; echo >&2; exit 3",
	  "network 'test': plugin 'a' failed with exit status 3: two?[1m" },
	{ "kill -KILL $$", "network 'test': plugin 'a' failed with signal 9" },
	{ "exit 0", "network 'test': plugin 'a' succeeded without a result" },
	{ "echo nonsense", "network 'test': plugin 'a': the result is not JSON (at byte 0)" },
	{ "echo '[]'", "network 'test': plugin 'a': the result is not a JSON object" },
	{ "echo '{\"cniVersion\":\"0.2.0\",\"ip4\":{\"ip\":\"10.9.0.2/24\"}}'",
	  "network 'test': plugin 'a': the result has cniVersion '0.2.0', which is not supported" },
	{ GIVES("10.9.0.2;IP=1"), "network 'test': plugin 'a': the result has an invalid address" },
	{ "cat /dev/zero", "network 'test': plugin 'a' was killed: it printed more than 1048576 bytes" },
};

static void every_way_to_fail(void **state)
{
	struct stage *stage = *state;

	for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
		char body[512];

		snprintf(body, sizeof(body), ON_ADD("%s"), failures[i].body);
		stage_plugin(stage, "a", body);
		stage_write(stage, "log", "%s", "");
		stage_load(stage, "1.0.0", "{\"type\":\"a\"}", AMPLE_MS);
		add_fails(stage, &plain, failures[i].message);
		stage_assert_log(stage, "ADD a\nDEL a\nADD a\nDEL a\n");
	}
}

static void a_hanging_plugin_is_killed(void **state)
{
	struct stage *stage = *state;
	struct network_attachment asking = plain;

	asking.address = (char[]){ "10.9.0.2/24" };
	stage_plugin(stage, "a", ON_ADD("sleep 1000"));
	stage_load(stage, "1.0.0", "{\"type\":\"a\"}", 300);
	add_fails(stage, &asking, "network 'test': plugin 'a' was killed after 300 ms without an answer");
	/* Not twice: its time is the container's downtime. */
	stage_assert_log(stage, "ADD a\nDEL a\n");
}

static void try_again_later_is_tried_again_once(void **state)
{
	struct stage *stage = *state;

	stage_plugin(stage, "a", ON_ADD("[ $RUN = 1 ] && { " FAILS("11", "busy", "") "; }") GIVES("10.9.0.2/24"));
	stage_load(stage, "1.0.0", "{\"type\":\"a\"}", AMPLE_MS);
	add(stage, &plain, "10.9.0.2/24");
	stage_assert_log(stage, "ADD a\nDEL a\nADD a\n");
	stage_plugin(stage, "a", ON_ADD(FAILS("11", "busy", "")));
	stage_write(stage, "log", "%s", "");
	assert_int_equal(network_del(stage->network, &plain, NETNS, &(struct error){ 0 }), 0);
	stage_write(stage, "log", "%s", "");
	add_fails(stage, &plain, "network 'test': plugin 'a' failed with code 11: busy");
	stage_assert_log(stage, "ADD a\nDEL a\nADD a\nDEL a\n");
}

static void the_address_is_asked_for_by_capability(void **state)
{
	struct stage *stage = *state;
	struct network_attachment asking = plain;
	cJSON *json;
	cJSON *runtime;

	asking.address = (char[]){ "10.9.0.7/24" };
	asking.capabilities = (char[]){ "{\"portMappings\":[{\"hostPort\":80}],\"bandwidth\":{}}" };
	stage_plugin(stage, "a", GIVES("10.9.0.7/24"));
	stage_plugin(stage, "b", GIVES("10.9.0.7/24"));
	stage_load(stage, "1.0.0",
		   "{\"type\":\"a\",\"capabilities\":{\"ips\":true,\"bandwidth\":false}},"
		   "{\"type\":\"b\",\"capabilities\":{\"portMappings\":true}}",
		   AMPLE_MS);
	add(stage, &asking, "10.9.0.7/24");
	json = stage_input(stage, "a", "ADD", 1);
	runtime = cJSON_GetObjectItem(json, "runtimeConfig");
	assert_int_equal(cJSON_GetArraySize(runtime), 1);
	assert_string_equal(cJSON_GetStringValue(cJSON_GetArrayItem(cJSON_GetObjectItem(runtime, "ips"), 0)),
			    "10.9.0.7/24");
	cJSON_Delete(json);
	json = stage_input(stage, "b", "ADD", 1);
	runtime = cJSON_GetObjectItem(json, "runtimeConfig");
	assert_int_equal(cJSON_GetArraySize(runtime), 1);
	assert_int_equal(
		json_integer(cJSON_GetArrayItem(cJSON_GetObjectItem(runtime, "portMappings"), 0), "hostPort", 0), 80);
	cJSON_Delete(json);
	assert_true(stage_environment_has(stage, "a", "ADD", 1, "CNI_ARGS="));
}

static void the_address_is_asked_for_by_arguments(void **state)
{
	struct stage *stage = *state;
	struct network_attachment asking = plain;

	asking.address = (char[]){ "10.9.0.7/24" };
	asking.args = (char[]){ "K=v" };
	stage_plugin(stage, "a", GIVES("10.9.0.7/24"));
	stage_load(stage, "1.0.0", "{\"type\":\"a\"}", AMPLE_MS);
	add(stage, &asking, "10.9.0.7/24");
	assert_true(stage_environment_has(stage, "a", "ADD", 1, "CNI_ARGS=K=v;IgnoreUnknown=1;IP=10.9.0.7"));

	stage_plugin(stage, "static", "");
	stage_load(stage, "1.0.0", "{\"type\":\"a\",\"ipam\":{\"type\":\"static\"}}", AMPLE_MS);
	add(stage, &asking, "10.9.0.7/24");
	assert_true(stage_environment_has(stage, "a", "ADD", 2, "CNI_ARGS=K=v;IgnoreUnknown=1;IP=10.9.0.7/24"));
}

static void a_taken_address_is_given_up(void **state)
{
	struct stage *stage = *state;
	struct network_attachment asking = plain;

	asking.address = (char[]){ "10.9.0.7/24" };
	stage_plugin(stage, "a",
		     ON_ADD("case $CNI_ARGS in *IP=*) " FAILS("11", "taken", "") ";; esac") GIVES("10.9.0.9/24"));
	stage_load(stage, "1.0.0", "{\"type\":\"a\"}", AMPLE_MS);
	add(stage, &asking, "10.9.0.9/24");
	stage_assert_log(stage, "ADD a\nDEL a\nADD a\n");
	assert_true(stage_environment_has(stage, "a", "ADD", 2, "CNI_ARGS="));
	stage_assert_cached(stage, "test-box-eth0", true);
}

static void an_address_its_owner_asks_for_is_not_given_up(void **state)
{
	struct stage *stage = *state;
	struct network_attachment owned = plain;

	owned.address = (char[]){ "10.9.0.7/24" };
	owned.args = (char[]){ "IP=10.9.0.7" };
	stage_plugin(stage, "a", ON_ADD(FAILS("999", "taken", "")));
	stage_load(stage, "1.0.0", "{\"type\":\"a\"}", AMPLE_MS);
	add_fails(stage, &owned, "network 'test': plugin 'a' failed with code 999: taken");
	stage_assert_log(stage, "ADD a\nDEL a\nADD a\nDEL a\n");
	assert_true(stage_environment_has(stage, "a", "ADD", 2, "CNI_ARGS=IP=10.9.0.7"));
}

static void hostile_names_reach_no_plugin(void **state)
{
	static const char *const hostile[] = { "../../etc", "a/b", "", "-x", "a b", "a;IP=1" };
	struct stage *stage = *state;

	stage_plugin(stage, "a", GIVES("10.9.0.2/24"));
	stage_load(stage, "1.0.0", "{\"type\":\"a\"}", AMPLE_MS);
	for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
		struct network_attachment attachment = { .container_id = strdup(hostile[i]),
							 .ifname = (char[]){ "eth0" } };
		struct error err = { 0 };

		assert_int_equal(network_add(stage->network, &attachment, NETNS, NULL, &err), -1);
		assert_int_equal(err.kind, ERROR_USAGE);
		assert_int_equal(network_del(stage->network, &attachment, NETNS, &err), -1);
		assert_int_equal(err.kind, ERROR_USAGE);
		free(attachment.container_id);
	}
	stage_assert_log(stage, "");
}

static void a_result_of_another_version_is_converted(void **state)
{
	struct stage *stage = *state;
	cJSON *input;
	cJSON *json;

	stage_plugin(stage, "a", GIVES("10.9.0.2/24"));
	stage_plugin(stage, "b", "echo '{\"ips\":[]}'");
	stage_load(stage, "0.4.0", "{\"type\":\"a\"},{\"type\":\"b\"}", AMPLE_MS);
	add(stage, &plain, NULL);
	input = stage_input(stage, "b", "ADD", 1);
	json = cJSON_GetObjectItem(input, "prevResult");
	assert_string_equal(json_text(json, "cniVersion"), "0.4.0");
	assert_string_equal(json_text(cJSON_GetArrayItem(cJSON_GetObjectItem(json, "ips"), 0), "version"), "4");
	cJSON_Delete(input);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, stage_set_up, stage_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_gets_the_result_of_the_one_before),
		TEST(nothing_of_our_environment_but_the_path),
		TEST(loopback_comes_first),
		TEST(a_failure_undoes_in_reverse_order),
		TEST(every_way_to_fail),
		TEST(a_hanging_plugin_is_killed),
		TEST(try_again_later_is_tried_again_once),
		TEST(the_address_is_asked_for_by_capability),
		TEST(the_address_is_asked_for_by_arguments),
		TEST(a_taken_address_is_given_up),
		TEST(an_address_its_owner_asks_for_is_not_given_up),
		TEST(hostile_names_reach_no_plugin),
		TEST(a_result_of_another_version_is_converted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
