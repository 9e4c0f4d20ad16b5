#include "workspace/version_word.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "workspace/names.h"

#define NS_PER_SECOND 1000000000

/* Lengths of RFC 3339's parts: a date, and one with hours and minutes. */
#define DATE_LENGTH 10
#define MINUTE_LENGTH 16

/* At most that many of a unit, so that no sum overflows: 10,000 years of hours. */
#define AGE_MOST 87660000

void version_word_release(struct version_word *word)
{
	free(word->name);
	*word = (struct version_word){ 0 };
}

/* Digits up to INT32_MAX; leading zeros are allowed. */
static int parse_digits(const char *digits, int32_t least, int32_t *number)
{
	int64_t value = 0;

	if (!text_is_digits(digits))
		return -1;
	for (const char *at = digits; *at; at++) {
		value = value * 10 + (*at - '0');
		if (value > INT32_MAX)
			return -1;
	}
	*number = (int32_t)value;
	return value < least ? -1 : 0;
}

static const struct unit {
	const char *name;
	int months;
	int64_t seconds;
} units[] = {
	{ "y", 12, 0 },   { "m", 1, 0 },    { "w", 0, 7 * 86400 }, { "d", 0, 86400 },
	{ "h", 0, 3600 }, { "min", 0, 60 }, { "s", 0, 1 },
};

static const struct unit *find_unit(const char *name, size_t length)
{
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (strlen(units[i].name) == length && memcmp(units[i].name, name, length) == 0)
			return &units[i];
	return NULL;
}

/* "2h", "1d12h", "1y6m". */
static bool parse_age(const char *text, struct version_word *word)
{
	const char *at = text;

	while (*at) {
		size_t digits = strspn(at, "0123456789");
		size_t letters = strspn(at + digits, "abcdefghijklmnopqrstuvwxyz");
		const struct unit *unit = find_unit(at + digits, letters);
		long number = digits >= 1 && digits <= 8 ? strtol(at, NULL, 10) : AGE_MOST + 1;

		if (!unit || number > AGE_MOST || (unit->months && number > 9999))
			return false;
		word->months += unit->months * (int)number;
		word->seconds += unit->seconds * number;
		if (word->months > 12 * 9999 || word->seconds > INT64_MAX / NS_PER_SECOND / 2)
			return false;
		at += digits + letters;
	}
	word->kind = VERSION_WORD_AGE;
	return at > text;
}

/* RFC 3339; hours, seconds and the offset may be left out. */
static bool parse_time(const char *text, struct version_word *word, struct error *err)
{
	cleanup_text struct text full = { 0 };
	size_t length = strlen(text);

	if (length == DATE_LENGTH)
		text_printf(&full, "%sT00:00:00", text);
	else if (length >= MINUTE_LENGTH && text[MINUTE_LENGTH] != ':')
		text_printf(&full, "%.*s:00%s", MINUTE_LENGTH, text, text + MINUTE_LENGTH);
	else
		text_add(&full, text);
	if (full.failed) {
		error_memory(err);
		return false;
	}
	word->kind = VERSION_WORD_TIME;
	if (clock_parse(full.data, &word->time_ns))
		return true;
	text_add(&full, "Z");
	return !full.failed && clock_parse(full.data, &word->time_ns);
}

/* What stands behind the '@'. */
static int parse_place(const char *text, struct version_word *word, struct error *err)
{
	const char *at = text + 1;

	word->kind = VERSION_WORD_BACK;
	if (!*at || (*at == '-' && parse_digits(at + 1, 0, &word->number) == 0) || parse_age(at, word))
		return 0;
	*word = (struct version_word){ 0 };
	if (parse_time(at, word, err))
		return 0;
	*word = (struct version_word){ 0 };
	error_set(err, ERROR_USAGE, "'%.64s' says neither a place nor a time", text);
	return error_hint(err, "@ is the version it stands on, @-1 the one before, @2h and @3d ages, "
			       "@2026-01-31T23:59 a time in UTC");
}

static int parse(const char *trimmed, struct version_word *word, struct error *err)
{
	if (*trimmed == '@')
		return parse_place(trimmed, word, err);
	if (text_is_digits(trimmed)) {
		word->kind = VERSION_WORD_NUMBER;
		if (parse_digits(trimmed, 1, &word->number) == 0)
			return 0;
		word->number = 0;
		return error_set(err, ERROR_USAGE, "'%.64s' cannot be a version: numbers go from 1 to %d", trimmed,
				 INT32_MAX);
	}
	word->kind = VERSION_WORD_NAME;
	word->name = name_check(trimmed, err);
	return word->name ? 0 : -1;
}

int version_word_parse(const char *text, struct version_word *word, struct error *err)
{
	cleanup_free char *trimmed = text_trimmed(text);
	int parsed;

	*word = (struct version_word){ 0 };
	parsed = trimmed ? parse(trimmed, word, err) : error_memory(err);
	word->text = text;
	return parsed;
}

/* A month before March 31 is March 3, as everywhere that such lengths are counted. */
int64_t version_word_time(const struct version_word *word, int64_t now_ns)
{
	time_t seconds = (time_t)(now_ns / NS_PER_SECOND) - (time_t)word->seconds;
	struct tm time;

	if (word->kind == VERSION_WORD_TIME)
		return word->time_ns;
	if (word->months) {
		gmtime_r(&seconds, &time);
		time.tm_mon -= word->months;
		seconds = timegm(&time);
	}
	if (seconds < INT64_MIN / NS_PER_SECOND)
		return INT64_MIN;
	return (int64_t)seconds * NS_PER_SECOND + now_ns % NS_PER_SECOND;
}
