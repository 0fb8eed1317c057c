"""What a vendor has written down survives its own sudden end."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson


class Journal:
    """Lines of JSON that are in the file before we go on.

    Args:
        path: None for lines that nobody needs after us.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._file = None
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("a+b")

    def append(self, line: Mapping[str, Any]) -> None:
        """Write one line."""
        if self._file is not None:
            self._file.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
            self._file.flush()

    def read(self) -> Iterator[dict[str, Any]]:
        """All whole lines; a half-written last one is cut off."""
        if self._file is None:
            return
        self._file.seek(0)
        end = 0
        for line in self._file:
            if not line.endswith(b"\n"):
                self._file.truncate(end)
                return
            end += len(line)
            yield orjson.loads(line)

    def replace(self, lines: Iterable[Mapping[str, Any]]) -> None:
        """Have these lines and no others; a sudden end meanwhile leaves those that there were."""
        if self._file is None or self._path is None:
            return
        fresh = self._path.with_name(f"{self._path.name}.new")
        with fresh.open("wb") as file:
            for line in lines:
                file.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
        fresh.replace(self._path)
        self._file.close()
        self._file = self._path.open("a+b")

    def clear(self) -> None:
        """Forget all lines."""
        if self._file is not None:
            self._file.truncate(0)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
