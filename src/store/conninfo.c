#include "store/conninfo.h"

#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

#define HIDDEN "***"
#define PORT_MOST 65535
#define MESSAGE_LIMIT ((size_t)64 << 10)

static void options_cleanup(PQconninfoOption **options)
{
	PQconninfoFree(*options);
}

#define cleanup_options __attribute__((cleanup(options_cleanup)))

static bool is_uri(const char *conninfo)
{
	return text_starts_with(conninfo, "postgresql://") || text_starts_with(conninfo, "postgres://");
}

/* What libpq takes for a connection string; anything else is the bare name of a database. */
static bool is_connection_string(const char *conninfo)
{
	return is_uri(conninfo) || strchr(conninfo, '=');
}

static const char *option_value(const PQconninfoOption *options, const char *keyword)
{
	for (; options->keyword; options++)
		if (strcmp(options->keyword, keyword) == 0)
			return options->val;
	return NULL;
}

/* A password with a bare '@' or '/' ends early, and its rest lands in the host or the database name, which
 * every message repeats. */
static bool is_split_wrongly(const PQconninfoOption *options)
{
	static const char *const shown[] = { "host", "port", "dbname" };

	for (size_t i = 0; i < sizeof(shown) / sizeof(*shown); i++) {
		const char *value = option_value(options, shown[i]);

		if (value && value[0] != '@' && strchr(value, '@'))
			return true;
	}
	return false;
}

/* A list: each host may have one of its own, and an empty one is the default. */
static bool is_ports(const char *text)
{
	while (*text) {
		size_t blanks = strspn(text, " "), digits = strspn(text + blanks, "0123456789");
		long port = strtol(text, NULL, 10);

		text += blanks + digits;
		text += strspn(text, " ");
		if ((*text && *text != ',') || digits > 5 || (digits && (port < 1 || port > PORT_MOST)))
			return false;
		text += *text == ',';
	}
	return true;
}

/* libpq repeats what is no port: in a URI without a host that is the password. */
static int check_ports(const char *ports, struct error *err)
{
	if (!ports || is_ports(ports))
		return 0;
	error_set(err, ERROR_USAGE, "the database's connection string has a port that is no number from 1 to %d",
		  PORT_MOST);
	return error_hint(err, "in a URI a port stands behind the host: postgresql://USER:PASSWORD@HOST:PORT/DATABASE");
}

static int cannot_be_read(struct error *err)
{
	error_set(err, ERROR_USAGE, "the database's connection string cannot be read");
	return error_hint(err, "--database takes \"keyword=value …\", a postgresql:// URI or the name of a "
			       "database");
}

int conninfo_check(const char *conninfo, struct error *err)
{
	cleanup_options PQconninfoOption *options = NULL;

	if (!conninfo)
		return 0;
	/* A URI whose scheme is misspelled would become the name of a database, and be shown. */
	if (!is_connection_string(conninfo))
		return strpbrk(conninfo, "@/") ? cannot_be_read(err) : 0;
	options = PQconninfoParse(conninfo, NULL);
	if (!options)
		return cannot_be_read(err);
	if (is_uri(conninfo) && is_split_wrongly(options)) {
		error_set(err, ERROR_USAGE, "the database's connection string has an '@' too many");
		return error_hint(err, "in a URI, write the special characters of a password as %%XX ('@' is "
				       "%%40, '/' is %%2F)");
	}
	return check_ports(option_value(options, "port"), err);
}

/* Replaces every `secret` in *message. */
static bool hide(char **message, const char *secret)
{
	cleanup_text struct text cleaned = { .limit = MESSAGE_LIMIT };
	const char *from = *message;
	const char *found;
	char *result;

	if (!secret || !secret[0])
		return true;
	while ((found = strstr(from, secret))) {
		text_append(&cleaned, from, (size_t)(found - from));
		text_add(&cleaned, HIDDEN);
		from = found + strlen(secret);
	}
	text_add(&cleaned, from);
	result = text_steal(&cleaned);
	if (!result)
		return false;
	free(*message);
	*message = result;
	return true;
}

static bool hide_options(char **message, const char *conninfo)
{
	cleanup_options PQconninfoOption *options = NULL;

	if (!conninfo || !is_connection_string(conninfo))
		return true;
	options = PQconninfoParse(conninfo, NULL);
	return !options || (hide(message, option_value(options, "password")) &&
			    hide(message, option_value(options, "sslpassword")));
}

/* Several hosts make a message of several lines. */
static void join_lines(char *message)
{
	size_t length = strlen(message);

	while (length > 0 && message[length - 1] == '\n')
		message[--length] = '\0';
	for (char *newline = message; (newline = strpbrk(newline, "\n\t"));)
		*newline = ' ';
}

char *conninfo_clean_message(PGconn *connection, const char *conninfo, const char *message)
{
	cleanup_free char *cleaned = strndup(message, MESSAGE_LIMIT / 4);

	if (!cleaned || !hide(&cleaned, connection ? PQpass(connection) : NULL) ||
	    !hide(&cleaned, getenv("PGPASSWORD")) || !hide_options(&cleaned, conninfo))
		return NULL;
	join_lines(cleaned);
	text_clean(cleaned);
	return steal_pointer(cleaned);
}
