"""Whose power goes in a street's mesh, of either port: what a test of both does to a cabinet.

A gateway on Linux runs by its own command line until then, a board has its supervisor from the
start; from then on power goes at seeded commits of the flash of either. Left out: what is asked of
them meanwhile.
"""

import json
import random
import time
from collections.abc import Iterator
from itertools import chain, repeat

from tests.system.boards import life
from tests.system.ends import EARLIEST, End
from tests.system.linux_gateway import LinuxGateway
from tests.system.street import Street
from wum_simulator.board.supervisor import POWER_ON, Life, Supervisor

CUTS, LATEST_COMMIT = 2, 12
# None of these boards hangs: its dog is as patient as a machine is slow.
_HASTE = """
change("wum_edge.ports.micropython.main", WATCHDOG_MS=60000)
change("wum_edge.ports.micropython.renewing", EPOCH_S={epoch_s}, FIRST_S=5)
main.start()
"""


class OnLinux:
    """A cabinet's gateway on Linux: a part of the street, and after that on a plug."""

    def __init__(self, street: Street, number: int, dice: random.Random, epoch_s: int) -> None:
        self._street, self._dice, self._epoch_s = street, dice, epoch_s
        self._cabinet = street.cabinets[number - 1]
        self._plugs: list[LinuxGateway] = []

    def start(self) -> None:
        """Switch on."""
        self._street.start_edge(self._cabinet)

    def lose(self) -> None:
        """Pull the plug, and leave it so."""
        if self._plugs:
            self._plugs[-1].stop()
        else:
            self._street.kill("edge-%d" % self._cabinet.number)

    def return_cut(self) -> None:
        """Power is back, goes at seeded commits, and stays then."""
        self._plug(_seeded(self._dice), CUTS)

    def lose_once(self) -> None:
        """Pull the plug, and put it in again."""
        self.lose()
        self._plug(iter(()), 0)

    def _plug(self, ends: Iterator[End], planned: int) -> None:
        self._plugs.append(LinuxGateway(
            self._cabinet, self._street.environment, chain(ends, repeat(End())), planned,
            self._dice.getrandbits(32), self._epoch_s))
        self._plugs[-1].go_on()
        self._plugs[-1].start()

    def is_back(self) -> bool | None:
        """Whether all cuts that were planned have come."""
        assert all(plug.ended is None for plug in self._plugs), "it crashed"
        return len(self._plugs[-1].causes) > self._plugs[-1].planned or None

    def starts(self) -> list[int]:
        """The causes of all starts."""
        return [POWER_ON] * (not self._plugs or 1) + [
            cause for plug in self._plugs for cause in plug.causes]

    def stop(self) -> None:
        """Pull the plug for good."""
        for plug in self._plugs:
            plug.stop()

    def said(self) -> str:
        """The end of its log."""
        return "".join(plug.said()[-3000:] for plug in self._plugs[-1:])

    def says(self, words: str) -> bool:
        """Whether that is in its log."""
        logs = [self._street.place.logs / ("edge-%d.log" % self._cabinet.number)]
        return any(words in log.read_text() for log in logs) or any(
            words in plug.said() for plug in self._plugs)

    def network_keys(self) -> list[str]:
        """Of its network, as they lie on its disk."""
        return [line.partition("key = ")[2].strip('"') for line in (
            self._cabinet.keys / "mesh.key").read_text().splitlines() if "key = " in line]


class OnBoard:
    """A cabinet's board."""

    def __init__(self, street: Street, number: int, dice: random.Random, epoch_s: int) -> None:
        self._text = life().main.replace("main.start()\n", _HASTE.format(epoch_s=epoch_s))
        self._board, self._dice = street.boards[number].board, dice
        self._plugs: list[Supervisor] = []
        self._planned = 0

    def start(self) -> None:
        """Switch on."""
        self._plug(iter(()), 0)

    def lose(self) -> None:
        """Pull the plug, and leave it so."""
        self._plugs[-1].stop()

    def return_cut(self) -> None:
        """Power is back, goes at seeded commits, and stays then."""
        self._plug(_seeded(self._dice), CUTS)

    def lose_once(self) -> None:
        """Pull the plug, and put it in again."""
        self.lose()
        self._plug(iter(()), 0)

    def _plug(self, ends: Iterator[End], planned: int) -> None:
        lives = (Life(end.cut_at, self._text) for end in chain(ends, repeat(End())))
        self._planned = planned
        self._plugs.append(Supervisor(self._board, lives, lambda: int(time.time())))
        self._plugs[-1].start()

    def is_back(self) -> bool | None:
        """Whether all cuts that were planned have come."""
        assert all(plug.ended is None for plug in self._plugs), "it crashed"
        return len(self._plugs[-1].causes) > self._planned or None

    def starts(self) -> list[int]:
        """The causes of all starts."""
        return [cause for plug in self._plugs for cause in plug.causes]

    def stop(self) -> None:
        """Pull the plug for good."""
        self._plugs[-1].stop()           # Those before were pulled.

    def said(self) -> str:
        """The end of its log."""
        return self._board.said()[-3000:]

    def says(self, words: str) -> bool:
        """Whether that is in its log."""
        return words in self._board.said()

    def network_keys(self) -> list[str]:
        """Of its network, as they lie on its flash: those it was set up with, until others came."""
        flash = self._board.description.flash
        if not (flash / "keys" / "mesh").exists():
            return [json.loads((flash / "mesh.json").read_text())["key"]]
        return [key for _, key in json.loads((flash / "keys" / "mesh").read_bytes()[:-9])["keys"]]


def _seeded(dice: random.Random) -> Iterator[End]:
    yield from [End(dice.randint(EARLIEST, LATEST_COMMIT)) for _ in range(CUTS)]
