"""A module's statements as the room has them that linked.py joins it into.

Scopes are Python's: what a function binds is its own, a class's names are seen in its body alone.
Left out: whose a name is, and which one it gets (linked_names.py).
"""

import ast
from typing import Any

from wum_edge.ports.linux.linked_names import (
    COMPREHENSIONS,
    Alias,
    Held,
    LinkError,
    Module,
    Outer,
    bound_in,
)
from wum_edge.ports.linux.trees import walk

_ITS_OWN = ("__module__", "__qualname__")   # Of a class, and nobody on a board asks for them.


class Rewriter(ast.NodeTransformer):
    """Statements of one module as its room has them."""

    def __init__(self, modules: dict[str, Module], module: Module) -> None:
        self._modules = modules
        self._module = module
        self._scopes: list[tuple[bool, set[str]]] = []   # (whether of a class, names)
        self.needed: dict[str, Held | Outer] = {}        # Imports of the room, by statement.

    def statements(self, node: ast.stmt) -> "list[ast.stmt]":
        """What stands for one of the module; nothing where that has none."""
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            return []
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            return []
        if self._module.is_constant(node) and self._module.room != self._module.name:
            return []
        made = self.visit(node)
        return [] if made is None else made if isinstance(made, list) else [made]

    def _is_inner(self, name: str) -> bool:
        """Whether a function, or the class whose body this is, has it."""
        for place, (is_class, names) in enumerate(reversed(self._scopes)):
            if name in names and (place == 0 or not is_class):
                return True
        return False

    def _written(self, held: "Held | Outer", node: ast.AST) -> ast.expr:
        if held.constant is not None:
            return held.constant
        if isinstance(held, Held) and held.module.room == self._module.room:
            name = held.at_home()
        else:
            name = held.final
            self.needed[held.statement()] = held
        if self._is_inner(name):
            whose = held.module.path if isinstance(held, Held) else held.source or held.name
            raise LinkError("%s:%d: %s of %s gets where another %s is" % (
                self._module.path, getattr(node, "lineno", 0), name, whose, name))
        return ast.Name(name, ast.Load())

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """A name, by whose it is."""
        if self._is_inner(node.id):
            return node
        held = self._module.whose(node.id, self._modules)
        if held is None:
            return node
        if isinstance(held, Alias):
            raise LinkError("%s:%d: the module %s is handed around" % (
                self._module.path, node.lineno, held.module.path))
        if not isinstance(node.ctx, ast.Load):
            assert isinstance(held, Held)
            return ast.Name(held.at_home(), node.ctx)
        return self._written(held, node)

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        """A name of a module."""
        if isinstance(node.value, ast.Name) and not self._is_inner(node.value.id):
            alias = self._module.whose(node.value.id, self._modules)
            if isinstance(alias, Alias):
                held = alias.module.whose(node.attr, self._modules)
                if not isinstance(held, (Held, Outer)):
                    raise LinkError("%s:%d: %s has no %s" % (
                        self._module.path, node.lineno, alias.module.path, node.attr))
                return self._written(held, node)
        self.generic_visit(node)
        return node

    def visit_ImportFrom(self, node: ast.ImportFrom) -> "ast.stmt | list[ast.stmt]":
        """A late one: straight from the room."""
        made: list[ast.stmt] = []
        for one in node.names:
            source = self._modules.get(str(node.module))
            held = source and source.whose(one.name, self._modules)
            name = one.asname or one.name
            if not self._scopes:             # In a `try` of the module.
                bound = self._module.held[name]
                assert isinstance(bound, Held)
                name = bound.at_home()
            if "%s.%s" % (node.module, one.name) in self._modules or not isinstance(held, Held):
                made.append(ast.ImportFrom(node.module, [
                    ast.alias(one.name, None if name == one.name else name)], 0))
            elif held.constant is not None:
                made.append(ast.Assign([ast.Name(name, ast.Store())], held.constant))
            else:
                home = held.at_home()
                made.append(ast.ImportFrom(held.module.room, [
                    ast.alias(home, None if name == home else name)], 0))
        return [ast.copy_location(one, node) for one in made]

    def visit_AnnAssign(self, node: ast.AnnAssign) -> "ast.stmt | None":
        """Without its annotation, which no board looks at."""
        if node.value is None:
            return None
        made = ast.copy_location(ast.Assign([node.target], node.value), node)
        self.generic_visit(made)
        return made

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.stmt:
        """A function, in a scope of its own."""
        return self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.stmt:
        """The same."""
        return self._function(node)

    def _function(self, node: "ast.FunctionDef | ast.AsyncFunctionDef") -> ast.stmt:
        node.decorator_list = [self.visit(one) for one in node.decorator_list]
        node.args = self._arguments(node.args)
        node.returns = None
        if not self._scopes:
            held = self._module.held[node.name]
            assert isinstance(held, Held)
            node.name = held.at_home()
        given = {one.arg for one in walk(node.args) if isinstance(one, ast.arg)}
        self._scopes.append((False, given | bound_in(node.body)))
        node.body = self._block(node.body)
        self._scopes.pop()
        return node

    def visit_Lambda(self, node: ast.Lambda) -> ast.expr:
        """As a function."""
        node.args = self._arguments(node.args)
        self._scopes.append((False, {one.arg for one in walk(node.args)
                                     if isinstance(one, ast.arg)}))
        node.body = self.visit(node.body)
        self._scopes.pop()
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.stmt:
        """A class: its body sees its names, and what is in its functions does not. The two names
        that MicroPython puts there for CPython's sake go: they take 16 bytes of each class.
        """
        node.decorator_list = [self.visit(one) for one in node.decorator_list]
        node.bases = [self.visit(one) for one in node.bases]
        if not self._scopes:
            held = self._module.held[node.name]
            assert isinstance(held, Held)
            node.name = held.at_home()
        self._scopes.append((True, bound_in(node.body)))
        node.body = self._block(node.body)
        if not isinstance(node.body[0], ast.Pass):
            node.body.insert(0, ast.Delete([ast.Name(one, ast.Del()) for one in _ITS_OWN]))
        self._scopes.pop()
        return node

    def visit(self, node: ast.AST) -> Any:
        """By its kind."""
        if isinstance(node, COMPREHENSIONS):
            return self._comprehension(node)
        return super().visit(node)

    def _comprehension(self, node: ast.expr) -> ast.expr:
        names = {one.id for part in walk(node) if isinstance(part, ast.comprehension)
                 for one in walk(part.target) if isinstance(one, ast.Name)}
        self._scopes.append((False, names))
        self.generic_visit(node)
        self._scopes.pop()
        return node

    def _arguments(self, node: ast.arguments) -> ast.arguments:
        for one in walk(node):
            if isinstance(one, ast.arg):
                one.annotation = None
        node.defaults = [self.visit(one) for one in node.defaults]
        node.kw_defaults = [one and self.visit(one) for one in node.kw_defaults]
        return node

    def _block(self, body: "list[ast.stmt]") -> "list[ast.stmt]":
        found: list[ast.stmt] = []
        for node in body:
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
                continue
            made = self.visit(node)
            found += [] if made is None else made if isinstance(made, list) else [made]
        return found or [ast.Pass()]
