/* gRPC frames in pieces of every size, and what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "ctr/frame.h"

/* Writes every message with its length, to compare. */
static int note(void *context, const uint8_t *message, size_t length, struct error *err)
{
	(void)err;
	text_printf(context, "%zu:", length);
	text_append(context, message, length);
	return 0;
}

static int refuse(void *context, const uint8_t *message, size_t length, struct error *err)
{
	(void)context, (void)message, (void)length;
	return error_set(err, ERROR_FAILED, "no");
}

static const uint8_t three[] = "\0\0\0\0\3abc"
			       "\0\0\0\0\0"
			       "\0\0\0\0\4defg";
#define THREE_LENGTH (sizeof(three) - 1)

static void pieces_of_every_size(void **state)
{
	(void)state;
	for (size_t step = 1; step <= THREE_LENGTH; step++) {
		struct text noted = { 0 };
		struct frame_reader reader = { note, &noted, 16, 16, .wanted = 0 };
		struct error err = { 0 };

		for (size_t at = 0; at < THREE_LENGTH; at += step) {
			size_t left = THREE_LENGTH - at;

			assert_int_equal(frame_read(&reader, three + at, left < step ? left : step, &err), 0);
		}
		assert_true(frame_at_end(&reader));
		assert_string_equal(noted.data, "3:abc0:4:defg");
		frame_release(&reader);
		text_release(&noted);
	}
}

static void cut_short(void **state)
{
	(void)state;
	for (size_t length = 1; length < 8; length++) {
		struct text noted = { 0 };
		struct frame_reader reader = { note, &noted, 16, 16, .wanted = 0 };
		struct error err = { 0 };

		assert_int_equal(frame_read(&reader, three, length, &err), 0);
		assert_false(frame_at_end(&reader));
		assert_null(noted.data);
		frame_release(&reader);
	}
}

static void expect_refusal(const char *bytes, size_t length, frame_handler handler, enum error_kind kind,
			   const char *message)
{
	struct text noted = { 0 };
	struct frame_reader reader = { handler, &noted, 8, 10, .wanted = 0 };
	struct error err = { 0 };

	assert_int_equal(frame_read(&reader, bytes, length, &err), -1);
	assert_int_equal(err.kind, kind);
	assert_string_equal(err.message, message);
	frame_release(&reader);
	text_release(&noted);
}

static void refused(void **state)
{
	(void)state;
	expect_refusal("\1\0\0\0\1a", 6, note, ERROR_CONTAINERD, "the reply is compressed, which was not asked for");
	expect_refusal("HTTP/1.1", 8, note, ERROR_CONTAINERD, "the reply is not framed as gRPC is");
	expect_refusal("\0\0\0\0\x09", 5, note, ERROR_FAILED, "a message of the reply is longer than 8 bytes");
	expect_refusal("\0\xff\xff\xff\xff", 5, note, ERROR_FAILED, "a message of the reply is longer than 8 bytes");
	expect_refusal("\0\0\0\0\6abcdef\0\0\0\0\5", 16, note, ERROR_FAILED, "the reply is longer than 10 bytes");
	expect_refusal("\0\0\0\0\1a", 6, refuse, ERROR_FAILED, "no");
}

static void header_of_a_request(void **state)
{
	uint8_t header[FRAME_HEADER_SIZE];

	(void)state;
	frame_write_header(header, 0x01020304);
	assert_memory_equal(header, "\0\1\2\3\4", 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_of_every_size),
		cmocka_unit_test(cut_short),
		cmocka_unit_test(refused),
		cmocka_unit_test(header_of_a_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
