"""The compiler's warnings under the filters of this process, as py_compile issues them."""
import builtins
import warnings
from py_compile import PyCompileError

from ._results import Result

# The categories of the compiler's warnings.
_CATEGORIES = (SyntaxWarning, DeprecationWarning)


def _warnings_may_raise():
    """Whether this process turns some warning of the compiler into an error."""
    get_filters = getattr(warnings, "_get_filters", None)  # 3.14: those of the context come before those of the module
    filters = get_filters() if get_filters else warnings.filters
    return warnings.defaultaction == "error" or any(
        item[0] == "error" and any(issubclass(category, item[2]) for category in _CATEGORIES) for item in filters)


def _issue(noted):
    """Issues warnings as the compiler does, by this process's filters and showwarning(). Returns the warning that raised
    an exception, and the exception; else two Nones."""
    for item in noted:
        category = getattr(builtins, item.category, None)
        if not isinstance(category, type) or not issubclass(category, Warning):
            category = UserWarning
        try:
            warnings.warn_explicit(item.message, category, item.filename, item.lineno)
        except Exception as error:
            return item, error
    return None, None


def _error_option(noted):
    """The -W option that turns this warning into an error."""
    prefix = noted.message.partition(":")[0]  # a colon would end it
    return "error:%s:%s::%d" % (prefix, noted.category, noted.lineno)


def _failed_warning(request, error):
    """The Result where showing a warning raised an exception, as py_compile reports it."""
    name = request.arguments["dfile"] or request.file
    return Result(request.file, None, "failed", [], PyCompileError(type(error), error, name))
