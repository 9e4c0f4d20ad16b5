/* A method of one of containerd's services, and how long a call of it may take. */
#ifndef WSNAP_CTR_METHOD_H
#define WSNAP_CTR_METHOD_H

/* Deadlines. What only reads answers at once; what writes may wait for a garbage collection;
 * what walks or removes layers, or starts processes, takes as long as it takes. */
#define GRPC_READ_MS 10000
#define GRPC_WRITE_MS 120000
#define GRPC_LONG_MS 600000
#define GRPC_NO_DEADLINE 0

struct grpc_method {
	const char *package; /* containerd.services.version.v1 */
	const char *service; /* Version */
	const char *name;    /* Version */
	unsigned timeout_ms; /* GRPC_NO_DEADLINE: the caller sets one */
};

#endif
