"""TLS as a board's firmware has it (mbedTLS), by the machine's own in wires.mjs.

What is refused is said as there: a certificate by ValueError in mbedTLS's words, judged by the
board's clock; what is not of TLS by OSError. A write that was not taken wants the same bytes again,
as there: another size would lose some in silence, and ends the board here.
"""

import json
from socket import socket

import _board
from _clock import EPOCH_S, time

PROTOCOL_TLS_CLIENT = 0
CERT_NONE, CERT_OPTIONAL, CERT_REQUIRED = 0, 1, 2
_EXPIRED, _OTHER_HOST, _NOT_SIGNED, _FUTURE, _NO_TLS = 1, 4, 8, 512, 1 << 16
_REFUSED = ((_EXPIRED, "The certificate validity has expired\n"),
            (_OTHER_HOST, "The certificate Common Name (CN) does not match with the expected CN\n"),
            (_NOT_SIGNED, "The certificate is not correctly signed by the trusted CA\n"),
            (_FUTURE, "The certificate validity starts in the future\n"))
_BASE = 1 << 20              # Above every errno.


class SSLContext:
    """Of a client."""

    def __init__(self, protocol):
        assert protocol == PROTOCOL_TLS_CLIENT
        self.verify_mode = CERT_REQUIRED
        self._authority = ""

    def load_verify_locations(self, cafile=None, cadata=None):
        text = str(cadata, "ascii")
        if not _board.is_certificate(text):
            raise ValueError("invalid cert")
        self._authority = text

    def wrap_socket(self, sock, server_side=False, do_handshake_on_connect=True,
                    server_hostname=None):
        assert not server_side and not do_handshake_on_connect and server_hostname
        assert self.verify_mode == CERT_REQUIRED and self._authority
        wire = _board.open("secure", json.dumps({
            "theirs": sock.wire, "authority": self._authority, "host": server_hostname,
            "now_s": time() + EPOCH_S}))
        return _Secured(sock, wire)


class _Secured(socket):
    def __init__(self, plain, wire):
        super().__init__(wire=wire)
        self._plain = plain
        self._held = 0
        self.setblocking(False)

    def is_open(self):
        self._judge()
        return super().is_open()

    def _taken(self, size):
        self._judge()
        return super()._taken(size)

    def write(self, data):
        assert self._held in (0, len(data)), "mbedTLS would lose bytes here"
        taken = super().write(data)
        self._held = 0 if taken is not None else len(data)
        return taken

    def close(self):
        """As there, the plain socket stays open after a refusal."""
        was_refused = _board.error(self.wire) >= _BASE if self.wire else False
        super().close()
        if not was_refused:
            self._plain.close()

    def _judge(self):
        _board.hear()
        flags = _board.error(self.wire) - _BASE
        if flags == _NO_TLS:
            raise OSError(-29184, "MBEDTLS_ERR_SSL_INVALID_RECORD")
        if flags > 0:
            raise ValueError("".join([words for flag, words in _REFUSED if flags & flag]))
