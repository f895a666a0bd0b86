/* All access to the file is by pread() and pwrite(): a file that is cut short or replaced gives a short read and no
 * signal. */
#include "cache/store_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <sodium.h>

#define PAGE ((uint64_t)4096)
#define BUCKET ((uint64_t)1024)
#define SLOTS (BUCKET / sizeof(struct store_slot))

/* One bucket for this many bytes of the limit: half of the index is in use with entries of 4 KiB on average. */
#define BYTES_PER_BUCKET ((uint64_t)64 << 10)
#define BUCKETS_MAX ((uint64_t)256 << 10)

/* The number of buckets in one step of a scan of the index. */
#define BUCKETS_PER_STEP 64

#define RECORD_ALIGNMENT 8

/* So much of a value is read together with the head of its record, before the head is checked. */
#define FIRST_READ ((size_t)32 << 10)

/* The rest of it is read in such steps: memory is taken only as the file proves to have the bytes. */
#define READ_STEP ((size_t)1 << 20)

static const uint8_t magic[8] = "pycstr2";
static const uint8_t header_key[crypto_shorthash_KEYBYTES] = "store's header";

/* The head of a record, before its value. */
struct store_record {
    struct store_key key;
    uint64_t sum;   /* of the value */
    uint32_t len;   /* of the value */
    uint32_t check; /* of the key, the place and `len` */
};

_Static_assert(sizeof(struct store_slot) == 32 && sizeof(struct store_record) == 48, "the layout has no gaps");
_Static_assert(sizeof(struct store_header) <= 4096 && sizeof(struct store_header) % 8 == 0, "a header is in one page");
_Static_assert(STORE_TAG_SIZE == crypto_shorthash_KEYBYTES, "the key's first bytes are the key of its checksums");

static uint64_t shorthash(const uint8_t *key, const void *data, size_t len) {
    uint64_t sum;
    _Static_assert(sizeof sum == crypto_shorthash_BYTES, "a sum is a number");
    crypto_shorthash((uint8_t *)&sum, data, len, key);
    return sum;
}

/* Reads exactly `len` bytes. Returns 0, -EBADMSG if the file ends before, or another negative errno value. */
static int file_read(const struct store_file *file, void *data, size_t len, uint64_t at) {
    ssize_t got;
    for (char *to = data; len > 0; to += got, at += (uint64_t)got, len -= (size_t)got) {
        got = pread(file->fd, to, len, (off_t)at);
        if (got == 0)
            return -EBADMSG;
        if (got < 0 && errno != EINTR)
            return -errno;
        got = got < 0 ? 0 : got;
    }
    return 0;
}

static int file_write(const struct store_file *file, const void *data, size_t len, uint64_t at) {
    ssize_t done;
    for (const char *from = data; len > 0; from += done, at += (uint64_t)done, len -= (size_t)done) {
        done = pwrite(file->fd, from, len, (off_t)at);
        if (done == 0)
            return -ENOSPC;
        if (done < 0 && errno != EINTR)
            return -errno;
        done = done < 0 ? 0 : done;
    }
    return 0;
}

static uint64_t file_index_end(const struct store_file *file) {
    return PAGE + file->buckets * BUCKET;
}

static void file_set_limit(struct store_file *file, uint64_t limit) {
    file->limit = limit;
    file->buckets = limit / BYTES_PER_BUCKET < BUCKETS_MAX ? limit / BYTES_PER_BUCKET : BUCKETS_MAX;
    file->segment_size = (limit - file_index_end(file)) / STORE_SEGMENTS / PAGE * PAGE;
}

static bool limit_is_valid(uint64_t limit) {
    return limit >= STORE_LIMIT_MIN && limit <= STORE_LIMIT_MAX;
}

static uint64_t header_sum(const struct store_header *header) {
    return shorthash(header_key, header, offsetof(struct store_header, sum));
}

/* Whether a header is whole, and of a file with that limit (0: of any). */
static bool header_is_valid(const struct store_header *header, uint64_t limit) {
    return memcmp(header->magic, magic, sizeof magic) == 0 && header->sum == header_sum(header) &&
           limit_is_valid(header->limit) && (limit == 0 || header->limit == limit) && header->current < STORE_SEGMENTS;
}

int store_file_read_header(const struct store_file *file, struct store_header *header) {
    int status = file_read(file, header, sizeof *header, 0);
    if (status == 0 && !header_is_valid(header, file->limit))
        status = -EBADMSG;
    for (unsigned i = 0; status == 0 && file->limit != 0 && i < STORE_SEGMENTS; i++)
        if (header->segments[i].used > file->segment_size)
            status = -EBADMSG;
    return status;
}

int store_file_write_header(const struct store_file *file, struct store_header *header) {
    header->sum = header_sum(header);
    return file_write(file, header, sizeof *header, 0);
}

/* Takes a descriptor over. Returns 0 or a negative errno value; then it is closed. */
static int file_take(struct store_file *file, int fd) {
    struct stat st;
    int status = fd < 0 || fstat(fd, &st) < 0 ? -errno : S_ISREG(st.st_mode) ? 0 : -EBADMSG;
    *file = (struct store_file){.fd = fd};
    if (status < 0)
        store_file_close(file);
    return status;
}

int store_file_create(struct store_file *file, int folder, const char *name, uint64_t limit) {
    struct store_header header = {.limit = limit};
    memcpy(header.magic, magic, sizeof magic);
    (void)unlinkat(folder, name, 0); /* where it is not there there is nothing to do; else O_EXCL says so */
    int status = file_take(file, openat(folder, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (status < 0)
        return status;
    file_set_limit(file, limit);
    status = store_file_write_header(file, &header);
    if (status == 0 && ftruncate(file->fd, (off_t)store_file_segment_start(file, 0)) < 0)
        status = -errno;
    if (status < 0)
        store_file_close(file);
    return status;
}

int store_file_open(struct store_file *file, int folder, const char *name) {
    struct store_header header;
    int fd = openat(folder, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0 && (errno == EISDIR || errno == ELOOP || errno == ENXIO))
        errno = EBADMSG; /* something else is in its place */
    int status = file_take(file, fd);
    if (status == 0)
        status = store_file_read_header(file, &header);
    if (status == 0) {
        file_set_limit(file, header.limit);
        status = store_file_read_header(file, &header); /* with what follows from the limit */
    }
    if (status < 0)
        store_file_close(file);
    return status;
}

void store_file_close(struct store_file *file) {
    if (file->fd >= 0)
        close(file->fd);
    file->fd = -1;
}

/* Reads the bucket of the key. Returns its offset; 0: it cannot be read. */
static uint64_t bucket_read(const struct store_file *file, const struct store_key *key,
                            struct store_slot slots[static SLOTS]) {
    uint64_t number;
    memcpy(&number, key->bytes, sizeof number);
    uint64_t at = PAGE + number % file->buckets * BUCKET;
    return file_read(file, slots, BUCKET, at) == 0 ? at : 0;
}

/* The number of the key's slot in its bucket; SLOTS: it has none. */
static size_t bucket_find(const struct store_slot slots[static SLOTS], const struct store_key *key) {
    size_t i = 0;
    while (i < SLOTS && (slots[i].place == 0 || memcmp(slots[i].tag, key->bytes, STORE_TAG_SIZE) != 0))
        i++;
    return i;
}

bool store_file_find(const struct store_file *file, const struct store_key *key, struct store_slot *slot,
                     uint64_t *at) {
    struct store_slot slots[SLOTS];
    uint64_t bucket = bucket_read(file, key, slots);
    size_t found = bucket != 0 ? bucket_find(slots, key) : SLOTS;
    if (found == SLOTS)
        return false;
    *slot = slots[found];
    *at = bucket + found * sizeof *slot;
    return true;
}

uint64_t store_file_find_room(const struct store_file *file, const struct store_key *key, struct store_slot *slot) {
    struct store_slot slots[SLOTS];
    uint64_t bucket = bucket_read(file, key, slots);
    if (bucket == 0)
        return 0;
    size_t best = bucket_find(slots, key);
    bool found = best < SLOTS;
    for (size_t i = best = found ? best : 0; !found && i < SLOTS && slots[best].place != 0; i++)
        if (slots[i].place == 0 || slots[i].age < slots[best].age)
            best = i;
    *slot = slots[best];
    return bucket + best * sizeof *slot;
}

int store_file_write_slot(const struct store_file *file, uint64_t at, const struct store_slot *slot) {
    return file_write(file, slot, sizeof *slot, at);
}

int store_file_each(const struct store_file *file, bool (*visit)(struct store_slot *slot, void *context),
                    void *context) {
    struct store_slot slots[SLOTS * BUCKETS_PER_STEP];
    for (uint64_t bucket = 0; bucket < file->buckets; bucket += BUCKETS_PER_STEP) {
        uint64_t left = file->buckets - bucket, at = PAGE + bucket * BUCKET;
        size_t count = (size_t)(left < BUCKETS_PER_STEP ? left : BUCKETS_PER_STEP) * SLOTS;
        int status = file_read(file, slots, count * sizeof *slots, at);
        for (size_t i = 0; status == 0 && i < count; i++)
            if (slots[i].place != 0 && visit(&slots[i], context))
                status = store_file_write_slot(file, at + i * sizeof *slots, &slots[i]);
        if (status < 0)
            return status;
    }
    return 0;
}

uint64_t store_record_size(uint64_t len) {
    return (sizeof(struct store_record) + len + RECORD_ALIGNMENT - 1) / RECORD_ALIGNMENT * RECORD_ALIGNMENT;
}

uint64_t store_file_segment_start(const struct store_file *file, unsigned segment) {
    return file_index_end(file) + segment * file->segment_size;
}

int store_file_segment_of(const struct store_file *file, const struct store_slot *slot) {
    uint64_t start = store_file_segment_start(file, 0), size = store_record_size(slot->len);
    if (slot->place < start || slot->place % RECORD_ALIGNMENT != 0 || slot->len > STORE_VALUE_MAX)
        return -1;
    uint64_t segment = (slot->place - start) / file->segment_size, offset = (slot->place - start) % file->segment_size;
    return segment < STORE_SEGMENTS && size <= file->segment_size - offset ? (int)segment : -1;
}

/* The check of a record's head. */
static uint32_t record_check(const struct store_key *key, uint64_t place, uint32_t len) {
    uint8_t bytes[STORE_KEY_SIZE - STORE_TAG_SIZE + sizeof place + sizeof len];
    memcpy(bytes, key->bytes + STORE_TAG_SIZE, STORE_KEY_SIZE - STORE_TAG_SIZE);
    memcpy(bytes + (STORE_KEY_SIZE - STORE_TAG_SIZE), &place, sizeof place);
    memcpy(bytes + sizeof bytes - sizeof len, &len, sizeof len);
    return (uint32_t)shorthash(key->bytes, bytes, sizeof bytes);
}

/* Whether the record is the one to which the slot points. */
static bool record_is_of(const struct store_record *record, const struct store_slot *slot) {
    return record->len == slot->len && memcmp(record->key.bytes, slot->tag, STORE_TAG_SIZE) == 0 &&
           record->check == record_check(&record->key, slot->place, slot->len);
}

/* Appends as many of the `len` bytes as can be read. */
static void value_read(const struct store_file *file, uint64_t at, size_t len, struct buffer *value) {
    while (len > 0) {
        size_t step = len < READ_STEP ? len : READ_STEP;
        if (file_read(file, buffer_reserve(value, step), step, at) < 0)
            return;
        value->len += step;
        at += step;
        len -= step;
    }
}

bool store_file_read_record(const struct store_file *file, const struct store_key *key, const struct store_slot *slot,
                            struct buffer *value) {
    struct store_record record;
    size_t start = value->len, first = slot->len < FIRST_READ ? slot->len : FIRST_READ;
    if (store_file_segment_of(file, slot) < 0)
        return false;
    const struct iovec parts[] = {{&record, sizeof record}, {buffer_reserve(value, first + 1), first}};
    if (preadv(file->fd, parts, 2, (off_t)slot->place) != (ssize_t)(sizeof record + first) ||
        !record_is_of(&record, slot) || memcmp(record.key.bytes, key->bytes, STORE_KEY_SIZE) != 0)
        return false;
    value->len += first;
    value_read(file, slot->place + sizeof record + first, slot->len - first, value);
    if (value->len - start == slot->len && shorthash(key->bytes, value->data + start, slot->len) == record.sum)
        return true;
    value->len = start;
    return false;
}

bool store_file_check_record(const struct store_file *file, const struct store_slot *slot, struct store_key *key,
                             struct buffer *value) {
    struct store_record record;
    if (store_file_segment_of(file, slot) < 0 || file_read(file, &record, sizeof record, slot->place) < 0)
        return false;
    *key = record.key;
    return store_file_read_record(file, key, slot, value);
}

int store_file_write_record(const struct store_file *file, uint64_t place, const struct store_key *key,
                            const void *value, size_t len) {
    struct store_record record = {.key = *key,
                                  .sum = shorthash(key->bytes, value, len),
                                  .len = (uint32_t)len,
                                  .check = record_check(key, place, (uint32_t)len)};
    const struct iovec parts[] = {{&record, sizeof record}, {(void *)(uintptr_t)value, len}};
    ssize_t done = pwritev(file->fd, parts, 2, (off_t)place);
    if (done < 0)
        return -errno;
    size_t written = (size_t)done;
    if (written < sizeof record) /* a signal, or a disk that is nearly full */
        return -ENOSPC;
    written -= sizeof record;
    return file_write(file, (const char *)value + written, len - written, place + sizeof record + written);
}
