/* One folder of a pass: open in the writable layer, and in the new layer where that has it. For pass.c and look.c. */
#ifndef WSNAP_LIVE_FRAME_H
#define WSNAP_LIVE_FRAME_H

#include "live/pass_state.h"

struct pass_frame {
	uint32_t node;
	int upper; /* -1: it is gone */
	int layer; /* -1: the new layer does not have it yet */
	bool listed;
	uint32_t near;            /* the entry that was looked at last */
	struct pass_list folders; /* in it, to be entered */
	size_t next;
	struct file_handle *upper_handle, *layer_handle; /* while it is parked */
};

int pass_list_add(struct pass_list *list, uint32_t id, struct error *err);

/* Whether the errno only says that an entry has gone or become another, as it may while others work in the tree. */
bool pass_is_gone(int number);

/* Opens an entry's folder by its names from the root. 0 in `frame`; 1: it is not there any more; -1. */
int frame_open(struct pass *pass, uint32_t node, struct pass_frame *frame, struct error *err);
void frame_close(struct pass_frame *frame);

/* Somebody from outside goes on changing it in the freeze: -1. */
int frame_is_intruded(const char *name, struct error *err);

/* Makes sure that the new layer has the folder. */
int frame_need_layer(struct pass *pass, struct pass_frame *frame, struct error *err);

/* Notes that the folder's metadata have to be set again in the new layer. */
int frame_is_due(struct pass *pass, uint32_t node, struct error *err);

/* Sets them, if they are due. */
int frame_finish(struct pass *pass, struct pass_frame *frame, struct error *err);

enum look { LOOK_DONE, LOOK_KNOWN_FOLDER, LOOK_NEW_FOLDER, LOOK_MOVED };

/* In the freeze, of what somebody from outside goes on changing. */
#define MOST_LOOKS 20

/* Looks at one name in the folder and does what it takes. -1, or what there is: then *id is its entry. Never LOOK_MOVED. */
int look_at(struct pass *pass, struct pass_frame *frame, const char *name, unsigned move, uint32_t *id,
	    struct error *err);

#endif
