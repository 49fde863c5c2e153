"""The rooms of a MicroPython board's image: heap as .mpy on the virtual board, size on flash.

A room is a file that the build joins of the modules that are always loaded together
(wum_edge.ports.linux.linked), called after its first one. Its heap is what loading it takes on a
real interpreter (1.27, 32 bits, WebAssembly), after the rooms that it needs and without its share
of the interpreter's table of names; frozen into the firmware it takes some 6/21 of that
(docs/boards.md). Single modules that rooms need stand together; those that are loaded later
still, and for each module in a room a list of its names, are in the release alone. No figure was
measured on hardware.
"""

from kit.figures import Figure, arguments, report
from kit.image_rooms import weighed

SMALL_BYTES = 4000           # What is smaller on flash is told together.


def main() -> None:
    """Measure and report."""
    arguments(__doc__ or "")                 # All of it takes some ten seconds.
    found = weighed()
    large = [room for room in found.rooms if room.flash >= SMALL_BYTES]
    small = [room for room in found.rooms if room.flash < SMALL_BYTES]
    flash = sum(room.flash for room in found.rooms)
    figures = [_figure(room.name, room.heap, room.flash) for room in large]
    figures.append(_figure(f"{len(small)}_small_rooms", sum(room.heap for room in small),
                           sum(room.flash for room in small)))
    figures += [Figure("single_modules_heap_kb", found.single / 1000, "kB, mpy", "all rooms",
                       sum(room.heap for room in found.rooms) / 1000),
                _figure("all_rooms", sum(room.heap for room in found.rooms), flash),
                Figure("release_kb", found.flash / 1000, f"kB in {found.files} files, ESP32",
                       "of that, rooms", flash / 1000)]
    report("rooms", figures)


def _figure(name: str, heap: int, flash: int) -> Figure:
    return Figure(f"{name}_heap_kb", heap / 1000, "kB, mpy", "kB on flash", flash / 1000)


if __name__ == "__main__":
    main()
