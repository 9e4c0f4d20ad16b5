/*
 * The list of a change on the disk, from which whoever comes after a crash does it again. Three names, one file: NAME.half
 * while it is written; NAME, by one rename, from the moment on from which the change will be made, whatever happens;
 * NAME.done once it is made, until that is on the disk; and NAME.settled from then on: it is never made again. In it stands
 * which operation's it is; another's is none.
 *
 * The file is locked (flock(2)) by whoever works from it: wsnap, and its guard, which has the same descriptor.
 */
#ifndef WSNAP_REPLACE_WORKLIST_H
#define WSNAP_REPLACE_WORKLIST_H

#include "replace/replace.h"

struct worklist {
	int folder; /* the caller's */
	char *name;
	int file;    /* -1: none is open */
	char *stamp; /* the caller's word on the moment of its end, which goes into it and comes out of it; NULL: none */
	bool same_boot; /* it was begun in this boot of the host */
	bool was_made;  /* in an earlier boot, and may not have come to the disk: it is NAME.done and stays so */
};

#define WORKLIST_NONE      \
	(struct worklist)  \
	{                  \
		.file = -1 \
	}
#define cleanup_worklist __attribute__((cleanup(worklist_release)))

/* A new one, NAME.half. What an earlier run has left of it goes. */
int worklist_begin(struct worklist *worklist, int folder, const char *name, const char *id, struct error *err);

/* Writes down all items that it does not have yet; with `last` there will be no more. On the disk. */
int worklist_note(struct worklist *worklist, struct replace *replace, bool last, struct error *err);

/* From now on the change is made. */
int worklist_seal(struct worklist *worklist, struct error *err);

/* From now on it is not made any more: nothing of it was. One that is not sealed is no error. */
int worklist_unseal(struct worklist *worklist, struct error *err);

/* Whether it is sealed, and not closed: it has to be made. */
bool worklist_is_due(const struct worklist *worklist);

/* It is made. */
int worklist_close(struct worklist *worklist, struct error *err);

/* What was made is on the disk. */
int worklist_settle(struct worklist *worklist, struct error *err);

/* Nobody needs it any more. Also for what was never sealed. */
int worklist_remove(int folder, const char *name, struct error *err);

/* Whether there is a change that has to be made: 1, 0; or -1. Waits for another process that is at it. The worklist is open
 * then, and its items are added to `replace`, which has none. */
int worklist_open(struct worklist *worklist, int folder, const char *name, const char *id, struct replace *replace,
		  struct error *err);

/* The same for a process that has the worklist open already, as it was begun or opened: 1 it is to be made, 0 it is not, -1. */
int worklist_read(struct worklist *worklist, struct replace *replace, struct error *err);

/* Whether there is one of that operation, sealed or made: 1, 0, -1. Waits for another process that is at it. */
int worklist_exists(int folder, const char *name, const char *id, struct error *err);

/* When it was written, before anything of it was done. */
int worklist_time(const struct worklist *worklist, struct timespec *written, struct error *err);

void worklist_release(struct worklist *worklist);

#endif
