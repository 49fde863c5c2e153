"""BoardFlash keeps what archive/flash.py promises, on a file system with LittleFS's contract."""

import os

from wum_edge.ports.micropython.flash import BoardFlash

FOLDER = "/flash/checked"


def fresh():
    flash = BoardFlash(FOLDER)
    for name in flash.names():
        flash.remove(name)
    return flash


def check_what_was_synced_is_there_for_whoever_comes_next():
    flash = fresh()
    flash.append("a", b"one ")
    flash.append("a", b"two ")
    flash.sync("a")
    flash.append("a", b"lost")
    other = BoardFlash(FOLDER)
    assert other.read("a", 0, 100) == b"one two "
    assert other.read("a", 4, 3) == b"two" and other.size("a") == 8


def check_what_was_appended_can_be_read_before_it_is_synced():
    flash = fresh()
    flash.append("a", b"12345")
    assert flash.size("a") == 5 and flash.read("a", 1, 9) == b"2345"
    flash.append("b", b"xy")
    assert sorted(flash.names()) == ["a", "b"] and flash.read("a", 0, 9) == b"12345"


def check_a_replacement_is_whole_and_an_unfinished_one_is_removed():
    flash = fresh()
    flash.append("a", b"old")
    flash.replace("a", b"new")
    assert flash.read("a", 0, 9) == b"new"
    with open(FOLDER + "/a.new", "wb") as file:
        file.write(b"half")
    again = BoardFlash(FOLDER)
    assert again.names() == ["a"] and "a.new" not in os.listdir(FOLDER)
    again.remove("a")
    assert again.names() == []


def check_a_full_flash_refuses_with_28_and_goes_on_when_there_is_room():
    flash = fresh()
    assert flash.space_left() > 0
    big = bytes(flash.space_left() // 2)
    flash.replace("big", big)
    refused = 0
    try:
        flash.append("more", big + bytes(65536))
        flash.sync("more")
    except OSError as error:
        refused = error.args[0]
    assert refused == 28, refused
    flash.remove("big")
    flash.append("more", b"fits")
    flash.sync("more")
    assert flash.read("more", 0, 9)[-4:] == b"fits"


def check_a_missing_file_is_errno_2():
    for act in (lambda flash: flash.size("none"), lambda flash: flash.read("none", 0, 1),
                lambda flash: flash.remove("none")):
        try:
            act(fresh())
        except OSError as error:
            assert error.args[0] == 2, error
        else:
            raise AssertionError("it is there")
