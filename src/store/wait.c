/* Waiting for the server's answer with a limit: a server that hangs must not hang us. */
#include <errno.h>
#include <libpq-fe.h>
#include <poll.h>

#include "base/clock.h"
#include "store/connection.h"

/* 1: something can be read (or the connection ended), 0: the time is over. */
static int wait_readable(int fd, double deadline_ms)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };

	for (;;) {
		double left_ms = deadline_ms > 0 ? deadline_ms - clock_monotonic_ms() : -1;
		int got;

		if (deadline_ms > 0 && left_ms <= 0)
			return 0;
		got = poll(&ready, 1, deadline_ms > 0 ? (int)left_ms + 1 : -1);
		if (got > 0 || (got < 0 && errno != EINTR))
			return 1;
	}
}

PGresult *connection_next_result(struct store *store, bool *timed_out)
{
	double deadline_ms = store->answer_timeout_ms > 0 ? clock_monotonic_ms() + (double)store->answer_timeout_ms : 0;

	*timed_out = false;
	while (PQisBusy(store->connection)) {
		if (!wait_readable(PQsocket(store->connection), deadline_ms)) {
			*timed_out = true;
			PQfinish(store->connection);
			store->connection = NULL;
			return NULL;
		}
		if (!PQconsumeInput(store->connection))
			break; /* lost: PQgetResult says so without blocking */
	}
	return PQgetResult(store->connection);
}
