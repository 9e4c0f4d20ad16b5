#include "operation/detachment.h"

#include <pthread.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "task/process.h"

struct detachment {
	pthread_t thread;
	const struct network *network;
	struct network_attachment attachment;
	int netns; /* -1: gone */
	int result;
	struct error error;
};

static void *detach(void *argument)
{
	struct detachment *detachment = argument;
	char path[64];

	/* Our own /proc entry: plugins open it as long as we hold the descriptor. */
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)getpid(), detachment->netns);
	detachment->result = network_del(detachment->network, &detachment->attachment,
					 detachment->netns >= 0 ? path : NULL, &detachment->error);
	return NULL;
}

static void detachment_free(struct detachment *detachment)
{
	if (detachment->netns >= 0)
		close(detachment->netns);
	network_attachment_release(&detachment->attachment);
	free(detachment);
}

int detachment_begin(const struct network *network, const char *attachment, uint32_t pid, struct detachment **begun,
		     struct error *err)
{
	struct detachment *detachment = calloc(1, sizeof(*detachment));
	int failed;

	if (!detachment)
		return error_memory(err);
	detachment->network = network;
	detachment->netns = pid ? process_open_netns(pid) : -1;
	if (network_attachment_parse(attachment, &detachment->attachment, err) < 0) {
		detachment_free(detachment);
		return -1;
	}
	failed = pthread_create(&detachment->thread, NULL, detach, detachment);
	if (failed) {
		detachment_free(detachment);
		return error_errno(err, ERROR_FAILED, failed, "a thread cannot be started");
	}
	*begun = detachment;
	return 0;
}

int detachment_end(struct detachment *detachment, struct error *err)
{
	int result;

	if (!detachment)
		return 0;
	pthread_join(detachment->thread, NULL);
	result = detachment->result;
	if (result < 0)
		*err = detachment->error;
	detachment_free(detachment);
	return result;
}
