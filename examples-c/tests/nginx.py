"""nginx as the server of the example programs: /hello.txt and /big.bin, with a length, and chunked below /chunked."""

import getpass
import os
import socket
import subprocess

from support import DEADLINE, LOCAL

CONFIG = """
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
    uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
    server {{
        listen {address}:{port} {listen};
        root {folder}/www;
        location /chunked/ {{ alias {folder}/www/; ssi on; ssi_types *; }}
        location /moved {{ return 302 /hello.txt; }}
        {more}
    }}
}}
"""
# No "<!--#" in it: the server includes leave it alone, but cannot tell the length in advance.
BIG = os.urandom(3_000_000).replace(b"<", b"(")


class Server:
    """Runs in a folder of its own. `listen`: words after the port; `more`: lines of the server's configuration."""

    def __init__(self, folder, listen="", more=""):
        os.mkdir(os.path.join(folder, "www"))
        for name, content in {"hello.txt": b"hello\n", "big.bin": BIG}.items():
            with open(os.path.join(folder, "www", name), "wb") as file:
                file.write(content)
        config = os.path.join(folder, "nginx.conf")
        # nginx takes over a listening socket named in its environment: the system chose the port.
        with socket.create_server((LOCAL, 0)) as listener:
            self.port = listener.getsockname()[1]
            with open(config, "w") as file:
                if os.getuid() == 0:  # else its workers would be somebody who cannot read our folder
                    file.write(f"user {getpass.getuser()};")
                file.write(CONFIG.format(folder=folder, address=LOCAL, port=self.port, listen=listen, more=more))
            self.process = subprocess.Popen(
                ["nginx", "-p", folder, "-c", config, "-e", os.path.join(folder, "error.log")],
                env={**os.environ, "NGINX": f"{listener.fileno()};"}, pass_fds=(listener.fileno(),),
                stderr=subprocess.DEVNULL,
            )

    def stop(self):
        self.process.terminate()
        self.process.wait(DEADLINE)
