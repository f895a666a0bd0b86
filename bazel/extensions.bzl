"""The module extension that makes @pycompiled_local."""

load(":repositories.bzl", "pycompiled_local")

def _installation_impl(_module_ctx):
    pycompiled_local(name = "pycompiled_local")

installation = module_extension(
    implementation = _installation_impl,
    doc = "Finds the installation of pycompiled: $PYCOMPILED_PREFIX, else by PATH.",
)
