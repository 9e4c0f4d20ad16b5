/* The kinds of operation, and the words that go with each: one row a kind. */
#ifndef WSNAP_WORKSPACE_KIND_H
#define WSNAP_WORKSPACE_KIND_H

#include "store/words.h"

enum operation_kind {
	OPERATION_CREATE,
	OPERATION_VERSION,
	OPERATION_ROLLBACK,
	OPERATION_COMPACT,
	OPERATION_RESTORE,
	OPERATION_KIND_COUNT,
};

struct kind_words {
	const char *name;            /* the command's, also for messages */
	const char *source;          /* of the version that it saves, unless the user names one */
	const char *saved;           /* what stands between container and time in the committed snapshot's name … */
	const char *active;          /* … and in that of the new active one */
	enum store_event_type event; /* told when it has saved a version */
};

/* The words of a kind. Static. */
const struct kind_words *kind_words(enum operation_kind kind);

#endif
