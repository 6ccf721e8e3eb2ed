/* real: the number type of every kernel, tensor and parameter.
 *
 * The program computes in float. The same sources are compiled a second time with -DDLNET_DOUBLE for the
 * gradient checks, where central differences need the precision of double. */
#ifndef DLNET_BASE_REAL_H
#define DLNET_BASE_REAL_H

#ifdef DLNET_DOUBLE
typedef double real;
#else
typedef float real;
#endif

#endif
