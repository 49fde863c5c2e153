"""Bad bundles and bad code, each refused or rolled back with its own words.

Where there is one, the name is that of the attack in tuf-conformance (theupdateframework).
"""

from hashlib import sha256

from tests.edge.update_site import (
    BLIND,
    CLASS,
    DEAF,
    NOW_S,
    RULES,
    STUCK,
    VENDOR,
    HeadEnd,
    Site,
    content,
    envelope,
    site_after,
)
from tests.edge.updates import CRASH, GOOD
from tests.portable import raises
from wum_edge.update import boot
from wum_edge.update.boot import A, B, read_boot
from wum_edge.update.offer import OfferRefused, Rules
from wum_shared import bundle, cbor, suit
from wum_shared import updates as wire
from wum_simulator.flash import SimulatedFlash

DATA = content(7)
FORMATS = b"reads 0 1\nwrites 1\n"
REVERTED = wire.REVERTED


def running_5(rules=RULES):
    """A site that runs release 5 from slot a, and its updater."""
    site = site_after([(5, GOOD)])
    site.rules = rules
    return site, site.wake(A)


def words(updater, signed, number=9, **changes):
    """Why an assignment is refused."""
    given = {"floor": 0, "begins_s": NOW_S, "ends_s": NOW_S + 10**6, "may_go_back": False}
    given.update(changes)
    assignment = wire.Assignment(given["floor"], given["begins_s"], given["ends_s"],
                                 given["may_go_back"], signed)
    return raises(OfferRefused, lambda: updater.check(number, assignment))


def came_back(site, sequence, data, runs=5):
    """The note that is told once a release was tried and the one before runs again."""
    assert site.update(sequence, data)[1] == runs
    standing = site.updater.standing()
    assert standing.sequence == runs and standing.state in (REVERTED, wire.CALLED_OFF)
    assert boot.read_boot(site.flash).floor == 0
    return standing.note


def test_a_good_bundle_is_taken_and_this_is_what_the_others_are_beside():
    site, updater = running_5()
    updater.check(9, wire.Assignment(0, NOW_S, NOW_S + 10**6, False, envelope(7, DATA)))
    assert site.update(7, DATA) == (B, 7)
    assert wire.STAGED in site.states and site.head_end.refused == []
    told = [(one.state, one.sequence) for one in site.head_end.heard]
    assert (wire.TRIAL, 7) in told and (wire.FETCHING, 5) in told


def test_every_flipped_byte_of_the_envelope():
    _, updater = running_5()
    good = envelope(7, DATA)
    for place in range(len(good)):
        changed = bytearray(good)
        changed[place] ^= 1 << place % 8
        assert words(updater, bytes(changed))


def test_truncated_envelope():
    _, updater = running_5()
    good = envelope(7, DATA)
    for size in range(0, len(good), 7):
        assert "not genuine" in words(updater, good[:size])
    assert "not genuine" in words(updater, good + b"\0")


def test_wrong_type_of_device_or_vendor():
    _, updater = running_5()
    assert words(updater, envelope(7, DATA, device_class=b"d" * 16)) == (
        "the release is for another device class")
    assert words(updater, envelope(7, DATA, vendor=b"w" * 16)) == (
        "the release is of another vendor")


def test_new_release_version_rollback():
    site, updater = running_5()
    assert words(updater, envelope(4, DATA)) == (
        "release 4 is older than 5, which runs, and the assignment does not allow a way back")
    site.head_end.assign(4, content(4), back=True)
    assert site.settle() == (B, 4)


def test_release_below_the_floor_rollback_though_it_is_assigned_and_signed():
    site = site_after([(5, GOOD)], floor=5)
    updater = site.wake(A)
    assert words(updater, envelope(4, DATA), may_go_back=True) == (
        "release 4 is below the floor, 5")


def test_fast_forward_of_the_floor_beyond_the_release():
    _, updater = running_5()
    assert words(updater, envelope(7, DATA), floor=8) == (
        "the assignment's floor, 8, is above its own release, 7")


def test_release_already_there_is_said_as_such():
    _, updater = running_5()
    assert words(updater, envelope(5, DATA)) == "release 5 is already there"


def test_signature_threshold_not_met():
    _, updater = running_5(Rules(VENDOR, CLASS, RULES.keys, 2, None))
    for signers in ((), (b"one",), (b"one", b"three"), (b"three",)):
        assert "wanted 2 signers that are trusted" in words(
            updater, envelope(7, DATA, signers=signers))
    updater.check(9, wire.Assignment(0, NOW_S, NOW_S + 9999, False,
                                     envelope(7, DATA, signers=(b"one", b"two"))))


def test_duplicate_sig_keyids():
    _, updater = running_5(Rules(VENDOR, CLASS, RULES.keys, 2, None))
    assert "signed twice" in words(updater, envelope(7, DATA, signers=(b"one", b"one")))


def test_duplicate_keys_under_two_keyids():
    keys = {b"one": RULES.keys[b"one"], b"uno": RULES.keys[b"one"]}
    _, updater = running_5(Rules(VENDOR, CLASS, keys, 2, None))
    assert "wanted 2 signers that are trusted, got 1" in words(
        updater, envelope(7, DATA, signers=(b"one",)))


def test_unsigned_release():
    _, updater = running_5()
    assert "wanted 1 signers that are trusted, got 0" in words(
        updater, envelope(7, DATA, signers=()))


def test_assignment_expired():
    site, updater = running_5()
    assert words(updater, envelope(7, DATA), begins_s=NOW_S - 99, ends_s=NOW_S) == (
        "the assignment's window is over")
    site.head_end.assign(7, DATA, ends_s=site.clock.now_s() + 240)
    assert site.settle() == (A, 5)
    assert site.updater.standing().note == (
        "release 7: its window was over before it could begin")


def test_replayed_assignment():
    site, updater = running_5()
    old = site.head_end.assignment
    number = site.head_end.number
    assert site.update(7, DATA) == (B, 7)
    for again in range(number + 2):
        text = raises(OfferRefused, lambda again=again: site.updater.check(again, old))
        assert text == "assignment %d comes after %d: a replay, or out of order" % (
            again, number + 1)
    assert updater.state != wire.TRIAL


def test_release_key_alone_installs_nothing_and_neither_does_the_head_end_alone():
    site, updater = running_5()
    for _ in range(30):
        site.tick(updater)
    assert updater.standing().sequence == 5 and updater.want() is None
    assert "wanted 1 signers" in words(updater, envelope(7, DATA, signers=(b"three",)))


def test_swapped_chunk():
    class Swaps(HeadEnd):
        """Serves the pieces of a release in wrong places, now and then."""

        swapped = 0

        def pieces(self, want, most=2):
            found = HeadEnd.pieces(self, want, 1)
            self.swapped += 1
            if self.swapped % 2:
                place = 1 if want.ranges[0][0] != 1 else 2
                data = self.contents[want.digest][place * 1024:(place + 1) * 1024]
                return wire.Pieces(want.digest, want.part, want.ranges[0][0], data)
            return found

    site, _ = running_5()
    site.head_end = Swaps()
    site.head_end.number = 1
    assert site.update(7, DATA) == (B, 7)
    assert site.head_end.swapped > 4


def test_every_flipped_byte_of_a_piece():
    site, updater = running_5()
    site.head_end.assign(7, DATA)
    updater.assigned(2, site.head_end.assignment)
    good = site.head_end.pieces(updater.want(), 1)
    for place in range(0, len(good.data), 13):
        bad = bytearray(good.data)
        bad[place] ^= 1
        updater.heard(wire.Pieces(good.digest, good.part, good.first, bytes(bad)))
    assert updater.wrong == 79 and updater.standing().have == 0
    updater.heard(good)
    assert updater.standing().have == 1


def test_pieces_of_another_release_and_places_that_are_none():
    site, updater = running_5()
    site.head_end.assign(7, DATA)
    updater.assigned(2, site.head_end.assignment)
    want = updater.want()
    updater.heard(wire.Pieces(bytes(32), wire.CONTENT, 0, DATA[:1024]))
    assert updater.wrong == 0
    for first in (99, wire.PLACE_MAX):
        updater.heard(wire.Pieces(want.digest, wire.CONTENT, first, DATA[:1024]))
    updater.heard(wire.Pieces(want.digest, wire.INDEX, 0, DATA[:1024]))
    assert updater.wrong == 2 and updater.standing().have == 0


def forged_table(rows, tail=b""):
    """A content whose table says what no builder of ours writes."""
    return cbor.encode(cbor.encode(rows)) + tail


def test_path_tricks():
    for path in ("../boot-a", "/etc/passwd", "a//b", "./run", "a/../../x", "RUN", "a b", "",
                 "a\\b"):
        site, _ = running_5()
        data = forged_table([[path, 3, bytes(32), 0o644]], b"abc")
        note = came_back(site, 7, data)
        assert note == "release 7: its pieces do not make what was signed", path
        assert "b/run" not in site.flash.names() and read_boot(site.flash).sequence == 5


def test_arbitrary_modes_and_a_file_within_a_file():
    for rows in ([["run", 3, bytes(32), 0o4755]], [["run", 3, bytes(32), 0o777]],
                 [["a", 0, bytes(32), 0o644], ["a/b", 3, bytes(32), 0o644]],
                 [["b", 0, bytes(32), 0o644], ["a", 3, bytes(32), 0o644]]):
        site, _ = running_5()
        assert "do not make what was signed" in came_back(site, 7, forged_table(rows, b"abc"))


def test_endless_data_of_a_table_or_a_file():
    site, _ = running_5()
    for data in (forged_table([["run", suit.CONTENT_BYTES_MAX, bytes(32), 0o644]], b"abc"),
                 b"\x5a\x7f\xff\xff\xff" + b"x" * 100, b"\x5b" + b"\xff" * 8 + b"x" * 100,
                 forged_table([["run", 3, bytes(32), 0o644]], b"abcd"), b"\x00"):
        site.head_end.number += 1
        assert "do not make what was signed" in came_back(site, 7, data)
    _, updater = running_5()
    assert words(updater, b"\0" * (suit.ENVELOPE_BYTES_MAX + 1))
    assert "not genuine" in words(updater, envelope(
        7, DATA, size=suit.CONTENT_BYTES_MAX + 1, index_size=16, index=None))


def test_a_table_that_names_a_file_at_hand_in_the_place_of_another():
    site, _ = running_5()
    shared, other = b"s" * 1500, b"t" * 1500
    data = bundle.content_of([("lib/own", other, 0o644), ("run", b"good 7", 0o644)])
    data = data.replace(sha256(other).digest(), sha256(shared).digest())
    assert "do not make what was signed" in came_back(site, 7, data)


def test_an_archive_that_the_way_back_could_not_read():
    site, _ = running_5()
    for other in (b"reads 0 1\nwrites 2\n", b"reads 0 2\nwrites 1\n", b"reads 1\nwrites  \n",
                  b"reads  1 1\nwrites 9", b"anything at all....", b"reads 0 2\nreads 0 1\n"):
        data = bundle.content_of([
            ("run", b"good 7", 0o644),
            ("wum_edge/archive/formats.txt", (other + FORMATS)[:19], 0o644)])
        note = came_back(site, 7, data)
        assert "cannot read each other's archives" in note, other


def test_no_room_is_told_before_anything_is_fetched_and_readings_keep_theirs():
    site, updater = running_5()
    site.flash.size_bytes = site.flash.disk.used_bytes() + 100_000
    assert words(updater, envelope(7, DATA)).startswith("no room: 100000 bytes are free, ")


def test_no_room_on_the_way_gives_back_what_was_fetched():
    site, updater = running_5()
    site.head_end.assign(7, DATA)
    updater.assigned(2, site.head_end.assignment)
    site.tick(updater)
    used = site.flash.disk.used_bytes()
    site.flash.size_bytes = used + 1
    for _ in range(9):
        site.tick(updater)
    assert updater.standing().note == "release 7: flash had no room for it"
    assert not [name for name in site.flash.names() if name.startswith("fetch-")]


def test_bad_code_each_comes_back_with_its_own_words():
    wanted = {CRASH: "it ended before it could tell", DEAF: "the head-end did not answer",
              BLIND: "no meter answered", STUCK: "the archive took no record"}
    for behaviour in sorted(wanted):
        site, _ = running_5()
        assert came_back(site, 7, content(7, behaviour)) == "release 7: " + wanted[behaviour]
        assert len([run for run in site.starts if run[2] == 7]) == boot.TRIES
        assert site.update(8, content(8)) == (B, 8)


def test_bad_code_that_fills_the_disk():
    site, _ = running_5()
    site.head_end.assign(7, content(7, STUCK))
    assert not site.run(A)
    site.flash.size_bytes = site.flash.disk.used_bytes()
    assert site.settle() == (A, 5)
    assert site.updater.standing().note == "release 7: the archive took no record"


def test_a_version_on_trial_takes_no_other_release():
    site, _ = running_5()
    site.head_end.assign(7, content(7, DEAF))
    assert not site.run(A)
    assert site.start()[2] == 7
    updater = site.wake(B)
    assert words(updater, envelope(8, DATA)) == "a version is on trial"


def test_what_is_called_off_is_neither_armed_nor_confirmed():
    for behaviour, ticks in ((GOOD, 1), (GOOD, 3), (DEAF, 0)):
        site, updater = running_5()
        site.head_end.assign(7, content(7, behaviour), begins_s=NOW_S + 10**5)
        for _ in range(ticks):
            site.tick(updater, DEAF)
        if behaviour == DEAF:
            site.clock.go(10**5)
            assert not site.run(A) and site.start()[2] == 7
            updater = site.wake(B)
            assert updater.state == wire.TRIAL
        updater.called_off(site.head_end.number - 1)
        assert updater.state not in (wire.CALLED_OFF, wire.REVERTED)
        updater.called_off(site.head_end.number)
        assert site.settle() == (A, 5) and site.updater.state == wire.CALLED_OFF
        assert site.updater.standing().note == "release 7: it was called off"


def test_nothing_is_armed_before_its_window_nor_without_the_head_ends_word_nor_without_a_clock():
    site, updater = running_5()
    site.head_end.assign(7, DATA, begins_s=NOW_S + 20_000)
    for _ in range(40):
        assert not site.tick(updater)
    assert updater.state == wire.STAGED
    site.clock.go(20_000)
    updater = site.wake(A)                # The word has to be given after every start.
    for _ in range(9):
        assert not site.tick(updater, DEAF)
    site.clock.is_set = False
    for _ in range(9):
        assert not site.tick(updater)
    site.clock.is_set = True
    assert site.tick(updater) and site.settle() == (B, 7)


def test_an_answer_to_another_telling_confirms_nothing():
    site, _ = running_5()
    site.head_end.assign(7, content(7, DEAF))
    assert not site.run(A) and site.start()[2] == 7
    updater = site.wake(B)
    standing = updater.standing()
    updater.confirmed(wire.Confirmation(standing.digest, bytes(16)))
    updater.confirmed(wire.Confirmation(bytes(32), standing.nonce))
    assert site.tick(updater, DEAF) is False and updater.state == wire.TRIAL
    updater.confirmed(wire.Confirmation(standing.digest, standing.nonce))
    updater.tick()
    assert updater.state == wire.CONFIRMED and read_boot(site.flash).home == B


def test_the_index_of_a_long_release_is_fetched_first_and_a_wrong_one_anew():
    big = bundle.content_of([
        ("run", b"good 7", 0o644), ("wum_edge/archive/formats.txt", FORMATS, 0o644),
        ("big", bytes([place % 251 for place in range(1024)]) * 230, 0o644)])
    site, updater = running_5()
    site.head_end.assign(7, big, signed=envelope(7, big, index=None))
    updater.assigned(2, site.head_end.assignment)
    want = updater.want()
    assert (want.part, want.ranges) == (wire.INDEX, ((0, 4),))
    size = suit.index_size_of(len(big))
    for first in range(4):
        updater.heard(wire.Pieces(want.digest, wire.INDEX, first,
                                  bytes(min(1024, size - 1024 * first))))
    assert updater.wrong == 1 and updater.want().ranges == ((0, 4),)
    assert site.settle() == (B, 7) and size > 3072


def test_readings_go_on_and_nothing_of_the_updates_folder_is_theirs():
    site = Site(SimulatedFlash())
    assert site.update(5, content(5)) == (A, 5)
    for name in site.flash.names():
        assert name.split("/")[0] in ("a", "boot-a", "boot-b", "table-a"), name
