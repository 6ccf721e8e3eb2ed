#include "image/turbo.h"

#ifdef DLNET_TURBO

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <jpeglib.h>

struct trouble {
    struct jpeg_error_mgr manager; /* first: libjpeg sees only this */
    jmp_buf back;
};

static void on_error(j_common_ptr c)
{
    longjmp(((struct trouble *)(void *)c->err)->back, 1);
}

/* A warning is damage that libjpeg would paint over. */
static void on_message(j_common_ptr c, int level)
{
    if (level < 0)
        on_error(c);
}

bool turbo_is_built_in(void)
{
    return true;
}

static void choose_scale(struct jpeg_decompress_struct *d, int least_w, int least_h)
{
    d->scale_denom = 8;
    for (d->scale_num = 1; d->scale_num < 8; d->scale_num *= 2) { /* the others are slower than the whole */
        jpeg_calc_output_dimensions(d);
        if ((int)d->output_width >= least_w && (int)d->output_height >= least_h)
            return;
    }
}

int turbo_decode(const void *bytes, size_t size, int least_w, int least_h, unsigned char **data, int *w, int *h, int *c)
{
    struct jpeg_decompress_struct d;
    struct trouble trouble;
    unsigned char *volatile pixels = NULL;
    d.err = jpeg_std_error(&trouble.manager);
    trouble.manager.error_exit = on_error;
    trouble.manager.emit_message = on_message;
    if (setjmp(trouble.back)) {
        jpeg_destroy_decompress(&d);
        free(pixels);
        return -1;
    }
    jpeg_create_decompress(&d);
    jpeg_mem_src(&d, bytes, (unsigned long)size);
    jpeg_read_header(&d, TRUE);
    if (d.num_components != 1 && d.num_components != 3)
        on_error((j_common_ptr)&d);
    d.out_color_space = d.num_components == 1 ? JCS_GRAYSCALE : JCS_RGB;
    if (least_w > 0 && least_h > 0)
        choose_scale(&d, least_w, least_h);
    jpeg_start_decompress(&d);
    *w = (int)d.output_width;
    *h = (int)d.output_height;
    *c = d.output_components;
    const size_t pitch = (size_t)d.output_width * (size_t)d.output_components;
    pixels = malloc(pitch * d.output_height);
    if (!pixels)
        on_error((j_common_ptr)&d);
    while (d.output_scanline < d.output_height) {
        JSAMPROW row = pixels + (size_t)d.output_scanline * pitch;
        jpeg_read_scanlines(&d, &row, 1);
    }
    jpeg_finish_decompress(&d);
    jpeg_destroy_decompress(&d);
    *data = pixels;
    return 0;
}

#else

bool turbo_is_built_in(void)
{
    return false;
}

int turbo_decode(const void *bytes, size_t size, int least_w, int least_h, unsigned char **data, int *w, int *h, int *c)
{
    (void)bytes, (void)size, (void)least_w, (void)least_h, (void)data, (void)w, (void)h, (void)c;
    return -1;
}

#endif
