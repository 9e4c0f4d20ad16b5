#include "policy/policy.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/config.h"
#include "workspace/label_keys.h"

#define SUFFIX ".conf"
#define BLANK " "

static void policy_release(struct policy *policy)
{
	free(policy->name);
	free(policy->filter);
	version_word_release(&policy->every.span);
}

void policies_release(struct policies *policies)
{
	for (size_t i = 0; i < policies->count; i++)
		policy_release(&policies->items[i]);
	free(policies->items);
	*policies = (struct policies){ 0 };
}

/* --- one file ------------------------------------------------------------------------------------- */

static int set_every(const char *text, void *field, struct error *err)
{
	struct policy_span *every = field;
	cleanup_free char *word = text_format("@%s", text);
	int parsed;

	if (!word)
		return error_memory(err);
	every->given = true;
	parsed = version_word_parse(word, &every->span, err);
	every->span.text = NULL; /* the word goes with this call */
	if (parsed == 0 && every->span.kind == VERSION_WORD_AGE)
		return 0;
	return error_set(err, ERROR_USAGE, "not a length of time, such as 30min, 6h or 1d12h");
}

static int set_flag(const char *text, void *field, struct error *err)
{
	bool *flag = field;

	*flag = strcmp(text, "yes") == 0;
	return *flag || strcmp(text, "no") == 0 ? 0 : error_set(err, ERROR_USAGE, "neither yes nor no");
}

static int set_mode(const char *text, void *field, struct error *err)
{
	enum operation_mode *mode = field;

	if (strcmp(text, "stop") != 0 && strcmp(text, "live") != 0)
		return error_set(err, ERROR_USAGE, "neither stop nor live");
	*mode = strcmp(text, "live") == 0 ? MODE_LIVE : MODE_STOP;
	return 0;
}

/* "15" or "15%". */
static int set_percent(const char *text, void *field, struct error *err)
{
	int *percent = field;
	char *end;
	long number = strtol(text, &end, 10);

	if (*text < '0' || *text > '9' || (*end && strcmp(end, "%") != 0) || number > 99)
		return error_set(err, ERROR_USAGE, "not a percentage from 0%% to 99%%");
	*percent = (int)number;
	return 0;
}

#define POLICY_KEEP(rule, help) KEEP_KEY(policy, rule),

static const struct option_spec policy_keys[] = {
	{ .type = OPTION_TEXT, .key = "filter", .offset = offsetof(struct policy, filter) },
	{ .type = OPTION_OTHER, .key = "every", .set = set_every, .offset = offsetof(struct policy, every) },
	{ .type = OPTION_OTHER,
	  .key = "if_changed",
	  .set = set_flag,
	  .otherwise = "yes",
	  .offset = offsetof(struct policy, if_changed) },
	{ .type = OPTION_OTHER, .key = "mode", .set = set_mode, .offset = offsetof(struct policy, mode) },
	{ .type = OPTION_OTHER, .key = "keep_free", .set = set_percent, .offset = offsetof(struct policy, keep_free) },
	KEEP_RULES(POLICY_KEEP){ .type = OPTION_OTHER,
				 .key = "keep_within",
				 .set = option_set_duration,
				 .offset = offsetof(struct policy, keep.within) },
	{ .type = OPTION_END },
};

static int add_filter(struct policy *policy, const char *filter, const char *path, struct error *err)
{
	if (policy->filters.count == SELECTION_MAX_FILTERS)
		return error_set(err, ERROR_USAGE, "'%s': more than %d filters", path, SELECTION_MAX_FILTERS);
	if (selection_check_filter(filter, err) < 0)
		return error_wrap(err, "'%s'", path);
	policy->filters.items[policy->filters.count++] = filter;
	return 0;
}

/* Cuts the filters apart, where they lie. A word without '=' behind a value is more of it: values may have blanks. */
static int split_filter(struct policy *policy, const char *path, struct error *err)
{
	char *at = policy->filter, *filter = NULL;
	bool has_value = false;

	while (at && *at) {
		char *word = at + strspn(at, BLANK);
		size_t length = strcspn(word, BLANK);
		bool is_pair = memchr(word, '=', length) != NULL;

		if (is_pair || !has_value) {
			if (word > at)
				*at = '\0';
			if (filter && add_filter(policy, filter, path, err) < 0)
				return -1;
			filter = word;
			has_value = is_pair;
		}
		at = word + length;
	}
	return filter ? add_filter(policy, filter, path, err) : 0;
}

/* By their names, which are those of the files without the suffix: 'red' comes before 'red-2'. */
static int compare_names(const struct dirent **a, const struct dirent **b)
{
	const char *left = (*a)->d_name, *right = (*b)->d_name;
	size_t left_length = strlen(left) - strlen(SUFFIX), right_length = strlen(right) - strlen(SUFFIX);
	int order = memcmp(left, right, left_length < right_length ? left_length : right_length);

	return order ? order : (left_length > right_length) - (left_length < right_length);
}

static int read_file(const char *folder, const char *file, struct policy *policy, struct error *err)
{
	cleanup_free char *path = text_format("%s/%s", folder, file);

	policy->name = strndup(file, strlen(file) - strlen(SUFFIX));
	if (!path || !policy->name)
		return error_memory(err);
	if (options_set_defaults(policy_keys, policy, err) < 0 || config_read(path, true, policy_keys, policy, err) < 0)
		return -1;
	if (!policy->every.given)
		return error_set(err, ERROR_USAGE, "'%s' does not say how often: it needs 'every = 6h' or the like",
				 path);
	return split_filter(policy, path, err);
}

/* --- all of them ---------------------------------------------------------------------------------- */

static int is_policy(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name), suffix = strlen(SUFFIX);

	return entry->d_name[0] != '.' && length > suffix && strcmp(entry->d_name + length - suffix, SUFFIX) == 0;
}

int policies_read(const char *folder, struct policies *policies, struct error *err)
{
	struct dirent **names = NULL;
	int count = scandir(folder, &names, is_policy, compare_names), result = 0;

	if (count < 0 && errno == ENOENT)
		return 0;
	if (count < 0)
		return error_errno(err, ERROR_FAILED, errno, "the folder of policies '%s' cannot be read", folder);
	policies->items = calloc((size_t)count + 1, sizeof(*policies->items));
	if (!policies->items)
		result = error_memory(err);
	for (int i = 0; i < count; i++) {
		if (result == 0)
			result = read_file(folder, names[i]->d_name, &policies->items[policies->count++], err);
		free(names[i]);
	}
	free(names);
	return result;
}

static int choose_named(const struct policies *policies, const char *container_id, const char *name,
			const struct policy **policy, struct error *err)
{
	if (strcmp(name, POLICY_NONE) == 0)
		return 0;
	for (size_t i = 0; i < policies->count; i++) {
		*policy = &policies->items[i];
		if (strcmp(policies->items[i].name, name) == 0)
			return 1;
	}
	*policy = NULL;
	return error_set(err, ERROR_USAGE, "'%s' has the label " LABEL_POLICY "=%.64s, and there is no such policy",
			 container_id, name);
}

int policies_choose(const struct policies *policies, const char *container_id, const struct labels *labels,
		    const struct policy **policy, struct error *err)
{
	const char *name = labels_get(labels, LABEL_POLICY);

	if (name)
		return choose_named(policies, container_id, name, policy, err);
	for (size_t i = 0; i < policies->count; i++) {
		*policy = &policies->items[i];
		if ((*policy)->filters.count && selection_matches(&(*policy)->filters, labels))
			return 1;
	}
	*policy = NULL;
	return 0;
}
