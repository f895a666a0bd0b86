"""`python -m pycompiled` and `python -m pycompiled.compileall`: the client programs, where they are installed beside the daemon."""
import os
import sys

from ._daemon import _find_program
from ._requests import _OWN_PYTHON


def _options_of_interpreter():
    """The client's options for what this interpreter was started with. The user's own stand behind them, and prevail."""
    options = ["--python", _OWN_PYTHON]
    for warning in sys.warnoptions:
        options += ["-W", warning]
    return options


def run_program(name):
    """Becomes the client program of that name; returns where there is none, or where it could not do as this interpreter
    does: -I and -E forbid the variables that the program would read."""
    daemon = _find_program()
    program = os.path.join(os.path.dirname(daemon), name) if daemon else ""
    if sys.flags.ignore_environment or not os.access(program, os.X_OK):
        return
    if sys.flags.optimize:
        os.environ["PYTHONOPTIMIZE"] = str(sys.flags.optimize)
    if sys.pycache_prefix:
        os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix
    sys.stdout.flush()
    os.environ.pop("PYTHONWARNINGS", None)  # sys.warnoptions has them
    os.execv(program, [name, *_options_of_interpreter(), *sys.argv[1:]])
