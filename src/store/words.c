#include "store/words.h"

#include <string.h>

#include "base/text.h"

static const char *const event_names[EVENT_TYPE_COUNT] = {
	[EVENT_SNAPSHOT_CREATE] = "snapshot_create",
	[EVENT_VERSION_CREATE] = "version_create",
	[EVENT_VERSION_ROLLBACK] = "version_rollback",
	[EVENT_VERSION_PRUNE] = "version_prune",
	[EVENT_NAME] = "name",
	[EVENT_FORK] = "fork",
};

const char *store_event_name(enum store_event_type type)
{
	return event_names[type];
}

char *store_version_shown(const char *display_name, int32_t version)
{
	return display_name ? strdup(display_name) : text_format("Version %d", version);
}
