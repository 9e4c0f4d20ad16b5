/* What an operation is asked for, and what it answers. */
#ifndef WSNAP_OPERATION_RESULT_H
#define WSNAP_OPERATION_RESULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/id.h"
#include "workspace/kind.h"
#include "workspace/target.h"
#include "workspace/version_word.h"

/* Whether the workspace goes on running. */
enum operation_mode {
	MODE_CONFIGURED, /* as the configuration says */
	MODE_STOP,
	MODE_LIVE,
};

#define OPERATION_MAX_FREEZE_MS 1000

struct session;
struct error;

/* What a restore is to bring back, and who works that out. */
struct operation_restore {
	const char *const *paths; /* absolute, without a slash at the end; none: all of it */
	size_t path_count;
	bool is_same; /* nothing differs: the workspace only stands on the version from now on */
	/* Calls `add` with the path, absolute, of all that differs between the present and the version in those paths. Called
	 * while the workspace runs, maybe more than once. */
	int (*each_change)(struct session *session, const char *container_id, int32_t version,
			   int (*add)(const char *path, void *to, struct error *err), void *to, void *context,
			   struct error *err);
	void *context;
};

struct operation_request {
	enum operation_kind kind;
	const struct target_word *target;
	const char *display_name;           /* create: one that name_check() made, NULL for none */
	const char *source;                 /* create: NULL: "manual" */
	const struct version_word *version; /* rollback, restore */
	bool if_changed;                    /* create, version */
	bool no_save;                       /* rollback, restore */
	enum operation_mode mode;           /* create, version */
	unsigned max_freeze_ms;             /* live; 0: OPERATION_MAX_FREEZE_MS */
	const struct operation_restore *restore;
};

struct operation_step {
	const char *name; /* static */
	double ms;
};

#define OPERATION_MAX_STEPS 32

struct operation_result {
	char operation_id[ID_SIZE];
	char *container_id;

	/* the version that was saved; version 0 when none was (unchanged rollback, compact). With
	 * --if-changed and no change: the newest version that still stands, and `unchanged`. */
	int32_t version;
	char version_id[ID_SIZE];
	char *display_name; /* NULL: none */
	char *runtime_name;
	char *snapshotter;
	char *source;
	int64_t created_ns;
	bool unchanged;

	int32_t rolled_back_to; /* rollback */
	int32_t restored_from;  /* restore */
	int32_t saved_first;    /* restore: the version saved before it of a workspace that did not run; 0: none */
	int layers_merged;      /* compact: how many layers became one; 0: there was nothing to merge */
	uint64_t copied_bytes;  /* for a merge, or a live version: what was copied, and not shared */

	bool live; /* the workspace went on running; then: */
	double frozen_ms;
	unsigned passes;
	uint64_t copied_entries;

	int signal; /* one that came meanwhile and asks to end, 0: none */

	double downtime_ms; /* 0 when the workspace did not run */
	struct operation_step steps[OPERATION_MAX_STEPS];
	size_t step_count;

	char **unsaved_mounts; /* destinations of writable bind mounts: not part of a version */
	size_t unsaved_mount_count;
};

void operation_result_release(struct operation_result *result);

#define cleanup_operation_result __attribute__((cleanup(operation_result_release)))

#endif
