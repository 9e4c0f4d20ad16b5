#include "workspace/kind.h"

#include <stddef.h>

static const struct kind_words words[OPERATION_KIND_COUNT] = {
	[OPERATION_CREATE] = { "create", "manual", "snapshot-", "active-", "snapshot_create" },
	[OPERATION_VERSION] = { "version", "pre_exec", "v", "active-", "version_create" },
	[OPERATION_ROLLBACK] = { "rollback", "rollback", "v", "rollback-", "version_create" },
	[OPERATION_COMPACT] = { "compact", "compact", "layer-", "active-", NULL },
};

const struct kind_words *kind_words(enum operation_kind kind)
{
	return &words[kind];
}
