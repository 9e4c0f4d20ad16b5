#include "ctr/grpc.h"

#include <curl/curl.h>
#include <math.h>
#include <protobuf-c/protobuf-c.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "ctr/call.h"
#include "ctr/common.pb-c.h"

#define REQUEST_LIMIT ((size_t)16 << 20) /* bytes; containerd takes no more either */
#define POLL_MS 1000                     /* at most */
/* libcurl 7.88 may have read the end of a stream and still sleep on the socket, with more frames in one read than
 * it passes on at once: the pause begins short and grows with the time already waited. */
#define SHORT_POLL_MS 1
#define SHORT_POLL_SHARE 20

/* What a unary call or a stream does with a message. */
struct receiver {
	const ProtobufCMessageDescriptor *descriptor;
	grpc_handler handler; /* NULL: keep the one message there is */
	void *context;
	ProtobufCMessage *kept;
};

void grpc_free_message(void *message)
{
	if (message)
		protobuf_c_message_free_unpacked(message, NULL);
}

static uint8_t *pack_frame(const ProtobufCMessage *request, size_t *length, struct error *err)
{
	size_t size = protobuf_c_message_get_packed_size(request);
	uint8_t *frame = size > REQUEST_LIMIT ? NULL : malloc(FRAME_HEADER_SIZE + size);

	if (size > REQUEST_LIMIT) {
		error_set(err, ERROR_FAILED, "a request to containerd would be longer than %zu bytes", REQUEST_LIMIT);
		return NULL;
	}
	if (!frame) {
		error_memory(err);
		return NULL;
	}
	frame_write_header(frame, (uint32_t)size);
	protobuf_c_message_pack(request, frame + FRAME_HEADER_SIZE);
	*length = FRAME_HEADER_SIZE + size;
	return frame;
}

static int receive_message(void *context, const uint8_t *bytes, size_t length, struct error *err)
{
	struct receiver *receiver = context;
	cleanup_message ProtobufCMessage *message = NULL;

	if (receiver->kept)
		return error_set(err, ERROR_CONTAINERD, "there is more than one message");
	message = protobuf_c_message_unpack(receiver->descriptor, NULL, length, bytes);
	if (!message)
		return error_set(err, ERROR_CONTAINERD, "a message of %zu bytes is no %s", length,
				 receiver->descriptor->short_name);
	if (receiver->handler)
		return receiver->handler(receiver->context, message, err);
	receiver->kept = steal_pointer(message);
	return 0;
}

static int give_to_curl(struct call *call, bool may_connect, struct error *err)
{
	CURLMcode code;

	if (call_prepare(call, may_connect, err) < 0)
		return -1;
	code = curl_multi_add_handle(call->ctr->multi, call->easy);
	if (code != CURLM_OK)
		return error_set(err, ERROR_FAILED, "libcurl: %s", curl_multi_strerror(code));
	if (may_connect)
		call->ctr->connected = true;
	return 0;
}

static void end_call(struct call *call, CURLcode result)
{
	struct error ignored;

	curl_multi_remove_handle(call->ctr->multi, call->easy);
	call->done = true;
	call->result = (int)result;
	if (result == CURLE_OK || (call_wants_connection(call) && give_to_curl(call, true, &ignored) == 0))
		return;
	call->done = true;
	call->ctr->connected = false;
}

static void end_finished_calls(struct ctr *ctr)
{
	const CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(ctr->multi, &left))) {
		CURLcode result = message->data.result;
		struct call *call = NULL;

		if (message->msg == CURLMSG_DONE &&
		    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&call) == CURLE_OK)
			end_call(call, result);
	}
}

/* One turn of all calls: what can be done at once is done. */
static int turn(struct ctr *ctr, struct error *err)
{
	int running;
	CURLMcode code = curl_multi_perform(ctr->multi, &running);

	if (code != CURLM_OK)
		return error_set(err, ERROR_FAILED, "libcurl: %s", curl_multi_strerror(code));
	end_finished_calls(ctr);
	return 0;
}

static bool is_done(const struct call *call)
{
	return call->done;
}

static bool is_sent(const struct call *call)
{
	return call->done || call->body_sent == call->body_length;
}

static int poll_ms(double waited_ms, double left_ms)
{
	double pause_ms = fmin(POLL_MS, SHORT_POLL_MS + waited_ms / SHORT_POLL_SHARE);

	return (int)fmin(left_ms + 1, pause_ms);
}

/* Drives all calls until one is as wanted (1), or the time is over (0). */
static int drive(struct call *call, bool (*wanted)(const struct call *call), double timeout_ms, struct error *err)
{
	double begin = clock_monotonic_ms(), waited_ms;

	for (;;) {
		if (turn(call->ctr, err) < 0)
			return -1;
		if (wanted(call))
			return 1;
		waited_ms = clock_monotonic_ms() - begin;
		if (waited_ms >= timeout_ms)
			return 0;
		curl_multi_poll(call->ctr->multi, NULL, 0, poll_ms(waited_ms, timeout_ms - waited_ms), NULL);
	}
}

static struct call *start_call(struct ctr *ctr, const struct grpc_method *method, const ProtobufCMessage *request,
			       struct error *err)
{
	cleanup_call struct call *call = NULL;
	uint8_t *frame;
	size_t length;

	ctr->status = CTR_NO_ANSWER;
	frame = pack_frame(request, &length, err);
	if (!frame)
		return NULL;
	call = call_new(ctr, method, frame, length, err);
	if (!call || give_to_curl(call, !ctr->connected, err) < 0)
		return NULL;
	return steal_pointer(call);
}

static int finish_call(struct call *call, struct error *err)
{
	unsigned timeout_ms = call->method->timeout_ms;
	int driven = drive(call, is_done, timeout_ms == GRPC_NO_DEADLINE ? HUGE_VAL : timeout_ms, err);

	if (driven < 0)
		return -1;
	if (driven == 0) {
		call->ctr->connected = false;
		return call_late(call, timeout_ms, err);
	}
	return call_verdict(call, err);
}

static int run_call(struct ctr *ctr, const struct grpc_method *method, const ProtobufCMessage *request,
		    struct receiver *receiver, struct error *err)
{
	cleanup_call struct call *call = start_call(ctr, method, request, err);

	if (!call)
		return -1;
	call->reader.handler = receive_message;
	call->reader.context = receiver;
	/* Of a stream each message is gone when the next one comes: what its handler keeps is the handler's to bound. */
	if (receiver->handler)
		call->reader.total_limit = SIZE_MAX;
	return finish_call(call, err);
}

void *grpc_ask(struct ctr *ctr, const struct grpc_method *method, const ProtobufCMessage *request,
	       const ProtobufCMessageDescriptor *reply, struct error *err)
{
	struct receiver receiver = { .descriptor = reply };

	if (run_call(ctr, method, request, &receiver, err) < 0) {
		grpc_free_message(receiver.kept);
		return NULL;
	}
	if (!receiver.kept)
		error_set(err, ERROR_CONTAINERD, "containerd answered %s.%s without a message", method->service,
			  method->name);
	return receiver.kept;
}

int grpc_tell(struct ctr *ctr, const struct grpc_method *method, const ProtobufCMessage *request, struct error *err)
{
	cleanup_message void *reply = grpc_ask(ctr, method, request, &ctr__empty__descriptor, err);

	return reply ? 0 : -1;
}

int grpc_stream(struct ctr *ctr, const struct grpc_method *method, const ProtobufCMessage *request,
		const ProtobufCMessageDescriptor *reply, grpc_handler handler, void *context, struct error *err)
{
	struct receiver receiver = { .descriptor = reply, .handler = handler, .context = context };

	return run_call(ctr, method, request, &receiver, err);
}

struct call *grpc_begin(struct ctr *ctr, const struct grpc_method *method, const ProtobufCMessage *request,
			struct error *err)
{
	cleanup_call struct call *call = start_call(ctr, method, request, err);
	int sent = call ? drive(call, is_sent, GRPC_READ_MS, err) : -1;

	if (sent == 0) {
		ctr->connected = false;
		call_late(call, GRPC_READ_MS, err);
	}
	if (sent <= 0)
		return NULL;
	return steal_pointer(call);
}

int grpc_join(struct call *call, unsigned timeout_ms, struct error *err)
{
	int driven = call->done ? 1 : drive(call, is_done, timeout_ms, err);

	if (driven <= 0)
		return driven;
	return call_verdict(call, err) < 0 ? -1 : 1;
}

void grpc_drop(struct call *call)
{
	call_free(call);
}
