"""A batch of new concentrators for a warehouse: claim codes, a list and labels.

Each gets a folder with `claim.code` and nothing else: the concentrator's own first start makes its
identity beside it, which never leaves it. So its `id` here is that of the code, the name that it
has at the broker until it is let in. The list (CSV) and the sheet of labels (HTML, to print) hold
the codes: whoever has a code can take the concentrator's place at the head-end until it has come,
so both are secret until then. Left out: keys and passwords, which the head-end grants later.
"""

import html
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

import segno

from wum_firmware import key_folder
from wum_shared.claim import CODE_SIZE, QR_PREFIX, code_to_text, secrets_of
from wum_shared.ids import id_to_text

CODE = "claim.code"
LIST, SHEET = "batch.csv", "labels.html"
BATCH_MAX = 10_000

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Claim codes</title><style>
body {{ font: 9pt sans-serif; margin: 8mm; }}
.labels {{ display: grid; grid-template-columns: repeat(3, 1fr); gap: 4mm; }}
.label {{ border: .2mm dashed #888; padding: 3mm; break-inside: avoid; text-align: center; }}
.label img {{ width: 32mm; height: 32mm; }} code {{ font-size: 8pt; display: block; }}
@media print {{ h1 {{ display: none; }} }}
</style></head><body><h1>{count} claim codes: secret until they are used</h1>
<div class="labels">
{labels}</div></body></html>
"""
_LABEL = """<div class="label"><img src="{picture}" alt="QR code"><code>{code}</code>{id}</div>
"""


@dataclass(frozen=True, slots=True, repr=False)
class Boxed:
    """One new concentrator. Its repr is the default one: it shows no secret."""

    code: bytes

    @property
    def id(self) -> str:
        """What its folder is called, 16 hexadecimal digits: its user name until it is let in."""
        return id_to_text(secrets_of(self.code).name)


def make_batch(count: int) -> list[Boxed]:
    """`count` (1..BATCH_MAX) codes that have nothing in common."""
    assert 1 <= count <= BATCH_MAX
    return [Boxed(secrets.token_bytes(CODE_SIZE)) for _ in range(count)]


def list_text(batch: list[Boxed]) -> str:
    """The list: id and code of each, after a line that says so."""
    return "id,claim_code\n" + "".join(
        [f"{one.id},{code_to_text(one.code)}\n" for one in batch])


def sheet_text(batch: list[Boxed]) -> str:
    """The labels, three in a row; it needs nothing from anywhere else."""
    return _PAGE.format(count=len(batch), labels="".join([_label(one) for one in batch]))


def write_batch(folder: Path, batch: list[Boxed]) -> None:
    """Write a folder for each, then list and sheet, all for their owner alone.

    Raises FolderRefused where `folder` holds anything, OSError.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise key_folder.FolderRefused(
            f"{folder} holds something; wanted an empty folder, or none.")
    folder.mkdir(mode=key_folder.FOLDER_MODE, parents=True, exist_ok=True)
    folder.chmod(key_folder.FOLDER_MODE)
    for one in batch:
        own = folder / one.id
        own.mkdir(mode=key_folder.FOLDER_MODE)
        _write(own / CODE, code_to_text(one.code) + "\n")
    for name, text in ((LIST, list_text(batch)), (SHEET, sheet_text(batch))):
        _write(folder / name, text)


def _write(path: Path, text: str) -> None:
    """A new file, durable, that only its owner reads."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _label(one: Boxed) -> str:
    code = code_to_text(one.code)
    picture = segno.make(QR_PREFIX + code, error="m").svg_data_uri(scale=4, border=2)
    return _LABEL.format(picture=html.escape(picture), code=code, id=one.id)
