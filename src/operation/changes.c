#include "operation/changes.h"

#include "layer/layer.h"
#include "workspace/place.h"

int changes_none(struct session *session, const char *snapshotter, const char *active, struct error *err)
{
	cleanup_place struct place place = { 0 };

	if (place_find(session, snapshotter, active, &place, err) < 0)
		return -1;
	if (!place.overlay || place.below.count == 0)
		return 0;
	return layer_changes_nothing(place.marks, place.writable, (const char *const *)place.below.items,
				     place.below.count, err);
}
