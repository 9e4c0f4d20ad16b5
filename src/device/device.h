/*
 * CDI: devices named like vendor.com/class=name, described by files on the host, put into an OCI runtime spec
 * (Container Device Interface specification, SPEC.md, versions 0.3.0 to 1.1.0).
 *
 * What was put in is noted in the spec's own annotation `wsnap.cdi`, with what it replaced. The next time it is taken
 * out first, so that a changed device file is followed and nothing is there twice. An item that the spec had before,
 * put in by whoever made the container, is not added, and stays when a device is given up; only where the device file
 * says something new of its variable, device node or mount is it replaced.
 *
 * Some items of others go although we did not put them in: a mount that its device file does not describe any more; a
 * mount whose source is gone, and a hook, if it differs from a described one in version numbers alone (they are an
 * older driver's).
 *
 * Errors: ERROR_USAGE when a name is malformed, when two files of one folder define a device, or when a device is not
 * found and a broken file may define it; ERROR_NOT_FOUND for a device that no file defines; ERROR_FAILED when a device
 * node is missing on the host or the spec is not what a spec must be.
 */
#ifndef WSNAP_DEVICE_DEVICE_H
#define WSNAP_DEVICE_DEVICE_H

#include <stddef.h>

#include "base/error.h"

/* Splits a comma separated list: trimmed, empty ones dropped, no doubles, each checked to be
 * a qualified CDI name, at most 64. `list` may be NULL. The caller frees *names with device_names_free. */
int device_names_parse(const char *list, char ***names, size_t *count, struct error *err);

/* The same from a bot's metadata: JSON path workspace.gpu.devices, an array of strings or one
 * comma separated string. Missing: count 0. */
int device_names_from_metadata(const char *metadata_json, char ***names, size_t *count, struct error *err);
void device_names_free(char **names, size_t count);

/* The folders that the specification names: /etc/cdi and /var/run/cdi, later ones win. */
extern const char *const device_default_dirs[]; /* ends with NULL */

/*
 * The spec with the edits of earlier runs taken out and those of the devices put in: device nodes (host
 * numbers looked up where the file leaves them out, cgroup rules with them), mounts (a parent before what
 * lies under it), environment, hooks, additional groups, intelRdt, network devices, and the edits common to a
 * CDI file once. Everything else keeps its order and its text, numbers beyond a double included. *edited is
 * new JSON (caller frees), or NULL when the result is the same as `spec_json`. With count 0 only the old
 * edits go. `dirs` ends with NULL; folders that do not exist are passed over.
 */
int device_edit_spec(const char *spec_json, size_t length, const char *const *dirs, char *const *names, size_t count,
		     char **edited, struct error *err);

#endif
