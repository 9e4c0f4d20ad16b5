/*
 * The saved record of one operation: everything that is decided up front, and the few
 * things that become known on the way. With it, the same steps can be run again by another process,
 * after a crash or a reboot. It is JSON, so that a person can read it in the state directory.
 *
 * Names that are NULL do not apply to the operation.
 */
#ifndef WSNAP_WORKSPACE_RECORD_H
#define WSNAP_WORKSPACE_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/labels.h"
#include "ctr/tasks.h"
#include "workspace/kind.h"
#include "workspace/origin.h"

/* Whether the present state becomes a committed snapshot. */
enum save_rule {
	SAVE_ALWAYS,
	SAVE_IF_CHANGED, /* judged once the workspace has stopped */
	SAVE_NEVER,      /* not asked for, judged unchanged, or taken back before it was saved */
};

/* How far the operation has come with the workspace itself. */
enum record_stage {
	STAGE_PLANNED, /* it was not touched */
	STAGE_DOWN,    /* it may be down by our hand */
	STAGE_UP,      /* its part is done: what is left is bookkeeping */
};

/* What the workspace still lacks when all else is done. */
enum record_pending {
	PENDING_NOTHING,
	PENDING_NETWORK, /* it runs, but without its network */
	PENDING_START,   /* it is down: its task did not start */
};

struct record {
	/* what is asked for */
	char *operation_id;
	enum operation_kind kind;
	char *container_id;
	char *namespace;
	char *bot_id;
	char *image;
	char *snapshotter;
	char *display_name;
	char *source;
	int64_t created_ns;   /* of the operation and of the version */
	char *server_id;      /* of the containerd it was begun in: another one knows nothing of it */
	char *boot;           /* the one that it was begun in */
	int64_t container_ns; /* when the container was made: another of the same id is not ours */
	enum save_rule save;
	struct origin origin; /* who asks */

	bool live;         /* the workspace goes on running: most steps are skipped */
	int max_freeze_ms; /* live: how long it may stand still */
	char *filling;     /* live: the active snapshot that becomes `saved` … */
	char *live_tip;    /* … on this one, or NULL: on old_parent */
	char *live_merged; /* live: the chain down from the tip becomes one layer of this name first */
	char *frozen;      /* live: the folder of the control group, once it may be frozen by us … */
	int64_t frozen_inode; /* … with this inode; whether it still may be stands beside the record (operation/frozen.h) */

	/* the workspace before */
	enum ctr_task_state state; /* NONE also for a task that had ended */
	int old_pid;               /* of the first process; 0: it did not run */
	struct ctr_task_streams streams;
	char *old_active;
	char *old_parent; /* what that snapshot stands on; NULL: nothing */
	char *old_upper;  /* the folder of the writable layer, or NULL: it has none of its own */
	char *uid_map;    /* how containerd maps the ids of the layers below it, of which `saved` becomes one … */
	char *gid_map;    /* … (layer/id_map.h); NULL: it does not */
	struct labels kept_labels; /* of old_active, from others: new_active bears them too */
	char *stands_on;           /* the snapshot that its state came from */
	bool stands_on_version;    /* and that is a version that can be brought back */
	char *restart_status;      /* the restart monitor's label, while it is taken off */
	char *stop_signal;         /* number as text */
	bool own_pids;             /* a PID namespace of its own: all processes end with the first */
	char *attachment;          /* network_attachment_print(); NULL: the network is not ours */
	char *old_spec;            /* kept when new_spec is set */
	char *new_spec;            /* the OCI spec with the devices' edits */
	char *spec_type;

	/* the names that will be */
	char *saved; /* the committed snapshot */
	char *new_active;
	char *back_active; /* rollback: for the way back to the saved state */
	char *base;        /* what new_active is prepared on; NULL: `top` or `saved` */
	char *turned_from; /* new_active before the way back began */
	int32_t rollback_to;
	char *rollback_name; /* runtime name of the target; also a restore's */
	char *paths;         /* restore: an array of texts, as JSON; NULL: all of it */
	char *meantime_id; /* restore: the operation that saves what the workspace became while its files were half changed … */
	int64_t meantime_ns;  /* … its time … */
	bool meantime_whole;  /* … whether its layer holds all of it … */
	char *meantime_stamp; /* … and since when it stands still then (restoring_stamp()) */
	int restore_saved;    /* restore: the version that was saved before it, by an operation of its own */
	char *merged;         /* merging: the layers above the image's as one … */
	char *merge_base;     /* … on this ("" for none) … */
	int merge_count;      /* … and how many they are */
	char *merged_shows;   /* the snapshot whose tree `merged` shows; NULL: none that stays */
	char *top;            /* of an earlier build's record: a copy of the newest layer, on `merged` */
	char *moved_to;       /* merging: where the writable layer's folder goes, in exchange for the one there … */
	int64_t moved_inode;  /* … which is the one with this inode */
	int depth;            /* layers of ours under new_active */
	int version_floor;    /* the greatest number of a version so far, as far as labels know */
	char *blueprint; /* digest of what makes the container (blueprint.h); NULL: it is not kept with the version */

	/* what has become of it */
	enum record_stage stage;
	enum record_pending pending;
	bool hooked;      /* the hooks before it were run: those behind it are due */
	bool turned_back; /* the way leads back to the state before */
	bool recorded;    /* known once something is pending: the database has it … */
	int32_t version;  /* … as this version, 0 for none */
	int64_t stopped_ns, started_ns;
	char *failure; /* why it was turned back */
	char *refusal; /* what the database said to its rows, which were set aside for that */
};

void record_release(struct record *record);

#define cleanup_record __attribute__((cleanup(record_release)))

/* The record as JSON; the caller frees. */
char *record_print(const struct record *record, struct error *err);

/* Reads it back; what could not be ours (a missing name, a number out of range) is ERROR_FAILED. */
int record_parse(const char *json, size_t length, struct record *record, struct error *err);

/* Whether the operation promises a committed snapshot as things stand. */
bool record_saves(const struct record *record);

/* Whether that snapshot becomes a version with a row (compact saves a layer, no version). */
bool record_makes_version(const struct record *record);

/* What can be said of a workspace that could not be started: "is saved", "is as it was", "was rolled back". Static. */
const char *record_what_is(const struct record *record);

/* The snapshot that new_active stands on in containerd. */
const char *record_parent(const struct record *record);

#endif
