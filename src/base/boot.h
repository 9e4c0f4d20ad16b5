/* Which boot of this host it is. */
#ifndef WSNAP_BASE_BOOT_H
#define WSNAP_BASE_BOOT_H

#define BOOT_ID_SIZE 64

/* boot_id of random(4), without the end of its line; "" where the kernel does not tell. */
void boot_id(char id[static BOOT_ID_SIZE]);

#endif
