/* Fuzzes cache/pyc_stream: no input may make it read out of bounds, and where it finds a
 * name, replacing the name and putting it back must give the input again. The first byte chooses the
 * version of CPython. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/python_version.h"
#include "cache/pyc_stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth) {
    if (!truth)
        abort();
}

/* The text of a name in its stream, where it is one that a path can have; the caller frees. Else
 * NULL. */
static char *text_of(const uint8_t *stream, const struct pyc_stream_name *place) {
    uint8_t type = stream[place->start] & 0x7f;
    size_t head = type == 'z' || type == 'Z' ? 2 : 5;
    char *text = xstrndup((const char *)stream + place->start + head, place->end - place->start - head);
    if (pyc_stream_name_is(stream, place, text))
        return text;
    free(text);
    return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct pyc_stream_name place;
    if (size == 0)
        return 0;
    unsigned minor = PYTHON_MINOR_OLDEST + data[0] % (PYTHON_MINOR_NEWEST - PYTHON_MINOR_OLDEST + 1);
    const uint8_t *stream = data + 1;
    size_t len = size - 1;
    if (pyc_stream_find_name(stream, len, minor, &place) != PYC_STREAM_FOUND)
        return 0;
    require(place.start < place.end && place.end <= len);
    struct buffer other = {0}, back = {0};
    char *text = text_of(stream, &place);
    if (text != NULL && pyc_stream_splice(stream, len, &place, "/a/name/\xff/that is another one.py", &other)) {
        struct pyc_stream_name other_place;
        int status = (int)pyc_stream_find_name(other.data, other.len, minor, &other_place);
        require(status == PYC_STREAM_FOUND && other_place.start == place.start);
        if (pyc_stream_splice(other.data, other.len, &other_place, text, &back))
            require(back.len == len && memcmp(back.data, stream, len) == 0);
    }
    free(text);
    buffer_deinit(&other);
    buffer_deinit(&back);
    return 0;
}
