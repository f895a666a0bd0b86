/* For tests/test_splice.py, test_versions.py and test_canonical.py: `pyc_streams MINOR splice` reads records of a name
 * and a marshal stream, and answers each with the status of pyc_stream_find_name() and the stream with that name in it.
 * `pyc_streams MINOR canonical` answers with the stream's canonical form, status 0, or with status 1 where there is
 * none; the name does not matter. All lengths are 32-bit, of this machine. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/canonical.h"
#include "cache/pyc_stream.h"

/* A run of bytes with its length before it, and a NUL behind it. Returns false at the end of the
 * input. */
static bool read_run(struct buffer *run) {
    uint32_t len;
    run->len = 0;
    if (fread(&len, sizeof len, 1, stdin) != 1)
        return false;
    if (fread(buffer_reserve(run, (size_t)len + 1), 1, len, stdin) != len)
        exit(1);
    run->len = len;
    buffer_string(run);
    return true;
}

static void answer(uint32_t status, const struct buffer *out) {
    uint32_t words[2] = {status, (uint32_t)out->len};
    if (fwrite(words, sizeof words, 1, stdout) != 1 || fwrite(out->data, 1, out->len, stdout) != out->len ||
        fflush(stdout) != 0)
        exit(1);
}

static uint32_t splice(const char *name, const struct buffer *stream, unsigned minor, struct buffer *out) {
    struct pyc_stream_name place;
    enum pyc_stream_status status = pyc_stream_find_name(stream->data, stream->len, minor, &place);
    if (status == PYC_STREAM_FOUND && !pyc_stream_splice(stream->data, stream->len, &place, name, out))
        status = PYC_STREAM_BOUND;
    return (uint32_t)status;
}

int main(int argc, char **argv) {
    if (argc != 3)
        return 2;
    unsigned minor = (unsigned)strtoul(argv[1], NULL, 10);
    bool is_canonical = strcmp(argv[2], "canonical") == 0;
    struct buffer name = {0}, stream = {0}, out = {0};
    while (read_run(&name) && read_run(&stream)) {
        out.len = 0;
        uint32_t status = is_canonical ? !canonical_stream(stream.data, stream.len, minor, &out)
                                       : splice(name.data, &stream, minor, &out);
        answer(status, &out);
    }
    buffer_deinit(&name);
    buffer_deinit(&stream);
    buffer_deinit(&out);
    return 0;
}
