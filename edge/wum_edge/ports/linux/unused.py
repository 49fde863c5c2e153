"""What a board's program holds and nobody there ever names: taken out as an image is built.

The core is written for every port and for the head-end's side too: a board never calls half of a
codec. A function, a method, a class or a constant goes if its name is written nowhere but in
itself: as a name, as an attribute, as a late import or as a string of its own, in any of the
sources. By the name alone: one that two share stays for both. An interface's method that only
raises goes as well, and an interface of which nothing is left then, if only its heirs name it.
Standard library only.

Left out: what is taken from a single module (thinned.py), joining them (linked.py).
"""

import ast
from collections import Counter

from wum_edge.ports.linux.trees import children, walk

NATIVE = "@micropython."     # An architecture's: it stays as it is written.
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_CALLED_BY_FIRMWARE = frozenset(("readinto", "ioctl"))
_HARMLESS = frozenset(("namedtuple", "const", "tuple", "frozenset", "bytes"))


def used_only(sources: dict[str, str], callers: "tuple[str, ...]" = (),
              starts: "tuple[str, ...]" = ("start",)) -> dict[str, str]:
    """These {path: source} without what is not named, by them or by the sources `callers`.
    Whoever starts the program names `starts`.
    """
    trees = {path: ast.parse(source) for path, source in sources.items() if NATIVE not in source}
    named = Counter(starts)
    for other in [*callers, *[sources[path] for path in sources if path not in trees]]:
        named.update(_names(ast.parse(other), True))
    units: list[_Unit] = []
    for tree in trees.values():
        _leave_to_readers(tree)
        units += _units(tree)
    for unit in units:
        named.update(unit.names)
    while True:
        gone = [unit for unit in units if unit.is_unused(named)]
        for unit in gone:
            named.subtract(unit.take_out())
        units = [unit for unit in units if not unit.is_out]
        if not gone:
            break
    _without_interfaces(list(trees.values()), named)
    return {path: ast.unparse(trees[path]) + "\n" if path in trees else sources[path]
            for path in sources}


class _Unit:
    """A statement of a module, or of a class, that may go."""

    def __init__(self, body: "list[ast.stmt]", node: ast.stmt, name: str,
                 names: "Counter[str]") -> None:
        self.names = names                   # What it names, without its inner ones.
        self.inner: list[_Unit] = []         # Of a class.
        self.is_out = False
        self._body = body
        self._node = node
        self._name = name
        self._is_always_out = False

    def only_raises(self) -> None:
        """Nobody misses it."""
        self._is_always_out = True

    def is_unused(self, named: "Counter[str]") -> bool:
        """Whether nothing but itself names it."""
        if self.is_out or not self._name:
            return False
        own = self.names[self._name] + sum(one.names[self._name] for one in self.inner
                                           if not one.is_out)
        return self._is_always_out or named[self._name] <= own

    def take_out(self) -> "Counter[str]":
        """What it named."""
        if self.is_out:
            return Counter()
        self.is_out = True
        self._body.remove(self._node)
        if not self._body:
            self._body.append(ast.Pass())
        found = Counter(self.names)
        for one in self.inner:
            if not one.is_out:
                one.is_out = True
                found.update(one.names)
        return found


def _without_interfaces(trees: list[ast.Module], named: "Counter[str]") -> None:
    """Take out classes of which nothing is left and that nothing names but their heirs."""
    classes = [(tree, node) for tree in trees for node in tree.body
               if isinstance(node, ast.ClassDef)]
    heirs: dict[str, list[ast.ClassDef]] = {}
    for _, node in classes:
        for base in node.bases:
            if isinstance(base, ast.Name):
                heirs.setdefault(base.id, []).append(node)
    made = Counter(node.name for _, node in classes)
    for tree, node in classes:
        own = heirs.get(node.name, [])
        is_empty = not node.bases and all(isinstance(one, ast.Pass) for one in node.body)
        if is_empty and made[node.name] == 1 and named[node.name] == len(own) and not any(
                "super" in _names(heir) for heir in own):
            tree.body.remove(node)
            for heir in own:
                heir.bases = [one for one in heir.bases
                              if not isinstance(one, ast.Name) or one.id != node.name]


def _units(tree: ast.Module) -> list[_Unit]:
    found = []
    for node in tree.body:
        if not isinstance(node, ast.ClassDef):
            found.append(_Unit(tree.body, node, _goes_by(node), _names(node)))
            continue
        inner = []
        for one in node.body:
            name = ""
            if isinstance(one, _FUNCTIONS) and not one.name.startswith("__") and (
                    one.name not in _CALLED_BY_FIRMWARE):
                name = one.name
            inner.append(_Unit(node.body, one, name, _names(one)))
            if _only_raises(one):
                inner[-1].only_raises()
        outer = Counter[str]()
        for part in [*node.bases, *node.keywords, *node.decorator_list]:
            outer.update(_names(part))
        unit = _Unit(tree.body, node, node.name, outer)
        unit.inner = inner
        found += [unit, *inner]
    return found


def _goes_by(node: ast.stmt) -> str:
    """The name without which a statement of a module is for nothing; empty if it is for more."""
    if isinstance(node, _FUNCTIONS):
        return node.name
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        target = node.targets[0]
        if isinstance(target, ast.Name) and _is_value(node.value):
            return target.id
    return ""


def _names(tree: ast.AST, with_imports: bool = False) -> "Counter[str]":
    """How often each name is written, but where it is bound."""
    found = Counter[str]()
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            found[node.id] += 1
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
            found[node.attr] += 1
        elif isinstance(node, ast.Constant):
            if isinstance(node.value, str) and node.value.isidentifier():
                found.update((node.value, "_" + node.value))   # It may be a command's word.
        elif isinstance(node, ast.ImportFrom) and (with_imports or node.col_offset):
            found.update(one.name for one in node.names)
        is_record = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and (
            node.func.id == "namedtuple")
        waiting += [node.func] if isinstance(node, ast.Call) and is_record else (
            children(node))
    return found


def _leave_to_readers(tree: ast.Module) -> None:
    """Take away docstrings and annotations, which name what nobody needs."""
    for node in walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, *_FUNCTIONS)):
            body = [_plain(one) for one in node.body
                    if not (isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant))
                    and not (isinstance(one, ast.AnnAssign) and one.value is None)]
            node.body = body or ([] if isinstance(node, ast.Module) else [ast.Pass()])
        if isinstance(node, _FUNCTIONS):
            node.returns = None
        if isinstance(node, ast.arg):
            node.annotation = None


def _plain(node: ast.stmt) -> ast.stmt:
    if isinstance(node, ast.AnnAssign) and node.value is not None:
        return ast.fix_missing_locations(ast.copy_location(
            ast.Assign([node.target], node.value), node))
    return node


def _is_value(node: ast.expr) -> bool:
    """Whether making it does nothing else."""
    return not any(isinstance(one, (ast.Call, ast.Yield, ast.Await)) and not (
        isinstance(one, ast.Call) and isinstance(one.func, ast.Name) and one.func.id in _HARMLESS)
        for one in walk(node))


def _only_raises(node: ast.stmt) -> bool:
    if not isinstance(node, _FUNCTIONS) or len(node.body) != 1 or node.decorator_list:
        return False
    raised = node.body[0]
    return isinstance(raised, ast.Raise) and isinstance(raised.exc, ast.Name) and (
        raised.exc.id == "NotImplementedError")
