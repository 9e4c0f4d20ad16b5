/*
 * A folder of a test's own: made empty below /tmp (TMPDIR), and removed with all that is in it. Failures end the test
 * (cmocka).
 */
#ifndef WSNAP_TESTS_SCRATCH_H
#define WSNAP_TESTS_SCRATCH_H

/* Its path, as long as it is there. */
extern const char *scratch;

/* For cmocka: before and behind a test, or a group of tests. */
int scratch_set_up(void **state);
int scratch_tear_down(void **state);

#endif
