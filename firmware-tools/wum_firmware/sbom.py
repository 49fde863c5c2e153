"""What a release is made of, for others: a bill of materials in CycloneDX 1.6, and the licences.

On Linux it runs with packages of others, which are installed apart: the bill has all of them, those
included that they need themselves, as the commit's own table says (packages.py). Nothing depends on
the time or the machine.
"""

import json
import re
from collections.abc import Sequence
from hashlib import sha256
from uuid import UUID, uuid5

from wum_firmware.packages import Package
from wum_firmware.sources import VENDOR, Sources, class_of

_NAME = re.compile(r"^[A-Za-z0-9._-]+")
_OPTIONAL = ("gpiod",)        # Imported where pulse inputs of a GPIO chip are configured.


def document(sources: Sources, needs: Sequence[Package]) -> bytes:
    """The bill of materials as JSON. `needs`: none for a board."""
    name = f"wum-edge-{sources.target}"
    own = f"{name}@{sources.version}"
    inner = {name for one in needs for name in one.needs}
    direct = {one.name for one in needs} - inner | _named(sources)
    libraries = [{
        "type": "library", "bom-ref": _ref(need), "name": need.name, "version": need.version,
        "purl": _ref(need), "licenses": [{"expression": need.licence}], "scope": (
            "optional" if need.name in _OPTIONAL else "required"),
    } for need in needs]
    files = [{
        "type": "file", "bom-ref": f"file:{path}", "name": path,
        "hashes": [{"alg": "SHA-256", "content": sha256(data).hexdigest()}],
    } for path, data, _ in sources.files]
    serial = _serial(sources)
    tools = [{"type": "application", "name": "wum-firmware"}]
    for made_by in sources.compiler.split(", ") if sources.compiler else ():
        tool, version = made_by.split(" ")
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
        "dependencies": [
            {"ref": own, "dependsOn": [_ref(one) for one in needs if one.name in direct]},
            *[{"ref": _ref(one), "dependsOn": [_ref(other) for other in needs
                                               if other.name in one.needs]} for one in needs]],
        "compositions": [{"aggregate": "complete", "assemblies": [own]}]}
    return (json.dumps(found, indent=1) + "\n").encode()


def licences(sources: Sources, needs: Sequence[Package], own: str) -> bytes:
    """Under which terms it may be used: our licence, and where to find the others'."""
    lines = [(f"wum-edge {sources.version} ({sources.commit[:12]}) for {sources.target}: "
             f"{sources.project.get('license')}, text below."), ""]
    if needs:
        lines += ["It runs with these packages, which are installed apart under their own terms:"]
        lines += [f"- {one.name} {one.version}: {one.licence}" for one in needs]
        lines += [""]
    return ("\n".join(lines) + "\n" + own).encode()


def _serial(sources: Sources) -> UUID:
    return uuid5(VENDOR, f"{sources.target} {sources.commit} {sources.compiler}")


def _ref(package: Package) -> str:
    return f"pkg:pypi/{package.name}@{package.version}"


def _named(sources: Sources) -> set[str]:
    """Names of what the project itself asks for."""
    project = sources.project
    extras = project.get("optional-dependencies")
    lists = [project.get("dependencies"), *(extras.values() if isinstance(extras, dict) else [])]
    return {match[0].lower() for one in lists if isinstance(one, list) for text in one
            if (match := _NAME.match(str(text)))}
