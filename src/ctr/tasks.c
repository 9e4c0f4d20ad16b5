#include "ctr/tasks.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "ctr/grpc.h"
#include "ctr/message.h"
#include "ctr/tasks.pb-c.h"

#define PACKAGE "containerd.services.tasks.v1"

static const struct grpc_method get = { PACKAGE, "Tasks", "Get", GRPC_READ_MS };
static const struct grpc_method create = { PACKAGE, "Tasks", "Create", GRPC_WRITE_MS };
static const struct grpc_method start = { PACKAGE, "Tasks", "Start", GRPC_WRITE_MS };
static const struct grpc_method delete = { PACKAGE, "Tasks", "Delete", GRPC_WRITE_MS };
static const struct grpc_method kill_method = { PACKAGE, "Tasks", "Kill", GRPC_WRITE_MS };
static const struct grpc_method pause_method = { PACKAGE, "Tasks", "Pause", GRPC_WRITE_MS };
static const struct grpc_method resume = { PACKAGE, "Tasks", "Resume", GRPC_WRITE_MS };
static const struct grpc_method wait_method = { PACKAGE, "Tasks", "Wait", GRPC_NO_DEADLINE };

struct ctr_wait {
	struct ctr *ctr;
	struct call *call;
};

void ctr_task_release(struct ctr_task *task)
{
	free(task->streams.stdin_path);
	free(task->streams.stdout_path);
	free(task->streams.stderr_path);
	*task = (struct ctr_task){ 0 };
}

static int copy_process(struct ctr_task *to, const Ctr__Tasks__Process *from, struct error *err)
{
	cleanup_ctr_task struct ctr_task copy = {
		.state = from->status > CTR_TASK_NONE && from->status <= CTR_TASK_PAUSING
				 ? (enum ctr_task_state)from->status
				 : CTR_TASK_NONE,
		.pid = from->pid,
		.exit_status = from->exit_status,
		.streams.terminal = from->terminal,
	};

	if (message_copy_string(&copy.streams.stdin_path, from->stdin_path, err) < 0 ||
	    message_copy_string(&copy.streams.stdout_path, from->stdout_path, err) < 0 ||
	    message_copy_string(&copy.streams.stderr_path, from->stderr_path, err) < 0)
		return -1;
	*to = copy;
	copy = (struct ctr_task){ 0 };
	return 0;
}

int ctr_task_get(struct ctr *ctr, const char *id, struct ctr_task *task, struct error *err)
{
	Ctr__Tasks__TaskRequest request;
	cleanup_message Ctr__Tasks__GetResponse *reply = NULL;

	ctr__tasks__task_request__init(&request);
	*task = (struct ctr_task){ .state = CTR_TASK_NONE };
	request.container_id = message_string(id);
	reply = grpc_ask(ctr, &get, &request.base, &ctr__tasks__get_response__descriptor, err);
	if (!reply)
		return ctr_forgive(ctr, CTR_NOT_FOUND, err) ? 0 : -1;
	if (!reply->process)
		return error_set(err, ERROR_CONTAINERD, "containerd answered for the task of '%s' with none", id);
	return copy_process(task, reply->process, err);
}

/* Mounts of ours as a request's; they refer to the strings of `from`. The caller frees the one block. */
static Ctr__Mount **make_mounts(const struct ctr_mounts *from, struct error *err)
{
	Ctr__Mount **list = malloc(from->count * (sizeof(*list) + sizeof(**list)) + 1);
	Ctr__Mount *items;

	if (!list) {
		error_memory(err);
		return NULL;
	}
	items = (Ctr__Mount *)(list + from->count);
	for (size_t i = 0; i < from->count; i++) {
		ctr__mount__init(&items[i]);
		items[i].type = from->items[i].type;
		items[i].source = from->items[i].source;
		items[i].target = from->items[i].target;
		items[i].options = from->items[i].options;
		items[i].n_options = from->items[i].option_count;
		list[i] = &items[i];
	}
	return list;
}

static void set_streams(Ctr__Tasks__CreateRequest *request, const struct ctr_task_streams *streams)
{
	if (streams->stdin_path)
		request->stdin_path = streams->stdin_path;
	if (streams->stdout_path)
		request->stdout_path = streams->stdout_path;
	if (streams->stderr_path)
		request->stderr_path = streams->stderr_path;
	request->terminal = streams->terminal;
}

int ctr_task_create(struct ctr *ctr, const char *id, const struct ctr_mounts *rootfs,
		    const struct ctr_task_streams *streams, const struct ctr_any *options, uint32_t *pid,
		    struct error *err)
{
	Ctr__Tasks__CreateRequest request;
	cleanup_message Ctr__Tasks__CreateResponse *reply = NULL;
	cleanup_free Ctr__Mount **mounts = make_mounts(rootfs, err);
	Ctr__Any any;

	ctr__tasks__create_request__init(&request);
	ctr__any__init(&any);
	if (!mounts)
		return -1;
	request.container_id = message_string(id);
	request.rootfs = mounts;
	request.n_rootfs = rootfs->count;
	set_streams(&request, streams);
	if (options && options->type_url) {
		any.type_url = options->type_url;
		any.value.data = options->value;
		any.value.len = options->length;
		request.options = &any;
	}
	reply = grpc_ask(ctr, &create, &request.base, &ctr__tasks__create_response__descriptor, err);
	if (!reply)
		return -1;
	*pid = reply->pid;
	return 0;
}

static int tell_task(struct ctr *ctr, const struct grpc_method *method, const char *id, struct error *err)
{
	Ctr__Tasks__TaskRequest request;

	ctr__tasks__task_request__init(&request);
	request.container_id = message_string(id);
	return grpc_tell(ctr, method, &request.base, err);
}

int ctr_task_start(struct ctr *ctr, const char *id, struct error *err)
{
	return tell_task(ctr, &start, id, err);
}

int ctr_task_delete(struct ctr *ctr, const char *id, struct error *err)
{
	if (tell_task(ctr, &delete, id, err) == 0)
		return 0;
	return ctr_forgive(ctr, CTR_NOT_FOUND, err) ? 0 : -1;
}

int ctr_task_kill(struct ctr *ctr, const char *id, uint32_t signal, bool all, struct error *err)
{
	Ctr__Tasks__KillRequest request;

	ctr__tasks__kill_request__init(&request);
	request.container_id = message_string(id);
	request.signal = signal;
	request.all = all;
	return grpc_tell(ctr, &kill_method, &request.base, err);
}

int ctr_task_pause(struct ctr *ctr, const char *id, struct error *err)
{
	return tell_task(ctr, &pause_method, id, err);
}

int ctr_task_resume(struct ctr *ctr, const char *id, struct error *err)
{
	return tell_task(ctr, &resume, id, err);
}

int ctr_task_wait_begin(struct ctr *ctr, const char *id, struct ctr_wait **wait, struct error *err)
{
	Ctr__Tasks__TaskRequest request;
	struct ctr_wait *new = calloc(1, sizeof(*new));

	ctr__tasks__task_request__init(&request);
	if (!new)
		return error_memory(err);
	request.container_id = message_string(id);
	new->ctr = ctr;
	new->call = grpc_begin(ctr, &wait_method, &request.base, err);
	if (!new->call) {
		free(new);
		return -1;
	}
	*wait = new;
	return 0;
}

int ctr_task_wait_end(struct ctr_wait *wait, unsigned timeout_ms, struct error *err)
{
	int ended = grpc_join(wait->call, timeout_ms, err);

	return ended < 0 && error_forgive(err, ERROR_NOT_FOUND) ? 1 : ended;
}

void ctr_task_wait_cancel(struct ctr_wait *wait)
{
	if (!wait)
		return;
	grpc_drop(wait->call);
	free(wait);
}

const char *ctr_task_state_name(enum ctr_task_state state)
{
	switch (state) {
	case CTR_TASK_CREATED:
		return "created";
	case CTR_TASK_RUNNING:
		return "running";
	case CTR_TASK_PAUSED:
	case CTR_TASK_PAUSING:
		return "paused";
	case CTR_TASK_NONE:
	case CTR_TASK_STOPPED:
		break;
	}
	return "stopped";
}
