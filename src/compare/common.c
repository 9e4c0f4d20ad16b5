#include "compare/common.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "ctr/snapshots.h"
#include "workspace/label_keys.h"
#include "workspace/snapshot_labels.h"

/* A merged layer costs as much as many layers, so a way around it is taken where there is one. */
#define MERGED_COST 1000

/* Snapshots that are looked at for one side at most: beyond that, what was found so far has to do. */
#define MOST_NODES 1500

/* A snapshot that a side comes by on its way down. */
struct node {
	char *name;
	size_t cost;    /* of the layers above */
	ssize_t from;   /* the node before, -1: the first */
	bool same_tree; /* as that one: no layer lies between */
	bool there;     /* containerd has it */
	bool looked;    /* it was asked for, and what comes behind it is known */
};

struct side {
	struct node *nodes;
	size_t count, capacity;
};

struct search {
	struct session *session;
	const char *snapshotter;
	struct side sides[2];
	size_t best;        /* the cost of the best common one */
	ssize_t meeting[2]; /* its node on both sides, -1: none */
};

static void side_release(struct side *side)
{
	for (size_t i = 0; i < side->count; i++)
		free(side->nodes[i].name);
	free(side->nodes);
}

static struct node *find(struct side *side, const char *name)
{
	for (size_t i = 0; i < side->count; i++)
		if (strcmp(side->nodes[i].name, name) == 0)
			return &side->nodes[i];
	return NULL;
}

/* A snapshot to which a cheaper way has been found. */
static int reach(struct search *search, int at, const char *name, size_t cost, ssize_t from, bool same_tree,
		 struct error *err)
{
	struct side *side = &search->sides[at];
	struct node *known = find(side, name), *other;

	if (known && known->cost <= cost)
		return 0;
	if (!known) {
		if (side->count == side->capacity) {
			size_t capacity = side->capacity ? side->capacity * 2 : 64;
			struct node *grown = reallocarray(side->nodes, capacity, sizeof(*grown));

			if (!grown)
				return error_memory(err);
			side->nodes = grown;
			side->capacity = capacity;
		}
		known = &side->nodes[side->count];
		*known = (struct node){ .name = strdup(name) };
		if (!known->name)
			return error_memory(err);
		side->count++;
	}
	known->cost = cost;
	known->from = from;
	known->same_tree = same_tree;
	known->looked = false;
	other = find(&search->sides[!at], name);
	if (other && cost + other->cost < search->best) {
		search->best = cost + other->cost;
		search->meeting[at] = known - side->nodes;
		search->meeting[!at] = other - search->sides[!at].nodes;
	}
	return 0;
}

static ssize_t cheapest(const struct side *side)
{
	ssize_t found = -1;

	for (size_t i = 0; i < side->count; i++)
		if (!side->nodes[i].looked && (found < 0 || side->nodes[i].cost < side->nodes[found].cost))
			found = (ssize_t)i;
	return found;
}

static size_t cost_of(const struct ctr_snapshot *snapshot)
{
	const char *kind = labels_get(&snapshot->labels, LABEL_KIND);

	return kind && strcmp(kind, KIND_MERGED) == 0 ? MERGED_COST : 1;
}

/* One that containerd does not have any more is known by its name alone. */
static int look(struct search *search, int at, ssize_t place, struct error *err)
{
	struct node *node = &search->sides[at].nodes[place];
	cleanup_ctr_snapshot struct ctr_snapshot snapshot = { 0 };
	int there = ctr_snapshot_stat(search->session->ctr, search->snapshotter, node->name, &snapshot, err);
	const char *shows;

	node->looked = true;
	node->there = there > 0;
	if (there <= 0)
		return there;
	shows = snapshot_labels_shows(&snapshot);
	if (*shows && reach(search, at, shows, node->cost, place, true, err) < 0)
		return -1;
	node = &search->sides[at].nodes[place];
	return *snapshot.parent ? reach(search, at, snapshot.parent, node->cost + cost_of(&snapshot), place, false, err)
				: 0;
}

/* From both sides down, the cheapest first, until no cheaper meeting can come. */
static int meet(struct search *search, struct error *err)
{
	for (;;) {
		ssize_t next[2] = { cheapest(&search->sides[0]), cheapest(&search->sides[1]) };
		size_t cost[2];
		int at;

		for (int i = 0; i < 2; i++)
			cost[i] = next[i] < 0 ? SIZE_MAX / 4 : search->sides[i].nodes[next[i]].cost;
		at = cost[0] <= cost[1] ? 0 : 1;
		if (next[at] < 0 || cost[at] >= search->best || search->sides[at].count > MOST_NODES)
			return 0;
		if (look(search, at, next[at], err) < 0)
			return -1;
	}
}

static int add_part(struct common_way *way, const char *name, struct error *err)
{
	struct common_part *grown = reallocarray(way->parts, way->count + 1, sizeof(*grown));

	if (!grown)
		return error_memory(err);
	way->parts = grown;
	way->parts[way->count] = (struct common_part){ .name = strdup(name) };
	return way->parts[way->count++].name ? 0 : error_memory(err);
}

/* The way from the top to the meeting, part by part. */
static int trace(const struct side *side, ssize_t meeting, struct common_way *way, struct error *err)
{
	cleanup_free ssize_t *steps = calloc(side->count + 1, sizeof(*steps));
	size_t count = 0;

	if (!steps)
		return error_memory(err);
	for (ssize_t at = meeting; at >= 0 && count <= side->count; at = side->nodes[at].from)
		steps[count++] = at;
	while (count-- > 0) {
		const struct node *node = &side->nodes[steps[count]];

		if (node->from < 0 || node->same_tree) {
			if (node->there || node->from < 0) {
				if (add_part(way, node->name, err) < 0)
					return -1;
			}
		} else {
			way->parts[way->count - 1].count++;
		}
	}
	return 0;
}

/* The snapshot to read what is common from: the meeting itself, or, where that is gone, one that shows the same. */
static const char *find_base(const struct search *search)
{
	for (int i = 0; i < 2; i++) {
		const struct side *side = &search->sides[i];
		ssize_t at = search->meeting[i];

		while (at >= 0 && !side->nodes[at].there && side->nodes[at].same_tree)
			at = side->nodes[at].from;
		if (at >= 0 && side->nodes[at].there)
			return side->nodes[at].name;
	}
	return NULL;
}

/* Without a meeting: all there is, down to the end. */
static int take_whole(const char *name, struct common_way *way, struct error *err)
{
	if (!*name)
		return 0;
	if (add_part(way, name, err) < 0)
		return -1;
	way->parts[0].count = SIZE_MAX;
	return 0;
}

static int take_meeting(struct search *search, struct common *common, struct error *err)
{
	const char *base;

	/* Asks containerd for the meeting, if that was not done yet: what is read must exist. */
	for (int i = 0; i < 2; i++)
		if (!search->sides[i].nodes[search->meeting[i]].looked && look(search, i, search->meeting[i], err) < 0)
			return -1;
	base = find_base(search);
	if (!base)
		return error_set(err, ERROR_FAILED, "the snapshot '%s' is not in containerd",
				 search->sides[0].nodes[search->meeting[0]].name);
	common->base = strdup(base);
	if (!common->base)
		return error_memory(err);
	if (trace(&search->sides[0], search->meeting[0], &common->one, err) < 0)
		return -1;
	return trace(&search->sides[1], search->meeting[1], &common->other, err);
}

int common_find(struct session *session, const char *snapshotter, const char *one, const char *other,
		struct common *common, struct error *err)
{
	struct search search = {
		.session = session, .snapshotter = snapshotter, .best = SIZE_MAX / 4, .meeting = { -1, -1 }
	};
	int done = 0;

	*common = (struct common){ 0 };
	if (*one && *other) {
		done = reach(&search, 0, one, 0, -1, false, err);
		if (done == 0)
			done = reach(&search, 1, other, 0, -1, false, err);
		if (done == 0)
			done = meet(&search, err);
	}
	if (done == 0 && search.meeting[0] >= 0)
		done = take_meeting(&search, common, err);
	else if (done == 0)
		done = take_whole(one, &common->one, err) < 0 ? -1 : take_whole(other, &common->other, err);
	side_release(&search.sides[0]);
	side_release(&search.sides[1]);
	return done;
}

static void way_release(struct common_way *way)
{
	for (size_t i = 0; i < way->count; i++)
		free(way->parts[i].name);
	free(way->parts);
}

void common_release(struct common *common)
{
	way_release(&common->one);
	way_release(&common->other);
	free(common->base);
	*common = (struct common){ 0 };
}
