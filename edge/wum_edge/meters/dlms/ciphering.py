"""Security suite 0: ciphered APDUs, HLS challenges, and invocation counters.

Left out: the cipher itself (a port supplies AesGcm) and where counters are kept (a port supplies
Counters). Suites 1 and 2 are refused by name. Green Book 9.2.
"""

from binascii import hexlify
from collections import namedtuple
from hashlib import sha256
from struct import pack

from wum_edge.errors import MeterError
from wum_edge.meters.dlms.axdr import Cursor, octet_string
from wum_edge.meters.dlms.errors import CounterDecreased, DlmsMalformed, NotGenuine, NotSpoken

TAG_BYTES = 12
AUTHENTICATED, ENCRYPTED, BROADCAST, COMPRESSED = 0x10, 0x20, 0x40, 0x80
GENERAL_GLO, GENERAL_DED, GENERAL_CIPHERING = 0xDB, 0xDC, 0xDD
GLO = {0x01: 0x21, 0x08: 0x28, 0x0E: 0x2E, 0xC0: 0xC8, 0xC1: 0xC9, 0xC2: 0xCA, 0xC3: 0xCB,
       0xC4: 0xCC, 0xC5: 0xCD, 0xC7: 0xCF}
DED = {0xC0: 0xD0, 0xC1: 0xD1, 0xC2: 0xD2, 0xC3: 0xD3, 0xC4: 0xD4, 0xC5: 0xD5, 0xC7: 0xD7}
PLAIN_OF = {}                # Ciphered tag: (plain tag, whether by the dedicated key).
for _plain in GLO:
    PLAIN_OF[GLO[_plain]] = (_plain, False)
for _plain in DED:
    PLAIN_OF[DED[_plain]] = (_plain, True)
COUNTER_MAX = 0xFFFFFFFF
RESERVE = 256                # Counters reserved by one write: a power cut loses at most so many.


class AesGcm:
    """AES-128 in Galois/Counter mode, as a port supplies it. Nonces have 12 bytes (SP 800-38D)."""

    def seal(self, key: bytes, nonce: bytes, plaintext: bytes, aad: bytes) -> bytes:
        """Ciphertext, then the whole tag of 16 bytes."""
        raise NotImplementedError


class Counters:
    """Where the two counters of a security context outlast a power cut."""

    def reserve(self, context: str, count: int, least: int) -> int:
        """The first of `count` counters of ours, not below `least`, that were never used; noted
        durably before it returns.
        """
        raise NotImplementedError

    def heard(self, context: str) -> int:
        """The highest counter of the meter that was noted; -1 for none."""
        raise NotImplementedError

    def note_heard(self, context: str, counter: int) -> None:
        """Note the meter's counter; need not be durable at once: it only guards against repeats."""
        raise NotImplementedError


class Keys(namedtuple("Keys", ("encryption", "authentication"))):
    """Global unicast encryption key and authentication key, 16 bytes each; the latter empty
    where there is none.
    """

    __slots__ = ()
    encryption: bytes
    authentication: bytes

    def __repr__(self) -> str:
        """Nothing: keys are not for logs."""
        return "Keys(...)"


class Ciphered(namedtuple("Ciphered", ("tag", "system_title", "content"))):
    """A ciphered APDU. `system_title` is that of a general one, else empty; `content` is the
    security header, ciphertext and tag.
    """

    __slots__ = ()
    tag: int
    system_title: bytes
    content: bytes


def decode_ciphered(data: bytes) -> Ciphered:
    """A glo-, ded- or general- APDU. Raises DlmsMalformed."""
    cursor = Cursor(data)
    tag = cursor.byte()
    title = b""
    if tag == GENERAL_CIPHERING:
        raise NotSpoken("general-ciphering: key agreement and wrapped keys are not spoken here")
    if tag in (GENERAL_GLO, GENERAL_DED):
        title = cursor.octet_string()
        if len(title) not in (0, 8):
            raise DlmsMalformed("ciphered: a system title of %d bytes" % len(title))
    elif tag not in PLAIN_OF:
        raise DlmsMalformed("ciphered: no ciphered APDU has tag %02x" % tag)
    content = cursor.octet_string()
    cursor.done()
    if len(content) < 5:
        raise DlmsMalformed("ciphered: no room for a security header")
    return Ciphered(tag, title, content)


def check_control(control: int) -> None:
    """Raises NotSpoken for suites 1 and 2, broadcast keys and compression."""
    if control & 0x0F:
        raise NotSpoken("security suite %d is not spoken here, only suite 0 (AES-GCM-128)" % (
            control & 0x0F))
    if control & COMPRESSED:
        raise NotSpoken("compressed APDUs are not spoken here")
    if control & BROADCAST:
        raise NotSpoken("broadcast keys are not spoken here")


def seal(cipher: AesGcm, key: bytes, authentication: bytes, control: int, title: bytes,
         counter: int, plaintext: bytes) -> bytes:
    """Security header, and `plaintext` protected as `control` says."""
    header = bytes([control]) + pack(">I", counter)
    nonce = title + header[1:]
    if control & 0x30 == ENCRYPTED:
        return header + cipher.seal(key, nonce, plaintext, b"")[:-16]
    aad = bytes([control]) + authentication
    if control & 0x30 == AUTHENTICATED:
        tag = cipher.seal(key, nonce, b"", aad + plaintext)[:TAG_BYTES]
        return header + plaintext + tag
    if control & 0x30 == 0:
        return header + plaintext
    sealed = cipher.seal(key, nonce, plaintext, aad)
    return header + sealed[:-16] + sealed[-16:-16 + TAG_BYTES]


def unseal(cipher: AesGcm, key: bytes, authentication: bytes, title: bytes,
           content: bytes) -> bytes:
    """The plaintext of security header, ciphertext and tag. Raises NotGenuine, NotSpoken.

    Counter mode is its own inverse, so that sealing does it: a cipher need not open. What is
    encrypted but not authenticated can be opened with any key: the caller must judge.
    """
    control, body = content[0], content[5:]
    check_control(control)
    if not control & AUTHENTICATED:
        if not control & ENCRYPTED:
            return body
        return cipher.seal(key, title + content[1:5], body, b"")[:-16]
    if len(body) < TAG_BYTES:
        raise DlmsMalformed("ciphered: no room for a tag")
    body, tag = body[:-TAG_BYTES], body[-TAG_BYTES:]
    counter = int.from_bytes(content[1:5], "big")
    plaintext = body
    if control & ENCRYPTED:
        plaintext = cipher.seal(key, title + content[1:5], body, b"")[:-16]
    again = seal(cipher, key, authentication, control, title, counter, plaintext)
    if not same(again[-TAG_BYTES:], tag):
        raise NotGenuine("ciphered: the tag does not hold: another key, or another sender")
    return plaintext


def same(ours: bytes, theirs: bytes) -> bool:
    """Whether they are equal, in a time that does not tell where they differ."""
    found = len(ours) ^ len(theirs)
    for place in range(min(len(ours), len(theirs))):
        found |= ours[place] ^ theirs[place]
    return found == 0


class Security:
    """The security context of one association: keys, titles, counters.

    `name` names it to Counters. Ours are those of key and title together, whoever else has both:
    two meters never share a key and a counter.
    """

    def __init__(self, cipher: AesGcm, counters: Counters, keys: Keys, title: bytes,
                 name: str, control: int = AUTHENTICATED | ENCRYPTED, least: int = 0) -> None:
        assert len(title) == 8 and len(keys.encryption) == 16
        self.cipher = cipher
        self.counters = counters
        self.keys = keys
        self.system_title = title
        self.name = name
        self._sealed_by = "key " + hexlify(sha256(keys.encryption + title).digest()[:8]).decode()
        self.control = control
        self.meter_title = b""
        self.dedicated = b""
        self.last_used = -1              # The highest that was ever said, as far as is known.
        self.has_jumped = False          # By what the meter said, which has proved nothing since.
        self._least = least
        self._next = 0
        self._end = 0
        self._dedicated_next = 0
        self._heard = -1
        self._dedicated_heard = -1

    def use_counter(self) -> int:
        """A counter of the global key that was never used and never will be again."""
        if self._next >= self._end:
            # Files of before have them by the meter's name: never below those.
            least = self.counters.reserve(self.name, 0, self._least)
            self._next = self.counters.reserve(self._sealed_by, RESERVE, least)
            self._end = self._next + RESERVE
            if self._end > COUNTER_MAX:
                raise MeterError("%s: the invocation counter is used up: change the key" % (
                    self.name))
        self._next += 1
        self.last_used = self._next - 1
        return self.last_used

    def jump(self, counter: int) -> None:
        """The next counter is `counter` at least: the meter will not take less."""
        assert counter > self.last_used
        self._least, self._next, self._end = counter, 0, 0
        self.has_jumped = True

    def check_kept(self, counter: int) -> None:
        """Notes which of our counters the meter says it has heard. Raises CounterDecreased."""
        name = self.name + "/ours"
        before = self.counters.heard(name)
        if counter < before:
            raise CounterDecreased(
                "%s: the meter has heard our invocation counter %d, and %d before: replaced, or "
                "reset" % (self.name, counter, before))
        if counter > before:
            self.counters.note_heard(name, counter)

    def protect(self, apdu: bytes, general: bool = False) -> bytes:
        """`apdu` as a glo- or, where a dedicated key is in use, a ded- APDU."""
        ded = bool(self.dedicated) and (general or apdu[0] in DED)
        if ded:
            counter = self._dedicated_next
            self._dedicated_next += 1
        else:
            counter = self.use_counter()
        key = self.dedicated if ded else self.keys.encryption
        sealed = octet_string(seal(self.cipher, key, self.keys.authentication, self.control,
                                   self.system_title, counter, apdu))
        if general:
            head = bytes([GENERAL_DED if ded else GENERAL_GLO]) + octet_string(self.system_title)
            return head + sealed
        return bytes([DED[apdu[0]] if ded else GLO[apdu[0]]]) + sealed

    def unprotect(self, data: bytes) -> bytes:
        """The APDU inside; its protection must be ours at least, its counter above all before.

        Raises NotGenuine, CounterDecreased, NotSpoken, DlmsMalformed.
        """
        ciphered = decode_ciphered(data)
        ded = ciphered.tag == GENERAL_DED or (
            ciphered.tag in PLAIN_OF and PLAIN_OF[ciphered.tag][1])
        if ded and not self.dedicated:
            raise DlmsMalformed("ciphered: by a dedicated key, and there is none")
        title = ciphered.system_title or self.meter_title
        if title != self.meter_title or len(title) != 8:
            raise NotGenuine("ciphered: from system title %s, wanted %s" % (
                title.hex(), self.meter_title.hex()))
        if ciphered.content[0] & 0x30 & self.control != self.control & 0x30:
            raise NotGenuine("ciphered: security control %02x protects less than %02x" % (
                ciphered.content[0], self.control))
        plain = unseal(self.cipher, self.dedicated if ded else self.keys.encryption,
                       self.keys.authentication, title, ciphered.content)
        if ciphered.tag in PLAIN_OF and plain[:1] != bytes([PLAIN_OF[ciphered.tag][0]]):
            raise DlmsMalformed("ciphered: tag %02x holds %s" % (ciphered.tag, plain[:1].hex()))
        self.check_heard(int.from_bytes(ciphered.content[1:5], "big"), ded)
        return plain

    def check_heard(self, counter: int, dedicated: bool = False) -> None:
        """Notes the meter's counter. Raises CounterDecreased when it did not grow."""
        if dedicated:
            before, self._dedicated_heard = self._dedicated_heard, counter
        else:
            before = max(self._heard, self.counters.heard(self._heard_name()))
        if counter <= before:
            raise CounterDecreased(
                "%s: the meter's invocation counter is %d after %d: replaced, or repeated" % (
                    self.name, counter, before))
        self.has_jumped = False
        if not dedicated:
            self._heard = counter
            self.counters.note_heard(self._heard_name(), counter)

    def _heard_name(self) -> str:
        return self.name + "/" + self.meter_title.hex()

    def begin(self, meter_title: bytes, dedicated: bytes) -> None:
        """A new association, with this meter and perhaps a dedicated key."""
        self.meter_title = meter_title
        self.dedicated = dedicated
        self._dedicated_next = 0
        self._dedicated_heard = -1
        self._heard = -1

    def gmac(self, title: bytes, counter: int, challenge: bytes) -> bytes:
        """Security control, counter and tag of an HLS challenge: f() of mechanism 5."""
        head = bytes([AUTHENTICATED]) + pack(">I", counter)
        aad = bytes([AUTHENTICATED]) + self.keys.authentication + challenge
        tag = self.cipher.seal(self.keys.encryption, title + head[1:], b"", aad)
        return head + tag[:TAG_BYTES]
