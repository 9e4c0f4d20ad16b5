#ifndef WSNAP_CTR_ANY_H
#define WSNAP_CTR_ANY_H

#include <stddef.h>

/* A google.protobuf.Any. */
struct ctr_any {
	char *type_url; /* NULL: absent */
	void *value;
	size_t length; /* bytes; in what ctr hands out, a NUL follows that is not counted */
};

#endif
