/* What standard output can be trusted with. */
#ifndef WSNAP_OUTPUT_TERMINAL_H
#define WSNAP_OUTPUT_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

/* The width of the terminal that the descriptor is, in columns; 0: it is none. */
size_t terminal_columns(int fd);

/* Whether colours are wanted there: a terminal that is not "dumb", and no NO_COLOR in the environment (no-color.org). */
bool terminal_has_colour(int fd);

#endif
