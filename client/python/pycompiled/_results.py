"""What the module hands to its callers: results, diagnostics, warnings, and its own exception."""
import collections
from py_compile import PyCompileError


class DaemonError(Exception):
    """The failure is not about the source or the file system: no daemon can be had, or it could not do this job
    (the source crashed a compiler or took too long, or there is no host of that version).

    code: the daemon's error code (proto/openrpc.json.in), or None where there was no answer.
    data: the error's data from the daemon, a dict.
    """

    __module__ = "pycompiled"

    def __init__(self, message, code=None, data=None):
        super().__init__(message)
        self.code = code
        self.data = data or {}


class CompileWarning(collections.namedtuple("CompileWarning", "category message filename lineno text")):
    """A warning of the compiler. category: the name of its class; text: as `python -m py_compile` prints it."""
    __slots__ = ()
    __module__ = "pycompiled"


class Diagnostic(collections.namedtuple("Diagnostic", "severity category message filename lineno offset "
                                                      "end_lineno end_offset")):
    """An error or a warning in one form. severity: "error" or "warning"; category: the name of the exception's
    class; lines and offsets as SyntaxError has them (from 1), None where not known."""
    __slots__ = ()
    __module__ = "pycompiled"


class Result(collections.namedtuple("Result", "file cfile outcome warnings error")):
    """The outcome for one file.

    file: the file, as it was given. cfile: the .pyc's path, None where there is none.
    outcome: "compiled", "up-to-date", "cached", "checked", or "failed".
    warnings: a list of CompileWarning. error: None, or an exception, not raised: PyCompileError, OSError (of the type
    and with the errno and filename that py_compile.compile raises), DaemonError, or ValueError (a path with a NUL,
    code that marshal refuses).
    """
    __slots__ = ()
    __module__ = "pycompiled"

    @property
    def diagnostics(self):
        """Warnings and error as a list of Diagnostic."""
        found = [Diagnostic("warning", w.category, w.message, w.filename, w.lineno, None, None, None)
                 for w in self.warnings]
        error = self.error
        if error is None:
            return found
        value = error.exc_value if isinstance(error, PyCompileError) else error
        place = [getattr(value, name, None) for name in ("lineno", "offset", "end_lineno", "end_offset")]
        message = value.msg if isinstance(value, SyntaxError) else str(value)
        filename = getattr(value, "filename", None) or self.file
        return found + [Diagnostic("error", type(value).__name__, message, filename, *place)]
