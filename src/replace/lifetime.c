/* Where a change begins and ends. */
#include <stdlib.h>

#include "base/text.h"
#include "replace/going.h"
#include "replace/items.h"
#include "replace/outside.h"
#include "replace/shelf.h"
#include "replace/written.h"

int replace_begin(struct replace *replace, int root, int tree, const char *id, struct error *err)
{
	*replace = (struct replace){ .root = root,
				     .tree = tree,
				     .here = BENEATH(root),
				     .there = BENEATH(tree),
				     .upper = BENEATH(-1),
				     .shelf = -1 };
	replace->temporary = text_format(".wsnap-%s", id);
	replace->buffer = malloc(sizeof(*replace->buffer));
	if (!replace->temporary || !replace->buffer)
		return error_memory(err);
	/* Both are seen as they are mounted: every attribute that shows is content. */
	replace->buffer->marks = LAYER_MARKS_NONE;
	return 0;
}

static void limit_files_again(const struct replace *replace)
{
	if (replace->limit_before.rlim_max > 0)
		(void)!setrlimit(RLIMIT_NOFILE, &replace->limit_before);
}

void replace_release(struct replace *replace)
{
	/* One that was never begun has nothing open. */
	if (replace->temporary)
		shelf_release(replace);
	items_release(replace);
	going_release(replace);
	limit_files_again(replace);
	free(replace->temporary);
	free(replace->buffer);
	names_set_release(&replace->scopes);
	names_set_release(&replace->mounts);
	links_release(replace);
	outside_release(replace);
	if (replace->temporary) {
		beneath_release(&replace->here);
		beneath_release(&replace->there);
		written_release(replace);
	}
	*replace = (struct replace){
		.root = -1, .tree = -1, .here = BENEATH(-1), .there = BENEATH(-1), .upper = BENEATH(-1), .shelf = -1
	};
}

void replace_turn(struct replace *replace, int root, int tree)
{
	beneath_release(&replace->here);
	beneath_release(&replace->there);
	replace->root = root;
	replace->tree = tree;
	replace->here = BENEATH(root);
	replace->there = BENEATH(tree);
}
