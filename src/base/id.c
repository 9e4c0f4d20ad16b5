#include "base/id.h"

#include <string.h>
#include <uuid.h>

/* Made once, at random; it must never change: container ids are hashed under it. */
static const char wsnap_namespace[] = "6d1b1e0a-53f1-4c1d-9a35-0d3c8f3a7b52";

void id_random(char id[static ID_SIZE])
{
	uuid_t uuid;

	uuid_generate_random(uuid);
	uuid_unparse_lower(uuid, id);
}

void id_of_name(const char *name, char id[static ID_SIZE])
{
	uuid_t namespace, uuid;

	uuid_parse(wsnap_namespace, namespace);
	uuid_generate_sha1(uuid, namespace, name, strlen(name));
	uuid_unparse_lower(uuid, id);
}

bool id_parse(const char *text, char id[static ID_SIZE])
{
	uuid_t uuid;

	if (strlen(text) != ID_SIZE - 1 || uuid_parse(text, uuid) < 0)
		return false;
	uuid_unparse_lower(uuid, id);
	return true;
}
