/* The words behind a command, laid beside those that its help names, and read once: whoever works on them gets what they
 * say, not the words. */
#ifndef WSNAP_COMMAND_WORDS_H
#define WSNAP_COMMAND_WORDS_H

#include "command/command.h"

/* Zeroed, there are none. */
struct words {
	const char **texts; /* as typed, in the order of the command's; NULL where an optional one is missing */
	struct target_word *targets;
	size_t target_count;
	struct version_word *versions;
	size_t version_count;
	char *name;
};

#define cleanup_words __attribute__((cleanup(words_release)))

/* Reads them, and tells the invocation of them. The texts are the line's, the rest belongs to `words`. ERROR_USAGE. */
int words_read(const struct command_line *line, struct invocation *invocation, struct words *words, struct error *err);
void words_release(struct words *words);

#endif
