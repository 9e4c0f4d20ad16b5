/*
 * Policies: how often workspaces are saved and what is kept of them. A file NAME.conf in the folder of policies says
 * so for the containers that its filter matches, or that name it in the label wsnap.policy.
 */
#ifndef WSNAP_POLICY_POLICY_H
#define WSNAP_POLICY_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/keep_rules.h"
#include "base/labels.h"
#include "operation/operation.h"
#include "workspace/selection.h"
#include "workspace/version_word.h"

/* What the label wsnap.policy says to opt out of all. */
#define POLICY_NONE "none"

struct policy_span {
	bool given;
	struct version_word span; /* of the kind VERSION_WORD_AGE */
};

struct policy {
	char *name;
	char *filter; /* the words of it; NULL: only a label chooses this policy */
	struct label_filters filters;
	struct policy_span every;
	enum operation_mode mode; /* not given: as the configuration says */
	bool if_changed;
	struct keep_rules keep;
	int keep_free; /* percent of the filesystem, 0: not asked for */
};

struct policies {
	struct policy *items; /* in the order of names */
	size_t count;
};

void policies_release(struct policies *policies);

#define cleanup_policies __attribute__((cleanup(policies_release)))

/* Reads every NAME.conf of the folder. A folder that is not there holds none. ERROR_USAGE for what is wrong in one of
 * them, with file and line; ERROR_FAILED where they cannot be read. */
int policies_read(const char *folder, struct policies *policies, struct error *err);

/* The policy of a container with these labels: 1 with *policy, 0 for none, -1 (ERROR_USAGE) where its label names
 * one that does not exist. */
int policies_choose(const struct policies *policies, const char *container_id, const struct labels *labels,
		    const struct policy **policy, struct error *err);

#endif
