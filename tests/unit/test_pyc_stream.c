/* Unit tests of cache/pyc_stream, with streams made by hand: where the file name is found, when it may not be replaced,
 * and which streams are refused. tests/test_splice.py has the streams of real Pythons. */
#include "tests/unit/check.h"

#include <string.h>

#include "base/python_version.h"
#include "cache/pyc_stream.h"

#define MINOR 13

#define append_bytes(out, literal) buffer_append(out, literal, sizeof(literal) - 1)

static void append_short(struct buffer *out, char type, const char *text) {
    buffer_append_char(out, type);
    buffer_append_char(out, (char)strlen(text));
    buffer_append_string(out, text);
}

static void append_word(struct buffer *out, unsigned word) {
    for (int i = 0; i < 4; i++)
        buffer_append_char(out, (char)(word >> (8 * i)));
}

static void append_reference(struct buffer *out, unsigned number) {
    buffer_append_char(out, 'r');
    append_word(out, number);
}

/* A code object of 3.11 and later up to its constants, and from its names to its kinds. */
static void begin_code(struct buffer *out) {
    append_bytes(out, "\xe3");
    for (int i = 0; i < 5; i++)
        append_word(out, 0);
    append_bytes(out, "s\1\0\0\0c");
}

static void go_to_name(struct buffer *out) {
    append_bytes(out, ")\0)\0s\0\0\0\0");
}

static void end_code(struct buffer *out) {
    append_short(out, 'Z', "f");
    append_short(out, 'Z', "f");
    append_word(out, 1);
    append_bytes(out, "s\0\0\0\0s\0\0\0\0");
}

/* A module with one constant, which the caller has appended to `constant`. */
static struct buffer make_module(const struct buffer *constant, const char *name) {
    struct buffer out = {0};
    begin_code(&out);
    append_bytes(&out, ")\1");
    buffer_append(&out, constant->data, constant->len);
    go_to_name(&out);
    append_short(&out, (char)('z' | 0x80), name);
    end_code(&out);
    return out;
}

/* A function in a module: the function's code has the name, the module's refers to it by `number`. */
static struct buffer make_nested(const char *name, unsigned number) {
    struct buffer out = {0};
    begin_code(&out);
    append_bytes(&out, ")\1");
    begin_code(&out);
    append_bytes(&out, ")\1\xe9\1\0\0\0"); /* a constant that is number 2 */
    go_to_name(&out);
    append_short(&out, (char)('z' | 0x80), name); /* 3 */
    end_code(&out);
    go_to_name(&out);
    append_reference(&out, number);
    end_code(&out);
    return out;
}

static enum pyc_stream_status find(const struct buffer *stream, struct pyc_stream_name *name) {
    return pyc_stream_find_name(stream->data, stream->len, MINOR, name);
}

/* Every form of object as a constant; the name is found behind it. */
static void test_constants(void **state) {
    static const struct {
        const char *bytes;
        size_t len;
    } constants[] = {
#define CONSTANT(literal) {literal, sizeof(literal) - 1}
        CONSTANT("N"),
        CONSTANT("T"),
        CONSTANT("F"),
        CONSTANT("."),
        CONSTANT("S"),
        CONSTANT("i\1\0\0\0"),
        CONSTANT("I\1\0\0\0\0\0\0\0"),
        CONSTANT("g\0\0\0\0\0\0\0\0"),
        CONSTANT("f\3"
                 "1.5"),
        CONSTANT("x\1"
                 "0\1"
                 "1"),
        CONSTANT("y\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
        CONSTANT("l\2\0\0\0\1\0\1\0"),
        CONSTANT("l\xfe\xff\xff\xff\1\0\1\0"),
        CONSTANT("l\0\0\0\0"),
        CONSTANT("s\2\0\0\0ab"),
        CONSTANT("u\2\0\0\0\xc3\xa9"),
        CONSTANT("t\2\0\0\0\xc3\xa9"),
        CONSTANT("a\1\0\0\0a"),
        CONSTANT("A\1\0\0\0a"),
        CONSTANT("z\1"
                 "a"),
        CONSTANT("Z\1"
                 "a"),
        CONSTANT("\xfa\1"
                 "a"),
        CONSTANT(")\2NN"),
        CONSTANT("(\1\0\0\0N"),
        CONSTANT("[\1\0\0\0N"),
        CONSTANT("<\1\0\0\0N"),
        CONSTANT(">\2\0\0\0NT"),
        CONSTANT("{NNTT0"),
        CONSTANT("{0"),
#undef CONSTANT
    };
    for (size_t i = 0; i < sizeof constants / sizeof *constants; i++) {
        struct buffer constant = {0};
        buffer_append(&constant, constants[i].bytes, constants[i].len);
        struct buffer stream = make_module(&constant, "/some/file.py");
        struct pyc_stream_name name;
        assert_int_equal(find(&stream, &name), PYC_STREAM_FOUND);
        assert_int_equal(name.end - name.start, 15);
        assert_true(pyc_stream_name_is(stream.data, &name, "/some/file.py"));
        assert_false(pyc_stream_name_is(stream.data, &name, "/some/file.pz"));
        buffer_deinit(&stream);
        buffer_deinit(&constant);
    }
}

/* 3.9's code objects have other parts. */
static void test_versions(void **state) {
    struct buffer out = {0};
    buffer_append_char(&out, (char)('c' | 0x80));
    for (int i = 0; i < 6; i++)
        append_word(&out, 0);
    append_bytes(&out, "s\0\0\0\0)\0)\0)\0)\0)\0");
    append_short(&out, 'z', "x.py");
    append_short(&out, 'Z', "f");
    append_word(&out, 1);
    append_bytes(&out, "s\0\0\0\0");
    struct pyc_stream_name name;
    for (unsigned minor = 0; minor < 20; minor++)
        assert_int_equal(pyc_stream_find_name(out.data, out.len, minor, &name),
                         minor == 9 || minor == 10 ? PYC_STREAM_FOUND : PYC_STREAM_INVALID);
    buffer_deinit(&out);
}

/* Asserts that streams with that constant are read from 3.`first` on to the newest version that is known. */
static void assert_first_minor(const char *bytes, size_t len, unsigned first) {
    struct buffer constant = {0};
    struct pyc_stream_name name;
    buffer_append(&constant, bytes, len);
    struct buffer stream = make_module(&constant, "x.py");
    for (unsigned minor = 11; minor <= PYTHON_MINOR_NEWEST + 1; minor++)
        assert_int_equal(pyc_stream_find_name(stream.data, stream.len, minor, &name),
                         minor >= first && minor <= PYTHON_MINOR_NEWEST ? PYC_STREAM_FOUND : PYC_STREAM_INVALID);
    buffer_deinit(&stream);
    buffer_deinit(&constant);
}

/* Types that came with later versions of marshal. */
static void test_later_types(void **state) {
#define assert_first(literal, first) assert_first_minor(literal, sizeof(literal) - 1, first)
    assert_first("N", 11);
    assert_first(":NNN", 14);
    assert_first("\xba\xe9\1\0\0\0r\2\0\0\0N", 14);
    assert_first("}0", 15);
    assert_first("}NTi\1\0\0\0N0", 15);
    assert_first("\xfd\xe9\1\0\0\0r\2\0\0\0"
                 "0",
                 15);
    assert_first("}N", 99);  /* no end */
    assert_first("}N0", 99); /* a key without a value */
    assert_first("?", 99);
#undef assert_first
}

static void test_references(void **state) {
    struct pyc_stream_name name;
    struct buffer stream = make_nested("x.py", 3);
    assert_int_equal(find(&stream, &name), PYC_STREAM_FOUND);
    assert_true(pyc_stream_name_is(stream.data, &name, "x.py"));
    buffer_deinit(&stream);
    stream = make_nested("x.py", 2); /* a file name that is another object */
    assert_int_equal(find(&stream, &name), PYC_STREAM_BOUND);
    buffer_deinit(&stream);
    stream = make_nested("x.py", 4); /* no such object */
    assert_int_equal(find(&stream, &name), PYC_STREAM_INVALID);
    buffer_deinit(&stream);
}

/* A file name that is a constant too, before or behind the place where it is the name. */
static void test_shared_name(void **state) {
    struct pyc_stream_name name;
    struct buffer before = {0}, function = {0};
    begin_code(&before);
    append_bytes(&before, ")\1");
    append_short(&before, (char)('Z' | 0x80), "a");
    go_to_name(&before);
    append_reference(&before, 1);
    end_code(&before);
    assert_int_equal(find(&before, &name), PYC_STREAM_BOUND);

    begin_code(&function);
    append_bytes(&function, ")\0");
    go_to_name(&function);
    append_short(&function, (char)('z' | 0x80), "x.py"); /* number 2 */
    end_code(&function);
    append_reference(&function, 2);
    struct buffer stream = {0};
    begin_code(&stream);
    append_bytes(&stream, ")\2");
    buffer_append(&stream, function.data, function.len);
    go_to_name(&stream);
    append_reference(&stream, 2);
    end_code(&stream);
    assert_int_equal(find(&stream, &name), PYC_STREAM_BOUND);
    buffer_deinit(&stream);
    buffer_deinit(&before);
    buffer_deinit(&function);
}

/* Two code objects with a string each. */
static void test_two_names(void **state) {
    struct pyc_stream_name name;
    struct buffer function = {0};
    begin_code(&function);
    append_bytes(&function, ")\0");
    go_to_name(&function);
    append_short(&function, 'z', "x.py");
    end_code(&function);
    struct buffer stream = make_module(&function, "x.py");
    assert_int_equal(find(&stream, &name), PYC_STREAM_BOUND);
    buffer_deinit(&stream);
    buffer_deinit(&function);
}

static void check_encoding(const char *name, char type, const char *bytes, size_t len) {
    struct buffer out = {0};
    assert_true(pyc_stream_encode_name(name, (uint8_t)type, &out));
    assert_int_equal(out.len, len);
    assert_memory_equal(out.data, bytes, len);
    buffer_deinit(&out);
}

static void test_encoding(void **state) {
#define CHECK(name, type, bytes) check_encoding(name, type, bytes, sizeof(bytes) - 1)
    CHECK("ab", 'z',
          "z\2"
          "ab");
    CHECK("ab", 'u',
          "z\2"
          "ab");
    CHECK("ab", 't',
          "Z\2"
          "ab");
    CHECK("ab", (char)('a' | 0x80),
          "\xfa\2"
          "ab");
    CHECK("\xc3\xa9x", 'z', "u\3\0\0\0\xc3\xa9x");
    CHECK("\xc3\xa9x", (char)('Z' | 0x80), "\xf4\3\0\0\0\xc3\xa9x");
    CHECK("x\xff\x80", 'z', "u\7\0\0\0x\xed\xb3\xbf\xed\xb2\x80");
    CHECK("\xed\xa0\x80", 'z', "u\11\0\0\0\xed\xb3\xad\xed\xb2\xa0\xed\xb2\x80");
#undef CHECK
    char name[300], bytes[320] = "z\xff";
    memset(name, 'n', sizeof name);
    name[255] = '\0';
    memcpy(bytes + 2, name, 255);
    check_encoding(name, 'z', bytes, 257);
    name[255] = 'n';
    name[256] = '\0';
    memcpy(bytes, "a\0\1\0\0", 5);
    memcpy(bytes + 5, name, 256);
    check_encoding(name, 'z', bytes, 261);
}

static void test_no_encoding(void **state) {
    static const char *const names[] = {"", "a", "\xc3\xa9", "\xff", "\xf0\x9f\x90\x8d"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct buffer out = {0};
        assert_false(pyc_stream_encode_name(names[i], 'z', &out));
        assert_int_equal(out.len, 0);
        buffer_deinit(&out);
    }
}

static void test_splice(void **state) {
    struct buffer stream = make_nested("/some/file.py", 3), wanted = make_nested("/f.py", 3), out = {0};
    struct pyc_stream_name name;
    assert_int_equal(find(&stream, &name), PYC_STREAM_FOUND);
    assert_true(pyc_stream_splice(stream.data, stream.len, &name, "/f.py", &out));
    assert_int_equal(out.len, wanted.len);
    assert_memory_equal(out.data, wanted.data, wanted.len);
    assert_false(pyc_stream_splice(stream.data, stream.len, &name, "f", &out));
    assert_int_equal(out.len, wanted.len);
    buffer_deinit(&stream);
    buffer_deinit(&wanted);
    buffer_deinit(&out);
}

/* Names that are the text of a constant, whole or in part. */
static void test_splice_of_constant(void **state) {
    struct buffer constant = {0}, out = {0};
    append_short(&constant, 'Z', "A.py");
    struct buffer stream = make_module(&constant, "/A.py");
    struct pyc_stream_name name;
    assert_int_equal(find(&stream, &name), PYC_STREAM_FOUND);
    assert_false(pyc_stream_splice(stream.data, stream.len, &name, "A.py", &out));
    assert_true(pyc_stream_splice(stream.data, stream.len, &name, ".py", &out));
    assert_true(pyc_stream_splice(stream.data, stream.len, &name, "/A.py", &out));
    buffer_deinit(&stream);
    buffer_deinit(&constant);
    buffer_deinit(&out);
}

/* Copies of exactly the length, so that a sanitizer sees a read past the end. */
static enum pyc_stream_status find_in_copy(const char *data, size_t len) {
    struct pyc_stream_name name = {0};
    char *copy = xmalloc(len + 1);
    memcpy(copy + 1, data, len);
    enum pyc_stream_status status = pyc_stream_find_name(copy + 1, len, MINOR, &name);
    if (status == PYC_STREAM_FOUND)
        assert_true(name.start < name.end && name.end <= len);
    free(copy);
    return status;
}

static void test_damage(void **state) {
    struct buffer stream = make_nested("/some/file.py", 3);
    for (size_t len = 0; len < stream.len; len++)
        assert_int_equal(find_in_copy(stream.data, len), PYC_STREAM_INVALID);
    buffer_append_char(&stream, 'N');
    assert_int_equal(find_in_copy(stream.data, stream.len), PYC_STREAM_INVALID);
    stream.len--;
    for (size_t i = 0; i < stream.len; i++) {
        char good = stream.data[i];
        for (int byte = 0; byte < 256; byte++) {
            stream.data[i] = (char)byte;
            find_in_copy(stream.data, stream.len);
        }
        stream.data[i] = good;
    }
    buffer_deinit(&stream);
}

static enum pyc_stream_status find_nested(unsigned depth) {
    struct buffer constant = {0};
    for (unsigned i = 0; i < depth; i++)
        append_bytes(&constant, ")\1");
    append_bytes(&constant, "N");
    struct buffer stream = make_module(&constant, "x.py");
    enum pyc_stream_status status = find_in_copy(stream.data, stream.len);
    buffer_deinit(&constant);
    buffer_deinit(&stream);
    return status;
}

static void test_depth(void **state) {
    assert_int_equal(find_nested(1990), PYC_STREAM_FOUND);
    assert_int_equal(find_nested(2000), PYC_STREAM_INVALID);
    assert_int_equal(find_nested(1000000), PYC_STREAM_INVALID);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_constants),   cmocka_unit_test(test_versions),
        cmocka_unit_test(test_later_types), cmocka_unit_test(test_references),
        cmocka_unit_test(test_shared_name), cmocka_unit_test(test_two_names),
        cmocka_unit_test(test_encoding),    cmocka_unit_test(test_no_encoding),
        cmocka_unit_test(test_splice),      cmocka_unit_test(test_damage),
        cmocka_unit_test(test_depth),       cmocka_unit_test(test_splice_of_constant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
