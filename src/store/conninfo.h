/* Connection strings and the passwords in them; internal to store/. */
#ifndef WSNAP_STORE_CONNINFO_H
#define WSNAP_STORE_CONNINFO_H

#include "base/error.h"

struct pg_conn;

/* Whether libpq can read the string, and reads it as its author meant it. Its text is never repeated in a
 * message: a password may stand anywhere in a string that is spelled wrongly. NULL is good. ERROR_USAGE. */
int conninfo_check(const char *conninfo, struct error *err);

/* A message of libpq or the server in one line: without a trailing newline, control characters
 * and any password of the connection. The caller frees it; NULL: out of memory. */
char *conninfo_clean_message(struct pg_conn *connection, const char *conninfo, const char *message);

#endif
