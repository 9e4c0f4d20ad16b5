#include "store/words.h"

#include <string.h>

#include "base/text.h"

#define EVENT_ROW(type, name, number, origin) [EVENT_##type] = name,

static const char *const event_names[EVENT_TYPE_COUNT] = { STORE_EVENTS(EVENT_ROW) };

const char *store_event_name(enum store_event_type type)
{
	return event_names[type];
}

char *store_version_shown(const char *display_name, int32_t version)
{
	return display_name ? strdup(display_name) : text_format("Version %d", version);
}
