"""Generated mutants of a reference: one small wrong thing each, to see whether its contracts notice.

A survivor is either an equivalent program or a missing law.
"""

from __future__ import annotations

import ast
import builtins
import copy
import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterator, Sequence
from types import CodeType, ModuleType, SimpleNamespace
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


def mutate(
    module: ModuleType, functions: Sequence[str] | None = None, sources: Sequence[ModuleType] = ()
) -> Iterator[tuple[str, SimpleNamespace]]:
    """Every mutant as (name, namespace): the module with one thing in one function wrong.

    sources: modules beneath the module, which hold its formulas; their functions are mutated too, and what is wrong there
        reaches whatever of these modules imports it. In names they stand with their module: "adam.step".
    functions: functions to mutate, by those names; by default all at the top level of a module, private ones too.
    The whole module is built anew around the wrong function, so its mutation reaches whoever calls it or keeps it in a
    table, within these modules. What raises on bad input is left alone, and so are classes. The name says function, change,
    and what became what. A mutant has `_touched`, a list that fills when a result becomes float32: one that stays empty
    was no mutation at all.
    Raises ValueError on an unknown function, and on a source that the module does not import, directly or through others.
    """
    family = _Family(module, sources)
    names = [name for name, *_ in family.functions()]
    for name in functions if functions is not None else ():
        if name not in names:
            raise ValueError(f"{module.__name__} has no function {name!r}; it has {', '.join(names)}")
    for name, home, position, node in family.functions():
        if functions is not None and name not in functions:
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
            label = f"{name}: {change}: {was} -> {becomes}".replace("\n", " ")
            body = family.trees[home].body
            yield label, family.build(home, [*body[:position], mutant, *body[position + 1 :]])


def assemble(module: ModuleType, body: Sequence[ast.stmt], sources: Sequence[ModuleType] = ()) -> SimpleNamespace:
    """The module with another body, in a namespace of its own."""
    return _Family(module, sources).build(module.__name__, body)


def reached(module: ModuleType, sources: Sequence[ModuleType], run: Callable[[], Any]) -> set[str]:
    """The functions of these modules that `run()` enters, by the names that mutants have."""
    entered = set()

    def note(frame: Any, event: str, _: Any) -> None:
        if event == "call":
            entered.add(frame.f_code)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        run()
    finally:
        sys.setprofile(before)
    family = _Family(module, sources)
    found = {}
    for name, home, _, node in family.functions():
        function = inspect.unwrap(vars(family.modules[home]).get(node.name))
        found[name] = getattr(function, "__code__", None)
    return {name for name, code in found.items() if code in entered}


class _Family:
    """A module and the modules beneath it, which can be built anew with one of them changed.

    Only what depends on the changed one is built again; everything else is shared with the running program. An import
    within the family, at the top of a file or inside a function, gives the new module wherever there is one.
    """

    def __init__(self, module: ModuleType, sources: Sequence[ModuleType]) -> None:
        self.root = module.__name__
        self.modules = {one.__name__: one for one in (module, *sources)}
        self.trees = {name: ast.parse(inspect.getsource(one)) for name, one in self.modules.items()}
        self._codes = {name: _compiled(name, tree) for name, tree in self.trees.items()}
        imports = {name: self._imports(name) for name in self.modules}
        self._needs = {name: _closure(name, imports) for name in self.modules}
        if idle := self.modules.keys() - self._needs[self.root]:
            raise ValueError(f"{self.root} does not import {', '.join(sorted(idle))}, which cannot be its source")

    def functions(self) -> Iterator[tuple[str, str, int, ast.FunctionDef]]:
        """The functions at the top level of the modules: name in the family, module, position in it, and tree."""
        shorts = [name.rpartition(".")[2] for name in self.modules]
        for home, tree in self.trees.items():
            short = home.rpartition(".")[2]
            prefix = "" if home == self.root else f"{short if shorts.count(short) == 1 else home}."
            for position, node in enumerate(tree.body):
                if isinstance(node, ast.FunctionDef):
                    yield prefix + node.name, home, position, node

    def build(self, changed: str, body: Sequence[ast.stmt]) -> SimpleNamespace:
        """The root module's public names, with another body in one of the modules."""
        touched: list[str] = []
        built: dict[str, ModuleType] = {}
        code = _compiled(changed, ast.Module(body=list(body), type_ignores=[]))

        def module(name: str) -> ModuleType:
            if changed not in self._needs[name]:
                return self.modules[name]
            if name not in built:
                new = built[name] = ModuleType(name)
                kept = ("__package__", "__file__", "__spec__", "__path__")
                vars(new).update({key: value for key, value in vars(self.modules[name]).items() if key in kept})
                vars(new)["__builtins__"] = vars(builtins) | {"__import__": load}
                vars(new)[_FLOAT32] = lambda value: _float32(value, touched)
                exec(code if name == changed else self._codes[name], vars(new))
            return built[name]

        def load(name: str, scope: Any = None, local: Any = None, items: Any = (), level: int = 0) -> Any:
            found = __import__(name, scope, local, items or (), level)
            if not items:  # `import a.b.c`: the name a is bound, and what is in the family lies somewhere below it
                below = {path for path in self.modules if path.startswith(f"{found.__name__}.")}
                return _View(found, found.__name__, {path: module(path) for path in below}) if below else found
            home = found.__name__ in self.modules
            below = {item: _module_name(found, item) for item in items}  # of the items that are modules
            if not home and self.modules.keys().isdisjoint(below.values()):
                return found
            found = module(found.__name__) if home else found
            inside = {item: module(path) for item, path in below.items() if path in self.modules}
            replaced = {f"{found.__name__}.{item}": new for item, new in inside.items()}
            return _View(found, found.__name__, replaced) if inside else found

        scope = vars(module(self.root))
        return SimpleNamespace(
            **{name: value for name, value in scope.items() if not name.startswith("_")}, _touched=touched
        )

    def _imports(self, name: str) -> set[str]:
        """The modules of the family that a module names in its imports."""
        package, found = vars(self.modules[name]).get("__package__") or "", set()
        for node in ast.walk(self.trees[name]):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                base = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
                found |= {_module_name(sys.modules.get(base), alias.name) or base for alias in node.names}
        return (found & self.modules.keys()) - {name}


class _View:
    """A module as an import binds it, with some of the modules below it replaced."""

    def __init__(self, module: ModuleType, name: str, replaced: dict[str, ModuleType]) -> None:
        self._module, self._name, self._replaced = module, name, replaced

    def __getattr__(self, attribute: str) -> Any:
        path = f"{self._name}.{attribute}"
        if any(name.startswith(f"{path}.") for name in self._replaced):
            return _View(self._replaced.get(path) or getattr(self._module, attribute), path, self._replaced)
        return self._replaced[path] if path in self._replaced else getattr(self._module, attribute)


def _module_name(package: ModuleType | None, item: str) -> str | None:
    """The name of the module that `from package import item` gives; None where it gives anything else."""
    value = getattr(package, item, None)
    return value.__name__ if isinstance(value, ModuleType) else None


def _closure(name: str, imports: dict[str, set[str]]) -> set[str]:
    """The module and all that it imports, directly or not."""
    found, left = set(), [name]
    while left:
        if (one := left.pop()) not in found:
            found.add(one)
            left += imports[one]
    return found


def _compiled(name: str, tree: ast.Module) -> CodeType:
    return compile(ast.fix_missing_locations(tree), f"<mutant of {name}>", "exec")


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
        return isinstance(node.body[-1], ast.Raise) and not node.orelse  # what comes before it finds words
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
