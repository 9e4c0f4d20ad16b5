/*
 * measure FILE COMMAND…: runs the command and appends to FILE "wall_ms cpu_ms max_rss_kib". Its status is
 * the command's.
 */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static double cpu_ms(const struct rusage *usage)
{
	return (double)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1e3 +
	       (double)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) / 1e3;
}

int main(int argc, char **argv)
{
	double begin = now_ms();
	struct rusage usage;
	int status;
	FILE *file;
	pid_t child;

	if (argc < 3)
		return 2;
	child = fork();
	if (child == 0) {
		execvp(argv[2], argv + 2);
		_exit(127);
	}
	if (child < 0 || wait4(child, &status, 0, &usage) < 0)
		return 2;
	file = fopen(argv[1], "a");
	if (!file)
		return 2;
	fprintf(file, "%.2f %.2f %ld\n", now_ms() - begin, cpu_ms(&usage), usage.ru_maxrss);
	fclose(file);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
