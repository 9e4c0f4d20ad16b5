/*
 * syncer FILE BEATS: writes 4 KiB to FILE and syncs it, every 2 ms, until it is ended. The longest of these stands in BEATS, a
 * mapped file, where the heartbeat has its longest gap, and is reset by the benchmark.
 */
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int main(int argc, char **argv)
{
	static const char bytes[4096] = { 1 };
	int file = argc > 2 ? open(argv[1], O_WRONLY | O_CREAT | O_APPEND, 0600) : -1;
	int beats = argc > 2 ? open(argv[2], O_RDWR | O_CREAT, 0600) : -1;
	volatile int64_t *times;

	if (file < 0 || beats < 0 || ftruncate(beats, 3 * sizeof(*times)) < 0)
		return 2;
	times = mmap(NULL, 3 * sizeof(*times), PROT_READ | PROT_WRITE, MAP_SHARED, beats, 0);
	if (times == MAP_FAILED)
		return 1;
	for (;;) {
		int64_t begun = now_ns(), took;

		if (write(file, bytes, sizeof(bytes)) != (ssize_t)sizeof(bytes) || fsync(file) < 0)
			return 1;
		took = now_ns() - begun;
		if (took > times[1])
			times[1] = took;
		times[2]++;
		usleep(2000);
	}
}
