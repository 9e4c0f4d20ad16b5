/*
 * The journal: at most one saved record per workspace, in the state directory, under
 * the name NAMESPACE~CONTAINER.operation. What journal_save returned 0 for survives a power cut.
 */
#ifndef WSNAP_WORKSPACE_JOURNAL_H
#define WSNAP_WORKSPACE_JOURNAL_H

#include "base/names_set.h"
#include "workspace/record.h"
#include "workspace/session.h"

/* The end of the name of a record that was set aside. */
#define JOURNAL_REFUSED ".refused"

int journal_save(struct session *session, const struct record *record, struct error *err);

/* 1 there is one, 0 there is none, -1 it cannot be read. */
int journal_load(struct session *session, const char *container_id, struct record *record, struct error *err);

/* Whether there is one, readable or not: 1, 0, -1. */
int journal_exists(struct session *session, const char *container_id, struct error *err);

int journal_remove(struct session *session, const char *container_id, struct error *err);

/* Removes what a journal_save that was killed has left beside the record. The caller holds the lock. */
void journal_tidy(struct session *session, const char *container_id);

/*
 * Keeps the record of an operation whose rows the database refused under a name of its own, NAMESPACE~CONTAINER~ID.refused:
 * the operation has ended but for them, and the next ones run.
 */
int journal_set_aside(struct session *session, const struct record *record, struct error *err);

/* Removes it. */
int journal_take_up(struct session *session, const struct record *record, struct error *err);

/* Calls `each` for every record of this namespace that was set aside, of one container or with NULL of all, the oldest
 * first. One that cannot be read is a warning. */
typedef int (*journal_each_record)(const struct record *record, void *context, struct error *err);
int journal_each_refused(struct session *session, const char *container_id, journal_each_record each, void *context,
			 struct error *err);

/* Adds every container of this namespace (with `container_id` that one alone) of which the state directory has a file with
 * that end of its name. */
int journal_add_with_file(struct session *session, const char *container_id, const char *suffix,
			  struct names_set *containers, struct error *err);

/* Calls `each` for the container of every record of this namespace, whole or half written, in the order of
 * their names. */
typedef int (*journal_each_container)(const char *container_id, void *context, struct error *err);
int journal_each(struct session *session, journal_each_container each, void *context, struct error *err);

/* Adds every namespace of which there is a record here. */
int journal_namespaces(struct session *session, struct names_set *namespaces, struct error *err);

#endif
