#include "network/base64.h"

#include <stdint.h>
#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(const void *bytes, size_t length, struct text *text)
{
	const uint8_t *at = bytes;

	for (; length; at += 3) {
		size_t have = length < 3 ? length : 3;
		uint32_t bits = (uint32_t)at[0] << 16 | (have > 1 ? (uint32_t)at[1] << 8 : 0) | (have > 2 ? at[2] : 0);
		char four[4] = { alphabet[bits >> 18], alphabet[bits >> 12 & 63],
				 have > 1 ? alphabet[bits >> 6 & 63] : '=', have > 2 ? alphabet[bits & 63] : '=' };

		text_append(text, four, sizeof(four));
		length -= have;
	}
	text_append(text, "", 0);
}

/* The six bits of a character, or -1. */
static int value_of(char c)
{
	const char *found = c ? strchr(alphabet, c) : NULL;

	return found ? (int)(found - alphabet) : -1;
}

/* One group of four characters. Returns its number of bytes, 1 to 3, or -1. */
static int decode_group(const char four[4], uint8_t bytes[3])
{
	int padding = four[3] != '=' ? 0 : four[2] != '=' ? 1 : 2;
	uint32_t bits = 0;

	for (int i = 0; i < 4; i++) {
		int value = i < 4 - padding ? value_of(four[i]) : 0;

		if (value < 0)
			return -1;
		bits = bits << 6 | (uint32_t)value;
	}
	/* Bits that padding cuts off must be zero: one text for one sequence of bytes. */
	if ((padding == 1 && bits & 0xff) || (padding == 2 && bits & 0xffff))
		return -1;
	bytes[0] = (uint8_t)(bits >> 16);
	bytes[1] = (uint8_t)(bits >> 8);
	bytes[2] = (uint8_t)bits;
	return 3 - padding;
}

int base64_decode(const char *encoded, struct text *text)
{
	size_t length = strlen(encoded);

	text_append(text, "", 0);
	if (length % 4)
		return -1;
	for (size_t i = 0; i < length; i += 4) {
		uint8_t bytes[3];
		int count = decode_group(encoded + i, bytes);

		if (count < 0 || (count < 3 && i + 4 < length))
			return -1;
		text_append(text, bytes, (size_t)count);
	}
	return text->failed ? -1 : 0;
}
