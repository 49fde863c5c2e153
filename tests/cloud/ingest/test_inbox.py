"""The inbox is bounded in number and size, and hands out several messages at once."""

import asyncio

from tests.cloud.concentrator import delivery
from wum_cloud.ingest import inbox as limits
from wum_cloud.ingest.inbox import Inbox


async def test_messages_come_out_in_their_order() -> None:
    inbox = Inbox()
    sent = [delivery("t", bytes([n])) for n in range(5)]
    assert all(inbox.put(message) for message in sent)
    assert await inbox.gather() == sent
    assert inbox.is_empty()


async def test_a_gathering_waits_for_the_first_message_and_a_little_for_others() -> None:
    inbox = Inbox()
    gathering = asyncio.create_task(inbox.gather())
    await asyncio.sleep(0)
    first, second = delivery("t", b"1"), delivery("t", b"2")
    inbox.put(first)
    await asyncio.sleep(0)
    inbox.put(second)
    assert await gathering == [first, second]


async def test_no_gathering_is_larger_than_its_limits() -> None:
    inbox = Inbox()
    for _ in range(limits.GATHERED_MESSAGES_MAX + 1):
        inbox.put(delivery("t", b""))
    assert len(await inbox.gather()) == limits.GATHERED_MESSAGES_MAX
    assert len(await inbox.gather()) == 1
    for _ in range(10):
        inbox.put(delivery("t", bytes(limits.GATHERED_BYTES_MAX // 2)))
    assert len(await inbox.gather()) == 2


async def test_what_does_not_fit_is_not_taken() -> None:
    inbox = Inbox()
    for _ in range(limits.MESSAGES_MAX):
        assert inbox.put(delivery("t", b""))
    assert not inbox.overflowed
    assert not inbox.put(delivery("t", b""))
    assert inbox.overflowed
    await inbox.gather()
    assert inbox.put(delivery("t", b""))


async def test_a_few_large_messages_fill_it_as_well() -> None:
    inbox = Inbox()
    large = delivery("t", bytes(limits.BYTES_MAX // 4))
    assert [inbox.put(large) for _ in range(5)] == [True] * 4 + [False]
