"""What a release is made of, for others: a bill of materials in CycloneDX 1.6, and the licences.

Dependencies are those that the project names, with the versions that its lock holds; what those
need in turn is not listed, and the document says so. Nothing depends on the time or the machine.
"""

import json
import re
from collections.abc import Sequence
from hashlib import sha256
from uuid import UUID, uuid5

from wum_firmware.sources import VENDOR, Sources, class_of

_LOCKED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)
_NAME = re.compile(r"^[A-Za-z0-9._-]+")
_OURS = "wum-shared"


def locked_versions(lock: str) -> dict[str, str]:
    """Versions by name, of a requirements file with hashes."""
    return {name.lower(): version for name, version in _LOCKED.findall(lock)}


def dependencies(sources: Sources, locked: dict[str, str]) -> list[tuple[str, str | None]]:
    """(name, locked version or None) of all that a gateway on Linux imports; a board: nothing."""
    if sources.target != "linux":
        return []
    project = sources.project
    named = list(_texts(project.get("dependencies")))
    extras = project.get("optional-dependencies")
    if isinstance(extras, dict):
        for extra in sorted(extras):
            named += _texts(extras[extra])
    names = sorted({match[0].lower() for text in named if (match := _NAME.match(text))} - {_OURS})
    return [(name, locked.get(name)) for name in names]


def document(sources: Sources, needs: Sequence[tuple[str, str | None]]) -> bytes:
    """The bill of materials as JSON."""
    name = f"wum-edge-{sources.target}"
    own = f"{name}@{sources.version}"
    libraries = [{
        "type": "library", "bom-ref": f"pkg:pypi/{need}", "name": need,
        **({"version": version, "purl": f"pkg:pypi/{need}@{version}"} if version else {}),
    } for need, version in needs]
    files = [{
        "type": "file", "bom-ref": f"file:{path}", "name": path,
        "hashes": [{"alg": "SHA-256", "content": sha256(data).hexdigest()}],
    } for path, data, _ in sources.files]
    serial = _serial(sources)
    tools = [{"type": "application", "name": "wum-firmware"}]
    if sources.compiler:
        tool, version = sources.compiler.split(" ")
        tools.append({"type": "application", "name": tool, "version": version})
    found = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json", "bomFormat": "CycloneDX",
        "specVersion": "1.6", "serialNumber": serial.urn, "version": 1,
        "metadata": {
            "tools": {"components": tools},
            "component": {
                "type": "firmware", "bom-ref": own, "name": name, "version": sources.version,
                "licenses": [{"license": {"id": str(sources.project.get("license"))}}],
                "properties": [
                    {"name": "wum:commit", "value": sources.commit},
                    {"name": "wum:device-class", "value": str(class_of(sources.target))}]}},
        "components": [*libraries, *files],
        "dependencies": [{"ref": own, "dependsOn": [one["bom-ref"] for one in libraries]}],
        "compositions": [{"aggregate": "incomplete_third_party_only", "assemblies": [own]}]}
    return (json.dumps(found, indent=1) + "\n").encode()


def licences(sources: Sources, needs: Sequence[tuple[str, str | None]], own: str) -> bytes:
    """Under which terms it may be used: our licence, and where to find the others'."""
    lines = [(f"wum-edge {sources.version} ({sources.commit[:12]}) for {sources.target}: "
             f"{sources.project.get('license')}, text below."), ""]
    if needs:
        lines += [("It runs with these packages, which are installed apart and carry their own "
                  "licences:")]
        lines += [f"- {name} {version or '(not in the lock)'}" for name, version in needs]
        lines += [""]
    return ("\n".join(lines) + "\n" + own).encode()


def _serial(sources: Sources) -> UUID:
    return uuid5(VENDOR, f"{sources.target} {sources.commit} {sources.compiler}")


def _texts(value: object) -> list[str]:
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []
