/* What a VERSION argument says: a number, a name, a place in the lineage or a time. */
#ifndef WSNAP_WORKSPACE_VERSION_WORD_H
#define WSNAP_WORKSPACE_VERSION_WORD_H

#include <stdint.h>

#include "base/error.h"

enum version_word_kind {
	VERSION_WORD_NUMBER,
	VERSION_WORD_NAME,
	VERSION_WORD_BACK, /* "@", "@-2": so many before the one that the workspace stands on */
	VERSION_WORD_AGE,  /* "@2h": what was the newest that long ago */
	VERSION_WORD_TIME, /* "@2026-11-28T10:00": what was the newest then */
};

struct version_word {
	const char *text; /* as typed, the caller's; NULL: it was not */
	enum version_word_kind kind;
	int32_t number; /* of the version; how many back */
	char *name;
	int months;      /* of an age: by the calendar … */
	int64_t seconds; /* … and the rest of it */
	int64_t time_ns; /* of a time, since 1970 */
};

/* Reads it: digits are a number in 1…2147483647, what begins with '@' is a place or a time (without an offset in UTC),
 * anything else is a name. ERROR_USAGE. */
int version_word_parse(const char *text, struct version_word *word, struct error *err);
void version_word_release(struct version_word *word);

#define cleanup_version_word __attribute__((cleanup(version_word_release)))

/* The time that an age or a time means, `now_ns` being the present one. */
int64_t version_word_time(const struct version_word *word, int64_t now_ns);

#endif
