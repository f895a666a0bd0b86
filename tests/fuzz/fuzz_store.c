/* Fuzzes the file of a store: a small one, with values of several sizes, is damaged; then every call must end soon,
 * values must be right or missing, and the store must take new ones. The input is a list of damages: three bytes say
 * where, one how many bytes follow. The first byte chooses how the store meets them. */
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache/store.h"
#include "tests/fuzz/deadline.h"

#define VALUES 12

/* Bits of the first byte. */
#define REOPENED 1u
#define CUT_SHORT 2u
#define RESIZED 4u

#define DEADLINE_MS 1000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[] = "/tmp/pycompiled-fuzz-store-XXXXXX";
static char path[sizeof folder + 16];
static struct buffer image;

static void require(bool truth) {
    if (!truth)
        abort();
}

static struct store_key key_of(unsigned number) {
    struct store_key key;
    for (unsigned i = 0; i < sizeof key.bytes; i++)
        key.bytes[i] = (uint8_t)(number * 37 + i * (number + 3));
    return key;
}

static void value_of(unsigned number, struct buffer *value) {
    for (unsigned i = 0; i < number * number * 50; i++)
        buffer_append_char(value, (char)(i * 7 + number));
}

static void put(struct store *store, unsigned number) {
    struct buffer value = {0};
    value_of(number, &value);
    struct store_change change = {.key = key_of(number), .value = value.data ? value.data : "", .len = value.len};
    (void)store_commit(store, &change, 1);
    buffer_deinit(&value);
}

static bool get(struct store *store, unsigned number) {
    struct buffer value = {0}, wanted = {0};
    struct store_key key = key_of(number);
    bool anew, found = store_get(store, &key, &value, &anew);
    value_of(number, &wanted);
    require(!found || (value.len == wanted.len && (value.len == 0 || memcmp(value.data, wanted.data, value.len) == 0)));
    buffer_deinit(&value);
    buffer_deinit(&wanted);
    return found;
}

static struct store *open_store(void) {
    char *why = NULL;
    struct store *store = store_open(folder, STORE_LIMIT_MIN, &why);
    require(store != NULL);
    return store;
}

static void remove_folder(void) {
    char *command = xasprintf("rm -rf %s", folder);
    (void)!system(command);
    free(command);
}

/* Makes the store that all inputs damage. */
static void make_image(void) {
    struct stat st;
    require(mkdtemp(folder) != NULL && atexit(remove_folder) == 0);
    snprintf(path, sizeof path, "%s/v2-%s/store", folder, __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? "le" : "be");
    struct store *store = open_store();
    for (unsigned i = 0; i < VALUES; i++)
        put(store, i);
    store_close(store);
    int fd = open(path, O_RDONLY);
    require(fd >= 0 && fstat(fd, &st) == 0);
    require(pread(fd, buffer_reserve(&image, (size_t)st.st_size), (size_t)st.st_size, 0) == st.st_size);
    image.len = (size_t)st.st_size;
    close(fd);
}

static void write_file(const void *data, size_t len, off_t at) {
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    require(fd >= 0 && pwrite(fd, data, len, at) == (ssize_t)len);
    close(fd);
}

static void damage(const uint8_t *data, size_t size, bool cut) {
    size_t at = 0;
    while (size >= 4) {
        at = (data[0] | (size_t)data[1] << 8 | (size_t)data[2] << 16) % image.len;
        size_t len = data[3] < size - 4 ? data[3] : size - 4;
        write_file(data + 4, len, (off_t)at);
        data += 4 + len;
        size -= 4 + len;
    }
    require(!cut || truncate(path, (off_t)at) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (image.len == 0)
        make_image();
    if (size == 0)
        return 0;
    unlink(path);
    write_file(image.data, image.len, 0);
    struct store *store = open_store();
    require(get(store, 5));
    damage(data + 1, size - 1, (data[0] & CUT_SHORT) != 0);
    long begin = deadline_cpu_ms();
    if (data[0] & REOPENED) {
        store_close(store);
        store = open_store();
    }
    for (unsigned i = 0; i < VALUES; i++)
        get(store, i);
    put(store, VALUES);
    require(get(store, VALUES));
    store_verify(store);
    if (data[0] & RESIZED)
        require(store_set_limit(store, 2 * STORE_LIMIT_MIN) == 0 && store_set_limit(store, STORE_LIMIT_MIN) == 0);
    require(get(store, VALUES));
    for (unsigned i = 0; i < VALUES; i++)
        get(store, i);
    store_close(store);
    deadline_check(begin, DEADLINE_MS);
    return 0;
}
