/* The spec of a fork: nothing in it names the container that it came from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/text.h"
#include "fork/fork_spec.h"

struct fixture {
	char folder[64];
	struct settings settings;
	struct session session;
	struct error err;
};

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	snprintf(fixture->folder, sizeof(fixture->folder), "/tmp/wsnap-fork-XXXXXX");
	if (!mkdtemp(fixture->folder))
		return -1;
	fixture->settings.state_dir = fixture->folder;
	fixture->settings.namespace = strdup("here");
	fixture->session = (struct session){ .settings = &fixture->settings, .state_dir = -1 };
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	fork_spec_remove_files(&fixture->session, "new");
	if (fixture->session.state_dir >= 0)
		close(fixture->session.state_dir);
	assert_int_equal(rmdir(fixture->folder), 0);
	free(fixture->settings.namespace);
	free(fixture);
	return 0;
}

/* The caller deletes it. */
static cJSON *adapted(struct fixture *fixture, const char *spec, bool name_as_hostname)
{
	const struct fork_names names = { .old_id = "old", .new_id = "new", .name_as_hostname = name_as_hostname };
	struct ctr_any any = { .value = strdup(spec), .length = strlen(spec) };
	cJSON *json;

	assert_int_equal(fork_spec_adapt(&fixture->session, &names, &any, &fixture->err), 0);
	json = json_parse(any.value, any.length, "the spec", &fixture->err);
	assert_non_null(json);
	free(any.value);
	return json;
}

static void expect_cgroup(struct fixture *fixture, const char *before, const char *after)
{
	cleanup_free char *spec = text_format("{\"linux\":{\"cgroupsPath\":\"%s\"}}", before);
	cleanup_json cJSON *json = adapted(fixture, spec, false);

	assert_string_equal(json_text(cJSON_GetObjectItem(json, "linux"), "cgroupsPath"), after);
}

static void test_cgroups(void **state)
{
	expect_cgroup(*state, "/here/old", "/here/new");
	expect_cgroup(*state, "system.slice:nerdctl:old", "system.slice:nerdctl:new");
	expect_cgroup(*state, "/kept/for/older", "/here/new");
	expect_cgroup(*state, "user.slice:run:somebody", "user.slice:run:new");
}

static void expect_hostname(struct fixture *fixture, const char *before, bool by_name, const char *after)
{
	cleanup_free char *spec =
		text_format("{\"hostname\":\"%s\",\"process\":{\"env\":[\"HOSTNAME=%s\",\"A=old\"]}}", before, before);
	cleanup_free char *variable = text_format("HOSTNAME=%s", after);
	cleanup_json cJSON *json = adapted(fixture, spec, by_name);
	cJSON *env = cJSON_GetObjectItem(cJSON_GetObjectItem(json, "process"), "env");

	assert_string_equal(json_text(json, "hostname"), after);
	assert_string_equal(cJSON_GetArrayItem(env, 0)->valuestring, variable);
	assert_string_equal(cJSON_GetArrayItem(env, 1)->valuestring, "A=old");
}

static void test_hostnames(void **state)
{
	expect_hostname(*state, "old", false, "new");
	expect_hostname(*state, "chosen", false, "chosen");
	expect_hostname(*state, "chosen", true, "new");
}

static void test_networks_and_owners(void **state)
{
	cleanup_json cJSON *json = adapted(
		*state,
		"{\"linux\":{\"namespaces\":[{\"type\":\"network\",\"path\":\"/proc/7/ns/net\"},{\"type\":\"ipc\",\"path\":"
		"\"/run/ipc\"}],\"resources\":{\"memory\":{\"limit\":9223372036854775807}}},\"annotations\":{\"nerdctl/"
		"name\":\"old\",\"mine\":\"1\"},\"hooks\":{\"createRuntime\":[{\"path\":\"/x\",\"args\":[\"n\",\"internal\","
		"\"oci-hook\"]}]}}",
		false);
	cleanup_free char *printed = cJSON_PrintUnformatted(json);

	assert_null(strstr(printed, "/proc/7/ns/net"));
	assert_non_null(strstr(printed, "/run/ipc"));
	assert_null(strstr(printed, "nerdctl/name"));
	assert_non_null(strstr(printed, "mine"));
	assert_null(strstr(printed, "hooks"));
}

static void test_numbers_stay_as_they_are(void **state)
{
	struct fixture *fixture = *state;
	const struct fork_names names = { .old_id = "old", .new_id = "new" };
	static const char spec[] = "{\"linux\":{\"resources\":{\"memory\":{\"limit\":9223372036854775807}}}}";
	struct ctr_any any = { .value = strdup(spec), .length = strlen(spec) };

	assert_int_equal(fork_spec_adapt(&fixture->session, &names, &any, &fixture->err), 0);
	assert_string_equal(any.value, spec);
	free(any.value);
}

static void test_own_files(void **state)
{
	struct fixture *fixture = *state;
	cleanup_json cJSON *json = adapted(
		fixture,
		"{\"hostname\":\"old\",\"mounts\":[{\"destination\":\"/etc/hosts\",\"source\":\"/nowhere/old/hosts\"},"
		"{\"destination\":\"/etc/hostname\",\"source\":\"/nowhere/old.hostname\"},"
		"{\"destination\":\"/etc/resolv.conf\",\"source\":\"/etc/resolv.conf\"},"
		"{\"destination\":\"/data\",\"source\":\"/srv/old\"}]}",
		false);
	cJSON *mounts = cJSON_GetObjectItem(json, "mounts");
	cleanup_free char *hosts = text_format("%s/here~new.hosts", fixture->folder);
	cleanup_free char *hostname = text_format("%s/here~new.hostname", fixture->folder);
	struct stat st;

	assert_string_equal(json_text(cJSON_GetArrayItem(mounts, 0), "source"), hosts);
	assert_string_equal(json_text(cJSON_GetArrayItem(mounts, 1), "source"), hostname);
	assert_string_equal(json_text(cJSON_GetArrayItem(mounts, 2), "source"), "/etc/resolv.conf");
	assert_string_equal(json_text(cJSON_GetArrayItem(mounts, 3), "source"), "/srv/old");
	assert_int_equal(stat(hosts, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0644);
	assert_int_equal(stat(hostname, &st), 0);
	assert_int_equal(st.st_size, 4);
}

static void test_owners_keys(void **state)
{
	(void)state;
	assert_true(fork_key_is_owners("memoh.bot_id"));
	assert_true(fork_key_is_owners("nerdctl/name"));
	assert_true(fork_key_is_owners("io.kubernetes.pod.name"));
	assert_true(fork_key_is_owners("containerd.io/restart.status"));
	assert_true(fork_key_is_owners("wsnap.operation"));
	assert_false(fork_key_is_owners("wsnap.policy"));
	assert_false(fork_key_is_owners("io.containerd.image.config.stop-signal"));
	assert_false(fork_key_is_owners("team"));
}

#define with_folder(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_folder(test_cgroups),
		with_folder(test_hostnames),
		with_folder(test_networks_and_owners),
		with_folder(test_numbers_stay_as_they_are),
		with_folder(test_own_files),
		cmocka_unit_test(test_owners_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
