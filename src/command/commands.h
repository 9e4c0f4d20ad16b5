/* The commands there are. main.c lists them in the order of `wsnap --help`. */
#ifndef WSNAP_COMMAND_COMMANDS_H
#define WSNAP_COMMAND_COMMANDS_H

#include "command/command.h"

extern const struct command command_create;
extern const struct command command_version;
extern const struct command command_list;
extern const struct command command_rollback;
extern const struct command command_show;
extern const struct command command_diff;
extern const struct command command_log;
extern const struct command command_guard;
extern const struct command command_mount;
extern const struct command command_umount;
extern const struct command command_fork;
extern const struct command command_name;
extern const struct command command_events;
extern const struct command command_compact;
extern const struct command command_prune;
extern const struct command command_delete;
extern const struct command command_doctor;
extern const struct command command_recover;
extern const struct command command_init;
extern const struct command command_status;
extern const struct command command_run_policies;

#endif
