"""A registry of Bazel modules without a network: every module that a build asks for is there, and is empty.

Bazel's own tools depend on modules that no build here uses. Bazel reads their names from a registry all the same."""
import os
import re


class Registry:
    def __init__(self, folder):
        self.folder = folder
        os.makedirs(os.path.join(folder, "empty"))
        self.write("bazel_registry.json", "{}")
        self.write("empty/BUILD.bazel", "")

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="ascii") as file:
            file.write(text)

    def url(self):
        return "file://" + self.folder

    def add_missing(self, said):
        """Adds the module that Bazel's words miss. Returns whether they miss one."""
        missing = re.search(r"module ([\w.-]+)@([\w.-]+) not found in registries", said)
        if missing is None:
            return False
        name, version = missing.groups()
        self.write("modules/%s/%s/MODULE.bazel" % (name, version), 'module(name = "%s", version = "%s")\n' % (name, version))
        self.write("modules/%s/%s/source.json" % (name, version), '{"type": "local_path", "path": "%s/empty"}\n' % self.folder)
        return True
