/* Which state doctor takes for the newest: by numbers where labels say them, else by what containerd made last. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "doctor/doctor_newest.h"

#define ID "w"

/* A snapshot as a line of a table. */
struct told {
	const char *name;
	const char *parent;
	const char *kind; /* of wsnap; NULL: no labels of ours */
	int32_t version, last;
	int64_t created;
	const char *operation;
	bool active;
	bool recorded;
};

static void set(struct labels *labels, const char *key, const char *value)
{
	struct error err = { 0 };

	if (value)
		assert_int_equal(labels_set(labels, key, value, &err), 0);
}

static void set_number(struct labels *labels, const char *key, int32_t number)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", number);
	set(labels, key, number ? text : NULL);
}

static void add(struct inventory *inventory, const struct told *told)
{
	struct inventory_snapshot *snapshot = &inventory->snapshots[inventory->snapshot_count++];
	struct labels *labels = &snapshot->info.labels;

	*snapshot = (struct inventory_snapshot){
		.snapshotter = strdup("overlayfs"),
		.info = { .name = strdup(told->name),
			  .parent = strdup(told->parent ? told->parent : ""),
			  .kind = told->active ? CTR_SNAPSHOT_ACTIVE : CTR_SNAPSHOT_COMMITTED,
			  .created_ns = told->created },
	};
	set(labels, "wsnap.kind", told->kind);
	set(labels, "wsnap.container", told->kind ? ID : NULL);
	set(labels, "wsnap.operation", told->operation);
	set_number(labels, "wsnap.version", told->version);
	set_number(labels, "wsnap.last_version", told->last);
	if (!told->recorded)
		return;
	inventory->versions[inventory->version_count++] =
		(struct inventory_version){ .row = { .version = told->version, .runtime_name = strdup(told->name) },
					    .snapshot = snapshot };
}

/* The table's names must be sorted. */
static void expect_newest(const struct told *told, size_t count, const char *name)
{
	cleanup_inventory struct inventory inventory = {
		.versions = calloc(count, sizeof(*inventory.versions)),
		.snapshots = calloc(count, sizeof(*inventory.snapshots)),
	};
	struct doctor_state state;

	for (size_t i = 0; i < count; i++)
		add(&inventory, &told[i]);
	state = doctor_find_newest(&inventory, "overlayfs", ID, "nothing");
	if (!name)
		assert_null(state.snapshot);
	else
		assert_string_equal(state.snapshot->info.name, name);
}

#define EXPECT(name, ...)                                                \
	do {                                                             \
		const struct told told[] = { __VA_ARGS__ };              \
		expect_newest(told, sizeof(told) / sizeof(*told), name); \
	} while (0)

static void versions_go_by_number(void **state)
{
	(void)state;
	EXPECT(NULL, { .name = "a", .created = 1 });
	/* made while the clock was ahead */
	EXPECT("v2", { .name = "v1", .kind = "version", .version = 1, .created = 900, .recorded = true },
	       { .name = "v2", .kind = "version", .version = 2, .created = 100, .recorded = true });
	/* another tool's, which only its row tells of */
	EXPECT("s2", { .name = "s1", .version = 1, .created = 2, .recorded = true },
	       { .name = "s2", .version = 2, .created = 1, .recorded = true });
	/* committed, and not told to the database yet */
	EXPECT("v3", { .name = "v2", .kind = "version", .version = 2, .created = 100, .recorded = true },
	       { .name = "v3", .kind = "version", .created = 50 });
}

static void a_compaction_is_behind_the_versions_it_knew(void **state)
{
	(void)state;
	EXPECT("l", { .name = "l", .kind = "layer", .last = 3, .created = 10, .operation = "o" },
	       { .name = "v3", .kind = "version", .version = 3, .created = 90, .recorded = true });
	EXPECT("v4", { .name = "l", .kind = "layer", .last = 3, .created = 95, .operation = "o" },
	       { .name = "v4", .kind = "version", .version = 4, .created = 90, .recorded = true });
	/* a layer of before says no number */
	EXPECT("l", { .name = "l", .kind = "layer", .created = 95 },
	       { .name = "v4", .kind = "version", .version = 4, .created = 90, .recorded = true });
	EXPECT("v4", { .name = "l", .kind = "layer", .created = 85 },
	       { .name = "v4", .kind = "version", .version = 4, .created = 90, .recorded = true });
}

static void what_was_merged_counts_and_older_layers_made_one_do_not(void **state)
{
	(void)state;
	EXPECT("t", { .name = "m", .kind = "merged", .last = 3, .created = 10, .operation = "o" },
	       { .name = "t", .parent = "m", .kind = "merged", .last = 3, .created = 20, .operation = "o" },
	       { .name = "v3", .kind = "version", .version = 3, .created = 5, .recorded = true });
	EXPECT("v3", { .name = "m", .kind = "merged", .last = 3, .created = 10, .operation = "o" },
	       { .name = "v3", .kind = "version", .version = 3, .created = 5, .recorded = true });
	/* being filled */
	EXPECT("l", { .name = "l", .kind = "layer", .last = 3, .created = 12, .operation = "o" },
	       { .name = "m", .kind = "merged", .last = 3, .created = 10, .operation = "o" },
	       { .name = "t-work",
		 .parent = "m",
		 .kind = "merged",
		 .last = 3,
		 .created = 20,
		 .operation = "o",
		 .active = true });
}

static void a_writable_layer_holds_what_its_version_does(void **state)
{
	(void)state;
	EXPECT("a", { .name = "a", .parent = "v3", .kind = "active", .last = 3, .created = 6, .active = true },
	       { .name = "v3", .kind = "version", .version = 3, .created = 5, .recorded = true });
	EXPECT("v4", { .name = "a", .parent = "v3", .kind = "active", .last = 3, .created = 9, .active = true },
	       { .name = "v3", .kind = "version", .version = 3, .created = 5, .recorded = true },
	       { .name = "v4", .kind = "version", .version = 4, .created = 8, .recorded = true });
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(versions_go_by_number),
		cmocka_unit_test(a_compaction_is_behind_the_versions_it_knew),
		cmocka_unit_test(what_was_merged_counts_and_older_layers_made_one_do_not),
		cmocka_unit_test(a_writable_layer_holds_what_its_version_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
