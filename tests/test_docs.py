"""The documents against the tree: files and functions that they name are there, links lead somewhere, and each option and
variable of a program stands in its man page.

Not for whether what they say is true."""
import functools
import glob
import os
import re
import shutil
import subprocess
import unittest

import e2e_support as e2e

ROOT = os.path.dirname(e2e.SOURCE)
MAN = os.path.join(ROOT, "docs", "man")
FOLDERS = "base|proto|cache|host|daemon|client|tests|bench|tools|docs|systemd|packaging"
# A path below one of the folders; a pattern (docs/man/*) stands for at least one file. `:name` behind it is a function.
PATH = re.compile(r"(?<![\w/.@$~<>-])((?:" + FOLDERS + r")/[\w./*+@-]*)(?::(\w+))?")
# A C file that is named without its folder.
C_FILE = re.compile(r"(?<![\w/.-])(\w[\w-]*\.[ch])(?![\w/])(?::(\w+))?")
LINK = re.compile(r"\]\(([^)\s]+)\)")
OPTION = re.compile(r"(?<![\w/,=$.{-])(--?[A-Za-z][\w-]*)")
PROGRAMS = {
    "pycompiled.8": [e2e.DAEMON],
    "pycompile-client.1": [e2e.CLIENT],
    "pycompileall-client.1": [e2e.COMPILEALL],
    "pycompile-lsp.1": [os.path.join(e2e.BUILD, "client", "pycompile-lsp")],
    "pycompilectl.1": [e2e.CTL],
}
# For the daemon's use alone, or of the command line that is followed.
NOT_IN_MAN = {"--already-read", "-m"}
# Set by others for purposes of their own, and known from other manuals.
FOREIGN_VARIABLES = {"TERM", "HOME", "PATH"}
# Of libraries.
FOREIGN_FILES = {"Python.h"}


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


@functools.lru_cache(None)
def tree():
    """The files of the source, relative; not what builds have left."""
    files = []
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if not name.startswith((".", "build")) and name != "__pycache__"]
        files += [os.path.relpath(os.path.join(folder, name), ROOT) for name in names]
    return files


def documents():
    return sorted(name for name in tree() if name.endswith(".md"))


def anchor(heading):
    """As GitHub and GitLab make it."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


class Documents(unittest.TestCase):
    """README.md, CONTRIBUTING.md and docs/."""

    def check_function(self, document, path, function):
        if function is not None:
            self.assertRegex(read(path), r"\b%s\b" % re.escape(function), "%s: %s has it not" % (document, path))

    def test_paths_are_there(self):
        for document in documents():
            for match in PATH.finditer(re.sub(r"\w+://\S+", "", read(document))):
                path, function = match[1].rstrip("."), match[2]
                with self.subTest(document=document, path=path):
                    self.assertTrue(glob.glob(os.path.join(ROOT, path)), "%s names %s" % (document, path))
                    self.check_function(document, path, function)

    def test_c_files_are_there(self):
        names = {}
        for path in tree():
            names.setdefault(os.path.basename(path), []).append(path)
        for document in documents():
            for match in C_FILE.finditer(re.sub(r"\w+://\S+", "", read(document))):
                if match[1] in FOREIGN_FILES:
                    continue
                with self.subTest(document=document, file=match[1]):
                    self.assertTrue(match[1] in names, "%s names %s" % (document, match[1]))
                    if match[2] is not None:
                        self.assertTrue(any(re.search(r"\b%s\b" % match[2], read(path)) for path in names[match[1]]),
                                        "%s: no %s in %s" % (document, match[2], match[1]))

    def test_links_lead_somewhere(self):
        for document in documents():
            for link in LINK.findall(read(document)):
                if re.match(r"\w+:", link):
                    continue
                path, _, fragment = link.partition("#")
                target = os.path.normpath(os.path.join(os.path.dirname(document), path)) if path else document
                with self.subTest(document=document, link=link):
                    self.assertTrue(os.path.exists(os.path.join(ROOT, target)), target)
                    if fragment:
                        headings = re.findall(r"^#+ (.*)$", read(target), re.M)
                        self.assertIn(fragment, [anchor(heading) for heading in headings])

    def test_each_is_linked(self):
        """From the README, or from a document that is."""
        reached, todo = set(), ["README.md"]
        while todo:
            document = todo.pop()
            if document in reached:
                continue
            reached.add(document)
            for link in LINK.findall(read(document)):
                target = os.path.normpath(os.path.join(os.path.dirname(document), link.partition("#")[0]))
                if target.endswith(".md") and os.path.exists(os.path.join(ROOT, target)):
                    todo.append(target)
        self.assertEqual([name for name in documents() if name not in reached and name.startswith("docs")], [])


class ManPages(unittest.TestCase):
    """docs/man/ against what the programs say of themselves."""

    def help_of(self, *command):
        return subprocess.run([*command, "--help"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True,
                              text=True, timeout=e2e.DEADLINE).stdout

    def helps(self, page):
        for program in PROGRAMS[page]:
            text = self.help_of(program)
            yield text
            if program == e2e.CTL:
                for command in re.findall(r"^  (\w+)  ", text.partition("commands:")[2].partition("\noptions:")[0], re.M):
                    yield self.help_of(program, command)

    def page(self, name):
        return read(os.path.join("docs/man", name)).replace("\\-", "-")

    def test_every_option_of_a_program(self):
        for page in PROGRAMS:
            text = self.page(page)
            for option in sorted({o for words in self.helps(page) for o in OPTION.findall(words)} - NOT_IN_MAN):
                with self.subTest(page=page, option=option):
                    self.assertRegex(text, r"(?<![\w-])%s(?![\w-])" % re.escape(option))

    def test_every_option_of_a_page(self):
        """Of long ones, those that begin an entry."""
        for page in PROGRAMS:
            known = {option for words in self.helps(page) for option in OPTION.findall(words)}
            for tag in re.findall(r"^\.TP\n(.*)$", self.page(page), re.M):
                for option in re.findall(r"--[a-z][\w-]*", tag):
                    with self.subTest(page=page, option=option):
                        self.assertIn(option, known)

    def test_every_command(self):
        text = self.page("pycompilectl.1")
        for command in re.findall(r"^  (\w+)  ", self.help_of(e2e.CTL).partition("commands:")[2].partition("\noptions:")[0], re.M):
            with self.subTest(command=command):
                self.assertRegex(text, r"(?m)^\.(B|BI) \"?%s\b" % command)

    def test_every_variable(self):
        """That a program reads; a host's own are the server's affair (docs/host.md)."""
        pages = "".join(self.page(os.path.basename(path)) for path in glob.glob(os.path.join(MAN, "*.[0-9]")))
        for path in tree():
            if not re.match(r"(base|proto|cache|daemon|client)/.*\.c$", path):
                continue
            for variable in re.findall(r'(?:getenv|_variable)\("([A-Z_]+)"\)', read(path)):
                if variable in FOREIGN_VARIABLES:
                    continue
                with self.subTest(file=path, variable=variable):
                    self.assertIn(variable, read("docs/host.md") if variable.startswith("PYCOMPILE_HOST_") else pages)

    def test_numbers_of_the_daemon(self):
        """A default that its help names, the page names too."""
        entries = re.split(r"^\.TP\n", self.page("pycompiled.8"), flags=re.M)
        for option, words in re.findall(r"^  (--[\w-]+)([^\n]*\n(?:   .*\n)*)", self.help_of(e2e.DAEMON), re.M):
            for number in re.findall(r"(?:default|at first) (\d+)", words):
                with self.subTest(option=option, number=number):
                    entry = next(text for text in entries if re.match(r"\.B[RI]* \"?%s\b" % option, text))
                    self.assertRegex(entry, r"\b%s\b" % number)

    @unittest.skipUnless(shutil.which("groff"), "groff is not installed")
    def test_groff_has_no_complaint(self):
        for path in sorted(glob.glob(os.path.join(MAN, "*.[0-9]"))):
            with self.subTest(page=os.path.basename(path)):
                done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-z", path], stderr=subprocess.PIPE, text=True,
                                      timeout=e2e.DEADLINE, check=False)
                self.assertEqual((done.returncode, done.stderr), (0, ""))


class Heads(unittest.TestCase):
    """Each C file begins with a comment that says what the file is for, and not where that is said."""

    def test_heads(self):
        for path in tree():
            if path.endswith((".c", ".h")):
                with self.subTest(path=path):
                    head = re.match(r"/\*(.*?)\*/", read(path), re.S)
                    self.assertIsNotNone(head, "no comment at its beginning")
                    self.assertNotRegex(head[1], r"^ See [\w./]+\.h\b")


if __name__ == "__main__":
    e2e.main()
