#include "operation/settled_version.h"

#include "operation/recovery.h"
#include "workspace/journal.h"
#include "workspace/lock.h"

static int wait_for_end(struct session *session, const char *container_id, struct error *err)
{
	const struct lock_request request = { .container_id = container_id,
					      .what = "look",
					      .wait_s = session->settings->wait_s };
	struct lock lock;

	if (lock_take(session, &request, &lock, err) < 0)
		return -1;
	recovery_settle_if_possible(session, container_id);
	lock_release(&lock);
	return session_need_store(session, err);
}

int settled_version_find(struct session *session, const struct target_word *word, const struct version_word *version,
			 struct target *target, struct store_version *row, struct error *err)
{
	const char *id = target->container_id;
	bool was_present = target->present;
	struct error ignored = { 0 };

	if (history_find(session, id, version, row, err) == 0)
		return 0;
	if (err->kind != ERROR_NOT_FOUND || version->kind != VERSION_WORD_BACK ||
	    session_open_state(session, &ignored) < 0 || journal_exists(session, id, &ignored) <= 0)
		return -1;
	error_clear(err);
	if (wait_for_end(session, id, err) < 0)
		return -1;
	target_release(target);
	if (target_resolve(session, word, was_present, target, err) < 0)
		return -1;
	return history_find(session, target->container_id, version, row, err);
}
