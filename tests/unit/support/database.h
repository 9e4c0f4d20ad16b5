/*
 * A database of a test's own, on the server that PGHOST, PGPORT and PGUSER name. What a test
 * looks at or prepares goes through a second connection, past the store.
 */
#ifndef TESTS_SUPPORT_DATABASE_H
#define TESTS_SUPPORT_DATABASE_H

/* Makes the database wsnap_test_PID and points PGDATABASE at it; 0 or -1. For a group's set-up. */
int database_create(void **state);

/* Ends the second connection and drops the database. For a group's tear-down. */
int database_drop(void **state);

/* Takes everything out of the database. For a test's set-up. */
int database_empty(void **state);

/* Makes the tables of another server: team_id stands in every table, with a default out of a setting, and is part of
 * every unique index; bots has columns that must be given, and no metadata. */
void database_make_foreign(void);

/* Runs SQL, one or more statements; a failure fails the test. */
void database_run(const char *sql, ...) __attribute__((format(printf, 1, 2)));

/* First value of the first row as text, "" for NULL, no row at all is a failure. Valid until the
 * next call. */
const char *database_value(const char *sql, ...) __attribute__((format(printf, 1, 2)));

/* Payloads of the notifications that came to the second connection since the last call, one a line.
 * Start with database_run("LISTEN …"). Valid until the next call. */
const char *database_notifications(void);

/* Drops the second connection without a word: for the child after fork(). */
void database_forget(void);

#endif
