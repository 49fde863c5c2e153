"""Whose releases this machine takes: what it came with, or the newest document that came after it.

A document is followed from the one before and kept, so that release keys that were given up stay
given up over every start. Left out: how a chain is checked (wum_shared/release_trust.py).
"""

from wum_edge.archive.flash import Flash, read_whole
from wum_edge.log import Log
from wum_edge.update.offer import OfferRefused, Rules
from wum_shared import release_trust
from wum_shared.cipher import Verifier
from wum_shared.errors import NotGenuine, WireError
from wum_shared.release_trust import DOCUMENT_BYTES_MAX, ReleaseTrust, keys_of

NAME = "release-trust"


def rules_of(vendor: bytes, trust: ReleaseTrust) -> Rules:
    """What a release has to be where `trust` holds."""
    return Rules(vendor, trust.device_class, keys_of(trust.signers), trust.threshold, trust)


class Trusted:
    """The rules in force. `rules` came with the machine; documents lie in `flash`."""

    def __init__(self, flash: Flash, rules: Rules, verifier: Verifier, log: Log) -> None:
        """Raises OSError."""
        self._flash, self._verifier = flash, verifier
        self._anchor = rules
        self._trust: ReleaseTrust | None = rules.trust
        self.rules = rules
        if self._trust is not None and NAME in flash.names():
            self._find(self._trust, log)

    @property
    def number(self) -> int:
        """Of the document that holds; 0 where none can come after it, or it has to come anew."""
        return 0 if self._trust is None or not self._trust.roots else self._trust.number

    def check(self, documents: tuple[bytes, ...]) -> ReleaseTrust:
        """What would hold after these. Raises OfferRefused where there is no way to them."""
        failure = ""
        try:
            if self._trust is None:
                raise NotGenuine("this machine came without a release trust that documents follow")
            found = release_trust.follow(self._verifier, self._trust, list(documents))
        except WireError as error:
            failure = str(error)
        if failure:
            raise OfferRefused("release keys stay what they are: " + failure)
        return found

    def take(self, documents: tuple[bytes, ...]) -> bool:
        """Follow these, and keep the last; whether anything changed. Raises OfferRefused, OSError.
        """
        found = self.check(documents)
        assert self._trust is not None
        if found.number == self._trust.number:
            return False
        self._flash.replace(NAME, _last(documents, found.number))
        self._hold(found)
        return True

    def _find(self, anchor: ReleaseTrust, log: Log) -> None:
        """What was kept, if it is whole. If not, no release is taken until its document came anew:
        keys that were given up must not come back because a medium lost a byte.
        """
        data = read_whole(self._flash, NAME, DOCUMENT_BYTES_MAX)
        failure = "it cannot be read"
        try:
            if data is not None:
                document = release_trust.decode(data)
                release_trust.check_roots(self._verifier, document.trust, document)
                if document.trust.device_class != anchor.device_class:
                    raise NotGenuine("it is for another device class")
                if document.trust.number > anchor.number:      # Else it came newer by hand.
                    self._hold(document.trust)
                return
        except WireError as error:
            failure = str(error)
        log.warn("no release is taken until the release trust came anew: " + failure)
        self.rules = Rules(self._anchor.vendor, self._anchor.device_class, {},
                           self._anchor.threshold, anchor)

    def _hold(self, trust: ReleaseTrust) -> None:
        self._trust = trust
        self.rules = rules_of(self._anchor.vendor, trust)


def _last(documents: tuple[bytes, ...], number: int) -> bytes:
    for one in documents:
        if release_trust.decode(one).trust.number == number:
            return one
    raise AssertionError("what was followed is among them")
