/*
 * writer FILE MIB [RATE]: writes a file of MIB MiB over and over, each time with other bytes, until it is ended. Without
 * a RATE it syncs after each round and begins the next at once; with one it writes RATE MiB a second and never syncs.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MIB ((size_t)1 << 20)

static void fill(char *bytes, size_t size, uint64_t round)
{
	for (size_t at = 0; at < size; at += sizeof(round))
		memcpy(bytes + at, &round, sizeof(round));
}

int main(int argc, char **argv)
{
	size_t size = argc > 2 ? (size_t)atoi(argv[2]) * MIB : 0;
	int rate = argc > 3 ? atoi(argv[3]) : 0;
	size_t piece = rate ? MIB : size;
	int fd = argc > 2 ? open(argv[1], O_RDWR | O_CREAT, 0600) : -1;
	char *bytes = malloc(piece ? piece : 1);

	if (fd < 0 || !bytes || !size)
		return 2;
	for (uint64_t round = 1;; round++) {
		fill(bytes, piece, round);
		for (size_t at = 0; at < size; at += piece) {
			if (pwrite(fd, bytes, piece, (off_t)at) != (ssize_t)piece)
				return 1;
			if (rate)
				usleep(1000000 / (unsigned)rate);
		}
		if (!rate && fsync(fd) < 0)
			return 1;
	}
}
