"""An authority of our own and certificates for this machine, by the openssl command."""

import os
import subprocess
from pathlib import Path

CA_DAYS, LEAF_DAYS, RENEW_DAYS = 3650, 397, 30

# The constraints make the key useless against any other host, should somebody
# trust the authority in a browser and lose its key.
CA_CONFIG = """[req]
distinguished_name = name
x509_extensions = ca
prompt = no
[name]
CN = calbridge private authority
[ca]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
nameConstraints = critical, permitted;DNS:localhost, permitted;IP:127.0.0.0/255.0.0.0
"""

LEAF_CONFIG = """basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = {names}
"""


def _openssl(*argv):
    subprocess.run(["openssl", *map(str, argv)], check=True, stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def _new_key(path):
    path.unlink(missing_ok=True)
    _openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", path)
    path.chmod(0o400)


def _expires_soon(certificate):
    return subprocess.run(
        ["openssl", "x509", "-in", certificate, "-noout", "-checkend", str(RENEW_DAYS * 86400)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode != 0


class Authority:
    """ca.crt and ca.key in a folder; made when missing or about to expire."""

    def __init__(self, folder, account):
        self.folder, self.account = Path(folder), account
        self.certificate, self.key = self.folder / "ca.crt", self.folder / "ca.key"
        self.renewed = not self.key.exists() or _expires_soon(self.certificate)
        if self.renewed:
            self._make()

    def _make(self):
        config = self.folder / "ca.cnf"
        config.write_text(CA_CONFIG)
        _new_key(self.key)
        _openssl("req", "-x509", "-new", "-config", config, "-key", self.key, "-sha256",
                 "-days", CA_DAYS, "-out", self.certificate)
        self.certificate.chmod(0o444)
        config.unlink()

    def issue(self, stem, names=("DNS:localhost", "IP:127.0.0.1"), days=LEAF_DAYS, renew=False):
        """A certificate STEM.crt and its key STEM.key; an existing good one is kept."""
        certificate, key = self.folder / f"{stem}.crt", self.folder / f"{stem}.key"
        if not (renew or self.renewed) and key.exists() and not _expires_soon(certificate):
            return certificate, key
        request, extensions = self.folder / f"{stem}.csr", self.folder / f"{stem}.ext"
        extensions.write_text(LEAF_CONFIG.format(names=", ".join(names)))
        _new_key(key)
        _openssl("req", "-new", "-key", key, "-subj", "/CN=localhost", "-out", request)
        _openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key,
                 "-set_serial", int.from_bytes(os.urandom(16), "big") >> 1, "-sha256",
                 "-days", days, "-extfile", extensions, "-out", certificate)
        certificate.chmod(0o444)
        self.account.own(key, 0o400)
        request.unlink()
        extensions.unlink()
        return certificate, key
