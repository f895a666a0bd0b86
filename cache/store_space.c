/* All decisions are made on the header in memory, which is written when a change begins and when it ends. */
#include "cache/store_space.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

/* An entry that is used is copied when at least this many segments are newer than its own. */
#define NEWER_SEGMENTS (STORE_SEGMENTS * 5 / 8)

/* A walk over all slots: drops those of one segment and those that cannot be right, and counts the others. */
struct space_survey {
    const struct store_file *file;
    int drop; /* this segment; -1: none */
    uint64_t dropped, entries, bytes;
    uint64_t used[STORE_SEGMENTS]; /* up to the end of the last record */
};

static bool survey_visit(struct store_slot *slot, void *context) {
    struct space_survey *survey = context;
    int segment = store_file_segment_of(survey->file, slot);
    if (segment < 0 || segment == survey->drop) {
        survey->dropped += segment >= 0;
        *slot = (struct store_slot){0};
        return true;
    }
    uint64_t size = store_record_size(slot->len);
    uint64_t end = slot->place + size - store_file_segment_start(survey->file, (unsigned)segment);
    survey->entries++;
    survey->bytes += size;
    if (end > survey->used[segment])
        survey->used[segment] = end;
    return false;
}

static int space_survey(struct store_writer *writer, int drop, struct space_survey *survey) {
    struct store_totals *totals = &writer->header.totals;
    *survey = (struct space_survey){.file = writer->file, .drop = drop};
    int status = store_file_each(writer->file, survey_visit, survey);
    if (status < 0)
        return status;
    totals->entries = survey->entries;
    totals->bytes = survey->bytes;
    totals->evicted += survey->dropped;
    return 0;
}

int store_space_recount(struct store_writer *writer) {
    struct space_survey survey;
    int status = space_survey(writer, -1, &survey);
    for (unsigned i = 0; status == 0 && i < STORE_SEGMENTS; i++)
        if (survey.used[i] > writer->header.segments[i].used) /* by a writer that was killed */
            writer->header.segments[i] = (struct store_segment){.used = survey.used[i], .age = writer->now};
    return status;
}

int store_space_begin(struct store_writer *writer, const struct store_file *file, uint32_t now) {
    *writer = (struct store_writer){.file = file, .now = now};
    int status = store_file_read_header(file, &writer->header);
    if (status == 0 && writer->header.dirty)
        status = store_space_recount(writer);
    if (status < 0)
        return status;
    writer->header.dirty = 1;
    return store_file_write_header(file, &writer->header);
}

int store_space_end(struct store_writer *writer) {
    writer->header.dirty = 0;
    writer->header.generation++;
    return store_file_write_header(writer->file, &writer->header);
}

/* The segment to fill next, other than the current one: an empty one, else one of those that were written to least
 * recently. */
static unsigned space_choose_segment(const struct store_header *header) {
    unsigned best = 0, ties = 0;
    for (unsigned i = 0; i < STORE_SEGMENTS; i++) {
        const struct store_segment *segment = &header->segments[i], *other = &header->segments[best];
        if (segment->used == 0)
            return i;
        if (i == header->current)
            continue;
        if (ties == 0 || segment->age < other->age) {
            best = i;
            ties = 1;
        } else if (segment->age == other->age && randombytes_uniform(++ties) == 0) {
            best = i;
        }
    }
    return best;
}

/* Makes an empty segment the current one. */
static int space_next_segment(struct store_writer *writer) {
    struct store_header *header = &writer->header;
    unsigned next = space_choose_segment(header);
    if (header->segments[next].used > 0) {
        struct space_survey survey;
        int status = space_survey(writer, (int)next, &survey);
        if (status < 0)
            return status;
    }
    header->segments[next] = (struct store_segment){0};
    header->current = next;
    return 0;
}

/* Takes an entry out of the totals. */
static void space_forget(struct store_totals *totals, const struct store_slot *slot) {
    uint64_t size = store_record_size(slot->len);
    totals->entries -= totals->entries > 0;
    totals->bytes -= size < totals->bytes ? size : totals->bytes;
}

/* Finds the offset of the slot that the key has or may take; what was in it leaves the totals. 0: there is none. */
static uint64_t space_take_slot(struct store_writer *writer, const struct store_key *key) {
    struct store_totals *totals = &writer->header.totals;
    struct store_slot slot;
    uint64_t at = store_file_find_room(writer->file, key, &slot);
    if (at == 0 || slot.place == 0)
        return at;
    space_forget(totals, &slot);
    totals->evicted += memcmp(slot.tag, key->bytes, STORE_TAG_SIZE) != 0;
    return at;
}

int store_space_put(struct store_writer *writer, const struct store_key *key, const void *value, size_t len,
                    uint32_t age) {
    struct store_header *header = &writer->header;
    uint64_t size = store_record_size(len), at;
    if (len > STORE_VALUE_MAX || size > writer->file->segment_size)
        return 0;
    int status = 0;
    if (size > writer->file->segment_size - header->segments[header->current].used)
        status = space_next_segment(writer);
    struct store_segment *segment = &header->segments[header->current];
    struct store_slot slot = {.place = store_file_segment_start(writer->file, header->current) + segment->used,
                              .len = (uint32_t)len,
                              .age = age};
    memcpy(slot.tag, key->bytes, STORE_TAG_SIZE);
    if (status == 0)
        status = store_file_write_record(writer->file, slot.place, key, value, len);
    if (status < 0)
        return status;
    segment->used += size;
    segment->age = age > segment->age ? age : segment->age;
    if ((at = space_take_slot(writer, key)) == 0)
        return -EBADMSG;
    header->totals.entries++;
    header->totals.bytes += size;
    return store_file_write_slot(writer->file, at, &slot);
}

/* Whether the segment is among the next that leave. */
static bool space_is_old(const struct store_header *header, unsigned segment) {
    unsigned newer = 0;
    for (unsigned i = 0; i < STORE_SEGMENTS; i++)
        newer += header->segments[i].used > 0 && header->segments[i].age > header->segments[segment].age;
    return newer >= NEWER_SEGMENTS;
}

int store_space_use(struct store_writer *writer, const struct store_key *key) {
    struct store_slot slot;
    struct buffer value = {0};
    uint64_t at;
    if (!store_file_find(writer->file, key, &slot, &at))
        return 0;
    int status, segment = store_file_segment_of(writer->file, &slot);
    if (segment >= 0 && space_is_old(&writer->header, (unsigned)segment) &&
        store_file_read_record(writer->file, key, &slot, &value)) {
        status = store_space_put(writer, key, value.data, value.len, writer->now);
    } else {
        slot.age = writer->now;
        status = store_file_write_slot(writer->file, at, &slot);
    }
    buffer_deinit(&value);
    return status;
}

bool store_space_remove_damaged(struct store_writer *writer, const struct store_key *key) {
    const struct store_slot empty = {0};
    struct store_key found;
    struct store_slot slot;
    struct buffer value = {0};
    uint64_t at;
    bool damaged =
        store_file_find(writer->file, key, &slot, &at) && !store_file_check_record(writer->file, &slot, &found, &value);
    buffer_deinit(&value);
    if (!damaged || store_file_write_slot(writer->file, at, &empty) < 0)
        return false;
    space_forget(&writer->header.totals, &slot);
    writer->header.totals.damaged++;
    return true;
}

static bool copy_collect(struct store_slot *slot, void *context) {
    buffer_append(context, slot, sizeof *slot);
    return false;
}

/* The least recently used first; of the same hour, the order of the file. */
static int copy_compare(const void *a, const void *b) {
    const struct store_slot *one = a, *other = b;
    if (one->age != other->age)
        return one->age < other->age ? -1 : 1;
    return one->place < other->place ? -1 : one->place > other->place;
}

/* How many slots from the front do not fit with those behind them. A segment may stay empty, since records do not fill
 * segments to the end. */
static size_t copy_first(const struct store_writer *writer, const struct store_slot *slots, size_t count) {
    uint64_t left = writer->file->segment_size * (STORE_SEGMENTS - 1);
    while (count > 0 && store_record_size(slots[count - 1].len) <= left)
        left -= store_record_size(slots[--count].len);
    return count;
}

int store_space_copy(struct store_writer *writer, const struct store_file *from, const struct store_header *header) {
    struct buffer all = {0}, value = {0};
    struct store_totals *totals = &writer->header.totals;
    int status = store_file_each(from, copy_collect, &all);
    size_t count = all.len / sizeof(struct store_slot);
    struct store_slot *slots = (struct store_slot *)(void *)all.data;
    if (count > 0)
        qsort(slots, count, sizeof *slots, copy_compare);
    for (size_t i = copy_first(writer, slots, count); status == 0 && i < count; i++) {
        struct store_key key;
        value.len = 0;
        if (store_file_check_record(from, &slots[i], &key, &value))
            status = store_space_put(writer, &key, value.data, value.len, slots[i].age);
    }
    *totals = (struct store_totals){.entries = totals->entries,
                                    .bytes = totals->bytes,
                                    .hits = header->totals.hits,
                                    .misses = header->totals.misses,
                                    .stored = header->totals.stored,
                                    .evicted = header->totals.evicted + (count - totals->entries),
                                    .damaged = header->totals.damaged};
    buffer_deinit(&all);
    buffer_deinit(&value);
    return status;
}
