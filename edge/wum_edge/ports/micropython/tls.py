"""TLS towards the broker, where the firmware has it (mbedTLS).

The certificate must be valid and name the host. A board has no authorities of its own: the one that
signed it lies on its flash. Certificates are judged by the clock: without network time none is
valid yet. Left out: the connection (broker.py).
"""

from wum_edge.ports.micropython.settings import NotSetUp

# What mbedTLS says of a certificate, one line for each, and what that means here.
_WHY = (("has expired", "it has expired, by this board's clock"),
        ("starts in the future", "it is not valid yet, by this board's clock"),
        ("Common Name", "it names another host"),
        ("trusted CA", "ca.pem is not of who signed it"))
_ENOMEM, _EAGAIN = 12, 11


def secure(host, authority):
    """What makes a TLS socket of a connected one, without waiting. Raises NotSetUp."""
    try:
        import ssl
    except ImportError:
        raise NotSetUp("gateway.json: broker.tls: this firmware has no TLS; flash one that has")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.verify_mode = ssl.CERT_REQUIRED
    try:
        context.load_verify_locations(cadata=authority)
    except (OSError, ValueError) as error:
        raise NotSetUp("ca.pem is no certificate: %s" % error)
    return lambda plain: Secured(context, plain, host)


class Secured:
    """A socket that never blocks. Raises OSError for what the other side does, in words."""

    def __init__(self, context, plain, host):
        self._plain, self._host = plain, host
        self._held = 0               # So many bytes of a write were not taken.
        self._is_up = False          # Something was read: the handshake is over.
        self._socket = None
        self._socket = self._said(lambda _: context.wrap_socket(
            plain, server_hostname=host, do_handshake_on_connect=False), None)

    def readinto(self, buffer):
        """Bytes read; None where nothing is there, 0 at the end."""
        count = self._said(self._socket.readinto, buffer)
        if count == 0 and not self._is_up:
            raise OSError("it hung up before TLS stood: does that port speak it?")
        self._is_up = self._is_up or bool(count)
        return count

    def write(self, data):
        """Bytes taken; None for none. mbedTLS sends what it was given first, and then says that it
        sent what it is given now: until it has taken something it is given the same.
        """
        size = self._held or len(data)
        taken = self._said(self._socket.write, memoryview(data)[:size])
        self._held = 0 if taken else size
        return taken

    def close(self):
        """Both: a handshake that failed lets go of the plain one, and leaves it open."""
        try:
            if self._socket is not None:
                self._socket.close()
        finally:
            self._plain.close()

    def _said(self, act, what):
        try:
            return act(what)
        except ValueError as error:
            raise OSError("its certificate is refused (%s); check ca_file and the host, %s" % (
                why(str(error)), self._host))
        except OSError as error:
            if error.args[0] == _ENOMEM:
                raise OSError("no memory is left for TLS")
            if self._is_up or error.args[0] == _EAGAIN:
                raise
            raise OSError("%s, before TLS stood: does that port speak it?" % error)


def why(said):
    """What mbedTLS says of a certificate, for a person; what nobody knows here as it is."""
    found = [words for part, words in _WHY if part in said]
    return ", ".join(found) if found else said.strip()
