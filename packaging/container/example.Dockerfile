# How an image gets its bytecode from pycompiled, which does not stay in it. BASE is the image that pycompiled was built for.
ARG BASE=python:3.13-bookworm
ARG PYCOMPILED=pycompiled

FROM ${PYCOMPILED} AS pycompiled

FROM ${BASE} AS compiled
COPY --from=pycompiled /opt/pycompiled /opt/pycompiled
# COPY, pip install --no-compile: whatever the image holds comes here. Then, with the interpreter of the image:
RUN /opt/pycompiled/bin/pycompileall-client -q --python "$(command -v python3)" \
        "$(python3 -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')" \
    ; /opt/pycompiled/bin/pycompilectl stop \
    ; rm -rf /opt/pycompiled /root/.cache/pycompiled /tmp/pycompiled-*

FROM scratch
COPY --from=compiled / /
