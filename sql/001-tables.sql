-- Step 1: the tables of wsnap.
--
-- `wsnap init` runs the steps in one transaction. By hand, in an empty database:
--   psql -v ON_ERROR_STOP=1 -1 -f sql/001-tables.sql
-- The tables go where search_path points. A database that holds such tables already,
-- made by another server, is used as it is and needs no step.

-- Marks the schema as wsnap's own; one row for every step that ran.
CREATE TABLE wsnap_schema (
	step int PRIMARY KEY,
	applied_at timestamptz NOT NULL DEFAULT now()
);

-- Who owns workspaces.
CREATE TABLE bots (
	id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
	metadata jsonb NOT NULL DEFAULT '{}',
	created_at timestamptz NOT NULL DEFAULT now()
);

-- One row for every workspace.
CREATE TABLE containers (
	id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
	bot_id uuid NOT NULL REFERENCES bots (id),
	container_id text NOT NULL UNIQUE,
	container_name text NOT NULL UNIQUE,
	image text NOT NULL,
	status text NOT NULL DEFAULT 'created',
	namespace text NOT NULL DEFAULT 'default',
	auto_start boolean NOT NULL DEFAULT true,
	container_path text NOT NULL DEFAULT '/data',
	created_at timestamptz NOT NULL DEFAULT now(),
	updated_at timestamptz NOT NULL DEFAULT now(),
	last_started_at timestamptz,
	last_stopped_at timestamptz
);

CREATE INDEX containers_bot_id ON containers (bot_id, created_at);

-- One row for every committed snapshot; runtime_snapshot_name is its name in containerd.
CREATE TABLE snapshots (
	id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
	container_id text NOT NULL REFERENCES containers (container_id),
	runtime_snapshot_name text NOT NULL,
	display_name text,
	parent_runtime_snapshot_name text,
	snapshotter text NOT NULL,
	source text NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now(),
	UNIQUE (container_id, runtime_snapshot_name)
);

-- The numbers. A number is never given twice, even when its row is gone: the events remember it.
CREATE TABLE container_versions (
	id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
	container_id text NOT NULL REFERENCES containers (container_id),
	snapshot_id uuid NOT NULL REFERENCES snapshots (id) ON DELETE RESTRICT,
	version int NOT NULL CHECK (version > 0),
	created_at timestamptz NOT NULL DEFAULT now(),
	UNIQUE (container_id, version)
);

CREATE INDEX container_versions_snapshot_id ON container_versions (snapshot_id);

-- What happened, for whoever watches; every row is announced: NOTIFY wsnap_lifecycle where processes are new, else
-- wsnap_saved.
CREATE TABLE lifecycle_events (
	id text PRIMARY KEY,
	container_id text NOT NULL REFERENCES containers (container_id),
	event_type text NOT NULL,
	payload jsonb NOT NULL DEFAULT '{}',
	created_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX lifecycle_events_container_id ON lifecycle_events (container_id, created_at, id);

INSERT INTO wsnap_schema (step) VALUES (1);
