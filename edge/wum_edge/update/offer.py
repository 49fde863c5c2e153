"""Whether a release is taken: genuine, for this device class, assigned, newer, not below the floor.

Two have to agree: the release key signed what it is, an order of the head-end assigned it. Each
refusal has its own words, for the person who reads them in the console. Left out: whether the order
is genuine and fresh (orders/).
"""

from collections import namedtuple

from wum_edge.update.boot import Boot
from wum_shared import suit
from wum_shared.cipher import Verifier
from wum_shared.errors import WireError
from wum_shared.release_trust import ReleaseTrust
from wum_shared.suit import Release
from wum_shared.updates import Assignment

SPACE_KEPT = 512 * 1024       # Of the medium: an update takes no room that readings need.


class OfferRefused(Exception):
    """A release is not taken; the text is for a person."""


class Rules(namedtuple("Rules", ("vendor", "device_class", "keys", "threshold", "trust"))):
    """What this machine takes: for whom (UUIDs, 16 bytes each), and signed by how many of `keys`
    (kid to Ed25519 public key). `trust` is the document that they are of, which documents signed by
    its root keys may follow (trusted.py); without one nothing changes them but hands.
    """

    __slots__ = ()
    vendor: bytes
    device_class: bytes
    keys: dict[bytes, bytes]
    threshold: int
    trust: ReleaseTrust | None


def judge(verifier: Verifier, rules: Rules, boot: Boot, running: int, number: int,
          assignment: Assignment) -> Release:
    """The release that assignment `number` names, if it is to be taken where `running` is the
    sequence that runs. Raises OfferRefused.
    """
    if number <= boot.assigned:
        raise OfferRefused("assignment %d comes after %d: a replay, or out of order" % (
            number, boot.assigned))
    release = genuine(verifier, rules, assignment)
    if release.sequence == running:
        raise OfferRefused("release %d is already there" % release.sequence)
    if release.sequence < boot.floor:
        raise OfferRefused("release %d is below the floor, %d" % (release.sequence, boot.floor))
    if release.sequence < running and not assignment.may_go_back:
        raise OfferRefused("release %d is older than %d, which runs, and the assignment does not "
                           "allow a way back" % (release.sequence, running))
    if assignment.floor > release.sequence:
        raise OfferRefused("the assignment's floor, %d, is above its own release, %d" % (
            assignment.floor, release.sequence))
    return release


def genuine(verifier: Verifier, rules: Rules, assignment: Assignment) -> Release:
    """The release that was signed by enough, and is for this device class. Raises OfferRefused."""
    failure = ""
    try:
        envelope = suit.decode(assignment.envelope)
        suit.check_signers(verifier, rules.keys, rules.threshold, envelope)
    except WireError as error:
        failure = str(error)
    if failure:
        raise OfferRefused("the release is not genuine: " + failure)
    release = envelope.release
    if release.vendor != rules.vendor:
        raise OfferRefused("the release is of another vendor")
    if release.device_class != rules.device_class:
        raise OfferRefused("the release is for another device class")
    return release


def check_space(release: Release, space_left: int) -> None:
    """It has to find room twice, as pieces and as files. Raises OfferRefused."""
    wanted = 2 * release.size + SPACE_KEPT
    if space_left < wanted:
        raise OfferRefused("no room: %d bytes are free, %d are needed" % (space_left, wanted))
