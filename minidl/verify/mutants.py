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

from minidl.laws.core import namespace

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

    functions: top-level functions to mutate, by default all, private ones too. All functions of a mutant call each
    other, so a helper's mutation reaches whoever calls it. What raises on bad input is left alone. The name says the
    function, line and change. Raises ValueError on an unknown function.
    """
    tree = ast.parse(inspect.getsource(module))
    bodies = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    names = [node.name for node in bodies]
    for name in functions if functions is not None else ():
        if name not in names:
            raise ValueError(f"{module.__name__} has no function {name!r}; it has {', '.join(names)}")
    for position, node in enumerate(bodies):
        if functions is not None and node.name not in functions:
            continue
        seen = {ast.unparse(node)}
        for place, change, build in _sites(node):
            mutant = copy.deepcopy(node)
            target = _at(mutant, place)
            _put(mutant, place, ast.copy_location(build(target), target))
            if (program := ast.unparse(mutant)) in seen:
                continue
            seen.add(program)
            label = f"{node.name}:{target.lineno}:{target.col_offset} {change}"
            yield label, _assemble(module, [*bodies[:position], mutant, *bodies[position + 1 :]], label)


def _assemble(module: ModuleType, bodies: Sequence[ast.FunctionDef], label: str) -> SimpleNamespace:
    program = ast.fix_missing_locations(ast.Module(body=copy.deepcopy(list(bodies)), type_ignores=[]))
    scope = dict(vars(module)) | {_FLOAT32: _float32}
    exec(compile(program, f"<mutant {label}>", "exec"), scope)
    return namespace(module, **{node.name: scope[node.name] for node in bodies if not node.name.startswith("_")})


def _float32(value: Any) -> Any:
    """The result in single precision, through tuples (kept as they are otherwise)."""
    if isinstance(value, tuple):
        parts = [_float32(part) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    if isinstance(value, float) or (isinstance(value, np.ndarray | np.generic) and value.dtype == np.float64):
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
