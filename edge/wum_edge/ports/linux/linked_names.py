"""Whose a name is in the modules that linked.py joins, and which one it gets.

Left out: which modules are joined (linked.py), and writing it where it is used (linked_text.py).
"""

import ast
import builtins
from collections.abc import Callable

from wum_edge.ports.linux.trees import children, walk

_BUILTINS = frozenset(dir(builtins))
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_OPERATIONS: "dict[type[ast.operator], Callable[[int, int], int]]" = {
    ast.Add: lambda a, b: a + b, ast.Sub: lambda a, b: a - b, ast.Mult: lambda a, b: a * b,
    ast.LShift: lambda a, b: a << b, ast.RShift: lambda a, b: a >> b, ast.Pow: lambda a, b: a ** b,
    ast.BitOr: lambda a, b: a | b, ast.BitAnd: lambda a, b: a & b, ast.BitXor: lambda a, b: a ^ b,
    ast.FloorDiv: lambda a, b: a // b, ast.Mod: lambda a, b: a % b}


class LinkError(ValueError):
    """What cannot be joined, in words that name both sides."""


class Held:
    """A name that a module itself binds."""

    def __init__(self, module: "Module", name: str) -> None:
        self.module = module
        self.name = name
        self.final = name                    # How it is written, once it is anybody's.
        self.constant: ast.expr | None = None

    def at_home(self) -> str:
        """How it is written in its own room: a module that is alone keeps its names."""
        return self.name if self.module.room == self.module.name else self.final

    def statement(self) -> str:
        """What brings it into another room."""
        words = "from %s import %s" % (self.module.room, self.at_home())
        return words if self.at_home() == self.final else words + " as " + self.final


class Outer:
    """A name of a module that is none of ours, or one of ours that is kept as it is."""

    def __init__(self, source: str, name: str) -> None:
        self.source = source                 # Empty: `name` is a module.
        self.name = name
        self.final = name
        self.constant = None

    def statement(self) -> str:
        """What brings it into a room."""
        words = "import " + self.name if not self.source else "from %s import %s" % (
            self.source, self.name)
        return words if self.final == self.name else words + " as " + self.final


class Alias:
    """A name for a module of ours."""

    def __init__(self, module: "Module") -> None:
        self.module = module


class Module:
    """One source file."""

    def __init__(self, path: str, source: str) -> None:
        self.path = path
        self.name = path.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
        self.is_package = path.endswith("/__init__.py")
        self.tree = ast.parse(source)
        self.room = ""
        self.now: list[str] = []             # Imported with it, in order.
        self.late: set[str] = set()          # Imported by functions, or perhaps.
        self.held: dict[str, Held | Outer | Alias] = {}
        self.asked: list[str] = []           # Of what it imported, by whoever has the module.
        self.attributes: set[str] = set()    # That it asks anything for.
        self.changeable: list[str] = []      # Names that tests change.
        self._brought: dict[str, tuple[str, str]] = {}

    def read(self, modules: "dict[str, Module]", changeable: "tuple[str, ...]" = ()) -> None:
        """Its imports and names."""
        plain = [node for node in self.tree.body
                 if isinstance(node, (ast.Import, ast.ImportFrom))]
        for brought in plain:
            self._read_import(brought, modules)
        for node in walk(self.tree):
            if isinstance(node, ast.Attribute):
                self.attributes.add(node.attr)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                self.attributes.add(node.value)          # For getattr.
            elif isinstance(node, ast.ImportFrom) and node not in plain:
                for one in node.names:
                    inner = "%s.%s" % (node.module, one.name)
                    self.late |= {inner if inner in modules else str(node.module)} & set(modules)
        for name in bound_in(self.tree.body):
            if name not in self.held and name not in self._brought:
                self.held[name] = Held(self, name)
        for path in changeable:
            module, _, name = path.rpartition(".")
            if module == self.name:
                if not isinstance(self.held.get(name), Held):
                    raise LinkError("%s: has no %s that a test could change" % (self.path, name))
                self.changeable.append(name)
        self._find_constants()

    def _read_import(self, node: "ast.Import | ast.ImportFrom",
                     modules: "dict[str, Module]") -> None:
        for one in node.names:
            name = one.asname or one.name
            if isinstance(node, ast.Import):
                if one.name.split(".")[0] != one.name and not one.asname:
                    raise LinkError("%s: import %s: from its package, please" % (
                        self.path, one.name))
                self.held[name] = Outer("", one.name)
                continue
            source = str(node.module)
            inner = "%s.%s" % (source, one.name)
            if inner in modules:
                self.held[name] = Alias(modules[inner])
                self._needs(inner)
            elif source in modules:
                self._brought[name] = source, one.name
                self._needs(source)
            else:
                self.held[name] = Outer(source, one.name)

    def _needs(self, name: str) -> None:
        if name not in self.now:
            self.now.append(name)

    def whose(self, name: str, modules: "dict[str, Module]") -> "Held | Outer | Alias | None":
        """What a name of this module stands for; None where it has none such."""
        if name in self._brought:
            source, inner = self._brought[name]
            return modules[source].whose(inner, modules)
        return self.held.get(name)

    def names(self) -> list[str]:
        """All of it."""
        return sorted(set(self.held) | set(self._brought))

    def _find_constants(self) -> None:
        stores: dict[str, int] = {}
        for node in walk(self.tree):
            if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
                stores[node.id] = stores.get(node.id, 0) + 1
        for node in self.tree.body:
            for target, value in assigned(node):
                held = self.held.get(target)
                if isinstance(held, Held) and stores[target] == 1 and (
                        target not in self.changeable):
                    held.constant = constant_of(value, self.held)

    def is_constant(self, node: ast.stmt) -> bool:
        """Whether a statement only gives names to values that stand wherever they are named."""
        found = [self.held.get(target) for target, _ in assigned(node)]
        return bool(found) and all(isinstance(one, Held) and one.constant is not None
                                   for one in found)


def assigned(node: ast.stmt) -> "list[tuple[str, ast.expr]]":
    """(name, value) of each that an assignment to names alone gives one."""
    target: ast.expr | None = None
    value: ast.expr | None = None
    if isinstance(node, ast.AnnAssign):
        target, value = node.target, node.value
    elif isinstance(node, ast.Assign) and len(node.targets) == 1:
        target, value = node.targets[0], node.value
    if isinstance(target, ast.Name) and value is not None:
        return [(target.id, value)]
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and (
            len(target.elts) == len(value.elts)):
        return [(one.id, given) for one, given in zip(target.elts, value.elts, strict=True)
                if isinstance(one, ast.Name)]
    return []


def constant_of(node: ast.expr, held: "dict[str, Held | Outer | Alias]") -> "ast.expr | None":
    """The value that an expression is known to have, written out; None where it is not known."""
    if isinstance(node, ast.Constant):
        return node
    if isinstance(node, ast.Tuple):
        found = [constant_of(one, held) for one in node.elts]
        return ast.Tuple([one for one in found if one], ast.Load()) if all(found) else None
    if isinstance(node, ast.Name):
        known = held.get(node.id)
        return known.constant if isinstance(known, Held) else None
    if isinstance(node, ast.Call):
        is_const = isinstance(node.func, ast.Name) and node.func.id == "const"
        return constant_of(node.args[0], held) if is_const else None
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        positive = constant_of(node.operand, held)
        if isinstance(positive, ast.Constant) and isinstance(positive.value, int):
            return ast.Constant(-positive.value)
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATIONS:
        left, right = constant_of(node.left, held), constant_of(node.right, held)
        if isinstance(left, ast.Constant) and isinstance(right, ast.Constant) and (
                type(left.value) is type(right.value) is int):
            return ast.Constant(_OPERATIONS[type(node.op)](left.value, right.value))
    return None


def bound_in(body: "list[ast.stmt]") -> set[str]:
    """Names that these statements bind, without those of functions and classes in them."""
    found: set[str] = set()
    waiting: list[ast.AST] = list(body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
            found.add(node.name)
            waiting += [*node.decorator_list]
            continue
        if isinstance(node, ast.Lambda):
            continue
        if isinstance(node, COMPREHENSIONS):
            waiting += [one for one in walk(node) if isinstance(one, ast.NamedExpr)]
            continue
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            found.add(node.id)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            found.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            found |= {(one.asname or one.name).split(".")[0] for one in node.names}
        elif isinstance(node, (ast.Global, ast.Nonlocal)):
            raise LinkError("line %d: global and nonlocal are not joined" % node.lineno)
        waiting += children(node)
    return found


def give_names(modules: dict[str, Module]) -> None:
    """Give each name of the program one that is its alone."""
    spelled: dict[str, list[Held]] = {}
    used: set[str] = set()
    inner: set[str] = set()                  # Of functions: what comes from elsewhere keeps away.
    outer: dict[str, str] = {}
    for module in modules.values():
        inner |= inner_names(module.tree)
        used |= {node.id for node in walk(module.tree) if isinstance(node, ast.Name)}
        for name, held in module.held.items():
            if isinstance(held, Held) and held.constant is None:
                spelled.setdefault(name, []).append(held)
            elif isinstance(held, Outer):
                whence = held.source + "." + held.name
                if outer.setdefault(name, whence) != whence:
                    raise LinkError("%s: %s is of %s here, and %s elsewhere" % (
                        module.path, name, whence.strip("."), outer[name].strip(".")))
                held.final = name
    taken = set(_BUILTINS) | set(outer)
    for name in sorted(spelled):
        is_free = len(spelled[name]) == 1 and name not in inner and name not in taken
        for held in spelled[name]:
            if not is_free:
                held.final = "%s_%s" % (held.module.name.split(".")[-1], name.lstrip("_"))
                while held.final in taken | used | inner | set(spelled):
                    held.final += "_"
            taken.add(held.final)


def inner_names(tree: ast.AST) -> set[str]:
    """Names that functions have of their own, and bodies of classes."""
    found: set[str] = set()
    for node in walk(tree):
        if isinstance(node, ast.arg):
            found.add(node.arg)
        elif isinstance(node, (*FUNCTIONS, ast.ClassDef)):
            found |= bound_in(node.body)
        elif isinstance(node, ast.comprehension):
            found |= {one.id for one in walk(node.target) if isinstance(one, ast.Name)}
    return found
