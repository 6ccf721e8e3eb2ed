/* Whole files in, whole files out: atomic, every failure found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "support.h"

static int entries(const char *dir)
{
    struct text_list list = {0};
    assert_int_equal(file_list_dir(dir, &list, NULL), 0);
    const int n = list.n;
    text_list_free(&list);
    return n;
}

static void contains(const char *path, const char *text)
{
    size_t size = 0;
    struct error err = ERROR_INIT;
    char *p = file_read(path, 1 << 20, &size, &err);
    if (!p)
        fail_msg("%s", err.text);
    assert_int_equal(size, strlen(text));
    assert_string_equal(p, text);
    mem_free(p);
}

static void test_read(void **state)
{
    (void)state;
    char *dir = support_make_dir();
    const char *path = support_path(dir, "a");
    struct error err = ERROR_INIT;
    size_t size = 7;
    support_write(path, "");
    contains(path, "");
    support_write(path, "hello");
    contains(path, "hello");
    char *exact = file_read(path, 5, &size, &err); /* exactly the limit */
    assert_non_null(exact);
    mem_free(exact);
    assert_null(file_read(path, 4, &size, &err));
    assert_int_equal(err.status, EXIT_DATA);
    err = ERROR_INIT;
    assert_null(file_read(support_path(dir, "none"), 100, &size, &err));
    assert_int_equal(err.status, EXIT_NO_INPUT);
    err = ERROR_INIT;
    assert_null(file_read(dir, 100, &size, &err));
    assert_int_equal(err.status, EXIT_DATA);
    support_remove_dir(dir);
}

/* Through a pipe the size isn't known beforehand. */
static void test_read_pipe(void **state)
{
    (void)state;
    char *dir = support_make_dir();
    const char *path = support_path(dir, "pipe");
    assert_int_equal(mkfifo(path, 0600), 0);
    enum { N = 200000 };
    for (int limited = 0; limited < 2; limited++) {
        const pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            signal(SIGPIPE, SIG_DFL);
            FILE *f = fopen(path, "wb");
            for (int i = 0; f && i < N; i++)
                fputc('a' + i % 26, f);
            if (f)
                fclose(f);
            _exit(0);
        }
        struct error err = ERROR_INIT;
        size_t size = 0;
        char *p = file_read(path, limited ? 1000 : N, &size, &err);
        if (limited) {
            assert_null(p);
            assert_int_equal(err.status, EXIT_DATA);
        } else {
            assert_non_null(p);
            assert_int_equal(size, N);
            assert_int_equal(p[N - 1], 'a' + (N - 1) % 26);
            assert_int_equal(p[N], 0);
            mem_free(p);
        }
    }
    support_remove_dir(dir);
}

static void test_write(void **state)
{
    (void)state;
    char *dir = support_make_dir();
    const char *path = support_path(dir, "out");
    struct error err = ERROR_INIT;
    assert_int_equal(file_write(path, "one", 3, &err), 0);
    contains(path, "one");
    assert_int_equal(file_write(path, "second", 6, &err), 0);
    contains(path, "second");
    assert_int_equal(entries(dir), 1); /* no temporary file is left */
    const mode_t mask = umask(022);
    assert_int_equal(file_write(path, "x", 1, &err), 0);
    umask(mask);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0644);
    support_remove_dir(dir);
}

static void test_until_commit_the_old_file_stands(void **state)
{
    (void)state;
    char *dir = support_make_dir();
    const char *path = support_path(dir, "out");
    struct error err = ERROR_INIT;
    support_write(path, "old");
    struct file_writer w;
    assert_int_equal(file_begin(&w, path, &err), 0);
    fputs("new", w.stream);
    fflush(w.stream);
    contains(path, "old");
    file_discard(&w);
    contains(path, "old");
    assert_int_equal(entries(dir), 1);
    assert_int_equal(file_begin(&w, path, &err), 0);
    fputs("new", w.stream);
    assert_int_equal(file_commit(&w, &err), 0);
    contains(path, "new");
    support_remove_dir(dir);
}

/* A disk that is full in the middle (here: a limit on the size of files): the old file stands, nothing else is left. */
static void test_failed_write(void **state)
{
    (void)state;
    char *dir = support_make_dir();
    const char *path = support_path(dir, "out");
    struct error err = ERROR_INIT;
    support_write(path, "old");
    struct rlimit before, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    small = before;
    small.rlim_cur = 4096;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    static char large[100000];
    const int result = file_write(path, large, sizeof large, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, handler);
    assert_int_equal(result, -1);
    assert_int_equal(err.status, EXIT_IO);
    assert_non_null(strstr(err.text, "out: cannot be written: "));
    contains(path, "old");
    assert_int_equal(entries(dir), 1);

    err = ERROR_INIT;
    assert_int_equal(file_write(support_path(dir, "no/such/folder"), "x", 1, &err), -1);
    assert_int_equal(err.status, EXIT_IO);
    err = ERROR_INIT;
    assert_int_equal(file_write(dir, "x", 1, &err), -1); /* a folder stands there */
    assert_int_equal(err.status, EXIT_IO);
    assert_int_equal(entries(dir), 1);
    support_remove_dir(dir);
}

static void test_lines(void **state)
{
    (void)state;
    char text[] = "\xef\xbb\xbf"
                  "one\r\ntwo\n\n\xef\xbb\xbf"
                  "four\rx\nlast\r";
    static const char *const lines[] = {"one", "two", "",
                                        "\xef\xbb\xbf"
                                        "four\rx",
                                        "last"};
    char *cursor = text;
    int line = 0;
    for (int i = 0; i < 5; i++) {
        assert_string_equal(file_line(&cursor, &line), lines[i]);
        assert_int_equal(line, i + 1);
    }
    assert_null(file_line(&cursor, &line));
    assert_null(file_line(&cursor, &line));
    char ending[] = "a\n";
    cursor = ending;
    line = 0;
    assert_string_equal(file_line(&cursor, &line), "a");
    assert_null(file_line(&cursor, &line));
}

static void test_folders(void **state)
{
    (void)state;
    char *dir = support_make_dir();
    struct error err = ERROR_INIT;
    const char *deep = support_path(dir, "a/b/c");
    assert_int_equal(file_make_dirs(deep, &err), 0);
    assert_true(file_is_dir(deep));
    assert_int_equal(file_make_dirs(deep, &err), 0); /* again: nothing to do */
    const char *plain = support_path(dir, "a/plain");
    support_write(plain, "");
    assert_true(file_exists(plain));
    assert_false(file_is_dir(plain));
    assert_int_equal(file_make_dirs(support_path(dir, "a/plain/below"), &err), -1);
    assert_int_equal(err.status, EXIT_IO);

    struct text_list list = {0};
    err = ERROR_INIT;
    support_write(support_path(dir, "a/Z"), "");
    assert_int_equal(file_list_dir(support_path(dir, "a"), &list, &err), 0);
    assert_int_equal(list.n, 3);
    assert_string_equal(list.item[0], "Z"); /* bytewise: capitals first */
    assert_string_equal(list.item[1], "b");
    assert_string_equal(list.item[2], "plain");
    text_list_free(&list);
    assert_int_equal(file_list_dir(support_path(dir, "none"), &list, &err), -1);
    assert_int_equal(err.status, EXIT_NO_INPUT);
    support_remove_dir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),         cmocka_unit_test(test_read_pipe),
        cmocka_unit_test(test_write),        cmocka_unit_test(test_until_commit_the_old_file_stands),
        cmocka_unit_test(test_failed_write), cmocka_unit_test(test_lines),
        cmocka_unit_test(test_folders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
