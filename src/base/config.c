#include "base/config.h"

#include <fcntl.h>
#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"

/* More keys than any table has: each is marked in one bit. */
#define CONFIG_MAX_KEYS 64

/* Cuts a comment off: '#' at the start or after white space. */
static void cut_comment(char *line)
{
	for (char *at = strchr(line, '#'); at; at = strchr(at + 1, '#')) {
		if (at == line || at[-1] == ' ' || at[-1] == '\t') {
			*at = '\0';
			return;
		}
	}
}

static int set_key(const char *key, const char *value, const struct option_spec *table, void *values, uint64_t *seen,
		   struct error *err)
{
	const struct option_spec *spec = options_find_key(table, key);
	uint64_t bit;

	if (!spec || spec - table >= CONFIG_MAX_KEYS)
		return error_set(err, ERROR_USAGE, "'%.100s' is not a key", key);
	bit = (uint64_t)1 << (spec - table);
	if (*seen & bit)
		return error_set(err, ERROR_USAGE, "'%s' is set a second time", key);
	*seen |= bit;
	return option_set(spec, value, key, values, err);
}

/* One line of text, which may be changed. */
static int parse_text(char *line, const struct option_spec *table, void *values, uint64_t *seen, struct error *err)
{
	cleanup_free char *key = NULL, *value = NULL, *rest = NULL;
	char *equals;

	cut_comment(line);
	rest = text_trimmed(line);
	if (!rest)
		return error_memory(err);
	if (!*rest)
		return 0;
	equals = strchr(rest, '=');
	if (!equals) /* the line may be a secret: it is not shown */
		return error_set(err, ERROR_USAGE, "not of the form 'key = value'");
	*equals = '\0';
	key = text_trimmed(rest);
	value = text_trimmed(equals + 1);
	if (!key || !value)
		return error_memory(err);
	return set_key(key, value, table, values, seen, err);
}

static int parse_line(const char *bytes, size_t length, const struct option_spec *table, void *values, uint64_t *seen,
		      struct error *err)
{
	cleanup_free char *line = strndup(bytes, length);

	if (!line)
		return error_memory(err);
	if (strlen(line) != length)
		return error_set(err, ERROR_USAGE, "it has a NUL byte");
	if (!text_is_utf8(line, length))
		return error_set(err, ERROR_USAGE, "not UTF-8");
	return parse_text(line, table, values, seen, err);
}

int config_parse(const char *path, const char *bytes, size_t length, const struct option_spec *table, void *values,
		 struct error *err)
{
	const char *at = bytes, *end = bytes + length;
	struct error later;
	uint64_t seen = 0;
	int result = 0;

	for (unsigned number = 1; at < end; number++) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t line_length = (size_t)((newline ? newline : end) - at);
		struct error *error = result < 0 ? &later : err;

		if (parse_line(at, line_length, table, values, &seen, error) < 0)
			result = error_wrap(error, "'%s', line %u", path, number);
		at += line_length + 1;
	}
	return result;
}

/* What one gives in the place of a file that is not to be read. */
#define NO_FILE "/dev/null"

int config_read(const char *path, bool must_exist, const struct option_spec *table, void *values, struct error *err)
{
	cleanup_text struct text text = { 0 };
	int result;

	if (strcmp(path, NO_FILE) == 0)
		return 0;
	result = file_read_trusted(AT_FDCWD, path, CONFIG_LIMIT, &text, err);
	if (result < 0) {
		err->kind = ERROR_USAGE;
		return error_wrap(err, "the configuration cannot be used");
	}
	if (result > 0 && must_exist)
		return error_set(err, ERROR_USAGE, "'%s' is not there: the configuration cannot be read", path);
	return result > 0 ? 0 : config_parse(path, text.data, text.length, table, values, err);
}
