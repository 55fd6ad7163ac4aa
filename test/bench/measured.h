// What is measured of a benchmark: the processor time of this process, and marks by which strace and callgrind find the
// same stretch.
#pragma once

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Runs the work, between two marks in the list of system calls. Nanoseconds of processor time. Callgrind counts what is
 * inside of it (--toggle-collect=measured). */
uint64_t measured(void (*work)(void *object), void *object);

/* The processor time so far, in nanoseconds. */
uint64_t processor_time(void);

/* Of bytes allocated and not freed. */
uint64_t heap_in_use(void);

/* The median; sorts the values. */
uint64_t median(uint64_t *values, unsigned count);

#ifdef __cplusplus
}
#endif
