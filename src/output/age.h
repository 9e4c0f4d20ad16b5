/* Ages for people. */
#ifndef WSNAP_OUTPUT_AGE_H
#define WSNAP_OUTPUT_AGE_H

#include <stdint.h>

#define AGE_SIZE 24

/* In its largest unit: "45 s", "12 min", "3 h", "2 d", "5 wk", "3 y". */
void age_format(int64_t seconds, char text[static AGE_SIZE]);

#endif
