#include "recover/bring_back.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "operation/recovery.h"
#include "workspace/journal.h"
#include "workspace/lock.h"

/* Whether anything was done to the workspace. */
static bool finish_earlier(struct session *session, const char *container_id)
{
	const struct lock_request request = { .container_id = container_id, .what = "recover" };
	struct lock lock;
	struct error err = { 0 };

	if (session_open_state(session, &err) < 0 || journal_exists(session, container_id, &err) != 1)
		return false;
	if (lock_take(session, &request, &lock, &err) < 0)
		return false;
	recovery_settle_if_possible(session, container_id);
	lock_release(&lock);
	return true;
}

int bring_back_and_find(struct session *session, const struct target_word *word, bool must_exist, struct target *target,
			struct error *err)
{
	if (target_resolve(session, word, must_exist, target, err) < 0)
		return -1;
	if (!finish_earlier(session, target->container_id))
		return 0;
	target_release(target);
	if (session_need_store(session, err) < 0)
		return -1;
	return target_resolve(session, word, must_exist, target, err);
}

void bring_back(struct session *session, const struct target_word *word)
{
	cleanup_target struct target target = { 0 };
	struct error err = { 0 };
	/* A container that is gone may have left a record under its id. */
	bool known = target_resolve(session, word, false, &target, &err) == 0;

	finish_earlier(session, known ? target.container_id : word->text);
}
