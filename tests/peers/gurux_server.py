"""gurux-dlms' server (GPLv2: in tests only) as a meter, for the gateway to read.

As shipped (1.0.203) it answers nothing: its reply object has not the methods that it calls, an
association that it makes itself takes no list, SNRM writes a byte outside of its buffer, an
inactivity timeout is looked for where there is none. Only these are mended here; every APDU is
theirs. What then breaks still is at the end of test_dlms_gurux_server.py.
"""

# ruff: noqa: N802, N803 - their names.


from gurux_dlms.ConnectionState import ConnectionState
from gurux_dlms.enums import Authentication, InterfaceType, Security
from gurux_dlms.enums.AccessMode import AccessMode
from gurux_dlms.enums.MethodAccessMode import MethodAccessMode
from gurux_dlms.enums.SourceDiagnostic import SourceDiagnostic
from gurux_dlms.GXCiphering import GXCiphering
from gurux_dlms.GXDLMS import GXDLMS
from gurux_dlms.GXServerReply import GXServerReply
from gurux_dlms.objects import GXDLMSAssociationLogicalName
from gurux_dlms.secure.GXDLMSSecureServer import GXDLMSSecureServer
from gurux_dlms.ValueEventArgs import ValueEventArgs

INFORMATION_BYTES = 512


class Reply(GXServerReply):
    """With the methods that their server calls."""

    def setReply(self, value):
        self.reply = value

    def getConnectionInfo(self):
        return self.connectionInfo

    def setCount(self, value):
        self.count = value

    def getCount(self):
        return self.count


class GuruxServer(GXDLMSSecureServer):
    """One meter with `items`, whose clients have one password or one set of keys."""

    def __init__(self, items, mechanism=Authentication.NONE, password=b"", keys=None,
                 interface=InterfaceType.HDLC):
        super().__init__(True, interface)
        self.mechanism = mechanism
        self.password = password
        if keys is not None:
            cipher = GXCiphering(b"GRX\0\0\0\0\1")
            cipher.blockCipherKey, cipher.authenticationKey = keys
            cipher.security = Security.NONE
            self.settings.cipher = cipher
        association = GXDLMSAssociationLogicalName()
        for item in items:
            self.items.append(item)
        self.items.append(association)
        association.objectList = self.items
        association.secret = password
        self.initialize()

    def hear(self, data):
        """The bytes that answer `data`."""
        reply = Reply(bytearray(data))
        self.handleRequest(reply)
        return bytes(reply.reply) if reply.reply else b""

    def handleSnrmRequest(self, data):
        GXDLMS.parseSnrmUaResponse(data, self.settings.hdlc)
        self.reset(True)
        size = INFORMATION_BYTES.to_bytes(2, "big")
        self.replyData.set(b"\x81\x80\x08\x05\x02" + size + b"\x06\x02" + size)
        self.settings.hdlc.maxInfoTX = self.settings.hdlc.maxInfoRX = INFORMATION_BYTES
        self.settings.hdlc.windowSizeTX = self.settings.hdlc.windowSizeRX = 1
        self.settings.connected = ConnectionState.HDLC

    def generateDisconnectRequest(self):
        """UA without parameters: theirs looks for some that a server has not."""

    def isTarget(self, serverAddress, clientAddress):
        return clientAddress == 16

    def onValidateAuthentication(self, authentication, password):
        right = authentication == self.mechanism and (
            authentication != Authentication.LOW or bytes(password) == self.password)
        return SourceDiagnostic.NONE if right else SourceDiagnostic.AUTHENTICATION_FAILURE

    def onFindObject(self, objectType, sn, ln):
        return None

    def onGetAttributeAccess(self, arg):
        return AccessMode.READ_WRITE

    def onGetMethodAccess(self, arg):
        return MethodAccessMode.ACCESS

    def getTransaction(self):
        return self.transaction

    def setTransaction(self, value):
        self.transaction = value


def _getter(self, name):
    """Their port from Java calls getters that became attributes, and lists one argument."""
    if name.startswith("get") and name[3:4].isupper():
        value = getattr(self, name[3].lower() + name[4:])
        return lambda: value
    if name.startswith("set") and name[3:4].isupper():
        return lambda value: setattr(self, name[3].lower() + name[4:], value)
    raise AttributeError(name)


ValueEventArgs.__getattr__ = _getter
ValueEventArgs.__iter__ = lambda self: iter((self,))


def _nothing(self, *arguments):
    return None


for _name in ("onPreGet", "onPostGet", "onPreRead", "onPostRead", "onPreWrite", "onPostWrite",
              "onConnected", "onInvalidConnection", "onDisconnected", "onPostAction", "notifyRead",
              "onPreAction"):
    setattr(GuruxServer, _name, _nothing)
