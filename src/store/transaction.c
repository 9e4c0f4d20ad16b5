#include "store/transaction.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/open.h"
#include "store/query.h"

#define ATTEMPTS 6
#define FIRST_PAUSE_MS 10
#define REHEARSAL_ATTEMPTS 2
/* A rehearsal does not wait long for locks: they say nothing about whether the rows would be accepted. */
#define REHEARSAL_BEGIN "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = '2s'"

/* READ COMMITTED whatever the server's default: under an older snapshot, waiting for the lock would
 * not show what its last holder wrote. */
static int begin(struct store *store, const char *script, const char *subject, struct error *err)
{
	/* Settings of the transaction alone: behind a pooler the session is somebody else's afterwards. */
	static const char limit[] = "SET LOCAL statement_timeout = '" CONNECTION_STATEMENT_TIMEOUT "'";
	static const char sql[] = "SELECT pg_advisory_xact_lock(" TRANSACTION_LOCK_CLASS ", hashtext($1)), "
				  "CASE current_setting('synchronous_commit') WHEN 'off' "
				  "THEN set_config('synchronous_commit', 'on', true) END";

	if (query_script(store, script, err) < 0 || (store->limit_is_ours && query_script(store, limit, err) < 0))
		return -1;
	return query_rows(store, sql, &subject, 1, NULL, err) < 0 ? -1 : 0;
}

/* The error that matters is the one before: that of ROLLBACK is dropped. */
static void roll_back(struct store *store)
{
	struct error ignored = { 0 };
	char sqlstate[sizeof(store->sqlstate)];

	if (connection_is_lost(store))
		return;
	memcpy(sqlstate, store->sqlstate, sizeof(sqlstate));
	query_script(store, "ROLLBACK", &ignored);
	memcpy(store->sqlstate, sqlstate, sizeof(sqlstate));
}

/* After a lost answer nobody knows whether the server has committed. */
static int commit(struct store *store, struct error *err)
{
	if (query_script(store, "COMMIT", err) == 0)
		return 0;
	if (connection_is_lost(store))
		error_wrap(err, "whether the database has committed is not known");
	return -1;
}

/* Serialization failure, deadlock, or a unique index that another server's transaction was faster in. */
static bool is_worth_another_try(const struct store *store)
{
	return strcmp(store->sqlstate, "40001") == 0 || strcmp(store->sqlstate, "40P01") == 0 ||
	       strcmp(store->sqlstate, "23505") == 0;
}

enum outcome { DONE, TRY_AGAIN, CONNECTION_LOST, NO_VERDICT, FAILED };

static enum outcome attempt(struct store *store, const char *subject, transaction_body body, void *context,
			    struct error *err)
{
	store->sqlstate[0] = '\0';
	if (begin(store, "BEGIN ISOLATION LEVEL READ COMMITTED", subject, err) == 0 && body(store, context, err) == 0) {
		if (commit(store, err) == 0)
			return DONE;
		if (connection_is_lost(store))
			return FAILED;
	} else if (connection_is_lost(store)) {
		return CONNECTION_LOST;
	}
	roll_back(store);
	return is_worth_another_try(store) ? TRY_AGAIN : FAILED;
}

int transaction_run(struct store *store, const char *subject, transaction_body body, void *context, struct error *err)
{
	unsigned pause_ms = FIRST_PAUSE_MS;
	bool reopened = false;

	for (int i = 1; i <= ATTEMPTS; i++) {
		enum outcome outcome = attempt(store, subject, body, context, err);

		if (outcome == DONE) {
			error_clear(err);
			return 0;
		}
		if (outcome == FAILED || i == ATTEMPTS)
			return -1;
		log_detail("%s: trying again", err->message);
		if (outcome == CONNECTION_LOST) {
			if (reopened || store_reopen(store, err) < 0)
				return -1;
			reopened = true;
		} else {
			clock_sleep_ms(pause_ms);
			pause_ms *= 2;
		}
	}
	return -1;
}

static enum outcome rehearse(struct store *store, const char *subject, transaction_body body, void *context,
			     struct error *err)
{
	store->sqlstate[0] = '\0';
	if (begin(store, REHEARSAL_BEGIN, subject, err) == 0 && body(store, context, err) == 0 &&
	    query_script(store, "SET CONSTRAINTS ALL IMMEDIATE", err) == 0) {
		roll_back(store);
		return DONE;
	}
	if (connection_is_lost(store))
		return CONNECTION_LOST;
	roll_back(store);
	if (is_worth_another_try(store))
		return TRY_AGAIN;
	return err->kind != ERROR_DATABASE || store_has_judged(store) ? FAILED : NO_VERDICT;
}

int transaction_rehearse(struct store *store, const char *subject, transaction_body body, void *context,
			 struct error *err)
{
	enum outcome outcome = TRY_AGAIN;

	for (int i = 1; i <= REHEARSAL_ATTEMPTS; i++) {
		outcome = rehearse(store, subject, body, context, err);
		if (outcome == CONNECTION_LOST && store_reopen(store, err) < 0)
			return -1;
		if (outcome != CONNECTION_LOST && outcome != TRY_AGAIN)
			break;
		clock_sleep_ms(FIRST_PAUSE_MS);
	}
	if (outcome == FAILED || outcome == CONNECTION_LOST || (outcome == TRY_AGAIN && store_has_judged(store)))
		return -1;
	if (outcome != DONE)
		log_detail("whether the database would take the rows is not known: %s", err->message);
	error_clear(err);
	return 0;
}
