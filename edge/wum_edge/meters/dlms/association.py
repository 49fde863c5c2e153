"""An association with LN referencing: opened, authenticated, used and released.

Left out: what is asked inside (session.py), ciphering as such (ciphering.py), links (station.py).
No security, LLS, HLS with MD5 (3), SHA-1 (4) and GMAC (5); 6, 7 and maker's own (2) are refused by
name. Green Book 9.2.2 and 9.4.
"""

from collections import namedtuple

from wum_edge.errors import MeterError
from wum_edge.meters.dlms import acse, axdr
from wum_edge.meters.dlms.apdu import (
    INVOKE,
    ActionRequest,
    ActionResponse,
    Attribute,
    decode_service,
    encode_service,
)
from wum_edge.meters.dlms.ciphering import ENCRYPTED, PLAIN_OF, TAG_BYTES, Security, same
from wum_edge.meters.dlms.errors import (
    AccessRefused,
    AssociationRefused,
    DlmsMalformed,
    NotGenuine,
    NotSpoken,
    ServiceRefused,
    WholeRefused,
)
from wum_edge.meters.dlms.notices import (
    EXCEPTION_RESPONSE,
    SERVICE_ERROR,
    decode_exception,
    decode_service_error,
)
from wum_edge.meters.dlms.resync import CounterObject, resynchronise

TYPE_CHECKING = False        # True for type checkers only: a board has no collections.abc.
if TYPE_CHECKING:
    from collections.abc import Callable

    from wum_edge.meters.dlms.station import Station
    from wum_edge.meters.reader import Conversation

PROPOSED = acse.conformance_of((
    acse.SET_BLOCKS, acse.GET_BLOCKS, acse.ACTION_BLOCKS, acse.LISTS, acse.GET, acse.SET,
    acse.SELECTIVE, acse.EVENT, acse.ACTION))
PDU_BYTES = 4096             # The longest APDU that we take: a board must hold it whole.
CHALLENGE_BYTES = 16
TITLE_BYTES = 8
REPLY_TO_HLS = Attribute(15, b"\x00\x00\x28\x00\x00\xff", 1)
_GIVEN = (0x80, 0x81)        # ACSE provider and user abort come instead of an AARE with some.


class Credentials(namedtuple("Credentials", ("mechanism", "secret", "dedicated"))):
    """Who we are: LOWEST, LLS or HLS_...; the password or HLS secret (none for GMAC); whether a
    dedicated key is made for each association.
    """

    __slots__ = ()
    mechanism: int
    secret: bytes
    dedicated: bool

    def __repr__(self) -> str:
        """Nothing: secrets are not for logs."""
        return "Credentials(%d, ...)" % self.mechanism


class Association:
    """One association. `security` is None for a context without ciphering.

    `chance(count)` gives that many bytes that nobody can foresee, for challenges and dedicated
    keys; without HLS nobody asks for it.
    """

    def __init__(self, station: "Station", credentials: Credentials, security: Security | None,
                 chance: "Callable[[int], bytes] | None",
                 counter_object: CounterObject | None = None) -> None:
        if credentials.mechanism not in (acse.LOWEST, acse.LLS, acse.HLS_MD5, acse.HLS_SHA1,
                                         acse.HLS_GMAC):
            names = {acse.HLS: "the maker's own HLS", acse.HLS_SHA256: "HLS with SHA-256",
                     acse.HLS_ECDSA: "HLS with ECDSA"}
            raise NotSpoken("%s (mechanism %d) is not spoken here" % (
                names.get(credentials.mechanism, "an unknown mechanism"), credentials.mechanism))
        self.station = station
        self.initiated = acse.Initiated(0, 0)
        self._credentials = credentials
        self._security = security
        self._chance = chance
        self._counter_object = counter_object
        self._open = False
        # With GMAC there may be keys and titles, and yet no APDU is ciphered.
        self._ciphered = security is not None and security.control != 0

    def is_open(self) -> bool:
        """Whether the meter has accepted us, as far as we know."""
        return self._open and self.station.is_open()

    def open(self) -> "Conversation[None]":
        """Conversation: connect, associate, authenticate both sides.

        Refused, it tries once more with the invocation counter that the meter expects, if it does.
        Raises AssociationRefused, NotGenuine, NotSpoken and what the station raises.
        """
        refused: WholeRefused | None = None
        try:
            yield from self._connect()
        except WholeRefused as error:
            refused = error
        if refused is None:
            return
        if self._security is None:
            raise refused
        if self.station.is_open():
            yield from self.station.close()      # Few meters hear two clients at once.
        if not (yield from resynchronise(self._security, refused, self._counter_object)):
            raise refused
        yield from self._connect()

    def _connect(self) -> "Conversation[None]":
        self._open = False
        yield from self.station.open()
        challenge = self._challenge()
        dedicated = b""
        security = self._security
        if self._credentials.dedicated and security is not None:
            dedicated = self._random(16)
        heard = yield from self.station.ask(self._request(challenge, dedicated))
        aare = self._accepted(heard)
        if security is not None:
            if len(aare.system_title) != TITLE_BYTES:
                raise NotGenuine("AARE: wanted a system title of 8 bytes, got %d" % len(
                    aare.system_title))
            security.begin(aare.system_title, dedicated)
        self.initiated = self._initiated(aare.user)
        if self._credentials.mechanism >= acse.HLS:
            yield from self._prove(challenge, aare.challenge)
        self._open = True

    def ask(self, apdu: bytes) -> "Conversation[bytes]":
        """Conversation: the plain APDU that answers the plain `apdu`. Raises ServiceRefused."""
        said = self._security.protect(apdu) if self._security and self._ciphered else apdu
        heard = yield from self.station.ask(said)
        return self._plain(heard)

    def abandon(self) -> None:
        """Take it for closed: what the meter thinks of it nobody knows."""
        self._open = False

    def overhead(self) -> int:
        """Bytes that protection adds to an APDU, at most."""
        return 1 + 3 + 5 + TAG_BYTES if self._ciphered else 0

    def close(self) -> "Conversation[None]":
        """Conversation: end it. Where there is a link to disconnect, that ends it, and no RLRQ is
        said (Green Book 9.4.3).
        """
        if self._open and not self.station.has_link:
            yield from self._release()
        self._open = False
        if self.station.is_open():
            yield from self.station.close()

    def _release(self) -> "Conversation[None]":
        user = b""
        if self._security is not None and self._ciphered:
            user = self._security.protect(acse.Initiate(b"", PROPOSED, PDU_BYTES).encode())
        heard = yield from self.station.ask(acse.Release(acse.RLRQ_TAG, 0, user).encode())
        acse.decode_release(heard)

    def _random(self, count: int) -> bytes:
        if self._chance is None:
            raise NotSpoken("HLS and dedicated keys need chance, and this port supplies none")
        return self._chance(count)

    def _challenge(self) -> bytes:
        if self._credentials.mechanism < acse.HLS:
            return self._credentials.secret
        return self._random(CHALLENGE_BYTES)

    def _request(self, challenge: bytes, dedicated: bytes) -> bytes:
        user = acse.Initiate(dedicated, PROPOSED, PDU_BYTES).encode()
        context, title = acse.LN, b""
        if self._security is not None:
            title = self._security.system_title
            self._security.begin(b"", b"")
            if self._ciphered:
                context, user = acse.LN_CIPHERED, self._security.protect(user)
        return acse.Aarq(context, title, self._credentials.mechanism, challenge, user).encode()

    def _accepted(self, heard: bytes) -> acse.Aare:
        if heard[:1] == bytes([EXCEPTION_RESPONSE]):
            said = decode_exception(heard)
            refused = AssociationRefused("association: %s" % said.reason(), 0)
            refused.counter = said.counter
            raise refused
        if heard[:1] == bytes([SERVICE_ERROR]):
            raise AssociationRefused("association: %s" % decode_service_error(heard).reason(), 0)
        aare = acse.decode_aare(heard)
        pending = self._credentials.mechanism >= acse.HLS and (
            aare.diagnostic == acse.AUTHENTICATION_REQUIRED)
        if aare.result != acse.ACCEPTED:
            reason = aare.reason()
            if aare.user[:1] == bytes([SERVICE_ERROR]):
                reason += ", " + decode_service_error(aare.user).reason()
            raise AssociationRefused("association rejected: %s" % reason, aare.diagnostic)
        if self._credentials.mechanism >= acse.HLS and not (pending and aare.challenge):
            raise NotGenuine("association: the meter accepted without HLS, which was asked for")
        return aare

    def _initiated(self, user: bytes) -> acse.Initiated:
        if user[:1] == bytes([SERVICE_ERROR]):
            raise AssociationRefused(
                "association: %s" % decode_service_error(user).reason(), user[-1])
        if self._security is not None and self._ciphered:
            user = self._security.unprotect(user)
        return acse.decode_initiated(user)

    def _plain(self, heard: bytes) -> bytes:
        if self._security is not None and self._ciphered and heard[:1] and (
                heard[0] in PLAIN_OF or heard[0] in (0xDB, 0xDC, 0xDD)):
            heard = self._security.unprotect(heard)
        elif heard[:1] == bytes([SERVICE_ERROR]):
            raise ServiceRefused("the meter: %s" % decode_service_error(heard).reason(), 0)
        elif self._ciphered and heard[:1] != bytes([EXCEPTION_RESPONSE]):
            raise NotGenuine("the meter answered without protection: %s" % heard[:1].hex())
        if heard[:1] == bytes([EXCEPTION_RESPONSE]):
            said = decode_exception(heard)
            refused = ServiceRefused("the meter: %s" % said.reason(), said.service)
            refused.counter = said.counter
            raise refused
        return heard

    def _prove(self, ours: bytes, theirs: bytes) -> "Conversation[None]":
        """Passes 3 and 4: we answer the meter's challenge, it answers ours."""
        if ours == theirs:           # Who sends ours back wants us to answer it for him.
            raise NotGenuine("HLS: the meter's challenge is ours")
        request = ActionRequest(INVOKE, REPLY_TO_HLS, axdr.octets(self._proof(theirs)))
        heard = yield from self.ask(encode_service(request))
        answer = decode_service(heard)
        if type(answer) is not ActionResponse:
            raise DlmsMalformed("HLS: wanted an action response, got %s" % heard[:2].hex())
        code, result = answer.answer
        if code:
            raise AssociationRefused(
                "HLS: the meter refused our answer: %s" % AccessRefused("", code, True).result,
                code)
        if result is None or result.data is None:
            raise NotGenuine("HLS: the meter did not answer our challenge")
        self._check_proof(ours, result.data.octets())
        if self._security is not None:
            self._security.has_jumped = False    # It has the key: what it says may be believed.

    def _proof(self, challenge: bytes) -> bytes:
        mechanism, secret = self._credentials.mechanism, self._credentials.secret
        if mechanism == acse.HLS_MD5:
            from wum_edge.meters.dlms.digest import md5  # Late: hardly a meter wants it.
            return md5(challenge + secret)
        if mechanism == acse.HLS_SHA1:
            from wum_edge.meters.dlms.digest import sha1  # Late: as md5.
            return sha1(challenge + secret)
        if self._security is None:
            raise MeterError("HLS with GMAC needs keys and a system title")
        return self._security.gmac(
            self._security.system_title, self._security.use_counter(), challenge)

    def _check_proof(self, challenge: bytes, proof: bytes) -> None:
        security = self._security
        if self._credentials.mechanism == acse.HLS_GMAC:
            assert security is not None
            if len(proof) != 5 + TAG_BYTES:
                raise NotGenuine("HLS: wanted an answer of 17 bytes, got %d" % len(proof))
            counter = int.from_bytes(proof[1:5], "big")
            wanted = security.gmac(security.meter_title, counter, challenge)
        else:
            wanted = self._proof(challenge)
        if not same(wanted, proof):
            raise NotGenuine("HLS: the meter does not know the secret, or is another")


def protection(name: str) -> int:
    """Security control of 'authenticated', 'encrypted' or 'both'."""
    return {"authenticated": 0x10, "encrypted": ENCRYPTED, "both": 0x30}[name]
