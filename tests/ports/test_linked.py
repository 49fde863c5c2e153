"""Joining a board's modules, and taking out what nobody names: the same program, or a refusal.

Left out: what a board does with it: every test of the virtual board runs an image.
"""

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import wum_edge
import wum_shared
from tests.ports.image_heap import load, module_bytes
from wum_edge.ports.linux.board_image import image, sources_below
from wum_edge.ports.linux.linked import linked
from wum_edge.ports.linux.linked_names import LinkError, bound_in
from wum_edge.ports.linux.unused import used_only

MAIN = ("wum_edge.main",)
GATEWAY = ("wum_edge.ports.micropython.main", "wum_edge.meters.dlms.entry",
           "wum_edge.meters.dlms.reader", "wum_edge.meters.modbus.entry",
           "wum_edge.meters.modbus.reader")
GATEWAY_BYTES = 73_000       # As image_heap.py counts; it stood at 71,000.
PROGRAM = {
    "wum_edge/__init__.py": '"""A package."""\n',
    "wum_edge/sizes.py": "from micropython import const\n_UNIT = const(8)\nSIZE = _UNIT * 4\n"
                         "READ, WRITE = 1, 2\nNAMES = {READ: 'read'}\n",
    "wum_edge/one.py": "from wum_edge.sizes import SIZE, READ\n\n\ndef read(count: 'int' = SIZE):\n"
                       "    size = count\n    return _twice(size)\n\n\n"
                       "def _twice(what):\n    return what * 2\n",
    "wum_edge/two.py": "from wum_edge import one, sizes\nfrom wum_edge.one import read as get\n\n\n"
                       "class Reader:\n    size = sizes.SIZE\n\n    def read(self, one_more=0):\n"
                       "        return one.read() + get(one_more) + _twice(1)\n\n\n"
                       "def _twice(what):\n    read = [one for one in range(what)]\n"
                       "    return len(read) + sizes.WRITE\n",
    "wum_edge/seldom.py": "from wum_edge.one import read\nfrom wum_edge.sizes import READ\n"
                          "KIND = 'seldom'\n\n\ndef much():\n    return read(100), NAMES\n\n\n"
                          "NAMES = 'of its own'\n",
    "wum_edge/main.py": "from wum_edge.two import Reader\nfrom wum_edge.sizes import NAMES\n\n\n"
                        "def start():\n    from wum_edge import seldom\n"
                        "    from wum_edge.one import read as again\n"
                        "    return (Reader().read(3), seldom.much(), seldom.READ, NAMES,\n"
                        "            again(1), Reader.size)\n",
}


def run(folder, made, words="from wum_edge import main; print(main.start())"):
    """What a program says."""
    for path, source in made.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(source)
    (folder / "micropython.py").write_text("const = int\n")
    done = subprocess.run([sys.executable, "-c", words], cwd=folder, capture_output=True,
                          text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_joined_program_is_the_same(tmp_path):
    made = linked(PROGRAM, MAIN)
    said = run(tmp_path / "joined", made)
    assert said == run(tmp_path / "plain", PROGRAM)
    # one, two, sizes and main are one; seldom stays by itself.
    (room,) = [path for path in made if "room_" in path]
    assert made[room].index("def one_read") < made[room].index("class Reader")
    assert "import" not in made[room].split("def start")[0]
    assert "def much" in made["wum_edge/seldom.py"] and "def" not in made["wum_edge/one.py"]


def test_a_room_whose_table_is_full_has_the_builtins_that_it_uses(tmp_path):
    """Else MicroPython goes through all of it for each call of one."""
    def room(count):
        program = dict(PROGRAM)
        program["wum_edge/two.py"] += "".join(f"\n\ndef f{one}():\n    return {one}\n"
                                               for one in range(count))
        made = linked(program, MAIN)
        return made, next(source for path, source in made.items() if "room_" in path)

    small, roomy, full = room(80), room(95), room(112)
    assert {"len", "range"} <= bound_in(ast.parse(full[1]).body)     # 118 of 127 places.
    assert "builtins" not in small[1] + roomy[1]                     # 86 of 97, 101 of 127.
    assert run(tmp_path, full[0]) == run(tmp_path / "plain", PROGRAM)


def test_a_new_room_leaves_the_others_as_they_were():
    """Else an update would carry what did not change."""
    pair = {"wum_edge/%s_far.py": "def far():\n    return '%s'\n",
            "wum_edge/%s.py": "from wum_edge.%s_far import far as reach\n\n\n"
                              "def go():\n    return reach()\n"}

    def program(*names):
        made = dict(PROGRAM)
        for name in names:
            made.update({path % name: text.replace("%s", name) for path, text in pair.items()})
        made["wum_edge/main.py"] += "".join(
            f"\n\ndef later_{name}():\n    from wum_edge import {name}\n    return {name}.go()\n"
            for name in names)
        return linked(made, MAIN)
    before, after = program("much", "zeal"), program("about", "much", "zeal")
    rooms = {path for path in before if "room_" in path}
    assert rooms == {"wum_edge/room_main.py", "wum_edge/room_much.py", "wum_edge/room_zeal.py"}
    assert {path for path in after if "room_" in path} == rooms | {"wum_edge/room_about.py"}
    assert [path for path in sorted(before) if before[path] != after[path]] == [
        "wum_edge/main.py", "wum_edge/room_main.py"]


def test_each_module_is_imported_as_before(tmp_path):
    words = ("from wum_edge import one, seldom, sizes, two; from wum_edge.sizes import SIZE;"
             "print(one.read(2), two.Reader().read(), sizes.NAMES, SIZE, sizes.WRITE, seldom.KIND)")
    said = run(tmp_path / "joined", linked(PROGRAM, MAIN), words)
    assert said == run(tmp_path / "plain", PROGRAM, words)


def test_constants_are_their_values():
    made = linked(PROGRAM, MAIN)
    (room,) = [source for path, source in made.items() if "room_" in path]
    assert "_UNIT" not in room and "SIZE" not in room and "= 32" in room
    assert "NAMES = {1: 'read'}" in room


def test_a_test_may_change_what_it_asked_for(tmp_path):
    names = ("wum_edge.sizes.WRITE", "wum_edge.one._twice")
    words = ("import sys\nfrom wum_edge import main, one, sizes\n"
             "for rest, name, value in ((sizes, 'WRITE', 500), (one, '_twice', lambda _: 7)):\n"
             "    setattr(sys.modules[rest.ROOM], rest.FINAL[name], value)\n"
             "print(main.start()[0])")
    assert run(tmp_path, linked(PROGRAM, MAIN, (), names), words) == "515\n"
    with pytest.raises(LinkError, match=r"wum_edge/one\.py: has no nothing that"):
        linked(PROGRAM, MAIN, (), ("wum_edge.one.nothing",))


def test_those_that_are_loaded_together_are_one_room(tmp_path):
    more = {"wum_edge/common.py": "def both():\n    return 5\n",
            "wum_edge/entry.py": "from wum_edge.common import both\n\n\ndef enter():\n"
                                 "    return both()\n",
            "wum_edge/reader.py": "from wum_edge.common import both\n\n\ndef take():\n"
                                  "    return both() + 1\n",
            "wum_edge/main.py": "def start():\n    from wum_edge import entry\n"
                                "    from wum_edge.reader import take\n"
                                "    return entry.enter(), take()\n"}
    together = (("wum_edge.entry", "wum_edge.reader"),)
    apart, one = linked(more, MAIN), linked(more, MAIN, together)
    assert not [path for path in apart if "room_" in path]
    (room,) = [path for path in one if "room_" in path]
    assert all(word in one[room] for word in ("def both", "def enter", "take()"))
    assert run(tmp_path, {"wum_edge/__init__.py": "", **one}) == "(5, 6)\n"


def test_native_code_stays_as_it_is():
    native = "import micropython\n\n\n@micropython.viper\ndef xor(a: ptr8, b: int):\n    pass\n"
    made = linked({**PROGRAM, "wum_edge/fast.py": native}, MAIN)
    assert made["wum_edge/fast.py"] == native


@pytest.mark.parametrize(("files", "words"), [
    ({"wum_edge/a.py": "from wum_edge.b import x\ny = 1\n",
      "wum_edge/b.py": "from wum_edge.a import y\nx = [y]\n"},
     "wum_edge.b and wum_edge.a import each other"),
    ({"wum_edge/a.py": "x = []\n", "wum_edge/b.py": "from wum_edge import a\n\n\ndef f():\n"
                                                     "    return a\n"},
     r"wum_edge/b\.py:5: the module wum_edge/a\.py is handed around"),
    ({"wum_edge/a.py": "x = []\n", "wum_edge/b.py": "from wum_edge import a\n\n\ndef f():\n"
                                                     "    return a.z\n"},
     r"wum_edge/b\.py:5: wum_edge/a\.py has no z"),
    ({"wum_edge/a.py": "from time import sleep\n", "wum_edge/b.py": "from asyncio import sleep\n"},
     r"wum_edge/b\.py: sleep is of asyncio\.sleep here, and time\.sleep elsewhere"),
    ({"wum_edge/a.py": "import time\n\n\ndef f():\n    return time\n",
      "wum_edge/b.py": "from wum_edge.a import time as clock\n\n\ndef g(time):\n"
                       "    return clock(time)\n"},
     r"wum_edge/b\.py:5: time of time gets where another time is"),
    ({"wum_edge/a.py": "x = 1\n\n\ndef f():\n    global x\n    x = 2\n"}, "line 5: global"),
    ({"wum_edge/a.py": "import os.path\n"}, r"wum_edge/a\.py: import os\.path"),
])
def test_what_it_cannot_join_it_refuses_and_names_both(files, words):
    with pytest.raises(LinkError, match=words):
        linked(files)


UNUSED = {
    "wum_edge/a.py": '''"""much and nothing."""
from collections import namedtuple


class Port:
    """What speaks."""

    def speak(self):
        raise NotImplementedError

    def listen(self):
        raise NotImplementedError


class Wire(Port):
    def speak(self):
        return _used(1)

    def forgotten(self):
        return self.forgotten() + only_by_it()

    def _word(self):
        return "by its name"

    def readinto(self, buffer):
        return None


def only_by_it():
    return only_by_it


def _used(count):
    return count + LIMIT


LIMIT = 4
OTHER = 5
MADE = print()
Kept = namedtuple("Kept", ("a",))
Gone = namedtuple("Gone", ("forgotten",))
''',
    "wum_edge/b.py": '''from wum_edge.a import Kept, Wire, only_by_it


def start():
    wire = Wire()
    return wire.speak(), getattr(wire, "_" + "word")(), Kept(1)


def told():
    return 1
''',
}


def test_what_nobody_names_goes(tmp_path):
    left = used_only(UNUSED, ("from wum_edge.b import told",))
    a = left["wum_edge/a.py"]
    for name in ("listen", "forgotten", "only_by_it", "OTHER", "Gone"):
        assert name not in a, name
    assert "class Wire:" in a and "Port" not in a
    for name in ("def speak(self):\n        return", "_used", "LIMIT", "MADE", "Kept",
                 "readinto", "_word"):
        assert name in a, name
    assert "NotImplementedError" not in a
    assert "def told" in left["wum_edge/b.py"]
    assert "def told" not in used_only(UNUSED)["wum_edge/b.py"]


def test_an_interface_that_more_than_its_heirs_name_stays():
    for use in ("isinstance(a, Port)", "Port.x = 1"):
        start = "\n\ndef start(a):\n    %s\n    return Wire().speak()\n" % use
        left = used_only({"wum_edge/a.py": UNUSED["wum_edge/a.py"] + start})
        assert "class Wire(Port):" in left["wum_edge/a.py"]
    kept = UNUSED["wum_edge/a.py"].replace("return _used(1)", "return super().x")
    left = used_only({**UNUSED, "wum_edge/a.py": kept})
    assert "class Wire(Port):" in left["wum_edge/a.py"]


@cache
def core():
    """The image of the core, parsed, by name of a module."""
    sources = {}
    for module in (wum_edge, wum_shared):
        sources.update(sources_below(Path(module.__file__).parent))
    return {path.removesuffix(".py").replace("/", "."): ast.parse(source)
            for path, source in image(sources).items()}


def test_the_image_of_the_core_is_whole():
    """Every name that one of its modules takes from another is bound there."""
    trees = core()
    assert not any("linux" in name for name in trees)
    bound = {name: bound_in(tree.body) for name, tree in trees.items()}
    taken = 0
    for name, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module in bound:
                taken += 1
                for one in node.names:
                    assert one.name in bound[node.module], (name, node.module, one.name)
    joined = [one for one in bound if ".room_" in one]
    assert taken > 1000 and len(joined) > 20 and any("Gateway" in bound[one] for one in joined)


def test_the_code_of_a_gateway_takes_no_more_heap_than_it_did():
    """Only a 32-bit build measures it, which CI has not: it would grow back unseen."""
    trees, found = core(), set()
    for name in GATEWAY:
        load(trees, name, found)
    sizes = sorted([(module_bytes(trees[one]), one) for one in found], reverse=True)
    assert sum(size for size, _ in sizes) <= GATEWAY_BYTES, sizes[:8]


def test_no_class_keeps_the_names_that_only_cpython_asks_for():
    kept = [(name, node.name) for name, tree in core().items() for node in tree.body
            if isinstance(node, ast.ClassDef)
            and not isinstance(node.body[0], ast.Delete | ast.Pass)]
    assert not kept
