"""Results for machines (--output-format) and exit codes of both clients, read by consumers of each format."""
import json
import os
import re
import signal
import subprocess
import urllib.parse
import xml.etree.ElementTree as ET

import e2e_support as e2e
from compileall_support import ANY_VERSION as VERSION, GOOD, Case

BAD = b"def f(:\n    pass\n"
WARNS = b"\nx = 1 is 1\ny = '''%,:\n<\"&>'''\nz = 2 is 2\n"
ODD = os.fsdecode(b"tree/odd%,: <&\">\x01\xff\xef\xbf\xbf.py")
# What GitHub's runner does with a command: actions/runner, ActionCommand.cs.
COMMAND = re.compile(r"^::(?P<command>[\w-]+)(?: (?P<properties>.*?))?::(?P<data>.*)$")


def unescape(text, codes):
    for code in codes:
        text = text.replace(code, chr(int(code[1:], 16)))
    return text.replace("%25", "%")


def read_commands(text):
    for line in text.splitlines():
        match = COMMAND.match(line)
        pairs = dict(pair.split("=", 1) for pair in match["properties"].split(","))
        yield (match["command"], {k: unescape(v, ["%0D", "%0A", "%3A", "%2C"]) for k, v in pairs.items()},
               unescape(match["data"], ["%0D", "%0A"]))


class Results(Case):
    version = VERSION

    def setUp(self):
        super().setUp()
        for name, data in (("tree/bad.py", BAD), ("tree/warns.py", WARNS), ("tree/good.py", GOOD), (ODD, b"x = (\n")):
            self.write(name, data)

    def both(self, output_format, *options):
        """The output of both clients about the same files."""
        names = sorted(e2e.sources_below(self.path("tree")), key=os.fsencode)
        names = [os.path.relpath(name, self.work) for name in names]
        for command, what in (([e2e.COMPILEALL, "-f"], ["tree"]), ([e2e.CLIENT, "-k"], names)):
            done = self.run_one([*command, "--python", VERSION, "--output-format", output_format, *options], what)
            self.assertEqual((done.returncode, done.stderr), (1, b""))
            yield done.stdout

    def test_json(self):
        for said in self.both("json"):
            *lines, last = [json.loads(line) for line in said.splitlines()]
            self.assertEqual(len(lines), 4)
            seconds = last["summary"].pop("seconds")
            self.assertGreaterEqual(seconds, 0)
            done = last["summary"].pop("compiled") + last["summary"].pop("cached")
            self.assertEqual((done, last), (2, {"summary": {"files": 4, "failed": 2, "up-to-date": 0, "checked": 0, "warnings": 2}}))

    def test_json_lines_are_those_of_json(self):
        self.ours("-q", "tree")
        plain = self.ours("--json", "tree").stdout.splitlines()
        lines = self.ours("--output-format", "json", "tree").stdout.splitlines()

        def shape(line):
            answer = json.loads(line)
            return answer["file"], "error" in answer, answer.get("result", {}).get("outcome")

        self.assertEqual([shape(line) for line in lines[:-1]], [shape(line) for line in plain])
        self.assertEqual(json.loads(lines[-1])["summary"]["up-to-date"], 2)

    def test_github(self):
        for said in self.both("github"):
            commands = list(read_commands(said.decode()))
            self.assertEqual([(kind, p["file"], p["title"], data) for kind, p, data in commands if p["file"] == "tree/bad.py"],
                             [("error", "tree/bad.py", "SyntaxError", "invalid syntax")])
            self.assertEqual([(kind, p["line"], p["title"]) for kind, p, _ in commands if p["file"] == "tree/warns.py"],
                             [("warning", "2", "SyntaxWarning"), ("warning", "5", "SyntaxWarning")])
            odd = [p for _, p, data in commands if data == "'(' was never closed"]
            self.assertEqual([(p["file"], p["line"], p["col"]) for p in odd], [(ODD.replace("\udcff", "\\udcff"), "1", "5")])

    def test_gitlab(self):
        for said in self.both("gitlab"):
            found = json.loads(said)
            self.assertEqual(len(found), 4)
            self.assertEqual(len({item["fingerprint"] for item in found}), 4)
            for item in found:
                self.assertEqual(set(item), {"description", "check_name", "fingerprint", "severity", "location"})
                self.assertIn(item["severity"], ("info", "minor", "major", "critical", "blocker"))
                self.assertGreater(item["location"]["lines"]["begin"], 0)
                self.assertFalse(item["location"]["path"].startswith(("./", "/")))
        before = {item["fingerprint"] for item in found}
        self.write("tree/bad.py", b"\n\n" + BAD)
        moved = {item["fingerprint"] for said in self.both("gitlab") for item in json.loads(said)}
        self.assertEqual(moved, before)

    def test_gitlab_without_findings(self):
        done = self.ours("--output-format", "gitlab", "tree/good.py")
        self.assertEqual((done.returncode, json.loads(done.stdout)), (0, []))

    def test_sarif(self):
        for said in self.both("sarif"):
            log = json.loads(said)
            check_sarif(self, log)
            run = log["runs"][0]
            self.assertEqual([rule["id"] for rule in run["tool"]["driver"]["rules"]], ["SyntaxError", "SyntaxWarning"])
            places = [result["locations"][0]["physicalLocation"] for result in run["results"]]
            self.assertIn(os.fsencode(ODD), [urllib.parse.unquote_to_bytes(p["artifactLocation"]["uri"]) for p in places])
            bad = next(p for p in places if p["artifactLocation"]["uri"] == "tree/bad.py")
            self.assertEqual(bad["region"], {"startLine": 1, "startColumn": 7, "endLine": 1, "endColumn": 8})
        absolute = json.loads(self.ours("-f", "--output-format", "sarif", self.path("tree/bad.py")).stdout)
        uri = absolute["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        self.assertEqual(uri, "file://" + self.path("tree/bad.py"))

    def test_sarif_against_the_official_schema(self):
        """Where ajv and the schema are to be had: PYCOMPILED_SARIF_SCHEMA names the file."""
        schema = os.environ.get("PYCOMPILED_SARIF_SCHEMA")
        if not schema:
            self.skipTest("PYCOMPILED_SARIF_SCHEMA is not set")
        import jsonschema
        with open(schema, encoding="utf-8") as file:
            known = json.load(file)
        for said in self.both("sarif"):
            jsonschema.validate(json.loads(said), known)

    def test_junit(self):
        self.ours("-q", "tree/good.py")
        for said in self.both("junit", "-o0"):
            root = ET.fromstring(said)
            suite = root.find("testsuite")
            self.assertEqual([suite.get(name) for name in ("tests", "failures", "errors", "skipped")], ["4", "2", "0", "0"])
            cases = {case.get("file"): case for case in suite}
            self.assertEqual(len(cases), 4)
            self.assertIn(ODD.replace("\udcff", "\\udcff").replace("\x01", "\\x01").replace("\uffff", "\\uffff"), cases)
            failure = cases["tree/bad.py"].find("failure")
            self.assertEqual((failure.get("type"), failure.get("message")), ("SyntaxError", "invalid syntax"))
            self.assertIn("def f(:", failure.text)
            self.assertIn("SyntaxWarning", cases["tree/warns.py"].find("system-err").text)
            self.assertEqual(list(cases["tree/good.py"]), [])

    def test_run_that_ends_early(self):
        """Each document is whole, and says so."""
        readers = {
            "json": lambda text: json.loads(text)["summary"]["error"],
            "github": lambda text: next(read_commands(text))[2],
            "gitlab": lambda text: "no host" if json.loads(text) == [] else None,
            "sarif": lambda text: json.loads(text)["runs"][0]["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"],
            "junit": lambda text: ET.fromstring(text).find("testsuite/testcase/error").get("message"),
        }
        for program in (e2e.COMPILEALL, e2e.CLIENT):
            for name, read in readers.items():
                done = self.run_one([program, "--output-format", name, "-x(" if program == e2e.COMPILEALL else "-q"], ["tree/good.py"],
                                    PYCOMPILED_SOCKET=self.path("none"), PYCOMPILED_AUTOSTART="0")
                with self.subTest(program=program, format=name):
                    self.assertEqual(done.returncode, 1)
                    self.assertRegex(read(done.stdout.decode()), "no daemon|AUTOSTART|autostart|^no host$|pattern")

    def interrupted(self, command, number):
        """The output of a client that gets a signal after its first answer, while it waits for more names."""
        with subprocess.Popen([*command, "--python", VERSION], cwd=self.work, env=self.environment(), stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            process.stdin.write(b"tree/bad.py\n")
            process.stdin.flush()
            first = process.stdout.readline()
            process.send_signal(number)
            said = first + process.stdout.read(), process.stderr.read()
            return process.wait(e2e.DEADLINE), *said

    def test_interrupted(self):
        """The summary says so, and no text stands in or behind the document."""
        for program, names in ((e2e.COMPILEALL, ["-i", "-"]), (e2e.CLIENT, ["-k", "-"])):
            for number, status in ((signal.SIGINT, 3), (signal.SIGTERM, -signal.SIGTERM)):
                with self.subTest(program=program, signal=number):
                    got = self.interrupted([program, "--exit-codes", "--output-format", "json", *names], number)
                    self.assertEqual((got[0], got[2].decode()), (status, os.path.basename(program) + ": interrupted\n"))
                    *answers, last = [json.loads(line) for line in got[1].splitlines()]
                    self.assertEqual([answer["file"] for answer in answers], ["tree/bad.py"])
                    self.assertEqual((last["summary"]["interrupted"], last["summary"]["failed"]), (True, 1))

    def test_interrupted_in_other_formats(self):
        readers = {
            "github": lambda text: [data for _, _, data in read_commands(text)][-1],
            "sarif": lambda text: json.loads(text)["runs"][0]["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"],
            "gitlab": lambda text: "interrupted" if len(json.loads(text)) == 1 else None,
        }
        for program, names in ((e2e.COMPILEALL, ["-i", "-"]), (e2e.CLIENT, ["-k", "-"])):
            for name, read in readers.items():
                with self.subTest(program=program, format=name):
                    got = self.interrupted([program, "--output-format", name, *names], signal.SIGINT)
                    self.assertEqual((got[0], read(got[1].decode())), (1, "interrupted"))

    def test_interrupted_without_results(self):
        """As py_compile, the process ends by the signal."""
        with subprocess.Popen([e2e.CLIENT, "--python", VERSION, "-k", "-"], cwd=self.work, env=self.environment(), stdin=subprocess.PIPE,
                              stderr=subprocess.PIPE) as process:
            process.stdin.write(b"tree/bad.py\n")
            process.stdin.flush()
            process.stderr.readline()
            process.send_signal(signal.SIGINT)
            self.assertEqual(process.wait(e2e.DEADLINE), -signal.SIGINT)

    def test_names_with_a_nul(self):
        """The run ends before such a name, and says so."""
        self.write("names", b"tree/good.py\ntree/b\0ad.py\n")
        readers = {
            "json": lambda text: json.loads(text.splitlines()[-1])["summary"]["error"],
            "junit": lambda text: ET.fromstring(text).find("testsuite/testcase/error").get("message"),
        }
        for name, read in readers.items():
            done = self.ours("--output-format", name, "-i", "names")
            self.assertEqual((done.returncode, read(done.stdout.decode())), (1, "embedded null byte in a name"))

    def test_list_that_is_missing(self):
        for name in ("json", "gitlab", "sarif"):
            done = self.ours("--output-format", name, "-i", "missing")
            self.assertEqual(done.returncode, 1)
            json.loads(done.stdout)
        self.assertEqual(self.ours("-i", "missing").stdout, b"Error reading file list missing\n")

    def test_verbose_counts_cached_files(self):
        self.write("a/one.py", b"'a text of its own'\n")
        self.write("b/one.py", b"'a text of its own'\n")
        self.assertRegex(self.ours("-qv", "a").stderr, rb"^1 files: 1 compiled, 0 up to date, 0 failed; ")
        self.assertRegex(self.ours("-qv", "b").stderr, rb"^1 files: 0 compiled, 1 cached, 0 up to date, 0 failed; ")


class ExitCodes(Case):
    version = VERSION

    def setUp(self):
        super().setUp()
        self.write("good.py", GOOD)
        self.write("bad.py", BAD)
        self.write("slow.py", b"")
        self.write("pyc.py", GOOD)
        os.makedirs(self.path("__pycache__/pyc.cpython-%s.pyc" % VERSION.replace(".", "")))  # no file can be written there

    def status(self, *options, program=e2e.COMPILEALL, **environment):
        both = [self.run_one([program, "--python", VERSION, *more], options, **environment).returncode
                for more in ((), ("--exit-codes",))]
        self.assertEqual(both[0], min(both[1], 1), options)
        return both[1]

    def test_each(self):
        for program in (e2e.COMPILEALL, e2e.CLIENT):
            self.assertEqual(self.status("good.py", program=program), 0)
            self.assertEqual(self.status("bad.py", program=program), 1)
            self.assertEqual(self.status("pyc.py", program=program), 4)
            self.assertEqual(self.status("good.py", program=program, PYCOMPILED_SOCKET=self.path("none"), PYCOMPILED_AUTOSTART="0"), 3
                             if program == e2e.CLIENT else 0)  # it is up to date: no daemon is needed
            self.assertEqual(self.status("--python", "2.7", "good.py", program=program), 3)
        self.assertEqual(self.status("-f", "bad.py", "pyc.py"), 4)
        self.assertEqual(self.status("-k", "bad.py", "pyc.py", program=e2e.CLIENT), 4)
        self.assertEqual(self.status("missing.py", program=e2e.CLIENT), 4)
        self.assertEqual(self.status("missing.py"), 0)
        self.assertEqual(self.status("--strict", "missing.py"), 4)
        self.assertEqual(self.status("-x", "(", "good.py"), 2)
        self.assertEqual(self.status("-i", "missing"), 4)
        self.assertEqual(self.status("-f", "-o7", "good.py"), 2)
        self.assertEqual(self.status("--timing", "missing/t", "good.py"), 3)

    def test_full_output(self):
        for program in (e2e.COMPILEALL, e2e.CLIENT):
            with open("/dev/full", "wb") as full:
                done = subprocess.run([program, "--python", VERSION, "--exit-codes", "--output-format", "sarif", "bad.py"], cwd=self.work,
                                      env=self.environment(), stdout=full, stderr=subprocess.PIPE, timeout=e2e.DEADLINE)
            self.assertEqual(done.returncode, 4)
            self.assertEqual(done.stderr.count(b"standard output"), 1)


def check_sarif(case, log):
    """What SARIF 2.1.0 (sections 3.13 to 3.30) demands of the parts that are used."""
    case.assertLessEqual(set(log), {"$schema", "version", "runs"})
    case.assertEqual(log["version"], "2.1.0")
    for run in log["runs"]:
        case.assertLessEqual(set(run), {"tool", "invocations", "results", "columnKind"})
        case.assertIn(run["columnKind"], ("utf16CodeUnits", "unicodeCodePoints"))
        case.assertIsInstance(run["tool"]["driver"]["name"], str)
        rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
        case.assertEqual(len(rules), len(set(rules)))
        for invocation in run["invocations"]:
            case.assertIsInstance(invocation["executionSuccessful"], bool)
        for result in run["results"]:
            case.assertLessEqual(set(result), {"ruleId", "level", "message", "locations"})
            case.assertIn(result["ruleId"], rules)
            case.assertIn(result["level"], ("none", "note", "warning", "error"))
            case.assertIsInstance(result["message"]["text"], str)
            for location in result["locations"]:
                physical = location["physicalLocation"]
                case.assertRegex(physical["artifactLocation"]["uri"], r"^(?:[\w./~%-]|file:)+$")
                for number in physical.get("region", {}).values():
                    case.assertGreaterEqual(number, 1)


if __name__ == "__main__":
    e2e.main()
