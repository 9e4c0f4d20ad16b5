#include "workspace/kind.h"

static const struct kind_words words[OPERATION_KIND_COUNT] = {
	[OPERATION_CREATE] = { "create", SOURCE_MANUAL, "snapshot-", "active-", EVENT_SNAPSHOT_CREATE },
	[OPERATION_VERSION] = { "version", SOURCE_PRE_EXEC, "v", "active-", EVENT_VERSION_CREATE },
	[OPERATION_ROLLBACK] = { "rollback", SOURCE_ROLLBACK, "v", "rollback-", EVENT_VERSION_CREATE },
	[OPERATION_COMPACT] = { "compact", SOURCE_COMPACT, "layer-", "active-", EVENT_NONE },
	[OPERATION_RESTORE] = { "restore", SOURCE_RESTORE, "v", "active-", EVENT_VERSION_CREATE },
};

const struct kind_words *kind_words(enum operation_kind kind)
{
	return &words[kind];
}
