"""Damages of a cache's store file (cache/store_file.h has its layout): at random, and crafted ones whose checksums are right."""
import os
import struct

INDEX = 4096
SLOT = struct.Struct("<16sQII")  # tag, place, length, age
SLOT_LIMIT = 64 << 10  # bytes of the limit for a bucket of 1 KiB
HEADER = struct.Struct("<8sQQ7Q" + "QII" * 16 + "IIQ")
LIMIT_AT, TOTALS_AT, SEGMENTS_AT, CURRENT_AT, DIRTY_AT = 1, 3, 10, 58, 59
EDGES = (0, 1, 7, 8, 4095, 4096, 1 << 20, (1 << 31) - 1, 1 << 31, (1 << 32) - 1, 1 << 32, (1 << 63) - 1, 1 << 63, (1 << 64) - 8, (1 << 64) - 1)


def siphash(key, data):
    """SipHash-2-4, as libsodium's crypto_shorthash()."""
    mask = (1 << 64) - 1
    k0, k1 = struct.unpack("<QQ", key)
    v = [k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261, k1 ^ 0x7465646279746573]

    def rotate(x, by):
        return (x << by | x >> (64 - by)) & mask

    def rounds(count):
        for _ in range(count):
            v[0] = (v[0] + v[1]) & mask
            v[1] = rotate(v[1], 13) ^ v[0]
            v[0] = rotate(v[0], 32)
            v[2] = (v[2] + v[3]) & mask
            v[3] = rotate(v[3], 16) ^ v[2]
            v[0] = (v[0] + v[3]) & mask
            v[3] = rotate(v[3], 21) ^ v[0]
            v[2] = (v[2] + v[1]) & mask
            v[1] = rotate(v[1], 17) ^ v[2]
            v[2] = rotate(v[2], 32)
    padded = data + bytes(7 - len(data) % 8) + bytes([len(data) & 0xff])
    for (word,) in struct.iter_unpack("<Q", padded):
        v[3] ^= word
        rounds(2)
        v[0] ^= word
    v[2] ^= 0xff
    rounds(4)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def header_of(image):
    return list(HEADER.unpack_from(image))


def with_header(image, fields):
    """The image with that header and its right checksum."""
    packed = HEADER.pack(*fields[:-1], 0)[:-8]
    return packed + struct.pack("<Q", siphash(b"store's header\0\0", packed)) + image[HEADER.size:]


def slots_of(image):
    """The offsets of slots in use."""
    end = INDEX + header_of(image)[LIMIT_AT] // SLOT_LIMIT * 1024
    return [at for at in range(INDEX, min(end, len(image)), SLOT.size) if image[at + 16:at + 24] != bytes(8)]


def put(image, at, data):
    return image[:at] + data + image[at + len(data):]


def at_random(image, random):
    """One to four damages: bytes, runs of one byte, noise, pages that change places, an end that is missing or too long."""
    in_use = [0, *slots_of(image)]
    for _ in range(random.randint(1, 4)):
        size = len(image)
        at = random.choice((random.randrange(size), random.choice(in_use) + random.randrange(64), random.randrange(400)))
        at = min(at, size - 1)
        kind = random.randrange(8)
        if kind < 3:
            image = put(image, at, bytes([random.choice((0, 1, 0x7f, 0x80, 0xff, random.randrange(256)))]))
        elif kind < 5:
            image = put(image, at, random.choice((b"\0", b"\xff", b"\1")) * min(random.choice((4, 8, 32, 4096)), size - at))
        elif kind == 5:
            image = put(image, at, random.randbytes(min(random.choice((8, 64, 1024)), size - at)))
        elif kind == 6:
            one, other = (random.randrange(size // 1024) * 1024 for _ in range(2))
            first, second = image[one:one + 1024], image[other:other + 1024]
            image = put(put(image, one, second), other, first)
        else:
            image = image[:random.randrange(size)] if random.random() < 0.7 else image + random.randbytes(5000)
        if len(image) < 1024:
            break
    return image


def crafted(image, random):
    """A damage by somebody who knows the layout, with values at the edges of what may be."""
    fields, kind = header_of(image), random.randrange(8)
    slots = slots_of(image)
    edge = random.choice(EDGES)
    if kind == 0:  # one number of the header
        at = random.randrange(1, len(fields) - 1)
        fields[at] = edge & (0xffffffff if HEADER_IS_SHORT[at] else 0xffffffffffffffff)
        return with_header(image, fields)
    if kind == 1:  # a header that asks for the recovery, over slots that point anywhere
        fields[DIRTY_AT] = 1
        for at in slots:
            tag, place, length, age = SLOT.unpack_from(image, at)
            changed = SLOT.pack(tag, random.choice((edge, place + 8, place)), random.choice((length, 0xffffffff, 0)), age)
            image = put(image, at, changed)
        return with_header(image, fields)
    if kind == 2:  # one slot
        at = random.choice(slots)
        tag, place, length, age = SLOT.unpack_from(image, at)
        what = random.randrange(4)
        return put(image, at, SLOT.pack(os.urandom(16) if what == 0 else tag, edge if what == 1 else place,
                                        edge & 0xffffffff if what == 2 else length, edge & 0xffffffff if what == 3 else age))
    if kind == 3:  # the whole index in use, by slots of one record
        tag, place, length, age = SLOT.unpack_from(image, random.choice(slots))
        end = INDEX + fields[LIMIT_AT] // SLOT_LIMIT * 1024
        fill = b"".join(SLOT.pack(os.urandom(16), place, length, age) for _ in range(256))
        index = (fill * ((end - INDEX) // len(fill) + 1))[:end - INDEX]
        for at in slots if random.random() < 0.5 else ():
            index = put(index, at - INDEX, image[at:at + SLOT.size])
        return put(image, INDEX, index)
    if kind == 4:  # the head of a record: key, sum, length, check
        _, place, _, _ = SLOT.unpack_from(image, random.choice(slots))
        return put(image, place + random.choice((0, 16, 32, 40, 44)), struct.pack("<I", edge & 0xffffffff))
    if kind == 5:  # slots that have changed places
        one, other = random.choice(slots), random.choice(slots)
        first, second = image[one + 16:one + 32], image[other + 16:other + 32]
        return put(put(image, one + 16, second), other + 16, first)
    if kind == 6:  # a record of a length that its checks confirm
        at = random.choice(slots)
        tag, place, _, age = SLOT.unpack_from(image, at)
        length = edge & 0xffffffff
        key = tag + image[place + 16:place + 32]
        check = siphash(tag, key[16:] + struct.pack("<QI", place, length)) & 0xffffffff
        image = put(image, at, SLOT.pack(tag, place, length, age))
        return put(image, place + 40, struct.pack("<II", length, check))
    fields[SEGMENTS_AT + 3 * random.randrange(16)] = edge  # segments that are full, or fuller
    fields[CURRENT_AT] = random.randrange(16)
    return with_header(image, fields)


HEADER_IS_SHORT = [False] * 10 + [False, True, True] * 16 + [True, True, False]


def other_things(path):
    """Puts something else into the place of the store, one after another."""
    def remove():
        if os.path.isdir(path) and not os.path.islink(path):
            os.rmdir(path)
        elif os.path.lexists(path):
            os.unlink(path)
    for make in (lambda: os.mkdir(path), lambda: os.mkfifo(path), lambda: os.symlink("/dev/zero", path), lambda: os.symlink(path, path),
                 lambda: os.symlink("/dev/null", path), lambda: open(path, "wb").close(), lambda: os.symlink("/", path),
                 lambda: os.truncate(os.open(path, os.O_CREAT | os.O_RDWR), 1 << 42)):
        remove()
        make()
        yield
