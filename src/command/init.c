#include "command/commands.h"
#include "output/json_writer.h"

static int init_run(const struct invocation *invocation, struct error *err)
{
	struct output *out = invocation->out;
	int from, to;

	if (store_init(invocation->session->store, &from, &to, err) < 0)
		return -1;
	if (out->json) {
		struct json_writer writer = { .stream = out->stream };

		writer_object(&writer, NULL);
		writer_integer(&writer, "from", from);
		writer_integer(&writer, "to", to);
		writer_close(&writer);
	} else if (out->quiet) {
		output_line(out, "%d", to);
	} else if (from == to) {
		output_line(out, "nothing to do: the schema is at step %d", to);
	} else {
		output_line(out, "the schema is at step %d (was %d)", to, from);
	}
	return 0;
}

const struct command command_init = {
	.name = "init",
	.arguments = "",
	.summary = "create or upgrade the database schema",
	.description = "Creates the tables in an empty database, or brings older ones up to date. Tables that another\n"
		       "server has made are left as they are.\n"
		       "With --quiet the step that the schema is at is printed.\n",
	.needs = COMMAND_NEEDS_DATABASE,
	.run = init_run,
};
