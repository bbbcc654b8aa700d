"""The networking APIs of Chrome Apps (`chrome.sockets.*`, `chrome.socket`) for asyncio."""

from ._chrome import Chrome, Runtime, create_chrome
from ._errors import ChromeSocketError
from ._event import Event
from ._surface import Socket, Sockets, Status, Tcp, TcpServer, Udp

__all__ = [
    "Chrome",
    "ChromeSocketError",
    "Event",
    "Runtime",
    "Socket",
    "Sockets",
    "Status",
    "Tcp",
    "TcpServer",
    "Udp",
    "create_chrome",
]
__version__ = "0.1.0"
