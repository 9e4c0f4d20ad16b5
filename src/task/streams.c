#include "task/streams.h"

#include <string.h>
#include <sys/stat.h>

static bool is_kept(const char *path)
{
	struct stat st;

	if (!path || !*path)
		return false;
	if (strstr(path, "://"))
		return true;
	return stat(path, &st) == 0 && !S_ISFIFO(st.st_mode);
}

int streams_keep(const struct ctr_task_streams *old, struct ctr_task_streams *kept, struct error *err)
{
	const char *otherwise = old->terminal ? "/dev/null" : "";

	kept->terminal = old->terminal;
	kept->stdin_path = strdup(is_kept(old->stdin_path) ? old->stdin_path : "");
	kept->stdout_path = strdup(is_kept(old->stdout_path) ? old->stdout_path : otherwise);
	kept->stderr_path = strdup(is_kept(old->stderr_path) ? old->stderr_path : "");
	return kept->stdin_path && kept->stdout_path && kept->stderr_path ? 0 : error_memory(err);
}
