"""The house's rules, checked by reading the sources: who imports whom, and a few habits.

ARCHITECTURE.md says why. Nothing of ours is imported here, and nothing is run.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from configparser import ConfigParser
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MEMBERS = {
    "wum_shared": "shared",
    "wum_edge": "edge",
    "wum_cloud": "cloud",
    "wum_simulator": "simulator",
    "wum_firmware": "firmware-tools",
}
MAY_IMPORT = {
    "wum_shared": set(),
    "wum_edge": {"wum_shared"},
    "wum_cloud": {"wum_shared"},
    "wum_simulator": {"wum_shared", "wum_edge"},
    "wum_firmware": {"wum_shared"},
    "demo": set(),
}
CORE_IMPORTS = {"struct", "collections", "binascii", "hashlib", "wum_shared", "wum_edge"}
# Rooms of the cloud that every other may read; those between them are the head-end's ground.
CLOUD_GROUND = {"settings", "database", "arrays", "broker", "queue", "migrations", "registry",
                "readings", "reasons", "audit", "figures", "supervised", "logs"}
# Import every room; no room imports them.
CLOUD_DOORS = {"web", "__main__", "expected", "doctor", "joins"}
FILE_LINES_MAX, FUNCTION_LINES_MAX = 400, 70
VAGUE = {"utils", "util", "common", "helpers", "helper", "manager", "service", "base", "misc"}
# Built from pieces, so that this file does not name what it forbids.
REGISTRY_HOSTS = ["pyp" + "i.org", "python" + "hosted", "npm" + "js.", "deb.deb" + "ian"]
MACHINE_PATHS = re.compile(r"(?<![\w./-])/(?:root|work|home/\w+)/[\w.]")
SQL = re.compile(r"^\s*(select\s.+\sfrom|insert\s+into|update\s+\w+\s+set|delete\s+from)\s", re.I)
SOURCE_FOLDERS = (*MEMBERS.values(), "demo", "benchmarks", "tests")


@cache
def tracked() -> tuple[Path, ...]:
    """Every file that is committed or about to be."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout.decode()
    paths = (ROOT / name for name in listed.split("\0") if name)
    return tuple(path for path in paths if path.is_file() and not path.is_symlink())


def python_files(folder: str) -> list[Path]:
    return [p for p in tracked() if p.suffix == ".py" and p.is_relative_to(ROOT / folder)]


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Line and dotted name of everything a file imports, inside functions too."""
    unseen = _only_for_type_checkers(path)
    for node in ast.walk(tree(path)):
        if node in unseen:
            continue
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: wanted an absolute import"
            yield node.lineno, f"{node.module}"
            for alias in node.names:
                yield node.lineno, f"{node.module}.{alias.name}"


def _only_for_type_checkers(path: Path) -> set[ast.AST]:
    """What stands under `if TYPE_CHECKING:`; it is never run."""
    return {
        below
        for node in ast.walk(tree(path))
        if isinstance(node, ast.If)
        and isinstance(node.test, ast.Name)
        and node.test.id == "TYPE_CHECKING"
        for statement in node.body
        for below in ast.walk(statement)
    }


def place(path: Path, line: int) -> str:
    shown = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path.name
    return f"{shown}:{line}"


def package_of(path: Path, member: str) -> tuple[str, ...]:
    """The parts of a file below its package: edge/wum_edge/meters/turn.py -> meters, turn."""
    return path.relative_to(ROOT / MEMBERS[member] / member).with_suffix("").parts


def strangers(files: list[Path], allowed: set[str]) -> list[str]:
    """Imports of our packages that are not allowed."""
    found = []
    for path in files:
        for line, name in imports(path):
            top = name.split(".")[0]
            if top in {*MEMBERS, "demo", "tests"} and top not in allowed:
                found.append(f"{place(path, line)} imports {name}")
    return found


@pytest.mark.parametrize("member", MEMBERS)
def test_a_distribution_imports_only_those_it_may(member):
    files = python_files(f"{MEMBERS[member]}/{member}")
    assert files, f"{member} has no files"
    assert strangers(files, {member} | MAY_IMPORT[member]) == []


def test_the_demo_starts_command_lines_and_imports_no_room():
    assert python_files("demo")
    assert strangers(python_files("demo"), {"demo"}) == []


def test_a_forbidden_import_is_seen_inside_a_function_too(tmp_path):
    wrong = tmp_path / "wrong.py"
    wrong.write_text("import os\n\ndef f():\n    from wum_cloud.web import app\n")
    assert strangers([wrong], {"wum_edge"}) == [
        "wrong.py:4 imports wum_cloud.web",
        "wrong.py:4 imports wum_cloud.web.app",
    ]
    assert strangers([wrong], {"wum_cloud"}) == []


def core_files() -> list[Path]:
    edge = ROOT / "edge" / "wum_edge"
    portable = [p for p in python_files("edge/wum_edge") if not p.is_relative_to(edge / "ports")]
    return [*python_files("shared/wum_shared"), *portable]


def test_the_portable_core_imports_only_what_micropython_has():
    foreign = [
        f"{place(path, line)} imports {name}"
        for path in core_files()
        for line, name in imports(path)
        if name.split(".")[0] not in CORE_IMPORTS
    ]
    assert foreign == []


def test_no_room_of_the_gateway_imports_a_port_or_the_agent():
    wrong = []
    for path in core_files():
        if not path.is_relative_to(ROOT / "edge"):
            continue
        for line, name in imports(path):
            to_port = name.startswith("wum_edge.ports")
            to_agent = name.startswith("wum_edge.agent") and path.name != "agent.py"
            if to_port or to_agent:
                wrong.append(f"{place(path, line)} imports {name}")
    assert wrong == []


def test_talking_to_meters_knows_neither_archive_nor_uplink():
    wrong = [
        f"{place(path, line)} imports {name}"
        for path in python_files("edge/wum_edge/meters")
        for line, name in imports(path)
        if name.startswith(("wum_edge.archive", "wum_edge.uplink"))
    ]
    assert wrong == []


def test_rooms_of_the_head_end_meet_in_the_database_and_never_import_the_web():
    wrong = []
    for path in python_files("cloud/wum_cloud"):
        room = package_of(path, "wum_cloud")[0]
        if room in CLOUD_DOORS:
            continue
        for line, name in imports(path):
            parts = name.split(".")
            if parts[0] != "wum_cloud" or len(parts) < 2:
                continue
            if parts[1] != room and parts[1] not in CLOUD_GROUND:
                wrong.append(f"{place(path, line)} imports {name}")
    assert wrong == []


@pytest.mark.parametrize(
    ("library", "member", "allowed"),
    [
        ("fastapi", "wum_cloud", r"^web/"),
        ("starlette", "wum_cloud", r"^web/"),
        ("uvicorn", "wum_cloud", r"^web/"),
        ("paho", "wum_cloud", r"(^|/)broker\.py$"),
        ("paho", "wum_edge", r"^ports/.*broker\.py$"),
        ("serial", "wum_edge", r"^ports/"),
        ("psycopg", "wum_cloud", r"^(?!web/)"),
        ("prometheus_client", "wum_cloud", r"^(figures|health/fleet|web/metrics)"),
    ],
)
def test_a_library_stays_in_its_room(library, member, allowed):
    wrong = []
    for path in python_files(f"{MEMBERS[member]}/{member}"):
        inside = "/".join(path.relative_to(ROOT / MEMBERS[member] / member).parts)
        if not re.search(allowed, inside):
            uses = [line for line, name in imports(path) if name.split(".")[0] == library]
            wrong += [f"{place(path, line)} imports {library}" for line in uses]
    assert wrong == []


def test_sql_lives_in_stores_and_migrations_only():
    wrong = []
    for folder in ("cloud/wum_cloud", "demo"):
        for path in python_files(folder):
            if path.name == "store.py" or "migrations" in path.parts:
                continue
            for node in ast.walk(tree(path)):
                text = node.value if isinstance(node, ast.Constant) else None
                if isinstance(text, str) and SQL.match(text):
                    wrong.append(place(path, node.lineno))
    assert wrong == []


def test_only_world_py_knows_time_and_chance_in_the_town():
    wrong = []
    for path in python_files("simulator/wum_simulator"):
        if path.name == "world.py":
            continue
        for line, name in imports(path):
            if name.split(".")[0] in ("random", "secrets", "time", "datetime"):
                wrong.append(f"{place(path, line)} imports {name}")
    assert wrong == []


def sources() -> list[Path]:
    return [path for folder in SOURCE_FOLDERS for path in python_files(folder)]


def test_files_and_functions_stay_short():
    long = []
    for path in sources():
        lines = path.read_text(encoding="utf-8").count("\n")
        if lines > FILE_LINES_MAX:
            long.append(f"{path.relative_to(ROOT)}: {lines} lines")
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or 0) - node.lineno + 1
                if length > FUNCTION_LINES_MAX:
                    long.append(f"{place(path, node.lineno)} {node.name}: {length} lines")
    assert long == []


def test_every_file_says_first_what_it_holds():
    silent = [
        str(path.relative_to(ROOT))
        for path in sources()
        if not ast.get_docstring(tree(path)) and tree(path).body
    ]
    assert silent == []


def test_no_file_has_a_name_that_says_nothing():
    vague = [
        str(p.relative_to(ROOT)) for p in sources() if p.stem in VAGUE or p.parent.name in VAGUE
    ]
    assert vague == []


def test_no_error_is_swallowed_in_silence():
    swallowed = []
    for path in sources():
        text = path.read_text(encoding="utf-8").splitlines()
        for node in ast.walk(tree(path)):
            if not isinstance(node, ast.ExceptHandler) or len(node.body) != 1:
                continue
            if isinstance(node.body[0], ast.Pass):
                lines = text[node.lineno - 1 : node.body[0].lineno]
                if not any("#" in line for line in lines):
                    swallowed.append(place(path, node.lineno))
    assert swallowed == []


def texts() -> Iterator[tuple[Path, int, str]]:
    for path in tracked():
        if path.suffix in (".png", ".woff2", ".cose", ".cbor", ".parquet", ".mo", ".ico", ".gz"):
            continue
        for number, line in enumerate(path.read_text("utf-8", "replace").splitlines(), 1):
            yield path, number, line


def test_nothing_names_a_package_registry():
    named = [
        place(path, number)
        for path, number, line in texts()
        if any(host in line for host in REGISTRY_HOSTS)
    ]
    assert named == []


def test_nothing_names_a_folder_of_one_machine():
    named = [place(path, number) for path, number, line in texts() if MACHINE_PATHS.search(line)]
    assert named == []


def test_locks_carry_hashes_and_no_addresses():
    lock = (ROOT / "requirements.lock").read_text()
    assert lock.count("==") > 50
    assert lock.count("--hash=sha256:") >= lock.count("==")
    assert "://" not in lock
    for path in tracked():
        if path.name == "package-lock.json":
            assert '"resolved"' not in path.read_text(), path.relative_to(ROOT)


def test_nothing_is_committed_that_is_fetched_or_made():
    made = ("node_modules", "vendor", "__pycache__", ".venv", ".tox", ".demo", "dist")
    wrong = [str(p.relative_to(ROOT)) for p in tracked()
             if set(made) & set(p.parts) or p.name == "uv.lock"]
    assert wrong == []


def test_the_python_that_reads_this_is_one_we_support():
    assert sys.version_info >= (3, 11)


def test_every_link_between_documents_leads_somewhere():
    lost = []
    for path in tracked():
        if path.suffix != ".md":
            continue
        for target in re.findall(r"\]\(([^)#\s]+)", path.read_text(encoding="utf-8")):
            if "://" not in target and not (path.parent / target).exists():
                lost.append(f"{path.relative_to(ROOT)} links to {target}")
    assert lost == []


def _ports_of(path: Path) -> list[str]:
    """The keys of its table PORTS."""
    return [key.value for node in tree(path).body if isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "PORTS"
            and isinstance(node.value, ast.Dict) for key in node.value.keys
            if isinstance(key, ast.Constant)]


def test_every_test_is_run_by_one_environment():
    """What one environment leaves out, another runs; of a test of each port they may name ports."""
    tox = ConfigParser(interpolation=None)
    tox.read(ROOT / "tox.ini")
    runs = []
    for name in tox["tox"]["env_list"].split(", "):
        words = re.findall(r"pytest \{posargs:(.*)\}", tox[f"testenv:{name}"]["commands"])
        given = [word for line in words for word in line.split()]
        ignored = [word.removeprefix("--ignore=") for word in given if word.startswith("--")]
        runs.append((name, [word for word in given if not word.startswith("--")], ignored))
    for path in tracked():
        test = str(path.relative_to(ROOT))
        if re.fullmatch(r"tests/(.*/)?test_\w+\.py", test):
            ports = [word.rpartition("[")[2].rstrip("]") for _, given, _ in runs
                     for word in given if word.startswith(test + "::")]
            if ports:
                assert sorted(ports) == sorted(_ports_of(path)), f"{test}: only {ports} are run"
                continue
            by = [one for one, given, out in runs if _holds(given, test) and not _holds(out, test)]
            assert len(by) == 1, f"{test} is run by {by}"


def _holds(places: list[str], test: str) -> bool:
    return any(test == place or test.startswith(place + "/") for place in places)


def test_every_test_that_guards_a_promise_exists():
    text = (ROOT / "docs" / "promises.md").read_text(encoding="utf-8")
    promises = re.split(r"^\*\*(?=[AU]\d\. )", text, flags=re.M)[1:]
    assert [one[:2] for one in promises] == [
        *[f"A{n}" for n in range(1, 7)], *[f"U{n}" for n in range(1, 8)]]
    for promise in promises:
        guards = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", promise)
        assert guards, f"{promise[:2]} is guarded by no test"
        for file, name in guards:
            assert name in _names_at_top(ROOT / file), f"{promise[:2]}: no {name} in {file}"


def _names_at_top(path: Path) -> set[str]:
    """Tests that a file defines, and state machines that it makes one of."""
    names = set()
    for node in tree(path).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return names
