#include "ctr/status.h"

#include <string.h>

#include "base/text.h"
#include "ctr/ctr.h"

bool status_parse_code(const char *value, size_t length, int *code)
{
	int number = 0;

	if (length == 0 || length > 3)
		return false;
	for (size_t i = 0; i < length; i++) {
		if (value[i] < '0' || value[i] > '9')
			return false;
		number = number * 10 + (value[i] - '0');
	}
	*code = number;
	return true;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

void status_decode_message(const char *value, size_t length, char message[static STATUS_MESSAGE_SIZE])
{
	size_t used = 0;

	for (size_t i = 0; i < length && used < STATUS_MESSAGE_SIZE - 1; i++) {
		char c = value[i];

		if (c == '%' && i + 2 < length && hex_digit(value[i + 1]) >= 0 && hex_digit(value[i + 2]) >= 0) {
			c = (char)(hex_digit(value[i + 1]) << 4 | hex_digit(value[i + 2]));
			i += 2;
		}
		message[used++] = c ? c : '?';
	}
	message[used] = '\0';
	text_clean(message);
}

/* The names that gRPC gives its codes: for an error that came without words. */
static const char *code_words(int code)
{
	static const char *const words[] = {
		"ok",        "cancelled",       "unknown error",     "invalid argument",   "deadline exceeded",
		"not found", "already exists",  "permission denied", "resource exhausted", "failed precondition",
		"aborted",   "out of range",    "not implemented",   "internal error",     "unavailable",
		"data loss", "unauthenticated",
	};

	return code >= 0 && (size_t)code < sizeof(words) / sizeof(*words) ? words[code] : "unknown status";
}

static enum error_kind code_kind(int code)
{
	switch (code) {
	case CTR_NOT_FOUND:
		return ERROR_NOT_FOUND;
	case CTR_UNAVAILABLE:
		return ERROR_CONTAINERD;
	default:
		return ERROR_FAILED;
	}
}

int status_error(const struct status *status, const char *method, struct error *err)
{
	return error_set(err, code_kind(status->code), "containerd refused %s: %s", method,
			 *status->message ? status->message : code_words(status->code));
}
