/*
 * Every call against a real containerd, at CONTAINERD_ADDRESS; as root. The test makes a namespace of its own
 * with a container on busybox, and removes what it made.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/text.h"
#include "ctr/containers.h"
#include "ctr/containers.pb-c.h"
#include "ctr/ctr.h"
#include "ctr/grpc.h"
#include "ctr/leases.h"
#include "ctr/server.h"
#include "ctr/snapshots.h"
#include "ctr/tasks.h"

#define SNAPSHOTTER "overlayfs"
#define SPEC_TYPE "types.containerd.io/opencontainers/runtime-spec/1/Spec"
#define BUSYBOX "/bin/busybox"

struct fixture {
	char namespace[32];
	struct ctr *ctr;
	struct error err;
};

static const char spec[] =
	"{\"ociVersion\":\"1.0.2\",\"process\":{\"user\":{\"uid\":0,\"gid\":0},\"args\":[\"/busybox\",\"sh\",\"-c\","
	"\"trap 'exit 3' TERM; while :; do busybox sleep 0.02; done\"],\"env\":[\"PATH=/\"],\"cwd\":\"/\"},"
	"\"root\":{\"path\":\"rootfs\"},\"mounts\":[{\"destination\":\"/proc\",\"type\":\"proc\",\"source\":\"proc\"}],"
	"\"linux\":{\"namespaces\":[{\"type\":\"pid\"},{\"type\":\"mount\"},{\"type\":\"ipc\"},{\"type\":\"uts\"}]}}";

#define assert_done(call)                                      \
	do {                                                   \
		int result_ = (call);                          \
		assert_string_equal(fixture->err.message, ""); \
		assert_int_equal(result_, 0);                  \
	} while (0)

/* --- what wsnap itself never does -------------------------------------------------------------- */

static void create_container(struct fixture *fixture, const char *id, const char *snapshot_key)
{
	static const struct grpc_method create = { "containerd.services.containers.v1", "Containers", "Create",
						   GRPC_WRITE_MS };
	Ctr__Containers__GetResponse request = CTR__CONTAINERS__GET_RESPONSE__INIT;
	Ctr__Containers__Container__Runtime runtime;
	Ctr__Containers__Container container;
	char name[] = "io.containerd.runc.v2", snapshotter[] = SNAPSHOTTER, type[] = SPEC_TYPE;
	cleanup_free char *own_id = strdup(id), *key = strdup(snapshot_key), *json = strdup(spec);
	Ctr__Any any;

	ctr__any__init(&any);
	any.type_url = type;
	any.value.data = (uint8_t *)json;
	any.value.len = strlen(json);
	ctr__containers__container__runtime__init(&runtime);
	runtime.name = name;
	ctr__containers__container__init(&container);
	container.id = own_id;
	container.runtime = &runtime;
	container.spec = &any;
	container.snapshotter = snapshotter;
	container.snapshot_key = key;
	request.container = &container;
	assert_done(grpc_tell(fixture->ctr, &create, &request.base, &fixture->err));
}

static void delete_container(struct fixture *fixture, const char *id)
{
	static const struct grpc_method delete = { "containerd.services.containers.v1", "Containers", "Delete",
						   GRPC_WRITE_MS };
	Ctr__Containers__GetRequest request;
	cleanup_free char *own_id = strdup(id);

	ctr__containers__get_request__init(&request);
	request.id = own_id;
	assert_done(grpc_tell(fixture->ctr, &delete, &request.base, &fixture->err));
}

static void copy_busybox(const char *root)
{
	cleanup_free char *path = text_format("%s/busybox", root), *proc = text_format("%s/proc", root);
	cleanup_fd int from = open(BUSYBOX, O_RDONLY | O_CLOEXEC);
	cleanup_fd int to = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	struct stat st;

	assert_true(from >= 0 && to >= 0);
	assert_int_equal(fstat(from, &st), 0);
	assert_int_equal(sendfile(to, from, NULL, (size_t)st.st_size), st.st_size);
	assert_int_equal(mkdir(proc, 0755), 0);
}

/* Committed snapshots stay, as in wsnap's own use: by the label. */
static void keep(struct labels *labels, struct error *err)
{
	assert_int_equal(labels_set(labels, "containerd.io/gc.root", "2026-01-31T23:59:59Z", err), 0);
}

/* A committed snapshot "base" with busybox in it, and an active one on top. */
static void make_base(struct fixture *fixture, const char *active)
{
	cleanup_labels struct labels labels = { 0 };
	cleanup_ctr_mounts struct ctr_mounts mounts = { 0 };

	keep(&labels, &fixture->err);
	assert_done(
		ctr_snapshot_prepare(fixture->ctr, SNAPSHOTTER, "base-active", "", &labels, &mounts, &fixture->err));
	assert_int_equal(mounts.count, 1);
	assert_string_equal(mounts.items[0].type, "bind");
	copy_busybox(mounts.items[0].source);
	assert_done(ctr_snapshot_commit(fixture->ctr, SNAPSHOTTER, "base", "base-active", &labels, &fixture->err));
	assert_done(ctr_snapshot_prepare(fixture->ctr, SNAPSHOTTER, active, "base", &labels, NULL, &fixture->err));
}

static void remove_base(struct fixture *fixture, const char *active)
{
	assert_done(ctr_snapshot_remove(fixture->ctr, SNAPSHOTTER, active, &fixture->err));
	assert_done(ctr_snapshot_remove(fixture->ctr, SNAPSHOTTER, "base", &fixture->err));
}

/* --- tests ------------------------------------------------------------------------------------- */

static void server(void **state)
{
	struct fixture *fixture = *state;
	cleanup_free char *version = ctr_version(fixture->ctr, &fixture->err);

	assert_non_null(version);
	assert_true(strspn(version, "0123456789.") == strlen(version) && strchr(version, '.'));
}

static void snapshots(void **state)
{
	struct fixture *fixture = *state;
	cleanup_ctr_snapshots struct ctr_snapshots all = { 0 }, committed = { 0 };
	cleanup_ctr_snapshot struct ctr_snapshot base = { 0 };
	cleanup_ctr_mounts struct ctr_mounts mounts = { 0 };
	int64_t bytes = 0, inodes = 0, begin = clock_unix_ns();
	struct stat st;

	make_base(fixture, "top");
	assert_int_equal(ctr_snapshot_stat(fixture->ctr, SNAPSHOTTER, "base", &base, &fixture->err), 1);
	assert_string_equal(base.name, "base");
	assert_string_equal(base.parent, "");
	assert_int_equal(base.kind, CTR_SNAPSHOT_COMMITTED);
	assert_true(base.created_ns >= begin && base.created_ns <= clock_unix_ns());
	assert_true(base.updated_ns >= begin);
	assert_string_equal(labels_get(&base.labels, "containerd.io/gc.root"), "2026-01-31T23:59:59Z");
	assert_int_equal(ctr_snapshot_stat(fixture->ctr, SNAPSHOTTER, "nothing", NULL, &fixture->err), 0);
	assert_int_equal(ctr_status(fixture->ctr), CTR_NOT_FOUND);

	assert_done(ctr_snapshot_list(fixture->ctr, SNAPSHOTTER, NULL, &all, &fixture->err));
	assert_int_equal(all.count, 2);
	assert_done(ctr_snapshot_list(fixture->ctr, SNAPSHOTTER, "kind==committed", &committed, &fixture->err));
	assert_int_equal(committed.count, 1);
	assert_string_equal(committed.items[0].name, "base");

	assert_done(ctr_snapshot_mounts(fixture->ctr, SNAPSHOTTER, "top", &mounts, &fixture->err));
	assert_string_equal(mounts.items[0].type, "overlay");
	assert_non_null(ctr_mount_option(&mounts.items[0], "upperdir"));
	assert_int_equal(stat(ctr_mount_option(&mounts.items[0], "upperdir"), &st), 0);
	assert_null(ctr_mount_option(&mounts.items[0], "upper"));

	assert_int_equal(stat(BUSYBOX, &st), 0);
	assert_done(ctr_snapshot_usage(fixture->ctr, SNAPSHOTTER, "base", &bytes, &inodes, &fixture->err));
	assert_true(bytes >= st.st_size);
	assert_int_equal(inodes, 3);
	remove_base(fixture, "top");
	assert_done(ctr_snapshot_remove(fixture->ctr, SNAPSHOTTER, "base", &fixture->err));
}

static void snapshot_labels(void **state)
{
	struct fixture *fixture = *state;
	cleanup_ctr_snapshot struct ctr_snapshot with = { 0 }, without = { 0 };

	make_base(fixture, "top");
	assert_done(ctr_snapshot_set_label(fixture->ctr, SNAPSHOTTER, "base", "wsnap.a/b", "ü x", &fixture->err));
	assert_int_equal(ctr_snapshot_stat(fixture->ctr, SNAPSHOTTER, "base", &with, &fixture->err), 1);
	assert_string_equal(labels_get(&with.labels, "wsnap.a/b"), "ü x");
	assert_int_equal(with.labels.count, 2);
	assert_done(ctr_snapshot_set_label(fixture->ctr, SNAPSHOTTER, "base", "wsnap.a/b", "", &fixture->err));
	assert_int_equal(ctr_snapshot_stat(fixture->ctr, SNAPSHOTTER, "base", &without, &fixture->err), 1);
	assert_null(labels_get(&without.labels, "wsnap.a/b"));
	assert_int_equal(without.labels.count, 1);
	remove_base(fixture, "top");
}

/* What containerd refuses keeps its words and its status. */
static void refusals(void **state)
{
	struct fixture *fixture = *state;

	make_base(fixture, "top");
	assert_int_equal(ctr_snapshot_prepare(fixture->ctr, SNAPSHOTTER, "top", "base", NULL, NULL, &fixture->err), -1);
	assert_int_equal(fixture->err.kind, ERROR_FAILED);
	assert_int_equal(ctr_status(fixture->ctr), CTR_EXISTS);
	assert_true(text_starts_with(fixture->err.message, "containerd refused Snapshots.Prepare: snapshot \"top\""));
	assert_int_equal(ctr_snapshot_remove(fixture->ctr, SNAPSHOTTER, "base", &fixture->err), -1);
	assert_int_equal(ctr_status(fixture->ctr), CTR_FAILED_PRECONDITION);
	assert_int_equal(fixture->err.kind, ERROR_FAILED);
	assert_int_equal(ctr_snapshot_commit(fixture->ctr, SNAPSHOTTER, "x", "nothing", NULL, &fixture->err), -1);
	assert_int_equal(fixture->err.kind, ERROR_NOT_FOUND);
	error_clear(&fixture->err);
	remove_base(fixture, "top");
}

/* A lease keeps what was made under it; without one and without a label it goes. */
static void leases(void **state)
{
	struct fixture *fixture = *state;
	cleanup_ctr_leases struct ctr_leases listed = { 0 };
	cleanup_labels struct labels labels = { 0 };
	const int64_t lifetime = INT64_C(3600000000000);
	int64_t before = clock_unix_ns(), expires;

	assert_int_equal(labels_set(&labels, "wsnap.operation", "x", &fixture->err), 0);
	assert_done(ctr_lease_create(fixture->ctr, "one", lifetime, &labels, &fixture->err));
	assert_done(ctr_lease_create(fixture->ctr, "one", lifetime, &labels, &fixture->err));
	assert_done(ctr_lease_list(fixture->ctr, "id==one", &listed, &fixture->err));
	assert_int_equal(listed.count, 1);
	assert_string_equal(listed.items[0].id, "one");
	assert_true(clock_parse(labels_get(&listed.items[0].labels, "containerd.io/gc.expire"), &expires));
	/* Told in microseconds. */
	assert_true(expires > before + lifetime - 1000 && expires <= clock_unix_ns() + lifetime);
	assert_string_equal(labels_get(&listed.items[0].labels, "wsnap.operation"), "x");

	assert_done(ctr_use_lease(fixture->ctr, "one", &fixture->err));
	assert_done(ctr_snapshot_prepare(fixture->ctr, SNAPSHOTTER, "leased", "", NULL, NULL, &fixture->err));
	assert_done(ctr_use_lease(fixture->ctr, NULL, &fixture->err));
	assert_done(ctr_lease_create(fixture->ctr, "two", lifetime, NULL, &fixture->err));
	assert_done(ctr_lease_delete(fixture->ctr, "two", true, &fixture->err));
	assert_int_equal(ctr_snapshot_stat(fixture->ctr, SNAPSHOTTER, "leased", NULL, &fixture->err), 1);

	assert_done(ctr_lease_create(fixture->ctr, "two", lifetime, NULL, &fixture->err));
	assert_done(ctr_lease_add_snapshot(fixture->ctr, "two", SNAPSHOTTER, "leased", &fixture->err));
	assert_done(ctr_lease_delete(fixture->ctr, "one", true, &fixture->err));
	assert_int_equal(ctr_snapshot_stat(fixture->ctr, SNAPSHOTTER, "leased", NULL, &fixture->err), 1);
	assert_done(ctr_lease_delete(fixture->ctr, "two", true, &fixture->err));
	assert_int_equal(ctr_snapshot_stat(fixture->ctr, SNAPSHOTTER, "leased", NULL, &fixture->err), 0);
	assert_done(ctr_lease_delete(fixture->ctr, "two", true, &fixture->err));
}

/* Update changes what its mask names; all else stays, also what this client does not know. */
static void containers(void **state)
{
	struct fixture *fixture = *state;
	cleanup_ctr_container struct ctr_container before = { 0 }, after = { 0 }, bare = { 0 };
	cleanup_ctr_containers struct ctr_containers found = { 0 }, none = { 0 };

	make_base(fixture, "top");
	create_container(fixture, "box", "top");
	assert_done(ctr_container_get(fixture->ctr, "box", &before, &fixture->err));
	assert_string_equal(before.snapshot_key, "top");
	assert_string_equal(before.snapshotter, SNAPSHOTTER);
	assert_string_equal(before.runtime, "io.containerd.runc.v2");
	assert_string_equal(before.image, "");
	assert_null(before.runtime_options.type_url);
	assert_string_equal(before.spec.value, spec);
	assert_true(before.created_ns > 0);

	assert_done(ctr_container_set_label(fixture->ctr, "box", "memoh.bot_id", "b", &fixture->err));
	assert_done(ctr_container_repoint(fixture->ctr, "box", "other", NULL, NULL, &fixture->err));
	assert_done(ctr_container_list(fixture->ctr, "labels.\"memoh.bot_id\"==b", &found, &fixture->err));
	assert_int_equal(found.count, 1);
	assert_string_equal(found.items[0].snapshot_key, "other");
	assert_null(found.items[0].spec.value);
	assert_done(ctr_container_list(fixture->ctr, "labels.\"memoh.bot_id\"==c", &none, &fixture->err));
	assert_int_equal(none.count, 0);

	assert_done(ctr_container_repoint(fixture->ctr, "box", "top", SPEC_TYPE, "{\"x\":1}", &fixture->err));
	assert_done(ctr_container_get(fixture->ctr, "box", &after, &fixture->err));
	assert_string_equal(after.snapshot_key, "top");
	assert_string_equal(after.spec.value, "{\"x\":1}");
	assert_string_equal(after.spec.type_url, before.spec.type_url);
	assert_string_equal(after.runtime, "io.containerd.runc.v2");
	assert_string_equal(labels_get(&after.labels, "memoh.bot_id"), "b");
	assert_done(ctr_container_set_label(fixture->ctr, "box", "memoh.bot_id", "", &fixture->err));
	assert_done(ctr_container_get(fixture->ctr, "box", &bare, &fixture->err));
	assert_int_equal(bare.labels.count, 0);

	delete_container(fixture, "box");
	assert_int_equal(ctr_container_get(fixture->ctr, "box", &bare, &fixture->err), -1);
	assert_int_equal(fixture->err.kind, ERROR_NOT_FOUND);
	error_clear(&fixture->err);
	remove_base(fixture, "top");
}

static void start_task(struct fixture *fixture, const char *id, const char *key, uint32_t *pid)
{
	char nothing[] = "";
	const struct ctr_task_streams streams = { nothing, nothing, nothing, false };
	cleanup_ctr_mounts struct ctr_mounts mounts = { 0 };

	assert_done(ctr_snapshot_mounts(fixture->ctr, SNAPSHOTTER, key, &mounts, &fixture->err));
	assert_done(ctr_task_create(fixture->ctr, id, &mounts, &streams, NULL, pid, &fixture->err));
	assert_done(ctr_task_start(fixture->ctr, id, &fixture->err));
}

static void expect_state(struct fixture *fixture, const char *id, enum ctr_task_state expected)
{
	cleanup_ctr_task struct ctr_task task = { 0 };

	assert_done(ctr_task_get(fixture->ctr, id, &task, &fixture->err));
	assert_int_equal(task.state, expected);
}

static void tasks(void **state)
{
	struct fixture *fixture = *state;
	cleanup_ctr_task struct ctr_task task = { 0 };
	struct ctr_wait *wait = NULL;
	uint32_t pid = 0;

	make_base(fixture, "top");
	create_container(fixture, fixture->namespace, "top");
	expect_state(fixture, fixture->namespace, CTR_TASK_NONE);
	start_task(fixture, fixture->namespace, "top", &pid);
	expect_state(fixture, fixture->namespace, CTR_TASK_RUNNING);
	assert_done(ctr_task_pause(fixture->ctr, fixture->namespace, &fixture->err));
	expect_state(fixture, fixture->namespace, CTR_TASK_PAUSED);
	assert_done(ctr_task_resume(fixture->ctr, fixture->namespace, &fixture->err));

	assert_done(ctr_task_wait_begin(fixture->ctr, fixture->namespace, &wait, &fixture->err));
	assert_int_equal(ctr_task_wait_end(wait, 50, &fixture->err), 0);
	assert_done(ctr_task_kill(fixture->ctr, fixture->namespace, SIGTERM, false, &fixture->err));
	assert_int_equal(ctr_task_wait_end(wait, 10000, &fixture->err), 1);
	assert_int_equal(ctr_task_wait_end(wait, 0, &fixture->err), 1);
	ctr_task_wait_cancel(wait);

	assert_done(ctr_task_get(fixture->ctr, fixture->namespace, &task, &fixture->err));
	assert_int_equal(task.state, CTR_TASK_STOPPED);
	assert_int_equal(task.exit_status, 3);
	assert_int_equal(ctr_task_kill(fixture->ctr, fixture->namespace, SIGTERM, false, &fixture->err), -1);
	assert_int_equal(fixture->err.kind, ERROR_NOT_FOUND);
	error_clear(&fixture->err);
	assert_done(ctr_task_delete(fixture->ctr, fixture->namespace, &fixture->err));
	assert_done(ctr_task_delete(fixture->ctr, fixture->namespace, &fixture->err));
	delete_container(fixture, fixture->namespace);
	remove_base(fixture, "top");
}

/* --- fixture ----------------------------------------------------------------------------------- */

static int set_up(void **state)
{
	const char *address = getenv("CONTAINERD_ADDRESS");
	struct fixture *fixture;

	if (!address) {
		print_error("CONTAINERD_ADDRESS is not set\n");
		return -1;
	}
	fixture = calloc(1, sizeof(*fixture));
	snprintf(fixture->namespace, sizeof(fixture->namespace), "ctr-live-%d", getpid());
	*state = fixture;
	return ctr_open(address, fixture->namespace, &fixture->ctr, &fixture->err);
}

/* containerd deletes a namespace once its garbage is collected; what runc had of it stays. */
static void delete_namespace(struct fixture *fixture)
{
	cleanup_free char *runc = text_format("/run/containerd/runc/%s", fixture->namespace);
	static const struct grpc_method delete = { "containerd.services.namespaces.v1", "Namespaces", "Delete",
						   GRPC_WRITE_MS };
	Ctr__Containers__GetRequest request; /* this service's request has the name as its field 1 as well */

	ctr__containers__get_request__init(&request);
	request.id = fixture->namespace;
	if (ctr_lease_create(fixture->ctr, "last", 0, NULL, &fixture->err) < 0 ||
	    ctr_lease_delete(fixture->ctr, "last", true, &fixture->err) < 0 ||
	    grpc_tell(fixture->ctr, &delete, &request.base, &fixture->err) < 0)
		print_error("%s\n", fixture->err.message);
	rmdir(runc);
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	delete_namespace(fixture);
	ctr_close(fixture->ctr);
	free(fixture);
	return 0;
}

#define with_containerd(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_containerd(server),   with_containerd(snapshots), with_containerd(snapshot_labels),
		with_containerd(refusals), with_containerd(leases),    with_containerd(containers),
		with_containerd(tasks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
