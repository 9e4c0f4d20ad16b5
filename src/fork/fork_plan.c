#include "fork/fork_plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "ctr/server.h"
#include "ctr/snapshots.h"
#include "fork/fork_spec.h"
#include "operation/settled_version.h"
#include "store/operation.h"
#include "store/words.h"
#include "store/workspaces.h"
#include "workspace/blueprint.h"
#include "workspace/chain.h"
#include "workspace/history.h"
#include "workspace/label_keys.h"
#include "workspace/snapshot_labels.h"
#include "workspace/version_label.h"

/* The layers of its own that a fork needs, and one for its first version to come. */
#define LAYERS_NEEDED 3

void fork_plan_release(struct fork_plan *plan)
{
	target_release(&plan->origin);
	store_version_release(&plan->row);
	ctr_container_release(&plan->container);
	record_release(&plan->record);
	network_free(plan->network);
	plan->network = NULL;
}

/* A history without a container goes on under its own id. */
static bool is_undelete(const struct fork_plan *plan)
{
	return !plan->origin.present && strcmp(plan->origin.container_id, plan->request->new_id) == 0;
}

static int check_free(const struct fork_plan *plan, struct error *err)
{
	const char *id = plan->request->new_id;
	cleanup_ctr_container struct ctr_container container = { 0 };
	cleanup_store_workspace struct store_workspace row = { 0 };
	int found = ctr_container_find(plan->session->ctr, id, &container, err), known;

	if (found > 0)
		return error_set(err, ERROR_REFUSED, "'%s' is a container already", id);
	if (found < 0)
		return -1;
	if (target_check_namespace(plan->session, id, err) < 0)
		return -1;
	if (is_undelete(plan))
		return 0;
	known = store_workspace_of_container(plan->session->store, id, &row, err);
	if (known <= 0)
		return known;
	error_set(err, ERROR_REFUSED, "'%s' has a history already", id);
	return error_hint(err, "'wsnap fork %s VERSION %s' goes on with it; another id begins one", id, id);
}

/* The version, and what its snapshot remembers for an active one. */
static int find_version(struct fork_plan *plan, struct error *err)
{
	cleanup_ctr_snapshot struct ctr_snapshot snapshot = { 0 };
	int found;

	if (settled_version_find(plan->session, plan->request->target, plan->request->version, &plan->origin,
				 &plan->row, err) < 0)
		return -1;
	found = ctr_snapshot_stat(plan->session->ctr, plan->row.snapshotter, plan->row.runtime_name, &snapshot, err);
	if (found <= 0)
		return found < 0 ? -1 : history_is_missing(plan->session, plan->origin.container_id, &plan->row, err);
	return snapshot_labels_remembered(&snapshot, &plan->record.kept_labels, err);
}

static int check_depth(const struct fork_plan *plan, struct error *err)
{
	cleanup_chain struct chain chain = { 0 };

	if (chain_read(plan->session, plan->row.snapshotter, plan->row.runtime_name, &chain, err) < 0)
		return -1;
	if (chain.snapshots.count + LAYERS_NEEDED <= CHAIN_KERNEL_LIMIT)
		return 0;
	error_set(err, ERROR_REFUSED, "version %d of '%s' stands on %zu layers, and a fork needs %d more",
		  plan->row.version, plan->origin.container_id, chain.snapshots.count, LAYERS_NEEDED);
	return error_hint(err, "'wsnap compact %s', then a new version of it can be forked", plan->origin.container_id);
}

/* As it was when the version was saved; of a version that kept nothing, as the container is now. */
static int find_container(struct fork_plan *plan, struct ctr_container *made, struct error *err)
{
	cleanup_free char *json = NULL;
	size_t length = 0;
	int found = blueprint_read(plan->session, plan->row.snapshotter, plan->row.runtime_name, &json, &length, err);

	if (found != 0)
		return found < 0 ? -1 : blueprint_parse(json, length, made, err);
	if (plan->origin.present)
		return ctr_container_get(plan->session->ctr, plan->origin.container_id, made, err);
	error_set(err, ERROR_REFUSED, "nothing is kept of what made the container of version %d of '%s', which is gone",
		  plan->row.version, plan->origin.container_id);
	return error_hint(err, "'wsnap show %s VERSION --spec' shows it of versions that have it",
			  plan->origin.container_id);
}

int fork_plan_add_origin(const struct fork_plan *plan, struct labels *labels, struct error *err)
{
	char number[16];

	snprintf(number, sizeof(number), "%d", plan->row.version);
	if (labels_set(labels, LABEL_ORIGIN_CONTAINER, plan->origin.container_id, err) < 0)
		return -1;
	return labels_set(labels, LABEL_ORIGIN_VERSION, number, err);
}

static int make_labels(struct fork_plan *plan, const struct labels *old, struct labels *labels, struct error *err)
{
	for (size_t i = 0; i < old->count; i++)
		if (!fork_key_is_owners(old->items[i].key) &&
		    labels_set(labels, old->items[i].key, old->items[i].value, err) < 0)
			return -1;
	if (plan->request->bot && labels_set(labels, LABEL_BOT, plan->record.bot_id, err) < 0)
		return -1;
	for (size_t i = 0; i < plan->request->labels->count; i++)
		if (labels_set(labels, plan->request->labels->items[i].key, plan->request->labels->items[i].value,
			       err) < 0)
			return -1;
	if (labels_set(labels, LABEL_OPERATION, plan->record.operation_id, err) < 0)
		return -1;
	return fork_plan_add_origin(plan, labels, err);
}

/* Extensions of those who own the other name it in ways that only they know. */
static void drop_extensions(struct ctr_container *container)
{
	size_t kept = 0;

	for (size_t i = 0; i < container->extension_count; i++) {
		struct ctr_extension *extension = &container->extensions[i];

		if (!fork_key_is_owners(extension->name)) {
			container->extensions[kept++] = *extension;
			continue;
		}
		free(extension->name);
		free(extension->value.type_url);
		free(extension->value.value);
	}
	container->extension_count = kept;
}

static int replace(char **text, const char *by, struct error *err)
{
	free(*text);
	*text = strdup(by);
	return *text ? 0 : error_memory(err);
}

int fork_plan_adapt(struct fork_plan *plan, struct error *err)
{
	struct ctr_container *made = &plan->container;
	const struct record *record = &plan->record;
	const struct fork_names names = {
		.old_id = plan->origin.container_id,
		.new_id = record->container_id,
		.name_as_hostname = plan->request->name_as_hostname,
	};
	cleanup_labels struct labels labels = { 0 };

	if (make_labels(plan, &made->labels, &labels, err) < 0 || replace(&made->id, record->container_id, err) < 0 ||
	    replace(&made->snapshotter, record->snapshotter, err) < 0 ||
	    replace(&made->snapshot_key, record->new_active, err) < 0)
		return -1;
	labels_release(&made->labels);
	made->labels = labels;
	labels = (struct labels){ 0 };
	drop_extensions(made);
	return fork_spec_adapt(plan->session, &names, &made->spec, err);
}

static int choose_names(struct record *record, struct session *session, struct error *err)
{
	int taken = 1;

	while (taken > 0) {
		free(record->saved);
		free(record->new_active);
		record->saved = text_format("%s-v%lld", record->container_id, (long long)record->created_ns);
		record->new_active = text_format("%s-active-%lld", record->container_id, (long long)record->created_ns);
		if (!record->saved || !record->new_active)
			return error_memory(err);
		taken = ctr_snapshot_stat(session->ctr, record->snapshotter, record->saved, NULL, err);
		if (taken == 0)
			taken = ctr_snapshot_stat(session->ctr, record->snapshotter, record->new_active, NULL, err);
		record->created_ns += taken > 0;
	}
	return taken;
}

/* Whether a bot was named, by option or label; both name the same (the command has looked). */
static bool find_named_bot(const struct fork_plan *plan, char bot_id[static ID_SIZE])
{
	const char *label = labels_get(plan->request->labels, LABEL_BOT);

	return (plan->request->bot && id_parse(plan->request->bot, bot_id)) || (label && id_parse(label, bot_id));
}

/* A history that goes on has a row, which keeps its bot. */
static int keep_bot(const struct fork_plan *plan, char bot_id[static ID_SIZE], struct error *err)
{
	const char *own = plan->origin.bot_id;

	if (find_named_bot(plan, bot_id) && strcmp(bot_id, own) != 0) {
		error_set(err, ERROR_REFUSED, "'%s' belongs to the bot %s, and its history goes on with it",
			  plan->request->new_id, own);
		return error_hint(err, "another NEW-ID begins one that bot %s can have", bot_id);
	}
	memcpy(bot_id, own, ID_SIZE);
	return 0;
}

static int choose_bot(const struct fork_plan *plan, char bot_id[static ID_SIZE], struct error *err)
{
	int named = find_named_bot(plan, bot_id), ours;

	if (!named)
		named = target_derive_bot(plan->session, plan->request->new_id, NULL, bot_id, err);
	ours = named == 0 ? store_schema_is_ours(plan->session->store, err) : 1;
	if (named < 0 || ours < 0)
		return -1;
	if (ours)
		return 0;
	error_set(err, ERROR_REFUSED, "'%s' needs a bot: the tables are another server's", plan->request->new_id);
	return error_hint(err, "--bot UUID names one that exists there");
}

/* The bot that owns it, as of any container: the one that is named, the one in its name, or one made from its id. */
static int find_bot(const struct fork_plan *plan, char bot_id[static ID_SIZE], struct error *err)
{
	if ((is_undelete(plan) ? keep_bot(plan, bot_id, err) : choose_bot(plan, bot_id, err)) < 0)
		return -1;
	return store_check_bot(plan->session->store, bot_id, err);
}

static int fill_record(struct fork_plan *plan, struct error *err)
{
	const struct origin *asks = &plan->session->origin;
	struct record *record = &plan->record;

	record->operation_id = malloc(ID_SIZE);
	record->bot_id = malloc(ID_SIZE);
	record->kind = OPERATION_VERSION;
	record->created_ns = clock_unix_ns();
	record->container_id = strdup(plan->request->new_id);
	record->namespace = strdup(plan->session->settings->namespace);
	record->snapshotter = strdup(plan->row.snapshotter);
	record->stands_on = strdup(plan->row.runtime_name);
	record->source = strdup(SOURCE_FORK);
	if (!record->operation_id || !record->bot_id || !record->container_id || !record->namespace ||
	    !record->snapshotter || !record->stands_on || !record->source)
		return error_memory(err);
	id_random(record->operation_id);
	record->version_floor = version_label_greatest(plan->session, record->snapshotter, record->container_id, err);
	if (record->version_floor < 0 || find_bot(plan, record->bot_id, err) < 0 ||
	    origin_keep(asks->by, asks->host, asks->note, &record->origin, err) < 0)
		return -1;
	return choose_names(record, plan->session, err);
}

/* The very rows that will be written. */
static int rehearse(const struct fork_plan *plan, struct error *err)
{
	const struct record *record = &plan->record;
	const struct store_operation rows = {
		.operation_id = record->operation_id,
		.container_id = record->container_id,
		.bot_id = record->bot_id,
		.namespace = record->namespace,
		.image = plan->container.image,
		.status = "created",
		.runtime_name = record->saved,
		.parent = record->stands_on,
		.snapshotter = record->snapshotter,
		.source = record->source,
		.created_ns = record->created_ns,
		.version_floor = record->version_floor,
		.version_event = EVENT_FORK,
		.origin_container_id = plan->origin.container_id,
		.origin_version = plan->row.version,
	};

	return store_rehearse_operation(plan->session->store, &rows, err);
}

int fork_plan_make(struct fork_plan *plan, struct error *err)
{
	if (target_resolve(plan->session, plan->request->target, false, &plan->origin, err) < 0 ||
	    check_free(plan, err) < 0 || find_version(plan, err) < 0 || check_depth(plan, err) < 0 ||
	    find_container(plan, &plan->container, err) < 0 || fill_record(plan, err) < 0)
		return -1;
	return rehearse(plan, err);
}

static int take_present(struct fork_plan *plan, struct error *err)
{
	const struct ctr_container *container = &plan->origin.container;

	plan->row.version = 1;
	plan->row.snapshotter = strdup(container->snapshotter);
	plan->row.runtime_name = strdup(container->snapshot_key);
	if (!plan->row.snapshotter || !plan->row.runtime_name)
		return error_memory(err);
	return ctr_container_get(plan->session->ctr, plan->origin.container_id, &plan->container, err);
}

int fork_plan_foresee(struct fork_plan *plan, struct error *err)
{
	if (target_resolve(plan->session, plan->request->target, true, &plan->origin, err) < 0 ||
	    check_free(plan, err) < 0 || take_present(plan, err) < 0 || fill_record(plan, err) < 0)
		return -1;
	return rehearse(plan, err);
}
