/* What /proc says of a process, above all of a workspace's first one (proc(5)). */
#ifndef WSNAP_TASK_PROCESS_H
#define WSNAP_TASK_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

/* Whether waiting for it after `signal` makes sense: false for the first process of a PID
 * namespace that neither handles the signal nor could be ended by it (pid_namespaces(7)). When /proc
 * does not tell, true. */
bool process_obeys(uint32_t pid, int signal);

/* Its parent: of a task's first process that is the shim. 0 when the process is gone. */
uint32_t process_parent(uint32_t pid);

/* The process that listens on a Unix socket; 0: that cannot be told. */
uint32_t process_behind_socket(const char *path);

/* Where it works, as the kernel names it; the caller frees. NULL when that cannot be told. */
char *process_working_directory(uint32_t pid);

/* Its network namespace, opened: the namespace lives as long as the descriptor. -1 when it is gone, or
 * when it is our own, the host's: nothing of a workspace is to be attached to that or detached from it. */
int process_open_netns(uint32_t pid);

/* Whether two processes see the same mounts. True where that cannot be told. */
bool process_shares_mounts(uint32_t pid, uint32_t other);

/* The `upperdir` of the overlay that is its root, as its own mountinfo has it; the caller
 * frees. NULL: it is gone or its root is no overlay. */
char *process_root_upper(uint32_t pid);

/* Whether the kernel could mount that overlay only for reading, which it does without a word when the
 * filesystem below is full. A root that is read-only by its spec is none of these. */
bool process_root_is_stuck(uint32_t pid);

/* A stop signal as images write it ("SIGTERM", "TERM", "15", "SIGRTMIN+3"); 0 if it is none. */
int process_signal_number(const char *text);

#endif
