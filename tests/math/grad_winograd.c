/* The tests of the transforms in double, where nothing but the last digits may differ. */
#include "math/test_winograd.c"
