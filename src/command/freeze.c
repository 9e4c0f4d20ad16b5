#include "command/freeze.h"

int freeze_check(const struct freeze_options *options, struct error *err)
{
	if (options->live && options->stop)
		return error_set(err, ERROR_USAGE, "'--live' and '--stop' exclude each other");
	return 0;
}

enum operation_mode freeze_mode(const struct freeze_options *options)
{
	if (options->live)
		return MODE_LIVE;
	return options->stop ? MODE_STOP : MODE_CONFIGURED;
}
