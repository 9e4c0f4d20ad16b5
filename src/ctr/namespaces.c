#include "ctr/namespaces.h"

#include "ctr/common.pb-c.h"
#include "ctr/grpc.h"
#include "ctr/namespaces.pb-c.h"

static const struct grpc_method list = { "containerd.services.namespaces.v1", "Namespaces", "List", GRPC_READ_MS };

int ctr_namespace_list(struct ctr *ctr, struct names_set *names, struct error *err)
{
	Ctr__Empty request = CTR__EMPTY__INIT;
	cleanup_message Ctr__Namespaces__ListResponse *reply =
		grpc_ask(ctr, &list, &request.base, &ctr__namespaces__list_response__descriptor, err);

	if (!reply)
		return -1;
	for (size_t i = 0; i < reply->n_namespaces; i++)
		if (names_set_add(names, reply->namespaces[i]->name, err) < 0)
			return -1;
	return 0;
}
