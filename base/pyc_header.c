/* The layout of PEP 552, little-endian. */
#include "base/pyc_header.h"

#include <fcntl.h>
#include <unistd.h>

static void put_u32(unsigned char *at, uint32_t value) {
    for (int i = 0; i < 4; i++)
        at[i] = (unsigned char)(value >> (8 * i));
}

static uint32_t get_u32(const unsigned char *at) {
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

bool pyc_header_read(int dir_fd, const char *path, struct pyc_header *header) {
    unsigned char bytes[PYC_HEADER_SIZE];
    int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return false;
    ssize_t len = pread(fd, bytes, sizeof bytes, 0);
    close(fd);
    if (len != (ssize_t)sizeof bytes)
        return false;
    *header = (struct pyc_header){get_u32(bytes), get_u32(bytes + 4), {get_u32(bytes + 8), get_u32(bytes + 12)}};
    return true;
}

void pyc_header_encode(const struct pyc_header *header, unsigned char bytes[PYC_HEADER_SIZE]) {
    put_u32(bytes, header->magic);
    put_u32(bytes + 4, header->flags);
    put_u32(bytes + 8, header->words[0]);
    put_u32(bytes + 12, header->words[1]);
}

struct pyc_header pyc_header_timestamp(uint32_t magic, const struct stat *stat) {
    /* os.stat().st_mtime is a double, and int() of it is what goes into the header: the last nanoseconds of a
     * second can round up to the next. */
    volatile double seconds = (double)stat->st_mtim.tv_sec + 1e-9 * (double)stat->st_mtim.tv_nsec; /* no x87 excess */
    return (struct pyc_header){magic, 0, {(uint32_t)(int64_t)seconds, (uint32_t)stat->st_size}};
}

bool pyc_header_equal(const struct pyc_header *a, const struct pyc_header *b) {
    return a->magic == b->magic && a->flags == b->flags && a->words[0] == b->words[0] && a->words[1] == b->words[1];
}
