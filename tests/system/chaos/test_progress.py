"""A campaign of seeds goes on where it was stopped, and begins anew once the code has changed."""

from tests.system.chaos import progress, run
from tests.system.chaos.progress import Progress


def test_what_is_done_is_not_done_again_and_counts(tmp_path, capsys):
    words = ["--first", "1", "--progress", str(tmp_path / "seeds")]
    assert run.main([*words, "--seeds", "2"]) == 0
    first = Progress(tmp_path / "seeds").lines
    assert list(first) == [1, 2]
    assert run.main([*words, "--seeds", "3"]) == 0
    assert "2 of 3 seeds were done before" in capsys.readouterr().out
    later = Progress(tmp_path / "seeds").lines
    assert list(later) == [1, 2, 3]
    assert later[2] == first[2]


def test_a_seed_that_broke_something_is_named_every_time(tmp_path, capsys):
    Progress(tmp_path / "seeds").done((5, 1, 20, 5, 0, 0, 0))
    assert run.main(["--first", "5", "--seeds", "1", "--progress", str(tmp_path / "seeds")]) == 1
    assert "broken by seeds: 5\n" in capsys.readouterr().out


def test_a_line_that_a_stop_tore_is_not_a_seed(tmp_path):
    Progress(tmp_path / "seeds").done((5, 0, 20, 5, 0, 0, 0))
    with (tmp_path / "seeds").open("a") as file:
        file.write("6 0 2")
    assert list(Progress(tmp_path / "seeds").lines) == [5]


def test_changed_code_is_tried_from_the_beginning(tmp_path, monkeypatch):
    Progress(tmp_path / "seeds").done((5, 0, 20, 5, 0, 0, 0))
    monkeypatch.setattr(progress, "fingerprint", lambda: "another")
    anew = Progress(tmp_path / "seeds")
    assert anew.is_anew
    assert not anew.lines
