#include "ctr/server.h"

#include <string.h>

#include "ctr/common.pb-c.h"
#include "ctr/grpc.h"
#include "ctr/introspection.pb-c.h"
#include "ctr/version.pb-c.h"

static const struct grpc_method get_version = { "containerd.services.version.v1", "Version", "Version", GRPC_READ_MS };
static const struct grpc_method get_server = { "containerd.services.introspection.v1", "Introspection", "Server",
					       GRPC_READ_MS };

char *ctr_version(struct ctr *ctr, struct error *err)
{
	Ctr__Empty request = CTR__EMPTY__INIT;
	cleanup_message Ctr__Version__VersionResponse *reply =
		grpc_ask(ctr, &get_version, &request.base, &ctr__version__version_response__descriptor, err);
	const char *number;
	char *version;

	if (!reply)
		return NULL;
	/* 1.6.20~ds1 is a distribution's, v2.1.0-rc.1 the project's own. */
	number = reply->version + (*reply->version == 'v');
	version = strndup(number, strspn(number, "0123456789."));
	if (!version)
		error_memory(err);
	return version;
}

char *ctr_server_id(struct ctr *ctr, struct error *err)
{
	Ctr__Empty request = CTR__EMPTY__INIT;
	cleanup_message Ctr__Introspection__ServerResponse *reply =
		grpc_ask(ctr, &get_server, &request.base, &ctr__introspection__server_response__descriptor, err);
	char *id;

	if (!reply)
		return NULL;
	id = strdup(reply->uuid);
	if (!id)
		error_memory(err);
	return id;
}
