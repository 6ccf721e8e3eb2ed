/* safetensors: the file format, without any knowledge of networks (https://huggingface.co/docs/safetensors).
 *
 * u64 little-endian length of the header; the header: a JSON object of name → {"dtype", "shape", "data_offsets": [begin, end)}, and
 * "__metadata__", a map of strings; then the data, which the tensors fill without hole and overlap. Files are hostile until checked:
 * safetensors_open checks everything but the numbers. Only F32 is read and written. */
#ifndef DLNET_NET_SAFETENSORS_H
#define DLNET_NET_SAFETENSORS_H

#include <stdint.h>
#include <stdio.h>

#include "base/error.h"
#include "base/real.h"

#define SAFETENSORS_DIMS 8

struct safetensors_entry {
    const char *name;
    int dim[SAFETENSORS_DIMS], n_dims;
    uint64_t begin, end; /* in the data */
    size_t count;        /* numbers */
};

struct safetensors {
    int fd;
    char *path;
    uint64_t data;                   /* where the data starts in the file */
    struct safetensors_entry *entry; /* in the order of the data */
    struct safetensors_entry **by_name;
    int n_entries;
    struct cJSON *header; /* owns names and texts */
};

/* 0, or −1 and every field zero. Release with safetensors_close. */
int safetensors_open(struct safetensors *s, const char *path, struct error *err);
void safetensors_close(struct safetensors *s);

const char *safetensors_text(const struct safetensors *s, const char *key);                      /* of the metadata; NULL: not there */
const struct safetensors_entry *safetensors_find(const struct safetensors *s, const char *name); /* NULL: not there */

/* All numbers of an entry into out. −1: reading failed. */
int safetensors_read(const struct safetensors *s, const struct safetensors_entry *e, real *out, struct error *err);

/* What is to be written; everything borrowed. */
struct safetensors_tensor {
    const char *name;
    int dim[SAFETENSORS_DIMS], n_dims;
    const real *x;
};
struct safetensors_pair {
    const char *key, *value;
};

/* Header and data in the order given, the data starting at a multiple of 8 bytes. Texts are brought to valid UTF-8. The same
 * input gives the same bytes. Failures of writing
 * stay with the stream; −1: no memory. */
int safetensors_write(FILE *f, const struct safetensors_pair *text, int n_texts, const struct safetensors_tensor *tensor, int n_tensors,
                      struct error *err);

#endif
