"""An authority of tests, and the certificates that it signs for brokers."""

import datetime
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

_DAY = datetime.timedelta(days=1)


class Authority:
    """Signs what it is asked to."""

    def __init__(self, name: str = "a utility's authority") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        made = self._begun(self._name, self._key, -30, 30).add_extension(
            x509.BasicConstraints(ca=True, path_length=0), critical=True)
        self.pem = made.sign(self._key, hashes.SHA256()).public_bytes(
            serialization.Encoding.PEM).decode()

    def certificate(self, path: Path, host: str, first: float = -1, last: float = 1) -> Path:
        """A certificate and its key in one file, for `host`, valid from day `first` to `last`."""
        key = ec.generate_private_key(ec.SECP256R1())
        try:
            name: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(host))
        except ValueError:
            name = x509.DNSName(host)
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
        made = self._begun(subject, key, first, last).add_extension(
            x509.SubjectAlternativeName([name]), critical=False)
        path.write_bytes(made.sign(self._key, hashes.SHA256()).public_bytes(
            serialization.Encoding.PEM) + key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption()))
        return path

    def _begun(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, first: float,
               last: float) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        return (x509.CertificateBuilder().subject_name(subject).issuer_name(self._name)
                .public_key(key.public_key()).serial_number(x509.random_serial_number())
                .not_valid_before(now + first * _DAY).not_valid_after(now + last * _DAY))


def listener(port: int, certificate: Path) -> str:
    """Lines of mosquitto's configuration."""
    return f"listener {port} 127.0.0.1\ncertfile {certificate}\nkeyfile {certificate}\n"
