/* The labels that wsnap writes on snapshots, with which the database can be made again, and on leases. */
#ifndef WSNAP_WORKSPACE_LABEL_KEYS_H
#define WSNAP_WORKSPACE_LABEL_KEYS_H

#define LABEL_GC_ROOT "containerd.io/gc.root"                /* keeps it from collection */
#define LABEL_BLUEPRINT "containerd.io/gc.ref.content.wsnap" /* version: digest of what makes its container */
#define LABEL_GC_SNAPSHOT "containerd.io/gc.ref.snapshot."   /* before a snapshotter: keeps another snapshot as well */
#define LABEL_RESTART_STATUS "containerd.io/restart.status"
#define LABEL_STOP_SIGNAL "io.containerd.image.config.stop-signal"
#define LABEL_AUTO_REMOVE "nerdctl/auto-remove"
#define LABEL_BOT "memoh.bot_id"
#define LABEL_WORKSPACE "memoh.workspace"
#define LABEL_NETWORK_BOT "memoh.network.bot_id" /* of a container in the network of that bot's workspace */
#define LABEL_UID_MAPPING "containerd.io/snapshot/uidmapping" /* containerd 2.x, ctr run --remap-labels */
#define LABEL_GID_MAPPING "containerd.io/snapshot/gidmapping"
#define LABEL_DEVICES "memoh.workspace.cdi_devices"

#define LABEL_KIND "wsnap.kind" /* KIND_… */
#define LABEL_CONTAINER "wsnap.container"
#define LABEL_BOT_ID "wsnap.bot"
#define LABEL_OPERATION "wsnap.operation"
#define LABEL_VERSION "wsnap.version" /* once it is known */
#define LABEL_SOURCE "wsnap.source"
#define LABEL_NAME "wsnap.name"           /* display name */
#define LABEL_CREATED "wsnap.created"     /* RFC 3339 */
#define LABEL_BY "wsnap.by"               /* who made it, … */
#define LABEL_HOST "wsnap.host"           /* … where … */
#define LABEL_NOTE "wsnap.note"           /* … and what for */
#define LABEL_PARENT "wsnap.parent"       /* runtime name of the version before it */
#define LABEL_STANDS_ON "wsnap.stands_on" /* active, layer, merged: the version whose state it began with */
#define LABEL_GIVEN_UP "wsnap.given_up" /* a version on its way out: when that was decided, RFC 3339 (prune_steps.h) */
#define LABEL_KEPT "wsnap.kept_at" /* a version that was relied on since the whole history last went: when, RFC 3339 */
#define LABEL_LAST_VERSION "wsnap.last_version" /* active, layer, merged: the greatest number of a version so far */
#define LABEL_SHOWS "wsnap.shows"               /* merged: the snapshot whose tree it shows */
#define LABEL_OWN_FILES "wsnap.own_files"       /* merged: no file in it has a name in another layer */
#define LABEL_OF_ACTIVE \
	"wsnap.active." /* version, layer, merged: before each label of others that the active snapshot bore */
#define LABEL_UNCHANGED "wsnap.unchanged_at" /* active: when it was last found to be as it was saved, RFC 3339 */
#define LABEL_LIVE "wsnap.live"              /* a version that was taken while the workspace ran */
#define LABEL_LIVE_TIP "wsnap.live_tip" /* active: the newest live version of its state, on which the next one is put */
#define LABEL_MOVED_TO "wsnap.moved_to" /* active: the snapshot that an operation moves its layer to … */
#define LABEL_MOVED_INODE "wsnap.moved_inode" /* … which bears the inode of the layer's folder */
#define LABEL_DEPTH "wsnap.depth"             /* active: layers of ours under it */
/* Of a container: the policy that it chooses. Whoever makes it sets it. */
#define LABEL_POLICY "wsnap.policy"
/* Of a fork's container and of its first version: what it came from, and by which operation (LABEL_OPERATION). */
#define LABEL_ORIGIN_CONTAINER "wsnap.origin.container"
#define LABEL_ORIGIN_VERSION "wsnap.origin.version"
/* On the lease that a fork is made under: its first version's runtime name, and where that is. */
#define LABEL_FORK "wsnap.fork"
#define LABEL_FORK_SNAPSHOTTER "wsnap.fork.snapshotter"
#define LABEL_FORK_START "wsnap.fork.start" /* it is to be started: with what network (FORK_START_…) */
/* Of a container, while an operation keeps the restart monitor away: the value of its label. */
#define LABEL_RESTART_HELD "wsnap.restart_status"

/* On the lease that is a workspace's lock: who holds it. */
#define LABEL_LOCK "wsnap.lock"                     /* the run that created the lease, a UUID */
#define LABEL_LOCK_AFTER "wsnap.lock.after"         /* a takeover: the run that it takes over from */
#define LABEL_LOCK_HOST "wsnap.lock.host"           /* its name */
#define LABEL_LOCK_MACHINE "wsnap.lock.machine"     /* machine-id(5) */
#define LABEL_LOCK_BOOT "wsnap.lock.boot"           /* boot_id of random(4) */
#define LABEL_LOCK_PIDS "wsnap.lock.pid_namespace"  /* its inode */
#define LABEL_LOCK_PID "wsnap.lock.pid"             /* in that namespace */
#define LABEL_LOCK_STARTED "wsnap.lock.pid_started" /* starttime of proc(5) */
#define LABEL_LOCK_STATE "wsnap.lock.state_dir"     /* its path */
#define LABEL_LOCK_STATE_ID "wsnap.lock.state_id"   /* which directory that is */
#define LABEL_LOCK_FILE "wsnap.lock.file"           /* device:inode of the file that it has locked */
#define LABEL_LOCK_WHAT "wsnap.lock.operation"      /* "version", "prune" */
#define LABEL_LOCK_SINCE "wsnap.lock.since"         /* RFC 3339 */

/* Of a layer that the state before a restore is copied into: the name of the version that it becomes. */
#define LABEL_SAVED_AS "wsnap.saved_as"
/* Of the active snapshot: the operation that may freeze the workspace, until that has ended. */
#define LABEL_AT_WORK "wsnap.at_work"

/* Behind the name of a snapshot to come: the active one that it is made in. */
#define SNAPSHOT_WORK "-work"

#define KIND_VERSION "version"
#define KIND_MERGED "merged" /* layers made one: no version of its own */
#define KIND_LAYER "layer"   /* saved by `compact`, on the way to a merge */
#define KIND_ACTIVE "active"
#define KIND_FILLING "filling" /* not committed: a live version in the making */

#endif
