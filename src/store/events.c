#include "store/events.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "store/query.h"

/* Payloads of another server can be long, so pages are short. */
#define PAGE 500
#define PAGE_SQL "500"
#define PAYLOAD_LIMIT ((size_t)1 << 20)

/* The last column is where the next page begins: in a form that no DateStyle changes. */
#define SELECT_EVENTS                                                          \
	"SELECT e.id::text, e.event_type, e.payload::text, " SQL_MICROSECONDS( \
		"e.created_at") " AS created_at, "                             \
				"to_json(e.created_at) #>> '{}' FROM lifecycle_events e WHERE e.container_id = $1 "
#define ORDER_EVENTS "ORDER BY e.created_at, e.id LIMIT " PAGE_SQL

/* The texts point into the rows, and are not const in store_event. */
static int read_event(const struct rows *rows, int row, struct store_event *event, struct error *err)
{
	const char *id;
	const char *type;
	const char *payload;

	if (rows_text(rows, row, 0, &id, err) < 0 || rows_text(rows, row, 1, &type, err) < 0 ||
	    rows_text_or_null(rows, row, 2, PAYLOAD_LIMIT, &payload, err) < 0 ||
	    rows_time(rows, row, 3, &event->created_ns, err) < 0)
		return -1;
	if (!payload)
		payload = "null";
	memcpy(&event->id, &id, sizeof(id));
	memcpy(&event->type, &type, sizeof(type));
	memcpy(&event->payload, &payload, sizeof(payload));
	return 0;
}

/* Where the next page starts: behind this event. */
struct position {
	char *created_at;
	char *id;
};

static void position_release(struct position *position)
{
	free(position->created_at);
	free(position->id);
	*position = (struct position){ 0 };
}

static int position_after(const struct rows *rows, int row, struct position *position, struct error *err)
{
	position_release(position);
	position->id = strdup(rows_raw(rows, row, 0));
	position->created_at = strdup(rows_raw(rows, row, 4));
	return position->id && position->created_at ? 0 : error_memory(err);
}

static int next_page(struct store *store, const char *container_id, const struct position *position, struct rows *rows,
		     struct error *err)
{
	const char *const parameters[] = { container_id, position->created_at, position->id };

	if (!position->id)
		return query_rows(store, SELECT_EVENTS ORDER_EVENTS, parameters, 1, rows, err);
	return query_rows(store, SELECT_EVENTS "AND (e.created_at, e.id) > ($2, $3) " ORDER_EVENTS, parameters,
			  QUERY_COUNT(parameters), rows, err);
}

int store_events_each(struct store *store, const char *container_id, store_event_each each, void *context,
		      struct error *err)
{
	__attribute__((cleanup(position_release))) struct position position = { 0 };
	int count;

	do {
		cleanup_rows struct rows rows = { 0 };

		count = next_page(store, container_id, &position, &rows, err);
		if (count == PAGE && position_after(&rows, PAGE - 1, &position, err) < 0)
			return -1;
		for (int row = 0; row < count; row++) {
			struct store_event event;
			struct error failure = { 0 };

			if (read_event(&rows, row, &event, &failure) < 0)
				log_warning("an event of '%s' is passed over: %s", container_id, failure.message);
			else if (each(&event, context, err) < 0)
				return -1;
		}
	} while (count == PAGE);
	return count < 0 ? -1 : 0;
}
