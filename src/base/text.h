/*
 * Text: a growing byte buffer with a limit, and the checks on foreign strings.
 *
 * Errors of a buffer gather in one flag: append as often as you like, look at
 * `failed` once at the end (out of memory, or over the limit). `data` is always
 * terminated by a NUL that `length` does not count, and never NULL after the
 * first append.
 */
#ifndef WSNAP_BASE_TEXT_H
#define WSNAP_BASE_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct text {
	char *data;
	size_t length; /* bytes */
	size_t capacity;
	size_t limit; /* bytes; 0 means TEXT_LIMIT */
	bool failed;
};

#define TEXT_LIMIT ((size_t)64 << 20)

#define cleanup_text __attribute__((cleanup(text_release)))

void text_append(struct text *text, const void *bytes, size_t length);
void text_add(struct text *text, const char *string);
void text_printf(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Frees the bytes; the value can be used again. */
void text_release(struct text *text);

/* Takes the bytes out of the buffer; the caller frees them. NULL if it failed. */
char *text_steal(struct text *text);

/* Replaces, in place, control characters (C0, DEL, C1) and what is not UTF-8
 * (RFC 3629) by '?', so that foreign text cannot steer a terminal or break a line. */
void text_clean(char *string);

/* Whether the bytes are UTF-8 (RFC 3629: no surrogates, no overlong forms). */
bool text_is_utf8(const char *string, size_t length);

/* Whether a C0, DEL or C1 control character is in it. */
bool text_has_control(const char *string);

/* Whether it is one or more ASCII digits and nothing else. */
bool text_is_digits(const char *string);

/* Whether it follows containerd's identifier rule (containerd, identifiers/validate.go): 1 to 76
 * characters, letters and digits, single '.', '_' or '-' between them. Ids and namespaces are such. */
bool text_is_identifier(const char *string);

/* A copy of `string` without ASCII white space at both ends. Caller frees; NULL without memory. */
char *text_trimmed(const char *string);

/* printf into new memory; the caller frees. NULL without memory. */
char *text_format(const char *format, ...) __attribute__((format(printf, 1, 2)));
char *text_format_list(const char *format, va_list args) __attribute__((format(printf, 1, 0)));

bool text_starts_with(const char *string, const char *prefix);

#endif
