/*
 * A workspace's first process that beats once a millisecond. What it saw stands in a mapped file on a tmpfs of
 * the host: the time of the last beat and the longest gap, across the process's ends and starts. The
 * benchmark reads the gap and resets it.
 */
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

struct beats {
	volatile int64_t last_ns, longest_ns, count;
};

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int main(int argc, char **argv)
{
	int fd = open(argc > 1 ? argv[1] : "/beat/beats", O_RDWR | O_CREAT, 0600);
	struct beats *beats;

	if (fd < 0 || ftruncate(fd, sizeof(*beats)) < 0)
		return 1;
	beats = mmap(NULL, sizeof(*beats), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (beats == MAP_FAILED)
		return 1;
	for (;;) {
		int64_t now = now_ns();

		if (beats->last_ns && now - beats->last_ns > beats->longest_ns)
			beats->longest_ns = now - beats->last_ns;
		beats->last_ns = now;
		beats->count++;
		usleep(1000);
	}
}
