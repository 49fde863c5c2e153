"""Who a claimed board is, on its flash: identity, claim code, and what enrolment adds.

    keys/own            all of it but those below; JSON, and a CRC of it
    keys/claim.code     of a warehouse, whose label somebody has: the first start keeps this one
    keys/mesh           of its mesh, once an order has changed them (mesh_keyring.py)
    keys/first.order    the signed order that came with the grant, until it is on record

Each step of enrolment is one commit of `own`: after a power cut all of it is as it was, or as it
became. LittleFS writes beside what was there: an old secret is gone when its block is used again.
Left out: the conversation (enrolling.py, renewing.py).
"""

import json
import os
from binascii import crc32, hexlify, unhexlify

import network

from wum_edge.archive.flash import read_whole
from wum_edge.enrolment.joining import Crypto, Identity, Opening, Trusted
from wum_edge.ports.micropython.cipher import Cipher
from wum_edge.ports.micropython.ed25519 import Signer, Verifier
from wum_edge.ports.micropython.x25519 import Agreement
from wum_edge.uplink.keys import Keys
from wum_shared.claim import CODE_SIZE, code_from_text, code_to_text
from wum_shared.enrolment import FIRST_ORDER_MAX, kept_trust
from wum_shared.errors import Malformed
from wum_shared.kdf import is_same, sha256
from wum_shared.messages import DirectionKey

OWN, CODE, FIRST_ORDER = "own", "claim.code", "first.order"
_SIGNER = Signer()
CRYPTO = Crypto(Cipher(), _SIGNER, Verifier(), Agreement())
_OWN_MAX = 8192
_EPOCH_MAX = 0xFFFF


class BadKeys(Exception):
    """What is kept cannot be used; the text says what to do."""


class Own:
    """All changes are on flash on return. Raises OSError where flash refuses: nothing changed."""

    def __init__(self, flash):
        """Raises BadKeys."""
        self.flash = self._flash = flash
        self._found = _read(flash)

    def begin(self):
        """Make the identity and the claim code, once. Raises BadKeys for a code that is none."""
        if "seed" not in self._found:
            code = read_whole(self._flash, CODE, 64)
            noise_on()
            made = os.urandom(CODE_SIZE) if code is None else _code(code)
            seed = os.urandom(32)
            self._keep({"seed": _text(seed), "key": _text(_SIGNER.public(seed)),
                        "code": code_to_text(made), "is_printed": code is None,
                        "check": _text(_check(made))})
        elif self.is_enrolled and CODE in self._flash.names():
            self._flash.remove(CODE)             # A power cut came between.

    @property
    def is_granted(self):
        """Whether the code has done its work; the keys of an epoch may be missing."""
        return "document" in self._found

    @property
    def is_enrolled(self):
        """Whether a head-end has let this board in."""
        return "epoch" in self._found

    @property
    def code(self):
        """The claim code as it is printed; empty once it was used."""
        return self._found.get("code", "")

    def claim(self):
        """The claim code itself. Raises BadKeys where it was used."""
        return _code(self.code.encode())

    def is_code(self, text):
        """Whether it is the claim code, or was: of one that was used a digest stays."""
        try:
            return is_same(_check(code_from_text(text)), unhexlify(self._found["check"]))
        except Malformed:
            return False

    @property
    def is_labelled(self):
        """Whether somebody has the code on a label: then the console does not show it."""
        return not self._found.get("is_printed")

    def identity(self):
        """Who this is."""
        return Identity(unhexlify(self._found["seed"]), unhexlify(self._found["key"]))

    def trusted(self):
        """Whom it trusts."""
        one = self._found
        return Trusted(unhexlify(one["root"]), unhexlify(one["document"]), one["tenant"])

    def who_may(self):
        """(order keys, approvers, how many have to consent) of the trust document."""
        found = kept_trust(unhexlify(self._found["root"]), unhexlify(self._found["document"]))
        return found.order_keys, found.approvers, found.consents

    def epoch_keys(self):
        """The keys of the epoch in force."""
        one = self._found
        return Keys(self.identity().concentrator, one["tenant"], one["epoch"],
                    _direction(one["uplink"]), _direction(one["downlink"]))

    def passwords(self):
        """The broker's, and the one before, which is good until the head-end heard of the new."""
        return [one for one in (self._found.get("password"), self._found.get("before")) if one]

    @property
    def opened_s(self):
        """When the epoch in force was opened, 0 by a clock that was never set."""
        return self._found.get("opened_s", 0)

    def begin_epoch(self):
        """The opening of an epoch that was never asked for, on record before it is. Raises BadKeys.
        """
        epoch = max(self._found.get("tried", 0), self._found.get("epoch", 0)) + 1
        if epoch > _EPOCH_MAX:
            raise BadKeys("all epochs of this identity are used up: delete the folder keys, and "
                          "claim the board anew")
        self._keep({"tried": epoch})
        noise_on()
        return Opening(CRYPTO, self.identity(), self.trusted(), epoch, os.urandom(32))

    def keep_grant(self, granted):
        """From now on no code is needed."""
        if granted.first_order:
            self._flash.replace(FIRST_ORDER, granted.first_order)
        changed = _trust(granted.trusted)
        changed["password"] = granted.broker_password
        self._keep(changed)

    def keep_renewed(self, renewed, now_s):
        """What an answer to an opening brought; with the keys of an epoch the code is burned, and
        those before are forgotten."""
        changed = _trust(renewed.trusted)
        keys, password = renewed.keys, renewed.broker_password
        if keys is not None:
            changed.update({"epoch": keys.epoch, "uplink": _written(keys.uplink), "code": "",
                            "downlink": _written(keys.downlink), "opened_s": now_s})
            if password is not None and password != self._found["password"]:
                changed.update({"password": password, "before": self._found["password"]})
        self._keep(changed)
        if keys is not None and CODE in self._flash.names():
            self._flash.remove(CODE)

    def first_order(self):
        """The signed order that came with the grant and is not on record yet; empty: none."""
        if FIRST_ORDER not in self._flash.names():
            return b""
        return read_whole(self._flash, FIRST_ORDER, FIRST_ORDER_MAX) or b""

    def forget_first_order(self):
        """It is on record."""
        self._flash.remove(FIRST_ORDER)

    def _keep(self, changed):
        found = dict(self._found)
        found.update(changed)
        raw = json.dumps(found).encode()
        self._flash.replace(OWN, raw + b"\n%08x" % crc32(raw))
        self._found = found


def _check(code):
    """128 bits of chance are found by nobody who has this."""
    return sha256(b"wum console 1" + code)


def noise_on():
    """An ESP32's chance is one only while a radio is on; wired boards have theirs off."""
    station = getattr(network, "WLAN", None)
    if station is not None:
        station(network.STA_IF).active(True)


def _read(flash):
    if OWN not in flash.names():
        return {}
    data = read_whole(flash, OWN, _OWN_MAX) or b""
    if len(data) > 9 and data[-8:] == b"%08x" % crc32(data[:-9]):
        return json.loads(data[:-9])
    raise BadKeys("keys/own is damaged: delete the folder keys, and claim the board anew; what is "
                  "archived stays")


def _code(data):
    try:
        return code_from_text(data.decode())
    except (Malformed, ValueError):      # Not chained: the text would hold the code.
        raise BadKeys("keys/claim.code holds no claim code: write that of the label again, or "
                      "delete the file")


def _trust(trusted):
    return {"root": _text(trusted.root_key), "document": _text(trusted.document),
            "tenant": trusted.tenant}


def _text(data):
    return hexlify(data).decode()


def _written(key):
    return [_text(key.key), _text(key.context_iv)]


def _direction(found):
    return DirectionKey(unhexlify(found[0]), unhexlify(found[1]))
