/* What compactions have saved to be no version: once it is merged it is let go, and where its record is lost before that
 * nobody else names it. */
#include <stdlib.h>
#include <string.h>

#include "doctor/doctor_checks.h"
#include "doctor/doctor_newest.h"
#include "workspace/label_keys.h"

static bool is_kept_layer(const struct inventory_snapshot *snapshot)
{
	const struct labels *labels = &snapshot->info.labels;
	const char *kind = labels_get(labels, LABEL_KIND);

	return kind && strcmp(kind, KIND_LAYER) == 0 && snapshot->info.kind == CTR_SNAPSHOT_COMMITTED &&
	       labels_get(labels, LABEL_GC_ROOT) && !labels_get(labels, LABEL_GIVEN_UP);
}

/* Whether the chain below `name` holds the layer's state: the layer itself, or what it was merged into. */
static bool is_below(const struct inventory *inventory, const struct inventory_snapshot *layer, const char *name)
{
	const struct inventory_snapshot *at = inventory_find(inventory, layer->snapshotter, name);

	for (size_t steps = 0; at && steps <= inventory->snapshot_count; steps++) {
		if (at == layer || doctor_is_merge_of(inventory, layer, &at->info))
			return true;
		at = *at->info.parent ? inventory_find(inventory, at->snapshotter, at->info.parent) : NULL;
	}
	return false;
}

/* What the container stands on. 1: the layer's state is below it, 0, -1. */
static int is_stood_on(struct doctor *doctor, const struct target *target, const struct inventory *inventory,
		       const struct inventory_snapshot *layer, struct error *err)
{
	const struct ctr_container *container = &target->container;
	cleanup_ctr_snapshot struct ctr_snapshot active = { 0 };
	int found;

	if (!target->present || strcmp(container->snapshotter, layer->snapshotter) != 0)
		return 0;
	found = ctr_snapshot_stat(doctor->session->ctr, container->snapshotter, container->snapshot_key, &active, err);
	return found <= 0 ? found : is_below(inventory, layer, active.parent);
}

static bool is_below_a_version(const struct inventory *inventory, const struct inventory_snapshot *layer)
{
	for (size_t i = 0; i < inventory->version_count; i++) {
		const struct inventory_snapshot *snapshot = inventory->versions[i].snapshot;

		if (snapshot && strcmp(snapshot->snapshotter, layer->snapshotter) == 0 &&
		    is_below(inventory, layer, snapshot->info.name))
			return true;
	}
	return false;
}

static int tell_superfluous(struct doctor *doctor, const struct target *target, const struct inventory_snapshot *layer,
			    struct error *err)
{
	const char *name = layer->info.name;
	struct error failure = { 0 };
	struct doctor_subject subject = {
		.kind = DOCTOR_LAYER_LEFT, .container_id = target->container_id, .subject = name, .failure = &failure
	};

	if (doctor->fix &&
	    ctr_snapshot_set_label(doctor->session->ctr, layer->snapshotter, name, LABEL_GC_ROOT, "", &failure) == 0)
		subject.fate = DOCTOR_FIXED;
	return doctor_tell(
		doctor, &subject, err,
		"'%s': the layer '%s' of a compaction that was cut off is still kept by its label, though the "
		"workspace stands on its state",
		target->container_id, name);
}

/* No other snapshot has this state: it becomes a version, so that it can be brought back or given up like any other. */
static int tell_hidden(struct doctor *doctor, const struct target *target, const struct inventory *inventory,
		       const struct inventory_snapshot *layer, struct error *err)
{
	const char *name = layer->info.name;
	struct error failure = { 0 };
	struct doctor_subject subject = { .kind = DOCTOR_VERSION_UNRECORDED,
					  .container_id = target->container_id,
					  .subject = name,
					  .failure = &failure };
	int32_t version;

	if (doctor->fix && doctor_make_version(doctor, target, inventory, layer, &version, &failure) == 0)
		subject.fate = DOCTOR_FIXED;
	if (subject.fate == DOCTOR_FIXED)
		return doctor_tell(doctor, &subject, err,
				   "'%s': what a compaction that was cut off has saved as '%s' is version %d now",
				   target->container_id, name, version);
	return doctor_tell(doctor, &subject, err,
			   "'%s': a compaction that was cut off has saved a state as '%s' that is no version, and "
			   "nothing stands on it",
			   target->container_id, name);
}

static int check_layer(struct doctor *doctor, const struct target *target, const struct inventory *inventory,
		       const struct inventory_snapshot *layer, struct error *err)
{
	int stood_on = is_stood_on(doctor, target, inventory, layer, err);

	if (stood_on < 0)
		return -1;
	if (stood_on || is_below_a_version(inventory, layer))
		return tell_superfluous(doctor, target, layer, err);
	return tell_hidden(doctor, target, inventory, layer, err);
}

bool doctor_has_layers(const struct inventory *inventory)
{
	for (size_t i = 0; i < inventory->snapshot_count; i++)
		if (is_kept_layer(&inventory->snapshots[i]))
			return true;
	return false;
}

int doctor_check_layers(struct doctor *doctor, const struct target *target, struct error *err)
{
	cleanup_inventory struct inventory inventory = { 0 };

	if (inventory_read(doctor->session, target, &inventory, err) < 0)
		return -1;
	for (size_t i = 0; i < inventory.snapshot_count; i++)
		if (is_kept_layer(&inventory.snapshots[i]) &&
		    check_layer(doctor, target, &inventory, &inventory.snapshots[i], err) < 0)
			return -1;
	return 0;
}
