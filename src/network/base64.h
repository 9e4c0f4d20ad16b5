/* Base64 (RFC 4648 section 4, padded), the form in which libcni's cache keeps a configuration. */
#ifndef WSNAP_NETWORK_BASE64_H
#define WSNAP_NETWORK_BASE64_H

#include <stddef.h>

#include "base/text.h"

/* Appends the encoded bytes; the buffer's own flag tells of a failure. */
void base64_encode(const void *bytes, size_t length, struct text *text);

/* Appends what `encoded` stands for. -1: not base64 in its canonical, padded form, or the buffer failed. */
int base64_decode(const char *encoded, struct text *text);

#endif
