#include "workspace/names.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "base/visible.h"
#include "store/words.h"

#define SOURCE_MAX_BYTES 32
#define SOURCE_CHARACTERS "abcdefghijklmnopqrstuvwxyz0123456789_-"

int name_refuse_empty(struct error *err)
{
	return error_set(err, ERROR_USAGE, "'' cannot be a name: it is empty");
}

char *name_check(const char *text, struct error *err)
{
	cleanup_free char *name = text_trimmed(text);

	if (!name)
		error_memory(err);
	else if (!text_is_utf8(name, strlen(name)))
		error_set(err, ERROR_USAGE, "'%.128s' cannot be a name: it is not UTF-8", name);
	else if (text_has_control(name))
		error_set(err, ERROR_USAGE, "'%.128s' cannot be a name: it has control characters", name);
	else if (!*name)
		name_refuse_empty(err);
	else if (strlen(name) > NAME_MAX_BYTES)
		error_set(err, ERROR_USAGE, "'%.128s…' cannot be a name: it has %zu bytes, more than %d", name,
			  strlen(name), NAME_MAX_BYTES);
	else if (text_is_digits(name))
		error_set(err, ERROR_USAGE, "'%s' cannot be a name: digits alone are a version's number", name);
	else if (*name == '@')
		error_set(err, ERROR_USAGE, "'%s' cannot be a name: '@' says a version's place or time", name);
	else if (!visible_has_any(name))
		error_set(err, ERROR_USAGE, "'%s' cannot be a name: nothing of it can be seen", name);
	else if (visible_begins_overridden(name))
		error_set(err, ERROR_USAGE, "a name cannot begin with a bidirectional override");
	else
		return steal_pointer(name);
	return NULL;
}

int name_check_source(const char *text, struct error *err)
{
	size_t length = strlen(text);

	if (length >= 1 && length <= SOURCE_MAX_BYTES && strspn(text, SOURCE_CHARACTERS) == length)
		return 0;
	return error_set(err, ERROR_USAGE, "'%.64s' cannot be a source: 1 to %d of a-z, 0-9, '_' and '-' can", text,
			 SOURCE_MAX_BYTES);
}

char *name_shown(const char *display_name, int32_t version)
{
	return store_version_shown(display_name, version);
}
