/* Unit tests of proto/frame. */
#include "tests/unit/check.h"

#include <stdio.h>

#include "proto/frame.h"

static void feed(struct frame_reader *reader, const char *data, size_t len) {
    if (len == 0)
        return;
    memcpy(frame_reader_reserve(reader, len), data, len);
    frame_reader_commit(reader, len);
}

static void expect(struct frame_reader *reader, const char *wanted) {
    const char *text;
    size_t len;
    assert_int_equal(frame_reader_next(reader, &text, &len), FRAME_READY);
    assert_int_equal(len, strlen(wanted));
    assert_memory_equal(text, wanted, len);
}

static void expect_status(struct frame_reader *reader, enum frame_status wanted) {
    const char *text;
    size_t len;
    assert_int_equal(frame_reader_next(reader, &text, &len), wanted);
}

/* Every way to cut the stream in two, and byte by byte, gives the same messages. */
static void check_cuts(const char *stream, const char *first, const char *second) {
    size_t len = strlen(stream);
    for (size_t cut = 0; cut <= len; cut++) {
        struct frame_reader reader;
        frame_reader_init(&reader, 100);
        const char *wanted[] = {first, second};
        const size_t parts[] = {0, cut, len};
        size_t found = 0;
        for (int part = 0; part < 2; part++) {
            feed(&reader, stream + parts[part], parts[part + 1] - parts[part]);
            const char *text;
            size_t text_len;
            while (frame_reader_next(&reader, &text, &text_len) == FRAME_READY) {
                assert_true(found < 2);
                assert_int_equal(text_len, strlen(wanted[found]));
                assert_memory_equal(text, wanted[found], text_len);
                found++;
            }
        }
        assert_int_equal(found, 2);
        assert_false(frame_reader_pending(&reader));
        frame_reader_deinit(&reader);
    }
}

static void test_lines(void **state) {
    check_cuts("{\"a\":1}\n\r\n [2]\n", "{\"a\":1}", "[2]");
}

static void test_headers(void **state) {
    check_cuts("Content-Length: 3\r\n\r\n{\n}content-type: x\r\ncontent-length:2 \r\n\r\n[]", "{\n}", "[]");
}

static void test_line_over_limit(void **state) {
    struct frame_reader reader;
    frame_reader_init(&reader, 4);
    feed(&reader, "{123", 4);
    expect_status(&reader, FRAME_NONE);
    feed(&reader, "45", 2);
    expect_status(&reader, FRAME_TOO_LONG);
    expect_status(&reader, FRAME_NONE);
    feed(&reader, "678}\n{}\n{12345}\n[]\n", 19);
    expect(&reader, "{}");
    expect_status(&reader, FRAME_TOO_LONG);
    expect(&reader, "[]");
    expect_status(&reader, FRAME_NONE);
    frame_reader_deinit(&reader);
}

static void test_headers_over_limit(void **state) {
    struct frame_reader reader;
    frame_reader_init(&reader, 4);
    feed(&reader, "Content-Length: 10\r\n\r\n12345", 27);
    expect_status(&reader, FRAME_TOO_LONG);
    expect_status(&reader, FRAME_NONE);
    feed(&reader, "67890Content-Length: 2\r\n\r\n{}", 28);
    expect(&reader, "{}");
    frame_reader_deinit(&reader);
}

static void test_broken(void **state) {
    static const char *const streams[] = {"x",
                                          "Content-Length: -1\r\n\r\n",
                                          "Content-Length: 1x\r\n\r\n",
                                          "Content-Length:\r\n\r\n",
                                          "Cookie: 1\r\n\r\n",
                                          "Content\r\n\r\n",
                                          "Content-Length: 99999999999999999999\r\n\r\n"};
    for (size_t i = 0; i < sizeof streams / sizeof *streams; i++) {
        struct frame_reader reader;
        frame_reader_init(&reader, 100);
        feed(&reader, streams[i], strlen(streams[i]));
        expect_status(&reader, FRAME_BROKEN);
        frame_reader_deinit(&reader);
    }
}

static void test_endless_headers(void **state) {
    struct frame_reader reader;
    frame_reader_init(&reader, 100);
    for (int i = 0; i < 5000; i++)
        feed(&reader, "C", 1);
    expect_status(&reader, FRAME_BROKEN);
    frame_reader_deinit(&reader);
}

static void test_long_stream_is_bounded(void **state) {
    struct frame_reader reader;
    frame_reader_init(&reader, 100);
    for (int i = 0; i < 100000; i++) {
        feed(&reader, "{\"id\":1}\n{\"i", 12);
        expect(&reader, "{\"id\":1}");
        expect_status(&reader, FRAME_NONE);
        feed(&reader, "d\":2}\n", 6);
        expect(&reader, "{\"id\":2}");
    }
    assert_true(reader.in.cap < 4096);
    frame_reader_deinit(&reader);
}

static void test_memory_is_given_back(void **state) {
    struct frame_reader reader;
    char text[20000];
    memset(text, 'x', sizeof text);
    text[0] = '{';
    frame_reader_init(&reader, sizeof text);
    feed(&reader, text, sizeof text);
    expect_status(&reader, FRAME_NONE);
    frame_reader_trim(&reader);
    assert_true(frame_reader_size(&reader) >= sizeof text); /* half a message is held */
    feed(&reader, "\n{}\n{", 5);
    expect_status(&reader, FRAME_READY);
    expect(&reader, "{}");
    frame_reader_trim(&reader);
    feed(&reader, "}\n", 2);
    expect(&reader, "{}");
    expect_status(&reader, FRAME_NONE);
    frame_reader_trim(&reader);
    assert_true(frame_reader_size(&reader) <= 4096);
    feed(&reader, "[1]\n", 4);
    expect(&reader, "[1]");
    frame_reader_deinit(&reader);
}

/* The bytes that are handed to another reader, with the last message, are all bytes that this one was fed. */
static void test_unread(void **state) {
    struct frame_reader reader, other;
    size_t len;
    frame_reader_init(&reader, 100);
    frame_reader_init(&other, 100);
    assert_non_null(frame_reader_unread(&reader, &len));
    assert_int_equal(len, 0);
    feed(&reader, "Content-Length: 2\r\n\r\n{}Content-Length: 3\r\n\r\n[1", 46);
    expect(&reader, "{}");
    const char *rest = frame_reader_unread(&reader, &len);
    assert_int_equal(len, 23);
    feed(&other, rest, len);
    expect_status(&other, FRAME_NONE);
    feed(&other, "]", 1);
    expect(&other, "[1]");
    expect_status(&reader, FRAME_NONE); /* it is read there, not here */
    frame_reader_deinit(&reader);
    frame_reader_deinit(&other);
}

static void test_write(void **state) {
    struct buffer out = {0};
    frame_write(FRAMING_HEADERS, "{}", 2, &out);
    frame_write(FRAMING_LINES, "[]", 2, &out);
    frame_write(FRAMING_UNKNOWN, "[]", 2, &out);
    assert_string_equal(buffer_string(&out), "Content-Length: 2\r\n\r\n{}[]\n[]\n");
    buffer_deinit(&out);
}

static enum frame_status status_of_length(const char *length) {
    struct frame_reader reader;
    const char *text;
    size_t len;
    char head[100];
    frame_reader_init(&reader, 100);
    feed(&reader, head, (size_t)snprintf(head, sizeof head, "Content-Length: %s\r\n\r\n", length));
    enum frame_status status = frame_reader_next(&reader, &text, &len);
    frame_reader_deinit(&reader);
    return status;
}

/* A length is skipped as long as a size_t of any width holds it, and never wraps around to a small one. */
static void test_bound_of_lengths(void **state) {
    char length[40];
    snprintf(length, sizeof length, "%zu", SIZE_MAX / 16);
    assert_int_equal(status_of_length(length), FRAME_TOO_LONG);
    snprintf(length, sizeof length, "%zu9", SIZE_MAX / 16);
    assert_int_equal(status_of_length(length), FRAME_TOO_LONG);
    snprintf(length, sizeof length, "%zu0", SIZE_MAX / 16 + 1);
    assert_int_equal(status_of_length(length), FRAME_BROKEN);
    snprintf(length, sizeof length, "%zu", SIZE_MAX);
    assert_int_equal(status_of_length(length), FRAME_BROKEN);
    snprintf(length, sizeof length, "%zu0", SIZE_MAX);
    assert_int_equal(status_of_length(length), FRAME_BROKEN);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_line_over_limit),
        cmocka_unit_test(test_headers_over_limit),
        cmocka_unit_test(test_broken),
        cmocka_unit_test(test_endless_headers),
        cmocka_unit_test(test_long_stream_is_bounded),
        cmocka_unit_test(test_write),
        cmocka_unit_test(test_memory_is_given_back),
        cmocka_unit_test(test_unread),
        cmocka_unit_test(test_bound_of_lengths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
