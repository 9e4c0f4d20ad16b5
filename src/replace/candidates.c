#include "replace/candidates.h"

#include <errno.h>
#include <fcntl.h>

int candidate_find(struct replace *replace, struct replace_item *item, struct candidate *candidate, struct error *err)
{
	*candidate = (struct candidate){ .item = item };
	if (item->first || item->staged >= 0 || item->shelved)
		return 0;
	candidate->folder = beneath_parent(&replace->there, item->path, &candidate->name);
	if (candidate->folder >= 0 &&
	    fstatat(candidate->folder, candidate->name, &candidate->status, AT_SYMLINK_NOFOLLOW) == 0)
		return S_ISREG(candidate->status.st_mode);
	return beneath_is_gone(errno)
		       ? 0
		       : error_errno(err, ERROR_FAILED, errno, "cannot examine '/%s' of the version", item->path);
}
