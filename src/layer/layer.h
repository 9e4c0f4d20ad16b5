/*
 * Layers of overlayfs on disk: what they hold, whether they change anything, and merging
 * several into one that shows exactly the same tree (kernel documentation,
 * filesystems/overlayfs: whiteouts, opaque directories). Works on directories alone; knows nothing
 * of containerd.
 *
 * Layer content is hostile: nothing is opened through a symbolic link, names are bytes, trees
 * may be deeper than paths or descriptors reach. A layer must not change while it is read. Where another
 * filesystem is mounted inside of one (a btrfs subvolume counts), it is refused with ERROR_REFUSED.
 *
 * Errors are ERROR_FAILED unless said otherwise. All of it needs root (CAP_DAC_READ_SEARCH too)
 * and /proc.
 */
#ifndef WSNAP_LAYER_LAYER_H
#define WSNAP_LAYER_LAYER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "layer/id_map.h"

/* Where overlayfs notes whiteouts, opaque directories and the like: below trusted.overlay., or below user.overlay. where
 * it is mounted with `userxattr`, as by a containerd without root. */
enum layer_marks {
	LAYER_MARKS_TRUSTED,
	LAYER_MARKS_USER,
	LAYER_MARKS_NONE, /* a tree that is no layer: everything in it is content */
};

/*
 * Merges `count` layers (absolute paths of directories, newest first) into the empty directory
 * `target`, which should lie on the same filesystem: the result, put on what lay below the oldest of
 * them, shows the tree that all of them showed. Whiteouts and opaque marks that hide what may lie
 * below stay; a whiteout of what only the merged layers had may stay too, it hides nothing.
 *
 * The result's files are its own, so that their link count (which shows inside of an overlay) is the number of names
 * that the result has for them. Content is shared by reference (FICLONE) where the filesystem can, and copied
 * where it cannot, holes kept. All metadata: owner, mode, times of files and directories (nanoseconds), extended
 * attributes (all namespaces, overlay's own aside), hard links within the result. The root's metadata are the
 * newest layer's.
 *
 * Blocks for as long as it takes: about a minute for a million small files. Time and memory follow what the layers
 * hold, not what lies below.
 *
 * ERROR_REFUSED for a layer with overlay features that point out of an entry or are not known here
 * (redirect, metacopy). This is found on the way, when a part of the result may be written: after any error, and after an interruption,
 * layer_clear() the target and begin again.
 */
struct layer_merge_result {
	uint64_t entries; /* names written */
	uint64_t copied_bytes;
};

/*
 * What layer_merge() would write, found without writing anything: the same walk, the same refusals. `copied_bytes` is
 * what the files to be copied take on the disk (st_blocks); 0 where `target`, which need not be empty, lies on a
 * filesystem that shares by reference.
 */
int layer_merge_cost(enum layer_marks marks, const char *const *layers, size_t count, const char *target,
		     struct layer_merge_result *cost, struct error *err);
int layer_merge(enum layer_marks marks, const char *const *layers, size_t count, const char *target,
		struct layer_merge_result *result, struct error *err);

/*
 * Whether putting `layer` on top of `below` (paths, newest first; count may be 0) changes nothing that can
 * be seen: 1 nothing, 0 something, -1 error. A directory that lies below with the same owner, mode and
 * extended attributes is no change whatever its times, so mount points made by a
 * runtime where the image has them do not count; nor is a file equal to the one below (metadata, modification
 * time, content; one over 1 MiB counts as changed), nor a whiteout that hides nothing. The root is compared
 * in the same way with the newest layer below. `layer` may change meanwhile; then the answer is of some moment, and what
 * vanishes while it is looked at is a change.
 */
int layer_changes_nothing(enum layer_marks marks, const char *layer, const char *const *below, size_t count,
			  struct error *err);

/*
 * Whether two stacks of layers show the same tree, by the same rules: 1 the same, 0 not, -1 error. The newest layer of
 * `one` may change meanwhile. What both stacks have at their lower ends (the same paths) is not looked at but for names
 * that the rest has: time and memory follow what they do not share. A file that is one and the same in both is
 * not read; others are compared up to 256 MiB in all, beyond that they count as changed.
 */
struct layer_stack {
	const char *const *layers; /* paths, newest first */
	size_t count;
};
int layer_same_trees(enum layer_marks marks, const struct layer_stack *one, const struct layer_stack *other,
		     struct error *err);

/*
 * Lets two folders on one filesystem change places (RENAME_EXCHANGE, renameat2(2)): at every instant, a power cut
 * included, each is at the one path or at the other. When it returns 0 that is on the disk.
 */
int layer_exchange(const char *a, const char *b, struct error *err);

/*
 * Moves a folder to another place on its filesystem, where there is nothing, or an empty folder, which goes (rename(2)): at
 * every instant, a power cut included, it is at the one path or at the other, and there is none where it is not. When it
 * returns 0 that is on the disk.
 */
int layer_move(const char *from, const char *to, struct error *err);

/* Makes an empty folder where one was moved away. One that is there stays. */
int layer_make_folder(const char *path, struct error *err);

/* What a folder keeps wherever it is moved. -1 with errno when there is none at the path. */
struct layer_identity {
	uint64_t device, inode;
};
int layer_identify(const char *path, struct layer_identity *identity);

/* Gives the root of the layer `to` the metadata of the root of `from`. */
int layer_copy_root(enum layer_marks marks, const char *from, const char *to, struct error *err);

/* Whether the path of an entry, with that of the layer, has more bytes than a path may have (PATH_MAX): 1, 0, -1. */
int layer_has_long_paths(const char *layer, struct error *err);

/* One thing that differs. */
struct layer_change {
	const char *path; /* "/etc/hosts", in bytes; "/" is the root itself */
	char change;      /* 'A': it was not there before, 'M': it is another, 'D': it is there no more */
	mode_t mode;      /* of what it is now; of 'D', of what it was */
	mode_t mode_before;
	off_t size, size_before;  /* bytes; 0 where it is not */
	const char *now, *before; /* the layers that show it, NULL where none does */
};

struct layer_diff {
	/* Told in no particular order; what lies in a folder is told behind it. Returns -1 (with its err) to stop. */
	int (*each)(const struct layer_change *change, void *context, struct error *err);
	/* Whether the path, or what may lie below it, is asked for: 1, 0. NULL: all is. */
	int (*wanted)(const char *path, void *context);
	void *context;
};

/*
 * Tells all that differs in two trees, by the rules of layer_same_trees(), but that every file is compared whatever its
 * size. An entry whose kind has changed is one 'M'; every path in a folder that came or went is told. What vanishes while
 * it is looked at is passed over. ERROR_REFUSED for layers that cannot be read by themselves.
 */
int layer_diff(enum layer_marks marks, const struct layer_stack *now, const struct layer_stack *before,
	       const struct layer_diff *diff, struct error *err);

/* Opens the regular file `path` (relative) below the directory `root` for reading. Nothing is followed on the way, and
 * nothing but a regular file is opened. -1 with errno. */
int layer_open_file(const char *root, const char *path);

/* Empties a directory that a merge was interrupted in (own device only, no links followed). */
int layer_clear(const char *directory, struct error *err);

/* Bytes allocated (st_blocks) and number of entries, hard links counted once. What vanishes meanwhile does not count. */
int layer_usage(const char *layer, int64_t *bytes, int64_t *entries, struct error *err);

/*
 * Whether something in a layer belongs to a user or a group of the host that is none inside: 1 with the path of one such entry
 * ("/etc/hosts"), which the caller frees; 0; -1. Whiteouts, which the kernel makes as it likes, belong to nobody. What
 * vanishes meanwhile does not count.
 */
int layer_find_foreign(const char *layer, const struct id_maps *maps, char **path, struct error *err);

/*
 * What would be free if these layers went: the bytes that nothing else shares. A file with names elsewhere does not
 * count, nor do, on xfs and btrfs, extents that another file has by reference (FIEMAP_EXTENT_SHARED, linux/fiemap.h).
 * `bytes` has room for one number for each layer; a file with names in several of them counts in the last. A layer
 * whose path is NULL, or is not there any more, has none.
 */
int layer_exclusive(const char *const *layers, size_t count, int64_t *bytes, struct error *err);

/* Paths `lower` and below of an overlay mount's options, split at unescaped ':' (backslash escapes
 * are undone). The caller frees with layer_paths_free. */
struct layer_paths {
	char **items; /* newest first */
	size_t count;
};
int layer_paths_parse(const char *lowerdir, struct layer_paths *paths, struct error *err);
void layer_paths_free(struct layer_paths *paths);

/*
 * How many bytes of a mount's options an overlay on these takes, with `upper` (and a work folder beside it) on top: as
 * containerd mounts it, the lower ones named from the folder that all of them are in. The kernel takes one page.
 */
size_t layer_paths_mount_size(const struct layer_paths *paths, const char *upper);

#define cleanup_layer_paths __attribute__((cleanup(layer_paths_free)))

/* Writes a filesystem back (syncfs(2) on `path`), so that what is on it survives a power cut. */
int layer_sync(const char *path, struct error *err);

/* Whether files on the filesystem of `path` can share their content by reference (xfs and btrfs). */
bool layer_shares_content(const char *path);

/* Free bytes and inodes of the filesystem of `path` for root, and their totals. */
struct layer_space {
	uint64_t free_bytes, total_bytes, free_inodes, total_inodes; /* total_inodes 0: no limit */
};
int layer_space(const char *path, struct layer_space *space, struct error *err);

#endif
