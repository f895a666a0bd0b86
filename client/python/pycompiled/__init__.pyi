# The types of the package; tests/python_api_cases.py compares them with what is defined.
import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal, NamedTuple, Optional, Union
from py_compile import PyCompileError as PyCompileError, PycInvalidationMode as PycInvalidationMode

from .aio import AsyncClient as AsyncClient
from .compileall import compile_dir as compile_dir, compile_file as compile_file, compile_path as compile_path

_Path = Union[str, os.PathLike[str]]
_Place = Optional[Callable[[Any], Optional[_Path]]]
_Priority = Literal["interactive", "normal", "background"]
_Cache = Literal["use", "bypass", "refresh"]

__version__: str
PY_COMPILE_ERROR: int
OS_ERROR: int
UNAVAILABLE: int
__all__: list[str]

class DaemonError(Exception):
    code: Optional[int]
    data: dict[str, Any]
    def __init__(self, message: str, code: Optional[int] = None, data: Optional[dict[str, Any]] = None) -> None: ...

class CompileWarning(NamedTuple):
    category: str
    message: str
    filename: str
    lineno: int
    text: str

class Diagnostic(NamedTuple):
    severity: Literal["error", "warning"]
    category: str
    message: str
    filename: str
    lineno: Optional[int]
    offset: Optional[int]
    end_lineno: Optional[int]
    end_offset: Optional[int]

class Result(NamedTuple):
    file: Any
    cfile: Optional[str]
    outcome: Literal["compiled", "up-to-date", "cached", "checked", "failed"]
    warnings: list[CompileWarning]
    error: Optional[Exception]
    @property
    def diagnostics(self) -> list[Diagnostic]: ...

class Client:
    socket: Optional[_Path]
    daemon: Optional[_Path]
    autostart: Optional[bool]
    fallback: bool
    def __init__(self, socket: Optional[_Path] = None, *, daemon: Optional[_Path] = None, autostart: Optional[bool] = None,
                 fallback: bool = False) -> None: ...
    def __enter__(self) -> Client: ...
    def __exit__(self, *_: object) -> None: ...
    def close(self) -> None: ...
    def compile(self, file: _Path, cfile: Optional[_Path] = None, dfile: Optional[_Path] = None, doraise: bool = False,
                optimize: int = -1, invalidation_mode: Optional[PycInvalidationMode] = None,
                quiet: int = 0) -> Optional[str]: ...
    def compile_many(self, files: Iterable[_Path], *, cfile: _Place = None, dfile: _Place = None, optimize: int = -1,
                     invalidation_mode: Optional[PycInvalidationMode] = None, python: Optional[str] = None, force: bool = True,
                     warnings: Optional[Iterable[str]] = None, priority: _Priority = "normal",
                     timeout: Optional[float] = None, cache: _Cache = "use", window: int = 256,
                     fallback: Optional[bool] = None) -> Iterator[Result]: ...
    def check(self, source: Union[str, bytes, None], filename: _Path = "<string>", *, optimize: int = -1,
              python: Optional[str] = None, warnings: Optional[Iterable[str]] = None, priority: _Priority = "interactive",
              timeout: Optional[float] = None, fallback: Optional[bool] = None) -> Result: ...
    def status(self) -> dict[str, Any]: ...

def compile(file: _Path, cfile: Optional[_Path] = None, dfile: Optional[_Path] = None, doraise: bool = False,
            optimize: int = -1, invalidation_mode: Optional[PycInvalidationMode] = None, quiet: int = 0) -> Optional[str]: ...
def compile_many(files: Iterable[_Path], **options: Any) -> Iterator[Result]: ...
def check(source: Union[str, bytes, None], filename: _Path = "<string>", **options: Any) -> Result: ...
def main() -> int: ...
