/* How differences between what makes two containers are shown. */
#ifndef WSNAP_COMMAND_DIFF_PRINT_SPEC_H
#define WSNAP_COMMAND_DIFF_PRINT_SPEC_H

#include "command/diff_print.h"
#include "compare/spec.h"

/* All of it, in the form that the invocation asks for. */
int diff_print_spec(const struct invocation *invocation, const struct diff_header *header,
		    const struct spec_changes *changes, struct error *err);

#endif
