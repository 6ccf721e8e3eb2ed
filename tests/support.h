/* support: what tests of several rooms share. */
#ifndef DLNET_TESTS_SUPPORT_H
#define DLNET_TESTS_SUPPORT_H

/* The path of a file or folder of the shared test data (DLNET_DATA, else ../shared/data), or NULL when it isn't there: then
 * `skip()`. The string stands until the fourth call after this one. */
const char *support_data(const char *relative);

/* A new empty folder of this process, and its removal with everything in it. Free the path with support_remove_dir. */
char *support_make_dir(void);
void support_remove_dir(char *dir);

/* dir/name as a path that stands until the fourth call after this one. */
const char *support_path(const char *dir, const char *name);

/* Writes a text file for a test; asserts that it worked. */
void support_write(const char *path, const char *text);

#endif
