"""TLS towards the broker, where the firmware has it.

The certificate must be valid and name the host. A board has no authorities of its own: the one that
signed it lies on its flash. Certificates are judged by the clock: without network time none is
valid yet.
"""

from wum_edge.ports.micropython.settings import NotSetUp


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

    def made(plain):
        return context.wrap_socket(plain, server_hostname=host, do_handshake_on_connect=False)
    return made
