#include "base/meter.h"

#include <stdatomic.h>

static _Atomic uint64_t entries_done, bytes_done;

void meter_add(uint64_t entries, uint64_t bytes)
{
	atomic_fetch_add_explicit(&entries_done, entries, memory_order_relaxed);
	atomic_fetch_add_explicit(&bytes_done, bytes, memory_order_relaxed);
}

struct meter meter_read(void)
{
	return (struct meter){
		.entries = atomic_load_explicit(&entries_done, memory_order_relaxed),
		.bytes = atomic_load_explicit(&bytes_done, memory_order_relaxed),
	};
}
