"""What a person has to know of a release before it goes anywhere, as lines of text."""

from collections.abc import Sequence
from hashlib import sha256
from uuid import UUID

from wum_firmware.release import Opened
from wum_firmware.release_keys import PublicKey
from wum_firmware.sources import TARGETS, VENDOR, class_of
from wum_shared import bundle, cose, suit
from wum_shared.ids import id_to_text


def summary(opened: Opened) -> list[str]:
    """What it is, for whom, and how much."""
    release = opened.envelope.release
    return [
        (f"release    {opened.about.get('version')} of commit "
        f"{str(opened.about.get('commit'))[:12]}"),
        f"for        {_class_name(release.device_class)}",
        f"sequence   {release.sequence}: installs over lower ones alone",
        (f"content    {release.size:,} bytes, {len(opened.files)} files, SHA-256 "
        f"{id_to_text(release.digest)}"),
        f"manifest   SHA-256 {id_to_text(opened.envelope.digest[-32:])}"]


def signatures(opened: Opened, known: Sequence[PublicKey] = ()) -> list[str]:
    """Who claims to have signed, by name where the key is at hand."""
    names = {key.kid: key.name for key in known}
    kids = [cose.peek_detached(one) for one in opened.envelope.signatures]
    if not kids:
        return ["signed     by nobody yet"]
    return [f"signed     by {names.get(kid, 'a key that is not at hand')} ({id_to_text(kid)})"
            for kid in kids]


def table(opened: Opened) -> list[str]:
    """Every file with its size and the beginning of its hash."""
    width = max([len(file.path) for file in opened.files])
    return [f"{file.path:<{width}}  {file.size:>9,}  {id_to_text(file.digest[:8])}"
            for file in opened.files]


def difference(old: Opened, new: Opened) -> list[str]:
    """What has to travel from `old` to `new`, and which files are why."""
    at_hand = {file.digest for file in old.files}
    end = bundle.table_size(new.content)
    assert end is not None
    chunks = bundle.chunks_wanted(new.files, end, len(new.content), at_hand)
    total = -(-len(new.content) // suit.CHUNK_SIZE)
    before = {file.path: file.digest for file in old.files}
    lines = [(f"travels    {len(chunks)} of {total} chunks of {suit.CHUNK_SIZE} bytes; "
             "the others are put together from files that are there")]
    for file in new.files:
        if before.get(file.path) != file.digest:
            lines.append(f"{'changed' if file.path in before else 'new'}    {file.path}")
    lines += [f"gone       {path}" for path in sorted(
        set(before) - {file.path for file in new.files})]
    return lines


def fingerprint(key: PublicKey) -> str:
    """What two people compare by voice: the key's SHA-256 in groups of four."""
    text = sha256(key.key).hexdigest()[:32]
    return " ".join([text[at:at + 4] for at in range(0, len(text), 4)])


def _class_name(device_class: bytes) -> str:
    for target in TARGETS:
        if class_of(target).bytes == device_class:
            return f"{target} ({UUID(bytes=device_class)}, vendor {VENDOR})"
    return f"a device class that this workbench does not know ({UUID(bytes=device_class)})"
