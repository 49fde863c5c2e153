"""Rights at the broker: a gateway reaches its mesh, nobody reaches anything else."""

from wum_cloud.registry.broker_files import acl_text

ONE, TWO, THREE = b"\x01" * 8, b"\x02" * 8, b"\x03" * 8


def test_without_a_mesh_the_rights_are_what_they_were() -> None:
    assert acl_text("head-end", []) == acl_text("head-end")
    lines = acl_text("head-end").splitlines()
    assert [line for line in lines if line.startswith("user ")] == ["user head-end"]


def test_a_gateway_speaks_and_hears_for_its_others_in_its_own_section() -> None:
    lines = acl_text("head-end", [(ONE, [TWO, THREE])]).splitlines()
    at = lines.index("user " + ONE.hex())
    assert lines[at + 1:] == [
        "topic write wum/0/0202020202020202/up/#", "topic read wum/0/0202020202020202/down/#",
        "topic write wum/0/0303030303030303/up/#", "topic read wum/0/0303030303030303/down/#"]
    assert "user head-end" in lines[:at]
