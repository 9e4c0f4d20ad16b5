/*
 * The words that stand in rows and are read again by others: types of events, sources of versions, what a version is
 * called that has no name. Each is written here alone; SQL takes them from here as well.
 */
#ifndef WSNAP_STORE_WORDS_H
#define WSNAP_STORE_WORDS_H

#include <stdint.h>

/*
 * The events there are. To add one: a row here, and whoever announces it. X(EVENT_…, its `event_type`, whether its number is
 * that of a version which was made or was there (1 or 0), whether it tells who made that version (1 or 0)).
 */
/* clang-format off */
#define STORE_EVENTS(X) \
	X(SNAPSHOT_CREATE, "snapshot_create", 1, 1)   /* a version with a name */ \
	X(VERSION_CREATE, "version_create", 1, 1)     /* one before something runs, or of the state before a rollback */ \
	X(VERSION_ROLLBACK, "version_rollback", 0, 0) /* a version was brought back */ \
	X(VERSION_PRUNE, "version_prune", 1, 0)       /* a version was given up */ \
	X(NAME, "name", 0, 0)                         /* a version has got another name, or lost it */ \
	X(FORK, "fork", 1, 1)                         /* the first version of a fork */ \
	X(RESTORE, "restore", 0, 0)                   /* files were brought back into the workspace */ \
	X(IMPORT, "import", 1, 1)                     /* of an imported one: builds that can import write it */
/* clang-format on */

#define STORE_EVENT_TYPE(type, name, number, origin) EVENT_##type,
enum store_event_type { EVENT_NONE, STORE_EVENTS(STORE_EVENT_TYPE) EVENT_TYPE_COUNT };

/* Its `event_type`. Static; NULL for EVENT_NONE. */
const char *store_event_name(enum store_event_type type);

/* Lists of them as literals of SQL: those with a number, and those that tell who made a version. No event is called ''. */
#define SQL_EVENT_0(name) ""
#define SQL_EVENT_1(name) ", '" name "'"
#define SQL_EVENT_WITH_NUMBER(type, name, number, origin) SQL_EVENT_##number(name)
#define SQL_EVENT_OF_ORIGIN(type, name, number, origin) SQL_EVENT_##origin(name)
#define SQL_EVENTS_WITH_NUMBERS "(''" STORE_EVENTS(SQL_EVENT_WITH_NUMBER) ")"
#define SQL_EVENTS_OF_ORIGIN "(''" STORE_EVENTS(SQL_EVENT_OF_ORIGIN) ")"
#define SQL_EVENT_VERSION_PRUNE "'version_prune'"

/* Why a version exists, unless the user names another reason. */
#define SOURCE_MANUAL "manual"
#define SOURCE_PRE_EXEC "pre_exec"
#define SOURCE_ROLLBACK "rollback"
#define SOURCE_COMPACT "compact"
#define SOURCE_POLICY "policy"
#define SOURCE_FORK "fork"
#define SOURCE_RESTORE "restore"

/* What a version is shown as: its display name, or "Version N". The caller frees; NULL: no memory. */
char *store_version_shown(const char *display_name, int32_t version);

#endif
