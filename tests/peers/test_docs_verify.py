"""The commands of docs/verify.md that judge other libraries."""

import pages
import pytest

PAGE = "verify.md"


@pytest.mark.parametrize("command", [c for c in pages.commands(PAGE) if c.peers], ids=lambda c: c.line)
def test_commands_print_what_stands_there(command, tmp_path, monkeypatch, capsys):
    for peer in command.peers:
        pytest.importorskip(peer)
    pages.write_files(PAGE, tmp_path)
    monkeypatch.chdir(tmp_path)
    pages.carry_out(command, capsys)
