#include "layer/id_map.h"

#include <stdlib.h>

/* The last one, 4294967295, is no id (user_namespaces(7)). */
#define IDS UINT64_C(4294967295)

struct span {
	uint64_t first, end;
};

static int compare_spans(const void *a, const void *b)
{
	const struct span *one = a, *other = b;

	return (one->first > other->first) - (one->first < other->first);
}

/* What the ranges take of the ids of one side, in order. */
static void spans_of(const struct id_map *map, bool inside, struct span spans[ID_MAP_MOST])
{
	for (size_t i = 0; i < map->count; i++) {
		const struct id_range *range = &map->ranges[i];

		spans[i].first = inside ? range->inside : range->outside;
		spans[i].end = spans[i].first + range->count;
	}
	qsort(spans, map->count, sizeof(*spans), compare_spans);
}

static bool is_sound(const struct id_map *map, bool inside)
{
	struct span spans[ID_MAP_MOST];

	spans_of(map, inside, spans);
	for (size_t i = 0; i < map->count; i++)
		if (spans[i].end > IDS || (i > 0 && spans[i].first < spans[i - 1].end))
			return false;
	return true;
}

static bool parse_number(const char **at, uint32_t *number)
{
	char *behind;
	unsigned long long value;

	if (**at < '0' || **at > '9')
		return false;
	value = strtoull(*at, &behind, 10);
	*number = (uint32_t)value;
	*at = behind;
	return value <= UINT32_MAX;
}

static bool parse_range(const char **at, struct id_range *range)
{
	return parse_number(at, &range->inside) && *(*at)++ == ':' && parse_number(at, &range->outside) &&
	       *(*at)++ == ':' && parse_number(at, &range->count) && range->count > 0;
}

/* Whether all of the text are ranges. */
static bool parse_ranges(const char *text, struct id_map *map)
{
	for (const char *at = text; map->count < ID_MAP_MOST; at++) {
		if (!parse_range(&at, &map->ranges[map->count++]))
			return false;
		if (*at != ',')
			return *at == '\0';
	}
	return false;
}

int id_map_parse(const char *text, struct id_map *map, struct error *err)
{
	*map = (struct id_map){ 0 };
	if (parse_ranges(text, map) && is_sound(map, true) && is_sound(map, false))
		return 0;
	return error_set(err, ERROR_REFUSED, "'%.200s' is no map of ids that can be turned around", text);
}

int id_maps_parse(const char *users, const char *groups, struct id_maps *maps, struct error *err)
{
	if (!users || !groups)
		return error_set(err, ERROR_REFUSED, "containerd has a map of its %s alone",
				 users ? "users" : "groups");
	return id_map_parse(users, &maps->users, err) < 0 ? -1 : id_map_parse(groups, &maps->groups, err);
}

bool id_map_has(const struct id_map *map, uint32_t outside)
{
	for (size_t i = 0; i < map->count; i++)
		if (outside >= map->ranges[i].outside && outside - map->ranges[i].outside < map->ranges[i].count)
			return true;
	return false;
}

/* The ids that are in no range of one side. */
static size_t gaps_of(const struct id_map *map, bool inside, struct span gaps[ID_MAP_MOST + 1])
{
	struct span spans[ID_MAP_MOST];
	uint64_t at = 0;
	size_t count = 0;

	spans_of(map, inside, spans);
	for (size_t i = 0; i < map->count; i++) {
		if (spans[i].first > at)
			gaps[count++] = (struct span){ at, spans[i].first };
		at = spans[i].end;
	}
	if (at < IDS)
		gaps[count++] = (struct span){ at, IDS };
	return count;
}

static void add_line(struct text *lines, enum id_way way, uint64_t outside, uint64_t inside, uint64_t count)
{
	text_printf(lines, "%llu %llu %llu\n", (unsigned long long)(way == ID_WAY_IN ? outside : inside),
		    (unsigned long long)(way == ID_WAY_IN ? inside : outside), (unsigned long long)count);
}

/* As many ids are left on the one side as on the other. */
static void add_rest(const struct id_map *map, enum id_way way, struct text *lines)
{
	struct span outside[ID_MAP_MOST + 1], inside[ID_MAP_MOST + 1];
	size_t outside_count = gaps_of(map, false, outside), inside_count = gaps_of(map, true, inside);

	for (size_t i = 0, j = 0; i < outside_count && j < inside_count;) {
		uint64_t left = outside[i].end - outside[i].first, right = inside[j].end - inside[j].first;
		uint64_t count = left < right ? left : right;

		add_line(lines, way, outside[i].first, inside[j].first, count);
		outside[i].first += count;
		inside[j].first += count;
		i += outside[i].first == outside[i].end;
		j += inside[j].first == inside[j].end;
	}
}

void id_map_lines(const struct id_map *map, enum id_way way, struct text *lines)
{
	for (size_t i = 0; i < map->count; i++)
		add_line(lines, way, map->ranges[i].outside, map->ranges[i].inside, map->ranges[i].count);
	add_rest(map, way, lines);
}
