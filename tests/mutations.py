"""Seeded mutations of Python sources, which test_mutation.py feeds to the compilers. A case is made from its seed alone, so
that a failure can be repeated by itself."""
import random
import re

TOKEN = re.compile(rb"[A-Za-z_][A-Za-z_0-9]*|[0-9][0-9A-Za-z_.]*|\"\"\"|'''|[\"']|[ \t]+|\r?\n|[^\sA-Za-z0-9_]", re.DOTALL)

TOKENS = """False None True and as assert async await break class continue def del elif else except finally for from global
if import in is lambda nonlocal not or pass raise return try while with yield match case type _ print exec self
( ) [ ] { } , : . ; @ = -> += -= *= /= //= %= @= &= |= ^= >>= <<= **= := == != <= >= < > + - * / // % ** & | ^ ~ << >>
... ! ? $ ` \\ <> 0 1 00 01 0x 0xfg 0b2 0o8 1_0 1__0 1e5 1e 1.e-5j .5 1if 0xfor 1_ 9999999999999999999 'a' "b" b'c' f'd'
rb'e' u'f' ur'g' '' '''x''' ''' \"\"\" ' " # \\N{DASH} __debug__ __class__ __name __x__ é ª µ ﬁ 変数 𝔘 € · ‿ \u00a0 \u200b
\u2028""".encode().split()

BYTES = [b"\x00", b"\r", b"\n", b"\r\n", b"\x0c", b"\t", b" ", b"\\", b"\\\n", b"\\\r\n", b"'", b'"', b"(", b")", b"{", b"}",
         b"\xff", b"\x80", b"\xa0", b"\xc3", b"\xc3\xa9", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\xf0\x9f\x98\x80", b"\x1a",
         b"\x7f", b"\x0b", b"\x1b", b"#", b":", b"\\x", b"\\u12", b"\\N{", b"\xe2\x80\xa8"]

ENCODINGS = """utf-8 utf8 UTF_8 utf-8-sig latin-1 iso-8859-1 iso8859-15 cp1252 cp437 koi8-r mac-roman ascii us-ascii
shift_jis euc_jp gbk gb18030 big5 iso2022_jp utf-16 utf-16-le utf-32 utf-7 rot13 rot_13 hex zlib base64 idna punycode undefined
unicode_escape raw_unicode_escape no-such-codec mbcs oem palmos ptcp154 utf-8-unix latin-1-dos iso-latin-1-x é""".split()

COOKIES = ["# -*- coding: %s -*-", "# coding=%s", "#coding:%s", "# vim: set fileencoding=%s :", "#!/x\n# coding: %s",
           "\n# coding: %s", "\n\n# coding: %s", "\f# coding: %s", "  # coding: %s", "#!/x\r# coding: %s", "'''x'''\n# coding: %s",
           "x = 1 # coding: %s", "# coding: %s coding: latin-1", "# coding %s", "\\\n# coding: %s"]

# Every line may stand in any indented block; it is legal, or a reason to refuse or to warn.
LINES = r"""
x = 1 is 1
y = x is not 'a' or x == 1 is ()
z = '\d \w \8 \400 \N{DIGIT ONE}'
z = b'\q\777'
z = '\N{no such character}'
z = '\x1'
z = u'\ud800 \U0010ffff'
assert (x, 'message')
x = 1if y else 2
x = 0xfor y
x = [1]()
x = (1, 2)[3, 4]
x = 'abc'['a']
x = {1}[0]
x = None[1]
x = [(1) (2)]
x = 0777
x = 1_000_
print 'x'
exec 'x'
x = f'{y!r:>{w}} {y=} {{}}'
x = f'{y:{w:{v}}}'
x = f'{'
x = f'}'
x = f'{}'
x = f'{a b}'
x = f'{x!z}'
x = f'{x:\d}\{y}'
x = f"{'\n'}{x["a"]}"
x = f'{x' 'y'
x = f'{lambda x: 1}'
x = f'{(yield)}' f"{x:%H:%M}" 'é' f'{y!r}'
x = f'''{
    y # comment
}'''
x = f'{*a}' f'{a:=5}' f'{(a:=5)}'
x = 'a' b'b'
x = x in {'a', 'b', 'c'}
x = x in {'c', 'b', 'a'} or x in {('d', 'e'), ('e', 'd')}
x = [y for y in x if y in {'one', 'two'}]
x = ['{', '}', 'é', 'a', '', '\x00', 'ÿ', '\ud800']
é = 'é'; ÿ = {'ÿ': é}
def é(ª: 'µ' = 1, *, ﬁ=2) -> 'é': return é.é
def f(a, a): pass
def f(a=1, b): pass
def f(*, **k): pass
def f(a, /, b, *, c): nonlocal a
def f(): global x; x: int = 1; return x
lambda *a, **k: (yield)
class C(metaclass=M): __x = 1; __slots__ = ('__x',)
class C[T: (int, str), *Ts, **P](Generic[T]): x: T
type X[T] = list[T]
async def f(): return [await x async for x in y]
async with x as y, z: pass
with (open(x) as a, open(y) as b,): pass
try: pass
except* E: break
except (A, B), e: pass
except A, B: pass
match x:
    case {'a': 1, **r} | [1, *_] if r: pass
    case C(a=1, b=[_]) as d: pass
    case -1 | 1+2j | None | 'x' 'y': pass
return
yield x
break
continue
await x
nonlocal x
from __future__ import annotations
from __future__ import barry_as_FLUFL, division
from __future__ import braces
from __future__ import no_such
from x import *
from . import (a, b as c,)
import a.b.c as d, e
del x, (y, [z]), w.v
x: int = 1; (y): 'str'
x, *y, (z, *w) = *v, *u
*x = 1
x = *y
(x, y) += 1
f() = 1
x = y = z := 1
if x = 1: pass
None = 1
__debug__ = 1
f(a=1, a=2)
f(a=1, 2)
f(**k, *a)
f(x for x in y, 1)
a[b:=1, c:d:e, ..., *f]
x = 1 if 2
x = (1,
x = 1)
x = [}
x = "unterminated
x = '''unterminated
x = 99999999999999999999999999999999999999
x = 1e999, -0.0, 0j, 1e-999, 0x_f, 1_0.0_1
x = -1 ** 2, not 1, ~True, 'a' * 5000, 2 ** 100, 'a' + 'b', (1, 2) * 3
a <> b
x = a ? b : c
x = a && b
x++
""".strip("\n")
LINES = [line.encode("utf-8", "surrogatepass") for line in re.split(r"\n(?! |\})", LINES)]

# These compile in every version, and each warns in some version.
WARNED = [line.encode() for line in r"""
x = 1 is 1
x = y is not 'a' or x == 1 is ()
z = '\d \w \8'
z = b'\q \777', '\400'
z = rb'\q' b'\z' b'\é'[0:0] if 0 else f'\d{y}\.'
assert (x, 'message')
x = 1if y else 2
x = 0xfor y
x = [1]()
x = (1, 2)[3, 4]
x = 'abc'['a'] if f'{y}'() else {1}[0]
x = [(1) (2), None[1]]
def g(a): return a is 'é', '\ ', f'{a is 1}{a:\d}'
def g(a): '\d'; b = a in {'\d', 'one'} or a in {'one', '\d'}; return b is 1.0
while x is 'y': x = '\('; y = '\('; z = '\('
""".strip("\n").replace("b'\\é'[0:0]", "b'\\e'").split("\n")]

NESTS = {
    "parentheses": (b"(", b"1", b")"),
    "lists": (b"[", b"1", b"]"),
    "sets": (b"{", b"1", b"}"),
    "tuples": (b"(", b"1", b",)"),
    "calls": (b"f(", b"1", b")"),
    "lambdas": (b"lambda: ", b"1", b""),
    "minus": (b"-", b"x", b""),
    "not": (b"not ", b"x", b""),
    "power": (b"x**", b"x", b""),
    "plus": (b"", b"x", b"+x"),
    "attributes": (b"", b"x", b".x"),
    "subscripts": (b"", b"x", b"[x]"),
    "called": (b"", b"x", b"()"),
    "ternaries": (b"x if x else ", b"x", b""),
    "comparisons": (b"", b"x", b"<x"),
    "strings": (b"", b"''", b" 'a'"),
    "comprehensions": (b"[x for x in ", b"x", b"]"),
    "fstrings": (b"f'{", b"x", b"}'"),
    "awaits": (b"await ", b"x", b""),
    "stars": (b"*", b"x", b""),
    "walrus": (b"(x:=", b"x", b")"),
    "dicts": (b"{1:", b"1", b"}"),
}
DEPTHS = [2, 10, 19, 20, 21, 48, 49, 50, 90, 99, 100, 101, 149, 150, 151, 198, 199, 200, 201, 250, 400, 650, 950]
BLOCKS = [b"if x:", b"while x:", b"for x in y:", b"with x:", b"def f():", b"class C:", b"try:", b"match x:", b"async def f():"]


def flip(rng, data):
    data = bytearray(data or b"\n")
    for _ in range(rng.choice((1, 1, 2, 5))):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(data)


def place(rng, data):
    return rng.randrange(len(data) + 1)


def insert_bytes(rng, data):
    for _ in range(rng.choice((1, 1, 1, 3))):
        at = place(rng, data)
        data = data[:at] + rng.choice(BYTES) + data[at:]
    return data


def cut(rng, data):
    at = place(rng, data)
    return data[:at] + data[at + rng.choice((1, 1, 2, 5, 40)):]


def truncate(rng, data):
    return data[:place(rng, data)]


def with_tokens(change):
    def mutate(rng, data):
        tokens = TOKEN.findall(data)
        for _ in range(rng.choice((1, 1, 2, 3))):
            if tokens:
                change(rng, tokens)
        return b"".join(tokens)
    mutate.__name__ = change.__name__
    return mutate


@with_tokens
def replace_token(rng, tokens):
    tokens[rng.randrange(len(tokens))] = rng.choice(TOKENS)


@with_tokens
def insert_token(rng, tokens):
    tokens.insert(place(rng, tokens), b" " + rng.choice(TOKENS) + b" ")


@with_tokens
def delete_token(rng, tokens):
    del tokens[rng.randrange(len(tokens))]


@with_tokens
def swap_tokens(rng, tokens):
    i, j = rng.randrange(len(tokens)), rng.randrange(len(tokens))
    tokens[i], tokens[j] = tokens[j], tokens[i]


@with_tokens
def copy_token(rng, tokens):
    tokens[rng.randrange(len(tokens))] = rng.choice(tokens)


def rename(rng, data):
    """Replaces one name by another everywhere."""
    names = sorted(set(re.findall(rb"\b[a-z_][a-z_0-9]+\b", data)))
    if not names:
        return data
    new = rng.choice(["é", "ª", "µ", "ﬁ", "变量", "𝔘𝔫𝔦", "x٣", "ÿ", "__private", "match", "a" * 300, "€", "x·y"]).encode()
    return re.sub(rb"\b%s\b" % rng.choice(names), lambda _: new, data)


def with_lines(change):
    def mutate(rng, data):
        lines = data.splitlines(True) or [b"\n"]
        for _ in range(rng.choice((1, 1, 2, 4))):
            change(rng, lines)
        return b"".join(lines)
    mutate.__name__ = change.__name__
    return mutate


def indent_at(lines, at):
    line = lines[at] if at < len(lines) else b""
    return line[:len(line) - len(line.lstrip(b" \t"))]


@with_lines
def insert_line(rng, lines):
    at = place(rng, lines)
    indent = indent_at(lines, at)
    lines.insert(at, b"".join(indent + line + b"\n" for line in rng.choice(LINES).split(b"\n")))


@with_lines
def delete_line(rng, lines):
    if lines:
        del lines[rng.randrange(len(lines))]


@with_lines
def duplicate_line(rng, lines):
    if lines:
        lines.insert(place(rng, lines), rng.choice(lines))


@with_lines
def indent_line(rng, lines):
    if lines:
        at = rng.randrange(len(lines))
        lines[at] = rng.choice((b" ", b"\t", b"    ", b"        ", b"\x0c", b" \t", b"\\\n")) + lines[at]


@with_lines
def dedent_line(rng, lines):
    if lines:
        at = rng.randrange(len(lines))
        lines[at] = lines[at][rng.choice((1, 4)):] if lines[at][:1].isspace() else lines[at]


@with_lines
def join_lines(rng, lines):
    if lines:
        at = rng.randrange(len(lines))
        lines[at] = lines[at].rstrip(b"\r\n") + rng.choice((b"", b"\\\n", b";", b"\r", b"\x0c", b"\x00\n"))


def tabs(rng, data):
    return data.replace(b"    ", b"\t", rng.choice((-1, 1, 3)))


def line_ends(rng, data):
    return data.replace(b"\n", rng.choice((b"\r\n", b"\r", b"\n\r", b"\x0c\n", b" \n")), rng.choice((-1, -1, 1, 5)))


def no_last_newline(rng, data):
    return data.rstrip() + rng.choice((b"", b"\\", b" ", b"\t", b"\n\t", b"\n    #", b"\x0c", b"\r", b"\x1a"))


def byte_order_mark(rng, data):
    return rng.choice((b"\xef\xbb\xbf", b"\xef\xbb\xbf", b"\xef\xbb", b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")) + data


def cookie(rng, data):
    """A declared encoding, which the text may or may not have."""
    encoding = rng.choice(ENCODINGS)
    text = rng.choice(COOKIES) % encoding + "\nx = 'é', '変'\n" * rng.randrange(2) + "\n"
    body = data.decode("utf-8", "replace")
    if rng.random() < 0.6:
        try:
            return (text + body).encode(encoding, "ignore")
        except (LookupError, ValueError, TypeError, AttributeError):
            pass
    return text.encode() + data


def honest_cookie(rng, data):
    """A declared encoding that the text has."""
    encoding = rng.choice(("latin-1", "cp1252", "utf-8", "utf-8-sig", "shift_jis", "koi8-r", "gbk", "mac-roman", "utf-7"))
    text = "# coding: %s\ns = 'é', 'я', '変'\n" % encoding + data.decode("utf-8", "replace")
    return text.encode(encoding, "ignore")


def statement_place(rng, data):
    """The start of a line at column 0, where mostly another line may be inserted."""
    return rng.choice([0, *(m.end() for m in re.finditer(rb"\n(?=[A-Za-z@#\n])", data))])


def warn(rng, data):
    for _ in range(rng.choice((1, 1, 2))):
        at = statement_place(rng, data)
        data = data[:at] + rng.choice(WARNED) + b"\n" + data[at:]
    return data


def nest(rng, data):
    opening, middle, closing = NESTS[rng.choice(sorted(NESTS))]
    depth = rng.choice(DEPTHS)
    value = opening * depth + middle + closing * (depth if rng.random() < 0.9 else depth - 1)
    at = statement_place(rng, data)
    return data[:at] + b"x = " + value + b"\n" + data[at:]


def nest_blocks(rng, data):
    depth = rng.choice((2, 10, 18, 19, 20, 21, 22, 50, 98, 99, 100, 101))
    heads = [rng.choice(BLOCKS)] if rng.random() < 0.5 else BLOCKS[:6]
    return b"".join(b" " * i + rng.choice(heads) + b"\n" for i in range(depth)) + b" " * depth + b"pass\n" + data


def excerpt(rng, data):
    """A few lines of the source, as they are or moved to the left."""
    lines = data.splitlines(True)
    if not lines:
        return data
    start = rng.randrange(len(lines))
    part = lines[start:start + rng.choice((1, 3, 10, 40))]
    indent = indent_at(part, 0) if rng.random() < 0.8 else b""
    return b"".join(line[len(indent):] if line.startswith(indent) else line for line in part)


MUTATIONS = [flip, insert_bytes, cut, truncate, replace_token, replace_token, insert_token, delete_token, swap_tokens, copy_token,
             rename, rename, insert_line, insert_line, insert_line, insert_line, delete_line, duplicate_line, indent_line, dedent_line,
             warn, join_lines, tabs, line_ends, no_last_newline, byte_order_mark, cookie, cookie, nest, nest_blocks, excerpt]

# Harmless ones, so that many cases still compile.
GENTLE = [warn, warn, warn, rename, insert_line, duplicate_line, tabs, line_ends, honest_cookie, nest]


def make(seed, sources):
    """A mutated source, and the names of the mutations. `sources` is a list of paths."""
    rng = random.Random(seed)
    path = rng.choice(sources)
    with open(path, "rb") as file:
        data = file.read()
    done = [path]
    if len(data) > 60000 or rng.random() < 0.3:
        start = rng.randrange(max(len(data) - 30000, 1))
        start = data.find(b"\n", start) + 1 if start else 0
        data = data[start:start + 30000]
        done.append("part")
    gentle = rng.random() < 0.6
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 5))):
        mutation = rng.choice(GENTLE if gentle else MUTATIONS)
        data = mutation(rng, data)
        done.append(mutation.__name__)
    return data, done
