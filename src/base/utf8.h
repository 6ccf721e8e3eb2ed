/* utf8: texts that come from outside (file names, class names) and go where only valid UTF-8 may stand: JSON, cairo, XML. */
#ifndef DLNET_BASE_UTF8_H
#define DLNET_BASE_UTF8_H

#include <stdbool.h>

/* Well-formed by Unicode 15, table 3-7: no overlong forms, no surrogates, nothing above U+10FFFF. */
bool utf8_valid(const char *s);

/* A copy in which every byte that belongs to no valid sequence has become U+FFFD. Free with free(). */
char *utf8_clean(const char *s);

#endif
