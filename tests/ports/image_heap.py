"""How much heap the code of a board's image takes, counted from its source.

Left out: what a gateway has at run time, and boxes of the collector that numbers, texts and code
of a module take while it is loaded: a 32-bit build measures an eighth more (benchmarks/board.py).
"""

import ast

from wum_edge.ports.linux.linked import _TABLES

_SMALL = (0, 2, 4, 6, 8, 10, 12, 17, 23, 29, 37, 47, 59, 73, *_TABLES)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def blocks(size):
    """Bytes that the collector gives for so many."""
    return (size + 15) // 16 * 16


def table(names):
    """Of a dictionary that grew to so many (py/map.c)."""
    return blocks(8 * next(size for size in _SMALL if size >= names))


def function_bytes(node):
    """Its object: four words, and one for its defaults."""
    return blocks(20 if node.args.defaults else 16) + (
        blocks(8 + 4 * len(node.args.defaults)) if node.args.defaults else 0)


def class_bytes(node):
    """Its type, its dictionary and what stands in it."""
    inner = [one for one in node.body if isinstance(one, (*_FUNCTIONS, ast.Assign))]
    methods = [one for one in inner if isinstance(one, _FUNCTIONS)]
    is_rid = isinstance(node.body[0], ast.Delete)
    return 64 + 16 + table(len(inner) + (0 if is_rid else 2)) + sum(map(function_bytes, methods))


def module_bytes(tree):
    """A module's names, functions, classes and records."""
    found, names = 16 + 32, set()
    for node in tree.body:
        if isinstance(node, _FUNCTIONS):
            found += function_bytes(node)
            names.add(node.name)
        elif isinstance(node, ast.ClassDef):
            found += class_bytes(node)
            names.add(node.name)
        elif isinstance(node, ast.ImportFrom):
            names.update(one.asname or one.name for one in node.names)
        elif isinstance(node, ast.Assign):
            names.update(one.id for one in ast.walk(node)
                         if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store))
            for one in ast.walk(node.value):
                if isinstance(one, ast.Call) and getattr(one.func, "id", "") == "namedtuple":
                    fields = one.args[1]
                    assert isinstance(fields, ast.Tuple), ast.unparse(one)
                    found += blocks(56 + 4 * len(fields.elts))
                elif isinstance(one, ast.Dict):
                    found += 16 + table(len(one.keys))
    return found + table(len(names) + 2)


def load(trees, name, found):
    """Into `found` what an import of `name` loads."""
    if name in trees and name not in found:
        found.add(name)
        for node in trees[name].body:
            if isinstance(node, ast.ImportFrom):
                load(trees, node.module, found)
            elif isinstance(node, ast.Import):
                for one in node.names:
                    load(trees, one.name, found)
