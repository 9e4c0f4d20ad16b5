#include "operation/detachment.h"

#include <stdio.h>

#include "base/beside.h"
#include "base/cleanup.h"
#include "task/process.h"

struct detachment {
	struct beside beside;
	const struct network *network;
	struct network_attachment attachment;
	int netns; /* -1: gone */
};

static int detach(void *context, struct error *err)
{
	struct detachment *detachment = context;
	char path[64];

	/* Our own /proc entry: plugins open it as long as we hold the descriptor. */
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)getpid(), detachment->netns);
	return network_del(detachment->network, &detachment->attachment, detachment->netns >= 0 ? path : NULL, err);
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

	if (!detachment)
		return error_memory(err);
	detachment->network = network;
	detachment->netns = pid ? process_open_netns(pid) : -1;
	if (network_attachment_parse(attachment, &detachment->attachment, err) < 0 ||
	    beside_begin(&detachment->beside, detach, detachment, err) < 0) {
		detachment_free(detachment);
		return -1;
	}
	*begun = detachment;
	return 0;
}

int detachment_end(struct detachment *detachment, struct error *err)
{
	int result;

	if (!detachment)
		return 0;
	result = beside_end(&detachment->beside, err);
	detachment_free(detachment);
	return result;
}
