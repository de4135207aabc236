"""What the tests of docs/conformance share: a page's script as a module, and what holds of every subject on a page."""

import importlib.util
import re
import sys
from collections import Counter
from pathlib import Path

from minidl.verify.runner import Bench
from minidl.verify.targets import opened
from minidl.verify.tolerance import quiet

FOLDER = Path(__file__).parents[1] / "docs" / "conformance"


class Page:
    """A page and the script that writes it."""

    def __init__(self, name):
        self.script = FOLDER / f"{name}.py"
        self.text = self.script.with_suffix(".md").read_text(encoding="utf-8")
        spec = importlib.util.spec_from_file_location(f"conformance_{name}", self.script)
        self.module = importlib.util.module_from_spec(spec)
        sys.path.insert(0, str(FOLDER))  # where a script finds its neighbours
        try:
            spec.loader.exec_module(self.module)
            self.common = importlib.import_module("common")
        finally:
            sys.path.remove(str(FOLDER))

    def statuses(self, subject):
        """Every row of a subject with its status; the first case that breaks one is enough."""
        settings = {"functions": subject.functions, "examples": self.common.EXAMPLES, "seed": self.common.SEED}
        bench = Bench.of(subject.judged, reference=subject.reference, **settings)
        with opened(subject.implementation, bench.contracts, bench.reference) as implementation, quiet():
            rows = [bench.judge(item, implementation, shrink=False, timed=False) for item in bench.all_items()]
        return {row.item.id: row.status for row in rows}

    def breaks_what_it_says(self, subject):
        found = self.statuses(subject)
        assert {row for row, status in found.items() if status == "broken"} == set(subject.known)
        for function in subject.functions:
            count = Counter(status for row, status in found.items() if row.startswith(f"{function}/"))
            assert count["holds"] > 0
            line = f"| {subject.title} | `{function}` | {count.total()} | {count['holds']} | {count['broken'] or '-'} |"
            assert line in self.text, f"{line} is not in the page: write it anew"

    def tells_reasons_cases_and_conclusions(self, subject):
        (section,) = re.findall(rf"^## {re.escape(subject.title)}\n(.*?)(?=^## |\Z)", self.text, re.M | re.S)
        assert subject.conclusion in section
        assert section.count("The smallest case, of ") == len(subject.breaks)
        for reason, rows in subject.breaks.items():
            assert f"**Breaks: {reason}.**" in section
            for row in rows:
                assert row.partition("/")[2] in section

    def names_what_was_installed(self):
        for told in self.common.versions(self.module.SUBJECTS):
            assert told in self.text, f"{told} is another one now: write the page anew"
