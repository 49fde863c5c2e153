"""The virtual board keeps a board's promises: flash, power, time on the wire, reset, sockets."""

import calendar
import itertools
import socketserver
import threading
import time

import pytest

from wum_simulator.board.supervisor import (
    CRASHED,
    ENDED,
    POWER_ON,
    RESET,
    WATCHDOG,
    Board,
    Description,
    Life,
    Supervisor,
    Uart,
)

PATIENCE_S = 300             # A limit only: the machine may be busy.


def board(folder, main, **more):
    folder.mkdir(exist_ok=True)
    return Board(Description(main=main, flash=folder / "flash", log=folder / "log", **more))


def run(folder, main, cuts=(), **more):
    """The supervisor of a board whose program has ended, and what it printed."""
    supervisor = Supervisor(board(folder, main, **more), map(Life, cuts))
    supervisor.start()
    try:
        assert supervisor.join(PATIENCE_S), supervisor.board.said()
    finally:
        supervisor.stop()
    return supervisor, supervisor.board.said()


class Echo(socketserver.ThreadingTCPServer):
    """Says again what it hears, at once."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Again)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class _Again(socketserver.BaseRequestHandler):
    def handle(self):
        while data := self.request.recv(4096):
            self.request.sendall(data)


@pytest.fixture
def echo():
    server = Echo()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


CAUSES = """
import asyncio, machine, os
said = open("/flash/said", "a")
said.write("%d\\n" % machine.reset_cause())
said.flush()
async def main():
    starts = len(open("/flash/said").read().split())
    if starts == 1:
        machine.reset()
    if starts == 2:
        machine.WDT(timeout=100)
        while True:
            pass
    print("causes", open("/flash/said").read().split())
asyncio.run(main())
"""


def test_reset_hang_and_power_cut_start_it_again_with_their_cause_on_the_same_flash(tmp_path):
    # The second start of the flash's file is its third commit: created, flushed; flushed.
    supervisor, said = run(tmp_path, CAUSES, cuts=(0, 0, 1))
    assert supervisor.causes == [POWER_ON, RESET, WATCHDOG, POWER_ON]
    assert supervisor.ended == ENDED
    assert "causes ['1', '2', '1']" in said      # Power went before the third could be kept.


def test_a_crash_is_told_with_its_traceback_and_starts_nothing(tmp_path):
    supervisor, said = run(tmp_path, "import asyncio\nasync def main():\n    1 // 0\n"
                                     "asyncio.run(main())")
    assert (supervisor.causes, supervisor.ended) == ([POWER_ON], CRASHED)
    assert "ZeroDivisionError" in said and "in main" in said


ARCHIVE = """
import os
def whole(name):
    return open("/flash/" + name).read() if name in os.listdir("/flash") else ""
log, mark = whole("log"), whole("mark")
assert log.replace("line\\n", "") == "", log
assert mark == "" or int(mark) <= log.count("\\n"), (mark, log)
with open("/flash/log", "a") as file:
    file.write("li")
    file.write("ne\\n")
    file.flush()
with open("/flash/mark.new", "w") as file:
    file.write(str(log.count("\\n") + 1))
os.rename("/flash/mark.new", "/flash/mark")
print("whole")
"""


def test_a_power_cut_at_every_commit_leaves_the_old_or_the_new(tmp_path):
    # Created; flushed; then two files are there already: the close, the rename; then no cut.
    supervisor, said = run(tmp_path, ARCHIVE, cuts=(1, 2, 3, 3))
    assert supervisor.causes == [POWER_ON] * 5
    assert supervisor.ended == ENDED and said.strip() == "whole"


FULL = """
import os
def write(name, size):
    with open("/flash/" + name, "wb") as file:
        file.write(bytes(size))
write("small", 10000)
print("left", os.statvfs("/flash")[3])
try:
    write("big", 80000)
except OSError as error:
    print("refused", error.errno == 28)
file = open("/flash/unfinished", "wb")
file.write(b"never flushed")
print(os.stat("/flash/unfinished")[6], os.stat("/flash/small")[6])
os.remove("/flash/small")
print("left", os.statvfs("/flash")[3])
"""


def test_a_full_flash_refuses_and_what_was_never_flushed_is_not_there(tmp_path):
    _, said = run(tmp_path, FULL, flash_bytes=64 * 1024)
    assert said.split("\n")[:4] == ["left 11", "refused True", "0 10000", "left 14"]


UART = """
import machine, time
uart = machine.UART(1, 2400, parity=0, stop=1)
sent = b"0123456789" * 4
for _ in range(100):                 # The machine may be too busy to be in time, but not each time.
    began = time.ticks_ms()
    uart.write(sent)
    uart.flush()
    said_ms = time.ticks_diff(time.ticks_ms(), began)
    heard = b""
    while len(heard) < len(sent) and time.ticks_diff(time.ticks_ms(), began) < 60000:
        heard += uart.read() or b""
        time.sleep_ms(1)
    print(heard == sent, said_ms, time.ticks_diff(time.ticks_ms(), began))
    if said_ms < MOST_SAID and time.ticks_diff(time.ticks_ms(), began) < MOST_WHOLE:
        break
"""


def test_bytes_of_a_uart_take_the_time_of_its_baud_there_and_back(tmp_path, echo):
    one_way_ms = 40 * 11 * 1000 // 2400                  # 8E1 takes 11 bits.
    tries = echoed(tmp_path, echo, one_way_ms + 100, 2 * one_way_ms + 200, paced=True)
    assert all(said_ms >= one_way_ms and whole_ms >= 2 * one_way_ms - 10
               for said_ms, whole_ms in tries)
    assert tries[-1] < (one_way_ms + 100, 2 * one_way_ms + 200)
    tries = echoed(tmp_path / "free", echo, one_way_ms, one_way_ms, paced=False)
    assert tries[-1][1] < one_way_ms


def echoed(folder, echo, most_said_ms, most_whole_ms, paced):
    """(time to say it, time until it came back), tried until it was within both."""
    main = UART.replace("MOST_SAID", str(most_said_ms)).replace("MOST_WHOLE", str(most_whole_ms))
    _, said = run(folder, main, uarts={1: Uart(f"tcp://127.0.0.1:{echo}", paced=paced)})
    tries = [line.split() for line in said.splitlines()]
    assert all(is_same == "True" for is_same, _, _ in tries)
    return [(int(said_ms), int(whole_ms)) for _, said_ms, whole_ms in tries]


SERVER = """
import asyncio, socket
async def serve(reader, writer):
    line = await reader.readline()
    writer.write(b"heard " + line)
    await writer.drain()
    writer.close()
    await writer.wait_closed()
async def late():
    await asyncio.sleep_ms(10000)
async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.listening.getsockname()[1]
    readers = []
    for name in (b"one", b"two"):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(name + b"\\n")
        await writer.drain()
        readers.append(reader)
    heard = []
    for reader in readers:
        heard.append(await reader.read(-1))
    print(heard)
    try:
        await asyncio.wait_for_ms(late(), 20)
    except asyncio.TimeoutError:
        print("timed out")
    try:
        await asyncio.open_connection("127.0.0.1", 1)
    except OSError as error:
        print("refused", error.errno)
    plain = socket.socket()                 # As a library does that knows nothing of asyncio.
    plain.connect(("127.0.0.1", PORT))
    plain.write(b"blocking")
    print(plain.read(8))
asyncio.run(main())
"""


def test_sockets_serve_connect_wait_and_refuse(tmp_path, echo):
    supervisor, said = run(tmp_path, SERVER.replace("PORT", str(echo)))
    assert said.split("\n")[:4] == [
        "[b'heard one\\n', b'heard two\\n']", "timed out", "refused 111", "b'blocking'"], said
    assert supervisor.ended == ENDED


TIME = """
import cryptolib, machine, os, time
print(time.time() < 5, time.gmtime(0)[0], time.gmtime()[0])
machine.RTC().datetime((2026, 11, 22, 6, 3, 0, 0, 0))
print(time.time() // 10 * 10, time.gmtime()[:5], len(set(os.urandom(64))) > 32)
print(cryptolib.aes(bytes(16), 1).encrypt(bytes(16)).hex())
"""


def test_its_clock_begins_in_2000_until_it_is_set_and_its_chance_and_cipher_are_real(tmp_path):
    _, said = run(tmp_path, TIME)
    assert said.split("\n")[:3] == [
        "True 2000 2000", "%d (2026, 11, 22, 3, 0) True" % (
            calendar.timegm((2026, 11, 22, 3, 0, 0)) - calendar.timegm((2000, 1, 1, 0, 0, 0))),
        "66e94bd4ef8a2c3b884cfa59ca342b2e"]


STEADY = """
import asyncio, gc
async def main():
    before = None
    for number in range(600):
        bytearray(20000)
        await asyncio.sleep_ms(0)
        if number == 100:
            before = gc.mem_alloc()
    print(gc.mem_alloc() - before)
asyncio.run(main())
"""


def test_garbage_is_collected_between_two_turns_of_a_program_that_never_ends(tmp_path):
    _, said = run(tmp_path, STEADY, heap_bytes=1024 * 1024)
    assert int(said) < 1024 * 1024       # 10 MB were thrown away.


KEEPS = """
import asyncio
kept = []
async def main():
    for number in range(300):
        for _ in range(30):
            bytes(500)
        kept.append(bytearray(1000))
        await asyncio.sleep_ms(0)
    print("kept", len(kept))
asyncio.run(main())
"""


def test_a_program_has_the_ram_of_its_board_and_no_more(tmp_path):
    small, said = run(tmp_path / "small", KEEPS, heap_bytes=256 * 1024)
    assert small.ended == CRASHED and said == "! MemoryError: 256 kB of heap are not enough\n"
    large, said = run(tmp_path / "large", KEEPS, heap_bytes=512 * 1024)
    assert large.ended == ENDED and said == "kept 300\n"


def test_no_board_is_described_with_less_ram_than_can_be_held_to(tmp_path):
    with pytest.raises(AssertionError, match="no board has so little"):
        board(tmp_path, KEEPS, heap_bytes=96 * 1024)


WAITS = """
import asyncio
async def main():
    print("up")
    await asyncio.sleep(60)
asyncio.run(main())
"""


def test_boards_side_by_side_and_a_plug_that_is_pulled(tmp_path):
    boards = [board(tmp_path / str(number), WAITS) for number in range(3)]
    for one in boards:
        one.start()
    until = time.monotonic() + PATIENCE_S
    while not all(one.description.log.exists() and "up" in one.said() for one in boards):
        assert time.monotonic() < until, [one.said() for one in boards]
        time.sleep(0.02)
    for one in boards:
        one.cut()
    assert [one.wait(PATIENCE_S) for one in boards] == [POWER_ON] * 3
    assert not any(one.is_on() for one in boards)


def test_cuts_of_a_supervisor_come_in_their_order(tmp_path):
    supervisor, _ = run(tmp_path, ARCHIVE, cuts=itertools.islice(itertools.count(2), 2))
    assert supervisor.causes == [POWER_ON] * 3
