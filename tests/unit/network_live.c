/*
 * The real bridge, host-local, portmap, firewall and loopback plugins. The test is a host of its own:
 * it works in a network namespace of its own, which takes bridge and iptables rules along when it ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <limits.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "base/program.h"
#include "support/stage.h"

#define PLUGINS "/usr/lib/cni"
#define IPTABLES_SAVE "/usr/sbin/iptables-save"

static struct network_attachment box = { .container_id = (char[]){ "box" }, .ifname = (char[]){ "eth0" } };

struct host {
	struct stage stage;
	pid_t container; /* a process with a network namespace of its own */
	char netns[64];
};

static void start_container(struct host *host)
{
	int ready[2];
	char byte;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	host->container = fork();
	assert_true(host->container >= 0);
	if (host->container == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (unshare(CLONE_NEWNET) < 0 || write(ready[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	snprintf(host->netns, sizeof(host->netns), "/proc/%d/ns/net", host->container);
}

static void stop_container(struct host *host)
{
	if (host->container <= 0)
		return;
	kill(host->container, SIGKILL);
	waitpid(host->container, NULL, 0);
	host->container = 0;
}

static int open_host(void **state)
{
	static struct host host;
	struct network_settings settings = { .plugin_path = "/nowhere:" PLUGINS };
	struct error err = { 0 };

	stage_open(&host.stage);
	settings.conf_dir = host.stage.confs;
	settings.cache_dir = host.stage.cache;
	stage_write(
		&host.stage, "net.d/10-live.conflist",
		"{\"cniVersion\":\"1.0.0\",\"name\":\"live\",\"plugins\":["
		"{\"type\":\"bridge\",\"bridge\":\"wsnapt0\",\"isGateway\":true,\"ipMasq\":true,"
		"\"ipam\":{\"type\":\"host-local\",\"dataDir\":\"%s/ipam\",\"ranges\":[[{\"subnet\":\"10.213.0.0/24\"}]]}},"
		"{\"type\":\"portmap\",\"capabilities\":{\"portMappings\":true}},{\"type\":\"firewall\"}]}",
		host.stage.folder);
	if (network_load(&settings, &host.stage.network, &err) != 1)
		fail_msg("%s", err.message);
	start_container(&host);
	*state = &host;
	return 0;
}

static int close_host(void **state)
{
	struct host *host = *state;

	stop_container(host);
	stage_close(&host->stage);
	return 0;
}

/* Exit status 0 if eth0 has the address and lo is up, in the namespace. Runs in a child. */
static int look(const char *netns, const char *address)
{
	int fd = open(netns, O_RDONLY | O_CLOEXEC);
	struct ifaddrs *list = NULL;
	bool has_address = false;
	bool is_up = false;

	if (fd < 0 || setns(fd, CLONE_NEWNET) < 0 || getifaddrs(&list) < 0)
		return 2;
	for (struct ifaddrs *at = list; at; at = at->ifa_next) {
		char text[INET_ADDRSTRLEN] = "";
		struct sockaddr_in in;

		if (strcmp(at->ifa_name, "lo") == 0 && at->ifa_flags & IFF_UP)
			is_up = true;
		if (strcmp(at->ifa_name, "eth0") != 0 || !at->ifa_addr || at->ifa_addr->sa_family != AF_INET)
			continue;
		memcpy(&in, at->ifa_addr, sizeof(in));
		inet_ntop(AF_INET, &in.sin_addr, text, sizeof(text));
		has_address = has_address || strcmp(text, address) == 0;
	}
	freeifaddrs(list);
	return has_address && is_up ? 0 : 1;
}

static bool has_address(const struct host *host, const char *address)
{
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0)
		_exit(look(host->netns, address));
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Rules of iptables that name the text. */
static int count_rules(const char *text)
{
	cleanup_program_outcome struct program_outcome outcome = { 0 };
	char *const environment[] = { (char[]){ "PATH=/usr/sbin:/usr/bin:/sbin:/bin" }, NULL };
	struct program process = { .file = IPTABLES_SAVE,
				   .environment = environment,
				   .input = "",
				   .output_limit = 1 << 20,
				   .timeout_ms = 20000 };
	struct error err = { 0 };
	int count = 0;

	assert_int_equal(program_run(&process, &outcome, &err), 0);
	assert_int_equal(outcome.code, 0);
	for (const char *at = outcome.output.data; (at = strstr(at, text)); at++)
		count++;
	return count;
}

/* Whether host-local holds the address. */
static bool is_taken(const struct host *host, const char *address)
{
	char *path = text_format("%s/ipam/live/%s", host->stage.folder, address);
	bool taken = access(path, F_OK) == 0;

	free(path);
	return taken;
}

static void add(struct host *host, const struct network_attachment *attachment, const char *expected)
{
	char *address = NULL;
	struct error err = { 0 };

	if (network_add(host->stage.network, attachment, host->netns, &address, &err) < 0)
		fail_msg("%s", err.message);
	assert_string_equal(address, expected);
	free(address);
}

static void del(struct host *host, const struct network_attachment *attachment, const char *netns)
{
	struct error err = { 0 };

	if (network_del(host->stage.network, attachment, netns, &err) < 0)
		fail_msg("%s", err.message);
}

static void find(const struct host *host, struct network_attachment *found)
{
	const char *const ids[] = { "box" };
	struct error err = { 0 };

	assert_int_equal(network_find(host->stage.network, ids, 1, found, &err), 1);
}

static void attached_and_detached(void **state)
{
	struct host *host = *state;
	struct network_attachment mapped = box;

	mapped.capabilities =
		(char[]){ "{\"portMappings\":[{\"hostPort\":18080,\"containerPort\":80,\"protocol\":\"tcp\"}]}" };
	add(host, &mapped, "10.213.0.2/24");
	assert_true(has_address(host, "10.213.0.2"));
	assert_true(is_taken(host, "10.213.0.2"));
	assert_true(count_rules("10.213.0.2") > 0);
	assert_true(count_rules("18080") > 0);
	stage_assert_cached(&host->stage, "live-box-eth0", true);
	del(host, &mapped, host->netns);
	assert_false(has_address(host, "10.213.0.2"));
	assert_false(is_taken(host, "10.213.0.2"));
	assert_int_equal(count_rules("10.213.0.2"), 0);
	assert_int_equal(count_rules("18080"), 0);
	stage_assert_cached(&host->stage, "live-box-eth0", false);
	del(host, &mapped, host->netns);
}

/* host-local gives the next address to a newcomer; the one who asks gets its own again. */
static void the_address_stays(void **state)
{
	struct host *host = *state;
	cleanup_network_attachment struct network_attachment found = { 0 };

	add(host, &box, "10.213.0.2/24");
	find(host, &found);
	del(host, &found, host->netns);
	stop_container(host);
	start_container(host);
	add(host, &found, "10.213.0.2/24");
	assert_true(has_address(host, "10.213.0.2"));
	del(host, &found, host->netns);
}

static void a_taken_address_is_replaced(void **state)
{
	struct host *host = *state;
	cleanup_network_attachment struct network_attachment found = { 0 };

	add(host, &box, "10.213.0.2/24");
	find(host, &found);
	del(host, &found, host->netns);
	stage_write(&host->stage, "ipam/live/10.213.0.2", "somebody\neth0");
	add(host, &found, "10.213.0.3/24");
	assert_true(has_address(host, "10.213.0.3"));
	del(host, &found, host->netns);
	assert_true(is_taken(host, "10.213.0.2"));
}

static void a_namespace_that_is_gone_frees_its_address(void **state)
{
	struct host *host = *state;
	cleanup_network_attachment struct network_attachment found = { 0 };

	add(host, &box, "10.213.0.2/24");
	find(host, &found);
	stop_container(host);
	del(host, &found, host->netns);
	assert_false(is_taken(host, "10.213.0.2"));
	assert_int_equal(count_rules("CNI-FORWARD -d 10.213.0.2"), 0);
	stage_assert_cached(&host->stage, "live-box-eth0", false);
	/* The bridge plugin finds its own rules only by the interface: the next DEL takes them along. */
	start_container(host);
	add(host, &found, "10.213.0.2/24");
	del(host, &found, host->netns);
	assert_int_equal(count_rules("10.213.0.2"), 0);
}

/* A second ADD without DEL, as a crash between the two leaves it. */
static void a_leftover_attachment_heals(void **state)
{
	struct host *host = *state;
	struct network_attachment asking = box;

	asking.address = (char[]){ "10.213.0.2/24" };
	add(host, &asking, "10.213.0.2/24");
	add(host, &asking, "10.213.0.2/24");
	assert_true(has_address(host, "10.213.0.2"));
	stop_container(host);
	start_container(host);
	add(host, &asking, "10.213.0.2/24");
	assert_true(has_address(host, "10.213.0.2"));
	del(host, &asking, host->netns);
	assert_false(is_taken(host, "10.213.0.2"));
}

/* The same with nothing in the cache: the address held is freed, and one is given. */
static void an_unknown_leftover_heals(void **state)
{
	struct host *host = *state;
	struct network_attachment asking = box;
	char path[PATH_MAX];

	asking.address = (char[]){ "10.213.0.2/24" };
	add(host, &asking, "10.213.0.2/24");
	snprintf(path, sizeof(path), "%s/results/live-box-eth0", host->stage.cache);
	assert_int_equal(unlink(path), 0);
	stop_container(host);
	start_container(host);
	add(host, &asking, "10.213.0.3/24");
	assert_false(is_taken(host, "10.213.0.2"));
	del(host, &asking, host->netns);
	assert_false(is_taken(host, "10.213.0.3"));
}

static void a_failure_leaves_nothing(void **state)
{
	struct host *host = *state;
	struct network_attachment mapped = box;
	struct error err = { 0 };

	log_set_level(LOG_QUIET);
	mapped.capabilities = (char[]){ "{\"portMappings\":[{\"hostPort\":70000,\"containerPort\":\"x\"}]}" };
	assert_int_equal(network_add(host->stage.network, &mapped, host->netns, NULL, &err), -1);
	assert_int_equal(err.kind, ERROR_FAILED);
	assert_ptr_equal(strstr(err.message, "network 'live': plugin 'portmap' failed with code "), err.message);
	assert_false(is_taken(host, "10.213.0.2"));
	assert_int_equal(count_rules("10.213.0.2"), 0);
	assert_false(has_address(host, "10.213.0.2"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_host, close_host)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(attached_and_detached),       TEST(the_address_stays),
		TEST(a_taken_address_is_replaced), TEST(a_namespace_that_is_gone_frees_its_address),
		TEST(a_failure_leaves_nothing),    TEST(a_leftover_attachment_heals),
		TEST(an_unknown_leftover_heals),
	};

	if (access(PLUGINS "/bridge", X_OK) < 0 || access(IPTABLES_SAVE, X_OK) < 0 || unshare(CLONE_NEWNET) < 0) {
		puts("1..0 # SKIP needs root, iptables and the plugins in " PLUGINS);
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
