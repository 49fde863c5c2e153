"""SML against smllib: the recorded values, the CRC, and files that are damaged."""

from tests.peers.score_sml import ours, recorded, theirs


def test_smllib_reads_the_same_values() -> None:
    data = bytes.fromhex(recorded()[0]["hex"])
    found = ours(data)
    assert len(found) == 7 and found == theirs(data)


def test_what_is_damaged_is_refused_by_both() -> None:
    for record in recorded()[1:]:
        assert theirs(bytes.fromhex(record["hex"])) is None
