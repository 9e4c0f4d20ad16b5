#include "ctr/content.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "ctr/content.pb-c.h"
#include "ctr/grpc.h"
#include "ctr/message.h"

#define PACKAGE "containerd.services.content.v1"

static const struct grpc_method write_method = { PACKAGE, "Content", "Write", GRPC_WRITE_MS };
static const struct grpc_method read_method = { PACKAGE, "Content", "Read", GRPC_READ_MS };

static int keep_digest(void *context, const void *message, struct error *err)
{
	const Ctr__Content__WriteResponse *answer = message;
	char **digest = context, *told = NULL;

	if (message_copy_string(&told, answer->digest, err) < 0)
		return -1;
	free(*digest);
	*digest = told;
	return 0;
}

/*
 * Write is a stream of messages, but containerd keeps what a ref has between calls: a call of one message each does as
 * well. The last answer names the digest of what was written so far; the caller frees it.
 */
static char *send_write(struct ctr *ctr, const Ctr__Content__WriteRequest *request, struct error *err)
{
	cleanup_free char *digest = NULL;

	if (grpc_stream(ctr, &write_method, &request->base, &ctr__content__write_response__descriptor, keep_digest,
			&digest, err) < 0)
		return NULL;
	if (!digest)
		error_set(err, ERROR_CONTAINERD, "containerd did not answer to what it was given to keep");
	return steal_pointer(digest);
}

/* With nothing in it yet: what a run that was killed has left under the ref is cut off by a write at its beginning. */
static char *begin(struct ctr *ctr, const char *ref, size_t length, struct error *err)
{
	Ctr__Content__WriteRequest request;

	ctr__content__write_request__init(&request);
	request.action = CTR__CONTENT__WRITE_REQUEST__ACTION__STAT;
	request.ref = message_string(ref);
	request.total = (int64_t)length;
	return send_write(ctr, &request, err);
}

static char *put(struct ctr *ctr, const char *ref, const char *bytes, size_t length, struct error *err)
{
	Ctr__Content__WriteRequest request;

	ctr__content__write_request__init(&request);
	request.action = CTR__CONTENT__WRITE_REQUEST__ACTION__WRITE;
	request.ref = message_string(ref);
	request.total = (int64_t)length;
	request.data.data = (uint8_t *)message_string(bytes);
	request.data.len = length;
	return send_write(ctr, &request, err);
}

static int commit(struct ctr *ctr, const char *ref, size_t length, const char *digest, struct error *err)
{
	Ctr__Content__WriteRequest request;
	cleanup_free char *committed = NULL;

	ctr__content__write_request__init(&request);
	request.action = CTR__CONTENT__WRITE_REQUEST__ACTION__COMMIT;
	request.ref = message_string(ref);
	request.total = (int64_t)length;
	request.offset = (int64_t)length;
	request.expected = message_string(digest);
	committed = send_write(ctr, &request, err);
	if (committed)
		return 0;
	/* It is there, and the lease has it now as well. */
	return ctr_forgive(ctr, CTR_EXISTS, err) ? 0 : -1;
}

int ctr_content_store(struct ctr *ctr, const char *ref, const char *bytes, size_t length, char **digest,
		      struct error *err)
{
	cleanup_free char *empty = NULL, *written = NULL;

	if (length == 0 || length > CTR_CONTENT_LIMIT)
		return error_set(err, ERROR_FAILED, "a document of %zu bytes is none that can be kept", length);
	empty = begin(ctr, ref, length, err);
	written = empty ? put(ctr, ref, bytes, length, err) : NULL;
	if (!written)
		return -1;
	if (!*written)
		return error_set(err, ERROR_CONTAINERD, "containerd did not say the digest of what it was given");
	if (commit(ctr, ref, length, written, err) < 0)
		return -1;
	*digest = steal_pointer(written);
	return 0;
}

static int add_data(void *context, const void *message, struct error *err)
{
	const Ctr__Content__ReadResponse *frame = message;
	struct text *all = context;

	if (frame->data.len > CTR_CONTENT_LIMIT - all->length)
		return error_set(err, ERROR_FAILED, "it has more than %zu bytes", CTR_CONTENT_LIMIT);
	text_append(all, frame->data.data, frame->data.len);
	return all->failed ? error_memory(err) : 0;
}

int ctr_content_read(struct ctr *ctr, const char *digest, char **bytes, size_t *length, struct error *err)
{
	Ctr__Content__ReadRequest request;
	cleanup_text struct text all = { 0 };

	ctr__content__read_request__init(&request);
	request.digest = message_string(digest);
	if (grpc_stream(ctr, &read_method, &request.base, &ctr__content__read_response__descriptor, add_data, &all,
			err) < 0)
		return -1;
	*length = all.length;
	*bytes = text_steal(&all);
	return *bytes ? 0 : error_memory(err);
}
