/* mem: checked allocation.
 *
 * Small bookkeeping (names, lists, tables): mem_new and friends never return NULL; when the machine has no
 * memory left they say so on stderr and end the program with EXIT_FAIL (the one exit outside cli/).
 * Large blocks whose size comes from a file or a cfg: mem_try returns NULL, which the caller reports. */
#ifndef DLNET_BASE_MEM_H
#define DLNET_BASE_MEM_H

#include <stdbool.h>
#include <stddef.h>

/* Zeroed memory for count × size bytes; ends the program when there is none. Free with free(). */
void *mem_new(size_t count, size_t size);

/* The same without zeroes: for what is written before it is read. */
void *mem_unset(size_t count, size_t size);

/* Grows *array so that it can hold count elements of size bytes (doubling); new space is not zeroed. */
void *mem_grow(void *array, size_t *capacity, size_t count, size_t size);

/* Copies of a string, of at most n bytes of it, of a formatted text. Free with free(). */
char *mem_string(const char *s);
char *mem_string_n(const char *s, size_t n);
char *mem_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* count × size bytes, zeroed, aligned to 64 bytes, or NULL: overflow or no memory. Free with mem_free. */
void *mem_try(size_t count, size_t size);
void mem_free(void *p);

/* a × b and a + b without overflow; false: it would overflow and *out is untouched. */
bool mem_mul(size_t a, size_t b, size_t *out);
bool mem_add(size_t a, size_t b, size_t *out);

/* Bytes that this process may still take before others must give some up: what the system calls available, and what a control group leaves;
 * 0: unknown. */
size_t mem_available(void);

/* Test hook: the n-th call of mem_try from now returns NULL (0 switches it off). */
void mem_fail_next(int n);

#endif
