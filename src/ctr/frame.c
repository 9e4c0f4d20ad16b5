#include "ctr/frame.h"

#include <string.h>

void frame_write_header(uint8_t header[static FRAME_HEADER_SIZE], uint32_t length)
{
	header[0] = 0;
	for (int i = 0; i < 4; i++)
		header[1 + i] = (uint8_t)(length >> (24 - 8 * i));
}

static int accept_header(struct frame_reader *reader, struct error *err)
{
	const uint8_t *length = reader->header + 1;

	reader->wanted = (size_t)length[0] << 24 | (size_t)length[1] << 16 | (size_t)length[2] << 8 | length[3];
	if (reader->header[0] == 1)
		return error_set(err, ERROR_CONTAINERD, "the reply is compressed, which was not asked for");
	if (reader->header[0] != 0)
		return error_set(err, ERROR_CONTAINERD, "the reply is not framed as gRPC is");
	if (reader->wanted > reader->message_limit)
		return error_set(err, ERROR_FAILED, "a message of the reply is longer than %zu bytes",
				 reader->message_limit);
	if (reader->wanted > reader->total_limit - reader->total)
		return error_set(err, ERROR_FAILED, "the reply is longer than %zu bytes", reader->total_limit);
	reader->total += reader->wanted;
	return 0;
}

static size_t take_header(struct frame_reader *reader, const uint8_t *bytes, size_t length)
{
	size_t missing = FRAME_HEADER_SIZE - reader->header_length;
	size_t taken = length < missing ? length : missing;

	memcpy(reader->header + reader->header_length, bytes, taken);
	reader->header_length += taken;
	return taken;
}

static int finish_message(struct frame_reader *reader, const uint8_t *message, struct error *err)
{
	int result = reader->handler(reader->context, message, reader->wanted, err);

	reader->header_length = 0;
	reader->message.length = 0;
	return result;
}

/* Takes what belongs to the message in hand. A message that came in one piece is not copied. */
static int take_message(struct frame_reader *reader, const uint8_t *bytes, size_t length, size_t *taken,
			struct error *err)
{
	size_t missing = reader->wanted - reader->message.length;

	*taken = length < missing ? length : missing;
	if (reader->message.length == 0 && *taken == reader->wanted)
		return finish_message(reader, bytes, err);
	reader->message.limit = reader->message_limit;
	text_append(&reader->message, bytes, *taken);
	if (reader->message.failed)
		return error_memory(err);
	if (reader->message.length < reader->wanted)
		return 0;
	return finish_message(reader, (const uint8_t *)reader->message.data, err);
}

int frame_read(struct frame_reader *reader, const void *bytes, size_t length, struct error *err)
{
	const uint8_t *at = bytes, *end = at + length;

	while (at < end) {
		size_t taken;

		if (reader->header_length < FRAME_HEADER_SIZE) {
			at += take_header(reader, at, (size_t)(end - at));
			if (reader->header_length < FRAME_HEADER_SIZE)
				break;
			if (accept_header(reader, err) < 0)
				return -1;
		}
		if (take_message(reader, at, (size_t)(end - at), &taken, err) < 0)
			return -1;
		at += taken;
	}
	return 0;
}

bool frame_at_end(const struct frame_reader *reader)
{
	return reader->header_length == 0;
}

void frame_release(struct frame_reader *reader)
{
	text_release(&reader->message);
}
