/*
 * gRPC over HTTP/2 on a Unix socket: unary calls, server streams, and calls that stay
 * open while others go on beside them. All calls of a client share one connection, made by the
 * first one; after a failure the next call makes a new one.
 *
 * Requests and replies are protobuf-c messages; a request is packed before the function
 * returns. Errors are those of ctr.h.
 */
#ifndef WSNAP_CTR_GRPC_H
#define WSNAP_CTR_GRPC_H

#include <stddef.h>

#include "base/error.h"
#include "ctr/ctr.h"
#include "ctr/method.h"

struct ProtobufCMessage;
struct ProtobufCMessageDescriptor;

/* A unary call. The reply's message, to be freed with grpc_free_message(); NULL: error. */
void *grpc_ask(struct ctr *ctr, const struct grpc_method *method, const struct ProtobufCMessage *request,
	       const struct ProtobufCMessageDescriptor *reply, struct error *err);

/* A unary call whose reply says nothing. */
int grpc_tell(struct ctr *ctr, const struct grpc_method *method, const struct ProtobufCMessage *request,
	      struct error *err);

/* Takes one message of a stream; it is freed afterwards. -1 ends the stream. */
typedef int (*grpc_handler)(void *context, const void *message, struct error *err);

/* A call answered by a stream of messages, of which there may be none. */
int grpc_stream(struct ctr *ctr, const struct grpc_method *method, const struct ProtobufCMessage *request,
		const struct ProtobufCMessageDescriptor *reply, grpc_handler handler, void *context, struct error *err);

/* Sends a unary call and leaves it open; other calls drive it on. grpc_join blocks until it
 * has ended well (1), the time is over (0), or it has failed (-1); the reply's content is dropped.
 * grpc_drop ends it at any time and frees it; it must go before the client is closed. */
struct call;
struct call *grpc_begin(struct ctr *ctr, const struct grpc_method *method, const struct ProtobufCMessage *request,
			struct error *err);
int grpc_join(struct call *call, unsigned timeout_ms, struct error *err);
void grpc_drop(struct call *call);

void grpc_free_message(void *message);

static inline void grpc_cleanup_message(void *message)
{
	grpc_free_message(*(void **)message);
}

#define cleanup_message __attribute__((cleanup(grpc_cleanup_message)))

#endif
