"""Whose releases are taken, and how that changes. Names are those of attacks in tuf-conformance."""

from tests.portable import raises
from tests.shared.test_cose import HashSigner
from wum_shared import cbor, cose, release_trust
from wum_shared.errors import Malformed, NotGenuine, Unsupported, WireError
from wum_shared.ids import id_to_text
from wum_shared.release_trust import ReleaseTrust, follow, key_id

SIGNER = HashSigner()             # Of which a public key is its seed.
CLASS = b"c" * 16
ROOTS = (("root-a", b"A" * 32), ("root-b", b"B" * 32), ("root-c", b"C" * 32))
OTHERS = (("root-x", b"X" * 32), ("root-y", b"Y" * 32))
SIGNERS = (("ada", b"a" * 32), ("grace", b"g" * 32))


def trust(number=1, **changes):
    """A document: two of three root keys, two signers of whom one has to sign."""
    made = {"device_class": CLASS, "root_threshold": 2, "roots": ROOTS, "threshold": 1,
            "signers": SIGNERS}
    made.update(changes)
    return ReleaseTrust(number, made["device_class"], made["root_threshold"], made["roots"],
                        made["threshold"], made["signers"])


def signed(of, *seeds):
    """It, signed by the holders of these seeds."""
    payload = release_trust.payload_of(of)
    return release_trust.encode(payload, tuple([
        cose.sign_detached(SIGNER, seed, key_id(seed), payload) for seed in seeds]))


FIRST = trust()
PAYLOAD = release_trust.payload_of(FIRST)
AB = (b"A" * 32, b"B" * 32)
SECOND = signed(trust(2, signers=SIGNERS[1:]), *AB)


def reopened(payload):
    """What a document with this payload says."""
    return release_trust.decode(release_trust.encode(payload)).trust


def refused(*documents, after=FIRST):
    """Why there is no way to these."""
    return raises(NotGenuine, lambda: follow(SIGNER, after, list(documents)))


def test_what_was_encoded_is_what_is_decoded():
    assert reopened(PAYLOAD) == FIRST
    document = release_trust.decode(SECOND)
    assert document.trust == trust(2, signers=SIGNERS[1:]) and len(document.signatures) == 2


def test_root_rotation():
    """Every root key changes, in two steps; each is signed by those before and by its own."""
    second = trust(2, roots=ROOTS[:1] + OTHERS)
    third = trust(3, roots=OTHERS, signers=SIGNERS[:1])
    chain = [signed(second, b"A" * 32, b"B" * 32, b"X" * 32), signed(third, b"X" * 32, b"Y" * 32)]
    assert follow(SIGNER, FIRST, chain) == third
    assert follow(SIGNER, FIRST, chain[:1]) == second
    assert follow(SIGNER, second, chain) == third          # What it has already is passed over.
    assert follow(SIGNER, third, chain) == third


def test_who_slept_through_many_rotations_follows_each():
    chain, before = [], b"A" * 32
    for number in range(2, 12):
        after = b"%c" % (96 + number) * 32
        chain.append(signed(trust(number, root_threshold=1, roots=(("root", after),)),
                            before, after))
        before = after
    first = trust(root_threshold=1, roots=(("root", b"A" * 32),))
    assert follow(SIGNER, first, chain).number == 11
    assert "wanted document 2 next, got 3" in refused(*chain[1:], after=first)


def test_root_version_skipped_and_fast_forward():
    far = signed(trust(release_trust.NUMBER_MAX), *AB)
    assert "wanted document 2 next, got 4294967295" in refused(far)


def test_root_rollback_is_passed_over():
    older = signed(trust(1, signers=OTHERS), *AB)
    assert follow(SIGNER, trust(2), [older, SECOND]) == trust(2)


def test_signature_threshold_not_met_by_the_roots_before():
    new = trust(2, root_threshold=1, roots=OTHERS)
    for seeds in ((), (b"A" * 32,), (b"X" * 32, b"Y" * 32), (b"A" * 32, b"X" * 32, b"Y" * 32)):
        assert "wanted 2 root keys of document 1" in refused(signed(new, *seeds))


def test_signature_threshold_not_met_by_its_own_roots():
    """Else a slip of the ceremony would leave a fleet that nobody can lead any further."""
    new = trust(2, roots=OTHERS)
    assert "wanted 2 root keys of document 2, got 0" in refused(signed(new, *AB))
    assert "wanted 2 root keys of document 2, got 1" in refused(signed(new, *AB, b"X" * 32))


def test_release_keys_lead_nobody_further():
    assert "got 0" in refused(signed(trust(2), b"a" * 32, b"g" * 32))


def test_duplicate_sig_keyids():
    assert "signed twice" in refused(signed(trust(2), b"A" * 32, b"A" * 32))


def test_duplicate_keys_root():
    twice = (("root-a", b"A" * 32), ("root-b", b"A" * 32))
    assert "stands twice" in raises(Malformed, lambda: trust_payload(roots=twice))
    assert "stands twice" in raises(Malformed, lambda: trust_payload(
        roots=(("root", b"A" * 32), ("root", b"B" * 32))))
    assert "stands twice" in raises(Malformed, lambda: trust_payload(
        signers=(("ada", b"a" * 32), ("eve", b"a" * 32))))


def trust_payload(**changes):
    """The payload of document 2."""
    return release_trust.payload_of(trust(2, **changes))


def test_thresholds_that_nobody_can_meet():
    for changes in ({"threshold": 3}, {"threshold": 0}, {"root_threshold": 4}):
        assert "cannot be met" in raises(
            Malformed, lambda changes=changes: trust_payload(**changes))
    assert "or none could come after it" in raises(Malformed, lambda: trust_payload(roots=()))


def test_wrong_type_of_device():
    assert "another device class" in refused(signed(trust(2, device_class=b"d" * 16), *AB))


def test_a_machine_without_roots_is_led_by_hand_alone():
    bare = trust(roots=(), root_threshold=0)
    assert "came without root keys" in raises(
        Unsupported, lambda: follow(SIGNER, bare, [SECOND]))


def test_no_byte_of_a_document_can_be_another():
    for place in range(0, len(SECOND)):
        changed = bytearray(SECOND)
        changed[place] ^= 1 << place % 8
        failed = False
        try:
            failed = follow(SIGNER, FIRST, [bytes(changed)]) == FIRST     # Another number.
        except WireError:
            failed = True
        assert failed, place


def test_what_is_cut_off_longer_or_another_kind_of_message_is_refused():
    for size in range(0, len(SECOND), 5):
        raises(Malformed, lambda size=size: release_trust.decode(SECOND[:size]))
    raises(Malformed, lambda: release_trust.decode(SECOND + b"\0"))
    said = cbor.decode(PAYLOAD)
    assert "of that kind" in raises(Malformed, lambda: reopened(cbor.encode([-16, bytes(32)])))
    assert "version 1" in raises(
        Unsupported, lambda: reopened(cbor.encode([said[0], 1] + said[2:])))
    unsorted = [said[5][1], said[5][0], said[5][2]]
    assert "by name" in raises(Malformed, lambda: reopened(
        cbor.encode(said[:5] + [unsorted] + said[6:])))


def test_the_file_that_a_machine_comes_with():
    table = {"threshold": 1, "signers": {name: id_to_text(key) for name, key in SIGNERS},
             "root": {"threshold": 2, "keys": {name: id_to_text(key) for name, key in ROOTS}}}
    assert release_trust.of_table(table, CLASS) == FIRST
    assert release_trust.of_table(dict(table, number=7), CLASS).number == 7
    bare = release_trust.of_table(
        {"threshold": 1, "signers": table["signers"]}, CLASS)
    assert bare.roots == () and bare.root_threshold == 0
    for wrong in ([], {}, dict(table, threshold=3), dict(table, signers=[]),
                  dict(table, signers={"ada": 7}), dict(table, signers={"ada": "zz"}),
                  dict(table, root=[]), dict(table, root={}), dict(table, number=0),
                  dict(table, root={"threshold": 4, "keys": table["root"]["keys"]})):
        raises(Malformed, lambda wrong=wrong: release_trust.of_table(wrong, CLASS))
