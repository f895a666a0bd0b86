"""`python -m pycompiled`, or the folder of the package as a program: py_compile's command line through the daemon."""
import os
import sys

if not __package__:  # run as a folder
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

import pycompiled  # noqa: E402
from pycompiled._program import run_program  # noqa: E402

if sys.version_info < (3, 14):  # later versions name the module in messages: python3.14 -m pycompiled
    sys.argv[0] = os.path.join(os.path.dirname(sys.argv[0]), "pycompiled.py")
run_program("pycompile-client")
sys.exit(pycompiled.main())
