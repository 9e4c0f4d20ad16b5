#include "store/announce.h"

#include <inttypes.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "store/query.h"

static char *event_id(const struct announcement *announcement)
{
	if (announcement->many)
		return text_format("%s:%s:%" PRId32, announcement->operation_id, store_event_name(announcement->type),
				   announcement->version);
	return text_format("%s:%s", announcement->operation_id, store_event_name(announcement->type));
}

static char *notification(const struct announcement *announcement, struct error *err)
{
	cleanup_json cJSON *json = cJSON_CreateObject();

	if (json_add_text(json, "container_id", announcement->container_id, err) < 0 ||
	    json_add_text(json, "bot_id", announcement->bot_id, err) < 0 ||
	    json_add_text(json, "event_type", store_event_name(announcement->type), err) < 0)
		return NULL;
	if (!cJSON_AddNumberToObject(json, "version", announcement->version)) {
		error_memory(err);
		return NULL;
	}
	return json_print(json, err);
}

int announce_event(struct store *store, const struct announcement *announcement, cJSON *payload, struct error *err)
{
	/* The clock's time, not the transaction's, which several events of one would share: they are listed by it. */
	static const char sql[] =
		"WITH written AS (INSERT INTO lifecycle_events "
		"(id, container_id, event_type, payload, created_at) "
		"SELECT $1::text, $2::text, $3::text, $4::jsonb, coalesce($6::timestamptz, clock_timestamp()) "
		"WHERE NOT EXISTS (SELECT FROM lifecycle_events WHERE id = $1::text) RETURNING 1) "
		"SELECT pg_notify($7::text, $5::text) FROM written";
	cleanup_free char *id = event_id(announcement);
	cleanup_free char *notice = notification(announcement, err);
	cleanup_free char *document = NULL;

	if (!notice)
		return -1;
	if (!id)
		return error_memory(err);
	if (json_add_text(payload, "operation_id", announcement->operation_id, err) < 0 ||
	    store_origin_add(payload, announcement->origin ? announcement->origin : &store->origin, err) < 0)
		return -1;
	document = json_print(payload, err);
	if (!document)
		return -1;

	struct query_time created;
	const char *const parameters[] = { id,
					   announcement->container_id,
					   store_event_name(announcement->type),
					   document,
					   notice,
					   query_time(announcement->created_ns, &created),
					   announcement->only_history ? "wsnap_saved" : "wsnap_lifecycle" };

	return query_rows(store, sql, parameters, QUERY_COUNT(parameters), NULL, err) < 0 ? -1 : 0;
}
