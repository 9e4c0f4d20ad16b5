/*
 * Which workspaces a run is about when it is about several: the words of the command line, all that have a history
 * and a container here, or all containers of the namespace whose labels match.
 */
#ifndef WSNAP_WORKSPACE_SELECTION_H
#define WSNAP_WORKSPACE_SELECTION_H

#include "base/labels.h"
#include "base/names_set.h"
#include "workspace/session.h"
#include "workspace/target.h"

#define SELECTION_MAX_FILTERS 16

/* "LABEL" or "LABEL=VALUE": all must hold. */
struct label_filters {
	const char *items[SELECTION_MAX_FILTERS];
	size_t count;
};

struct selection {
	bool all; /* with filters: only those of them that match */
	struct label_filters filters;
	const struct target_word *words; /* TARGETs, if neither */
	size_t word_count;
};

/* Whether the label filter is one: ERROR_USAGE for one without a label. */
int selection_check_filter(const char *filter, struct error *err);

/* Whether the labels have all that the filters ask for. */
bool selection_matches(const struct label_filters *filters, const struct labels *labels);

/*
 * The ids of the chosen containers, each once, by strcmp. A word that cannot be resolved is passed on as it is: whoever
 * works on it says why. Needs the store for `all`, and for a bot id.
 */
int selection_make(struct session *session, const struct selection *selection, struct names_set *ids,
		   struct error *err);

#endif
