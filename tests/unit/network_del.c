/* DEL, the cache of attachments, and finding them again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "network/base64.h"
#include "support/stage.h"

#define AMPLE_MS 20000
#define NETNS "/proc/self/ns/net"
#define RESULT "{\"cniVersion\":\"1.0.0\",\"ips\":[{\"address\":\"10.9.0.2/24\"}]}"
#define GIVES_RESULT "[ $CNI_COMMAND = DEL ] || echo '" RESULT "'"
#define TWO "{\"type\":\"a\"},{\"type\":\"b\",\"capabilities\":{\"portMappings\":true}}"

static struct network_attachment rich = {
	.container_id = (char[]){ "box" },
	.ifname = (char[]){ "eth0" },
	.args = (char[]){ "K=v;IgnoreUnknown=1" },
	.capabilities = (char[]){ "{\"portMappings\":[{\"hostPort\":80}]}" },
};

static int set_up(void **state)
{
	struct stage *stage;

	stage_set_up(state);
	stage = *state;
	stage_plugin(stage, "a", GIVES_RESULT);
	stage_plugin(stage, "b", GIVES_RESULT);
	stage_load(stage, "1.0.0", TWO, AMPLE_MS);
	return 0;
}

static void add(const struct stage *stage, const struct network_attachment *attachment)
{
	struct error err = { 0 };

	if (network_add(stage->network, attachment, NETNS, NULL, &err) < 0)
		fail_msg("%s", err.message);
	stage_write(stage, "log", "%s", "");
}

static void del(const struct stage *stage, const struct network_attachment *attachment, const char *netns)
{
	struct error err = { 0 };

	if (network_del(stage->network, attachment, netns, &err) < 0)
		fail_msg("%s", err.message);
}

/* The address in the prevResult that a plugin's first DEL was given, "" for none. Static. */
static const char *previous_address(const struct stage *stage, const char *name)
{
	static char address[64];
	cJSON *json = stage_input(stage, name, "DEL", 1);
	const cJSON *previous = cJSON_GetObjectItem(json, "prevResult");
	const char *first = json_text(cJSON_GetArrayItem(cJSON_GetObjectItem(previous, "ips"), 0), "address");

	snprintf(address, sizeof(address), "%s", first ? first : "");
	cJSON_Delete(json);
	return address;
}

static void reverse_order_with_what_was_cached(void **state)
{
	const struct stage *stage = *state;
	cJSON *json;

	add(stage, &rich);
	stage_assert_cached(stage, "test-box-eth0", true);
	del(stage, &rich, NETNS);
	stage_assert_log(stage, "DEL b\nDEL a\n");
	stage_assert_cached(stage, "test-box-eth0", false);
	assert_string_equal(previous_address(stage, "a"), "10.9.0.2/24");
	assert_string_equal(previous_address(stage, "b"), "10.9.0.2/24");
	json = stage_input(stage, "b", "DEL", 1);
	assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(json, "runtimeConfig")), 1);
	cJSON_Delete(json);
	assert_true(stage_environment_has(stage, "b", "DEL", 1, "CNI_NETNS=" NETNS));
	assert_true(stage_environment_has(stage, "b", "DEL", 1, "CNI_ARGS=K=v;IgnoreUnknown=1"));
}

static void nothing_attached(void **state)
{
	const struct stage *stage = *state;

	del(stage, &rich, NULL);
	stage_assert_log(stage, "DEL b\nDEL a\n");
	assert_string_equal(previous_address(stage, "a"), "");
	assert_true(stage_environment_has(stage, "a", "DEL", 1, "CNI_NETNS="));
}

static void a_namespace_that_is_gone(void **state)
{
	const struct stage *stage = *state;

	del(stage, &rich, "/proc/999999999/ns/net");
	assert_true(stage_environment_has(stage, "a", "DEL", 1, "CNI_NETNS="));
}

static void old_versions_get_no_result(void **state)
{
	struct stage *stage = *state;

	stage_load(stage, "0.3.1", TWO, AMPLE_MS);
	add(stage, &rich);
	del(stage, &rich, NETNS);
	assert_string_equal(previous_address(stage, "a"), "");
	stage_assert_cached(stage, "test-box-eth0", false);
}

static void one_that_fails_does_not_stop_the_others(void **state)
{
	const struct stage *stage = *state;
	struct error err = { 0 };

	add(stage, &rich);
	stage_plugin(stage, "b", "echo '{\"code\":999,\"msg\":\"stuck\"}'; exit 1");
	assert_int_equal(network_del(stage->network, &rich, NETNS, &err), -1);
	assert_int_equal(err.kind, ERROR_FAILED);
	assert_string_equal(err.message, "network 'test': plugin 'b' failed with code 999: stuck");
	stage_assert_log(stage, "DEL b\nDEL b\nDEL a\n");
	stage_assert_cached(stage, "test-box-eth0", true);
}

static void a_second_try_can_do(void **state)
{
	const struct stage *stage = *state;

	add(stage, &rich);
	stage_plugin(stage, "b", "[ $RUN = 2 ] || { echo '{\"code\":999,\"msg\":\"stuck\"}'; exit 1; }");
	del(stage, &rich, NETNS);
	stage_assert_log(stage, "DEL b\nDEL b\nDEL a\n");
	stage_assert_cached(stage, "test-box-eth0", false);
}

static void a_hanging_plugin_is_not_tried_again(void **state)
{
	struct stage *stage = *state;
	struct error err = { 0 };

	stage_load(stage, "1.0.0", TWO, 300);
	stage_plugin(stage, "b", "sleep 1000");
	assert_int_equal(network_del(stage->network, &rich, NETNS, &err), -1);
	assert_string_equal(err.message, "network 'test': plugin 'b' was killed after 300 ms without an answer");
	stage_assert_log(stage, "DEL b\nDEL a\n");
}

/* ADD on top of an attachment that was never detached. */
static void what_is_left_over_is_detached_first(void **state)
{
	const struct stage *stage = *state;

	add(stage, &rich);
	assert_int_equal(network_add(stage->network, &rich, NETNS, NULL, &(struct error){ 0 }), 0);
	stage_assert_log(stage, "DEL b\nDEL a\nADD a\nADD b\n");
	assert_string_equal(previous_address(stage, "a"), "10.9.0.2/24");
	stage_assert_cached(stage, "test-box-eth0", true);
}

/* The cache folder lost, as a reboot does where it is on a tmpfs: what the record kept must do. */
static void after_the_cache_is_gone(void **state)
{
	const struct stage *stage = *state;
	cleanup_network_attachment struct network_attachment kept = { 0 };
	const char *const ids[] = { "box" };
	struct error err = { 0 };
	char path[PATH_MAX];

	add(stage, &rich);
	assert_int_equal(network_find(stage->network, ids, 1, &kept, &err), 1);
	snprintf(path, sizeof(path), "%s/results/test-box-eth0", stage->cache);
	assert_int_equal(unlink(path), 0);
	del(stage, &kept, NULL);
	assert_string_equal(previous_address(stage, "a"), "10.9.0.2/24");
}

static void the_old_configuration_detaches(void **state)
{
	struct stage *stage = *state;
	cleanup_network_attachment struct network_attachment found = { 0 };
	const char *const ids[] = { "box" };
	struct error err = { 0 };

	add(stage, &rich);
	stage_plugin(stage, "c", GIVES_RESULT);
	stage_write(stage, "net.d/00-new.conf", "{\"cniVersion\":\"1.0.0\",\"name\":\"new\",\"type\":\"c\"}");
	stage_load(stage, "1.0.0", TWO, AMPLE_MS);
	assert_string_equal(network_name(stage->network), "new");
	assert_int_equal(network_find(stage->network, ids, 1, &found, &err), 1);
	del(stage, &found, NETNS);
	stage_assert_log(stage, "DEL b\nDEL a\n");
	stage_assert_cached(stage, "test-box-eth0", false);
	add(stage, &found);
	stage_assert_cached(stage, "new-box-eth0", true);
}

static void the_file_is_as_libcni_writes_it(void **state)
{
	const struct stage *stage = *state;
	char *list = stage_read(stage, "net.d/10-test.conflist");
	cleanup_text struct text config = { 0 };
	char *expected;
	char *content;
	struct stat st;
	char path[PATH_MAX];

	add(stage, &rich);
	base64_encode(list, strlen(list), &config);
	expected = text_format("{\"kind\":\"cniCacheV1\",\"containerId\":\"box\",\"config\":\"%s\",\"ifName\":\"eth0\","
			       "\"networkName\":\"test\",\"cniArgs\":[[\"K\",\"v\"],[\"IgnoreUnknown\",\"1\"]],"
			       "\"capabilityArgs\":{\"portMappings\":[{\"hostPort\":80}]},"
			       "\"result\":{\"ips\":[{\"address\":\"10.9.0.2/24\"}],\"cniVersion\":\"1.0.0\"}}",
			       config.data);
	content = stage_read(stage, "cache/results/test-box-eth0");
	assert_string_equal(content, expected);
	snprintf(path, sizeof(path), "%s/results/test-box-eth0", stage->cache);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	free(list);
	free(content);
	free(expected);
}

static void found_under_any_id(void **state)
{
	const struct stage *stage = *state;
	cleanup_network_attachment struct network_attachment found = { 0 };
	const char *const ids[] = { "box", "default-box" };
	struct network_attachment prefixed = rich;
	struct error err = { 0 };

	assert_int_equal(network_find(stage->network, ids, 2, &found, &err), 0);
	assert_string_equal(found.container_id, "box");
	assert_string_equal(found.ifname, "eth0");
	assert_null(found.cached);
	network_attachment_release(&found);

	prefixed.container_id = (char[]){ "default-box" };
	prefixed.ifname = (char[]){ "net1" };
	add(stage, &prefixed);
	assert_int_equal(network_find(stage->network, ids, 2, &found, &err), 1);
	assert_string_equal(found.container_id, "default-box");
	assert_string_equal(found.ifname, "net1");
	assert_string_equal(found.args, rich.args);
	assert_string_equal(found.capabilities, rich.capabilities);
	assert_string_equal(found.address, "10.9.0.2/24");
	network_attachment_release(&found);

	add(stage, &rich);
	assert_int_equal(network_find(stage->network, ids, 2, &found, &err), 1);
	assert_string_equal(found.container_id, "box");
}

static void broken_and_foreign_cache_files(void **state)
{
	static const char *const contents[] = {
		"",
		"nonsense",
		"[]",
		"{\"kind\":\"cniCacheV1\"}",
		"{\"kind\":\"other\",\"containerId\":\"box\",\"ifName\":\"eth0\",\"networkName\":\"test\"}",
		"{\"kind\":\"cniCacheV1\",\"containerId\":\"../box\",\"ifName\":\"eth0\",\"networkName\":\"test\"}",
	};
	const struct stage *stage = *state;
	const char *const ids[] = { "box" };

	log_set_level(LOG_QUIET);
	add(stage, &rich);
	for (size_t i = 0; i < sizeof(contents) / sizeof(contents[0]); i++) {
		cleanup_network_attachment struct network_attachment found = { 0 };
		struct error err = { 0 };

		stage_write(stage, "log", "%s", "");
		stage_write(stage, "cache/results/test-box-eth0", "%s", contents[i]);
		stage_write(stage, "cache/results/test-box-net1", "%s", contents[i]);
		assert_int_equal(network_find(stage->network, ids, 1, &found, &err), 1);
		assert_string_equal(found.container_id, "box");
		assert_null(found.cached);
		assert_null(found.address);
		del(stage, &found, NULL);
		stage_assert_cached(stage, "test-box-eth0", false);
		assert_string_equal(previous_address(stage, "a"), "");
	}
}

static void a_hostile_address_is_not_taken_over(void **state)
{
	const struct stage *stage = *state;
	cleanup_network_attachment struct network_attachment found = { 0 };
	const char *const ids[] = { "box" };
	struct error err = { 0 };

	add(stage, &rich);
	stage_write(stage, "cache/results/test-box-eth0",
		    "{\"kind\":\"cniCacheV1\",\"containerId\":\"box\",\"config\":\"!\",\"ifName\":\"eth0\","
		    "\"networkName\":\"test\",\"result\":{\"ips\":[{\"address\":\"1.2.3.4;X=y/24\"}]}}");
	assert_int_equal(network_find(stage->network, ids, 1, &found, &err), 1);
	assert_null(found.address);
	del(stage, &found, NULL);
	stage_assert_log(stage, "DEL b\nDEL a\n");
}

static void kept_as_json_and_back(void **state)
{
	const struct stage *stage = *state;
	cleanup_network_attachment struct network_attachment found = { 0 };
	cleanup_network_attachment struct network_attachment back = { 0 };
	const char *const ids[] = { "box" };
	struct error err = { 0 };
	char *json;

	add(stage, &rich);
	assert_int_equal(network_find(stage->network, ids, 1, &found, &err), 1);
	json = network_attachment_print(&found, &err);
	assert_int_equal(network_attachment_parse(json, &back, &err), 0);
	assert_string_equal(back.container_id, found.container_id);
	assert_string_equal(back.ifname, found.ifname);
	assert_string_equal(back.args, found.args);
	assert_string_equal(back.capabilities, found.capabilities);
	assert_string_equal(back.address, found.address);
	assert_string_equal(back.cached, found.cached);
	free(json);
	assert_int_equal(network_attachment_parse("{}", &(struct network_attachment){ 0 }, &err), -1);
	assert_int_equal(network_attachment_parse("{\"container_id\":\"a/b\",\"ifname\":\"eth0\"}",
						  &(struct network_attachment){ 0 }, &err),
			 -1);
	assert_int_equal(network_attachment_parse("{\"container_id\":\"a\",\"ifname\":\"eth0\",\"address\":\"x\"}",
						  &(struct network_attachment){ 0 }, &err),
			 -1);
}

static int count_up(const struct network_attachment *attachment, void *context, struct error *err)
{
	(void)err;
	assert_string_equal(attachment->ifname, "eth0");
	++*(int *)context;
	return 0;
}

static void every_cached_attachment(void **state)
{
	const struct stage *stage = *state;
	struct network_attachment other = rich;
	struct error err = { 0 };
	int count = 0;

	assert_int_equal(network_cached_each(stage->network, count_up, &count, &err), 0);
	assert_int_equal(count, 0);
	add(stage, &rich);
	other.container_id = (char[]){ "other" };
	add(stage, &other);
	stage_write(stage, "cache/results/test-broken-eth0", "nonsense");
	assert_int_equal(network_cached_each(stage->network, count_up, &count, &err), 0);
	assert_int_equal(count, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, stage_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(reverse_order_with_what_was_cached),
		TEST(nothing_attached),
		TEST(a_namespace_that_is_gone),
		TEST(old_versions_get_no_result),
		TEST(one_that_fails_does_not_stop_the_others),
		TEST(a_second_try_can_do),
		TEST(a_hanging_plugin_is_not_tried_again),
		TEST(what_is_left_over_is_detached_first),
		TEST(after_the_cache_is_gone),
		TEST(the_old_configuration_detaches),
		TEST(the_file_is_as_libcni_writes_it),
		TEST(found_under_any_id),
		TEST(broken_and_foreign_cache_files),
		TEST(a_hostile_address_is_not_taken_over),
		TEST(kept_as_json_and_back),
		TEST(every_cached_attachment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
