/*
 * gRPC's length-prefixed messages (grpc/grpc, doc/PROTOCOL-HTTP2.md): a byte that says
 * whether the message is compressed, four bytes of length in network order, the message.
 * Bytes come in pieces of any size; a length is believed no further than bytes arrive.
 */
#ifndef WSNAP_CTR_FRAME_H
#define WSNAP_CTR_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"

#define FRAME_HEADER_SIZE 5 /* bytes */

void frame_write_header(uint8_t header[static FRAME_HEADER_SIZE], uint32_t length);

/* Takes one whole message, which belongs to the reader. -1 stops the reading. */
typedef int (*frame_handler)(void *context, const uint8_t *message, size_t length, struct error *err);

struct frame_reader {
	frame_handler handler;
	void *context;
	size_t message_limit, total_limit; /* bytes, without headers */
	/* What follows is the reader's own; zero at first. */
	uint8_t header[FRAME_HEADER_SIZE];
	size_t header_length;
	size_t wanted; /* bytes of the message in hand, once its header is whole */
	size_t total;
	struct text message;
};

/* Reads on. ERROR_CONTAINERD: these are no gRPC frames, or compressed ones (nobody asked for
 * that); ERROR_FAILED: over a limit, or the handler's own. */
int frame_read(struct frame_reader *reader, const void *bytes, size_t length, struct error *err);

/* Whether the bytes so far ended with a whole message. */
bool frame_at_end(const struct frame_reader *reader);

void frame_release(struct frame_reader *reader);

#endif
