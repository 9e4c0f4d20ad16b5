/* What differs between two documents of what makes a container (workspace/blueprint.h): of two versions, or of a version
 * and the container as it is. */
#ifndef WSNAP_COMPARE_SPEC_H
#define WSNAP_COMPARE_SPEC_H

#include "store/versions.h"
#include "workspace/target.h"

struct spec_change {
	char *path;   /* where it stands, as a JSON pointer (RFC 6901); of 'D' where it stood */
	char change;  /* 'A', 'M', 'D' */
	char *before; /* JSON in one line; NULL: it was not there */
	char *now;    /* NULL: it is not there any more */
};

struct spec_changes {
	struct spec_change *items; /* in the order of the document */
	size_t count, capacity;
};

/* Compares two such documents. Members of objects have no order. Elements of arrays have: those that both have stay
 * together, and what lies between them differs. */
int spec_compare(const char *before, const char *now, struct spec_changes *changes, struct error *err);

/* The same for a version and another one (`now` NULL: the container as it is, which must be there). ERROR_NOT_FOUND where
 * nothing is kept of what made the container of a version. */
int spec_compare_versions(struct session *session, const struct target *target, const struct store_version *before,
			  const struct store_version *now, struct spec_changes *changes, struct error *err);

void spec_changes_release(struct spec_changes *changes);

#define cleanup_spec_changes __attribute__((cleanup(spec_changes_release)))

#endif
