#include "policy/room_keeping.h"

#include "base/log.h"
#include "ctr/containers.h"
#include "layer/layer.h"
#include "prune/prune.h"
#include "prune/retention.h"
#include "workspace/location.h"

/* Percent of bytes, or of inodes where they are fewer, that are free; 100 where that cannot be told. */
static int free_percent(struct session *session, const char *container_id, int *percent, struct error *err)
{
	cleanup_ctr_container struct ctr_container container = { 0 };
	cleanup_location struct location location = { 0 };
	struct layer_space space;
	int inodes = 100;

	*percent = 100;
	if (ctr_container_get(session->ctr, container_id, &container, err) < 0)
		return -1;
	if (!*container.snapshotter || !*container.snapshot_key)
		return 0;
	if (location_find(session, container.snapshotter, container.snapshot_key, &location, err) < 0)
		return -1;
	if (!location.filesystem)
		return 0;
	if (layer_space(location.filesystem, &space, err) < 0)
		return -1;
	if (space.total_bytes)
		*percent = (int)((double)space.free_bytes * 100 / (double)space.total_bytes);
	if (space.total_inodes)
		inodes = (int)((double)space.free_inodes * 100 / (double)space.total_inodes);
	if (inodes < *percent)
		*percent = inodes;
	return 0;
}

/* Takes the coarsest rule off: what it keeps is thinned most. Without any other, half of the last ones go. */
static bool tighten(struct keep_rules *rules)
{
	int *const coarse[] = { &rules->yearly, &rules->monthly, &rules->weekly, &rules->daily, &rules->hourly };

	if (rules->last < 1)
		rules->last = 1;
	for (size_t i = 0; i < sizeof(coarse) / sizeof(*coarse); i++) {
		if (*coarse[i] == 0)
			continue;
		*coarse[i] = 0;
		return true;
	}
	if (rules->within.years || rules->within.months || rules->within.days || rules->within.hours) {
		rules->within = (struct duration){ 0 };
		return true;
	}
	if (rules->last == 1)
		return false;
	rules->last /= 2;
	return true;
}

static int give_up(struct session *session, const struct keep_rules *rules, const char *container_id, int *count,
		   int64_t *freed_bytes, struct error *err)
{
	const struct prune_request request = { .keep = *rules };
	cleanup_prune_result struct prune_result result = { 0 };
	struct target_word word;

	if (target_word_parse(container_id, &word, err) < 0 || prune_run(session, &word, &request, &result, err) < 0)
		return -1;
	for (size_t i = 0; i < result.removed_count; i++)
		log_warning("version %d of '%s' was given up, since too little was free", result.removed[i].version,
			    container_id);
	*count += (int)result.removed_count;
	*freed_bytes += result.freed_bytes;
	return 0;
}

int room_keeping_thin(struct session *session, const struct policy *policy, const char *container_id, int *count,
		      int64_t *freed_bytes, struct error *err)
{
	struct keep_rules rules = policy->keep;
	bool tighter = true;
	int percent;

	if (policy->keep_free == 0 || !retention_has_rules(&policy->keep))
		return 0;
	while (tighter) {
		if (free_percent(session, container_id, &percent, err) < 0)
			return -1;
		if (percent >= policy->keep_free)
			return 0;
		if (give_up(session, &rules, container_id, count, freed_bytes, err) < 0)
			return -1;
		tighter = tighten(&rules);
	}
	return 0;
}
