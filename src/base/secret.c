#include "base/secret.h"

#include <string.h>

#define SPACE " \t\n\v\f\r"
#define KEYWORD "password"
#define SCHEME_END "://"
#define STARS 3

/* Overwrites the bytes from `from` to `to`, and goes on behind the stars. */
static char *cover(char *from, char *to)
{
	size_t stars = to - from < STARS ? (size_t)(to - from) : STARS;

	memset(from, '*', stars);
	memmove(from + stars, to, strlen(to) + 1);
	return from + stars;
}

/* The quote that ends a value, or the end of the text. */
static char *quoted_end(char *at)
{
	while (*at && *at != '\'')
		at += at[0] == '\\' && at[1] ? 2 : 1;
	return at;
}

/* The end of a bare value. What encloses or ends it in our own sentence is not its own. */
static char *bare_end(char *from)
{
	char *end = from + strcspn(from, SPACE);

	while (end > from && strchr("'\":,", end[-1]))
		end--;
	return end;
}

static void hide_keywords(char *text)
{
	char *at = text;

	while ((at = strstr(at, KEYWORD))) {
		char *value = at + strlen(KEYWORD);

		at = value;
		value += strspn(value, SPACE);
		if (*value != '=')
			continue;
		value++;
		value += strspn(value, SPACE);
		if (*value == '\'')
			at = cover(value + 1, quoted_end(value + 1));
		else
			at = cover(value, bare_end(value));
	}
}

static void hide_in_addresses(char *text)
{
	char *at = text;

	while ((at = strstr(at, SCHEME_END))) {
		char *host, *colon;

		at += strlen(SCHEME_END);
		colon = at + strcspn(at, ":" SPACE);
		host = memrchr(at, '@', strcspn(at, SPACE));
		if (host && *colon == ':' && colon < host)
			at = cover(colon + 1, host);
	}
}

void secret_hide(char *text)
{
	hide_keywords(text);
	hide_in_addresses(text);
}
