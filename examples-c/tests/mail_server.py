"""mail_server.py PORT_FILE_DESCRIPTOR [CERTIFICATE KEY]: aiosmtpd on a listening socket that it inherits, with
STARTTLS if it has a certificate; until it is killed. A program of its own, for the Python that has aiosmtpd."""

import asyncio
import socket
import ssl
import sys

from aiosmtpd.smtp import SMTP


async def serve(listener, tls):
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(object(), hostname="mail.invalid", tls_context=tls, loop=loop), sock=listener)
    await server.serve_forever()


tls = None
if len(sys.argv) > 2:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(sys.argv[2], sys.argv[3])
asyncio.run(serve(socket.socket(fileno=int(sys.argv[1])), tls))
