"""What the head-end configures, laid over the concentrator's own file.

The file keeps what only the place knows: folders, broker, modem, passwords and keys of meters.
Left out: whether the result is a configuration (config.py). Portable.
"""


def merged(own: dict[str, object], parts: dict[str, object]) -> dict[str, object]:
    """A document: `own` with each of `parts` in its place, and `own` untouched.

    A meter keeps the `access` that its serial has in `own`. A role without a [mesh] stays in the
    document as a mistake: config.check names it.
    """
    document = dict(own)
    for name in ("schedule", "line", "clock_policy"):
        if name in parts:
            document[name] = parts[name]
    if "meter" in parts:
        document.pop("register_set", None)   # Those of meters that are not there any more.
        access = _access(own.get("meter"))
        document["meter"] = [_with_access(meter, access) for meter in _tables(parts["meter"])]
    if "register_set" in parts:
        document["register_set"] = parts["register_set"]
    if "role" in parts:
        mesh = own.get("mesh")
        document["mesh"] = dict(mesh if type(mesh) is dict else {}, role=parts["role"])
    return document


def _access(meters: object) -> dict[object, object]:
    return {meter["serial"]: meter["access"] for meter in _tables(meters)
            if "access" in meter and type(meter.get("serial")) is str}


def _with_access(meter: dict[str, object], access: dict[object, object]) -> dict[str, object]:
    serial = meter.get("serial")
    if type(serial) is not str or serial not in access:
        return meter
    return dict(meter, access=access[serial])


def _tables(value: object) -> list[dict[str, object]]:
    return [one for one in value if type(one) is dict] if type(value) is list else []
