#include "command/status_prometheus.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_SECOND 1000000000

struct sample {
	char *container_id, *bot_id;
	bool has_age, has_bytes;
	int64_t age_s, bytes;
	int newest, versions, depth, open_operations, failed; /* depth, failed: -1 not known */
};

struct status_samples {
	struct sample *items;
	size_t count;
};

/* As the other forms have it: a clock that was set back makes nothing younger than now. */
static int64_t age_s_of(const struct workspace_status *status, int64_t now_ns)
{
	return status->saved_ns < now_ns ? (now_ns - status->saved_ns) / NS_PER_SECOND : 0;
}

static int keep(struct sample *sample, const struct workspace_status *status, int64_t now_ns, struct error *err)
{
	*sample = (struct sample){
		.container_id = strdup(status->container_id),
		.bot_id = strdup(status->bot_id ? status->bot_id : ""),
		.has_age = status->saved_ns > 0,
		.age_s = age_s_of(status, now_ns),
		.has_bytes = status->has_bytes,
		.bytes = status->bytes,
		.newest = status->newest_version,
		.versions = status->versions,
		.depth = status->depth,
		.open_operations = status->open_operations,
		.failed = status->last.what ? status->last.exit_status != 0 : -1,
	};
	return sample->container_id && sample->bot_id ? 0 : error_memory(err);
}

int status_samples_add(struct status_samples **samples, const struct workspace_status *status, int64_t now_ns,
		       struct error *err)
{
	struct status_samples *all = *samples ? *samples : calloc(1, sizeof(*all));
	struct sample *grown;

	if (!all)
		return error_memory(err);
	*samples = all;
	grown = reallocarray(all->items, all->count + 1, sizeof(*grown));
	if (!grown)
		return error_memory(err);
	all->items = grown;
	return keep(&all->items[all->count++], status, now_ns, err);
}

/* In a label's value, backslash, quote and line feed are escaped. */
static void write_value(const char *text, FILE *stream)
{
	for (; *text; text++) {
		if (*text == '\n')
			fputs("\\n", stream);
		else if (*text == '\\' || *text == '"')
			fprintf(stream, "\\%c", *text);
		else
			fputc(*text, stream);
	}
}

static bool age_of(const struct sample *sample, int64_t *value)
{
	*value = sample->age_s;
	return sample->has_age;
}

static bool versions_of(const struct sample *sample, int64_t *value)
{
	*value = sample->versions;
	return true;
}

static bool newest_of(const struct sample *sample, int64_t *value)
{
	*value = sample->newest;
	return sample->newest > 0;
}

static bool bytes_of(const struct sample *sample, int64_t *value)
{
	*value = sample->bytes;
	return sample->has_bytes;
}

static bool depth_of(const struct sample *sample, int64_t *value)
{
	*value = sample->depth;
	return sample->depth >= 0;
}

static bool open_of(const struct sample *sample, int64_t *value)
{
	*value = sample->open_operations;
	return true;
}

static bool failed_of(const struct sample *sample, int64_t *value)
{
	*value = sample->failed;
	return sample->failed >= 0;
}

/* To add a metric: a row here. */
static const struct {
	const char *name, *help;
	bool (*value)(const struct sample *sample, int64_t *value);
} metrics[] = {
	{ "wsnap_age_seconds", "Age of the newest version, or of the last finding that nothing had changed.", age_of },
	{ "wsnap_versions", "Number of versions.", versions_of },
	{ "wsnap_newest_version", "Number of the newest version.", newest_of },
	{ "wsnap_bytes", "Bytes that the layers of a workspace's history hold.", bytes_of },
	{ "wsnap_depth", "Layers of its history that a workspace stands on.", depth_of },
	{ "wsnap_open_operations", "Operations and prunings that were cut off.", open_of },
	{ "wsnap_last_operation_failed", "Whether the last operation failed (1) or was done (0).", failed_of },
};

static void write_sample(const struct sample *sample, const char *metric, const char *namespace, int64_t value,
			 FILE *stream)
{
	fprintf(stream, "%s{namespace=\"", metric);
	write_value(namespace, stream);
	fputs("\",container=\"", stream);
	write_value(sample->container_id, stream);
	fputs("\",bot=\"", stream);
	write_value(sample->bot_id, stream);
	fprintf(stream, "\"} %" PRId64 "\n", value);
}

void status_samples_write(const struct status_samples *samples, const char *namespace, FILE *stream)
{
	for (size_t i = 0; samples && i < sizeof(metrics) / sizeof(*metrics); i++) {
		fprintf(stream, "# HELP %s %s\n# TYPE %s gauge\n", metrics[i].name, metrics[i].help, metrics[i].name);
		for (size_t j = 0; j < samples->count; j++) {
			int64_t value;

			if (metrics[i].value(&samples->items[j], &value))
				write_sample(&samples->items[j], metrics[i].name, namespace, value, stream);
		}
	}
}

void status_samples_free(struct status_samples *samples)
{
	for (size_t i = 0; samples && i < samples->count; i++) {
		free(samples->items[i].container_id);
		free(samples->items[i].bot_id);
	}
	if (samples)
		free(samples->items);
	free(samples);
}
