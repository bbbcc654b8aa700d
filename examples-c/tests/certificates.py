"""Certificates for the tests, made by openssl: an authority, and servers below it."""

import os
import subprocess


SETTINGS = """
[ca]
default_ca = own
[own]
database = {folder}/index
new_certs_dir = {folder}
rand_serial = yes
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
"""
LONG_AGO = "-startdate", "20200101000000Z", "-enddate", "20200102000000Z"


class Authority:
    """`pem` is its certificate."""

    def __init__(self, folder):
        self.folder = folder
        self.settings = self._write("settings", SETTINGS.format(folder=folder))
        self._write("index", "")
        self.pem, self.key = self._path("authority.pem"), self._path("authority.key")
        self._openssl("req", "-x509", *self._new_key(self.key), "-days", "2", "-subj", "/CN=Test Authority",
                      "-addext", "keyUsage=critical,keyCertSign", "-out", self.pem)

    def server(self, name, names="DNS:localhost,IP:127.0.0.1", has_expired=False):
        """Files with a certificate for `names` and with its key."""
        certificate, key, request = (self._path(name + end) for end in (".pem", ".key", ".csr"))
        self._openssl("req", *self._new_key(key), "-new", "-subj", f"/CN={name}", "-out", request)
        extensions = self._write(f"{name}.ext", f"subjectAltName={names}\nkeyUsage=critical,digitalSignature\n"
                                 "extendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n")
        # Not `x509 -req`, which knows no date before today.
        self._openssl("ca", "-config", self.settings, "-batch", "-notext", "-in", request, "-cert", self.pem,
                      "-keyfile", self.key, *(LONG_AGO if has_expired else ("-days", "2")), "-extfile", extensions,
                      "-out", certificate)
        return certificate, key

    def _path(self, name):
        return os.path.join(self.folder, name)

    def _write(self, name, text):
        with open(self._path(name), "w") as file:
            file.write(text)
        return file.name

    @staticmethod
    def _new_key(path):
        return "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", path

    @staticmethod
    def _openssl(*arguments):
        done = subprocess.run(["openssl", *arguments], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
