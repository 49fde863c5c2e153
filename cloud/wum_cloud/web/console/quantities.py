"""What OBIS codes are called on pages (IEC 62056-61, electricity)."""

_NAMES = {
    "1-0:1.8.0": "Active energy, import", "1-0:2.8.0": "Active energy, export",
    "1-0:3.8.0": "Reactive energy, import", "1-0:4.8.0": "Reactive energy, export",
    "1-0:9.8.0": "Apparent energy, import", "1-0:15.8.0": "Active energy, absolute",
    "1-0:16.7.0": "Active power", "1-0:131.7.0": "Reactive power", "1-0:9.7.0": "Apparent power",
    "1-0:13.7.0": "Power factor", "1-0:14.7.0": "Frequency", "1-0:12.7.0": "Voltage, average",
    "1-0:11.7.0": "Current, total", "1-0:91.7.0": "Current, neutral",
}
_PHASES = {2: "L1", 4: "L2", 6: "L3"}   # Groups C 21..40, 41..60 and 61..80.
_OF_PHASE = {1: "Active power", 2: "Active power, export", 3: "Reactive power", 9: "Apparent power",
             11: "Current", 12: "Voltage", 13: "Power factor", 16: "Active power"}
_ENERGY_OF_PHASE = {1: "Active energy, import", 2: "Active energy, export",
                    3: "Reactive energy, import", 4: "Reactive energy, export"}


def quantity(code: str) -> str:
    """The name of an OBIS code; the code itself where we have none."""
    if code in _NAMES:
        return _NAMES[code]
    parts = code.partition(":")[2].split(".")
    if not code.startswith("1-0:") or len(parts) != 3 or not all(p.isdigit() for p in parts):
        return code
    group, kind = int(parts[0]), parts[1]
    phase = _PHASES.get((group - 1) // 20 * 2)
    names = _ENERGY_OF_PHASE if kind == "8" else _OF_PHASE if kind == "7" else {}
    name = names.get((group - 1) % 20 + 1)
    return "%s, %s" % (name, phase) if phase and name else code
