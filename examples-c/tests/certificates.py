"""Certificates for the tests, made by openssl: an authority, and servers below it."""

import os
import subprocess


class Authority:
    """`pem` is its certificate."""

    def __init__(self, folder):
        self.folder = folder
        self.pem, self.key = self._path("authority.pem"), self._path("authority.key")
        self._openssl("req", "-x509", *self._new_key(self.key), "-days", "2", "-subj", "/CN=Test Authority",
                      "-addext", "keyUsage=critical,keyCertSign", "-out", self.pem)

    def server(self, name, names="DNS:localhost,IP:127.0.0.1", days=2):
        """Files with a certificate for `names` and with its key; days below 0: it has expired."""
        certificate, key, request, extensions = (self._path(name + end) for end in (".pem", ".key", ".csr", ".ext"))
        self._openssl("req", *self._new_key(key), "-new", "-subj", f"/CN={name}", "-out", request)
        with open(extensions, "w") as file:
            file.write(f"subjectAltName={names}\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth\n"
                       "basicConstraints=CA:FALSE\n")
        self._openssl("x509", "-req", "-in", request, "-CA", self.pem, "-CAkey", self.key, "-CAcreateserial",
                      "-days", str(days), "-extfile", extensions, "-out", certificate)
        return certificate, key

    def _path(self, name):
        return os.path.join(self.folder, name)

    @staticmethod
    def _new_key(path):
        return "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", path

    @staticmethod
    def _openssl(*arguments):
        done = subprocess.run(["openssl", *arguments], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
