"""That the mutants still break what they are named for; `make mutants` sees what they break."""

import pytest

from tests.system.mutants import MUTANTS, ROOT, Mutant, broken


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_every_mutant_still_finds_what_it_breaks(mutant: Mutant) -> None:
    text = broken(mutant)
    assert text != (ROOT / "cloud" / "wum_cloud" / mutant.file).read_text()
    if mutant.file.endswith(".py"):
        compile(text, mutant.file, "exec")
