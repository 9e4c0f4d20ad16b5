/* The client against servers that lie, break off, fall silent or are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/text.h"
#include "ctr/common.pb-c.h"
#include "ctr/ctr.h"
#include "ctr/frame.h"
#include "ctr/grpc.h"
#include "ctr/server.h"
#include "ctr/snapshots.h"
#include "ctr/snapshots.pb-c.h"
#include "ctr/tasks.h"
#include "ctr/version.pb-c.h"
#include "support/h2_server.h"

#define HINT "check --address, and whether containerd runs"

struct fixture {
	char folder[64];
	char path[96];
	struct h2_server *server;
	struct ctr *ctr;
	struct error err;
};

static void expect_error(struct fixture *fixture, enum error_kind kind, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void expect_error(struct fixture *fixture, enum error_kind kind, const char *format, ...)
{
	char message[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	assert_string_equal(fixture->err.message, message);
	assert_int_equal(fixture->err.kind, kind);
}

static void expect_version(struct fixture *fixture)
{
	char *version = ctr_version(fixture->ctr, &fixture->err);

	assert_string_equal(fixture->err.message, "");
	assert_non_null(version);
	assert_string_equal(version, "1.6.20");
	free(version);
}

/* The words of libcurl in the middle change with its versions. */
static void expect_broken_off(struct fixture *fixture)
{
	char start[256];

	assert_null(ctr_version(fixture->ctr, &fixture->err));
	snprintf(start, sizeof(start),
		 "containerd at '%s' broke off Version.Version, or is no containerd: ", fixture->path);
	assert_true(text_starts_with(fixture->err.message, start));
	assert_int_equal(fixture->err.kind, ERROR_CONTAINERD);
	assert_string_equal(fixture->err.hint, HINT);
	assert_int_equal(ctr_status(fixture->ctr), CTR_NO_ANSWER);
}

/* --- answers ------------------------------------------------------------------------------ */

static void answer_head(const struct h2_request *request)
{
	h2_headers(request, 0, ":status", "200", "content-type", "application/grpc", NULL);
}

static void answer_trailers(const struct h2_request *request, const char *status, const char *message)
{
	h2_headers(request, H2_END_STREAM, "grpc-status", status, "grpc-message", message, NULL);
}

static const char version_frame[] = "\0\0\0\0\x0c\n\x0a"
				    "1.6.20~ds1";
#define VERSION_LENGTH (sizeof(version_frame) - 1)

static bool honest(const struct h2_request *request)
{
	answer_head(request);
	h2_data(request, 0, version_frame, VERSION_LENGTH);
	answer_trailers(request, "0", "");
	return true;
}

static bool in_pieces(const struct h2_request *request)
{
	h2_headers(request, 0, ":status", "200", "content-type", "application/grpc+proto", NULL);
	for (size_t i = 0; i < VERSION_LENGTH; i++)
		h2_data(request, 0, version_frame + i, 1);
	answer_trailers(request, "0", "");
	return true;
}

static bool truncated_frame(const struct h2_request *request)
{
	answer_head(request);
	h2_data(request, 0, version_frame, VERSION_LENGTH - 1);
	answer_trailers(request, "0", "");
	return true;
}

static bool compressed(const struct h2_request *request)
{
	answer_head(request);
	h2_data(request, 0, "\1\0\0\0\0", 5);
	answer_trailers(request, "0", "");
	return true;
}

static bool web_page(const struct h2_request *request)
{
	h2_headers(request, 0, ":status", "200", "content-type", "text/html", NULL);
	h2_data(request, H2_END_STREAM, "<html>", 6);
	return true;
}

static bool bad_gateway(const struct h2_request *request)
{
	h2_headers(request, H2_END_STREAM, ":status", "502", "content-type", "application/grpc", NULL);
	return true;
}

static bool similar_type(const struct h2_request *request)
{
	h2_headers(request, H2_END_STREAM, ":status", "200", "content-type", "application/grpc-web", "grpc-status", "0",
		   NULL);
	return true;
}

static bool no_trailers(const struct h2_request *request)
{
	answer_head(request);
	h2_data(request, H2_END_STREAM, version_frame, VERSION_LENGTH);
	return true;
}

static bool bad_status(const struct h2_request *request)
{
	answer_head(request);
	h2_data(request, 0, version_frame, VERSION_LENGTH);
	answer_trailers(request, "zero", "");
	return true;
}

static bool refused_in_headers(const struct h2_request *request)
{
	h2_headers(request, H2_END_STREAM, ":status", "200", "content-type", "application/grpc", "grpc-status", "9",
		   "grpc-message", "caf%C3%A9%0A%1b[31m %25 bad%", NULL);
	return true;
}

static bool unavailable(const struct h2_request *request)
{
	h2_headers(request, H2_END_STREAM, ":status", "200", "content-type", "application/grpc", "grpc-status", "14",
		   NULL);
	return true;
}

static bool no_message(const struct h2_request *request)
{
	answer_head(request);
	answer_trailers(request, "0", "");
	return true;
}

static bool two_messages(const struct h2_request *request)
{
	answer_head(request);
	h2_data(request, 0, version_frame, VERSION_LENGTH);
	h2_data(request, 0, version_frame, VERSION_LENGTH);
	answer_trailers(request, "0", "");
	return true;
}

static bool no_protobuf(const struct h2_request *request)
{
	answer_head(request);
	h2_data(request, 0, "\0\0\0\0\2\n\x7f", 7);
	answer_trailers(request, "0", "");
	return true;
}

static bool huge_prefix(const struct h2_request *request)
{
	answer_head(request);
	h2_data(request, 0,
		"\0\xff\xff\xff\xff"
		"abc",
		8);
	answer_trailers(request, "0", "");
	return true;
}

static bool just_too_long(const struct h2_request *request)
{
	answer_head(request);
	h2_data(request, 0, "\0\1\0\0\1", 5);
	return true;
}

static bool closes_in_body(const struct h2_request *request)
{
	answer_head(request);
	h2_data(request, 0, version_frame, 7);
	return false;
}

static bool closes_at_once(const struct h2_request *request)
{
	(void)request;
	return false;
}

static bool resets_stream(const struct h2_request *request)
{
	h2_frame(request, H2_RST_STREAM, 0, "\0\0\0\2", 4);
	return true;
}

static bool goes_away(const struct h2_request *request)
{
	struct h2_request connection = { .fd = request->fd };

	h2_frame(&connection, H2_GOAWAY, 0, "\0\0\0\0\0\0\0\0", 8);
	return false;
}

static bool garbage(const struct h2_request *request)
{
	h2_frame(request, 99, 255, "x", 1);
	h2_frame(request, H2_HEADERS, H2_END_HEADERS, "\xff\xff\xff\xff\xff\xff", 6);
	return true;
}

static bool silent(const struct h2_request *request)
{
	(void)request;
	return true;
}

/* Wait is the second request of these tests' connections: libcurl from 8.13 on lets a call share a connection only once
 * an answer has come through it. */
#define WAIT_NUMBER 2
#define WAIT_STREAM 3

static bool silent_at_wait(const struct h2_request *request)
{
	return request->number == WAIT_NUMBER || honest(request);
}

/* The frames of the answers of two streams, of which the test says the order: H(eaders), D(ata),
 * T(railers), in upper case for the second stream; all in one piece. */
static void answer_in_order(const struct h2_request *request, uint32_t first, const char *order)
{
	struct h2_request answer = *request;
	char bytes[4096];
	ssize_t length;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
		abort();
	answer.fd = pair[0];
	for (; *order; order++) {
		answer.stream = *order >= 'a' ? first : request->stream;
		if ((*order | 0x20) == 'h')
			answer_head(&answer);
		else if ((*order | 0x20) == 'd')
			h2_data(&answer, 0, version_frame, VERSION_LENGTH);
		else
			answer_trailers(&answer, "0", "");
	}
	length = recv(pair[1], bytes, sizeof(bytes), 0);
	if (send(request->fd, bytes, (size_t)length, MSG_NOSIGNAL) != length)
		abort();
	close(pair[0]);
	close(pair[1]);
}

/* Orders of the frames of an open Wait and of a call beside it, one a connection. */
static const char *const orders[] = { "hdtHDT", "HDThdt", "hHdDtT", "HhDdTt", "HhdtDT",
				      "hHDTdt", "HhdDtT", "hHDdtT", "HhDdtT", "hdHDTt" };
#define ORDER_COUNT (sizeof(orders) / sizeof(*orders))

static bool answers_in_order(const struct h2_request *request)
{
	if (request->number < WAIT_NUMBER)
		return honest(request);
	if (request->number > WAIT_NUMBER)
		answer_in_order(request, WAIT_STREAM, orders[request->connection - 1]);
	return true;
}

static bool closes_at_first(const struct h2_request *request)
{
	return request->connection > 1 && honest(request);
}

/* --- tests -------------------------------------------------------------------------------- */

static void honest_server(void **state)
{
	struct fixture *fixture = *state;

	expect_version(fixture);
	h2_server_script(fixture->server, in_pieces);
	expect_version(fixture);
	expect_version(fixture);
	assert_int_equal(ctr_status(fixture->ctr), CTR_OK);
	assert_int_equal(h2_server_connections(fixture->server), 1);
}

/* An answer that is refused, and the client goes on afterwards. */
static void expect_refused(struct fixture *fixture, h2_script script, enum error_kind kind, const char *message)
{
	h2_server_script(fixture->server, script);
	assert_null(ctr_version(fixture->ctr, &fixture->err));
	expect_error(fixture, kind, "%s", message);
	error_clear(&fixture->err);
	h2_server_script(fixture->server, honest);
	expect_version(fixture);
}

static void bad_frames(void **state)
{
	struct fixture *fixture = *state;

	expect_refused(fixture, truncated_frame, ERROR_CONTAINERD,
		       "containerd's answer to Version.Version is cut short");
	expect_refused(fixture, no_trailers, ERROR_CONTAINERD, "containerd's answer to Version.Version is cut short");
	expect_refused(fixture, bad_status, ERROR_CONTAINERD, "containerd's answer to Version.Version is cut short");
	expect_refused(fixture, compressed, ERROR_CONTAINERD,
		       "containerd's answer to Version.Version cannot be read: the reply is compressed, which was not "
		       "asked for");
	expect_refused(fixture, two_messages, ERROR_CONTAINERD,
		       "containerd's answer to Version.Version cannot be read: there is more than one message");
	expect_refused(fixture, no_protobuf, ERROR_CONTAINERD,
		       "containerd's answer to Version.Version cannot be read: a message of 2 bytes is no "
		       "VersionResponse");
	expect_refused(fixture, no_message, ERROR_CONTAINERD, "containerd answered Version.Version without a message");
	expect_refused(fixture, huge_prefix, ERROR_FAILED,
		       "containerd's answer to Version.Version cannot be read: a message of the reply is longer than "
		       "16777216 bytes");
	expect_refused(fixture, just_too_long, ERROR_FAILED,
		       "containerd's answer to Version.Version cannot be read: a message of the reply is longer than "
		       "16777216 bytes");
}

static void expect_not_grpc(struct fixture *fixture, h2_script script, const char *what)
{
	char message[256];

	snprintf(message, sizeof(message),
		 "what listens at '%s' does not speak gRPC: it answered Version.Version with %s", fixture->path, what);
	expect_refused(fixture, script, ERROR_CONTAINERD, message);
}

static void no_grpc(void **state)
{
	struct fixture *fixture = *state;

	expect_not_grpc(fixture, web_page, "another content type");
	expect_not_grpc(fixture, similar_type, "another content type");
	expect_not_grpc(fixture, bad_gateway, "HTTP status 502");
}

static void refusals(void **state)
{
	struct fixture *fixture = *state;

	expect_refused(fixture, refused_in_headers, ERROR_FAILED,
		       "containerd refused Version.Version: café??[31m % bad%");
	expect_refused(fixture, unavailable, ERROR_CONTAINERD, "containerd refused Version.Version: unavailable");
}

static void broken_off(void **state)
{
	static const h2_script scripts[] = { closes_in_body, closes_at_once, resets_stream, goes_away, garbage };
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof(scripts) / sizeof(*scripts); i++) {
		h2_server_script(fixture->server, scripts[i]);
		expect_broken_off(fixture);
		error_clear(&fixture->err);
		h2_server_script(fixture->server, honest);
		expect_version(fixture);
	}
}

/* What was never sent may be sent again: a connection that died between calls goes unnoticed. */
static void died_between_calls(void **state)
{
	struct fixture *fixture = *state;

	expect_version(fixture);
	shutdown(h2_server_connection(fixture->server, 1).fd, SHUT_RDWR);
	expect_version(fixture);
	assert_int_equal(h2_server_connections(fixture->server), 2);
}

static void goaway_between_calls(void **state)
{
	struct fixture *fixture = *state;
	struct h2_request connection;

	expect_version(fixture);
	connection = h2_server_connection(fixture->server, 1);
	h2_frame(&connection, H2_GOAWAY, 0, "\0\0\0\1\0\0\0\0", 8);
	expect_version(fixture);
	assert_int_equal(h2_server_connections(fixture->server), 2);
}

static void silent_server(void **state)
{
	static const struct grpc_method impatient = { "containerd.services.version.v1", "Version", "Version", 50 };
	struct fixture *fixture = *state;
	Ctr__Empty request = CTR__EMPTY__INIT;

	h2_server_script(fixture->server, silent);
	assert_null(grpc_ask(fixture->ctr, &impatient, &request.base, &ctr__version__version_response__descriptor,
			     &fixture->err));
	expect_error(fixture, ERROR_CONTAINERD, "containerd at '%s' did not answer Version.Version within 50 ms",
		     fixture->path);
	error_clear(&fixture->err);
	h2_server_script(fixture->server, honest);
	expect_version(fixture);
	assert_int_equal(h2_server_connections(fixture->server), 2);
}

/* A Wait stays open while other calls come and go on the same connection. */
static void wait_beside_calls(void **state)
{
	struct fixture *fixture = *state;
	struct ctr_wait *wait = NULL;

	h2_server_script(fixture->server, silent_at_wait);
	expect_version(fixture);
	assert_int_equal(ctr_task_wait_begin(fixture->ctr, "box", &wait, &fixture->err), 0);
	assert_int_equal(ctr_task_wait_end(wait, 0, &fixture->err), 0);
	expect_version(fixture);
	expect_version(fixture);
	assert_int_equal(ctr_task_wait_end(wait, 20, &fixture->err), 0);
	assert_int_equal(h2_server_connections(fixture->server), 1);
	ctr_task_wait_cancel(wait);
	expect_version(fixture);
	assert_int_equal(h2_server_connections(fixture->server), 1);
}

/* What has been read from the socket for one call while another was served must not be lost. */
static void interleaved_answers(void **state)
{
	struct fixture *fixture = *state;

	h2_server_script(fixture->server, answers_in_order);
	for (unsigned i = 1; i <= ORDER_COUNT; i++) {
		struct ctr_wait *wait = NULL;

		expect_version(fixture);
		assert_int_equal(ctr_task_wait_begin(fixture->ctr, "box", &wait, &fixture->err), 0);
		expect_version(fixture);
		assert_int_equal(ctr_task_wait_end(wait, 60000, &fixture->err), 1);
		ctr_task_wait_cancel(wait);
		assert_int_equal(h2_server_connections(fixture->server), i);
		shutdown(h2_server_connection(fixture->server, i).fd, SHUT_RDWR);
	}
}

static void wait_broken_off(void **state)
{
	struct fixture *fixture = *state;
	struct ctr_wait *wait = NULL;

	h2_server_script(fixture->server, closes_at_first);
	assert_int_equal(ctr_task_wait_begin(fixture->ctr, "box", &wait, &fixture->err), 0);
	assert_int_equal(ctr_task_wait_end(wait, 5000, &fixture->err), -1);
	assert_int_equal(fixture->err.kind, ERROR_CONTAINERD);
	assert_int_equal(ctr_task_wait_end(wait, 5000, &fixture->err), -1);
	error_clear(&fixture->err);
	expect_version(fixture);
	ctr_task_wait_cancel(wait);
}

static bool says_not_found(const struct h2_request *request)
{
	h2_headers(request, H2_END_STREAM, ":status", "200", "content-type", "application/grpc", "grpc-status", "5",
		   NULL);
	return true;
}

static void what_is_not_there(void **state)
{
	struct fixture *fixture = *state;
	struct ctr_task task = { .state = CTR_TASK_RUNNING };
	struct ctr_wait *wait = NULL;

	h2_server_script(fixture->server, says_not_found);
	assert_int_equal(ctr_task_wait_begin(fixture->ctr, "box", &wait, &fixture->err), 0);
	assert_int_equal(ctr_task_wait_end(wait, 5000, &fixture->err), 1);
	ctr_task_wait_cancel(wait);
	assert_int_equal(ctr_task_get(fixture->ctr, "box", &task, &fixture->err), 0);
	assert_int_equal(task.state, CTR_TASK_NONE);
	assert_int_equal(ctr_task_delete(fixture->ctr, "box", &fixture->err), 0);
	assert_int_equal(ctr_snapshot_stat(fixture->ctr, "overlayfs", "x", NULL, &fixture->err), 0);
	assert_int_equal(ctr_snapshot_remove(fixture->ctr, "overlayfs", "x", &fixture->err), 0);
	assert_int_equal(fixture->err.kind, ERROR_NONE);
	assert_int_equal(ctr_task_start(fixture->ctr, "box", &fixture->err), -1);
	expect_error(fixture, ERROR_NOT_FOUND, "containerd refused Tasks.Start: not found");
	assert_int_equal(ctr_status(fixture->ctr), CTR_NOT_FOUND);
}

/* 200 frames of 100 snapshots each, as containerd sends them. */
static bool lists_snapshots(const struct h2_request *request)
{
	Ctr__Snapshots__ListResponse reply = CTR__SNAPSHOTS__LIST_RESPONSE__INIT;
	Ctr__Snapshots__Info infos[100], *list[100];
	char names[100][40];
	uint8_t frame[16384];

	answer_head(request);
	reply.info = list;
	reply.n_info = 100;
	for (unsigned i = 0; i < 200; i++) {
		for (unsigned k = 0; k < 100; k++) {
			list[k] = &infos[k];
			ctr__snapshots__info__init(&infos[k]);
			snprintf(names[k], sizeof(names[k]), "snapshot-number-%u", i * 100 + k);
			infos[k].name = names[k];
			infos[k].kind = CTR_SNAPSHOT_COMMITTED;
		}
		frame_write_header(frame, (uint32_t)ctr__snapshots__list_response__get_packed_size(&reply));
		h2_data(request, 0, frame, FRAME_HEADER_SIZE + ctr__snapshots__list_response__pack(&reply, frame + 5));
	}
	answer_trailers(request, "0", "");
	return true;
}

static void many_snapshots(void **state)
{
	struct fixture *fixture = *state;
	struct ctr_snapshots snapshots = { 0 };

	h2_server_script(fixture->server, lists_snapshots);
	assert_int_equal(ctr_snapshot_list(fixture->ctr, "overlayfs", NULL, &snapshots, &fixture->err), 0);
	assert_int_equal(snapshots.count, 20000);
	assert_string_equal(snapshots.items[19999].name, "snapshot-number-19999");
	assert_int_equal(snapshots.items[0].kind, CTR_SNAPSHOT_COMMITTED);
	ctr_snapshots_release(&snapshots);
}

/* A list that breaks off half-way is no list. */
static bool lists_and_fails(const struct h2_request *request)
{
	answer_head(request);
	h2_data(request, 0, "\0\0\0\0\5\n\3\n\1a", 10);
	answer_trailers(request, "2", "disk%20on%20fire");
	return true;
}

static void half_a_list(void **state)
{
	struct fixture *fixture = *state;
	struct ctr_snapshots snapshots = { 0 };

	h2_server_script(fixture->server, lists_and_fails);
	assert_int_equal(ctr_snapshot_list(fixture->ctr, "overlayfs", NULL, &snapshots, &fixture->err), -1);
	expect_error(fixture, ERROR_FAILED, "containerd refused Snapshots.List: disk on fire");
	assert_int_equal(snapshots.count, 0);
	assert_null(snapshots.items);
}

/* Containerd restarts: unreachable for a while, then there again. */
static void server_comes_back(void **state)
{
	struct fixture *fixture = *state;

	expect_version(fixture);
	h2_server_stop(fixture->server);
	fixture->server = NULL;
	for (int i = 0; i < 2; i++) {
		assert_null(ctr_version(fixture->ctr, &fixture->err));
		expect_error(fixture, ERROR_CONTAINERD,
			     "containerd at '%s' cannot be reached: no such file or directory", fixture->path);
		assert_string_equal(fixture->err.hint, HINT);
		error_clear(&fixture->err);
	}
	fixture->server = h2_server_start(fixture->path, honest);
	expect_version(fixture);
}

static void nobody_listens(void **state)
{
	struct fixture *fixture = *state;

	h2_server_stop(fixture->server);
	fixture->server = NULL;
	fclose(fopen(fixture->path, "w"));
	assert_null(ctr_version(fixture->ctr, &fixture->err));
	expect_error(fixture, ERROR_CONTAINERD, "containerd at '%s' cannot be reached: connection refused",
		     fixture->path);
	unlink(fixture->path);
}

static void addresses(void **state)
{
	struct fixture *fixture = *state;
	struct ctr *ctr = NULL;
	char path[200];

	memset(path, 'x', sizeof(path));
	path[0] = '/';
	path[108] = '\0';
	assert_int_equal(ctr_open(path, "default", &ctr, &fixture->err), -1);
	expect_error(fixture, ERROR_USAGE, "containerd's address '%s' is longer than 107 bytes", path);
	assert_int_equal(ctr_open("tcp://host", "default", &ctr, &fixture->err), -1);
	expect_error(fixture, ERROR_USAGE, "containerd's address 'tcp://host' is no absolute path");
	assert_int_equal(ctr_open("/x", "a\r\nb: c", &ctr, &fixture->err), -1);
	expect_error(fixture, ERROR_USAGE, "the namespace 'a??b: c' is no identifier");
	assert_int_equal(ctr_open("/x", "", &ctr, &fixture->err), -1);
	expect_error(fixture, ERROR_USAGE, "the namespace '' has not 1 to 76 bytes");
	assert_int_equal(ctr_use_lease(fixture->ctr, "a b", &fixture->err), -1);
	expect_error(fixture, ERROR_USAGE, "the lease 'a b' is no identifier");
	assert_null(ctr);
	path[107] = '\0';
	error_clear(&fixture->err);
	assert_int_equal(ctr_open(path, "default", &ctr, &fixture->err), 0);
	assert_null(ctr_version(ctr, &fixture->err));
	assert_int_equal(fixture->err.kind, ERROR_CONTAINERD);
	ctr_close(ctr);
}

/* --- fixture ------------------------------------------------------------------------------ */

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	snprintf(fixture->folder, sizeof(fixture->folder), "/tmp/wsnap-ctr-XXXXXX");
	if (!mkdtemp(fixture->folder))
		return -1;
	snprintf(fixture->path, sizeof(fixture->path), "%s/socket", fixture->folder);
	fixture->server = h2_server_start(fixture->path, honest);
	*state = fixture;
	return ctr_open(fixture->path, "default", &fixture->ctr, &fixture->err);
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	ctr_close(fixture->ctr);
	if (fixture->server)
		h2_server_stop(fixture->server);
	rmdir(fixture->folder);
	free(fixture);
	return 0;
}

#define with_server(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_server(honest_server),
		with_server(bad_frames),
		with_server(no_grpc),
		with_server(refusals),
		with_server(broken_off),
		with_server(died_between_calls),
		with_server(goaway_between_calls),
		with_server(silent_server),
		with_server(wait_beside_calls),
		with_server(interleaved_answers),
		with_server(wait_broken_off),
		with_server(what_is_not_there),
		with_server(many_snapshots),
		with_server(half_a_list),
		with_server(server_comes_back),
		with_server(nobody_listens),
		with_server(addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
