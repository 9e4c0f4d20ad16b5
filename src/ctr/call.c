#include "ctr/call.h"

#include <ctype.h>
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"

#define MESSAGE_LIMIT ((size_t)16 << 20) /* bytes, the size up to which containerd sends */
#define REPLY_LIMIT ((size_t)256 << 20)  /* bytes of all messages of a stream */

_Static_assert(CALL_ERROR_SIZE >= CURL_ERROR_SIZE, "libcurl writes so much");

/* "Snapshots.Commit", for messages. */
static void method_words(const struct call *call, char words[static 128])
{
	snprintf(words, 128, "%s.%s", call->method->service, call->method->name);
}

static size_t send_body(char *to, size_t size, size_t count, void *context)
{
	struct call *call = context;
	size_t room = size * count, left = call->body_length - call->body_sent;
	size_t length = left < room ? left : room;

	call->touched = true;
	memcpy(to, call->body + call->body_sent, length);
	call->body_sent += length;
	return length;
}

static int seek_body(void *context, curl_off_t offset, int origin)
{
	struct call *call = context;

	if (origin != SEEK_SET || offset < 0 || (size_t)offset > call->body_length)
		return CURL_SEEKFUNC_FAIL;
	call->body_sent = (size_t)offset;
	return CURL_SEEKFUNC_OK;
}

/* Bytes behind a refusal page are not read as frames: their header says that they are none. */
static size_t receive_body(char *bytes, size_t size, size_t count, void *context)
{
	struct call *call = context;
	size_t length = size * count;

	if (!call->is_grpc)
		return length;
	return frame_read(&call->reader, bytes, length, &call->reader_error) < 0 ? 0 : length;
}

static bool header_is(const char *line, size_t length, const char *name, const char **value, size_t *value_length)
{
	size_t name_length = strlen(name);

	if (length <= name_length || strncasecmp(line, name, name_length) != 0 || line[name_length] != ':')
		return false;
	line += name_length + 1;
	length -= name_length + 1;
	while (length && isspace((unsigned char)*line)) {
		line++;
		length--;
	}
	while (length && isspace((unsigned char)line[length - 1]))
		length--;
	*value = line;
	*value_length = length;
	return true;
}

/* application/grpc, or with a suffix: +proto, or parameters. */
static bool is_grpc_type(const char *value, size_t length)
{
	static const char type[] = "application/grpc";
	size_t type_length = sizeof(type) - 1;

	if (length < type_length || strncasecmp(value, type, type_length) != 0)
		return false;
	value += type_length;
	length -= type_length;
	return length == 0 || *value == ';' || (length >= 6 && strncasecmp(value, "+proto", 6) == 0);
}

/* Called for headers and trailers alike, a line each. */
static size_t receive_header(char *line, size_t size, size_t count, void *context)
{
	struct call *call = context;
	size_t length = size * count, value_length;
	const char *value;

	if (header_is(line, length, "content-type", &value, &value_length))
		call->is_grpc = is_grpc_type(value, value_length);
	else if (header_is(line, length, "grpc-message", &value, &value_length))
		status_decode_message(value, value_length, call->status.message);
	else if (header_is(line, length, "grpc-status", &value, &value_length) &&
		 !status_parse_code(value, value_length, &call->status.code))
		call->status.code = CTR_NO_ANSWER;
	return length;
}

/* A transfer that is to reuse the connection must not make one: libcurl would ask for it
 * by an upgrade from HTTP/1.1, which gRPC servers do not know. */
static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct call *call = context;

	(void)purpose;
	if (!call->may_connect)
		return CURL_SOCKET_BAD;
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static int add_header(struct call *call, const char *name, const char *value, struct error *err)
{
	cleanup_free char *line = text_format("%s: %s", name, value);
	struct curl_slist *longer = line ? curl_slist_append(call->headers, line) : NULL;

	if (!longer)
		return error_memory(err);
	call->headers = longer;
	return 0;
}

static int make_headers(struct call *call, struct error *err)
{
	const struct ctr *ctr = call->ctr;

	if (add_header(call, "content-type", "application/grpc", err) < 0 ||
	    add_header(call, "te", "trailers", err) < 0 ||
	    add_header(call, "containerd-namespace", ctr->namespace, err) < 0)
		return -1;
	if (ctr->lease && add_header(call, "containerd-lease", ctr->lease, err) < 0)
		return -1;
	/* An empty value takes out what libcurl adds by itself. */
	return add_header(call, "accept", "", err) < 0 || add_header(call, "expect", "", err) < 0 ? -1 : 0;
}

static bool set_callbacks(struct call *call)
{
	CURL *easy = call->easy;

	return curl_easy_setopt(easy, CURLOPT_PRIVATE, call) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_READFUNCTION, send_body) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_READDATA, call) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, seek_body) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_SEEKDATA, call) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, receive_body) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_WRITEDATA, call) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, receive_header) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_HEADERDATA, call) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, call) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->result_words) == CURLE_OK;
}

/* Deadlines are the driver's: libcurl's would close the connection under other calls. */
static bool set_options(struct call *call, const char *url)
{
	CURL *easy = call->easy;

	return curl_easy_setopt(easy, CURLOPT_URL, url) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, call->ctr->socket_path) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_NOPROXY, "*") == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, 16384L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_POST, 1L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body_length) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_HTTPHEADER, call->headers) == CURLE_OK;
}

static int no_message(void *context, const uint8_t *message, size_t length, struct error *err)
{
	(void)context, (void)message, (void)length, (void)err;
	return 0;
}

struct call *call_new(struct ctr *ctr, const struct grpc_method *method, uint8_t *body, size_t body_length,
		      struct error *err)
{
	cleanup_free char *url =
		text_format("http://localhost/%s.%s/%s", method->package, method->service, method->name);
	cleanup_call struct call *call = calloc(1, sizeof(*call));

	if (!call) {
		free(body);
		error_memory(err);
		return NULL;
	}
	*call = (struct call){ .ctr = ctr, .method = method, .body = body, .body_length = body_length };
	call->status.code = CTR_NO_ANSWER;
	call->reader = (struct frame_reader){ .handler = no_message,
					      .message_limit = MESSAGE_LIMIT,
					      .total_limit = REPLY_LIMIT };
	if (make_headers(call, err) < 0)
		return NULL;
	call->easy = curl_easy_init();
	if (!url || !call->easy || !set_callbacks(call) || !set_options(call, url)) {
		error_memory(err);
		return NULL;
	}
	return steal_pointer(call);
}

/*
 * libcurl before 7.88.2 cannot reuse a connection that was made with prior knowledge for a
 * transfer that asks for prior knowledge again (CURLE_HTTP2; curl/curl#10643), but for one that asks for
 * plain HTTP/2 it can. So the first call connects, always afresh, and the others are only allowed to reuse.
 */
int call_prepare(struct call *call, bool may_connect, struct error *err)
{
	long version = may_connect ? CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE : CURL_HTTP_VERSION_2_0;

	call->may_connect = may_connect;
	call->done = false;
	call->body_sent = 0;
	call->result_words[0] = '\0';
	if (curl_easy_setopt(call->easy, CURLOPT_HTTP_VERSION, version) != CURLE_OK ||
	    curl_easy_setopt(call->easy, CURLOPT_FRESH_CONNECT, may_connect ? 1L : 0L) != CURLE_OK)
		return error_set(err, ERROR_FAILED, "this libcurl does not speak HTTP/2");
	return 0;
}

bool call_wants_connection(const struct call *call)
{
	return call->result != CURLE_OK && !call->may_connect && !call->touched;
}

static int set_hint(struct error *err)
{
	return error_hint(err, "check --address, and whether containerd runs");
}

static int connect_error(const struct call *call, struct error *err)
{
	long number = 0;
	char words[128] = "connection refused";

	curl_easy_getinfo(call->easy, CURLINFO_OS_ERRNO, &number);
	if (number)
		snprintf(words, sizeof(words), "%s", strerror((int)number));
	words[0] = (char)tolower((unsigned char)words[0]);
	error_set(err, ERROR_CONTAINERD, "containerd at '%s' cannot be reached: %s", call->ctr->socket_path, words);
	return set_hint(err);
}

static int transfer_error(const struct call *call, struct error *err)
{
	const char *words = *call->result_words ? call->result_words : curl_easy_strerror(call->result);
	const char *path = call->ctr->socket_path;
	char method[128];

	if (call->result == CURLE_OUT_OF_MEMORY)
		return error_memory(err);
	if (call->result == CURLE_COULDNT_CONNECT && !call->touched)
		return connect_error(call, err);
	method_words(call, method);
	error_set(err, ERROR_CONTAINERD, "containerd at '%s' broke off %s, or is no containerd: %s", path, method,
		  words);
	return set_hint(err);
}

static int not_grpc(const struct call *call, const char *what, struct error *err)
{
	char method[128];

	method_words(call, method);
	error_set(err, ERROR_CONTAINERD, "what listens at '%s' does not speak gRPC: it answered %s with %s",
		  call->ctr->socket_path, method, what);
	return set_hint(err);
}

static int check_answer(const struct call *call, struct error *err)
{
	char what[64];
	long http = 0;

	curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &http);
	if (http != 200) {
		snprintf(what, sizeof(what), "HTTP status %ld", http);
		return not_grpc(call, what, err);
	}
	if (!call->is_grpc)
		return not_grpc(call, "another content type", err);
	return 0;
}

int call_verdict(struct call *call, struct error *err)
{
	char method[128];

	method_words(call, method);
	if (call->reader_error.kind) {
		*err = call->reader_error;
		return error_wrap(err, "containerd's answer to %s cannot be read", method);
	}
	if (call->result != CURLE_OK)
		return transfer_error(call, err);
	if (check_answer(call, err) < 0)
		return -1;
	call->ctr->status = call->status.code;
	if (call->status.code != CTR_OK && call->status.code != CTR_NO_ANSWER)
		return status_error(&call->status, method, err);
	if (call->status.code == CTR_NO_ANSWER || !frame_at_end(&call->reader))
		return error_set(err, ERROR_CONTAINERD, "containerd's answer to %s is cut short", method);
	return 0;
}

int call_late(const struct call *call, unsigned timeout_ms, struct error *err)
{
	char method[128];

	method_words(call, method);
	return error_set(err, ERROR_CONTAINERD, "containerd at '%s' did not answer %s within %u ms",
			 call->ctr->socket_path, method, timeout_ms);
}

void call_free(struct call *call)
{
	if (!call)
		return;
	if (call->easy) {
		/* Without this, what is not in a multi handle is left alone. */
		curl_multi_remove_handle(call->ctr->multi, call->easy);
		curl_easy_cleanup(call->easy);
	}
	curl_slist_free_all(call->headers);
	frame_release(&call->reader);
	free(call->body);
	free(call);
}
