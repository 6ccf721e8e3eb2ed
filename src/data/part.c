#include "data/part.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/rng.h"
#include "data/formats.h"

bool part_is_wanted(const struct data_options *o)
{
    return o->folds > 0 || (o->valid_fraction > 0 && !(o->valid && *o->valid));
}

int part_check(const struct data_options *o, struct error *err)
{
    const char *file = o->file ? o->file : "[data]";
    if (o->folds == 1)
        return error_at(err, EXIT_DATA, file, 0, "folds=1, expected 2 or more (0: no cross-validation)");
    if (o->folds > 0 && o->fold > o->folds)
        return error_at(err, EXIT_DATA, file, 0, "fold=%d of folds=%d, expected 1..%d", o->fold, o->folds, o->folds);
    if (o->folds == 0 && o->valid_fraction > 0 && o->valid && *o->valid)
        return error_at(err, EXIT_DATA, file, o->valid_line, "valid= and valid_fraction= are both given, expected one of them");
    return 0;
}

void part_by_class(const struct dataset *d, int strata, int *start, int *member)
{
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < d->n_samples; i++) {
            const int k = strata == 1 ? 0 : d->sample[i].label + 1;
            if (pass == 1)
                member[start[k]++] = i;
            else
                start[k + 1]++;
        }
        for (int k = strata; pass == 1 && k > 0; k--) /* each start has moved to the next */
            start[k] = start[k - 1];
        start[0] = 0;
        for (int k = 0; pass == 0 && k < strata; k++)
            start[k + 1] += start[k];
    }
}

/* Which samples are for validation; returns their number. The count runs on over the classes, so that roundings don't add up. */
static int choose(const struct dataset *d, bool *chosen)
{
    const struct data_options *o = d->options;
    const size_t n = (size_t)d->n_samples;
    const int strata = d->task == TASK_CLASSIFY ? d->n_classes + 1 : 1;
    int *member = mem_new(n, sizeof *member), *order = mem_new(n, sizeof *order), *start = mem_new((size_t)strata + 1, sizeof *start);
    int count = 0, taken = 0;
    part_by_class(d, strata, start, member);
    for (int k = 0; k < strata; k++) {
        const int members = start[k + 1] - start[k];
        struct rng r = rng_make(d->seed, RNG_SPLIT, (uint64_t)k, 0);
        rng_permute(&r, order, members);
        for (int i = 0; i < members; i++, count++) {
            const bool mine = o->folds > 0 ? count % o->folds == o->fold - 1 : taken < lround(o->valid_fraction * (count + 1));
            chosen[member[start[k] + order[i]]] = mine;
            taken += mine;
        }
    }
    free(member);
    free(order);
    free(start);
    return taken;
}

int part_take(struct dataset *d, bool valid, const char *path, struct error *err)
{
    bool *chosen = mem_new((size_t)d->n_samples, sizeof *chosen);
    const int total = d->n_samples, taken = choose(d, chosen);
    if (taken == 0 || taken == total) {
        free(chosen);
        return error_at(err, EXIT_DATA, path, 0, "%d samples can't be cut into a part to train on and one for validation: %s", total,
                        d->options->folds > 0 ? "expected a smaller folds=" : "expected another valid_fraction=");
    }
    d->n_samples = d->unlabelled = 0;
    for (int i = 0; i < total; i++)
        if (chosen[i] == valid) {
            d->unlabelled += d->sample[i].no_label;
            d->sample[d->n_samples++] = d->sample[i];
        } else {
            free(d->sample[i].name);
            free(d->sample[i].box);
        }
    free(chosen);
    return 0;
}

int part_range(const struct dataset *d, const char *path, bool divided, int n, int share, int *first, int *count, struct error *err)
{
    const struct data_options *o = d->options;
    const int asked = d->split == SPLIT_TRAIN ? o->train_count : d->split == SPLIT_VALID ? o->valid_count : o->test_count;
    if (asked > n)
        return error_at(err, EXIT_DATA, path, 0, "holds %d images, but %s_count=%d", n, split_name(d->split), asked);
    *first = 0;
    *count = asked ? asked : n;
    if (divided && !part_is_wanted(o)) {
        if (o->train_count > n || o->valid_count > n - o->train_count)
            return error_at(err, EXIT_DATA, path, 0, "holds %d images, expected train_count=%d and valid_count=%d to fit in", n,
                            o->train_count, o->valid_count);
        const int part = n / share < n - o->train_count ? n / share : n - o->train_count;
        const int valid = o->valid_count ? o->valid_count : part;
        const int train = o->train_count ? o->train_count : n - valid;
        *count = d->split == SPLIT_TRAIN ? train : valid;
        if (*count < 1)
            return error_at(err, EXIT_DATA, path, 0, "no image of %d is left for %s= (train_count=%d, valid_count=%d)", n,
                            split_name(d->split), o->train_count, o->valid_count);
    }
    if (d->split == SPLIT_VALID)
        *first = n - *count;
    return 0;
}
