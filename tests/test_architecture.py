"""The house as it is built: who may import whom, what does no I/O, and how long a module gets."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

#: What each room may import of ours; a longer name allows that module and nothing beside it.
MAY_IMPORT = {
    "mock_calcom": {"mock_calcom", "calcontract.resources"},
    "reference_impl": {"reference_impl", "calcontract.resources"},
    "load": {"load", "mock_calcom", "calcontract.resources"},
    "calcontract": {"calcontract", "mock_calcom"},
    "bench": {"bench", "calcontract", "load.summary", "mock_calcom"},
    # Servers that the benchmark starts as processes of their own.
    "bench/peers": {"reference_impl"},
}

#: Everything that is ours; nobody but the tests imports the tests.
OURS = {*MAY_IMPORT, "tests", "features", "schemas"}

#: Modules of the mock at its edge: they open connections, look at clocks, or read arguments.
EDGES = {
    "__main__",
    "cli",
    "connections",
    "deadlines",
    "exchange",
    "interrupts",
    "sender",
    "server",
    "strangers",
    "terminal",
    "volley",
    "wire",
}

#: Modules that do input or output, or whose answers differ from call to call.
IMPURE = {
    "asyncio",
    "getpass",
    "http",
    "io",
    "logging",
    "os",
    "pathlib",
    "platform",
    "random",
    "requests",
    "secrets",
    "shutil",
    "socket",
    "ssl",
    "subprocess",
    "tempfile",
    "threading",
    "time",
    "urllib.request",
}

#: Calls that read the clock or throw dice although their module is harmless.
UNREPEATABLE = re.compile(
    r"(^|\.)(now|utcnow|today|uuid1|uuid4|Random|SystemRandom|open|print|input|getenv)$"
)


def modules(room):
    found = (ROOT / room).rglob("*.py")
    return sorted(path for path in found if not {"__pycache__", "node_modules"} & {*path.parts})


PRODUCT = [path for room in MAY_IMPORT if "/" not in room for path in modules(room)]
CORE = [
    *(path for path in modules("mock_calcom") if path.stem not in EDGES),
    ROOT / "calcontract" / "verdicts.py",
]


def name_of(path):
    return path.relative_to(ROOT).as_posix()


def room_of(path):
    """The innermost room that *path* stands in."""
    return max((room for room in MAY_IMPORT if name_of(path).startswith(f"{room}/")), key=len)


every_module = pytest.mark.parametrize("path", PRODUCT, ids=name_of)
every_core_module = pytest.mark.parametrize("path", CORE, ids=name_of)


def imported(tree):
    """Every module that *tree* imports, wherever it does so, with the names taken from it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "relative imports hide which room is meant"
            yield from ((node.module, alias.name) for alias in node.names)


def full_names(tree):
    """The same as dotted names: `from a import b` may mean the module a.b or a name in a."""
    for module, name in imported(tree):
        yield f"{module}.{name}" if name else module


def within(name, allowed):
    return any(name == prefix or name.startswith(f"{prefix}.") for prefix in allowed)


def typing_only(tree):
    """*tree* without what stands under `if TYPE_CHECKING:`, which does not exist when it runs."""

    class Strip(ast.NodeTransformer):
        def visit_If(self, node):
            self.generic_visit(node)
            return node.orelse if ast.unparse(node.test).endswith("TYPE_CHECKING") else node

    return Strip().visit(tree)


def parsed(path):
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


@every_module
def test_a_room_imports_only_the_rooms_below_it(path):
    room = room_of(path)
    ours = [name for name in full_names(parsed(path)) if name.partition(".")[0] in OURS]
    assert [name for name in ours if not within(name, MAY_IMPORT[room])] == []


def test_the_rooms_that_are_judged_here_are_all_there_are():
    folders = {path.parent.name for path in ROOT.glob("*/*.py")} - {"tests", "docs"}
    assert folders <= set(MAY_IMPORT)


def test_the_rule_about_imports_sees_one_that_breaks_it():
    tree = ast.parse("def f():\n    from reference_impl import app\n    import calcontract.story")
    found = {name for name in full_names(tree) if not within(name, MAY_IMPORT["mock_calcom"])}
    assert found == {"reference_impl.app", "calcontract.story"}
    assert within("calcontract.resources.room", MAY_IMPORT["reference_impl"])
    assert not within("calcontract.resources_of_mine", MAY_IMPORT["reference_impl"])


@every_core_module
def test_the_core_does_no_input_and_no_output(path):
    tree = typing_only(parsed(path))
    assert [name for name in full_names(tree) if within(name, IMPURE)] == []


@every_core_module
def test_the_core_reads_no_clock_and_throws_no_dice(path):
    calls = {
        ast.unparse(node.func) for node in ast.walk(parsed(path)) if isinstance(node, ast.Call)
    }
    assert {call for call in calls if UNREPEATABLE.search(call)} == set()


def test_the_rule_about_the_core_sees_what_breaks_it():
    tree = typing_only(
        ast.parse(
            "from typing import TYPE_CHECKING\n"
            "if TYPE_CHECKING:\n    import random\n"
            "from urllib import request, parse\nimport os.path"
        )
    )
    assert {name for name in full_names(tree) if within(name, IMPURE)} == {
        "urllib.request",
        "os.path",
    }
    assert UNREPEATABLE.search("dt.datetime.now")
    assert not UNREPEATABLE.search("known")


def test_the_core_is_most_of_the_mock():
    assert {path.stem for path in CORE} >= {
        *("triggers", "people", "bookings", "life", "occurrences", "envelope", "javascript"),
        *("signature", "delivery", "profiles", "faults", "ids", "attempts", "headers", "times"),
        "verdicts",
    }


@every_module
def test_locust_is_imported_in_its_own_room_alone(path):
    # Importing locust patches the standard library of the whole process.
    if path.relative_to(ROOT).parts[0] != "load":
        assert "locust" not in {name.partition(".")[0] for name in full_names(parsed(path))}


@pytest.mark.parametrize("name", ["plugin", "resources"])
def test_what_every_pytest_run_imports_is_light(name):
    tree = parsed(ROOT / "calcontract" / f"{name}.py")
    top = {
        module.partition(".")[0]
        for node in tree.body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for module, _ in imported(ast.Module([node], []))
    }
    assert top <= {*sys.stdlib_module_names, "pytest"}


@every_module
def test_a_module_stays_short(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) < 400


@every_module
def test_a_module_says_its_one_reason(path):
    assert len(ast.get_docstring(parsed(path)) or "") > 20


#: What would tie the product to one machine, or to a place where packages come from.
FOREIGN = re.compile(
    r"(?<![\w.:/])/(?:home|root|work|Users|tmp|opt|mnt)/\w"
    # Any index by the words that indexes have in their addresses, none by its name.
    r"|https?://[\w.-]*(?:pypi|npm|crates|gems|registry|packages?|proxy)[\w-]*\.\w"
)

TEXTS = sorted(
    path
    for pattern in (
        *("*.toml", "*.md", "Makefile", "conftest.py"),
        *("docs/**/*.md", "features/*", "schemas/**/*.json", "calcontract/suite/*.ini"),
    )
    for path in ROOT.glob(pattern)
    if path.is_file()
)


@pytest.mark.parametrize("path", [*PRODUCT, *TEXTS], ids=name_of)
def test_no_file_knows_a_machine_or_a_package_index(path):
    assert FOREIGN.search(path.read_text(encoding="utf-8")) is None


@pytest.mark.parametrize(
    "text", ["see /home/anna/x", '"/work/x"', "https://registry.example.net/x", "(/tmp/report)"]
)
def test_the_rule_about_foreign_places_sees_one(text):
    assert FOREIGN.search(text)


@pytest.mark.parametrize(
    "text", ["https://cal.example/home/anna", "POST /api/webhooks/calcom", "../work/x"]
)
def test_the_rule_about_foreign_places_leaves_addresses_alone(text):
    assert not FOREIGN.search(text)
