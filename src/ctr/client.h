/* The inside of a `struct ctr`, for the files of this folder that carry calls. */
#ifndef WSNAP_CTR_CLIENT_H
#define WSNAP_CTR_CLIENT_H

#include <stdbool.h>

struct ctr {
	char *socket_path;
	char *namespace;
	char *lease;    /* NULL: none */
	void *multi;    /* a CURLM: holds the connection, drives all calls */
	bool connected; /* a connection was made and no call on it has failed since */
	int status;
};

#endif
