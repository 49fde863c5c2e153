"""Whatever is wrong with a message is told apart, counted and kept; the others go on."""

from collections.abc import Callable

import pytest

from tests.cloud.concentrator import (
    CIPHER,
    HOUR_S,
    NOW_S,
    Concentrator,
    delivery,
    register_set,
    schema_of,
)
from tests.cloud.conftest import HeadEnd
from wum_cloud.broker import Delivery
from wum_cloud.ingest.quarantine import entries
from wum_shared import cbor, cose, topics
from wum_shared.batch import Missed, encode_batch, encode_batch_0
from wum_shared.messages import DirectionKey, encode_schema
from wum_shared.status import NEVER_SET, SET_ASIDE, STORED, VERSION_UNSUPPORTED


def _tampered(one: Concentrator) -> Delivery:
    good = one.send_rows(one.row(0, 1))
    return delivery(good.topic, good.payload[:-20] + bytes([good.payload[-20] ^ 1])
                    + good.payload[-19:])


def _truncated(one: Concentrator) -> Delivery:
    good = one.send_rows(one.row(0, 1))
    return delivery(good.topic, good.payload[:-1])


def _unknown_device(one: Concentrator) -> Delivery:
    stranger = Concentrator()
    return stranger.send_rows(stranger.row())


def _unknown_key(one: Concentrator) -> Delivery:
    one.epoch = 9
    try:
        return one.send_rows(one.row(0, 1))
    finally:
        one.epoch = 0


def _foreign(one: Concentrator) -> Delivery:
    stranger = Concentrator()
    good = one.send_rows(one.row(0, 1))
    return delivery(topics.topic(stranger.id, topics.UP, topics.BATCH), good.payload)


def _own_schema_sent_as_a_batch(one: Concentrator) -> Delivery:
    schema = one.send_schema()
    return delivery(topics.topic(one.id, topics.UP, topics.BATCH), schema.payload)


def _on_a_strange_topic(one: Concentrator) -> Delivery:
    return delivery("wum/0/%s/up/firmware" % one.id.hex(), one.send_rows(one.row(0, 1)).payload)


def _sealed_by_another_suite(one: Concentrator) -> Delivery:
    header = cbor.encode({1: 1, 4: cose.key_id(one.id, 0), 6: b"\x01"})
    return delivery(topics.topic(one.id, topics.UP, topics.BATCH), cbor.encode(
        cbor.Tag(16, [header, {}, bytes(32)])))


def _counter_past_what_can_be_counted(one: Concentrator) -> Delivery:
    one.counter = 2**63
    good = one.send_rows(one.row(0, 1))
    one.counter = 1000
    return good


UNPROVEN: list[tuple[Callable[[Concentrator], Delivery], str]] = [
    (_tampered, entries.NOT_GENUINE),
    (_truncated, entries.MALFORMED),
    (_unknown_device, entries.UNKNOWN_DEVICE),
    (_unknown_key, entries.UNKNOWN_KEY),
    (_foreign, entries.FOREIGN),
    (_own_schema_sent_as_a_batch, entries.NOT_GENUINE),
    (_on_a_strange_topic, entries.MALFORMED),
    (_sealed_by_another_suite, entries.UNSUPPORTED),
    (_counter_past_what_can_be_counted, entries.MALFORMED),
    (lambda one: delivery("wum/0/x/up/batch", b"junk"), entries.MALFORMED),
    (lambda one: delivery(topics.topic(one.id, "up", "batch"), b""), entries.MALFORMED),
    (lambda one: delivery(topics.topic(one.id, "up", "batch"), bytes(300_000)),
     entries.MALFORMED),
]


@pytest.mark.parametrize(("make", "reason"), UNPROVEN)
async def test_what_nobody_vouches_for_is_kept_as_it_came_and_gets_no_answer(
        head_end: HeadEnd, make: Callable[[Concentrator], Delivery], reason: str) -> None:
    one = Concentrator()
    await head_end.welcome(one)
    bad = make(one)
    answers = await head_end.take(bad, one.send_rows(one.row(0, 0)))
    assert [one.opened(answer).answer for answer in answers] == [STORED]
    assert head_end.rows()[0] == ("M-1", 0, 1000)
    assert head_end.ask("select reason, form, topic, content, times from quarantine") == [
        (reason, "message", bad.topic, bad.payload, 1)]
    assert head_end.count(reason) == 1
    await head_end.take(bad)
    assert head_end.ask("select times from quarantine") == [2]
    assert head_end.count(reason) == 2


async def test_every_single_flipped_bit_of_a_batch_is_noticed(head_end: HeadEnd) -> None:
    one = Concentrator(serials=["M-1"], sets=[register_set("1-0:1.8.0")])
    await head_end.welcome(one)
    good = one.send_rows(one.row())
    flipped = [
        delivery(good.topic, good.payload[:at] + bytes([good.payload[at] ^ 1 << bit])
                 + good.payload[at + 1:])
        for at in range(len(good.payload)) for bit in range(8)]
    assert await head_end.take(*flipped) == []
    assert head_end.rows() == []
    [answer] = await head_end.take(good)
    assert one.opened(answer).answer == STORED


async def test_rows_captured_in_the_future_are_set_aside_and_the_others_go_on(
        head_end: HeadEnd) -> None:
    one = Concentrator()
    await head_end.welcome(one)
    [answer] = await head_end.take(one.send_rows(
        one.row(0, 0), one.row(0, at_s=NOW_S + 300), one.row(1, at_s=NOW_S + 301),
        one.row(1, at_s=2**32 - 1, values=[None, 7] + [None] * 10)))
    said = one.opened(answer)
    assert (said.answer, said.set_aside, said.note) == (STORED, 2, entries.FUTURE)
    assert [serial for serial, _, _ in head_end.rows()] == ["M-1", "M-1"]
    [(form, content, detail)] = head_end.ask("select form, content, detail from quarantine")
    assert form == "readings"
    assert "2106-02-07T06:28:15Z" in detail
    readings = cbor.decode(bytes(content))
    assert isinstance(readings, list)
    assert [r[:5] for r in readings[:2]] == [
        ["M-2", b"\x01\x00\x01\x08\x00\xff", NOW_S + 301, 0, 1100],
        ["M-2", b"\x01\x00\x02\x08\x00\xff", NOW_S + 301, 0, 1101]]
    assert len(readings) == 24
    assert head_end.count(entries.FUTURE) == 2
    assert head_end.ask("select received::text from archive") == ["{[1,5)}"]


async def test_rows_of_a_clock_that_was_never_set_are_set_aside(head_end: HeadEnd) -> None:
    one = Concentrator()
    await head_end.welcome(one)
    [answer] = await head_end.take(one.send_rows(
        one.row(0, at_s=1_577_836_799), one.row(0, 1, quality=NEVER_SET), one.row(0, 2)))
    assert one.opened(answer).set_aside == 2
    assert head_end.rows() == [("M-1", 2, 3000)]
    assert head_end.quarantined() == [entries.CLOCK_NEVER_SET]


async def test_missed_rows_of_a_broken_clock_are_set_aside_too(head_end: HeadEnd) -> None:
    one = Concentrator()
    await head_end.welcome(one)
    [answer] = await head_end.take(one.send_rows(
        Missed(1, 0, 0, NOW_S + 9999, 0, 1, ""), Missed(2, 0, 0, HOUR_S, 0, 1, ""),
        Missed(3, 1, 0, HOUR_S, NEVER_SET, 1, "")))
    assert one.opened(answer).set_aside == 2
    assert head_end.ask("select count(*) from missed") == [1]
    assert head_end.quarantined() == [entries.FUTURE, entries.CLOCK_NEVER_SET]


async def test_many_rows_set_aside_are_kept_as_their_batch(head_end: HeadEnd) -> None:
    one = Concentrator()
    await head_end.welcome(one)
    batch = one.batch(*[one.row(0, at_s=NOW_S + 400 + n) for n in range(60)])
    [answer] = await head_end.take(one.send(batch))
    assert one.opened(answer).set_aside == 60
    assert head_end.ask("select form, content from quarantine") == [
        ("batch", encode_batch(batch))]


async def test_a_genuine_batch_that_does_not_decode_is_set_aside_whole(head_end: HeadEnd) -> None:
    one = Concentrator()
    await head_end.welcome(one)
    parts = cbor.decode(encode_batch(one.batch(one.row(0), one.row(1))))
    assert isinstance(parts, list)
    parts[7] = parts[7][:-1]
    damaged = cbor.encode(parts)
    for times in (1, 2):
        [answer] = await head_end.take(one.send(damaged))
        said = one.opened(answer)
        assert (said.answer, said.set_aside) == (SET_ASIDE, 2)
        assert (said.first_sequence, said.last_sequence) == (1, 2)
        assert "columns" in said.note
        assert head_end.ask("select reason, form, content, times from quarantine") == [
            (entries.UNDECODABLE, "batch", damaged, times)]
    assert head_end.rows() == []
    assert head_end.ask("select received::text from archive") == ["{[1,3)}"]


async def test_a_batch_of_another_version_is_answered_as_such(head_end: HeadEnd) -> None:
    one = Concentrator()
    await head_end.welcome(one)
    parts = cbor.decode(encode_batch(one.batch(one.row(0))))
    assert isinstance(parts, list)
    parts[0] = 7
    [answer] = await head_end.take(one.send(cbor.encode([*parts, "more"])))
    said = one.opened(answer)
    assert (said.answer, said.first_sequence, said.incarnation) == (
        VERSION_UNSUPPORTED, 1, one.incarnation)
    assert head_end.quarantined() == [entries.UNSUPPORTED]
    assert head_end.ask("select * from archive") == []


async def test_a_batch_of_version_0_is_still_stored(head_end: HeadEnd) -> None:
    one = Concentrator()
    await head_end.welcome(one)
    [answer] = await head_end.take(one.send(encode_batch_0(one.batch(one.row(0, 0)))))
    assert one.opened(answer).answer == STORED
    assert head_end.rows() == [("M-1", 0, 1000)]


@pytest.mark.parametrize("content", [b"", b"\xff", cbor.encode([0]), cbor.encode("batch")])
async def test_a_genuine_message_that_names_no_records_is_kept_without_an_answer(
        head_end: HeadEnd, content: bytes) -> None:
    one = Concentrator()
    await head_end.welcome(one)
    assert await head_end.take(one.send(content)) == []
    assert head_end.quarantined() == [entries.UNDECODABLE]


async def test_a_replay_is_counted_and_answered_again_and_nothing_is_stored_twice(
        head_end: HeadEnd) -> None:
    one = Concentrator()
    await head_end.welcome(one)
    message = one.send_rows(one.row(0, 0))
    [first] = await head_end.take(message)
    assert head_end.count("replayed") == 0
    [again] = await head_end.take(message)
    together = await head_end.take(message, message)
    assert head_end.count("replayed") == 3
    assert {one.opened(a) for a in (first, again, *together)} == {one.opened(first)}
    assert len({a[1] for a in (first, again, *together)}) == 4, "a nonce was used twice"
    assert head_end.rows() == [("M-1", 0, 1000)]


async def test_a_message_that_was_sent_again_with_a_new_counter_is_no_replay(
        head_end: HeadEnd) -> None:
    one = Concentrator()
    await head_end.welcome(one)
    batch = one.batch(one.row(0, 0))
    await head_end.take(one.send(batch), one.send(batch))
    one.counter += 5000
    late = one.send(batch)
    one.counter = 10_000
    await head_end.take(one.send(batch))
    assert head_end.count("replayed") == 0
    await head_end.take(late)
    assert head_end.count("replayed") == 1, "below the window nobody can tell"
    assert head_end.ask("select uplink_seen::text from concentrator_epoch") == ["{[10001,10002)}"]


async def test_keys_of_another_direction_or_tenant_do_not_open(head_end: HeadEnd) -> None:
    one = Concentrator()
    await head_end.welcome(one)
    content = encode_batch(one.batch(one.row()))
    topic = topics.topic(one.id, topics.UP, topics.BATCH)
    kid = cose.key_id(one.id, 0)
    wrong: list[tuple[DirectionKey, str, str, str]] = [
        (one.uplink, "down", "default", "batch"), (one.uplink, "up", "other", "batch"),
        (one.uplink, "up", "default", "schema"), (one.downlink, "up", "default", "batch")]
    for key, direction, tenant, stream in wrong:
        sealed = cose.seal(CIPHER, key, kid, 50, content, direction, tenant, stream)
        assert await head_end.take(delivery(topic, sealed)) == []
    assert head_end.count(entries.NOT_GENUINE) == 4


@pytest.mark.parametrize("wrong", ["tenant", "concentrator", "twice", "register", "bytes"])
async def test_a_schema_that_is_not_what_it_should_be_is_set_aside(
        head_end: HeadEnd, wrong: str) -> None:
    one = Concentrator()
    await head_end.register(one)
    good = one.schema
    bad = {
        "tenant": encode_schema(schema_of(one.id, ["A"], one.sets, tenant="other")),
        "concentrator": encode_schema(schema_of(bytes(8), ["A"], one.sets)),
        "twice": encode_schema(schema_of(one.id, ["A", "A"], one.sets)),
        "register": encode_schema(schema_of(
            one.id, ["A"], [register_set("1-0:1.8.0", "1-0:1.8.0")])),
        "bytes": encode_schema(good) + b"\x00",
    }[wrong]
    assert await head_end.take(one.send(bad, topics.SCHEMA)) == []
    assert head_end.ask("select reason, form from quarantine") == [
        (entries.UNDECODABLE, "schema")]
    assert head_end.ask("select * from meter") == []
    assert head_end.ask("select last_contact_at is null from concentrator") == [False]
