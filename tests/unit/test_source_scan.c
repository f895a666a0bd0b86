/* Unit tests of host/source_scan. */
#include "tests/unit/check.h"

#include <stdio.h>

#include "base/buffer.h"
#include "host/source_scan.h"

static bool latin(const char *source, bool nested) {
    return source_scan_has_latin_name(source, strlen(source), nested);
}

static bool sets(const char *source) {
    return source_scan_has_equal_sets(source, strlen(source));
}

static void test_latin_names(void **state) {
    static const char *const found[] = {
        "\xc3\xa9 = 1\n",
        "x.\xc3\xa9\n",
        "def f(\xc3\xa9): pass\n",
        "\xc3\xa9",
        "e\xcc\x81 = 1\n",
        "\xe2\x84\xab = 1\n",
        "x = '' \xc3\xa9\n",
        "f'{\xc3\xa9}'\n",
        "rF'''\n{\xc3\xa9}'''\n",
        "'''\n''' + \xc3\xa9",
        "'a\\'' + \xc3\xa9",
        "x = '\n\xc3\xa9 = 1\n",
        "# coding: latin-1\n\xe9 = 1\n",
        "# coding: utf-8-sig\n",
        "#\n# x coding=utf-7\n+AOk- = 1\n",
        "x = '\xe9'\n",
        "x = '\xc3'\n",
        "\xc3",
        "\xef\xbb\xbf\xc3\xa9 = 1\n",
        "f'{x:{\xc3\xa9}}'\n",
        "f'{x!r:\xc3\xa9\n",
        "f'{{{\xc3\xa9}}}'\n",
        "f'\\{\xc3\xa9}'\n",
        "f'{x[(1), \xc3\xa9]:>{w}}'\n",
    };
    static const char *const absent[] = {
        "",
        "x = 1\n",
        "x = '\xc3\xa9'\n",
        "# \xc3\xa9\n",
        "'''\n\xc3\xa9\n'''\n",
        "caf\xc3\xa9 = 1\n",
        "x = \"\\\"\xc3\xa9\"\n",
        "# coding: utf-8\nx = '\xc3\xa9'\n",
        "# vim: fileencoding=UTF8\n",
        "\n\n# coding: latin-1\n",
        "# coding: latin-1\nx = 1\n",
        "f'\xc3\xa9'\n",
        "\xef\xbb\xbfx = 1\n",
        "# coding latin-1\n",
        "\xe5\x8f\x98\xe9\x87\x8f\xe5\x90\x8d = 1\n",
    };
    for (size_t i = 0; i < sizeof found / sizeof *found; i++)
        if (!latin(found[i], false) || !latin(found[i], true))
            fail_msg("not found: %s", found[i]);
    for (size_t i = 0; i < sizeof absent / sizeof *absent; i++)
        if (latin(absent[i], false) || latin(absent[i], true))
            fail_msg("found: %s", absent[i]);
}

static void test_nested_strings(void **state) {
    static const char *const found[] = {
        "f'{x['a'] + \xc3\xa9}'\n",         "f'{f'{f'{\xc3\xa9}'}'}'\n",  "f'{x\n",
        "f'''{\n'x' # '\n, \xc3\xa9}'''\n", "f'{x[\"'\"]}' + \xc3\xa9\n", "f'{x:%H:%M{'}'}}' + \xc3\xa9\n",
    };
    static const char *const absent[] = {
        "f'{x['\xc3\xa9']}'\n",      "f'{x['\xc3\xa9']:\xc3\xa9>{'\xc3\xa9'}} \xc3\xa9'\n",
        "f'{{\xc3\xa9}}'\n",         "f'''{f'{'\xc3\xa9'}'} '\xc3\xa9' '''\n",
        "f'\\N{DASH}' '\xc3\xa9'\n", "{f:'{', 1:'\xc3\xa9'}\n",
    };
    for (size_t i = 0; i < sizeof found / sizeof *found; i++) {
        char source[100]; /* with what makes it be read at all */
        snprintf(source, sizeof source, "'\xc3\xa9'\n%s'\xc3\xa9'\n", found[i]);
        if (!latin(source, true))
            fail_msg("not found: %s", source);
    }
    for (size_t i = 0; i < sizeof absent / sizeof *absent; i++)
        if (latin(absent[i], true))
            fail_msg("found: %s", absent[i]);
    char deep[4000] = "x = '\xc3\xa9'\n";
    for (int i = 0; i < 1000; i++)
        strcat(deep, "f'{");
    assert_true(latin(deep, true));
}

static void test_equal_sets(void **state) {
    static const char *const found[] = {
        "a = {'foo', 2, 3}\ndef f():\n  b = {'foo', 2, 3}\n",
        "def f(x): x in {'a', 'b'}\ndef g(x): x in {\"b\",\n\t'a',}\n",
        "x in{None}\nlambda: x in {None}\n",
        "x = {1, 2, True}\nclass A: x = {1, 2, True}\n",
    };
    static const char *const absent[] = {
        "",
        "{",
        "{'a'",
        "x = {}\ndef f(): x = {}\n",
        "a = {'a', 'b'}\ndef f(): a = {'a', 'b'}\n",
        "{'a': 1, 'b': 2, 'c': 3}",
        "a = {1, 2, 3}\nb = {1, 2, 3}\n",
        "a = {1, 2, 3}\ndef f(): {1, 2, 4}\n",
        "a = {x, y, z}\ndef f(): {x, y, z}\n",
        "a = {'a",
        "x in {'a', 'b",
        "x in {'\n', 'b', 'c'}",
        "{'a' 'b', 'c', 'd'}\ndef f(): {'ab', 'c', 'd'}\n",
    };
    for (size_t i = 0; i < sizeof found / sizeof *found; i++)
        if (!sets(found[i]))
            fail_msg("not found: %s", found[i]);
    for (size_t i = 0; i < sizeof absent / sizeof *absent; i++)
        if (sets(absent[i]))
            fail_msg("found: %s", absent[i]);
}

/* Every source cut short at every place: nothing beyond its end is read. */
static void test_cut_short(void **state) {
    static const char whole[] = "# coding: utf-8\nx = {'a', \"b\\\"\", 3} in{'''\xc3\xa9'''}\nf'{\xc3\xa9}' '\\";
    for (size_t len = 0; len < sizeof whole; len++) {
        char *copy = xmalloc(len);
        memcpy(copy, whole, len);
        source_scan_has_latin_name(copy, len, false);
        source_scan_has_latin_name(copy, len, true);
        source_scan_has_equal_sets(copy, len);
        free(copy);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_latin_names),
        cmocka_unit_test(test_nested_strings),
        cmocka_unit_test(test_equal_sets),
        cmocka_unit_test(test_cut_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
