"""An executable target for a program that is installed already."""

def _installed_worker_impl(ctx):
    # An executable must be an output of its rule: a link, whose place is beside the program's own, since the program
    # looks for the other programs from there.
    link = ctx.actions.declare_file("bin/" + ctx.label.name)
    ctx.actions.symlink(output = link, target_file = ctx.file.program, is_executable = True)
    files = [ctx.file.program] + ctx.files.data
    return [DefaultInfo(executable = link, runfiles = ctx.runfiles(files = files))]

installed_worker = rule(
    implementation = _installed_worker_impl,
    executable = True,
    attrs = {
        "program": attr.label(allow_single_file = True, mandatory = True),
        "data": attr.label_list(allow_files = True),
    },
)
