"""Rules that compile Python sources with pycompile-worker.

`pyc_library` compiles sources by itself. `pycompile_binary` makes an executable that rules_python takes as its
precompiler. docs/bazel.md tells how both are used.
"""

# What Bazel may do with the worker. Protocol buffers are Bazel's default protocol, and need no flag in any version.
_REQUIREMENTS = {
    "supports-workers": "1",
    "supports-multiplex-workers": "1",
    "supports-multiplex-sandboxing": "1",
    "supports-worker-cancellation": "1",
}

def _cache_tag(python_version):
    return "cpython-" + python_version.replace(".", "")

def _pyc_path(source, package, python_version, optimize):
    """The path of the .pyc below the package, as CPython names it."""
    path = source.short_path
    if path.startswith("../"):  # of another repository: ../REPOSITORY/PATH
        path = path[path.index("/", 3) + 1:]
    if package and path.startswith(package + "/"):
        path = path[len(package) + 1:]
    folder, _, name = path.rpartition("/")
    level = ".opt-%d" % optimize if optimize > 0 else ""
    cached = "__pycache__/%s.%s%s.pyc" % (name[:-len(".py")], _cache_tag(python_version), level)
    return folder + "/" + cached if folder else cached

def _mode(ctx):
    if ctx.attr.invalidation_mode != "auto":
        return ctx.attr.invalidation_mode
    return "unchecked_hash" if ctx.var["COMPILATION_MODE"] == "opt" else "checked_hash"

def _compile(ctx, source):
    version, optimize = ctx.attr.python_version, ctx.attr.optimize
    pyc = ctx.actions.declare_file(_pyc_path(source, ctx.label.package, version, optimize))
    arguments = ctx.actions.args()
    arguments.set_param_file_format("multiline")
    arguments.use_param_file("@%s", use_always = True)  # a worker takes its requests from such a file
    arguments.add("--python_version", version)
    if ctx.attr.magic_number:
        arguments.add("--magic_number", str(ctx.attr.magic_number))
    arguments.add("--invalidation_mode", _mode(ctx))
    arguments.add("--optimize", str(optimize))
    arguments.add("--src", source)
    arguments.add("--src_name", source.short_path)
    arguments.add("--pyc", pyc)
    ctx.actions.run(
        executable = ctx.executable.worker,
        arguments = [arguments],
        inputs = [source],
        outputs = [pyc],
        mnemonic = "PyCompile",
        progress_message = "Compiling " + source.short_path,
        execution_requirements = _REQUIREMENTS,
    )
    return pyc

def _pyc_library_impl(ctx):
    pycs = [_compile(ctx, source) for source in ctx.files.srcs]
    return [DefaultInfo(
        files = depset(pycs),
        runfiles = ctx.runfiles(files = ctx.files.srcs + pycs),
    )]

pyc_library = rule(
    implementation = _pyc_library_impl,
    doc = "Compiles Python sources to .pyc files in __pycache__, one action for each source.",
    attrs = {
        "srcs": attr.label_list(
            doc = "The sources.",
            allow_files = [".py"],
            mandatory = True,
        ),
        "python_version": attr.string(
            doc = "The version to compile for, such as 3.13. If the worker cannot serve it, the build fails.",
            mandatory = True,
        ),
        "magic_number": attr.int(
            doc = "The magic number that the files must have, such as 3571; if the worker cannot serve it, the build " +
                  "fails. 0: any of that version.",
            default = 0,
        ),
        "optimize": attr.int(
            doc = "The optimization level: -1 or 0, 1 (without assertions), 2 (also without docstrings).",
            default = -1,
            values = [-1, 0, 1, 2],
        ),
        "invalidation_mode": attr.string(
            doc = "How a .pyc is checked against its source. auto: unchecked_hash with -c opt, else checked_hash.",
            default = "auto",
            values = ["auto", "checked_hash", "unchecked_hash"],
        ),
        "worker": attr.label(
            doc = "The worker.",
            default = "@pycompiled_local//:pycompile_worker",
            executable = True,
            cfg = "exec",
        ),
    },
)

def _pycompile_binary_impl(ctx):
    link = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.symlink(output = link, target_file = ctx.executable.worker, is_executable = True)
    return [
        DefaultInfo(
            executable = link,
            runfiles = ctx.runfiles().merge(ctx.attr.worker[DefaultInfo].default_runfiles),
        ),
        testing.ExecutionInfo(dict(_REQUIREMENTS, **{"requires-worker-protocol": ctx.attr.protocol})),
    ]

pycompile_binary = rule(
    implementation = _pycompile_binary_impl,
    doc = "The worker as a precompiler for rules_python: py_exec_tools_toolchain(precompiler = ...).",
    executable = True,
    attrs = {
        "protocol": attr.string(
            doc = "The encoding of requests.",
            default = "json",
            values = ["json", "proto"],
        ),
        "worker": attr.label(
            doc = "The worker.",
            default = "@pycompiled_local//:pycompile_worker",
            executable = True,
            cfg = "exec",
        ),
    },
)
