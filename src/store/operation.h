/*
 * What an operation did, as the database gets it: one transaction with the workspace's row, the snapshot,
 * the version, the events and the notifications. Running it again for the same operation writes nothing
 * more and gives the same answer: that is how recovery gets past a COMMIT whose answer was lost.
 */
#ifndef WSNAP_STORE_OPERATION_H
#define WSNAP_STORE_OPERATION_H

#include <stdint.h>

#include "store/origin.h"
#include "store/store.h"
#include "store/words.h"

struct store_operation {
	const char *operation_id; /* UUID: ids of the events are made from it */

	/* the workspace: inserted if it has no row; namespace, auto_start, … are kept if it has */
	const char *container_id;
	const char *bot_id;
	const char *namespace;
	const char *image;
	const char *status; /* 'running', 'stopped', 'created': what it is now */
	int64_t stopped_ns; /* 0: it was not stopped */
	int64_t started_ns; /* 0: it was not started */

	/* the version that was saved; runtime_name NULL: none was */
	const char *runtime_name;
	const char *display_name; /* NULL: none */
	const char *parent;       /* NULL: none */
	const char *snapshotter;
	const char *source;    /* manual, pre_exec, rollback, or what --source said */
	int64_t created_ns;    /* of the version, 0: now() */
	int32_t known_version; /* of a rebuild from labels; 0: the next one … */
	int32_t version_floor; /* … which is greater than this, too */

	/* the event about it: EVENT_SNAPSHOT_CREATE, EVENT_VERSION_CREATE, EVENT_FORK, or EVENT_NONE */
	enum store_event_type version_event;
	bool is_rebuilt; /* the version is old: the event gets its time */
	bool is_live;    /* its processes are the ones they were */
	bool is_late;    /* later operations may be written already: image and status stay as they are */
	bool is_gone;    /* the container was removed meanwhile: a row made for it now has auto_start false */
	struct store_origin origin; /* who asked for it; all NULL, and it is not rebuilt: this run */

	/* a fork's origin, for its event */
	const char *origin_container_id;
	int32_t origin_version;

	/* a rollback's target; 0: no rollback */
	int32_t rolled_back_to;
	const char *rollback_runtime_name;

	/* a restore: the version whose files were brought back; 0: it is none */
	int32_t restored_from;
	int32_t restore_saved;      /* what was saved for it by an operation of its own; 0: nothing, or by this one */
	const char *restored_paths; /* an array of texts, as JSON; NULL: all of them */
};

struct store_written {
	char version_id[ID_SIZE]; /* "" when no version was saved */
	int32_t version;          /* 0 when no version was saved */
	int64_t created_ns;
};

/*
 * Makes it so, in one transaction under pg_advisory_xact_lock of the container. The next version
 * is the largest one ever given plus one, as far as rows, events and version_floor know: numbers of pruned or lost
 * versions are never used again. A snapshot that
 * has its row already keeps its version. ERROR_NOT_FOUND: the bot has no row in a schema that is not ours.
 */
int store_write_operation(struct store *store, const struct store_operation *operation, struct store_written *written,
			  struct error *err);

/* Whether the database would take these very rows: they are written in a transaction that is taken back. 0 also where
 * it could not say, because of a lock. ERROR_DATABASE with what it lacks, or the errors of store_write_operation(). */
int store_rehearse_operation(struct store *store, const struct store_operation *operation, struct error *err);

/* Would an operation of the bot be accepted? ERROR_NOT_FOUND if it has no row in a schema that is not ours;
 * ERROR_DATABASE if its rows could not be written (store_check_writable). */
int store_check_bot(struct store *store, const char *bot_id, struct error *err);

#endif
