"""The envelope of an update: what opens it, who signed it, and that nothing else does."""

from hashlib import sha256

from tests.portable import raises
from tests.shared.test_cose import HashSigner
from wum_shared import bundle, cbor, cose, suit
from wum_shared.errors import Malformed, NotGenuine, Unsupported, WireError

SIGNER = HashSigner()
CONTENT = bundle.content_of([("wum_edge/agent.py", b"print(1)\n" * 300, bundle.PLAIN),
                             ("run", b"#!", bundle.EXECUTABLE)])
INDEX = bundle.index_of(CONTENT)
# Of a HashSigner, a public key is its seed.
KEYS = {b"one": bytes(32), b"two": bytes(range(32)), b"three": b"\x03" * 32}


def release(**changes):
    made = {"sequence": 7, "vendor": b"v" * 16, "device_class": b"c" * 16,
            "digest": sha256(CONTENT).digest(), "size": len(CONTENT),
            "index_digest": sha256(INDEX).digest(), "index_size": len(INDEX), "index": INDEX}
    made.update(changes)
    return suit.Release(**made)


def signed(of, *names):
    return suit.encode(of, tuple([
        cose.sign_detached(SIGNER, KEYS[name], name, suit.digest_of(of)) for name in names]))


def taken_apart(envelope):
    parts = cbor.decode(envelope, tags=(107,)).value
    return parts, cbor.decode(parts[3])


def put_together(parts, manifest=None, *, signers=(b"one",)):
    """An envelope of these parts, digest and signatures made to fit."""
    if manifest is not None:
        parts[3] = cbor.encode(manifest)
    digest = cbor.encode([-16, sha256(cbor.encode(parts[3])).digest()])
    parts[2] = cbor.encode([digest] + [
        cose.sign_detached(SIGNER, KEYS[name], name, digest) for name in signers])
    return cbor.encode(cbor.Tag(107, parts))


def test_what_was_encoded_is_what_is_decoded():
    opened = suit.decode(signed(release(), b"one", b"two"))
    assert opened.release == release()
    assert suit.check_signers(SIGNER, KEYS, 2, opened) == (b"one", b"two")


def test_many_chunks_travel_apart():
    size = 300 * 1024
    far = release(size=size, index_size=300 * 16, index_digest=b"i" * 32, index=None)
    assert suit.decode(signed(far, b"one")).release == far


def test_the_signature_is_over_the_digest_of_the_wrapped_manifest():
    envelope = signed(release(), b"one")
    parts, _ = taken_apart(envelope)
    digest, signature = cbor.decode(parts[2])
    assert digest == cbor.encode([-16, sha256(cbor.encode(parts[3])).digest()])
    protected, unprotected, payload, raw = cbor.decode(signature, tags=(18,)).value
    assert cbor.decode(protected) == {1: -19, 4: b"one"} and unprotected == {} and payload is None
    assert raw == SIGNER.sign(KEYS[b"one"], cbor.encode(["Signature1", protected, b"", digest]))


def test_no_byte_can_be_another():
    envelope = signed(release(), b"one")
    opened = suit.decode(envelope)
    for place in range(len(envelope)):
        changed = bytearray(envelope)
        changed[place] ^= 1 << place % 8
        try:
            other = suit.decode(bytes(changed))
            suit.check_signers(SIGNER, {b"one": KEYS[b"one"]}, 1, other)
        except WireError:
            continue
        raise AssertionError("byte %d of %d may be another" % (place, len(envelope)))
    assert opened == suit.decode(envelope)


def test_every_shorter_envelope_is_refused():
    envelope = signed(release(), b"one")
    for size in range(len(envelope)):
        raises(Malformed, lambda size=size: suit.decode(envelope[:size]))
    assert "after the end" in raises(Malformed, lambda: suit.decode(envelope + b"\x00"))


def check(envelope, keys, threshold):
    return suit.check_signers(SIGNER, keys, threshold, suit.decode(envelope))


def test_a_threshold_that_is_not_met():
    assert "wanted 2 signers that are trusted, got 1" in raises(
        NotGenuine, lambda: check(signed(release(), b"one"), KEYS, 2))
    assert "got 0" in raises(NotGenuine, lambda: check(suit.encode(release()), KEYS, 1))


def test_an_unknown_signer_counts_nothing():
    trusted = {b"one": KEYS[b"one"]}
    assert check(signed(release(), b"one", b"three"), trusted, 1) == (b"one",)
    assert "got 0" in raises(
        NotGenuine, lambda: check(signed(release(), b"three"), trusted, 1))


def test_the_same_key_twice():
    assert "signed twice" in raises(
        NotGenuine, lambda: check(signed(release(), b"one", b"one"), KEYS, 2))
    one_key = {b"one": KEYS[b"one"], b"two": KEYS[b"one"]}
    both = suit.encode(release(), tuple([
        cose.sign_detached(SIGNER, KEYS[b"one"], name, suit.digest_of(release()))
        for name in (b"one", b"two")]))
    assert "got 1" in raises(NotGenuine, lambda: check(both, one_key, 2))


def test_a_wrong_signature_under_a_known_name():
    wrong = suit.encode(release(), (cose.sign_detached(
        SIGNER, KEYS[b"two"], b"one", suit.digest_of(release())),))
    assert "does not hold" in raises(NotGenuine, lambda: check(wrong, KEYS, 1))


def test_a_signature_of_another_release():
    other = cose.sign_detached(SIGNER, KEYS[b"one"], b"one", suit.digest_of(release(sequence=8)))
    assert "does not hold" in raises(
        NotGenuine, lambda: check(suit.encode(release(), (other,)), KEYS, 1))


def test_a_signature_that_carries_its_payload():
    carrying = cose.sign(SIGNER, KEYS[b"one"], b"one", suit.digest_of(release()))
    assert "wanted null" in raises(
        Malformed, lambda: check(suit.encode(release(), (carrying,)), KEYS, 1))


def test_other_keys_and_commands_are_refused_by_name():
    parts, manifest = taken_apart(signed(release(), b"one"))
    for key, text in ((8, "key 8"), (16, "key 16"), (23, "key 23"), (-1, "key -1")):
        more = dict(manifest)
        more[key] = b"\x80"
        assert text in raises(
            Unsupported, lambda more=more: suit.decode(put_together(dict(parts), more)))
    for key in (7, 9, 20):
        other = dict(manifest)
        other[key] = cbor.encode([12, 0, 3, 2])
        assert "commands other than" in raises(
            Unsupported, lambda other=other: suit.decode(put_together(dict(parts), other)))
        del other[key]
        assert "key %d is missing" % key in raises(
            Malformed, lambda other=other: suit.decode(put_together(dict(parts), other)))
    more = dict(parts)
    more["#more"] = b"x"
    assert "'#more'" in raises(Unsupported, lambda: suit.decode(put_together(more)))


def test_another_version_of_the_manifest():
    parts, manifest = taken_apart(signed(release(), b"one"))
    manifest[1] = 2
    assert "version 2" in raises(Unsupported, lambda: suit.decode(put_together(parts, manifest)))


def test_an_index_that_is_not_the_one_named():
    parts, _ = taken_apart(signed(release(), b"one"))
    parts["#idx"] = bytes(len(INDEX))
    assert "integrated index" in raises(NotGenuine, lambda: suit.decode(put_together(parts)))
    del parts["#idx"]
    assert "commands other than" in raises(
        Unsupported, lambda: suit.decode(put_together(parts)))


def test_sizes_out_of_range():
    for changes, text in (
            ({"size": 0}, "content size"), ({"size": suit.CONTENT_BYTES_MAX + 1}, "content size"),
            ({"index_size": 16}, "index size"), ({"sequence": 0}, "sequence"),
            ({"vendor": b"short"}, "vendor"), ({"digest": b"short"}, "content digest")):
        made = suit.encode(release(**changes))
        assert text in raises(Malformed, lambda made=made: suit.decode(made))


def test_no_envelope_is_longer_than_its_limit():
    long = suit.encode(release(index=bytes(5000)))
    assert "at most 4096" in raises(Malformed, lambda: suit.decode(long))
