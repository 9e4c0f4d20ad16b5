/*
 * A folder for tests of CNI: plugins that are shell scripts, a configuration
 * folder, a cache. Each run of a plugin leaves what it was given:
 * `log` has a line "COMMAND NAME" per run, `NAME.COMMAND.N.json` and `.env` the standard input and the
 * environment of its Nth run.
 */
#ifndef WSNAP_TESTS_STAGE_H
#define WSNAP_TESTS_STAGE_H

#include "base/json.h"
#include "network/network.h"

struct stage {
	const char *folder; /* the test's scratch folder */
	char *plugins;      /* `bin` */
	char *confs;        /* `net.d` */
	char *cache;        /* `cache`, not there at first */
	struct network *network;
};

/* Makes the folder; stage_close() removes it and all in it. */
void stage_open(struct stage *stage);
void stage_close(struct stage *stage);

/* The same for cmocka: before and behind a test, whose state is the stage. */
int stage_set_up(void **state);
int stage_tear_down(void **state);

/* Writes a file below the folder with text made as by printf. */
void stage_write(const struct stage *stage, const char *path, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The content of a file below the folder, NULL if there is none. The caller frees it. */
char *stage_read(const struct stage *stage, const char *path);

/* A plugin whose answer is the shell commands in `body`; $CNI_COMMAND and $RUN (1, 2, …) tell the runs apart. */
void stage_plugin(const struct stage *stage, const char *name, const char *body);

/* A list of the plugins in `plugins`, the inside of a JSON array, as net.d/10-test.conflist, and loads it. */
void stage_load(struct stage *stage, const char *version, const char *plugins, unsigned timeout_ms);

/* What a plugin was given on its standard input; the caller deletes it. */
cJSON *stage_input(const struct stage *stage, const char *name, const char *command, int run);

/* Whether the Nth run had the line in its environment. */
bool stage_environment_has(const struct stage *stage, const char *name, const char *command, int run, const char *line);

/* Fails the test unless the runs were these, "ADD a\nADD b\n". */
void stage_assert_log(const struct stage *stage, const char *expected);

/* Fails the test unless the file is in the cache, or is not. */
void stage_assert_cached(const struct stage *stage, const char *name, bool is_there);

#endif
