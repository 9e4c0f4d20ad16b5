/* containerd.types.Mount: what a snapshotter says of how its snapshot is mounted. */
#ifndef WSNAP_CTR_MOUNTS_H
#define WSNAP_CTR_MOUNTS_H

#include <stdbool.h>
#include <stddef.h>

struct ctr_mount {
	char *type; /* overlay, bind, … */
	char *source;
	char *target;
	char **options; /* key=value or words */
	size_t option_count;
};

struct ctr_mounts {
	struct ctr_mount *items;
	size_t count;
};

void ctr_mount_release(struct ctr_mount *mount);
void ctr_mounts_release(struct ctr_mounts *mounts);

#define cleanup_ctr_mounts __attribute__((cleanup(ctr_mounts_release)))

/* The value of an option "name=value" of the mount, or NULL. Belongs to the mount. */
const char *ctr_mount_option(const struct ctr_mount *mount, const char *name);

/* Whether the mount has an option that is this word alone. */
bool ctr_mount_has_word(const struct ctr_mount *mount, const char *word);

#endif
