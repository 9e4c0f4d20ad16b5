#include "command/command.h"

int command_open(const struct command *command, const struct settings *settings, struct session *session,
		 struct error *store_error, struct error *err)
{
	switch (command->needs) {
	case COMMAND_NEEDS_DATABASE:
		return session_open_store(settings, session, err);
	case COMMAND_NEEDS_CONTAINERD:
		return session_open_for_recovery(settings, session, store_error, err);
	case COMMAND_NEEDS_ALL:
		break;
	}
	return session_open(settings, session, err);
}
