/* Between protobuf-c messages and the shim's own types. */
#ifndef WSNAP_CTR_MESSAGE_H
#define WSNAP_CTR_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/labels.h"
#include "ctr/mounts.h"

struct Ctr__Any;
struct Ctr__Label;
struct Ctr__Mount;
struct Ctr__Timestamp;
struct ctr_any;

/* A string for a request's field: protobuf-c has them as `char *`, but packing only reads. */
static inline char *message_string(const char *string)
{
	return (char *)(uintptr_t)string;
}

/* Copies a string of a reply to *to. */
int message_copy_string(char **to, const char *from, struct error *err);

/* Nanoseconds since 1970; 0 where the time is absent or out of range (Go's zero time). */
int64_t message_time_ns(const struct Ctr__Timestamp *time);

/* Labels as entries of a request's map; they refer to the strings of `labels`, which may be NULL. The
 * caller frees the list with free(): its items lie in the same block. NULL: out of memory, or no labels
 * (then *count is 0 and there is no error). */
struct Ctr__Label **message_make_labels(const struct labels *labels, size_t *count, struct error *err);

/* Labels to be set by an update: as entries of its map, and as the paths of its field mask, which leave all others. */
struct message_label_update {
	struct Ctr__Label **entries;
	char **paths;
	size_t count;
};
int message_label_update_make(const struct labels *labels, struct message_label_update *update, struct error *err);
void message_label_update_release(struct message_label_update *update);

#define cleanup_label_update __attribute__((cleanup(message_label_update_release)))

int message_copy_labels(struct labels *to, struct Ctr__Label *const *from, size_t count, struct error *err);

int message_copy_any(struct ctr_any *to, const struct Ctr__Any *from, struct error *err);
void message_release_any(struct ctr_any *any);

/* Takes over what a reply says about mounts; *to is as before if it fails. */
int message_copy_mounts(struct ctr_mounts *to, struct Ctr__Mount *const *from, size_t count, struct error *err);

/* The bytes that labels take. */
size_t message_labels_size(struct Ctr__Label *const *labels, size_t count);

#endif
