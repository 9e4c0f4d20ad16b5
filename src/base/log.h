/*
 * What a run says beside its result, on standard error. A warning always shows
 * unless --quiet; a detail shows with --verbose. The level is the only state.
 */
#ifndef WSNAP_BASE_LOG_H
#define WSNAP_BASE_LOG_H

enum log_level { LOG_QUIET, LOG_NORMAL, LOG_VERBOSE };

void log_set_level(enum log_level level);

/* "wsnap: warning: …": something the user should look at though the run goes on. */
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* "wsnap: …": only with --verbose. */
void log_detail(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
