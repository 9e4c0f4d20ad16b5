/* Values out of the database are checked here before anybody sees them. */
#include <errno.h>
#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "store/query.h"

void rows_release(struct rows *rows)
{
	PQclear(rows->result);
	rows->result = NULL;
}

int rows_count(const struct rows *rows)
{
	return PQntuples(rows->result);
}

bool rows_is_null(const struct rows *rows, int row, int column)
{
	return PQgetisnull(rows->result, row, column);
}

const char *rows_raw(const struct rows *rows, int row, int column)
{
	return PQgetvalue(rows->result, row, column);
}

/* "the database holds a 'version' that is out of range: '-1'" */
static int bad_value(const struct rows *rows, int row, int column, const char *why, struct error *err)
{
	const char *name = PQfname(rows->result, column);

	return error_set(err, ERROR_DATABASE, "the database holds a '%s' that is %s: '%.100s'", name ? name : "value",
			 why, PQgetvalue(rows->result, row, column));
}

int rows_text_or_null(const struct rows *rows, int row, int column, size_t limit, const char **value, struct error *err)
{
	char *text;

	*value = NULL;
	if (rows_is_null(rows, row, column))
		return 0;
	if ((size_t)PQgetlength(rows->result, row, column) > limit)
		return bad_value(rows, row, column, "too long", err);
	text = PQgetvalue(rows->result, row, column);
	text_clean(text);
	*value = text;
	return 0;
}

int rows_text(const struct rows *rows, int row, int column, const char **value, struct error *err)
{
	if (rows_is_null(rows, row, column))
		return bad_value(rows, row, column, "null", err);
	return rows_text_or_null(rows, row, column, ROWS_TEXT_LIMIT, value, err);
}

int rows_integer(const struct rows *rows, int row, int column, int64_t least, int64_t most, int64_t *value,
		 struct error *err)
{
	const char *text = PQgetvalue(rows->result, row, column);
	char *end;
	long long number;

	errno = 0;
	number = strtoll(text, &end, 10);
	if (errno || end == text || *end)
		return bad_value(rows, row, column, "no whole number", err);
	if (number < least || number > most)
		return bad_value(rows, row, column, "out of range", err);
	*value = number;
	return 0;
}

int rows_id(const struct rows *rows, int row, int column, char id[static ID_SIZE], struct error *err)
{
	if (!id_parse(PQgetvalue(rows->result, row, column), id))
		return bad_value(rows, row, column, "no UUID", err);
	return 0;
}

int rows_time(const struct rows *rows, int row, int column, int64_t *unix_ns, struct error *err)
{
	int64_t microseconds;

	if (rows_integer(rows, row, column, INT64_MIN / 1000, INT64_MAX / 1000, &microseconds, err) < 0)
		return -1;
	*unix_ns = microseconds * 1000;
	return 0;
}
