"""TLS for the peer of the cases: an authority of its own, and the server's side of handshakes."""
import pathlib
import ssl
import subprocess
import tempfile

NAMES = "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1"
OTHER_NAME = "subjectAltName=DNS:other.example"
VALID, EXPIRED = ("20200101000000Z", "20480101000000Z"), ("20200101000000Z", "20200201000000Z")
# kind: (names, from and to, who signed it; `roots` gives the known authority)
CERTIFICATES = {
    "good": (NAMES, VALID, "known"),
    "other name": (OTHER_NAME, VALID, "known"),
    "expired": (NAMES, EXPIRED, "known"),
    "expired, other name": (OTHER_NAME, EXPIRED, "known"),
    "unknown authority": (NAMES, VALID, "unknown"),
    "unknown authority, expired, other name": (OTHER_NAME, EXPIRED, "unknown"),
}
# What `openssl ca` keeps books in; it is the one of its commands that takes dates.
SETTINGS = """[ca]
default_ca = books
[books]
database = index
new_certs_dir = .
rand_serial = yes
default_md = sha256
policy = names
unique_subject = no
[names]
commonName = supplied
"""
VERSIONS = {"tls1.2": ssl.TLSVersion.TLSv1_2, "tls1.3": ssl.TLSVersion.TLSv1_3}


class Authority:
    def __init__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="cases-")
        self._path = pathlib.Path(self._folder.name)
        (self._path / "settings").write_text(SETTINGS, encoding="ascii")
        (self._path / "index").touch()
        for name in ("known", "unknown"):
            self._openssl("req", "-x509", *self._new_key(name), "-out", f"{name}.pem", "-days", "10",
                          "-subj", f"/CN={name} authority of the cases")

    def _openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], cwd=self._path, check=True, capture_output=True)

    @staticmethod
    def _new_key(name):
        return "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key"

    @property
    def roots(self):
        return (self._path / "known.pem").read_text(encoding="ascii")

    def context(self, kind):
        """A server's context with such a certificate, made when first asked for."""
        names, (start, end), authority = CERTIFICATES[kind]
        stem = kind.replace(", ", "-").replace(" ", "-")
        if not (self._path / f"{stem}.pem").exists():
            (self._path / f"{stem}.ext").write_text(names, encoding="ascii")
            self._openssl("req", *self._new_key(stem), "-out", f"{stem}.csr", "-subj", "/CN=localhost")
            self._openssl("ca", "-config", "settings", "-batch", "-notext", "-in", f"{stem}.csr", "-cert",
                          f"{authority}.pem", "-keyfile", f"{authority}.key", "-startdate", start,
                          "-enddate", end, "-extfile", f"{stem}.ext", "-out", f"{stem}.pem")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._path / f"{stem}.pem", self._path / f"{stem}.key")
        return context
