#include "workspace/lock_lease.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/id.h"
#include "base/log.h"
#include "base/text.h"
#include "workspace/label_keys.h"

#define PREFIX "wsnap.lock"
/* A lease that goes between two looks is looked for again. */
#define TRIES 5

/* An id has 76 characters at most, and a container's may be as long: such a name is hashed. A dash in place of a dot tells
 * the two forms apart; the labels say whose it is. */
static char *identifier(const char *rest)
{
	cleanup_free char *plain = text_format(PREFIX ".%s", rest);
	char hash[ID_SIZE];

	if (!plain || text_is_identifier(plain))
		return steal_pointer(plain);
	id_of_name(plain, hash);
	return text_format(PREFIX "-%s", hash);
}

static char *takeover_identifier(const char *container_id, const char *after)
{
	cleanup_free char *rest = text_format("%s.takeover.%s", container_id, after);

	return rest ? identifier(rest) : NULL;
}

static bool says(const struct ctr_lease *lease, const char *key, const char *value)
{
	const char *found = labels_get(&lease->labels, key);

	return found && strcmp(found, value) == 0;
}

int lock_lease_list(struct session *session, const char *container_id, struct ctr_leases *leases, struct error *err)
{
	cleanup_free char *filter =
		container_id
			? text_format("labels.\"" LABEL_LOCK "\",labels.\"" LABEL_CONTAINER "\"==\"%s\"", container_id)
			: strdup("labels.\"" LABEL_LOCK "\"");

	return filter ? ctr_lease_list(session->ctr, filter, leases, err) : error_memory(err);
}

static const struct ctr_lease *find_first(const struct ctr_leases *leases, const char *container_id)
{
	for (size_t i = 0; i < leases->count; i++)
		if (says(&leases->items[i], LABEL_CONTAINER, container_id) &&
		    !labels_get(&leases->items[i].labels, LABEL_LOCK_AFTER))
			return &leases->items[i];
	return NULL;
}

static const struct ctr_lease *find_next(const struct ctr_leases *leases, const struct ctr_lease *lease)
{
	const char *container_id = labels_get(&lease->labels, LABEL_CONTAINER);
	const char *run = labels_get(&lease->labels, LABEL_LOCK);

	for (size_t i = 0; i < leases->count; i++)
		if (run && says(&leases->items[i], LABEL_CONTAINER, container_id) &&
		    says(&leases->items[i], LABEL_LOCK_AFTER, run))
			return &leases->items[i];
	return NULL;
}

const struct ctr_lease *lock_lease_holder(const struct ctr_leases *leases, const char *container_id)
{
	const struct ctr_lease *last = find_first(leases, container_id), *next = last;

	/* Each lease names the one it took over from. Labels written by hand may form a circle, so the steps are
	 * counted. */
	for (size_t i = 0; next && i < leases->count; i++) {
		last = next;
		next = find_next(leases, last);
	}
	return last;
}

static bool may_take(struct lock_lease *lease, const struct ctr_lease *from)
{
	const struct holder *holder = &lease->holder;

	lease->holder = holder_judge(&lease->own, &from->labels);
	if (holder->ours && holder->state == HOLDER_DEAD)
		return true;
	return lease->break_it && holder->state != HOLDER_ALIVE;
}

static int keep_holder(struct lock_lease *lease, const struct ctr_lease *from, struct error *err)
{
	labels_release(&lease->held_by);
	return labels_copy(&lease->held_by, &from->labels, err);
}

/* Once the first lease is gone, what is left of takeovers is deleted with it. */
static int keep_superseded(struct lock_lease *lease, const struct ctr_leases *leases, const char *first,
			   struct error *err)
{
	lease->first = strdup(first);
	if (!lease->first)
		return error_memory(err);
	for (size_t i = 0; i < leases->count; i++)
		if (strcmp(leases->items[i].id, first) != 0 &&
		    names_set_add(&lease->superseded, leases->items[i].id, err) < 0)
			return -1;
	return 0;
}

/* Deletes a lease that we may have created without knowing it: the answer may have been lost. */
static void drop(struct lock_lease *lease, const char *id)
{
	struct error ignored = { 0 };

	if (ctr_lease_delete(lease->session->ctr, id, false, &ignored) < 0)
		log_detail("'%s': %s", lease->container_id, ignored.message);
}

/* Whether the takeover counts: the first lease is still the one that it was decided on, and the last one is ours. */
static int check_takeover(struct lock_lease *lease, const struct ctr_lease *first, struct error *err)
{
	cleanup_ctr_leases struct ctr_leases leases = { 0 };
	const struct ctr_lease *first_now, *holder;

	if (lock_lease_list(lease->session, lease->container_id, &leases, err) < 0)
		return -1;
	first_now = find_first(&leases, lease->container_id);
	holder = lock_lease_holder(&leases, lease->container_id);
	if (!first_now || !says(first_now, LABEL_LOCK, labels_get(&first->labels, LABEL_LOCK)) ||
	    !says(holder, LABEL_LOCK, labels_get(&lease->own, LABEL_LOCK)))
		return 0;
	return keep_superseded(lease, &leases, first_now->id, err) < 0 ? -1 : 1;
}

static int set_first_run(struct lock_lease *lease, const struct ctr_lease *first, struct error *err)
{
	free(lease->first_run);
	lease->first_run = strdup(labels_get(&first->labels, LABEL_LOCK));
	return lease->first_run ? 0 : error_memory(err);
}

static int take_over(struct lock_lease *lease, const struct ctr_lease *first, const struct ctr_lease *from,
		     struct error *err)
{
	const char *run = labels_get(&from->labels, LABEL_LOCK);
	cleanup_free char *id = takeover_identifier(lease->container_id, run);
	cleanup_labels struct labels labels = { 0 };
	int done;

	if (!id)
		return error_memory(err);
	if (set_first_run(lease, first, err) < 0 || labels_copy(&labels, &lease->own, err) < 0 ||
	    labels_set(&labels, LABEL_LOCK_AFTER, run, err) < 0)
		return -1;
	done = ctr_lease_create_exclusive(lease->session->ctr, id, &labels, err);
	if (done <= 0)
		return done; /* 0: another one was first */
	done = check_takeover(lease, first, err);
	if (done <= 0)
		drop(lease, id);
	lease->broken = done > 0 && !(lease->holder.ours && lease->holder.state == HOLDER_DEAD);
	return done;
}

/* One look at a lock that exists. 1 it is ours, 0 it is not, 2 it has gone meanwhile, -1. */
static int look(struct lock_lease *lease, struct error *err)
{
	cleanup_ctr_leases struct ctr_leases leases = { 0 };
	const struct ctr_lease *holder;
	bool may;

	if (lock_lease_list(lease->session, lease->container_id, &leases, err) < 0)
		return -1;
	holder = lock_lease_holder(&leases, lease->container_id);
	if (!holder)
		return lease->only_look ? 1 : 2;
	/* The answer to our own call was lost. */
	if (says(holder, LABEL_LOCK, labels_get(&lease->own, LABEL_LOCK)))
		return keep_superseded(lease, &leases, find_first(&leases, lease->container_id)->id, err) < 0 ? -1 : 1;
	may = may_take(lease, holder);
	if (keep_holder(lease, holder, err) < 0)
		return -1;
	if (!may || lease->only_look)
		return may;
	return take_over(lease, find_first(&leases, lease->container_id), holder, err);
}

static int create(struct lock_lease *lease, struct error *err)
{
	cleanup_free char *id = identifier(lease->container_id);
	int done;

	if (!id)
		return error_memory(err);
	if (labels_set(&lease->own, LABEL_CONTAINER, lease->container_id, err) < 0)
		return -1;
	done = ctr_lease_create_exclusive(lease->session->ctr, id, &lease->own, err);
	if (done > 0) {
		lease->first = steal_pointer(id);
		free(steal_pointer(lease->first_run));
	}
	return done;
}

/* The lease may have been created although the answer was lost: it must not lock others out. */
static void drop_lost(struct lock_lease *lease)
{
	cleanup_ctr_leases struct ctr_leases leases = { 0 };
	struct error ignored = { 0 };

	if (lock_lease_list(lease->session, lease->container_id, &leases, &ignored) < 0)
		return;
	for (size_t i = 0; i < leases.count; i++)
		if (says(&leases.items[i], LABEL_LOCK, labels_get(&lease->own, LABEL_LOCK)))
			drop(lease, leases.items[i].id);
}

int lock_lease_try(struct lock_lease *lease, struct error *err)
{
	for (int try = 0; try < TRIES; try++) {
		int done = lease->only_look ? 0 : create(lease, err);

		if (done == 0)
			done = look(lease, err);
		if (done < 0 && !lease->only_look)
			drop_lost(lease);
		if (done != 2)
			return done;
	}
	return 0;
}

int lock_lease_delete(struct lock_lease *lease, struct error *err)
{
	if (!lease->first)
		return 0;
	if (ctr_lease_delete(lease->session->ctr, lease->first, false, err) < 0)
		return -1;
	for (size_t i = 0; i < lease->superseded.count; i++)
		drop(lease, lease->superseded.items[i]);
	return 0;
}

/* One more lease of ours, behind the first one itself; what is between the two then goes. The lock is held by one or the other at
 * every moment. */
int lock_lease_leave(struct lock_lease *lease, struct error *err)
{
	const char *run = labels_get(&lease->own, LABEL_LOCK);
	cleanup_free char *after = lease->first_run ? text_format("%s.%s", lease->first_run, run) : NULL;
	cleanup_free char *id = after ? takeover_identifier(lease->container_id, after) : NULL;
	cleanup_labels struct labels labels = { 0 };

	if (!lease->first_run)
		return 0;
	if (!id)
		return error_memory(err);
	if (labels_copy(&labels, &lease->own, err) < 0 ||
	    labels_set(&labels, LABEL_LOCK_AFTER, lease->first_run, err) < 0 ||
	    ctr_lease_create_exclusive(lease->session->ctr, id, &labels, err) < 0)
		return -1;
	for (size_t i = 0; i < lease->superseded.count; i++)
		drop(lease, lease->superseded.items[i]);
	return 0;
}

void lock_lease_release(struct lock_lease *lease)
{
	labels_release(&lease->own);
	labels_release(&lease->held_by);
	names_set_release(&lease->superseded);
	free(lease->first);
	free(lease->first_run);
	*lease = (struct lock_lease){ 0 };
}
