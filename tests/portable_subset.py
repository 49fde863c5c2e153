"""Lint of the portable subset: what CPython accepts and MicroPython refuses, lacks or gets wrong.

Left out: what only the compiler (mpy-cross) or a run shows. Each rule was seen to be needed on
MicroPython 1.27; docs/adr/0002-portable-subset.md says why there is a subset.

usage: python tests/portable_subset.py FILE ...
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ALLOWED_IMPORTS = {
    "struct": {"pack", "unpack", "pack_into", "unpack_from", "calcsize"},
    "collections": {"namedtuple", "deque", "OrderedDict"},
    "binascii": {"crc32", "hexlify", "unhexlify"},
    "hashlib": {"sha256"},
}
OUR_ROOMS = ("wum_shared", "wum_edge")
DOUBLES = ("wum_simulator.disk",)     # Of the simulator, what the core's tests need.
PORTS = "wum_edge.ports"

MISSING_NAMES = {
    "TimeoutError", "ConnectionError", "ConnectionResetError", "BrokenPipeError",
    "FileNotFoundError", "FileExistsError", "PermissionError", "IsADirectoryError",
    "InterruptedError", "BlockingIOError", "RecursionError", "UnicodeDecodeError",
    "UnicodeEncodeError", "BufferError", "ExceptionGroup", "ascii", "format", "vars", "aiter",
    "anext", "breakpoint",
}
NOT_IN_A_CORE = {
    "open": "a port reads files", "print": "a port prints", "input": "a port asks",
    "float": "energy and time are scaled integers", "eval": "nothing is evaluated",
    "exec": "nothing is evaluated", "__import__": "imports stand at the top",
}
MISSING_ATTRIBUTES = {
    "bit_length", "bit_count", "ljust", "rjust", "zfill", "removeprefix", "removesuffix",
    "hexdigest", "digest_size", "cast", "casefold", "isprintable", "isalnum", "isdecimal",
    "isnumeric", "isidentifier", "isascii", "expandtabs", "translate", "maketrans", "swapcase",
    "title", "capitalize", "format_map", "_replace", "_asdict", "_make", "with_traceback",
    "add_note", "__cause__", "__context__", "__traceback__", "__init_subclass__",
}
NO_KEYWORDS = {"to_bytes", "from_bytes", "split", "rsplit", "encode", "decode", "namedtuple",
               "sum", "zip", "pack", "unpack", "crc32", "sha256", "splitlines"}
DICT_VIEWS = {"items", "keys", "values"}
ORDER_FREE = {"sorted", "set", "frozenset", "sum", "any", "all", "min", "max", "len", "dict"}
DECORATORS = {"property", "staticmethod", "classmethod"}
# What a port is for, and a core may not: files, a console, the loop, modules that a board may lack,
# numbers as a driver wants them (no energies), and a `_make` of its own.
OF_A_PORT = ("is not in the subset", "is a port: ", "async: ", "a port reads files",
             "a port prints", "a port asks", "an import stands at the top", "makes a float",
             "is a float", "._make ", "imports stand at the top")
NO_TIES = "# No ties"
ANY_ORDER = "# Any order"
LATE = "# Late"


def faults_in_file(path: Path, root: Path) -> list[str]:
    """Faults of one file as `path:line: text`, with the path relative to `root`."""
    return faults(path.read_text(), str(path.relative_to(root)))


def faults_in_port(path: Path, root: Path) -> list[str]:
    """The same of a file of a board's port, which may do what a port is for."""
    return [fault for fault in faults_in_file(path, root)
            if not any(own in fault for own in OF_A_PORT)]


def faults(source: str, name: str) -> list[str]:
    """Every place where `source` leaves the subset, as `name:line: text`, by line."""
    lines = source.splitlines()
    found: list[tuple[int, str]] = []
    for node in _nodes(ast.parse(source, name)):
        for text in _faults_of(node, lines):
            found.append((getattr(node, "lineno", 1), text))
    return [f"{name}:{line}: {text}" for line, text in sorted(set(found))]


def _is_constant(node: ast.expr) -> bool:
    """Whether it is a name whose value stands at the head of the file."""
    return isinstance(node, ast.Name) and node.id.isupper()


def _nodes(tree: ast.Module) -> Iterator[ast.AST]:
    """Every node that runs on a board, each with its parent noted.

    `TYPE_CHECKING = False` and `if TYPE_CHECKING:` hide names from a board that type checkers
    need (they take the constant for true); what stands there is not looked at.
    """
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, ast.If) and _is_name(node.test, "TYPE_CHECKING") and _is_false(tree):
            waiting += node.orelse
            continue
        for child in ast.iter_child_nodes(node):
            child.parent = node  # type: ignore[attr-defined]
            waiting.append(child)


def _is_name(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _is_false(tree: ast.Module) -> bool:
    """Whether TYPE_CHECKING is set in this file, to False and nothing else."""
    values = [node.value for node in ast.walk(tree) if isinstance(node, ast.Assign)
              and any(_is_name(target, "TYPE_CHECKING") for target in node.targets)]
    return len(values) == 1 and isinstance(values[0], ast.Constant) and values[0].value is False


def _faults_of(node: ast.AST, lines: list[str]) -> Iterator[str]:
    """Texts of the rules that one node breaks."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        yield from _import_faults(node, lines)
    elif isinstance(node, ast.Call):
        yield from _call_faults(node, lines)
    elif isinstance(node, ast.Attribute):
        yield from _attribute_faults(node)
    elif isinstance(node, ast.Name):
        yield from _name_faults(node)
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield from _definition_faults(node)
    else:
        yield from _syntax_faults(node)


def _import_faults(node: ast.Import | ast.ImportFrom, lines: list[str]) -> Iterator[str]:
    at_top = isinstance(getattr(node, "parent", None), ast.Module)
    if not at_top and LATE not in _text(node, lines):
        yield f"an import stands at the top of its file, or says `{LATE}: why`"
    if isinstance(node, ast.ImportFrom) and node.level:
        yield "an import is absolute"
        return
    modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else [
        alias.name for alias in node.names]
    for module in modules:
        if module == PORTS or module.startswith(PORTS + "."):
            yield f"{module} is a port: it may import the core, not the core it"
        elif module.split(".")[0] not in OUR_ROOMS and module not in DOUBLES and (
                module not in ALLOWED_IMPORTS):
            yield f"module {module} is not in the subset"
    if isinstance(node, ast.ImportFrom):
        allowed = ALLOWED_IMPORTS.get(modules[0])
        for alias in node.names:
            if alias.name == "*":
                yield "an import names what it takes, not *"
            elif allowed is not None and alias.name not in allowed:
                yield f"{modules[0]}.{alias.name} is not in the subset"
            elif f"{modules[0]}.{alias.name}" == PORTS:
                yield f"{PORTS} is a port: it may import the core, not the core it"


def _call_faults(node: ast.Call, lines: list[str]) -> Iterator[str]:
    name = _called(node)
    keywords = [keyword.arg for keyword in node.keywords]
    if isinstance(node.func, ast.Attribute) and name in DICT_VIEWS and not node.args and not (
            _order_is_free(node) or ANY_ORDER in _text(node, lines)):
        yield (f".{name}() comes in no order on MicroPython: sort it, or say "
               f"`{ANY_ORDER}: why`")
    if name in NO_KEYWORDS and keywords and not _is_ours(node.func):
        yield f"{name}() takes no keywords on MicroPython"
    if name in ("to_bytes", "from_bytes") and len(node.args) < 2:
        yield f"{name}() needs its byte order on MicroPython"
    if name in ("encode", "decode") and len(node.args) > 1 and not _is_ours(node.func):
        yield f"{name}() ignores how errors are handled on MicroPython"
    if name == "pow" and len(node.args) > 2 and not _is_constant(node.args[1]):
        yield ("pow() of three arguments gives 0 for a negative exponent on MicroPython: name a "
               "constant")
    if name in ("sort", "sorted") and "key" in keywords and NO_TIES not in _text(node, lines):
        yield (f"{name}() is not stable on MicroPython and slow for what is in order: take "
               f"wum_shared.order, or say `{NO_TIES}: why`")
    if isinstance(node.func, ast.Attribute) and name == "__init__" and _ends_with_error(
            node.func.value):
        yield "an exception's __init__ cannot be called by name on MicroPython: use super()"


def _attribute_faults(node: ast.Attribute) -> Iterator[str]:
    if node.attr in MISSING_ATTRIBUTES:
        yield f".{node.attr} is missing on MicroPython"
    if isinstance(node.value, ast.Name) and node.attr not in ALLOWED_IMPORTS.get(
            node.value.id, {node.attr}):
        yield f"{node.value.id}.{node.attr} is not in the subset"


def _name_faults(node: ast.Name) -> Iterator[str]:
    if isinstance(node.ctx, ast.Load):
        if node.id in MISSING_NAMES:
            yield f"{node.id} is missing on MicroPython"
        elif node.id in NOT_IN_A_CORE and not _is_annotation(node):
            yield f"{node.id}: {NOT_IN_A_CORE[node.id]}"


def _definition_faults(
        node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> Iterator[str]:
    for decorator in node.decorator_list:
        if not (isinstance(decorator, ast.Name) and decorator.id in DECORATORS or isinstance(
                decorator, ast.Attribute) and decorator.attr == "setter"):
            yield f"decorator {ast.unparse(decorator)} is not in the subset"
    if getattr(node, "type_params", None):
        yield "type parameters are a syntax error on MicroPython"
    if isinstance(node, ast.ClassDef):
        if len(node.bases) > 1:
            yield "super() skips classes where two bases meet on MicroPython"
        if node.keywords:
            yield "a class takes no keywords on MicroPython"
        return
    if isinstance(node, ast.AsyncFunctionDef):
        yield "async: the port owns the loop"
    if node.args.posonlyargs:
        yield "/ in parameters is a syntax error on MicroPython"
    if node.args.kwarg:
        yield "** in parameters comes in no order on MicroPython"
    if node.name in MISSING_ATTRIBUTES:
        yield f"{node.name} is never called on MicroPython"


def _syntax_faults(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        if isinstance(getattr(node, "ctx", ast.Load()), ast.Load) and any(
                isinstance(item, ast.Starred) for item in node.elts):
            yield "* in a display is a syntax error on MicroPython"
    elif isinstance(node, ast.Dict) and None in node.keys:
        yield "** in a display is a syntax error on MicroPython"
    elif isinstance(node, ast.Match):
        yield "match is a syntax error on MicroPython"
    elif isinstance(node, ast.TryStar):
        yield "except* is a syntax error on MicroPython"
    elif isinstance(node, ast.Raise) and node.cause is not None:
        yield "raise ... from: there is no exception chaining on MicroPython"
    elif isinstance(node, ast.Await | ast.AsyncFor | ast.AsyncWith) or (
            isinstance(node, ast.comprehension) and node.is_async):
        yield "async: the port owns the loop"
    elif isinstance(node, ast.With) and _yields(node):
        yield "a yield inside of with: MicroPython does not close it in an unfinished generator"
    elif isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div):
        yield "/ makes a float: use // on scaled integers"
    elif isinstance(node, ast.Constant) and isinstance(node.value, float | complex):
        yield f"{node.value} is a float: energy and time are scaled integers"
    elif isinstance(node, ast.Slice) and node.step is not None:
        yield "a slice with a step fails for bytes on MicroPython"
    elif isinstance(node, ast.Delete) and any(
            isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Slice)
            for target in node.targets):
        yield "a slice of a bytearray cannot be deleted on MicroPython"
    elif type(node).__name__ == "TypeAlias":
        yield "type is a syntax error on MicroPython"


def _called(node: ast.Call) -> str:
    if isinstance(node.func, ast.Attribute):
        return node.func.attr
    return node.func.id if isinstance(node.func, ast.Name) else ""


def _is_ours(function: ast.expr) -> bool:
    """Whether this is a function of ours (cbor.decode), not a method of bytes or a text."""
    return isinstance(function, ast.Attribute) and isinstance(
        function.value, ast.Name) and function.value.id in ("cbor", "cose", "fields")


def _ends_with_error(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id.endswith(("Error", "Exception"))


def _order_is_free(call: ast.Call) -> bool:
    """Whether the view goes straight into something that does not care for the order."""
    outer = getattr(call, "parent", None)
    if isinstance(outer, ast.comprehension):
        outer = getattr(getattr(outer, "parent", None), "parent", None)
    return isinstance(outer, ast.Call) and _called(outer) in ORDER_FREE


def _is_annotation(node: ast.AST) -> bool:
    """Whether the name stands in an annotation, which MicroPython never evaluates."""
    child, parent = node, getattr(node, "parent", None)
    while parent is not None:
        if child in (getattr(parent, "annotation", None), getattr(parent, "returns", None)):
            return True
        child, parent = parent, getattr(parent, "parent", None)
    return False


def _yields(node: ast.With) -> bool:
    return any(isinstance(part, ast.Yield | ast.YieldFrom)
               for statement in node.body for part in ast.walk(statement))


def _text(node: ast.expr, lines: list[str]) -> str:
    """The lines of a node, comments included."""
    return "\n".join(lines[node.lineno - 1:(node.end_lineno or node.lineno)])


def main(paths: list[str]) -> int:
    """Print the faults of the files; returns 1 when there are any."""
    found = [fault for path in paths
             for fault in faults_in_file(Path(path).resolve(), Path.cwd().resolve())]
    print("\n".join(found) if found else f"{len(paths)} files keep to the portable subset")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
