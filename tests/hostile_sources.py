"""Sources that are hard on a compiler: name -> text. Small ones come first. Each is made only when it is asked for."""


def nested(before, middle, after="", n=1000):
    return before * n + middle + after * n + "\n"


def blocks(head, n):
    """Nested blocks, each indented by one more space."""
    return "".join(" " * i + head + "\n" for i in range(n)) + " " * n + "pass\n"


def chain(first, link, n):
    return first + link * n + "\n"


def statements(text, n):
    return text * n


DEEP = (90, 190, 300, 1500, 6000, 100000)  # below and above every limit: of the parser, of marshal, of the stack

# Each kind of nesting, as a function of its depth.
NESTING = {
    "parentheses": lambda n: nested("(", "1", ")", n),
    "lists": lambda n: nested("[", "1", "]", n),
    "sets": lambda n: nested("{", "1", "}", n),
    "dicts": lambda n: nested("{1:", "1", "}", n),
    "tuples": lambda n: nested("(", "1", ",)", n),
    "open-parentheses": lambda n: "(" * n,
    "minus": lambda n: nested("-", "a", "", n),
    "invert-constant": lambda n: nested("~", "1", "", n),
    "not": lambda n: nested("not ", "a", "", n),
    "await": lambda n: "async def f():\n await " + nested("-(", "a", ")", n),
    "lambda": lambda n: nested("lambda: ", "a", "", n),
    "lambda-default": lambda n: nested("lambda a=", "1", ": 1", n),
    "ternary": lambda n: nested("a if b else ", "c", "", n),
    "ternary-condition": lambda n: nested("a if (", "b", ") else c", n),
    "attributes": lambda n: chain("a", ".b", n),
    "calls": lambda n: chain("a", "()", n),
    "calls-inside": lambda n: nested("a(", "b", ")", n),
    "subscripts": lambda n: chain("a", "[0]", n),
    "subscripts-inside": lambda n: nested("a[", "b", "]", n),
    "slices-inside": lambda n: nested("a[:", "b", "]", n),
    "power": lambda n: chain("a", "**a", n),
    "plus": lambda n: chain("a", "+a", n),
    "plus-constants": lambda n: chain("1", "+1", n),
    "and-or": lambda n: chain("a", " and a or a", n),
    "comparisons": lambda n: chain("a", "<a", n),
    "walrus": lambda n: nested("(a:=", "b", ")", n),
    "starred": lambda n: nested("[*", "a", "]", n),
    "yield": lambda n: "def f():\n " + nested("(yield ", "1", ")", n),
    "comprehension-for": lambda n: "[a " + "for a in b " * n + "]\n",
    "comprehension-if": lambda n: "[a for a in b " + "if a " * n + "]\n",
    "comprehensions": lambda n: nested("[", "a", " for a in b]", n),
    "generators": lambda n: nested("(", "a", " for a in b)", n),
    "assignments": lambda n: chain("a", "=a", n),
    "assign-target": lambda n: nested("(", "a", ",)", n)[:-1] + "=b\n",
    "decorators": lambda n: "@a\n" * n + "def f(): pass\n",
    "strings": lambda n: chain("'a'", " 'b'", n),
    "string-plus": lambda n: chain("'a'", "+'b'", n),
    "f-strings": lambda n: nested("f'{", "a", "}'", n),
    "f-string-format": lambda n: "f'" + nested("{a:", "", "}", n)[:-1] + "'\n",
    "f-string-parts": lambda n: "f'" + "{a}b" * n + "'\n",
    "if-blocks": lambda n: blocks("if a:", n),
    "while-blocks": lambda n: blocks("while a:", n),
    "for-blocks": lambda n: blocks("for a in b:", n),
    "with-blocks": lambda n: blocks("with a:", n),
    "try-blocks": lambda n: "".join(" " * i + "try:\n" for i in range(n)) + " " * n + "pass\n"
                            + "".join(" " * i + "finally: pass\n" for i in reversed(range(n))),
    "def-blocks": lambda n: blocks("def f():", n),
    "class-blocks": lambda n: blocks("class C:", n),
    "async-blocks": lambda n: blocks("async def f():", n),
    "elif": lambda n: "if a: pass\n" + "elif a: pass\n" * n,
    "except": lambda n: "try: pass\n" + "except a: pass\n" * n,
    "with-items": lambda n: "with " + ", ".join(["a as b"] * n) + ": pass\n",
    "match-blocks": lambda n: "".join(" " * (2 * i) + "match a:\n" + " " * (2 * i + 1) + "case b:\n" for i in range(n))
                              + " " * (2 * n) + "pass\n",
    "match-list": lambda n: "match a:\n case " + nested("[", "b", "]", n)[:-1] + ": pass\n",
    "match-mapping": lambda n: "match a:\n case " + nested("{1:", "b", "}", n)[:-1] + ": pass\n",
    "match-class": lambda n: "match a:\n case " + nested("A(", "b", ")", n)[:-1] + ": pass\n",
    "match-or": lambda n: "match a:\n case " + "|".join(["1"] * n) + ": pass\n",
    "annotations": lambda n: "a: " + nested("b[", "c", "]", n),
    "global": lambda n: "global " + ",".join("a%d" % i for i in range(n)) + "\n",
    "parameters": lambda n: "def f(" + ",".join("a%d" % i for i in range(n)) + "): pass\n",
    "arguments": lambda n: "f(" + "a," * n + ")\n",
    "unpacking": lambda n: "a," * n + "*b = c\n",
    "type-parameters": lambda n: "def f[" + ",".join("T%d" % i for i in range(n)) + "](): pass\n",
    "type-bounds": lambda n: "type A[T: " + nested("b[", "c", "]", n)[:-1] + "] = 1\n",
    "backslashes": lambda n: "a = 1 + " + "\\\n" * n + "1\n",
    "dedent": lambda n: blocks("if a:", min(n, 99)) + "b\n",
    "dots": lambda n: "from " + "." * n + " import a\n",
    "import-name": lambda n: "import a" + ".a" * n + "\n",
    "del": lambda n: "del " + nested("(", "a", ")", n),
    "return": lambda n: "return " * n + "\n",
    "semicolons": lambda n: "a;" * n + "\n",
}

# Sources that are known to crash, abort or blow up some version, and constants.
SINGLE = {
    "null-byte": "a = 1\0\n",
    "null-byte-first": "\0",
    "null-byte-in-string": "a = '\0'\n",
    "null-byte-in-comment": "# \0\na\n",
    "fold-string": "a = 'a' * 10**10\n",
    "fold-bytes": "a = b'a' * 1000000000000\n",
    "fold-tuple": "a = (1,) * 10**10\n",
    "fold-tuple-nested": "a = " + "(" * 40 + "1" + ",) * 255" * 40 + "\n",
    "fold-power": "a = 10**10**10**10\n",
    "fold-power-nested": "a = " + "(" * 40 + "2" + ")**100" * 40 + "\n",
    "fold-negative-power": "a = 2 ** -1000000000000\n",
    "fold-shift": "a = 1 << 10**12\n",
    "fold-shift-negative": "a = 1 << -1\n",
    "fold-multiply": "a = " + "*".join(["9" * 4000] * 50) + "\n",
    "fold-format": "a = '%1000000000d' % 1\n",
    "fold-format-tuple": "a = '%*d' % (10**9, 1)\n",
    "fold-percent": "a = '%s %r %z' % (1, 2, 3)\n",
    "fold-division": "a = 1 / 0; b = 1 % 0; c = 1 // 0\n",
    "int-4300": "a = " + "9" * 4300 + "\n",
    "int-4301": "a = " + "9" * 4301 + "\n",
    "int-underscores": "a = " + "9_" * 5000 + "9\n",
    "int-100000": "a = " + "9" * 100000 + "\n",
    "int-hex": "a = 0x" + "f" * 100000 + "\n",
    "int-octal": "a = 0o" + "7" * 100000 + "\n",
    "float-digits": "a = 0." + "9" * 100000 + "\n",
    "float-huge": "a = 1e999999999; b = 1e-999999999; c = 1e400j\n",
    "imaginary": "a = " + "9" * 5000 + "j\n",
    "f-string-lines": "f'{\n    hello\n}:{world}'\n",  # issue 105718
    "f-string-brackets": "F'{[F'{:'}[F'{:'}]]]'\n",  # issue 122026
    "f-string-open": "f'{a" * 200 + "\n",
    "f-string-triple": "f'''{\n" * 100,
    "f-string-lambda": "f'{lambda x:1}'\n",
    "f-string-nul": "f'{\0}'\n",
    "with-control": "with(0,,):\n\x01",  # issue 112388
    "latin-return": b"# coding=latin\r(aaaaaaaaaaaaaaaaa\raaaaaaaaaaa\xb5",  # issue 112387
    "super-comprehension": "class i:\n if i:d<2<[super for()in e]\n",  # issue 114828
    "assert-ternary": "assert (False if 1 else True)\n",  # issue 99708
    "with-continued": "def f():\n with " + ", \\\n      ".join(["a.b('c' if d else 'e') as g%d" % i for i in range(30)])
                      + ":\n  pass\n",  # as issue 113297
    "nested-classes-locals": "class A:\n" + "".join(" " * i + " class A%d: b = c\n" % i for i in range(60)),
    "finally-return": "def f():\n try:\n  try:\n   True\n  except:\n   return\n finally:\n  return\n",
    "continue-finally": "while a:\n try:\n  continue\n finally:\n  continue\n",
    "encoding-unknown": "# coding: nosuch\n",
    "encoding-not-text": "# coding: hex\n",
    "encoding-utf7": "# coding: utf-7\n+AGEAPQAx-\n",
    "encoding-utf16": "a = 1\n".encode("utf-16"),
    "encoding-idna": "# coding: idna\nxn--a = 1\n",
    "encoding-punycode": "# coding: punycode\na-\n" + "9" * 2000,
    "encoding-escape": "# coding: unicode_escape\na = '\\u0000'\n",
    "encoding-long": "# coding: " + "a" * 10000 + "\n",
    "encoding-dots": "# coding: ..\n",
    "bom-and-latin": b"\xef\xbb\xbf# coding: latin-1\n",
    "bad-utf8": b"a = '\xff'\n",
    "surrogate-escape": "a = '\\ud800'\n",
    "surrogate-name": "a = '\\N{" + "A" * 100000 + "}'\n",
    "escapes": "a = '" + "\\x" * 1000 + "'\n",
    "octal-escapes": "a = '" + "\\777" * 1000 + "'\n",
    "normalised-identifier": "\ufdfa" * 1000 + " = 1\n",
    "identifier-long": "a" * 1000000 + " = 1\n",
    "tabs-spaces": "if a:\n\tb\n        c\n",
    "form-feeds": "\f" * 10000 + "a\n",
    "only-backslash": "\\",
    "backslash-eof": "a = \\\n",
    "carriage-returns": "a\r" * 10000,
    "indents-100": blocks("if a:", 100),
    "indents-99": blocks("if a:", 99),
    "deindent": "if a:\n        b\n    c\n",
    "many-names": "".join("a%d = b%d\n" % (i, i) for i in range(20000)),
    "many-constants": "".join("%d.5\n" % i for i in range(20000)),
    "jumps-far": "while a:\n if b: break\n" + " c\n" * 40000,
    "cells": "def f():\n" + "".join(" a%d = 1\n" % i for i in range(1000)) + " def g(): return "
             + "+".join("a%d" % i for i in range(1000)) + "\n",
}


def finally_in_finally(depth):
    """Each `finally` is compiled twice, so the code doubles with each (issue 87039)."""
    text = "".join(" " * i + "try: a\n" + " " * i + "finally:\n" for i in range(depth))
    return "def f():\n" + "".join(" " + line + "\n" for line in text.splitlines()) + " " * (depth + 1) + "pass\n"


# Large ones, with their size in megabytes.
LARGE = {
    "comment": lambda: "# " + "x" * (100 << 20) + "\n",
    "comment-lines": lambda: "#\n" * (25 << 20),
    "blank-lines": lambda: "\n" * (50 << 20),
    "string": lambda: "a = '" + "x" * (100 << 20) + "'\n",
    "line-of-spaces": lambda: "a =" + " " * (100 << 20) + "1\n",
    "statements": lambda: "a = 1\n" * 1000000,
    "expression-line": lambda: "a = [" + "1," * (4 << 20) + "]\n",
    "finally-in-finally": lambda: finally_in_finally(19),
}

# Fewer where more would only take long.
DEEPEST = {name: 1500 for name in NESTING if name.endswith("-blocks")}
DEEPEST.update({"f-string-parts": 6000, "parameters": 6000, "type-parameters": 6000, "global": 6000})
