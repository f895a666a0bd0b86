"""`check` of unsaved buffers: the places of errors and warnings, in each unit that editors count in, with every Python."""
import os
import unittest

import e2e_support as e2e

BEFORE = 's = "é€🐍"; '  # 11 characters, 12 UTF-16 units, 17 bytes
COLUMNS = {"utf-8": 17, "utf-16": 12, "utf-32": 11}
# The error, what finds it, its line, and the marked part of the line.
WRONG = [
    ("None = 1", "parser", 0, "None"),
    ("x = 1 +", "parser", 0, None),
    ("return", "compiler", 0, "return"),
    ("global s", "symbol table", 0, "global s"),
    ("def f(a, a): pass", "symbol table", 0, None),
]


class Ranges(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = e2e.Daemon("--workers", "2")
        cls.daemon.__enter__()
        cls.addClassCleanup(cls.daemon.__exit__, None, None, None)
        cls.connection = cls.daemon.connect()
        cls.addClassCleanup(cls.connection.close)

    def check(self, source, file="/no/such/buffer.py", **params):
        return self.connection.call("check", dict(params, file=file, source=source))

    def error(self, source, **params):
        answer = self.check(source, **params)
        self.assertEqual(answer["error"]["code"], -32001, answer)
        return answer["error"]["data"]

    def starts_at(self, found, line, columns):
        self.assertEqual(found["range"]["start"], dict(columns, line=line))

    def test_wide_lines(self):
        """The same place in all units, whatever finds the error, and whether or not a file of the name exists."""
        file = self.daemon.file("there.py", "é" * 100 + "\n")
        for version in e2e.hosts():
            for name in ("/no/such/buffer.py", file):
                for wrong, _, line, marked in WRONG:
                    found = self.error("\n" + BEFORE + wrong + "\n", file=name, python=version)
                    start, end = found["range"]["start"], found["range"]["end"]
                    if marked is None:  # the place in the line differs from version to version
                        self.assertEqual((start["line"], start["utf-8"] - start["utf-32"], start["utf-16"] - start["utf-32"]),
                                         (1, 6, 1), (version, name, wrong, found))
                        continue
                    self.starts_at(found, line + 1, COLUMNS)
                    if e2e.version_tuple(version) >= (3, 10):
                        self.assertEqual({unit: end[unit] - start[unit] for unit in COLUMNS}, dict.fromkeys(COLUMNS, len(marked)),
                                         (version, name, wrong, found))

    def test_the_buffer_is_what_the_file_has(self):
        """The line that is shown then does not tell whether it is the buffer's or the file's."""
        for wrong, _, line, marked in WRONG:
            source = BEFORE + wrong + "\n"
            file = self.daemon.file("same.py", source)
            if marked is not None:
                for version in e2e.hosts():
                    self.starts_at(self.error(source, file=file, python=version), line, COLUMNS)

    def test_relative_names(self):
        folder = os.path.dirname(self.daemon.file("sub/there.py", "é" * 100))
        for version in e2e.hosts():
            found = self.error(BEFORE + "return\n", file="there.py", cwd=folder, python=version)
            self.starts_at(found, 0, COLUMNS)

    def test_several_lines(self):
        for version in e2e.hosts():
            found = self.error('"é"; x = f(a for b in c,\n  "🐍", 1)\n', python=version)
            self.assertEqual(found["range"]["start"]["line"], 0)
            self.assertGreaterEqual((found["range"]["end"]["line"], found["range"]["end"]["utf-32"]), (0, 1))

    def test_errors_without_a_place(self):
        for version in e2e.hosts():
            found = self.error("x = 1\n" + "x = (" * 500, python=version)
            self.assertEqual(found["range"]["start"]["line"] >= 0, True)
            found = self.error("é = 1\n" + "-" * 200000 + "1\n", python=version)
            if found["exc_value"]["lineno"] is None:  # too deep
                self.assertEqual(found["range"], {"start": {"line": 0, "utf-8": 0, "utf-16": 0, "utf-32": 0},
                                                  "end": {"line": 0, "utf-8": 6, "utf-16": 5, "utf-32": 5}})

    def test_warnings(self):
        for version in e2e.hosts():
            answer = self.check("x = 1\n\t" + "\n  if 'é€🐍' is x: pass  \n".lstrip(), python=version)
            self.assertIn("error", answer)  # it is indented
            answer = self.check("x = 1\nif 1:\n  if 'é€🐍' is x: pass  \n", python=version)
            (warning,) = answer["result"]["warnings"]
            self.assertEqual(warning["range"], {"start": {"line": 2, "utf-8": 2, "utf-16": 2, "utf-32": 2},
                                                "end": {"line": 2, "utf-8": 27, "utf-16": 22, "utf-32": 21}})
            answer = self.check("'é' is 1\nreturn\n", warnings=["always"], python=version)
            for warning in answer["error"]["data"]["warnings"]:
                self.assertEqual(warning["range"]["start"]["line"], 0)

    def test_files_have_no_ranges(self):
        """Files may have any encoding, and the client has no text to show the ranges in."""
        file = self.daemon.file("bad.py", "x = 1 is 1\nreturn\n")
        data = self.connection.call("check", {"file": file})["error"]["data"]
        self.assertNotIn("range", data)
        self.assertNotIn("range", str(data["warnings"]))

    def test_a_byte_order_mark(self):
        for version in e2e.hosts():
            found = self.error("\ufeffNone = 1\n", python=version)
            self.starts_at(found, 0, {"utf-8": 3, "utf-16": 1, "utf-32": 1})


if __name__ == "__main__":
    e2e.main()
