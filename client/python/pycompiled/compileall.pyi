from re import Pattern
from typing import Iterable, Optional, Union

from . import PycInvalidationMode, _Path

__all__: list[str]

def compile_dir(dir: _Path, maxlevels: Optional[int] = None, ddir: Optional[_Path] = None, force: bool = False,
                rx: Optional[Pattern[str]] = None, quiet: int = 0, legacy: bool = False,
                optimize: Union[int, Iterable[int]] = -1, workers: int = 1,
                invalidation_mode: Optional[PycInvalidationMode] = None, *, stripdir: Optional[_Path] = None,
                prependdir: Optional[_Path] = None, limit_sl_dest: Optional[_Path] = None,
                hardlink_dupes: bool = False) -> bool: ...
def compile_file(fullname: _Path, ddir: Optional[_Path] = None, force: bool = False, rx: Optional[Pattern[str]] = None,
                 quiet: int = 0, legacy: bool = False, optimize: Union[int, Iterable[int]] = -1,
                 invalidation_mode: Optional[PycInvalidationMode] = None, *, stripdir: Optional[_Path] = None,
                 prependdir: Optional[_Path] = None, limit_sl_dest: Optional[_Path] = None,
                 hardlink_dupes: bool = False) -> bool: ...
def compile_path(skip_curdir: bool = ..., maxlevels: int = 0, force: bool = False, quiet: int = 0, legacy: bool = False,
                 optimize: Union[int, Iterable[int]] = -1,
                 invalidation_mode: Optional[PycInvalidationMode] = None) -> bool: ...
def main() -> bool: ...
