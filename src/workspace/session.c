#include "workspace/session.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "ctr/server.h"
#include "store/origin.h"

static void session_init(const struct settings *settings, struct session *session)
{
	*session = (struct session){ .settings = settings, .state_dir = -1 };
}

static int open_containerd(struct session *session, struct error *err)
{
	cleanup_free char *version = NULL;

	if (ctr_open(session->settings->address, session->settings->namespace, &session->ctr, err) < 0)
		return -1;
	version = ctr_version(session->ctr, err);
	if (!version) {
		/* It answers, but not as a containerd that we can work with. */
		if (err->kind == ERROR_FAILED)
			err->kind = ERROR_CONTAINERD;
		return -1;
	}
	log_detail("containerd %s answers at '%s'", version, session->settings->address);
	return 0;
}

static int open_store(struct session *session, struct error *err)
{
	const struct origin *origin = &session->origin;
	struct store_origin told;

	if (!origin->by && origin_find(session->settings->note, &session->origin, err) < 0)
		return -1;
	if (store_open_schema(session->settings->database, session->settings->schema, &session->store, err) < 0)
		return -1;
	told = (struct store_origin){ .by = origin->by, .host = origin->host, .note = origin->note };
	store_set_origin(session->store, &told);
	return store_check_schema(session->store, err);
}

int session_open(const struct settings *settings, struct session *session, struct error *err)
{
	session_init(settings, session);
	if (store_check_conninfo(settings->database, err) == 0 && open_containerd(session, err) == 0 &&
	    open_store(session, err) == 0)
		return 0;
	session_close(session);
	return -1;
}

int session_open_store(const struct settings *settings, struct session *session, struct error *err)
{
	session_init(settings, session);
	return store_open_schema(settings->database, settings->schema, &session->store, err);
}

int session_open_for_recovery(const struct settings *settings, struct session *session, struct error *store_err,
			      struct error *err)
{
	session_init(settings, session);
	error_clear(store_err);
	if (store_check_conninfo(settings->database, err) < 0 || open_containerd(session, err) < 0) {
		session_close(session);
		return -1;
	}
	if (open_store(session, store_err) < 0) {
		store_close(session->store);
		session->store = NULL;
	}
	return 0;
}

int session_reopen_store(struct session *session, struct error *err)
{
	store_close(session->store);
	session->store = NULL;
	if (open_store(session, err) == 0)
		return 0;
	store_close(session->store);
	session->store = NULL;
	return -1;
}

int session_need_store(struct session *session, struct error *err)
{
	return session->store ? 0 : session_reopen_store(session, err);
}

/* Records say what a run as root does next: nobody else may write them. */
static int check_owner(int dir, const char *path, struct error *err)
{
	struct stat st;

	if (fstat(dir, &st) < 0)
		return error_errno(err, ERROR_FAILED, errno, "the folder '%s' cannot be looked at", path);
	if (st.st_uid != 0 && st.st_uid != geteuid()) {
		error_set(err, ERROR_FAILED, "the folder '%s' cannot hold the state: it belongs to another user", path);
		return error_hint(err, "'chown root %s', or choose another with --state-dir", path);
	}
	if (st.st_mode & (S_IWGRP | S_IWOTH)) {
		error_set(err, ERROR_FAILED, "the folder '%s' cannot hold the state: others may write it", path);
		return error_hint(err, "'chmod 0700 %s', or choose another with --state-dir", path);
	}
	return 0;
}

int session_open_state(struct session *session, struct error *err)
{
	const char *path = session->settings->state_dir;
	cleanup_fd int dir = -1;

	if (session->state_dir >= 0)
		return 0;
	dir = file_open_directory(path, 0700, err);
	if (dir < 0 || check_owner(dir, path, err) < 0)
		return -1;
	session->state_dir = steal_fd(&dir);
	return 0;
}

void session_close(struct session *session)
{
	ctr_close(session->ctr);
	store_close(session->store);
	if (session->state_dir >= 0)
		close(session->state_dir);
	origin_release(&session->origin);
	*session = (struct session){ .settings = session->settings, .state_dir = -1 };
}
