/* The rows of `containers` and `bots`: which workspaces the database knows. */
#ifndef WSNAP_STORE_WORKSPACES_H
#define WSNAP_STORE_WORKSPACES_H

#include <stddef.h>

#include "store/store.h"

struct store_workspace {
	char bot_id[ID_SIZE];
	char *container_id;
	char *namespace;
	char *image;
	char *status;
	int versions;    /* number of rows in container_versions */
	int newest;      /* largest version, 0 for none */
	char *newest_at; /* when that was made: RFC 3339, NULL for none */
	char *fault;     /* of a list: why the row cannot be read, NULL: it can. Else only container_id is set */
};

void store_workspace_release(struct store_workspace *workspace);

#define cleanup_store_workspace __attribute__((cleanup(store_workspace_release)))

/* The row of a container: 1 found, 0 none, -1 error. ERROR_REFUSED where the user sees rows of that id of several
 * teams. */
int store_workspace_of_container(struct store *store, const char *container_id, struct store_workspace *workspace,
				 struct error *err);

/* The row of a bot that was updated last, but for those of backends without containers: 1, 0, -1. */
int store_workspace_of_bot(struct store *store, const char *bot_id, struct store_workspace *workspace,
			   struct error *err);

/* Whether the bot has a row: 1, 0, -1. */
int store_bot_exists(struct store *store, const char *bot_id, struct error *err);

/* The bot's metadata as JSON text; 1 with *metadata (caller frees), 0 when there is no row, no
 * such column or it is null, -1 error. */
int store_bot_metadata(struct store *store, const char *bot_id, char **metadata, struct error *err);

struct store_workspaces {
	struct store_workspace *items;
	size_t count;
};

void store_workspaces_release(struct store_workspaces *workspaces);

#define cleanup_store_workspaces __attribute__((cleanup(store_workspaces_release)))

/* All rows of `containers`, by container id. One that cannot be read hinders no other: it says so, and one whose
 * id is unreadable is passed over with a warning. */
int store_workspace_list(struct store *store, struct store_workspaces *workspaces, struct error *err);

#endif
