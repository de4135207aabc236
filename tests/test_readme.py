"""What README says: its Python examples run and print what stands beside them, its example of a wrong gate is named."""

import contextlib
import io
import re
from pathlib import Path

from minidl.verify import run

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.S)


def promised(code: str) -> list[str]:
    """The comments after a print, and the comment lines that follow it."""
    lines, after_print = [], False
    for line in code.splitlines():
        called, _, comment = line.partition("#")
        if "print(" in called or (after_print and not called.strip() and comment):
            after_print = True
            if comment:
                lines.append(comment[1:].rstrip())
        else:
            after_print = False
    return lines


def test_the_example_prints_what_stands_beside_it():
    code, said = BLOCKS[0], io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(compile(code, "README.md", "exec"), {})
    assert len(promised(code)) >= 4
    assert said.getvalue().splitlines() == promised(code)


def test_the_wrong_gate_is_reported_as_the_mistake_that_it_is(tmp_path):
    file = tmp_path / "my_code.py"
    file.write_text(BLOCKS[1], encoding="utf-8")
    report = run("gated_residual", str(file), examples=10)
    assert report.exit_code == 1
    assert "scaled_shortcut" in report.text()
