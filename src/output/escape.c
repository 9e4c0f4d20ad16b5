#include "output/escape.h"

#include <string.h>

/* Bytes of the character at `at`, 0 where it is none (RFC 3629). */
static size_t character_length(const char *at)
{
	unsigned char first = (unsigned char)*at;
	size_t length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;

	if (strnlen(at, length) < length || !text_is_utf8(at, length))
		return 0;
	return length;
}

static bool is_control(const char *at, size_t length)
{
	char character[5] = "";

	memcpy(character, at, length);
	return text_has_control(character);
}

void escape_path(struct text *text, const char *path)
{
	while (*path) {
		size_t length = character_length(path);

		if (length && *path != '\\' && !is_control(path, length)) {
			text_append(text, path, length);
			path += length;
			continue;
		}
		for (length = length ? length : 1; length; length--)
			text_printf(text, "\\%03o", (unsigned char)*path++);
	}
}
