#include "command/commands.h"
#include "output/json_writer.h"

/* Made before its own, they stop the migrations of a server that would bring such tables. */
static void tell_owner(const struct invocation *invocation, const struct store_tables *tables)
{
	if (invocation->out->json || invocation->out->quiet)
		return;
	output_line(
		invocation->out,
		"the tables in the schema '%s' of the database '%s' are wsnap's own; a workspace server that brings its "
		"tables must have made them before: else give wsnap a schema of its own ('schema' in wsnap.conf)",
		tables->schema, tables->database);
}

static int init_run(const struct invocation *invocation, struct error *err)
{
	struct output *out = invocation->out;
	struct store_tables tables;
	int from, to;

	if (store_init(invocation->session->store, &from, &to, err) < 0 ||
	    store_find_tables(invocation->session->store, &tables, err) < 0)
		return -1;
	out->changed = from != to;
	if (out->json) {
		struct json_writer writer = { .stream = out->stream };

		writer_object(&writer, NULL);
		writer_integer(&writer, "from", from);
		writer_integer(&writer, "to", to);
		writer_text(&writer, "database", tables.database);
		writer_text(&writer, "schema", tables.schema);
		writer_bool(&writer, "ours", tables.ours);
		writer_close(&writer);
	} else if (out->quiet) {
		output_line(out, "%d", to);
	} else if (!tables.ours) {
		output_line(out,
			    "nothing to do: the tables in the schema '%s' of the database '%s' are another server's",
			    tables.schema, tables.database);
	} else if (from == to) {
		output_line(out, "nothing to do: the schema is at step %d", to);
	} else {
		output_line(out, "the schema is at step %d (was %d)", to, from);
	}
	if (from == 0 && to > 0)
		tell_owner(invocation, &tables);
	return 0;
}

const struct command command_init = {
	.name = "init",
	.arguments = "",
	.summary = "create or upgrade the database schema",
	.description = "Creates the tables in an empty database, or brings older ones up to date. Tables that another\n"
		       "server has made are left as they are; in a database that such a server is still to fill, its\n"
		       "tables come first, or wsnap gets a schema of its own ('schema' in wsnap.conf).\n"
		       "With --quiet the step that the schema is at is printed.\n",
	.needs = COMMAND_NEEDS_DATABASE,
	.run = init_run,
};
