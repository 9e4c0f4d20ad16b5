/*
 * Who holds a workspace's lock, as the labels of its lease say it, and whether that run has ended. A run is judged only
 * where its process can be seen: what cannot be told is never guessed.
 */
#ifndef WSNAP_WORKSPACE_HOLDER_H
#define WSNAP_WORKSPACE_HOLDER_H

#include <stdbool.h>

#include "base/labels.h"
#include "workspace/session.h"

enum holder_state {
	HOLDER_ALIVE,
	HOLDER_DEAD,
	HOLDER_UNKNOWN, /* another host's, or of a PID namespace that is not ours */
};

struct holder {
	bool ours; /* of our state directory: what it left is ours to finish */
	enum holder_state state;
};

/* The labels of this process: `lock` is the file that it has locked, -1 for none, `what` the operation's name. The state
 * directory must be open. */
int holder_describe_self(struct session *session, int lock, const char *what, struct labels *labels, struct error *err);

/* Judges another run's labels by our own. With the LABEL_LOCK_FILE among ours, that lock must be held. */
struct holder holder_judge(const struct labels *own, const struct labels *theirs);

/* "pid 4711 on the host 'a', version since …, state directory '/var/lib/wsnap'"; the caller frees. NULL: no memory. */
char *holder_words(const struct labels *theirs);

#endif
