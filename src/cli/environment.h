/* environment: what the run-time libraries must find in the environment before they start. */
#ifndef DLNET_CLI_ENVIRONMENT_H
#define DLNET_CLI_ENVIRONMENT_H

/* OpenMP's threads wait for one another by spinning for up to 10 ms by default, which starves the loader's threads, and everything else on
 * a busy machine; OpenBLAS starts threads of its own that are never used; malloc takes small pages. All are told by variables that their
 * libraries read before main runs: when they aren't set, sets them and starts the program again in place. What the user has set stands.
 * Returns where nothing is to be done, or can be. */
void cli_environment(char **argv);

/* What makes OpenBLAS slower than it could be on this processor, and what that costs; NULL: nothing. Owned by the caller. */
char *cli_blas_trouble(void);

/* Which OpenBLAS runs, and what troubles it, on stderr: for -v. */
void cli_tell_blas(void);

#endif
