/*
 * The words that stand in rows and are read again by others: types of events, sources of versions, what a version is
 * called that has no name. Each is written here alone; SQL takes them from here as well.
 */
#ifndef WSNAP_STORE_WORDS_H
#define WSNAP_STORE_WORDS_H

#include <stdint.h>

/* What an event tells. A new one is a line here and in words.c, and in SQL_EVENTS_… where its number, or the origin of its
 * version, is to be found again. */
enum store_event_type {
	EVENT_NONE,
	EVENT_SNAPSHOT_CREATE,  /* a version with a name */
	EVENT_VERSION_CREATE,   /* a version before something runs, or of the state before a rollback */
	EVENT_VERSION_ROLLBACK, /* a version was brought back */
	EVENT_VERSION_PRUNE,    /* a version was given up */
	EVENT_NAME,             /* a version has got another name, or lost it */
	EVENT_FORK,             /* the first version of a fork */
	EVENT_TYPE_COUNT,
};

/* Its `event_type`. Static; NULL for EVENT_NONE. */
const char *store_event_name(enum store_event_type type);

/* The same as literals of SQL. */
#define SQL_EVENT_VERSION_PRUNE "'version_prune'"
/* … that tell the number of a version that was made or was there, … */
#define SQL_EVENTS_WITH_NUMBERS "('version_prune', 'version_create', 'snapshot_create', 'fork', 'import')"
/* … and who made a version. */
#define SQL_EVENTS_OF_ORIGIN "('snapshot_create', 'version_create', 'fork', 'import')"

/* Why a version exists, unless the user names another reason. */
#define SOURCE_MANUAL "manual"
#define SOURCE_PRE_EXEC "pre_exec"
#define SOURCE_ROLLBACK "rollback"
#define SOURCE_COMPACT "compact"
#define SOURCE_POLICY "policy"
#define SOURCE_FORK "fork"

/* What a version is shown as: its display name, or "Version N". The caller frees; NULL: no memory. */
char *store_version_shown(const char *display_name, int32_t version);

#endif
