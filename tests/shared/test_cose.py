"""Sealed and signed messages: what opens them, and that nothing else does."""

from binascii import unhexlify
from hashlib import sha256

from tests.portable import raises
from tests.shared.slow_cipher import SlowCipher
from wum_shared import cbor, cose
from wum_shared.cipher import Signer, Verifier
from wum_shared.errors import Malformed, NotGenuine, Unsupported, WireError
from wum_shared.messages import DirectionKey

KEY = DirectionKey(bytes(range(32)), bytes(range(0x40, 0x4C)))
KID = cose.key_id(b"\x01\x02\x03\x04\x05\x06\x07\x08", 0x0102)
CIPHER = SlowCipher()


class HashSigner(Signer, Verifier):
    """Stands for Ed25519 where MicroPython has none: the bytes around it are what is tested."""

    def sign(self, seed, message):
        """64 bytes that depend on seed and message."""
        return sha256(seed + message).digest() * 2

    def verify(self, public_key, message, signature):
        """Here the public key is the seed."""
        return self.sign(public_key, message) == signature


class Recorder(SlowCipher):
    """A cipher that remembers what it was asked."""

    def encrypt(self, key, nonce, plaintext, aad):
        """As SlowCipher."""
        self.asked = (key, nonce, plaintext, aad)
        return SlowCipher.encrypt(self, key, nonce, plaintext, aad)


def seal(counter=0, plaintext=b"reading", direction="up", tenant="default", stream="batch"):
    return cose.seal(CIPHER, KEY, KID, counter, plaintext, direction, tenant, stream)


def unseal(sealed, key=KEY, direction="up", tenant="default", stream="batch"):
    return cose.unseal(CIPHER, key, sealed, direction, tenant, stream)


def envelope(header, unprotected=None, ciphertext=bytes(16), tag=16):
    protected = header if type(header) is bytes else cbor.encode(header)
    return cbor.encode(cbor.Tag(tag, [protected, unprotected or {}, ciphertext]))


def header(**changes):
    made = {1: 24, 4: KID, 6: b"\x01"}
    for label in changes:
        made[int(label[1:])] = changes[label]
    return made


def refused_as(error, sealed):
    text = raises(error, lambda: unseal(sealed))
    assert raises(error, lambda: cose.peek(sealed)) == text
    return text


def test_what_is_sealed_is_opened_again():
    for plaintext in (b"", b"x", bytes(200)):
        assert unseal(seal(plaintext=plaintext)) == plaintext


def test_a_sealed_message_has_the_bytes_of_the_contract():
    sealed = seal(counter=300)
    assert sealed == unhexlify(
        "d08354a3011818044a010203040506070801020642012ca057") + sealed[-23:]


def test_the_nonce_is_the_context_iv_with_the_counter_on_its_right_end():
    cipher = Recorder()
    for counter, end in ((0, "4b"), (1, "4a"), (0xFF00, "b54b"), (2**64 - 1, "bbbab9b8b7b6b5b4")):
        cose.seal(cipher, KEY, KID, counter, b"", "up", "default", "batch")
        wanted = KEY.context_iv[:12 - len(end) // 2] + unhexlify(end)
        assert cipher.asked[1] == wanted, counter


def test_the_nonces_of_different_counters_differ():
    cipher = Recorder()
    seen = set()
    counters = [0, 1, 2, 255, 256, 257, 65535, 65536, 2**32, 2**40, 2**56, 2**64 - 1]
    for counter in counters:
        cose.seal(cipher, KEY, KID, counter, b"", "up", "default", "batch")
        seen.add(cipher.asked[1])
    assert len(seen) == len(counters)


def test_what_is_bound_to_the_seal_is_the_structure_of_the_standard():
    cipher = Recorder()
    cose.seal(cipher, KEY, KID, 7, b"x", "down", "utility-1", "ack")
    protected = cbor.encode({1: 24, 4: KID, 6: b"\x07"})
    assert cbor.decode(cipher.asked[3]) == [
        "Encrypt0", protected, cbor.encode(["wum0", "down", "utility-1", "ack"])]


def test_peek_tells_concentrator_epoch_and_counter_for_every_length_of_the_counter():
    for counter in (0, 1, 255, 256, 2**16, 2**24 - 1, 2**32, 2**40, 2**48, 2**56, 2**64 - 1):
        assert cose.peek(seal(counter=counter)) == (KID[:8], 0x0102, counter)


def test_every_single_flipped_bit_of_a_sealed_message_is_noticed():
    sealed = seal(counter=300, plaintext=b"42 Wh")
    assert unseal(sealed) == b"42 Wh"
    for bit in range(8 * len(sealed)):
        damaged = bytearray(sealed)
        damaged[bit // 8] ^= 1 << bit % 8
        try:
            unseal(bytes(damaged))
        except WireError:
            continue
        raise AssertionError("bit %d was not noticed" % bit)


def test_every_cut_and_every_addition_is_noticed():
    sealed = seal(plaintext=b"42 Wh")
    for size in range(len(sealed)):
        raises(Malformed, lambda size=size: unseal(sealed[:size]))
    raises(Malformed, lambda: unseal(sealed + b"\x00"))


def test_another_key_iv_direction_tenant_or_stream_does_not_open_it():
    sealed = seal()
    for key in (DirectionKey(bytes(32), KEY.context_iv), DirectionKey(KEY.key, bytes(12))):
        assert "does not hold under key 01020304050607080102" in raises(
            NotGenuine, lambda key=key: unseal(sealed, key=key))
    raises(NotGenuine, lambda: unseal(sealed, direction="down"))
    raises(NotGenuine, lambda: unseal(sealed, tenant="other"))
    raises(NotGenuine, lambda: unseal(sealed, stream="schema"))


def test_a_message_under_the_name_of_another_concentrator_or_epoch_is_not_genuine():
    for kid in (cose.key_id(bytes(8), 0x0102), cose.key_id(KID[:8], 0x0103)):
        sealed = cbor.decode(seal(), tags=(16,)).value
        forged = envelope({1: 24, 4: kid, 6: b"\x00"}, ciphertext=sealed[2])
        raises(NotGenuine, lambda forged=forged: unseal(forged))


def test_other_algorithms_are_refused_by_name():
    for algorithm in (1, 3, 10, 23, 25, -8, -19, "ChaCha20/Poly1305", True):
        assert "wanted algorithm 24" in refused_as(Unsupported, envelope(header(_1=algorithm)))


def test_headers_that_stand_unprotected_are_refused_by_name():
    for label, name in ((1, "alg"), (2, "crit"), (4, "kid"), (5, "IV"), (6, "Partial IV")):
        text = refused_as(Unsupported, envelope(header(), unprotected={label: b"\x01"}))
        assert "%s (%d) in the unprotected header" % (name, label) in text


def test_an_algorithm_that_stands_in_the_unprotected_header_only_is_refused():
    text = refused_as(Unsupported, envelope({4: KID, 6: b"\x01"}, unprotected={1: 24}))
    assert "alg (1) in the unprotected header" in text


def test_critical_and_unknown_headers_are_refused_by_name():
    assert "crit (2)" in refused_as(Unsupported, envelope(header(_2=[4])))
    assert "IV (5)" in refused_as(Unsupported, envelope(header(_5=bytes(12))))
    assert "content type (3)" in refused_as(Unsupported, envelope(header(_3=0)))
    assert "label (99)" in refused_as(Unsupported, envelope(header(_99=1)))
    assert "label ('x')" in refused_as(Unsupported, envelope({1: 24, 4: KID, 6: b"\x01", "x": 1}))


def test_each_header_has_to_be_there():
    for label, name in ((1, "alg"), (4, "kid"), (6, "Partial IV")):
        made = header()
        del made[label]
        assert "%s (%d) is missing" % (name, label) in refused_as(Malformed, envelope(made))
    assert "alg (1) is missing" in refused_as(Malformed, envelope({}))


def test_headers_of_another_form_are_refused():
    for kid in (b"", bytes(9), bytes(11), "0123456789", 7, None):
        assert "kid" in refused_as(Malformed, envelope(header(_4=kid)))
    for partial_iv in (b"", bytes(9), b"\x00\x01", bytes(2), 1, "1", None):
        assert "Partial IV" in refused_as(Malformed, envelope(header(_6=partial_iv)))
    for protected in (b"", b"\x80", b"\xa0\x00", b"\xbf\xff", cbor.encode([1, 24])):
        refused_as(Malformed, envelope(protected))


def test_a_header_that_is_not_deterministic_is_refused():
    for protected in ("a3011818064101044a01020304050607080102",
                      "a301190018044a01020304050607080102064101",
                      "a4011818011818044a01020304050607080102064101"):
        refused_as(Malformed, envelope(unhexlify(protected)))


def test_other_shapes_are_refused():
    parts = [cbor.encode(header()), {}, bytes(16)]
    assert "wanted tag 16" in refused_as(Malformed, cbor.encode(parts))
    for tag in (17, 18, 96, 98, 61):
        assert "tag %d" % tag in refused_as(Malformed, envelope(header(), tag=tag))
    for other in ([], parts[:2], parts + [b""], {}, None, b"", [parts]):
        refused_as(Malformed, cbor.encode(cbor.Tag(16, other)))
    for ciphertext in (None, "text", bytes(15), b"", 5, []):
        assert "ciphertext" in refused_as(Malformed, envelope(header(), ciphertext=ciphertext))
    for unprotected in ([], None, b"\xa0", 0):
        refused_as(Malformed, cbor.encode(cbor.Tag(16, [parts[0], unprotected, parts[2]])))


def test_the_size_is_bounded_before_anything_is_read():
    assert "at most" in refused_as(Malformed, bytes(cose.SEALED_BYTES_MAX + 1))


def test_what_cannot_be_sealed_is_a_mistake_of_the_caller():
    raises(AssertionError, lambda: seal(counter=-1))
    raises(AssertionError, lambda: seal(counter=2**64))
    raises(AssertionError, lambda: seal(direction="sideways"))
    raises(AssertionError, lambda: cose.seal(
        CIPHER, KEY, KID[:9], 0, b"", "up", "default", "batch"))
    raises(AssertionError, lambda: cose.key_id(bytes(7), 0))
    raises(AssertionError, lambda: cose.key_id(bytes(8), 65536))


def test_what_is_signed_verifies_under_its_key_only():
    signer = HashSigner()
    signed = cose.sign(signer, bytes(32), b"cabinet1", b"payload")
    assert cose.peek_signed(signed) == (b"cabinet1", b"payload")
    assert cose.verify(signer, bytes(32), signed) == b"payload"
    assert "signature of " in raises(
        NotGenuine, lambda: cose.verify(signer, b"\x01" + bytes(31), signed))


def test_the_signed_bytes_are_the_structure_of_the_standard():
    protected = cbor.encode({1: -19, 4: b"k"})
    message = cbor.encode(["Signature1", protected, b"", b"payload"])
    signed = cose.sign(HashSigner(), bytes(32), b"k", b"payload")
    assert cbor.decode(signed, tags=(18,)).value == [
        protected, {}, b"payload", HashSigner().sign(bytes(32), message)]


def test_every_single_flipped_bit_of_a_signed_message_is_noticed():
    signed = cose.sign(HashSigner(), bytes(32), b"cabinet1", b"payload")
    for bit in range(8 * len(signed)):
        damaged = bytearray(signed)
        damaged[bit // 8] ^= 1 << bit % 8
        try:
            cose.verify(HashSigner(), bytes(32), bytes(damaged))
        except WireError:
            continue
        raise AssertionError("bit %d was not noticed" % bit)


def signed_envelope(header, unprotected=None, payload=b"p", signature=bytes(64)):
    return cbor.encode(cbor.Tag(18, [cbor.encode(header), unprotected or {}, payload, signature]))


def test_signed_messages_outside_of_the_profile_are_refused_by_name():
    def refusal(error, signed):
        return raises(error, lambda: cose.peek_signed(signed))

    assert cose.peek_signed(signed_envelope({1: -19, 4: b"k"})) == (b"k", b"p")
    for algorithm in (-8, -7, -53, 24, "Ed25519"):
        assert "wanted algorithm -19" in refusal(
            Unsupported, signed_envelope({1: algorithm, 4: b"k"}))
    assert "crit" in refusal(Unsupported, signed_envelope({1: -19, 2: [1], 4: b"k"}))
    assert "in the unprotected header" in refusal(
        Unsupported, signed_envelope({4: b"k"}, unprotected={1: -19}))
    assert "kid (4) is missing" in refusal(Malformed, signed_envelope({1: -19}))
    assert "kid" in refusal(Malformed, signed_envelope({1: -19, 4: b""}))
    assert "kid" in refusal(Malformed, signed_envelope({1: -19, 4: bytes(33)}))
    assert "payload" in refusal(Malformed, signed_envelope({1: -19, 4: b"k"}, payload=None))
    assert "signature" in refusal(
        Malformed, signed_envelope({1: -19, 4: b"k"}, signature=bytes(63)))
    assert "tag 16" in refusal(Malformed, seal())
    assert "tag 18" in raises(Malformed, lambda: cose.peek(signed_envelope({1: -19, 4: b"k"})))
    refusal(Malformed, bytes(cose.SIGNED_BYTES_MAX + 1))
