/*
 * How much of the long work, walking and copying, has been done until now. It is counted where it is done, by any thread,
 * and read by whoever shows how far it is.
 */
#ifndef WSNAP_BASE_METER_H
#define WSNAP_BASE_METER_H

#include <stdint.h>

struct meter {
	uint64_t entries; /* of trees, looked at */
	uint64_t bytes;   /* copied */
};

void meter_add(uint64_t entries, uint64_t bytes);

/* Since the program began. */
struct meter meter_read(void);

#endif
