#include "ctr/ctr.h"

#include <ctype.h>
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "ctr/client.h"

#define IDENTIFIER_LIMIT 76 /* bytes: containerd's identifiers.Validate */

static int check_path(const char *path, struct error *err)
{
	if (*path != '/')
		return error_set(err, ERROR_USAGE, "containerd's address '%s' is no absolute path", path);
	if (strlen(path) >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
		return error_set(err, ERROR_USAGE, "containerd's address '%s' is longer than %zu bytes", path,
				 sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1);
	return 0;
}

/* It becomes a header: at least nothing may break out of its line. containerd itself checks the rest. */
static int check_identifier(const char *what, const char *identifier, struct error *err)
{
	size_t length = strlen(identifier);

	if (length == 0 || length > IDENTIFIER_LIMIT)
		return error_set(err, ERROR_USAGE, "the %s '%s' has not 1 to %d bytes", what, identifier,
				 IDENTIFIER_LIMIT);
	for (size_t i = 0; i < length; i++)
		if (!isgraph((unsigned char)identifier[i]))
			return error_set(err, ERROR_USAGE, "the %s '%s' is no identifier", what, identifier);
	return 0;
}

int ctr_open(const char *socket_path, const char *namespace, struct ctr **ctr, struct error *err)
{
	static const char scheme[] = "unix://";
	cleanup_ctr struct ctr *new = NULL;

	if (text_starts_with(socket_path, scheme))
		socket_path += sizeof(scheme) - 1;
	if (check_path(socket_path, err) < 0 || check_identifier("namespace", namespace, err) < 0)
		return -1;
	if (curl_global_init(CURL_GLOBAL_NOTHING) != CURLE_OK)
		return error_set(err, ERROR_FAILED, "libcurl cannot be started");
	new = calloc(1, sizeof(*new));
	if (!new) {
		curl_global_cleanup();
		return error_memory(err);
	}
	new->status = CTR_NO_ANSWER;
	new->socket_path = strdup(socket_path);
	new->namespace = strdup(namespace);
	new->multi = curl_multi_init();
	if (!new->socket_path || !new->namespace || !new->multi ||
	    curl_multi_setopt(new->multi, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX) != CURLM_OK ||
	    curl_multi_setopt(new->multi, CURLMOPT_MAXCONNECTS, 1L) != CURLM_OK)
		return error_memory(err);
	*ctr = steal_pointer(new);
	return 0;
}

void ctr_close(struct ctr *ctr)
{
	if (!ctr)
		return;
	curl_multi_cleanup(ctr->multi);
	curl_global_cleanup();
	free(ctr->socket_path);
	free(ctr->namespace);
	free(ctr->lease);
	free(ctr);
}

int ctr_use_lease(struct ctr *ctr, const char *lease, struct error *err)
{
	char *copy = NULL;

	if (lease) {
		if (check_identifier("lease", lease, err) < 0)
			return -1;
		copy = strdup(lease);
		if (!copy)
			return error_memory(err);
	}
	free(ctr->lease);
	ctr->lease = copy;
	return 0;
}

int ctr_status(const struct ctr *ctr)
{
	return ctr->status;
}

bool ctr_forgive(const struct ctr *ctr, enum ctr_status status, struct error *err)
{
	if (ctr->status != (int)status)
		return false;
	error_clear(err);
	return true;
}
