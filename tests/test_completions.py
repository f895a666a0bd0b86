"""The completions of bash, zsh and fish: each option that a program's --help names is offered."""
import os
import re
import shutil
import subprocess
import unittest

import e2e_support as e2e

FOLDER = os.path.join(e2e.SOURCE, "..", "completions")
BIN = os.path.dirname(e2e.CLIENT)
PROGRAMS = [e2e.DAEMON, e2e.CLIENT, e2e.COMPILEALL, e2e.CTL, os.path.join(BIN, "pycompile-lsp")]
OPTION = re.compile(r"(?<![\w/,=$.{-])(--?[A-Za-z][\w-]*)")


def help_of(*command):
    return subprocess.run([*command, "--help"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True, text=True).stdout


def commands():
    return re.findall(r"(?m)^  (\w+)  ", help_of(e2e.CTL).partition("commands:")[2].partition("\noptions:")[0])


def lines():
    """Command lines that end in a dash, each with the options that have to be offered."""
    for command in [[program] for program in PROGRAMS] + [[e2e.CTL, name] for name in commands()]:
        entries = re.findall(r"(?m)^  (-.*?)(?:  |$)", help_of(*command))
        yield command, {option for entry in entries for option in OPTION.findall(entry)}


def needs(program):
    return unittest.skipUnless(shutil.which(program), program + " is not installed")


class Bash(unittest.TestCase):
    SCRIPT = ('source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _pycompiled; '
              'printf "%s\\n" "${COMPREPLY[@]}"')

    def complete(self, *words):
        run = subprocess.run(["bash", "-c", self.SCRIPT, "bash", os.path.join(FOLDER, "pycompiled.bash"), *words],
                             stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=FOLDER)
        self.assertEqual(run.stderr, "")
        return run.stdout.split("\n")[:-1]

    def test_options(self):
        for command, options in lines():
            with self.subTest(command=command):
                self.assertLessEqual(options, set(self.complete(*command, "-")))

    def test_commands(self):
        self.assertEqual(set(self.complete(e2e.CTL, "")), set(commands()))
        self.assertEqual(self.complete(e2e.CTL, "met"), ["metrics"])

    def test_values_and_files(self):
        modes = self.complete(e2e.COMPILEALL, "--invalidation-mode", "")
        self.assertEqual(set(modes), {"checked-hash", "timestamp", "unchecked-hash"})
        self.assertEqual(self.complete(e2e.CLIENT, "pycompiled.b"), ["pycompiled.bash"])


class Zsh(unittest.TestCase):
    @needs("zsh")
    def test_options(self):
        script = "compadd() { shift; print -l -- $@ }; _files() { : }; words=($@[2,-1]); CURRENT=$#words; source $1"
        for command, options in lines():
            with self.subTest(command=command):
                run = subprocess.run(["zsh", "-fc", script, "zsh", os.path.join(FOLDER, "_pycompiled"), *command, "-"],
                                     stdin=subprocess.DEVNULL, capture_output=True, text=True)
                self.assertLessEqual(options, set(run.stdout.split("\n")), run.stderr)


class Fish(unittest.TestCase):
    @needs("fish")
    def test_options(self):
        folders = os.pathsep.join({os.path.dirname(program) for program in PROGRAMS})
        for command, options in lines():
            with self.subTest(command=command):
                line = " ".join([os.path.basename(command[0]), *command[1:], "-"])
                run = subprocess.run(["fish", "--no-config", "-c", 'source $argv[1]; complete -C "$argv[2]"',
                                      os.path.join(FOLDER, "pycompiled.fish"), line], capture_output=True, text=True,
                                     env=dict(os.environ, PATH=folders + os.pathsep + os.environ["PATH"]))
                offered = {line.split("\t")[0] for line in run.stdout.split("\n")}
                self.assertLessEqual(options, offered, run.stderr)


class Syntax(unittest.TestCase):
    def test_bash(self):
        subprocess.run(["bash", "-n", os.path.join(FOLDER, "pycompiled.bash")], check=True)

    def test_all_programs(self):
        for name in ("pycompiled.bash", "_pycompiled", "pycompiled.fish"):
            with open(os.path.join(FOLDER, name), encoding="utf-8") as file:
                text = file.read()
            for program in PROGRAMS + ["pycompile-worker"]:
                self.assertIn(os.path.basename(program), text)


if __name__ == "__main__":
    e2e.main()
