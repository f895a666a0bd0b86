"""An executable target for a program that is installed already."""

# The program looks for the other programs beside itself. On this machine its runfiles are links, and the installation is beside it;
# at a remote executor they are files, and hold all that it needs.
_LAUNCHER = """\
#!/bin/sh
program="$0.runfiles/{path}"
[ -e "$program" ] || program="$RUNFILES_DIR/{path}"
exec "$program" "$@"
"""

def _runfiles_path(ctx, file):
    path = file.short_path
    return path[len("../"):] if path.startswith("../") else ctx.workspace_name + "/" + path

def _installed_worker_impl(ctx):
    launcher = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.write(launcher, _LAUNCHER.format(path = _runfiles_path(ctx, ctx.file.program)), is_executable = True)
    files = [ctx.file.program] + ctx.files.data
    return [DefaultInfo(executable = launcher, runfiles = ctx.runfiles(files = files))]

installed_worker = rule(
    implementation = _installed_worker_impl,
    executable = True,
    attrs = {
        "program": attr.label(allow_single_file = True, mandatory = True),
        "data": attr.label_list(allow_files = True),
    },
)
