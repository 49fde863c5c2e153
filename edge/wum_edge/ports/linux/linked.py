"""Joins modules of a board that are always loaded together into one, a room, as an image is built.

On a board each module is a dictionary, and each name that N modules import stands in N of them:
heap, though the code is in flash. Modules are a room when the same ones of the modules that are
imported by themselves (late, in a function; or by whoever starts the program) bring them. What a
room's modules import of each other then is no import any more, constants are their values,
annotations go, and two names that are the same get their module's before them. Every module can be
imported as before, by its own name: what is left of it is a list of names. Standard library only.

Refused, naming both: modules that import each other; a name that would mean something else in
the function it gets into; a module that is handed around by code of its own room.

Left out: what is taken from a single module (thinned.py), and whose names are whose
(linked_names.py).
"""

import ast
import builtins

from wum_edge.ports.linux.linked_names import (
    Held,
    LinkError,
    Module,
    Outer,
    bound_in,
    give_names,
)
from wum_edge.ports.linux.linked_text import Rewriter
from wum_edge.ports.linux.trees import walk

VERBATIM = "@micropython."   # Native code is of one architecture: it stays as it is.
# What MicroPython makes room for in a dictionary, name after name (py/map.c); smaller ones are gone
# through soon.
_TABLES = (97, 127, 167, 223, 293, 389, 521, 691, 919, 1223, 1627, 2161)
# A name that is not in a table fuller than this is sought for long: 2 us against 0.05 us where 675
# of 691 places are taken. So a builtin is not found by each call of it.
_FULL_PERCENT = 80
_LOOKED_UP = frozenset(name for name, thing in vars(builtins).items()
                       if name.islower() and not name.startswith("_")
                       and name not in ("super", "open", "print"))


def linked(sources: dict[str, str], entries: "tuple[str, ...]" = (),
           together: "tuple[tuple[str, ...], ...]" = (),
           changeable: "tuple[str, ...]" = ()) -> dict[str, str]:
    """The program of these {path: source} as other ones. Whoever starts it imports `entries`, and
    where one of those that are loaded `together` is, the others of them are. What is `changeable`
    ("package.module.NAME") a test may change while it runs: what is left of its module tells
    where it is. Raises LinkError.
    """
    modules = {}
    kept = {}
    for path in sorted(sources):
        if VERBATIM in sources[path]:
            kept[path] = sources[path]
        else:
            module = Module(path, sources[path])
            modules[module.name] = module
    for name in sorted(modules):
        modules[name].read(modules, changeable)
    _ask(modules)
    made = dict(kept)
    rooms = _rooms(modules, entries, together)
    give_names(modules)
    for members in rooms:
        made.update(_Room(modules, members).files())
    return made


def _rooms(modules: dict[str, Module], entries: "tuple[str, ...]",
           together: "tuple[tuple[str, ...], ...]") -> list[list[Module]]:
    """Modules that are loaded together, each after those that it imports."""
    wanted = {one for module in modules.values() for one in module.now}
    roots = {one for module in modules.values() for one in module.late} | set(entries)
    roots |= {name for name in modules if name not in wanted}
    first = {one: those[0] for those in together for one in those}
    brought: dict[str, set[str]] = {name: set() for name in modules}
    for root in sorted(roots & set(modules)):
        for name in _reached(modules, root):
            brought[name].add(first.get(root, root))
    rooms: dict[tuple[str, ...], list[Module]] = {}
    for name in _in_order(modules):
        if modules[name].is_package:
            modules[name].room = name
            continue
        # What an entry brings is there before what is late, and that before what is later.
        by = brought[name]
        key = by & set(entries) or by & set(first.values()) or by
        rooms.setdefault(tuple(sorted(key)), []).append(modules[name])
    for members in rooms.values():
        name = _name_of_room([module.name for module in members])
        for module in members:
            module.room = module.name if len(members) == 1 else name
    return [*rooms.values(), *[[one] for one in modules.values() if one.is_package]]


def _name_of_room(members: list[str]) -> str:
    """It hangs on its members alone: whatever else a release has new, a room with the same modules
    is the same file, and does not travel.
    """
    name = min(members).removeprefix("wum_").removeprefix("edge.")
    return "wum_edge.room_" + name.replace(".", "__")


def _ask(modules: dict[str, Module]) -> None:
    """Of a module that is imported late as a module whoever has it may want what it imported."""
    wanted = {one for module in modules.values() for one in module.attributes}
    late = {one for module in modules.values() for one in module.late}
    for module in modules.values():
        if module.name in late:
            module.asked = [name for name in module.names() if name not in module.held
                            and name in wanted
                            and isinstance(module.whose(name, modules), Held)]


def _reached(modules: dict[str, Module], root: str) -> set[str]:
    found, waiting = set(), [root]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += modules[name].now
    return found


def _in_order(modules: dict[str, Module]) -> list[str]:
    """Each after those that it imports. Raises LinkError where two need each other first."""
    order: list[str] = []
    begun: list[str] = []

    def visit(name: str) -> None:
        if name in begun:
            raise LinkError("%s and %s import each other: import one of them in the function that "
                            "needs it" % (begun[-1], name))
        if name not in order:
            begun.append(name)
            for one in modules[name].now:
                visit(one)
            begun.pop()
            order.append(name)
    for name in sorted(modules):
        visit(name)
    return order


class _Room:
    """Some modules as one, and what is left of each."""

    def __init__(self, modules: dict[str, Module], members: list[Module]) -> None:
        self._modules = modules
        self._members = members
        self._is_alone = len(members) == 1

    def files(self) -> dict[str, str]:
        """By path."""
        bodies: list[str] = []
        needed: dict[str, Held | Outer] = {}
        for module in self._members:
            rewriter = Rewriter(self._modules, module)
            body = [one for node in module.tree.body for one in rewriter.statements(node)]
            needed.update(rewriter.needed)
            if body:
                text = ast.unparse(ast.fix_missing_locations(ast.Module(body, [])))
                bodies.append("# %s\n%s" % (module.path, text))
        found = {}
        lines = [needed[one].statement() for one in sorted(needed)]
        room = self._members[0].room
        path = self._members[0].path if self._is_alone else room.replace(".", "/") + ".py"
        if self._is_alone:
            bodies += self._told(self._members[0], self._members[0].asked)
        else:
            lines += _own_builtins("\n".join([*lines, *bodies]))
        found[path] = "\n".join([*lines, *bodies]) + "\n"
        if not self._is_alone:
            for module in self._members:
                found[module.path] = self._rest(module)
        return found

    def _rest(self, module: Module) -> str:
        """A module that brings its names from the room."""
        own = [name for name in sorted(module.held) if isinstance(module.held[name], Held)]
        lines = self._told(module, [*own, *module.asked])
        if module.changeable:
            finals = {name: held.final for name, held in module.held.items()
                      if name in module.changeable and isinstance(held, Held)}
            lines += ["ROOM = %r" % module.room, "FINAL = %r" % finals]
        return "\n".join(lines) + "\n"

    def _told(self, module: Module, names: list[str]) -> list[str]:
        """Statements that give a module these names."""
        lines = []
        for name in names:
            held = module.whose(name, self._modules)
            assert isinstance(held, Held)
            if held.constant is not None:
                lines.append("%s = %s" % (name, ast.unparse(held.constant)))
            else:
                lines.append("from %s import %s as %s" % (held.module.room, held.at_home(), name))
        return lines


def _own_builtins(text: str) -> list[str]:
    """Statements that make the builtins that a room uses names of its own, if its table is full."""
    tree = ast.parse(text)
    names = bound_in(tree.body)
    table = next((size for size in _TABLES if size >= len(names)), _TABLES[-1])
    if len(names) <= _TABLES[0] or len(names) * 100 <= table * _FULL_PERCENT:
        return []
    used = {node.id for node in walk(tree) if isinstance(node, ast.Name)}
    return ["from builtins import %s" % name for name in sorted(used & _LOOKED_UP - names)]
