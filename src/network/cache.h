/*
 * libcni's cache of attachments: one file `results/<network>-<container>-<interface>` for each,
 * JSON of the kind "cniCacheV1" (cachedInfo in libcni/api.go), so that other users of
 * libcni find what we attached, and we what they did.
 */
#ifndef WSNAP_NETWORK_CACHE_H
#define WSNAP_NETWORK_CACHE_H

#include <limits.h>

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "network/conf.h"
#include "network/network.h"

#define CACHE_LIMIT ((size_t)8 << 20) /* bytes of one file */
#define CACHE_NAME_SIZE (NAME_MAX + 1)

/* The name of a file. -1 (ERROR_USAGE): a part may not stand in a file name, or all are too long. */
int cache_name(const char *network, const char *container_id, const char *ifname, char name[static CACHE_NAME_SIZE],
	       struct error *err);

/* Reads a file. 1 read, 0 not there, -1 error. */
int cache_read(const char *cache_dir, const char *name, struct text *text, struct error *err);

/* The entry in a file's content, checked: its kind, and that container id, interface and network may
 * stand in file names. NULL with ERROR_FAILED. The caller deletes it. */
cJSON *cache_parse(const char *bytes, size_t length, struct error *err);

/* The network's name in an entry. Belongs to the entry. */
const char *cache_network(const cJSON *entry);

/* The configuration that the attachment was made with. -1: none that can be used. */
int cache_conf(const cJSON *entry, struct conf *conf, struct error *err);

/* The entry as an attachment, with `bytes` as its `cached`. */
int cache_attachment(const cJSON *entry, const char *bytes, struct network_attachment *attachment, struct error *err);

/* Writes the entry of an attachment, synced. */
int cache_write(const char *cache_dir, const struct conf *conf, const struct network_attachment *attachment,
		const cJSON *result, struct error *err);

int cache_remove(const char *cache_dir, const char *name, struct error *err);

/* Every valid entry whose file name holds `part`; what is broken is passed over. `each` gets the file's
 * content, and returns 1 to stop, 0 to go on, -1 on error, which is then the result here. */
typedef int (*cache_each_entry)(const cJSON *entry, const char *bytes, void *context, struct error *err);
int cache_each(const char *cache_dir, const char *part, cache_each_entry each, void *context, struct error *err);

#endif
