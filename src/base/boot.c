#include "base/boot.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

void boot_id(char id[static BOOT_ID_SIZE])
{
	cleanup_fd int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t got = fd >= 0 ? read(fd, id, BOOT_ID_SIZE - 1) : 0;

	id[got > 0 ? got : 0] = '\0';
	id[strcspn(id, "\n")] = '\0';
}
