#include "command/commands.h"
#include "output/json_writer.h"
#include "view/mount.h"
#include "view/umount.h"

static void print_json(struct output *out, const struct view_result *result)
{
	struct json_writer writer = { .stream = out->stream };

	writer_object(&writer, NULL);
	writer_text(&writer, "container_id", result->container_id);
	writer_integer(&writer, "version", result->version);
	writer_text(&writer, "mounted_at", result->folder);
	writer_text(&writer, "view", result->name);
	writer_close(&writer);
}

static int mount_run(const struct invocation *invocation, struct error *err)
{
	cleanup_view_result struct view_result result = { 0 };
	struct output *out = invocation->out;

	if (view_mount(invocation->session, invocation->targets, invocation->versions, invocation->arguments[2],
		       &result, err) < 0)
		return -1;
	out->changed = true;
	if (out->json)
		print_json(out, &result);
	else if (out->quiet)
		output_line(out, "%d", result.version);
	else
		output_line(out, "version %d of '%s' is mounted at '%s'", result.version, result.container_id,
			    result.folder);
	return 0;
}

const struct command command_mount = {
	.name = "mount",
	.arguments = "TARGET VERSION DIR",
	.summary = "show a version, read-only, in an empty folder of this host",
	.description =
		"Shows the files of a version in an empty folder, read-only, without set-user-ID and devices. The\n"
		"version stays as long as it is mounted there; 'wsnap umount DIR' ends that.\n"
		"With --quiet the version's number is printed.\n",
	.run = mount_run,
};

static int umount_run(const struct invocation *invocation, struct error *err)
{
	cleanup_view_result struct view_result result = { 0 };
	struct output *out = invocation->out;

	if (view_umount(invocation->session, invocation->arguments[0], &result, err) < 0)
		return -1;
	out->changed = true;
	if (out->json)
		print_json(out, &result);
	else if (!out->quiet && result.was_mounted)
		output_line(out, "version %d of '%s' is mounted at '%s' no more", result.version, result.container_id,
			    result.folder);
	else if (!out->quiet)
		output_line(out, "version %d of '%s' was not mounted at '%s' any more; what was left of that is gone",
			    result.version, result.container_id, result.folder);
	return 0;
}

const struct command command_umount = {
	.name = "umount",
	.arguments = "DIR",
	.summary = "take a version from the folder that it is mounted on",
	.description =
		"Ends what 'wsnap mount' began. A folder that somebody is in stays mounted, unless --force insists:\n"
		"then whoever is in it keeps it.\n"
		"With --quiet nothing is printed.\n",
	.needs = COMMAND_NEEDS_CONTAINERD,
	.run = umount_run,
};
