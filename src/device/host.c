#include "device/host.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

static char type_of(mode_t mode)
{
	return S_ISBLK(mode) ? 'b' : S_ISCHR(mode) ? 'c' : S_ISFIFO(mode) ? 'p' : '\0';
}

/* 'u' is an unbuffered character device: no type of its own on Linux. */
static bool is_same_type(char wanted, char found)
{
	return wanted == found || (wanted == 'u' && found == 'c');
}

static int take_numbers(const char *path, const struct stat *st, struct host_device *device, struct error *err)
{
	char found = type_of(st->st_mode);

	if (!found)
		return error_set(err, ERROR_FAILED, "'%s' on the host is not a device", path);
	if (device->type[0] == '\0')
		device->type[0] = found;
	if (!is_same_type(device->type[0], found))
		return error_set(err, ERROR_FAILED, "'%s' on the host has the type '%c', not '%s'", path, found,
				 device->type);
	if (found != 'p' && device->major == 0) {
		device->major = major(st->st_rdev);
		device->minor = minor(st->st_rdev);
	}
	return 0;
}

int host_device_complete(const cJSON *node, struct host_device *device, struct error *err)
{
	const char *type = json_text(node, "type");
	const char *path = json_text(node, "hostPath");
	bool is_complete;
	struct stat st;

	*device = (struct host_device){
		.type = { type ? *type : '\0' },
		.major = json_integer(node, "major", 0),
		.minor = json_integer(node, "minor", 0),
		.mode = json_integer(node, "fileMode", -1),
	};
	if (!path || *path == '\0')
		path = json_text(node, "path");
	is_complete = device->type[0] && (device->major != 0 || device->type[0] == 'p');
	if (stat(path, &st) < 0) {
		if (is_complete)
			return 0;
		return error_errno(err, ERROR_FAILED, errno, "device '%s' on the host", path);
	}
	if (device->mode < 0 && type_of(st.st_mode))
		device->mode = st.st_mode & 07777;
	return is_complete ? 0 : take_numbers(path, &st, device, err);
}
