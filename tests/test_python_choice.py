"""The Python that the clients take when none is named: the one that the project asks for, in the documented order."""
import glob
import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest

import e2e_support as e2e


class Choice(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = e2e.Daemon()
        cls.daemon.__enter__()
        cls.addClassCleanup(cls.daemon.__exit__, None, None, None)
        with cls.daemon.connect() as connection:
            pythons = connection.call("status")["result"]["pythons"]
        cls.default = next(item["python"] for item in pythons if item["default"])
        versions = sorted((item["python"] for item in pythons), key=lambda v: int(v.split(".")[1]))
        cls.oldest, cls.other = versions[0], (versions + versions)[len(versions) // 2]

    def setUp(self):
        self.project = os.path.realpath(tempfile.mkdtemp(prefix="pycompiled-test-"))
        self.addCleanup(shutil.rmtree, self.project)
        self.folder = os.path.join(self.project, "src", "pkg")
        self.write("src/pkg/a.py", "x = 1\n")

    def write(self, name, text):
        path = os.path.join(self.project, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def run_client(self, program, *options, **environment):
        return subprocess.run([program, *options, "a.py"], cwd=self.folder, env=dict(self.daemon.environment, **environment),
                              capture_output=True, text=True, timeout=e2e.DEADLINE)

    def expect(self, version, *options, release=None, **environment):
        """Both clients write for that version only, and say which patch release was asked for if the host has another."""
        for program in (e2e.CLIENT, e2e.COMPILEALL):
            shutil.rmtree(os.path.join(self.folder, "__pycache__"), ignore_errors=True)
            done = self.run_client(program, *options, **environment)
            said = done.stderr
            if release is not None:
                said, _, rest = said.partition(" asks for %s; the host compiles as %s" % (release, version))
                self.assertRegex(said, r"^%s: \S+$" % os.path.basename(program))
                said = re.sub(r"^[.\w]* does\n$", "", rest)
            self.assertEqual((done.returncode, said), (0, ""))
            written = [os.path.basename(path) for path in glob.glob(self.folder + "/__pycache__/*")]
            self.assertEqual(written, ["a.cpython-%s.pyc" % version.replace(".", "")])

    def refuse(self, *words, **environment):
        shutil.rmtree(self.folder + "/__pycache__", ignore_errors=True)
        for program in (e2e.CLIENT, e2e.COMPILEALL):
            done = self.run_client(program, **environment)
            self.assertEqual(done.returncode, 1)
            self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
            for word in (*words, "there is one for", self.default):
                self.assertIn(word, done.stderr)
        self.assertFalse(os.path.exists(self.folder + "/__pycache__"))

    def test_nothing_asks(self):
        self.expect(self.default)

    def test_requires_python(self):
        self.write("pyproject.toml", '[build-system]\nrequires-python = "<3"\n[project] # ours\nname = "a"\nrequires-python = ">=3.9"\n')
        self.expect(self.default)
        self.write("pyproject.toml", "[project]\nrequires-python='==%s.*'\n" % self.oldest)
        self.expect(self.oldest)

    def test_requires_python_that_is_not_there(self):
        path = self.write("pyproject.toml", '[project]\nrequires-python = ">=4.0"\n')
        self.refuse('">=4.0"', path)

    def test_python_version(self):
        path = self.write(".python-version", "# a comment\n%s.99\n" % self.other)
        self.expect(self.other, release=self.other + ".99")
        self.write(".python-version", "system\n")
        self.expect(self.default)
        self.write(".python-version", "3.7\n")
        self.refuse("Python 3.7", path)

    def test_names_of_pyenv(self):
        """One that is not understood is refused, not passed over; pyenv's virtual environments and links are followed."""
        root = os.path.join(self.project, "pyenv")
        path = self.write(".python-version", "pypy3.10-7.3\n")
        self.refuse('"pypy3.10-7.3"', path)
        self.write(".python-version", "my-project\n")
        self.refuse('"my-project"', path, PYENV_ROOT=root)
        self.write("pyenv/versions/my-project/pyvenv.cfg", "home = /usr/bin\nversion = %s.1\n" % self.oldest)
        self.expect(self.oldest, PYENV_ROOT=root)
        os.makedirs(root + "/versions/%s.2" % self.other)
        os.symlink("%s.2" % self.other, root + "/versions/linked")
        self.write(".python-version", "linked\n")
        self.expect(self.other, PYENV_ROOT=root)
        self.write(".python-version", "3\n")
        self.expect(self.default)
        self.write(".python-version", "%st\n" % self.oldest)
        self.expect(self.oldest)

    def test_variables(self):
        conda = os.path.join(self.project, "conda")
        self.write("conda/conda-meta/python-%s.1-h1_0_cpython.json" % self.oldest, "{}")
        self.expect(self.oldest, CONDA_PREFIX=conda)
        self.expect(self.oldest, PYENV_VERSION=self.oldest + ":" + self.default)
        self.expect(self.default, PYENV_VERSION="system")
        self.refuse('"graalpy-24"', "$PYENV_VERSION", PYENV_VERSION="graalpy-24")
        self.expect(self.other, UV_PYTHON="cpython@" + self.other, CONDA_PREFIX=conda, PYENV_VERSION=self.oldest)
        self.refuse('"pypy@3.10"', "$UV_PYTHON", UV_PYTHON="pypy@3.10")

    def test_forms_of_the_option(self):
        for text in (self.oldest, "python" + self.oldest, "cpython-%s-linux" % self.oldest):
            self.expect(self.oldest, "--python", text)
            self.expect(self.oldest, PYCOMPILE_PYTHON=text)
        for text in (self.oldest + ".99", "cpython-%s.99-linux" % self.oldest):
            self.expect(self.oldest, "--python", text, release=text)
            self.expect(self.oldest, PYCOMPILE_PYTHON=text, release=text)
        self.expect(self.default, "--python", "3")
        for program in (e2e.CLIENT, e2e.COMPILEALL):
            self.assertIn('"==2.*"', self.run_client(program, "--python", "2").stderr)

    def version_of(self, python):
        """The patch release of the interpreter that the host was built for."""
        with open(e2e.hosts()[python] + ".json", encoding="utf-8") as file:
            return json.load(file)["version"]

    def test_another_patch_release(self):
        """Said once a run, whatever the number of files; not where it is the host's; -q silences it."""
        own = self.version_of(self.oldest)
        path = self.write(".python-version", own + "\n")
        self.expect(self.oldest)
        self.write(".python-version", self.oldest + ".99\n")
        self.write("src/pkg/b.py", "x = 1\n")
        words = "%s asks for %s.99; the host compiles as %s does\n" % (path, self.oldest, own)
        for program in (e2e.CLIENT, e2e.COMPILEALL):
            name = os.path.basename(program) + ": "
            self.assertEqual(self.run_client(program, "b.py").stderr, name + words)
            done = self.run_client(program, "--json", "b.py")
            self.assertEqual((len(done.stdout.splitlines()), done.stderr), (2, name + words))
            self.assertEqual(self.run_client(program, "-q", "b.py").stderr, "")

    def which(self, *options, **environment):
        """What --which-python says after the interpreter, with a daemon and without one; it starts none."""
        place = os.path.join(self.project, "run", "socket")
        said = set()
        for program in (e2e.CLIENT, e2e.COMPILEALL):
            for more in ({}, {"PYCOMPILED_SOCKET": place}):
                done = subprocess.run([program, "--which-python", *options], cwd=self.folder, capture_output=True, text=True,
                                      env=dict(self.daemon.environment, **environment, **more), timeout=e2e.DEADLINE)
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                said.add(done.stdout)
        self.assertFalse(os.path.exists(os.path.dirname(place)))
        self.assertEqual(len(said), 1, said)
        version, interpreter, reason = said.pop().splitlines()
        self.assertEqual(interpreter, "interpreter: %s, version %s" % (e2e.pythons()[version], self.version_of(version)))
        return version, reason.partition("reason: ")[2]

    def test_which_python(self):
        self.assertEqual(self.which(), (self.default, "nothing asks for one, and it is the default"))
        self.assertEqual(self.which("--python", self.oldest), (self.oldest, "--python asks for " + self.oldest))
        self.assertEqual(self.which("--python", "3"), (self.default, '--python allows "==3.*"'))
        self.assertEqual(self.which(PYCOMPILE_PYTHON=self.oldest), (self.oldest, "$PYCOMPILE_PYTHON asks for " + self.oldest))
        self.assertEqual(self.which(UV_PYTHON=self.oldest + ".99"), (self.oldest, "$UV_PYTHON asks for %s.99" % self.oldest))
        path = self.write("pyproject.toml", '[project]\nrequires-python = "==%s.*"\n' % self.oldest)
        self.assertEqual(self.which(), (self.oldest, '%s allows "==%s.*"' % (path, self.oldest)))
        path = self.write(".python-version", self.other + "\n")
        self.assertEqual(self.which(), (self.other, "%s asks for %s" % (path, self.other)))
        self.assertEqual(glob.glob(self.folder + "/__pycache__"), [])
        self.write(".python-version", "3.7\n")
        for program in (e2e.CLIENT, e2e.COMPILEALL):
            done = self.run_client(program, "--which-python")
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertIn("no host for Python 3.7, which %s asks for" % path, done.stderr)

    def test_free_threaded(self):
        """The default build compiles for the free-threaded one, and whoever asks is told."""
        note = ", a free-threaded build, for which the default build compiles"
        self.assertEqual(self.which("--python", self.oldest + "t"), (self.oldest, "--python asks for %st%s" % (self.oldest, note)))
        wish = (self.oldest, "$UV_PYTHON asks for %st%s" % (self.oldest, note))
        self.assertEqual(self.which(UV_PYTHON=self.oldest + "t"), wish)
        self.assertEqual(self.which(UV_PYTHON=self.oldest + "+freethreaded"), wish)
        path = self.write(".python-version", "%s.99t\n" % self.other)
        self.assertEqual(self.which(), (self.other, "%s asks for %s.99t%s" % (path, self.other, note)))
        self.write(".python-version", self.other + "t\n")
        self.expect(self.other)
        path = self.write(".venv/pyvenv.cfg", "home = /nonexistent\nversion = %s.1\n" % self.oldest)
        self.assertEqual(self.which(), (self.oldest, "%s asks for %s" % (path, self.oldest)))
        os.makedirs(os.path.join(os.path.dirname(path), "lib", "python%st" % self.oldest))
        self.assertEqual(self.which(), (self.oldest, "%s asks for %st%s" % (path, self.oldest, note)))
        shutil.rmtree(os.path.dirname(path))
        path = self.write(".python-version", "3.7t\n")
        for program in (e2e.CLIENT, e2e.COMPILEALL):
            done = self.run_client(program, "--which-python")
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertIn("no host for Python 3.7t, nor for the default build of that version, which would do, which %s asks for"
                          % path, done.stderr)

    def test_environment_of_the_project(self):
        self.write(".venv/pyvenv.cfg", "home = /usr/bin\nversion = %s.1\n" % self.other)
        self.expect(self.other)
        self.write(".venv/pyvenv.cfg", "home = /usr/bin\nversion_info = %s.1.final.0\n" % self.oldest)
        self.expect(self.oldest)

    def test_order(self):
        self.write("pyproject.toml", '[project]\nrequires-python = ">=4"\n')
        self.write(".python-version", self.oldest)
        self.expect(self.oldest)
        self.write(".venv/pyvenv.cfg", "version = %s.0\n" % self.other)
        self.expect(self.other)
        self.write("src/.python-version", self.oldest)  # nearer
        self.expect(self.oldest)
        self.write("active/pyvenv.cfg", "version = %s.0\n" % self.default)
        active = os.path.join(self.project, "active")
        self.expect(self.default, VIRTUAL_ENV=active)
        self.expect(self.other, VIRTUAL_ENV=active, PYCOMPILE_PYTHON=self.other)
        self.expect(self.oldest, "--python", self.oldest, VIRTUAL_ENV=active, PYCOMPILE_PYTHON=self.other)

    def test_pycompilectl_tells(self):
        path = self.write(".python-version", self.oldest)
        done = subprocess.run([e2e.CTL, "python"], cwd=self.folder, env=self.daemon.environment, capture_output=True, text=True)
        self.assertIn("%s is what clients ask for here: %s\n" % (self.oldest, path), done.stdout)

    @unittest.skipIf(os.getuid() != 0, "only root can give files away")
    def test_files_of_others(self):
        os.chown(self.write(".python-version", "3.7\n"), 12345, 12345)
        self.expect(self.default)
        os.chown(self.project, 12345, 12345)
        self.write("pyproject.toml", '[project]\nrequires-python = "<3"\n')
        self.expect(self.default)


if __name__ == "__main__":
    e2e.main()
