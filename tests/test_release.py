"""tools/release: the source archive, and what is refused."""
import filecmp
import os
import shutil
import subprocess
import tempfile
import unittest

import e2e_support as e2e

TOP = os.path.dirname(e2e.SOURCE)


def run(command, **options):
    return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=e2e.DEADLINE, check=False, **options)


class TestRelease(unittest.TestCase):
    def setUp(self):
        if not os.path.isdir(os.path.join(TOP, "debian")):
            self.skipTest("no debian/, as in a source archive")
        if run(["python3", "-c", "import lzma"]).returncode != 0:
            self.skipTest("python3 has no lzma")
        self.scratch = tempfile.mkdtemp(prefix="pycompiled-test-")
        self.addCleanup(shutil.rmtree, self.scratch, ignore_errors=True)
        self.tree = self.copy("tree")

    def copy(self, name):
        """A copy of the sources, which is no checkout."""
        return e2e.copy_sources(os.path.join(self.scratch, name))

    def release(self, *arguments, tree=None, **environment):
        return run([os.path.join(tree or self.tree, "tools", "release"), *arguments], env=dict(os.environ, **environment))

    def commit(self):
        if shutil.which("git") is None:
            self.skipTest("no git")
        git = ["git", "-C", self.tree, "-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "commit.gpgsign=false"]
        for command in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "x"]):
            done = run(git + command)
            self.assertEqual(done.returncode, 0, done.stdout)

    def edit(self, name, old, new):
        path = os.path.join(self.tree, name)
        with open(path, encoding="utf-8") as file:
            content = file.read()
        self.assertIn(old, content)
        with open(path, "w", encoding="utf-8") as file:
            file.write(content.replace(old, new, 1))

    def test_source_is_reproducible(self):
        """From another folder, with other modes and times of files, in another time zone."""
        one, other = os.path.join(self.scratch, "one"), os.path.join(self.scratch, "other")
        done = self.release("--dirty", "--only", "source", "--out", one)
        self.assertEqual(done.returncode, 0, done.stdout)
        tree = shutil.copytree(self.tree, os.path.join(self.scratch, "elsewhere"), symlinks=True)
        os.chmod(os.path.join(tree, "README.md"), 0o600)
        os.utime(os.path.join(tree, "README.md"), (1, 1))
        done = self.release("--dirty", "--only", "source", "--out", other, tree=tree, TZ="Asia/Tokyo")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertTrue(filecmp.cmp(os.path.join(one, "SHA256SUMS"), os.path.join(other, "SHA256SUMS"), shallow=False))
        self.assertEqual(run(["sha256sum", "-c", "SHA256SUMS"], cwd=one).returncode, 0)

    def test_source_has_the_tree(self):
        out = os.path.join(self.scratch, "out")
        self.release("--dirty", "--only", "source", "--out", out)
        (name,) = [name for name in os.listdir(out) if name.endswith(".tar.xz")]
        shutil.unpack_archive(os.path.join(out, name), self.scratch)
        unpacked = os.path.join(self.scratch, name[:-len(".tar.xz")])
        for path in "meson.build", "daemon/main.c", "tests/test_release.py", "tools/quickstart":
            self.assertTrue(os.path.isfile(os.path.join(unpacked, path)), path)
        self.assertTrue(os.access(os.path.join(unpacked, "tools", "quickstart"), os.X_OK))
        self.assertFalse(os.path.exists(os.path.join(unpacked, "debian")))

    def test_no_checkout_is_refused(self):
        done = self.release("--check")
        self.assertEqual(done.returncode, 1)
        self.assertIn("no checkout of git", done.stdout)

    def test_dirty_tree_is_refused(self):
        self.commit()
        self.assertEqual(self.release("--check").returncode, 0)
        self.edit("README.md", "#", "##")
        done = self.release("--check")
        self.assertEqual(done.returncode, 1)
        self.assertIn("not committed", done.stdout)
        self.assertIn("README.md", done.stdout)
        self.assertEqual(self.release("--check", "--dirty").returncode, 0)

    def test_other_version_is_refused(self):
        for name, old, new in (("debian/changelog", "(0.", "(9."), ("CHANGELOG.md", "## [0.", "## [9."),
                               ("packaging/rpm/pycompiled.spec", "Version:        0.", "Version:        9."),
                               ("docs/man/pycompilectl.1", "pycompiled 0.", "pycompiled 9."),
                               ("pyproject.toml", "dynamic = ['version']", "version = '9'")):
            with self.subTest(file=name):
                self.edit(name, old, new)
                done = self.release("--check", "--dirty")
                self.assertEqual(done.returncode, 1)
                self.assertIn(name, done.stdout)
                self.edit(name, new, old)


if __name__ == "__main__":
    e2e.main()
