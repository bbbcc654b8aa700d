"""The networking APIs of Chrome Apps (`chrome.sockets.*`, `chrome.socket`) for asyncio."""

from ._chrome import Chrome, Runtime, create_chrome
from ._errors import ChromeSocketError
from ._event import Event
from ._surface import *  # noqa: F403  # the types of the API, listed by its __all__

__version__ = "0.1.0"
