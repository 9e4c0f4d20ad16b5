/*
 * How the ids inside of a container are those of the host: "INSIDE:OUTSIDE:COUNT[,…]", as containerd writes it on a snapshot
 * whose layers it mounts so (containerd, core/mount/mount_idmapped_linux.go).
 */
#ifndef WSNAP_LAYER_ID_MAP_H
#define WSNAP_LAYER_ID_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"

/* As many as fit into one page that way around (user_namespaces(7)), with all that lies between them. */
#define ID_MAP_MOST 32

struct id_range {
	uint32_t inside, outside, count;
};

struct id_map {
	struct id_range ranges[ID_MAP_MOST];
	size_t count;
};

struct id_maps {
	struct id_map users, groups;
};

/* ERROR_REFUSED for what is no map, or one that cannot be turned around. */
int id_map_parse(const char *text, struct id_map *map, struct error *err);

/* Both of them; a missing one (NULL) is refused, too: containerd maps nothing then. */
int id_maps_parse(const char *users, const char *groups, struct id_maps *maps, struct error *err);

/* Whether an id of the host is one inside as well. */
bool id_map_has(const struct id_map *map, uint32_t outside);

enum id_way {
	ID_WAY_IN, /* an id of the host is shown as the one inside */
	ID_WAY_OUT,
};

/*
 * Adds the lines of a uid_map (user_namespaces(7)) that shows ids so. All other ids change places, too, and become others that
 * are nobody's inside: so none is lost, none becomes another's, no file has an owner that the kernel cannot name, whom even
 * root could not read, and the one way is the other's way back.
 */
void id_map_lines(const struct id_map *map, enum id_way way, struct text *lines);

#endif
