/* The files of sql/ in their order, made into strings by the build. */
#ifndef WSNAP_STORE_SCHEMA_STEPS_H
#define WSNAP_STORE_SCHEMA_STEPS_H

/* Step n of the schema is schema_steps[n - 1]: statements that run inside a transaction, and
 * put n into the table wsnap_schema. */
extern const char *const schema_steps[];
extern const int schema_step_count;

#endif
