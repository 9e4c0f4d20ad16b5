/* Opening a connection with the limits that hold on it; internal to store/. */
#ifndef WSNAP_STORE_OPEN_H
#define WSNAP_STORE_OPEN_H

#include "store/store.h"

/* Opens a new connection in place of a lost one, with the same settings. */
int store_reopen(struct store *store, struct error *err);

#endif
