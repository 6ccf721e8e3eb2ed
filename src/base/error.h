/* error: what went wrong for the user, collected where it was found and printed by cli/.
 *
 * A user's mistake returns -1 and fills a struct error; a programmer's mistake is an assert. One struct
 * may collect several mistakes (a cfg file reports all of its mistakes in one run). */
#ifndef DLNET_BASE_ERROR_H
#define DLNET_BASE_ERROR_H

enum exit_status {
    EXIT_OK = 0,
    EXIT_FAIL = 1,          /* failure that is nobody's input: out of memory, diverged training */
    EXIT_USAGE = 2,         /* command line */
    EXIT_DATA = 65,         /* bad content: cfg, label, image, weights */
    EXIT_NO_INPUT = 66,     /* a file that isn't there or can't be opened */
    EXIT_IO = 74,           /* reading or writing failed: disk full, permission on output */
    EXIT_INTERRUPTED = 130, /* SIGINT, SIGTERM */
};

struct error {
    enum exit_status status; /* of the first mistake */
    int count;               /* mistakes added, those that did not fit in text included */
    char text[8192];         /* one line a mistake, no newline after the last */
};

/* An empty error. */
#define ERROR_INIT ((struct error){.status = EXIT_OK})

/* Adds one mistake; the message has no trailing newline, control characters in it become '?'. Always returns -1, so that
 * `return error_add(...)` reads well. err may be NULL (the caller doesn't want to know). */
int error_add(struct error *err, enum exit_status status, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The same, prefixed with "file:line: " ("file: " when line is 0). */
int error_at(struct error *err, enum exit_status status, const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

#endif
