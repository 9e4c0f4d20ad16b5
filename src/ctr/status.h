/* How a gRPC call ended: grpc-status and grpc-message, and the error they make. */
#ifndef WSNAP_CTR_STATUS_H
#define WSNAP_CTR_STATUS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

#define STATUS_MESSAGE_SIZE 1024 /* bytes, with the NUL; what is longer is cut */

struct status {
	int code; /* CTR_NO_ANSWER until a grpc-status came */
	char message[STATUS_MESSAGE_SIZE];
};

/* Reads a grpc-status: digits, at most three. false: it is none. */
bool status_parse_code(const char *value, size_t length, int *code);

/* Decodes a grpc-message: percent-encoded UTF-8 (grpc/grpc, doc/PROTOCOL-HTTP2.md). What is no
 * encoding stays as it is; control characters become '?'. */
void status_decode_message(const char *value, size_t length, char message[static STATUS_MESSAGE_SIZE]);

/* Sets the error for a status that is not CTR_OK: "containerd refused <method>: <words>", of the
 * kind that ctr.h promises for the code. Returns -1. */
int status_error(const struct status *status, const char *method, struct error *err);

#endif
