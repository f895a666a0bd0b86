"""From the arguments of Python's functions to requests, and from answers to results."""
import builtins
import contextlib
import importlib.util
import os
import py_compile
import stat
import sys
from py_compile import PyCompileError, PycInvalidationMode

from ._results import CompileWarning, DaemonError, Result

# Error codes of the daemon (proto/openrpc.json.in).
PY_COMPILE_ERROR = -32001
OS_ERROR = -32002
UNAVAILABLE = -32005
# The daemon does not know the request, as one of another build may not: errors of JSON-RPC itself.
_REFUSALS = (-32700, -32600, -32601, -32602)

_MODES = {
    PycInvalidationMode.TIMESTAMP: "timestamp",
    PycInvalidationMode.CHECKED_HASH: "checked-hash",
    PycInvalidationMode.UNCHECKED_HASH: "unchecked-hash",
}
# The version of the running interpreter, which is to import the files. For an interpreter that is not plain CPython,
# this name is one that the daemon has no host for.
_OWN_PYTHON = "%s%d.%d%s" % ("" if sys.implementation.name == "cpython" else sys.implementation.name,
                             *sys.version_info[:2], "t" if "t" in sys.abiflags else "")


class _Request:
    """A request and its answer.

    arguments: the arguments of the Python function, by name. method: None where no request can carry them.
    answer: the daemon's message; DaemonError where there is no daemon; None where this process is to do the work.
    """

    def __init__(self, method, arguments, params=None, cfile=None):
        self.method = method
        self.arguments = arguments
        self.params = params
        self.cfile = cfile
        self.attempts = 0
        self.answer = None

    @property
    def file(self):
        return self.arguments["file"]


def _wire(path):
    """The form of a path in a message: its bytes decoded as UTF-8 with surrogateescape. Raises TypeError or ValueError
    for an object that is no path."""
    text = os.fspath(path)
    if not isinstance(text, str):
        raise TypeError("a path must be str, not %s" % type(text).__name__)
    if "\0" in text:
        raise ValueError("embedded null byte")
    return os.fsencode(text).decode("utf-8", "surrogateescape")


def _unwire(text):
    return os.fsdecode(text.encode("utf-8", "surrogateescape"))


def _umask():
    with contextlib.suppress(OSError, ValueError):
        with open("/proc/self/status", "rb") as file:
            for line in file:
                if line.startswith(b"Umask:"):
                    return int(line[6:], 8)
    mask = os.umask(0o077)  # no /proc: other threads may make a file with this mask meanwhile
    os.umask(mask)
    return mask


def _surroundings():
    """The parameters that py_compile takes from its process: the working directory and the umask."""
    found = {"umask": _umask()}
    with contextlib.suppress(OSError):
        found["cwd"] = _wire(os.getcwd())
    return found


def _optimize(level):
    if not isinstance(level, int) or not -1 <= level <= 2:
        raise ValueError("no optimization level: %r" % (level,))
    return min(sys.flags.optimize, 2) if level < 0 else int(level)


def _mode(mode):
    if mode is None:
        mode = py_compile._get_default_invalidation_mode()
    if mode not in _MODES:
        raise ValueError("no invalidation mode: %r" % (mode,))
    return _MODES[mode]


def _cache_path(file, optimize):
    """The path that py_compile.compile writes to."""
    if optimize < 0:
        return importlib.util.cache_from_source(file)
    return importlib.util.cache_from_source(file, optimization=optimize if optimize >= 1 else "")


def _places(file, cfile, prefix):
    """The folders of a request as this process sees them: a daemon in another mount namespace or root refuses it."""
    found = []
    for path in (file and (os.path.dirname(file) or "."), cfile and (os.path.dirname(_unwire(cfile)) or "."), prefix):
        with contextlib.suppress(OSError, TypeError, ValueError):
            status = os.stat(path)
            if stat.S_ISDIR(status.st_mode):
                found.append("%d:%d:%s" % (status.st_dev, status.st_ino, _wire(path)))
    return found


def _compile_request(arguments, common):
    """The request for arguments of py_compile.compile. `common`: parameters that do not depend on them. Raises TypeError
    or ValueError, as _wire() does, where no request can carry the arguments."""
    file, cfile, optimize = arguments["file"], arguments["cfile"], arguments["optimize"]
    params = dict(common, file=_wire(file), optimize=_optimize(optimize), invalidation_mode=_mode(
        arguments["invalidation_mode"]))
    if cfile is None and common["python"] == _OWN_PYTHON:
        cfile = _cache_path(file, optimize)
    if cfile is not None:
        params["cfile"] = _wire(cfile)
    elif sys.pycache_prefix:
        params["pycache_prefix"] = _wire(sys.pycache_prefix)
    if arguments["dfile"]:
        params["dfile"] = _wire(arguments["dfile"])
    params["places"] = _places(file, params.get("cfile"), params.get("pycache_prefix"))
    if "cwd" not in common and not all(params.get(name, "/").startswith("/") for name in ("file", "cfile")):
        raise ValueError("a relative path, and no working directory")
    return _Request("compile", arguments, params, cfile)


def _many_requests(files, cfile, dfile, optimize, invalidation_mode, python, force, warnings, priority, timeout, cache):
    """A function that makes the request for a file of compile_many(). Arguments that are wrong for all files are refused
    here, once."""
    if isinstance(files, (str, bytes, os.PathLike)):
        raise TypeError("files must be an iterable of paths, not one path")
    if cache not in ("use", "bypass", "refresh"):
        raise ValueError("cache must be 'use', 'bypass' or 'refresh', not %r" % (cache,))
    _optimize(optimize), _mode(invalidation_mode)
    options = {"optimize": optimize, "invalidation_mode": invalidation_mode}
    common = _common_params(python, warnings, priority, timeout, force=bool(force), cache=cache)

    def request(file):
        arguments = dict(options, file=file, cfile=cfile and cfile(file), dfile=dfile and dfile(file))
        try:
            return _compile_request(arguments, common)
        except ValueError:  # no request can carry this path: py_compile raises the error
            return _Request(None, arguments)

    return request


def _check_request(arguments, common):
    source = arguments["source"]
    params = dict(common, file=_wire(arguments["file"]), optimize=_optimize(arguments["optimize"]))
    if source is None:
        params["places"] = _places(arguments["file"], None, None)
    params.pop("umask", None)
    try:
        if isinstance(source, (bytes, bytearray, memoryview)):
            source = importlib.util.decode_source(bytes(source))
        if source is not None:
            source.encode()
            params["source"] = source
    except (SyntaxError, UnicodeError):
        return _Request(None, arguments)
    if source is not None and "\0" in source:
        return _Request(None, arguments)
    return _Request("check", arguments, params)


def _common_params(python=None, warning_options=None, priority="normal", timeout=None, **more):
    """The parameters that do not differ from file to file."""
    options = sys.warnoptions if warning_options is None else warning_options
    params = dict(_surroundings(), python=python or _OWN_PYTHON, warnings=list(options), priority=priority, **more)
    if timeout is not None:
        params["timeout_ms"] = round(timeout * 1000)
    return params


def _stand_in(kind, text):
    """An exception with this text, of a class that cannot be made from a text alone or shows it in another way."""
    class StandIn(kind):
        def __init__(self):
            pass

        def __str__(self):
            return text
    StandIn.__name__ = StandIn.__qualname__ = kind.__name__
    StandIn.__module__ = kind.__module__
    return StandIn()


def _exc_value(name, value):
    """The exception that the compiler raised, from its description."""
    kind = getattr(builtins, name, None)
    if not isinstance(kind, type) or not issubclass(kind, Exception):
        kind = type(name, (Exception,), {})
    message = value.get("msg")
    if issubclass(kind, SyntaxError):
        details = [value.get(key) for key in ("filename", "lineno", "offset", "text", "end_lineno", "end_offset")]
        if details[4:] == [None, None] or sys.version_info < (3, 10):
            del details[4:]
        error = kind(message, tuple(details)) if any(item is not None for item in details) else kind(message)
        error.msg = message  # 3.9 replaces it where the text looks like a print statement
        return error
    with contextlib.suppress(TypeError):
        error = kind(message) if message else kind()
        if str(error) == (message or ""):
            return error
    return _stand_in(kind, message)


def _compile_error(data, file):
    value = _exc_value(data["exc_type_name"], data["exc_value"])
    return PyCompileError(type(value), value, file, data["msg"])


def _os_error(data):
    if data["errno"] is None:  # py_compile's own refusals
        kind = getattr(builtins, data["type"], OSError)
        return kind(data["msg"])
    names = [_unwire(name) if name is not None else None for name in (data["filename"], data.get("filename2"))]
    if names[0] is None:
        return OSError(data["errno"], data["strerror"])
    return OSError(data["errno"], data["strerror"], names[0], None, names[1])


def _daemon_error(error, prefix=""):
    data = error.get("data") or {}
    details = ["%s: %s" % item for item in data.items() if item[0] not in ("reason", "retryable")]
    return DaemonError(prefix + ", ".join([error["message"], *details]), error["code"], data)


def _result(request):
    """The Result for an answered request."""
    arguments, answer = request.arguments, request.answer
    if isinstance(answer, DaemonError):
        return Result(request.file, None, "failed", [], answer)
    error, done = answer.get("error"), answer.get("result")
    described = ((error.get("data") or {}) if error else done).get("warnings", ())
    # Warnings without a category are about -W options: this interpreter has printed them already.
    noted = [CompileWarning(*map(item.get, CompileWarning._fields)) for item in described if item["category"]]
    if error is None:
        cfile = request.cfile
        if cfile is None and done["cfile"] is not None:
            cfile = _unwire(done["cfile"])
        return Result(request.file, cfile, done["outcome"], noted, None)
    if error["code"] == PY_COMPILE_ERROR:
        failure = _compile_error(error["data"], arguments.get("dfile") or request.file)
    elif error["code"] == OS_ERROR:
        failure = _os_error(error["data"])
    elif "exc_type_name" in (error.get("data") or {}):  # py_compile.compile does not catch it
        failure = _exc_value(error["data"]["exc_type_name"], error["data"])
    else:
        failure = _daemon_error(error, "%s: " % (request.file,))
    return Result(request.file, None, "failed", noted, failure)
