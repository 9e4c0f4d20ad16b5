/* Work that a thread does beside this one, and that ends with a result and an error. */
#ifndef WSNAP_BASE_BESIDE_H
#define WSNAP_BASE_BESIDE_H

#include <pthread.h>

#include "base/error.h"

typedef int (*beside_work)(void *context, struct error *err);

struct beside {
	pthread_t thread;
	beside_work work;
	void *context;
	int result;
	struct error error;
};

/* Begins; *beside and the context must stay where they are until the end. ERROR_FAILED: there is no thread to be had. */
int beside_begin(struct beside *beside, beside_work work, void *context, struct error *err);

/* Waits for the end. Returns what the work returned, with its error in *err where that is below 0. */
int beside_end(struct beside *beside, struct error *err);

#endif
