"""Questions to name servers, and answers: genuine, of somebody else, damaged, without end."""

from wum_edge.ports.micropython import dns
from wum_edge.ports.micropython.names import is_address

HOST = "broker.example.com"
ASKED = b"\x06broker\x07example\x03com\x00\x00\x01\x00\x01"


def head(number=7, flags=0x8180, answers=1, questions=1):
    return bytes([number >> 8, number & 255, flags >> 8, flags & 255, 0, questions, 0, answers,
                  0, 0, 0, 0])


def record(name, kind, body, ttl=300):
    return name + bytes([0, kind, 0, 1, 0, 0, ttl >> 8, ttl & 255, 0, len(body)]) + body


TO_ASKED = b"\xc0\x0c"       # Where the question's name begins.
PLAIN = head() + ASKED + record(TO_ASKED, 1, b"\x0a\x00\x00\x05")


def refused(kind, data, host=HOST):
    try:
        found = dns.answer(data, 7, host)
    except kind as error:
        return str(error)
    raise AssertionError((data, found))


def check_a_question_is_the_standards():
    assert dns.question(0x1234, HOST) == b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00" + ASKED
    assert dns.question(1, HOST + ".") == dns.question(1, HOST)
    for wrong in ("", ".", "a..b", "a" * 64 + ".b", ".".join(["abcdefg"] * 32), "br\xf6ker.de"):
        try:
            dns.question(1, wrong)
        except ValueError:
            continue
        raise AssertionError(wrong)


def check_addresses_come_with_how_long_they_are_good():
    assert dns.answer(PLAIN, 7, HOST) == (["10.0.0.5"], 300)
    assert dns.answer(PLAIN, 7, "Broker.EXAMPLE.com.") == (["10.0.0.5"], 300)
    two = head(answers=2) + ASKED + record(TO_ASKED, 1, b"\x0a\x00\x00\x05", 60) + record(
        ASKED[:-4], 1, b"\x0a\x00\x00\x06", 30)
    assert dns.answer(two, 7, HOST) == (["10.0.0.5", "10.0.0.6"], 30)


def check_an_alias_is_followed_whatever_the_order_of_records():
    other = b"\x03one\xc0\x13"                               # one.example.com
    records = [record(TO_ASKED, 5, other, 20), record(other, 1, b"\x0a\x00\x00\x07", 90),
               record(b"\x05spoof\xc0\x13", 1, b"\x06\x06\x06\x06")]
    for order in ((0, 1, 2), (1, 0, 2), (2, 1, 0)):
        data = head(answers=3) + ASKED + b"".join([records[at] for at in order])
        assert dns.answer(data, 7, HOST) == (["10.0.0.7"], 20)


def check_what_is_not_our_answer_is_passed_over_and_says_why():
    assert refused(dns.Stray, PLAIN[:11]) == "11 bytes"
    assert refused(dns.Stray, head(8) + PLAIN[12:]) == "another number"
    assert refused(dns.Stray, head(flags=0x0100) + PLAIN[12:]) == "no answer"
    assert refused(dns.Stray, head(flags=0xA180) + PLAIN[12:]) == "no answer"
    assert refused(dns.Stray, head(questions=0) + PLAIN[12:]) == "another question"
    assert refused(dns.Stray, PLAIN, "broker.example.org") == "another question"
    assert refused(dns.Stray, PLAIN[:20]) == "another question"


def check_a_refusal_is_said_in_words():
    for code, words in ((1, "it takes the question for none"), (2, "it failed"),
                        (3, "there is no such name"), (5, "it refuses us"),
                        (9, "it says code 9")):
        assert refused(dns.Refused, head(flags=0x8180 | code, answers=0) + ASKED) == words
    assert refused(dns.Refused, head(answers=0) + ASKED) == "the name has no IPv4 address"
    assert refused(dns.Refused, head(flags=0x8380, answers=0) + ASKED) == "its answer was cut short"
    assert refused(dns.Refused, head() + ASKED + record(TO_ASKED, 28, bytes(16))) == (
        "the name has no IPv4 address")


def check_names_without_end_are_damage_and_no_loop():
    for name in (b"\xc0\x24", b"\xc0\xff", b"\xc0", b"\x3f" + b"a" * 10, b"\x40a\x00", b"\xff\xff",
                 b"\x01a\xc0\x24", (b"\x3f" + b"a" * 63) * 5 + b"\x00"):
        assert refused(dns.Refused, head() + ASKED + record(name, 1, b"\x0a\x00\x00\x05")) == (
            "its answer is damaged"), name
    round_and_round = record(TO_ASKED, 5, b"\x01x\xc0\x13") + record(b"\x01x\xc0\x13", 5, TO_ASKED)
    assert refused(dns.Refused, head(answers=2) + ASKED + round_and_round) == (
        "the name has no IPv4 address")


def check_no_address_comes_of_what_was_cut_off():
    for size in range(len(PLAIN)):
        refused((dns.Stray, dns.Refused), PLAIN[:size])


def check_noise_is_refused_or_a_list_of_addresses():
    state, aliased = 1, head(answers=2) + ASKED + record(
        TO_ASKED, 5, b"\x03one\xc0\x13") + record(b"\x03one\xc0\x13", 1, b"\x0a\x00\x00\x07")
    for turn in range(3000):
        noisy = bytearray((PLAIN, aliased)[turn & 1])
        for _ in range(1 + turn % 3):
            state = (state * 1103515245 + 12345) & 0x3FFFFFFF
            noisy[12 + (state >> 8) % (len(noisy) - 12)] = state >> 20 & 255
        try:
            addresses, ttl_s = dns.answer(noisy, 7, HOST)
        except (dns.Stray, dns.Refused):
            continue
        assert addresses and ttl_s >= 0 and all(is_address(one) for one in addresses)
        if turn % 50 == 0:
            yield


def check_what_is_an_address():
    for text, is_one in (("10.0.0.5", True), ("256.0.0.1", False), ("1.2.3", False), ("", False),
                         ("a.b.c.d", False), ("1.2.3.4.5", False), ("0001.2.3.4", False),
                         ("1..2.3", False)):
        assert is_address(text) == is_one, text
