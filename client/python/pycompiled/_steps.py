"""py_compile.compile as a sequence of requests, which the client that blocks and the one of asyncio send in their own ways."""
import sys
from py_compile import PyCompileError

from ._filters import _error_option, _failed_warning, _issue, _warnings_may_raise
from ._requests import _common_params, _compile_request, _Request

# The value that a generator below returns where this process is to compile.
HERE = object()


def _compile_steps(arguments, doraise, quiet):
    """Generator: yields a request, takes its Result, or None where this process is to do the work, and returns what
    py_compile.compile returns, or HERE. It raises and prints what py_compile.compile raises and prints."""
    try:
        request = _compile_request(arguments, _common_params(warning_options=["always"]))
    except (TypeError, ValueError):
        return HERE  # py_compile raises the right exception
    result = yield from _warned_steps(request)
    if result is None:
        return HERE
    if isinstance(result.error, PyCompileError):
        if quiet < 2:
            if doraise:
                raise result.error
            sys.stderr.write(result.error.msg + "\n")
    elif result.error is not None:
        raise result.error
    return result.cfile


def _warned_steps(request):
    """As _compile_steps(), with a Result or None as its value: issues the warnings of the compiler.

    The daemon reports all warnings, and this process's filters judge them. Where a filter may turn one into an error, the
    source is checked first, and then compiled with the -W option for that one warning: the daemon then writes no .pyc, and
    the error has its place in the source."""
    may_raise = _warnings_may_raise()
    if may_raise:
        look = yield _Request("check", request.arguments, request.params)
        if look is None:
            return None
        culprit, error = _issue(look.warnings)
        if isinstance(error, Warning):
            request.params["warnings"].append(_error_option(culprit))
        elif error is not None:
            return _failed_warning(request, error)
    result = yield request
    if result is not None and not may_raise:
        error = _issue(result.warnings)[1]
        if error is not None:
            return _failed_warning(request, error)
    return result
