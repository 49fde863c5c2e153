"""A virtual board's line to a pty: who starts the other end anew need not start the board."""

import os
import pty
import select

from wum_simulator.board.supervisor import ENDED, Board, Description, Life, Supervisor, Uart

PATIENCE_S = 300             # A limit only: the machine may be busy.
LISTENS = """
import machine, time
uart = machine.UART(1, 9600)
for what in (b"one", b"two", b"six"):
    while True:
        uart.write("?")
        time.sleep_ms(50)
        if what in (uart.read() or b""):
            break
print("heard all")
"""


class Plug:
    """One end of a line, of which the board has the other."""

    def __init__(self, link, says):
        self.here, there = pty.openpty()
        link.unlink(missing_ok=True)
        link.symlink_to(os.ttyname(there))
        self._there, self._says = there, says

    def answer(self):
        """What it is asked."""
        assert select.select([self.here], [], [], PATIENCE_S)[0]
        os.read(self.here, 100)
        os.write(self.here, self._says)

    def pull(self):
        """As a process ends that had it."""
        os.close(self._there)
        os.close(self.here)


def test_a_line_whose_other_end_is_started_anew_is_plugged_in_again(tmp_path):
    link = tmp_path / "bus"
    link.symlink_to("nothing")               # The board is there first.
    supervisor = Supervisor(Board(Description(
        main=LISTENS, flash=tmp_path / "flash", log=tmp_path / "log",
        uarts={1: Uart(str(link))})), iter([Life()]))
    supervisor.start()
    try:
        for says, times in ((b"one", 3), (b"two", 3), (b"six", 1)):
            plug = Plug(link, says)
            for _ in range(times):           # Who asks again has had time to hear it.
                plug.answer()
            if times > 1:
                plug.pull()
        assert supervisor.join(PATIENCE_S), supervisor.board.said()
    finally:
        supervisor.stop()
        plug.pull()
    assert supervisor.ended == ENDED and "heard all" in supervisor.board.said()
