/*
 * Edits of a container's spec that can be taken back. What was put in, and what it replaced, is written
 * into the spec itself, as JSON text in the annotation `wsnap.cdi`:
 *
 *   [{"at": "process.env", "item": "A=new", "was": "A=old"}, {"at": "linux", "key": "intelRdt", "item": {…}},
 * …]
 *
 * A mount that the spec has already, of the source that the device file describes, is the device's too, whoever put it in: it is
 * remembered as {…, "found": true}, and goes when the file describes it no more. With the device itself it stays.
 *
 * Order: ledger_open, which takes the edits of the last time out; any number of ledger_put and ledger_set;
 * ledger_close. An item that the spec has already is somebody else's: it is neither added nor remembered,
 * so that it stays when ours go. What others changed since we put it in is left alone.
 */
#ifndef WSNAP_DEVICE_LEDGER_H
#define WSNAP_DEVICE_LEDGER_H

#include "base/error.h"
#include "base/json.h"
#include "device/spec_list.h"

#define LEDGER_ANNOTATION "wsnap.cdi"

struct ledger {
	cJSON *spec;    /* belongs to the caller */
	cJSON *entries; /* an array; NULL before ledger_open */
	cJSON *found;   /* what was remembered as found the last time: an array */
};

#define cleanup_ledger __attribute__((cleanup(ledger_release)))

/* `spec` must be an object. -1: memory, or a part of the spec has a wrong type. */
int ledger_open(struct ledger *ledger, cJSON *spec, struct error *err);

/*
 * Puts an item into a list, and takes it (NULL is lack of memory). It replaces the one with the same variable
 * name, device path or mount destination; else it goes to the end, a mount in front of those that lie under
 * it.
 */
int ledger_put(struct ledger *ledger, enum spec_list_id id, cJSON *item, struct error *err);

/* Sets a member of the object at `at`, "linux" or "linux.netDevices". Takes the item, as above. */
int ledger_set(struct ledger *ledger, const char *at, const char *key, cJSON *item, struct error *err);

/* Takes out what a device file has described once, in this spec or, by its looks, in another version of itself, and does
 * not describe any more. Comes when all is put in. */
int ledger_drop_outdated(struct ledger *ledger, struct error *err);

/* Writes the annotation, or takes it away when nothing was put in. */
int ledger_close(struct ledger *ledger, struct error *err);

void ledger_release(struct ledger *ledger);

#endif
