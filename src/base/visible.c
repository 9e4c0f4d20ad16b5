#include "base/visible.h"

#include <stddef.h>
#include <stdint.h>

/* Default_Ignorable_Code_Point and White_Space, with the blank ones that have neither property. */
static const struct {
	uint32_t first, last;
} invisible[] = {
	{ 0x0000, 0x0020 },   { 0x007f, 0x00a0 },   { 0x00ad, 0x00ad },   { 0x034f, 0x034f }, { 0x061c, 0x061c },
	{ 0x115f, 0x1160 },   { 0x1680, 0x1680 },   { 0x17b4, 0x17b5 },   { 0x180b, 0x180f }, { 0x2000, 0x200f },
	{ 0x2028, 0x202f },   { 0x205f, 0x206f },   { 0x2800, 0x2800 },   { 0x3000, 0x3000 }, { 0x3164, 0x3164 },
	{ 0xfe00, 0xfe0f },   { 0xfeff, 0xfeff },   { 0xffa0, 0xffa0 },   { 0xfff0, 0xfffb }, { 0x1bca0, 0x1bca3 },
	{ 0x1d159, 0x1d159 }, { 0x1d173, 0x1d17a }, { 0xe0000, 0xe0fff },
};

#define LEFT_TO_RIGHT_OVERRIDE 0x202d
#define RIGHT_TO_LEFT_OVERRIDE 0x202e

/* The character at *at, which goes behind it. */
static uint32_t next(const unsigned char **at)
{
	const unsigned char *s = *at;
	size_t more = s[0] < 0x80 ? 0 : s[0] < 0xe0 ? 1 : s[0] < 0xf0 ? 2 : 3;
	uint32_t character = more == 0 ? s[0] : s[0] & (0x3fU >> more);

	for (size_t i = 1; i <= more && s[i]; i++) {
		character = character << 6 | (s[i] & 0x3f);
		*at = s + i;
	}
	(*at)++;
	return character;
}

static bool is_invisible(uint32_t character)
{
	for (size_t i = 0; i < sizeof(invisible) / sizeof(*invisible); i++)
		if (character >= invisible[i].first && character <= invisible[i].last)
			return true;
	return false;
}

bool visible_has_any(const char *text)
{
	const unsigned char *at = (const unsigned char *)text;

	while (*at)
		if (!is_invisible(next(&at)))
			return true;
	return false;
}

bool visible_begins_overridden(const char *text)
{
	const unsigned char *at = (const unsigned char *)text;
	uint32_t character = ' ';

	while (*at && is_invisible(character)) {
		character = next(&at);
		if (character == LEFT_TO_RIGHT_OVERRIDE || character == RIGHT_TO_LEFT_OVERRIDE)
			return true;
	}
	return false;
}
