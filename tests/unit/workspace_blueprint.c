/* What makes a container, as a document and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "workspace/blueprint.h"
#include "workspace/label_keys.h"

static char spec[] =
	"{\"ociVersion\":\"1.0.2\",\"linux\":{\"resources\":{\"memory\":{\"limit\":9223372036854775807}}}}";
static char id[] = "web", image[] = "example/web:1", runtime[] = "io.containerd.runc.v2", snapshotter[] = "overlayfs";
static char type[] = "types.example/Options", name[] = "mine", bytes[] = { 0, 1, (char)0xff, 'x' };

static void fill(struct ctr_container *container, struct ctr_extension *extension)
{
	*extension = (struct ctr_extension){ .name = name, .value = { type, bytes, sizeof(bytes) } };
	*container = (struct ctr_container){
		.id = id,
		.image = image,
		.runtime = runtime,
		.runtime_options = { type, bytes, sizeof(bytes) },
		.spec = { type, spec, sizeof(spec) - 1 },
		.snapshotter = snapshotter,
		.extensions = extension,
		.extension_count = 1,
	};
}

static char *printed_with(const char *const *labels, size_t count)
{
	struct ctr_extension extension;
	struct ctr_container container;
	struct error err = { 0 };
	char *json;

	fill(&container, &extension);
	for (size_t i = 0; i < count; i += 2)
		assert_int_equal(labels_set(&container.labels, labels[i], labels[i + 1], &err), 0);
	json = blueprint_print(&container, &err);
	labels_release(&container.labels);
	assert_non_null(json);
	return json;
}

static void test_there_and_back(void **state)
{
	static const char *const labels[] = { "b", "2", "a", "1" };
	cleanup_free char *json = printed_with(labels, 4);
	cleanup_ctr_container struct ctr_container read = { 0 };
	struct error err = { 0 };

	(void)state;
	assert_int_equal(blueprint_parse(json, strlen(json), &read, &err), 0);
	assert_string_equal(read.id, id);
	assert_string_equal(read.image, image);
	assert_string_equal(read.runtime, runtime);
	assert_string_equal(read.snapshotter, snapshotter);
	assert_string_equal(read.runtime_options.type_url, type);
	assert_int_equal(read.runtime_options.length, sizeof(bytes));
	assert_memory_equal(read.runtime_options.value, bytes, sizeof(bytes));
	assert_int_equal(read.extension_count, 1);
	assert_string_equal(read.extensions[0].name, name);
	assert_memory_equal(read.extensions[0].value.value, bytes, sizeof(bytes));
	assert_string_equal(read.spec.value, spec);
	assert_string_equal(labels_get(&read.labels, "a"), "1");
	assert_string_equal(labels_get(&read.labels, "b"), "2");
}

static void test_the_same_is_the_same(void **state)
{
	static const char *const one[] = { "b", "2", "a", "1", LABEL_RESTART_STATUS, "running" };
	static const char *const other[] = { LABEL_RESTART_HELD, "running", "a", "1", "b", "2" };
	static const char *const both[] = {
		LABEL_RESTART_HELD, "old", LABEL_RESTART_STATUS, "running", "a", "1", "b", "2"
	};
	cleanup_free char *first = printed_with(one, 4), *turned = printed_with(other + 2, 4);
	cleanup_free char *whole = printed_with(one, 6), *held = printed_with(both, 8);

	(void)state;
	assert_string_equal(first, turned);
	assert_string_equal(whole, held);
}

static void test_what_lacks_a_part_is_refused(void **state)
{
	static const char *const documents[] = {
		"",
		"{}",
		"{\"format\":2}",
		"{\"format\":1}",
		"{\"format\":1,\"container_id\":\"a\",\"image\":\"\",\"snapshotter\":\"o\",\"labels\":{\"a\":1},\"runtime\":{\"name\":\"r\"}}",
		"{\"format\":1,\"container_id\":\"a\",\"image\":\"\",\"snapshotter\":\"o\",\"runtime\":{\"name\":\"r\"},\"spec\":[]}",
		"{\"format\":1,\"container_id\":\"a\",\"image\":\"\",\"snapshotter\":\"o\",\"runtime\":{\"name\":\"r\",\"options\":"
		"{\"type_url\":\"t\",\"value\":\"*\"}},\"spec_type\":\"s\",\"spec\":{}}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(documents) / sizeof(*documents); i++) {
		cleanup_ctr_container struct ctr_container read = { 0 };
		struct error err = { 0 };

		assert_int_equal(blueprint_parse(documents[i], strlen(documents[i]), &read, &err), -1);
		assert_int_equal(err.kind, ERROR_FAILED);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_the_same_is_the_same),
		cmocka_unit_test(test_what_lacks_a_part_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
