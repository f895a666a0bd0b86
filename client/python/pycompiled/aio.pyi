from collections.abc import AsyncIterable, AsyncIterator, Iterable
from typing import Any, Optional, Union

from . import PycInvalidationMode, Result, _Cache, _Path, _Place, _Priority

__all__: list[str]

class AsyncClient:
    fallback: bool
    def __init__(self, socket: Optional[_Path] = None, *, daemon: Optional[_Path] = None, autostart: Optional[bool] = None,
                 fallback: bool = False) -> None: ...
    async def __aenter__(self) -> AsyncClient: ...
    async def __aexit__(self, *_: object) -> None: ...
    async def aclose(self) -> None: ...
    async def compile(self, file: _Path, cfile: Optional[_Path] = None, dfile: Optional[_Path] = None, doraise: bool = False,
                      optimize: int = -1, invalidation_mode: Optional[PycInvalidationMode] = None,
                      quiet: int = 0) -> Optional[str]: ...
    def compile_many(self, files: Union[Iterable[_Path], AsyncIterable[_Path]], *, cfile: _Place = None, dfile: _Place = None,
                     optimize: int = -1, invalidation_mode: Optional[PycInvalidationMode] = None,
                     python: Optional[str] = None, force: bool = True, warnings: Optional[Iterable[str]] = None,
                     priority: _Priority = "normal", timeout: Optional[float] = None, cache: _Cache = "use",
                     window: int = 256, fallback: Optional[bool] = None) -> AsyncIterator[Result]: ...
    async def check(self, source: Union[str, bytes, None], filename: _Path = "<string>", *, optimize: int = -1,
                    python: Optional[str] = None, warnings: Optional[Iterable[str]] = None,
                    priority: _Priority = "interactive", timeout: Optional[float] = None,
                    fallback: Optional[bool] = None) -> Result: ...
    async def status(self) -> dict[str, Any]: ...
