#include "support/h2_server.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define PREFACE_SIZE 24
#define FRAME_HEADER_SIZE 9

#define CONNECTION_LIMIT 16

struct served {
	struct h2_server *server;
	int fd;
	unsigned number;
	pthread_t thread;
};

struct h2_server {
	int listener;
	struct served served[CONNECTION_LIMIT];
	atomic_uint connections; /* of `served`, filled from the front */
	_Atomic(h2_script) script;
	pthread_t thread;
	struct sockaddr_un address;
};

static bool write_all(int fd, const void *bytes, size_t length)
{
	const char *at = bytes;

	while (length) {
		ssize_t put = send(fd, at, length, MSG_NOSIGNAL);

		if (put <= 0)
			return false;
		at += put;
		length -= (size_t)put;
	}
	return true;
}

static bool read_all(int fd, void *bytes, size_t length)
{
	return length == 0 || recv(fd, bytes, length, MSG_WAITALL) == (ssize_t)length;
}

void h2_frame(const struct h2_request *request, int type, int flags, const void *bytes, size_t length)
{
	uint8_t header[FRAME_HEADER_SIZE] = {
		(uint8_t)(length >> 16),
		(uint8_t)(length >> 8),
		(uint8_t)length,
		(uint8_t)type,
		(uint8_t)flags,
		(uint8_t)(request->stream >> 24),
		(uint8_t)(request->stream >> 16),
		(uint8_t)(request->stream >> 8),
		(uint8_t)request->stream,
	};

	if (write_all(request->fd, header, sizeof(header)))
		write_all(request->fd, bytes, length);
}

/* A string of HPACK without Huffman coding (RFC 7541, sections 5.1 and 5.2). */
static size_t put_string(uint8_t *to, const char *string)
{
	size_t length = strlen(string), used = 0, left;

	if (length < 127) {
		to[used++] = (uint8_t)length;
	} else {
		to[used++] = 127;
		for (left = length - 127; left >= 128; left /= 128)
			to[used++] = (uint8_t)(left % 128 + 128);
		to[used++] = (uint8_t)left;
	}
	memcpy(to + used, string, length);
	return used + length;
}

void h2_headers(const struct h2_request *request, int flags, ...)
{
	uint8_t block[8192];
	size_t used = 0;
	const char *name;
	va_list pairs;

	va_start(pairs, flags);
	while ((name = va_arg(pairs, const char *))) {
		block[used++] = 0; /* literal, not indexed, new name (section 6.2.2) */
		used += put_string(block + used, name);
		used += put_string(block + used, va_arg(pairs, const char *));
	}
	va_end(pairs);
	h2_frame(request, H2_HEADERS, flags | H2_END_HEADERS, block, used);
}

void h2_data(const struct h2_request *request, int flags, const void *bytes, size_t length)
{
	h2_frame(request, H2_DATA, flags, bytes, length);
}

/* Whether a request is whole with this frame; answers what is no request. */
static bool take_frame(const struct h2_request *request, int type, int flags, const void *bytes, size_t length)
{
	struct h2_request whole_connection = { .fd = request->fd };

	if (type == H2_SETTINGS && !(flags & H2_ACK))
		h2_frame(&whole_connection, H2_SETTINGS, H2_ACK, "", 0);
	if (type == H2_PING && !(flags & H2_ACK))
		h2_frame(&whole_connection, H2_PING, H2_ACK, bytes, length);
	return (type == H2_DATA || type == H2_HEADERS) && (flags & H2_END_STREAM);
}

static void *serve(void *context)
{
	struct served *served = context;
	struct h2_request request = { .fd = served->fd, .connection = served->number };
	uint8_t header[FRAME_HEADER_SIZE];
	char *bytes = malloc((size_t)1 << 24);

	if (bytes && read_all(request.fd, bytes, PREFACE_SIZE))
		h2_frame(&request, H2_SETTINGS, 0, "", 0);
	while (bytes && read_all(request.fd, header, sizeof(header))) {
		size_t length = (size_t)header[0] << 16 | (size_t)header[1] << 8 | header[2];

		request.stream =
			(uint32_t)header[5] << 24 | (uint32_t)header[6] << 16 | (uint32_t)header[7] << 8 | header[8];
		if (!read_all(request.fd, bytes, length))
			break;
		if (!take_frame(&request, header[3], header[4], bytes, length))
			continue;
		request.number++;
		if (!atomic_load(&served->server->script)(&request))
			break;
	}
	shutdown(request.fd, SHUT_RDWR);
	free(bytes);
	return NULL;
}

static void *listen_on(void *context)
{
	struct h2_server *server = context;
	int fd;

	while ((fd = accept(server->listener, NULL, NULL)) >= 0) {
		unsigned count = atomic_load(&server->connections);
		struct served *served = &server->served[count];

		if (count == CONNECTION_LIMIT)
			abort();
		*served = (struct served){ .server = server, .fd = fd, .number = count + 1 };
		if (pthread_create(&served->thread, NULL, serve, served) != 0)
			abort();
		atomic_store(&server->connections, count + 1);
	}
	return NULL;
}

struct h2_server *h2_server_start(const char *path, h2_script script)
{
	struct h2_server *server = calloc(1, sizeof(*server));

	if (!server)
		abort();
	server->address.sun_family = AF_UNIX;
	snprintf(server->address.sun_path, sizeof(server->address.sun_path), "%s", path);
	server->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	atomic_store(&server->script, script);
	if (bind(server->listener, (const struct sockaddr *)&server->address, sizeof(server->address)) < 0 ||
	    listen(server->listener, 8) < 0 || pthread_create(&server->thread, NULL, listen_on, server) != 0)
		abort();
	return server;
}

void h2_server_script(struct h2_server *server, h2_script script)
{
	atomic_store(&server->script, script);
}

unsigned h2_server_connections(const struct h2_server *server)
{
	return atomic_load(&server->connections);
}

struct h2_request h2_server_connection(const struct h2_server *server, unsigned number)
{
	return (struct h2_request){ .fd = server->served[number - 1].fd, .connection = number };
}

void h2_server_stop(struct h2_server *server)
{
	shutdown(server->listener, SHUT_RDWR);
	pthread_join(server->thread, NULL);
	for (unsigned i = 0; i < atomic_load(&server->connections); i++) {
		shutdown(server->served[i].fd, SHUT_RDWR);
		pthread_join(server->served[i].thread, NULL);
		close(server->served[i].fd);
	}
	close(server->listener);
	unlink(server->address.sun_path);
	free(server);
}
