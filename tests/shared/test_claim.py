"""Claim codes: what a person may do to one, and what follows from it."""

from tests.portable import raises
from wum_shared.claim import QR_PREFIX, code_from_text, code_to_text, secrets_of
from wum_shared.errors import Malformed

CODE = bytes(range(16))
TEXT = code_to_text(CODE)
DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def test_a_code_is_read_as_it_was_printed():
    for code in (CODE, bytes(16), b"\xff" * 16, bytes([1] + [0] * 15), bytes([0] * 15 + [1])):
        text = code_to_text(code)
        assert code_from_text(text) == code
        assert len(text) == 34 and [len(part) for part in text.split("-")] == [4] * 7


def test_what_people_type_instead_is_understood():
    for typed in (TEXT.lower(), TEXT.replace("-", ""), TEXT.replace("-", " "), " " + TEXT + "\n",
                  QR_PREFIX + TEXT, QR_PREFIX.lower() + TEXT.lower(),
                  TEXT.replace("0", "O"), TEXT.replace("1", "l"), TEXT.replace("1", "i")):
        assert code_from_text(typed) == CODE


def test_every_slip_of_one_digit_and_every_exchange_of_two_is_noticed_but_for_one_in_a_thousand():
    plain = TEXT.replace("-", "")
    tried = passed = 0
    for at in range(len(plain)):
        for digit in DIGITS:
            if digit == plain[at]:
                continue
            tried += 1
            try:
                passed += code_from_text(plain[:at] + digit + plain[at + 1:]) != CODE
            except Malformed:
                continue
    assert tried == 28 * 31 and passed <= 4


def test_what_is_no_code_is_refused_and_never_repeated():
    for typed in ("", "A", TEXT[:-1], TEXT + "A", TEXT[:-1] + "U", "-" * 28, "U" * 28, "!" * 28,
                  "Ω" * 28, "7" * 28):
        said = raises(Malformed, lambda typed=typed: code_from_text(typed))
        assert "claim code" in said and (len(typed) < 5 or typed not in said)


def test_the_secrets_of_a_code_are_for_one_purpose_each():
    secrets = secrets_of(CODE)
    assert secrets == secrets_of(CODE) and secrets != secrets_of(bytes(16))
    parts = [secrets.enrol, secrets.grant.key, secrets.password.encode(), secrets.name]
    for one in range(len(parts)):
        for other in range(one):
            assert parts[one][:8] != parts[other][:8]
    assert len(secrets.name) == 8 and len(secrets.password) == 48
    assert secrets.password not in repr(secrets)
