/*
 * A scripted HTTP/2 server on a Unix socket, written in bare frames (RFC 9113) so that it
 * can say what no library would let it say. It runs in a thread of the test.
 *
 * For every request that has come whole, the script is called with the connection; what it writes
 * is the answer. Settings and pings are answered by themselves.
 */
#ifndef WSNAP_TESTS_H2_SERVER_H
#define WSNAP_TESTS_H2_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { H2_DATA = 0, H2_HEADERS = 1, H2_RST_STREAM = 3, H2_SETTINGS = 4, H2_PING = 6, H2_GOAWAY = 7 };
enum { H2_END_STREAM = 1, H2_ACK = 1, H2_END_HEADERS = 4 };

struct h2_request {
	int fd;
	uint32_t stream;
	unsigned connection; /* the how manieth of this server, from 1 */
	unsigned number;     /* the how manieth request of this connection, from 1 */
};

/* false: close the connection. */
typedef bool (*h2_script)(const struct h2_request *request);

struct h2_server;

/* Listens at `path`, which must not be there. The script may be changed between requests. */
struct h2_server *h2_server_start(const char *path, h2_script script);
void h2_server_script(struct h2_server *server, h2_script script);

/* Connections taken so far. */
unsigned h2_server_connections(const struct h2_server *server);

/* The `number`th connection, from 1, for a word in between from the test itself. */
struct h2_request h2_server_connection(const struct h2_server *server, unsigned number);

/* Closes everything and removes the socket. */
void h2_server_stop(struct h2_server *server);

void h2_frame(const struct h2_request *request, int type, int flags, const void *bytes, size_t length);

/* A HEADERS frame of "name", "value", …, NULL. */
void h2_headers(const struct h2_request *request, int flags, ...) __attribute__((sentinel));

/* A DATA frame. */
void h2_data(const struct h2_request *request, int flags, const void *bytes, size_t length);

#endif
