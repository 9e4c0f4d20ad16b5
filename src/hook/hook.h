/*
 * Hooks: the operator's programs before and after each operation. Every executable file of the folder `hooks_dir`, in
 * the order of names, gets the facts in its environment and as JSON on its standard input, and has `hook_timeout`
 * seconds. What it prints goes to our log. It gets no password of the database.
 */
#ifndef WSNAP_HOOK_HOOK_H
#define WSNAP_HOOK_HOOK_H

#include "base/settings.h"
#include "hook/facts.h"

/* Whether there may be any: the folder exists, and --no-hooks was not given. */
bool hook_is_wanted(const struct settings *settings);

/*
 * Runs them. Blocks until the last one has ended. HOOK_PRE: ERROR_REFUSED at the first that fails (a status that is
 * not 0, a signal, over its time), with its last line; the others are not run then. HOOK_POST: all are run, a failure
 * is a warning. ERROR_REFUSED in HOOK_PRE as well where the folder or a file could be written by others than root (or
 * us), for they run as we do.
 */
int hook_run(const struct settings *settings, enum hook_phase phase, const struct hook_facts *facts, struct error *err);

#endif
