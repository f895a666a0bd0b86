# How an image gets its bytecode from pycompiled, which leaves nothing else in it (BuildKit or buildah, for the mount). BASE is the image that pycompiled was built for.
ARG BASE=python:3.13-bookworm
ARG PYCOMPILED=pycompiled

FROM ${PYCOMPILED} AS pycompiled

FROM ${BASE}
# COPY, pip install --no-compile: whatever the image holds comes here. Then, with the interpreter of the image:
RUN --mount=type=bind,from=pycompiled,source=/opt/pycompiled,target=/opt/pycompiled \
    export PATH="/opt/pycompiled/bin:$PATH" XDG_CACHE_HOME=/tmp/cache; \
    pycompileall-client -q --python "$(command -v python3)" "$(python3 -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')"; \
    status=$?; pycompilectl stop; rm -rf /tmp/cache /tmp/pycompiled-*; exit $status
