#include "output/meter_line.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"

#define FIRST_MS 1000
#define EACH_MS 200
#define MIB 1048576.0

/* Carriage return, and erase to the end of the line (ECMA-48, 8.3.41 EL). */
#define BEGIN_LINE "\r\033[K"

/* In one write: others may write to the terminal as well. */
static void say(const char *text, int length)
{
	if (length > 0 && write(STDERR_FILENO, text, (size_t)length) < 0)
		return; /* there is nobody left to be told */
}

static void draw(const struct meter_line *line)
{
	struct meter now = meter_read();
	double seconds = (clock_monotonic_ms() - line->begin_ms) / 1000;
	double mib = (double)(now.bytes - line->begin.bytes) / MIB;
	unsigned long long entries = now.entries - line->begin.entries;
	char text[128];

	if (entries == 0 && mib < 1)
		return;
	say(text,
	    snprintf(text, sizeof(text), BEGIN_LINE "%llu entries, %.0f MiB, %.0f MiB/s", entries, mib, mib / seconds));
}

static int draw_on(void *context, struct error *err)
{
	const struct meter_line *line = context;
	struct pollfd wake = { .fd = line->wake, .events = POLLIN };
	int wait_ms = FIRST_MS;

	(void)err;
	while (poll(&wake, 1, wait_ms) == 0) {
		draw(line);
		wait_ms = EACH_MS;
	}
	if (wait_ms == EACH_MS)
		say(BEGIN_LINE, sizeof(BEGIN_LINE) - 1);
	return 0;
}

/* Signals are for the thread that works. */
static int begin_without_signals(struct meter_line *line)
{
	struct error ignored = { 0 };
	sigset_t all, before;
	int result;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	result = beside_begin(&line->beside, draw_on, line, &ignored);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return result;
}

void meter_line_begin(struct meter_line *line, bool wanted)
{
	*line = (struct meter_line){ .begin = meter_read(), .begin_ms = clock_monotonic_ms(), .wake = -1 };
	if (!wanted || !isatty(STDERR_FILENO))
		return;
	line->wake = eventfd(0, EFD_CLOEXEC);
	if (line->wake < 0 || begin_without_signals(line) == 0)
		return;
	close(line->wake);
	line->wake = -1;
}

void meter_line_end(struct meter_line *line)
{
	struct error ignored = { 0 };
	uint64_t one = 1;

	if (line->wake < 0)
		return;
	if (write(line->wake, &one, sizeof(one)) == sizeof(one))
		beside_end(&line->beside, &ignored);
	close(line->wake);
	line->wake = -1;
}
