"""The one exception of the package."""

from __future__ import annotations

from typing import Any, Optional


class ChromeSocketError(OSError):
    """A call that failed: what Chrome Apps read as `chrome.runtime.lastError`.

    `code` is one of `Status`, or `None` where Chrome gives no number; `name` is its name. `result` is what
    Chrome's callback gets beside the error.
    """

    def __init__(self, code: Optional[int], name: Optional[str], message: str, result: Any = None) -> None:
        super().__init__(message)
        self.code = code
        self.name = name
        self.message = message
        self.result = result

    def __reduce__(self) -> Any:
        return type(self), (self.code, self.name, self.message, self.result)
