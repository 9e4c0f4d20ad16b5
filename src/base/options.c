#include "base/options.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* Where the help texts begin. */
#define HELP_COLUMN 32

static void *option_field(const struct option_spec *spec, void *values)
{
	return (char *)values + spec->offset;
}

static int set_text(const struct option_spec *spec, const char *text, char **field, struct error *err)
{
	char *copy = NULL;

	if (strlen(text) > OPTION_VALUE_LIMIT)
		return error_set(err, ERROR_USAGE, "longer than %d bytes", OPTION_VALUE_LIMIT);
	if (text_has_control(text))
		return error_set(err, ERROR_USAGE, "it has control characters");
	if (spec->check && spec->check(text, err) < 0)
		return -1;
	if (*text && !(copy = strdup(text)))
		return error_memory(err);
	free(*field);
	*field = copy;
	return 0;
}

static int set_number(const struct option_spec *spec, const char *text, int *field, struct error *err)
{
	char *end;
	long number;

	errno = 0;
	number = strtol(text, &end, 10);
	if (!text_is_digits(text) || errno || number < spec->minimum || number > spec->maximum)
		return error_set(err, ERROR_USAGE, "not a whole number from %d to %d", spec->minimum, spec->maximum);
	*field = (int)number;
	return 0;
}

static int set_value(const struct option_spec *spec, const char *text, void *field, struct error *err)
{
	switch (spec->type) {
	case OPTION_FLAG:
		*(bool *)field = true;
		return 0;
	case OPTION_TEXT:
		return set_text(spec, text, field, err);
	case OPTION_NUMBER:
		return set_number(spec, text, field, err);
	case OPTION_OTHER:
		return spec->set(text, field, err);
	case OPTION_IGNORED:
	case OPTION_END:
		break;
	}
	return 0;
}

int option_set(const struct option_spec *spec, const char *text, const char *origin, void *values, struct error *err)
{
	if (set_value(spec, text, option_field(spec, values), err) == 0)
		return 0;
	if (spec->secret || !text)
		return error_wrap(err, "'%s' cannot be used", origin);
	return error_wrap(err, "'%s' cannot be '%.100s'", origin, text);
}

int options_set_defaults(const struct option_spec *table, void *values, struct error *err)
{
	for (; table->type != OPTION_END; table++)
		if (table->otherwise && option_set(table, table->otherwise, table->key, values, err) < 0)
			return -1;
	return 0;
}

static bool table_has(const struct option_spec *table, const struct option_spec *spec)
{
	for (; table->type != OPTION_END; table++)
		if (table == spec)
			return true;
	return false;
}

int options_set_given(const struct option_spec *table, const struct options_given *given, void *values,
		      struct error *err)
{
	struct error later;
	int result = 0;

	for (size_t i = 0; i < given->count; i++) {
		const struct option_given *one = &given->items[i];
		char origin[64];

		if (!table_has(table, one->spec))
			continue;
		snprintf(origin, sizeof(origin), "--%s", one->spec->name);
		if (option_set(one->spec, one->text, origin, values, result < 0 ? &later : err) < 0)
			result = -1;
	}
	return result;
}

int options_set_environment(const struct option_spec *table, void *values, struct error *err)
{
	for (; table->type != OPTION_END; table++) {
		const char *text = table->environment ? getenv(table->environment) : NULL;

		if (text && *text && option_set(table, text, table->environment, values, err) < 0)
			return -1;
	}
	return 0;
}

const struct option_spec *options_find_key(const struct option_spec *table, const char *key)
{
	for (; table->type != OPTION_END; table++)
		if (table->key && strcmp(table->key, key) == 0)
			return table;
	return NULL;
}

void options_release(const struct option_spec *table, void *values)
{
	for (; table->type != OPTION_END; table++) {
		if (table->type == OPTION_TEXT) {
			char **field = option_field(table, values);

			free(*field);
			*field = NULL;
		}
	}
}

static void help_line(const struct option_spec *spec, struct text *text)
{
	size_t start = text->length;

	if (spec->letter)
		text_printf(text, "  -%c, --%s", spec->letter, spec->name);
	else
		text_printf(text, "      --%s", spec->name);
	if (spec->argument)
		text_printf(text, " %s", spec->argument);
	/* Two blanks at least, by which completion knows where the help begins. */
	text_add(text, " ");
	do
		text_add(text, " ");
	while (text->length < start + HELP_COLUMN && !text->failed);
	text_add(text, spec->help);
	if (spec->otherwise)
		text_printf(text, " (default %s)", spec->otherwise);
	if (spec->environment)
		text_printf(text, " [$%s]", spec->environment);
	text_add(text, "\n");
}

void options_help(const struct option_spec *table, struct text *text)
{
	for (; table->type != OPTION_END; table++)
		if (table->name)
			help_line(table, text);
}

int option_check_not_empty(const char *text, struct error *err)
{
	return *text ? 0 : error_set(err, ERROR_USAGE, "it is empty");
}

static int *unit_of(struct duration *duration, char letter)
{
	switch (letter) {
	case 'y':
		return &duration->years;
	case 'm':
		return &duration->months;
	case 'd':
		return &duration->days;
	case 'h':
		return &duration->hours;
	default:
		return NULL;
	}
}

int option_set_duration(const char *text, void *field, struct error *err)
{
	struct duration duration = { 0 };
	const char *at = text;

	do {
		size_t digits = strspn(at, "0123456789");
		int *unit = unit_of(&duration, at[digits]);

		if (digits < 1 || digits > 6 || !unit)
			return error_set(err, ERROR_USAGE,
					 "not a length of time such as 2y6m7d12h (years, months, days, hours)");
		*unit = (int)strtol(at, NULL, 10);
		at += digits + 1;
	} while (*at);
	*(struct duration *)field = duration;
	return 0;
}
