#include "device/outdated.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"

bool outdated_is_possible(const struct spec_list *list, const cJSON *item)
{
	const char *source = json_text(item, "source");
	struct stat st;

	if (list != spec_list_of(SPEC_MOUNTS))
		return true;
	return source && *source == '/' && stat(source, &st) < 0 && (errno == ENOENT || errno == ENOTDIR);
}

/* Behind a version such as 535.54.03. */
static const char *skip_version(const char *at)
{
	while (isdigit((unsigned char)*at) || (*at == '.' && isdigit((unsigned char)at[1])))
		at++;
	return at;
}

static bool is_same_but_for_versions(const char *a, const char *b)
{
	while (*a && *b) {
		bool both = isdigit((unsigned char)*a) && isdigit((unsigned char)*b);

		if (!both && *a != *b)
			return false;
		a = both ? skip_version(a) : a + 1;
		b = both ? skip_version(b) : b + 1;
	}
	return !*a && !*b;
}

static bool is_same_as_text(const cJSON *item, const cJSON *described)
{
	char *a = cJSON_PrintUnformatted(item), *b = cJSON_PrintUnformatted(described);
	bool same = a && b && is_same_but_for_versions(a, b);

	cJSON_free(a);
	cJSON_free(b);
	return same;
}

bool outdated_looks_like(const cJSON *item, const cJSON *described)
{
	const char *source = json_text(item, "source"), *destination = json_text(item, "destination");
	const char *other_source = json_text(described, "source"), *other = json_text(described, "destination");

	/* Of a mount only source and destination count: a server may spell its options and type in another way. */
	if (source && destination)
		return other_source && other && is_same_but_for_versions(source, other_source) &&
		       is_same_but_for_versions(destination, other);
	return is_same_as_text(item, described);
}
