#include "base/text.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool text_reserve(struct text *text, size_t more)
{
	size_t limit = text->limit ? text->limit : TEXT_LIMIT;
	size_t want = text->capacity ? text->capacity : 64;
	char *grown;

	if (text->failed)
		return false;
	if (more > limit || text->length > limit - more) {
		text->failed = true;
		return false;
	}
	while (want < text->length + more + 1)
		want *= 2;
	if (want == text->capacity)
		return true;
	grown = realloc(text->data, want);
	if (!grown) {
		text->failed = true;
		return false;
	}
	text->data = grown;
	text->capacity = want;
	return true;
}

void text_append(struct text *text, const void *bytes, size_t length)
{
	if (!text_reserve(text, length))
		return;
	if (length)
		memcpy(text->data + text->length, bytes, length);
	text->length += length;
	text->data[text->length] = '\0';
}

void text_add(struct text *text, const char *string)
{
	text_append(text, string, strlen(string));
}

void text_printf(struct text *text, const char *format, ...)
{
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (length < 0) {
		text->failed = true;
		return;
	}
	if (!text_reserve(text, (size_t)length))
		return;
	va_start(args, format);
	vsnprintf(text->data + text->length, (size_t)length + 1, format, args);
	va_end(args);
	text->length += (size_t)length;
}

void text_release(struct text *text)
{
	free(text->data);
	*text = (struct text){ .limit = text->limit };
}

char *text_steal(struct text *text)
{
	char *data;

	text_append(text, "", 0);
	if (text->failed) {
		text_release(text);
		return NULL;
	}
	data = text->data;
	*text = (struct text){ .limit = text->limit };
	return data;
}

/* The length of the UTF-8 sequence at `s`, 0 if there is none (RFC 3629, section 4). */
static size_t sequence_length(const unsigned char *s, size_t left)
{
	size_t length = s[0] < 0x80                   ? 1
			: s[0] >= 0xc2 && s[0] < 0xe0 ? 2
			: s[0] >= 0xe0 && s[0] < 0xf0 ? 3
			: s[0] >= 0xf0 && s[0] < 0xf5 ? 4
						      : 0;

	if (length == 0 || length > left)
		return 0;
	for (size_t i = 1; i < length; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] >= 0xa0) || (s[0] == 0xf0 && s[1] < 0x90) ||
	    (s[0] == 0xf4 && s[1] >= 0x90))
		return 0;
	return length;
}

static bool is_control(const unsigned char *s)
{
	return s[0] < 0x20 || s[0] == 0x7f || (s[0] == 0xc2 && s[1] < 0xa0);
}

void text_clean(char *string)
{
	unsigned char *s = (unsigned char *)string;
	size_t left = strlen(string);

	while (left) {
		size_t length = sequence_length(s, left);

		if (length == 0) {
			*s = '?';
			length = 1;
		} else if (is_control(s)) {
			memset(s, '?', length);
		}
		s += length;
		left -= length;
	}
}

bool text_is_utf8(const char *string, size_t length)
{
	const unsigned char *s = (const unsigned char *)string;

	while (length) {
		size_t step = sequence_length(s, length);

		if (step == 0)
			return false;
		s += step;
		length -= step;
	}
	return true;
}

bool text_has_control(const char *string)
{
	for (const unsigned char *s = (const unsigned char *)string; *s; s++)
		if (is_control(s))
			return true;
	return false;
}

bool text_is_digits(const char *string)
{
	return *string && strspn(string, "0123456789") == strlen(string);
}

/* isalnum(3) asks the locale; this must not. */
static bool is_letter_or_digit(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

bool text_is_identifier(const char *string)
{
	size_t length = strlen(string);

	if (length < 1 || length > 76)
		return false;
	for (size_t i = 0; i < length; i++) {
		if (is_letter_or_digit(string[i]))
			continue;
		if (i == 0 || i == length - 1 || !strchr("._-", string[i]) || !is_letter_or_digit(string[i - 1]))
			return false;
	}
	return true;
}

char *text_trimmed(const char *string)
{
	static const char space[] = " \t\n\v\f\r";
	size_t length;

	string += strspn(string, space);
	length = strlen(string);
	while (length && strchr(space, string[length - 1]))
		length--;
	return strndup(string, length);
}

char *text_format_list(const char *format, va_list args)
{
	char *string = NULL;

	return vasprintf(&string, format, args) < 0 ? NULL : string;
}

char *text_format(const char *format, ...)
{
	char *string;
	va_list args;

	va_start(args, format);
	string = text_format_list(format, args);
	va_end(args);
	return string;
}

bool text_starts_with(const char *string, const char *prefix)
{
	return strncmp(string, prefix, strlen(prefix)) == 0;
}
