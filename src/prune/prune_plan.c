#include "prune/prune_plan.h"

#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "prune/retention.h"
#include "workspace/history.h"

/* Numbers that a line holds. */
#define FUTURE_TOLD 10

/* What no rule takes away. */
static bool is_held(const struct prune_request *request, const struct inventory_version *version)
{
	return !version->snapshot || version->newest || version->current || version->mounted_at || version->guard ||
	       (version->row.display_name && !request->named);
}

static int compare_versions(const void *a, const void *b)
{
	const struct retention_version *left = a, *right = b;

	return (left->version > right->version) - (left->version < right->version);
}

/* The judgements are sorted by version. */
static bool is_kept(const struct retention_version *judged, size_t count, int32_t version)
{
	const struct retention_version wanted = { .version = version };
	const struct retention_version *found = bsearch(&wanted, judged, count, sizeof(*judged), compare_versions);

	return !found || found->kept;
}

/* They come first. */
static void tell_future(const struct retention_version *judged, size_t count, const char *container_id)
{
	cleanup_text struct text numbers = { 0 };

	for (size_t i = 0; i < count && i < FUTURE_TOLD; i++)
		text_printf(&numbers, "%s%d", i ? ", " : "", judged[i].version);
	if (count && !numbers.failed)
		log_warning("'%s': %zu versions have times in the future and stay, whatever the rules say: %s%s",
			    container_id, count, numbers.data, count > FUTURE_TOLD ? ", …" : "");
}

/* Says why a version stays that the rules would let go: a mount or a guard needs it for now. */
static void tell_keepers(const struct inventory_version *version, const char *container_id)
{
	if (version->mounted_at)
		log_warning("version %d of '%s' stays as long as it is mounted at '%s'", version->row.version,
			    container_id, version->mounted_at);
	else if (version->guard)
		log_warning("version %d of '%s' stays as long as the guard with the process %d may go back to it",
			    version->row.version, container_id, version->guard);
}

int prune_plan_by_rules(const struct prune_request *request, int64_t now_ns, const struct inventory *inventory,
			const char *container_id, bool *goes, struct error *err)
{
	cleanup_free struct retention_version *judged = calloc(inventory->version_count + 1, sizeof(*judged));
	size_t count = 0;

	if (!judged)
		return error_memory(err);
	for (size_t i = 0; i < inventory->version_count; i++) {
		const struct inventory_version *version = &inventory->versions[i];

		/* Versions without a snapshot here must not use up the numbers that the rules keep. */
		if (version->snapshot)
			judged[count++] = (struct retention_version){ .version = version->row.version,
								      .created_ns = version->row.created_ns };
	}
	tell_future(judged, retention_apply(&request->keep, now_ns, judged, count), container_id);
	qsort(judged, count, sizeof(*judged), compare_versions);
	for (size_t i = 0; i < inventory->version_count; i++) {
		const struct inventory_version *version = &inventory->versions[i];
		bool kept = is_kept(judged, count, version->row.version);

		goes[i] = !is_held(request, version) && !kept;
		if (!kept)
			tell_keepers(version, container_id);
	}
	return 0;
}

/* A version's place in the inventory; -1: it has gone meanwhile. */
static ssize_t find_number(const struct inventory *inventory, int32_t number)
{
	for (size_t i = 0; i < inventory->version_count; i++)
		if (inventory->versions[i].row.version == number)
			return (ssize_t)i;
	return -1;
}

int prune_plan_check_keepers(const struct inventory_version *version, const char *container_id, struct error *err)
{
	if (version->mounted_at) {
		error_set(err, ERROR_REFUSED, "version %d of '%s' is mounted at '%s': it stays", version->row.version,
			  container_id, version->mounted_at);
		return error_hint(err, "'wsnap umount %s' takes it from there", version->mounted_at);
	}
	if (version->guard)
		return error_set(err, ERROR_REFUSED,
				 "version %d of '%s' is the way back of the guard with the process %d: it stays",
				 version->row.version, container_id, version->guard);
	return 0;
}

static int refuse(const struct inventory_version *version, const char *container_id, struct error *err)
{
	if (version->current) {
		error_set(err, ERROR_REFUSED, "'%s' stands on version %d: it stays", container_id,
			  version->row.version);
		return error_hint(err, "'wsnap rollback %s VERSION' puts it on another one first", container_id);
	}
	error_set(err, ERROR_REFUSED, "version %d is the newest of '%s': it stays", version->row.version, container_id);
	return error_hint(err, "'wsnap version %s' makes a newer one first", container_id);
}

/* Its snapshot is not here, and it was not named by its number: it could be another host's version. */
static int refuse_missing(const struct inventory_version *version, const char *container_id, struct error *err)
{
	error_set(err, ERROR_REFUSED, "version %d of '%s' has no snapshot in this containerd; it may be another host's",
		  version->row.version, container_id);
	/* Another server may still restore it from an archive, so no hint says how to remove it. */
	if (version->elsewhere)
		return -1;
	return error_hint(err, "'wsnap delete %s %d' takes its row away", container_id, version->row.version);
}

static int choose(struct session *session, const struct inventory *inventory, const char *container_id,
		  const struct version_word *word, bool *goes, struct error *err)
{
	cleanup_store_version struct store_version row = { 0 };
	const struct inventory_version *version;
	ssize_t at;

	if (history_find(session, container_id, word, &row, err) < 0)
		return -1;
	at = find_number(inventory, row.version);
	if (at < 0)
		return error_set(err, ERROR_NOT_FOUND, "version %d of '%s' has gone meanwhile", row.version,
				 container_id);
	version = &inventory->versions[at];
	if (version->snapshot && (version->newest || version->current))
		return refuse(version, container_id, err);
	if (prune_plan_check_keepers(version, container_id, err) < 0)
		return -1;
	if (!version->snapshot && word->kind != VERSION_WORD_NUMBER)
		return refuse_missing(version, container_id, err);
	goes[at] = true;
	return 0;
}

int prune_plan_named(struct session *session, const struct prune_request *request, const struct inventory *inventory,
		     const char *container_id, bool *goes, struct error *err)
{
	for (size_t i = 0; i < request->version_count; i++)
		if (choose(session, inventory, container_id, &request->versions[i], goes, err) < 0)
			return -1;
	return 0;
}

int prune_plan_given_up(const struct inventory *inventory, const bool *goes, struct names_set *given_up,
			struct error *err)
{
	cleanup_names_set struct names_set kept = { 0 };

	for (size_t i = 0; i < inventory->version_count; i++)
		if (!goes[i] && names_set_add(&kept, inventory->versions[i].row.runtime_name, err) < 0)
			return -1;
	for (size_t i = 0; i < inventory->version_count; i++) {
		const struct inventory_version *version = &inventory->versions[i];

		if (goes[i] && version->snapshot && !names_set_has(&kept, version->row.runtime_name) &&
		    names_set_add(given_up, version->row.runtime_name, err) < 0)
			return -1;
	}
	return 0;
}
