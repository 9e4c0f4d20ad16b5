#include "support/stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "support/scratch.h"

void stage_open(struct stage *stage)
{
	scratch_set_up(NULL);
	*stage = (struct stage){ .folder = scratch,
				 .plugins = text_format("%s/bin", scratch),
				 .confs = text_format("%s/net.d", scratch),
				 .cache = text_format("%s/cache", scratch) };
	assert_int_equal(mkdir(stage->plugins, 0755), 0);
	assert_int_equal(mkdir(stage->confs, 0755), 0);
}

void stage_close(struct stage *stage)
{
	network_free(stage->network);
	free(stage->plugins);
	free(stage->confs);
	free(stage->cache);
	*stage = (struct stage){ 0 };
	scratch_tear_down(NULL);
}

int stage_set_up(void **state)
{
	static struct stage stage;

	stage_open(&stage);
	*state = &stage;
	return 0;
}

int stage_tear_down(void **state)
{
	stage_close(*state);
	return 0;
}

void stage_write(const struct stage *stage, const char *path, const char *format, ...)
{
	char *full = text_format("%s/%s", stage->folder, path);
	va_list args;
	FILE *file;

	assert_non_null(full);
	file = fopen(full, "we");
	assert_non_null(file);
	va_start(args, format);
	assert_true(vfprintf(file, format, args) >= 0);
	va_end(args);
	assert_int_equal(fclose(file), 0);
	free(full);
}

char *stage_read(const struct stage *stage, const char *path)
{
	char *full = text_format("%s/%s", stage->folder, path);
	struct text text = { 0 };
	struct error err;
	int got = file_read(AT_FDCWD, full, 0, &text, &err);

	free(full);
	if (got == 0)
		return text_steal(&text);
	text_release(&text);
	return NULL;
}

void stage_plugin(const struct stage *stage, const char *name, const char *body)
{
	char *path = text_format("bin/%s", name);
	char *full = text_format("%s/bin/%s", stage->folder, name);

	stage_write(stage, path,
		    "#!/bin/sh\n"
		    "cd %s\n"
		    "echo \"$CNI_COMMAND %s\" >> log\n"
		    "RUN=$(grep -c \"^$CNI_COMMAND %s\\$\" log)\n"
		    "cat > %s.$CNI_COMMAND.$RUN.json\n"
		    "env > %s.$CNI_COMMAND.$RUN.env\n"
		    "%s\n",
		    stage->folder, name, name, name, name, body);
	assert_int_equal(chmod(full, 0755), 0);
	free(path);
	free(full);
}

void stage_load(struct stage *stage, const char *version, const char *plugins, unsigned timeout_ms)
{
	struct network_settings settings = { .plugin_path = stage->plugins,
					     .conf_dir = stage->confs,
					     .cache_dir = stage->cache,
					     .timeout_ms = timeout_ms };
	struct error err = { 0 };

	stage_write(stage, "net.d/10-test.conflist",
		    "{\"cniVersion\": \"%s\", \"name\": \"test\", \"plugins\": [%s]}\n", version, plugins);
	network_free(stage->network);
	if (network_load(&settings, &stage->network, &err) != 1)
		fail_msg("%s", err.message);
}

cJSON *stage_input(const struct stage *stage, const char *name, const char *command, int run)
{
	char *path = text_format("%s.%s.%d.json", name, command, run);
	char *content = stage_read(stage, path);
	cJSON *json = content ? cJSON_Parse(content) : NULL;

	assert_non_null(json);
	free(path);
	free(content);
	return json;
}

bool stage_environment_has(const struct stage *stage, const char *name, const char *command, int run, const char *line)
{
	char *path = text_format("%s.%s.%d.env", name, command, run);
	char *content = stage_read(stage, path);
	char *wanted = text_format("%s\n", line);
	bool has = false;

	assert_non_null(content);
	for (const char *at = content; at && !has; at = strchr(at, '\n')) {
		at += *at == '\n';
		has = strncmp(at, wanted, strlen(wanted)) == 0;
	}
	free(path);
	free(content);
	free(wanted);
	return has;
}

void stage_assert_log(const struct stage *stage, const char *expected)
{
	char *log = stage_read(stage, "log");

	assert_string_equal(log ? log : "", expected);
	free(log);
}

void stage_assert_cached(const struct stage *stage, const char *name, bool is_there)
{
	char *path = text_format("%s/results/%s", stage->cache, name);

	assert_int_equal(access(path, F_OK) == 0, is_there);
	free(path);
}
