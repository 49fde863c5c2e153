"""How many requests one caller may make, and how slowly."""

import asyncio
import threading
import time
from collections.abc import Iterator

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from demo.loopback import free_port
from wum_cloud.web import slowness
from wum_cloud.web.pace import BURST_S, CALLERS_MAX, Pace
from wum_cloud.web.slowness import PatientProtocol

_PATIENCE_S = 8.0


def test_a_bucket_fills_again_and_everybody_has_his_own() -> None:
    now = [0.0]
    pace = Pace(2, lambda: now[0])
    assert [pace.wait_s("ana") for _ in range(2 * BURST_S)] == [0] * 2 * BURST_S
    assert pace.wait_s("ana") == 1
    assert pace.wait_s("ben") == 0
    now[0] += 0.6
    assert [pace.wait_s("ana"), pace.wait_s("ana")] == [0, 1]
    now[0] += 1000
    assert [pace.wait_s("ana") for _ in range(2 * BURST_S + 1)] == [*[0] * 2 * BURST_S, 1]
    for n in range(CALLERS_MAX):
        pace.wait_s("caller %d" % n)
    assert len(pace._buckets) == CALLERS_MAX
    assert Pace(0).wait_s("ana") == 0


async def test_an_account_that_asks_too_often_is_told_when_to_come_again(
        application: FastAPI, system: httpx.AsyncClient, operator: httpx.AsyncClient) -> None:
    now = [0.0]
    application.state.pace = Pace(1, lambda: now[0])
    for _ in range(BURST_S):
        assert (await system.get("/api/v1/meters")).status_code == 200
    answer = await system.get("/api/v1/meters")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
    assert answer.json()["detail"] == "Too many requests: the next one may come in 1 s."
    assert (await operator.get("/account")).status_code == 200, "another account goes on"
    now[0] += 1.0
    assert (await system.get("/api/v1/meters")).status_code == 200


async def test_an_address_without_an_account_is_held_up_before_anything_is_looked_up(
        application: FastAPI, nobody: httpx.AsyncClient) -> None:
    application.state.pace = Pace(1, lambda: 0.0)
    answers = [await nobody.get("/api/v1/meters", headers={"Authorization": "Bearer x%d" % n})
               for n in range(4 * BURST_S + 2)]
    assert [one.status_code for one in answers] == [401] * 4 * BURST_S + [429] * 2
    assert answers[-1].headers["retry-after"] == "1"
    page = await nobody.get("/sign-in")
    assert (page.status_code, page.headers["content-type"][:9]) == (429, "text/html")


@pytest.fixture
def port(application: FastAPI, app: httpx.ASGITransport, monkeypatch: pytest.MonkeyPatch,
         ) -> Iterator[int]:
    """The real server on a real socket, whose patience ends after a moment."""
    monkeypatch.setattr(slowness, "HEAD_S", 0.4)
    monkeypatch.setattr(slowness, "PIECE_S", 0.4)
    chosen = free_port()
    server = uvicorn.Server(uvicorn.Config(
        application, port=chosen, http=PatientProtocol, lifespan="off", log_config=None,
        access_log=False))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield chosen
    server.should_exit = True
    thread.join()


async def _ended_after_s(port: int, *pieces: bytes) -> tuple[float, bytes]:
    """Say `pieces` slowly, for ever; when the other side hangs up, and what it said."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    begun_s = time.monotonic()
    said = asyncio.create_task(reader.read())
    for piece in pieces:
        writer.write(piece)
        await asyncio.sleep(0.1)
    while not said.done() and time.monotonic() - begun_s < _PATIENCE_S:
        try:
            writer.write(b"x")
            await writer.drain()
        except ConnectionError:
            break
        await asyncio.sleep(0.1)
    await asyncio.wait([said], timeout=1)
    assert said.done(), "nobody hung up"
    writer.close()
    error = said.exception()
    return time.monotonic() - begun_s, b"" if error is not None else said.result()


async def test_slow_clients_lose_the_connection_and_hold_up_nobody(port: int) -> None:
    """Slowloris: heads that never end, a byte at a time, and bodies that never come."""
    head = b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: "
    body = (b"POST /sign-in HTTP/1.1\r\nHost: x\r\nSec-Fetch-Site: same-origin\r\n"
            b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 60000\r\n\r\n")
    slow = [asyncio.create_task(_ended_after_s(port, head)) for _ in range(100)]
    second = asyncio.create_task(_ended_after_s(
        port, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", head))
    await asyncio.sleep(0.1)
    async with httpx.AsyncClient() as client:
        answer = await client.get("http://127.0.0.1:%d/healthz" % port)
    assert answer.status_code == 200
    assert all(after_s < _PATIENCE_S for after_s, _ in await asyncio.gather(*slow))
    _, said = await second
    assert said.startswith(b"HTTP/1.1 200") or said == b""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(body + b"name=")
    said = await asyncio.wait_for(reader.read(), 10)      # Until it hangs up.
    assert b" 400 " in said or said == b""
    writer.close()


