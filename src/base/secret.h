/* Passwords in text that is about to be shown. */
#ifndef WSNAP_BASE_SECRET_H
#define WSNAP_BASE_SECRET_H

/*
 * Replaces, in place, what stands as a password in connection strings of libpq (its manual, "Connection Strings"):
 * `password=…`, also quoted, and `scheme://user:…@host`, by at most three stars. A connection string can come where
 * none is expected: behind a forgotten quote, or a wrong option.
 */
void secret_hide(char *text);

#endif
