"""The work of a request in this process, for clients with `fallback` and for arguments that no request can carry."""
import builtins
import py_compile
import warnings
from py_compile import PyCompileError

from ._requests import _OWN_PYTHON, _REFUSALS, UNAVAILABLE
from ._results import CompileWarning, DaemonError, Result


def _check_here(file, source, optimize):
    if source is None:
        with open(file, "rb") as opened:
            source = opened.read()
    try:
        builtins.compile(source, file, "exec", dont_inherit=True, optimize=optimize)
    except Exception as error:
        raise PyCompileError(type(error), error, file) from None


def _result_here(request):
    """The Result of doing the request in this process, with its warnings filters."""
    cfile, error = None, None
    checks = "source" in request.arguments
    with warnings.catch_warnings(record=True) as caught:
        try:
            if checks:
                _check_here(**request.arguments)
            else:
                cfile = py_compile.compile(**request.arguments, doraise=True)
        except Exception as raised:
            error = raised
    noted = [CompileWarning(item.category.__name__, str(item.message), item.filename, item.lineno,
                            warnings.formatwarning(item.message, item.category, item.filename, item.lineno, item.line))
             for item in caught]
    outcome = "failed" if error else "checked" if checks else "compiled"
    return Result(request.file, cfile, outcome, noted, error)


def _is_for_here(request):
    """Whether a client with `fallback` does the request in this process: there is no daemon, or one that cannot do the work
    at all (client/fallback.c:fallback_reason has the same codes)."""
    if request.params["python"] != _OWN_PYTHON:
        return False
    if isinstance(request.answer, DaemonError):
        return True
    return (request.answer.get("error") or {}).get("code") in (UNAVAILABLE, *_REFUSALS)
