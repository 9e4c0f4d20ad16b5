/* From a TARGET, a container id or a bot id, to the workspace that is meant. */
#ifndef WSNAP_WORKSPACE_TARGET_H
#define WSNAP_WORKSPACE_TARGET_H

#include "base/id.h"
#include "ctr/containers.h"
#include "workspace/session.h"

struct target {
	char *container_id;
	char bot_id[ID_SIZE];
	bool present;                   /* whether containerd has the container */
	struct ctr_container container; /* when it has */
};

/* Whether the text follows containerd's identifier rule (1 to 76 characters, alphanumeric
 * at both ends, single '.', '_' or '-' between). */
bool target_name_is_valid(const char *text);

/* What a TARGET says. */
struct target_word {
	const char *text;     /* the caller's */
	char bot_id[ID_SIZE]; /* "": it is no UUID, so a container id */
};

/* Reads it. ERROR_USAGE for a text that could be neither a container id nor a bot id. */
int target_word_parse(const char *text, struct target_word *word, struct error *err);

/*
 * A bot id (UUID): the row in `containers` that was updated last, the label memoh.bot_id, the names workspace-<bot id> and
 * mcp-<bot id>, in this order; a container id: its bot from its row, the label, the name prefixes workspace- and mcp-, else
 * the version 5 UUID of NAMESPACE/CONTAINER. With must_exist, a container that containerd
 * does not have is ERROR_NOT_FOUND; without, one that has a row will do (`list`, `show`, `events`).
 */
int target_resolve(struct session *session, const struct target_word *word, bool must_exist, struct target *target,
		   struct error *err);

/*
 * The bot of a container that has no row: 1 by its label memoh.bot_id (NULL: it has none) or the prefix of its name, 0 the
 * version 5 UUID that is made from its namespace and id.
 */
int target_derive_bot(struct session *session, const char *container_id, const char *label, char bot_id[static ID_SIZE],
		      struct error *err);

/* The same for an id that was found elsewhere, one without a container too. */
int target_find(struct session *session, const char *container_id, struct target *target, struct error *err);

/*
 * Container ids are unique in a namespace, rows in the database by id alone: two containers of one id would share a
 * history. ERROR_REFUSED when the row is that of a container which this containerd has in another namespace.
 */
int target_check_namespace(struct session *session, const char *container_id, struct error *err);

void target_release(struct target *target);

#define cleanup_target __attribute__((cleanup(target_release)))

#endif
