// Measures a part of a benchmark: the processor time of this process. strace and callgrind find the same part by marks.
#pragma once

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Runs the work and returns its processor time, ns. Two marks in the list of system calls enclose the work. Callgrind
 * counts the instructions inside this function (--toggle-collect=measured). */
uint64_t measured(void (*work)(void *object), void *object);

/* The processor time of this process so far, ns. */
uint64_t processor_time(void);

/* Bytes that are allocated and not freed. */
uint64_t heap_in_use(void);

/* The median; sorts the values. */
uint64_t median(uint64_t *values, unsigned count);

#ifdef __cplusplus
}
#endif
