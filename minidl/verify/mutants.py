"""Generated mutants of a reference: one small wrong thing each, to see whether its contracts notice.

A survivor is either an equivalent program or a missing law.
"""

from __future__ import annotations

import ast
import copy
import inspect
from collections.abc import Callable, Iterator, Sequence
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

_COMPARISONS = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
}
_REVERSED = {ast.Lt: ast.Gt, ast.LtE: ast.GtE, ast.Gt: ast.Lt, ast.GtE: ast.LtE}
_ORDERED = (ast.Sub, ast.Div, ast.MatMult, ast.Pow)
_FLOAT32 = "_minidl_float32"
Change = tuple[str, Callable[[ast.AST], ast.AST]]


def mutate(module: ModuleType, functions: Sequence[str] | None = None) -> Iterator[tuple[str, SimpleNamespace]]:
    """Every mutant as (name, namespace): the module with one thing in one function wrong.

    functions: top-level functions to mutate, by default all, private ones too. The whole module is built anew around the
    wrong function, so its mutation reaches whoever calls it or keeps it in a table. What raises on bad input is left
    alone. The name says function, change, and what became what. A mutant has `_touched`, a list that fills when a
    result becomes float32: one that stays empty was no mutation at all.
    Raises ValueError on an unknown function.
    """
    tree = ast.parse(inspect.getsource(module))
    names = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    for name in functions if functions is not None else ():
        if name not in names:
            raise ValueError(f"{module.__name__} has no function {name!r}; it has {', '.join(names)}")
    for position, node in enumerate(tree.body):
        if not isinstance(node, ast.FunctionDef) or (functions is not None and node.name not in functions):
            continue
        seen = {ast.unparse(node)}
        for place, change, build in _sites(node):
            mutant = copy.deepcopy(node)
            target = _at(mutant, place)
            wrong = ast.copy_location(build(copy.deepcopy(target)), target)
            shown = place[:-1] if isinstance(target, ast.Constant) and len(place) > 1 else place
            was = ast.unparse(_at(node, shown))  # a constant alone would not say which
            _put(mutant, place, wrong)
            becomes = ast.unparse(_at(mutant, shown))
            if (program := ast.unparse(mutant)) in seen:
                continue
            seen.add(program)
            label = f"{node.name}: {change}: {was} -> {becomes}".replace("\n", " ")
            yield label, assemble(module, [*tree.body[:position], mutant, *tree.body[position + 1 :]])


def assemble(module: ModuleType, body: Sequence[ast.stmt]) -> SimpleNamespace:
    """The module with another body, in a namespace of its own."""
    touched: list[str] = []
    program = ast.fix_missing_locations(ast.Module(body=list(body), type_ignores=[]))
    kept = ("__name__", "__package__", "__file__", "__spec__")
    scope = {name: vars(module)[name] for name in kept} | {_FLOAT32: lambda value: _float32(value, touched)}
    exec(compile(program, f"<mutant of {module.__name__}>", "exec"), scope)
    return SimpleNamespace(
        **{name: value for name, value in scope.items() if not name.startswith("_")}, _touched=touched
    )


def _float32(value: Any, touched: list[str]) -> Any:
    """The result in single precision, through tuples, lists and dicts."""
    if isinstance(value, dict):
        return {name: _float32(part, touched) for name, part in value.items()}
    if isinstance(value, tuple | list):
        parts = [_float32(part, touched) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    if isinstance(value, float) or (isinstance(value, np.ndarray | np.generic) and value.dtype == np.float64):
        touched.append(type(value).__name__)
        return np.float32(value)
    return value


Path = tuple[tuple[str, int | None], ...]


def _walk(node: ast.AST, path: Path = ()) -> Iterator[tuple[Path, ast.AST]]:
    yield path, node
    for step, child in _children(node):
        if not _guards(child):
            yield from _walk(child, (*path, *step))


def _children(node: ast.AST) -> Iterator[tuple[Path, ast.AST]]:
    """The parts that compute something: defaults and bodies, not annotations and decorators."""
    if isinstance(node, ast.FunctionDef):
        for field in ("defaults", "kw_defaults"):
            for i, default in enumerate(getattr(node.args, field)):
                if default is not None:
                    yield (("args", None), (field, i)), default
        for i, statement in enumerate(node.body):
            yield (("body", i),), statement
        return
    for field, value in ast.iter_fields(node):
        for i, part in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if isinstance(part, ast.AST) and field != "annotation":
                yield ((field, i),), part


def _guards(node: ast.AST) -> bool:
    """Docstrings, and checks of bad input with their messages."""
    if isinstance(node, ast.Raise | ast.JoinedStr | ast.Assert | ast.Import | ast.ImportFrom):
        return True
    if isinstance(node, ast.If):
        return all(isinstance(step, ast.Raise) for step in node.body) and not node.orelse
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _at(node: ast.AST, path: Path) -> ast.AST:
    for field, i in path:
        node = getattr(node, field) if i is None else getattr(node, field)[i]
    return node


def _put(root: ast.AST, path: Path, new: ast.AST) -> None:
    holder, (field, i) = _at(root, path[:-1]), path[-1]
    if i is None:
        setattr(holder, field, new)
    else:
        getattr(holder, field)[i] = new


def _sites(function: ast.FunctionDef) -> Iterator[tuple[Path, str, Callable[[ast.AST], ast.AST]]]:
    for path, node in _walk(function):
        if path:
            for change, build in _changes(node):
                yield path, change, build


def _changes(node: ast.AST) -> Iterator[Change]:
    if isinstance(node, ast.BinOp):
        flipped = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult}.get(type(node.op))
        if flipped is not None:
            what = "sign flipped" if flipped in (ast.Add, ast.Sub) else "product and quotient exchanged"
            yield what, lambda n: ast.BinOp(n.left, flipped(), n.right)
        if isinstance(node.op, ast.Add | ast.Sub | ast.Mult | ast.Div):
            yield "right term dropped", lambda n: n.left
        if isinstance(node.op, ast.Add | ast.Mult):
            yield "left term dropped", lambda n: n.right
        if isinstance(node.op, _ORDERED):
            yield "operands swapped", lambda n: ast.BinOp(n.right, n.op, n.left)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield "minus dropped", lambda n: n.operand
    elif isinstance(node, ast.Compare) and len(node.ops) == 1:
        kind = type(node.ops[0])
        if kind in _COMPARISONS:
            yield "border moved", lambda n: ast.Compare(n.left, [_COMPARISONS[kind]()], n.comparators)
        if kind in _REVERSED:
            yield "comparison reversed", lambda n: ast.Compare(n.left, [_REVERSED[kind]()], n.comparators)
    elif isinstance(node, ast.keyword) and node.arg == "axis" and isinstance(node.value, ast.Constant):
        if isinstance(node.value.value, int):
            yield "axis swapped", lambda n: ast.keyword("axis", ast.Constant(1 if n.value.value == 0 else 0))
    elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
        yield "constant off by one", lambda n: ast.Constant(n.value + 1)
    elif isinstance(node, ast.Return) and node.value is not None:
        wrapped = ast.Name(_FLOAT32, ast.Load())
        yield "float32 result", lambda n: ast.Return(ast.Call(wrapped, [n.value], []))
