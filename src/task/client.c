#include "task/client.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"

#define WORDS_LIMIT 65536
#define NAMESPACE_VARIABLE "CONTAINERD_NAMESPACE="

/* What a file of /proc holds: strings, each with its NUL. NULL: it cannot be read. */
static char *read_strings(const char *pid, const char *name, size_t *length)
{
	cleanup_free char *path = text_format("/proc/%s/%s", pid, name), *strings = calloc(1, WORDS_LIMIT + 2);
	cleanup_fd int fd = path && strings ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	ssize_t got;

	*length = 0;
	if (fd < 0)
		return NULL;
	while (*length < WORDS_LIMIT && (got = read(fd, strings + *length, WORDS_LIMIT - *length)) > 0)
		*length += (size_t)got;
	return steal_pointer(strings);
}

static const char *next(const char *strings, size_t length, const char *word)
{
	word += strlen(word) + 1;
	return word < strings + length ? word : NULL;
}

static bool is_ctr(const char *program)
{
	const char *slash = strrchr(program, '/');

	return strcmp(slash ? slash + 1 : program, "ctr") == 0;
}

/* `ctr run --rm … IMAGE ID …`, and not in the background. */
static bool runs_and_removes(const char *words, size_t length, const char *container_id)
{
	bool run = false, rm = false, id = false;

	for (const char *word = words; word; word = next(words, length, word)) {
		if (!run && (strcmp(word, "run") == 0 || strcmp(word, "r") == 0))
			run = true;
		else if (run &&
			 (strcmp(word, "--rm") == 0 || strcmp(word, "-rm") == 0 || strcmp(word, "--rm=true") == 0))
			rm = true;
		else if (run && !id && (strcmp(word, "-d") == 0 || strcmp(word, "--detach") == 0))
			return false;
		else if (run && strcmp(word, container_id) == 0)
			id = true;
	}
	return rm && id;
}

/* By an option, else by the environment, else "default". */
static bool is_in_namespace(const char *pid, const char *words, size_t length, const char *namespace)
{
	const char *found = NULL;
	cleanup_free char *environment = NULL;
	size_t size;

	for (const char *word = words; word && strcmp(word, "run") != 0; word = next(words, length, word)) {
		if (strcmp(word, "-n") == 0 || strcmp(word, "--namespace") == 0)
			found = next(words, length, word);
		else if (text_starts_with(word, "--namespace="))
			found = word + strlen("--namespace=");
		else if (text_starts_with(word, "-n="))
			found = word + strlen("-n=");
	}
	if (found)
		return strcmp(found, namespace) == 0;
	environment = read_strings(pid, "environ", &size);
	for (const char *entry = environment; entry && size; entry = next(environment, size, entry))
		if (text_starts_with(entry, NAMESPACE_VARIABLE))
			return strcmp(entry + strlen(NAMESPACE_VARIABLE), namespace) == 0;
	return strcmp(namespace, "default") == 0;
}

static bool is_remover(const char *pid, const char *namespace, const char *container_id)
{
	size_t length;
	cleanup_free char *words = read_strings(pid, "cmdline", &length);

	return words && length && is_ctr(words) && runs_and_removes(words, length, container_id) &&
	       is_in_namespace(pid, words, length, namespace);
}

uint32_t client_that_removes(const char *namespace, const char *container_id)
{
	cleanup_dir DIR *processes = opendir("/proc");
	struct dirent *entry;

	while (processes && (entry = readdir(processes)))
		if (isdigit((unsigned char)*entry->d_name) && is_remover(entry->d_name, namespace, container_id))
			return (uint32_t)atol(entry->d_name);
	return 0;
}
