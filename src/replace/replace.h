/*
 * Makes entries of one tree, the root, what they are in another, the tree: content, kind, owner, mode, times, attributes,
 * hard links. Files come by rename, so whoever has one open keeps the one he has. Folders are changed in place. Entries
 * that the tree does not have go.
 *
 * What is to be done is gathered first, by replace_add() and replace_compare(); replace_stage() makes the files that will
 * be put in place, without names, which nobody sees. replace_apply() then does it, and can do it again from the start after
 * any interruption: the list of paths alone says what comes out, and that can be kept in a file (worklist.h).
 *
 * Nothing is followed out of the root, and no mount in it is entered or changed, whatever others do in it meanwhile. Paths
 * are relative to both, "" is the root itself. Needs root and /proc.
 */
#ifndef WSNAP_REPLACE_REPLACE_H
#define WSNAP_REPLACE_REPLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include "base/error.h"
#include "base/names_set.h"
#include "layer/xattrs.h"
#include "replace/beneath.h"

struct replace_item {
	char *path;
	char *was;   /* of a list that was begun: what was there when it was noted (touched.c); NULL: unknown */
	char *first; /* it becomes one more name of what has this path; NULL: its own */
	int staged;  /* the file that it will be; -1 */
	unsigned shelved : 30; /* the same, by its number on the shelf; 0 */
	bool noted : 1;        /* the worklist has it */
	bool costed : 1;       /* its cost is known */
};

/* What it takes on the disk, as far as it is not there already. */
struct replace_cost {
	uint64_t files;   /* bytes of the files to be made: replace_stage(), replace_shelve() */
	uint64_t rest;    /* bytes that are written only by replace_apply() */
	uint64_t entries; /* inodes */
};

struct replace {
	int root, tree;          /* folders, the caller's */
	struct names_set scopes; /* only what lies in these paths is touched; none: all */
	struct names_set mounts; /* places in the root on which something is mounted */
	char *temporary; /* a name that nothing else has: what is about to be put in place bears it for a moment */

	struct replace_item **items; /* sorted by path once they were asked for */
	size_t count, capacity;
	bool sorted;
	void *index; /* of the items, by path */
	struct xattrs_buffer *buffer;
	void *groups;          /* files of the tree that have several names (links.c) */
	size_t unasked;        /* groups of which not all names were looked for yet */
	void *outsides;        /* what is linked to, out of scope (outside.c) */
	int shelf;             /* the folder in the root where files wait that have to have names (shelf.c); -1 */
	unsigned shelved;      /* how many were put there */
	struct timespec begun; /* when an earlier run began it, while it is looked at what has become of it since … */
	bool times_tell;       /* … whether by times, also where it was noted what was there … */
	bool touched;          /* … and whether somebody has written to it (touched.c) */
	uint64_t seen, sum;    /* how many files a folder that goes has, and what tells them from others (touched.c) */
	struct replace_cost known;  /* of the items that were looked at (cost.c) */
	struct beneath here, there; /* below the root, below the tree */
	struct beneath upper; /* the writable layer that others may write to (written.c), without a root: none … */
	uint64_t *before;     /* … and what tells its files from what is made of them later, in order */
	size_t before_count, before_capacity;
	uint64_t bytes; /* that were written */
	int *going;     /* large files that have lost their names (going.h) */
	size_t going_count;
	struct rlimit limit_before;        /* how many descriptors this process might have; 0: as many as now */
	bool (*is_to_stop)(void *context); /* asked before each change, true ends it there; NULL: nobody is asked … */
	void *stop_context;                /* … with that */
};

#define cleanup_replace __attribute__((cleanup(replace_release)))

/* `id` makes the temporary name: the same for every try of one change. */
int replace_begin(struct replace *replace, int root, int tree, const char *id, struct error *err);
void replace_release(struct replace *replace);

/* Another root and another tree, which were not known before: -1 until then. */
void replace_turn(struct replace *replace, int root, int tree);

/* Before anything is added. */
int replace_add_scope(struct replace *replace, const char *path, struct error *err);
int replace_add_mount(struct replace *replace, const char *path, struct error *err);

/* The entry is to become what it is in the tree. One that is out of scope, on a mount or below one is passed over. */
int replace_add(struct replace *replace, const char *path, struct error *err);

/* Adds the entry if it differs, and if it is a folder and `whole` all in it that does. What it has become, or what is in
 * a folder that is there on one side alone, is added in any case. */
int replace_compare(struct replace *replace, const char *path, bool whole, struct error *err);

/* What the root has at a path that the tree has, with its status where it is there; nothing is followed on the way. -1. */
enum replace_judgement { REPLACE_ABSENT, REPLACE_SAME, REPLACE_OTHER };
int replace_judge(struct replace *replace, const char *path, struct stat *here, struct error *err);

/* Adds all that the tree has in scope. */
int replace_add_all(struct replace *replace, struct error *err);

/* Files that have several names in the tree get them again. With `search` those of their names that are no items yet are
 * looked for, in all of the tree: they become items, or, out of scope, what is linked to. May be called again: then only
 * what is new is looked at. */
int replace_link(struct replace *replace, bool search, struct error *err);

/* The entry may have changed since it was looked at. `whole`: all in it. */
void replace_doubt(struct replace *replace, const char *path, bool whole);

/* What is linked to, out of scope, has to be what the tree has: where there is doubt it is compared, and where it is not, its
 * names become names of one file of their own. When no more is added, and before each replace_apply(). */
int replace_settle_links(struct replace *replace, struct error *err);

/* The items, sorted by path: what is in a folder comes behind it. */
void replace_sort(struct replace *replace);

/* ERROR_REFUSED where a mount is in the way of what is to be done, ERROR_FAILED where a file out of scope is. */
int replace_check(struct replace *replace, struct error *err);

/* `upper`: the folder to which an overlay, which the root is, copies what is changed in it; -1: it is none. Asked again, it
 * looks only at what is new. */
int replace_cost(struct replace *replace, int upper, struct replace_cost *cost, struct error *err);

/* Makes the files, as far as there are descriptors for them, and a filesystem that can (O_TMPFILE). `how`: of layer/content.h. */
int replace_stage(struct replace *replace, unsigned how, struct error *err);

/* Makes those that are left in a folder of the root: nobody else may be at work in it. They go with replace_release(). */
int replace_shelve(struct replace *replace, struct error *err);

/* Removes what somebody has left who had the same `id` and was killed. */
int replace_clear_shelf(struct replace *replace, struct error *err);

/* Whether a folder (the root, or its `upper`) holds that: the name, below it. */
char *replace_shelf_name(const char *id);

/* Of a list that was begun: whether somebody has written since then to what it changes, so that what is there is neither what
 * it was nor what it becomes: 1, 0, -1. `times_tell`: others were at work while it was noted what was there, or it was made a
 * version since, and the clock is the same: what is not later than `begun` counts as noted. Else it is what was noted, whatever
 * the clock said. */
int replace_was_touched(struct replace *replace, const struct timespec *begun, bool times_tell, struct error *err);

/* From now on replace_apply() ends, with ERROR_FAILED, before it takes away what others have written meanwhile. `upper`: the folder
 * of the writable layer; the caller's, and open as long as `replace` is. Before each replace_apply(). */
int replace_watch(struct replace *replace, int upper, struct error *err);

/* Does it; from the start, if it was interrupted. */
int replace_apply(struct replace *replace, struct error *err);

#endif
