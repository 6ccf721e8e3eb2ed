/* f32: arrays of real as they stand in model files: 32-bit floats, little-endian, whatever real is. */
#ifndef DLNET_NET_F32_H
#define DLNET_NET_F32_H

#include <stdint.h>
#include <stdio.h>

#include "base/error.h"
#include "base/real.h"

/* Opens a regular file for f32_read and tells its size. −1: missing, a folder, a pipe (err names the path). Close with close(). */
int f32_open(const char *path, uint64_t *size, struct error *err);

/* Exactly `size` bytes from `offset` of the file. −1: reading failed or the file ended (err names the path). */
int f32_read_bytes(int fd, const char *path, uint64_t offset, void *out, size_t size, struct error *err);

/* Exactly count numbers from `offset` (in bytes); as f32_read_bytes. Needs no memory beyond a small buffer. */
int f32_read(int fd, const char *path, uint64_t offset, real *out, size_t count, struct error *err);

/* Appends count numbers; failures stay with the stream. */
void f32_write(FILE *f, const real *x, size_t count);

/* Position of the first number that is NaN or infinite, or −1. */
int64_t f32_first_bad(const real *x, size_t count);

/* The numbers of .weights headers. */
uint32_t f32_u32(const unsigned char *p);
uint64_t f32_u64(const unsigned char *p);
void f32_put_u32(unsigned char *p, uint32_t v);
void f32_put_u64(unsigned char *p, uint64_t v);

#endif
