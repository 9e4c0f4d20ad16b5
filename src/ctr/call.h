/*
 * One gRPC call as one transfer of libcurl: what is sent, what has come, and what it
 * amounts to. grpc.c drives calls; nothing else uses this.
 */
#ifndef WSNAP_CTR_CALL_H
#define WSNAP_CTR_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "ctr/client.h"
#include "ctr/ctr.h"
#include "ctr/frame.h"
#include "ctr/method.h"
#include "ctr/status.h"

struct curl_slist;

#define CALL_ERROR_SIZE 256 /* libcurl's CURL_ERROR_SIZE */

struct call {
	struct ctr *ctr;
	const struct grpc_method *method;
	void *easy; /* a CURL */
	struct curl_slist *headers;

	uint8_t *body; /* one frame */
	size_t body_length, body_sent;

	bool may_connect; /* this transfer makes the connection; others only reuse one */
	bool touched;     /* libcurl has taken bytes of the body */
	bool done;
	int result; /* a CURLcode, once done */
	char result_words[CALL_ERROR_SIZE];

	bool is_grpc; /* content-type */
	struct status status;
	struct frame_reader reader;
	struct error reader_error;
};

/* A call of a body that is one frame, which the call takes over. NULL: out of memory, and the body
 * is freed. */
struct call *call_new(struct ctr *ctr, const struct grpc_method *method, uint8_t *body, size_t body_length,
		      struct error *err);

/* Makes the call ready to be given to libcurl, or ready again. */
int call_prepare(struct call *call, bool may_connect, struct error *err);

/* Whether the call failed on a connection that is no good any more, before containerd can have seen it:
 * then it may be made again on a new one. */
bool call_wants_connection(const struct call *call);

/* What a call that is done amounts to: 0, or an error. */
int call_verdict(struct call *call, struct error *err);

/* ERROR_CONTAINERD: no answer in time. Returns -1. */
int call_late(const struct call *call, unsigned timeout_ms, struct error *err);

void call_free(struct call *call);

static inline void call_cleanup_pointer(struct call **call)
{
	call_free(*call);
}

#define cleanup_call __attribute__((cleanup(call_cleanup_pointer)))

#endif
