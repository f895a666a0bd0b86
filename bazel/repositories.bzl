"""The repository @pycompiled_local: the programs of an installation of pycompiled on this machine."""

_BUILD = """\
load("@pycompiled//:installed.bzl", "installed_worker")

package(default_visibility = ["//visibility:public"])

# All that the worker needs beside itself, so that it also works where only the inputs of an action are.
filegroup(
    name = "programs",
    srcs = glob(["bin/pycompiled", "libexec/pycompiled/*"]),
)

installed_worker(
    name = "pycompile_worker",
    program = "bin/pycompile-worker",
    data = [":programs"],
)
"""

def _find_prefix(repository_ctx):
    given = repository_ctx.attr.prefix or repository_ctx.os.environ.get("PYCOMPILED_PREFIX", "")
    if given:
        return repository_ctx.path(given)
    found = repository_ctx.which("pycompile-worker")
    if not found:
        fail("pycompile-worker is not in PATH; install pycompiled, or set PYCOMPILED_PREFIX to where it is installed")
    return found.dirname.dirname

def _pycompiled_local_impl(repository_ctx):
    prefix = _find_prefix(repository_ctx)
    for name in ["pycompile-worker", "pycompiled"]:
        repository_ctx.symlink(prefix.get_child("bin").get_child(name), "bin/" + name)
    for program in prefix.get_child("libexec").get_child("pycompiled").readdir():
        repository_ctx.symlink(program, "libexec/pycompiled/" + program.basename)
    repository_ctx.file("BUILD.bazel", _BUILD)

pycompiled_local = repository_rule(
    implementation = _pycompiled_local_impl,
    doc = "Links the programs of an installation.",
    attrs = {
        "prefix": attr.string(
            doc = "The folder that holds bin/ and libexec/. Default: $PYCOMPILED_PREFIX, else found by PATH.",
        ),
    },
    environ = ["PATH", "PYCOMPILED_PREFIX"],
    local = True,
)
