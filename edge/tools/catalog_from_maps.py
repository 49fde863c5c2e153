"""Make catalogue entries from public register maps: a CSV of facts in, JSON files out.

usage: python edge/tools/catalog_from_maps.py REGISTER_MAPS.csv [OUT_FOLDER]

The CSV has the columns source, path, licence, model, name, function_code, address, count, type,
word_order, scale, unit, obis. It was extracted from other projects' source code, so this script
also holds the judgement: which map of a model is taken, which registers, what the meter's limits
are. A register without a unit that fits its name, or without an OBIS code, is left out;
catalog/README.md says what else was left out, and why.
"""

import csv
import json
import sys
from dataclasses import dataclass, field
from pathlib import Path

# Name in the maps: (our name, unit there, unit here, factor, scaler for floats). Energy is kept in
# Wh: a float's scaler is what its meters can resolve, an integer's is its own scale.
QUANTITIES = {
    "Import": ("energy_import", "kWh", "Wh", 1000, 0),
    "Export": ("energy_export", "kWh", "Wh", 1000, 0),
    "Sum": ("energy_total", "kWh", "Wh", 1000, 0),
    "ReactiveImport": ("reactive_energy_import", "kvarh", "varh", 1000, 0),
    "ReactiveExport": ("reactive_energy_export", "kvarh", "varh", 1000, 0),
    "Voltage": ("voltage", "V", "V", 1, -1),
    "Current": ("current", "A", "A", 1, -2),
    "Power": ("power", "W", "W", 1, 0),
    "ApparentPower": ("apparent_power", "VA", "VA", 1, 0),
    "Cosphi": ("power_factor", "", "", 1, -3),
    "Frequency": ("frequency", "Hz", "Hz", 1, -2),
}
PHASES = {"": "", "L1": "_l1", "L2": "_l2", "L3": "_l3"}
ENERGY_FIRST = ["Import", "Export", "Sum", "ReactiveImport", "ReactiveExport"]
PHASE_ENERGY = frozenset(f"{n}{p}" for n in ("Import", "Export") for p in ("L1", "L2", "L3"))
EASTRON = (80, 17)    # At most 40 values in a request; words between them read as zero.


@dataclass(frozen=True, slots=True)
class Choice:
    """What is taken from one map. `limits` is (registers per request, gap in words)."""

    label: str
    make: str
    limits: tuple[int, int] = (125, 0)   # No gap unless the model is known to allow it.
    leave_out: frozenset[str] = field(default_factory=lambda: frozenset({"Sum"}))
    protocol: str = "modbus-rtu"


SUM = frozenset({"Sum"})
AVERAGES = frozenset({"Voltage", "Current"})     # Of three phases: not measured quantities.
MBMD = {
    "sdm120.go": ("eastron-sdm120", Choice("SDM120 Modbus", "Eastron", EASTRON)),
    "sdm220.go": ("eastron-sdm220", Choice("SDM220 Modbus", "Eastron", EASTRON)),
    "sdm230.go": ("eastron-sdm230", Choice("SDM230 Modbus", "Eastron", EASTRON)),
    # One request holds all but the energies of the phases, which would cost a second one.
    "sdm.go": ("eastron-sdm630", Choice("SDM630 Modbus", "Eastron", EASTRON, SUM | PHASE_ENERGY)),
    "x961a.go": ("eastron-smart-x96-1a", Choice("SMART X96-1A", "Eastron", EASTRON,
                                                SUM | PHASE_ENERGY)),
    "abb.go": ("abb-ab-series", Choice(
        # Its block of momentary values has a register at every address.
        "A and B series (A43, A44, B21, B23, B24)", "ABB", (125, 17))),
    "carlogavazzi-ex3x0.go": ("carlo-gavazzi-em340", Choice(
        "EM330, EM340, ET330, ET340", "Carlo Gavazzi", (50, 17))),
    "dtsu666.go": ("chint-dtsu666", Choice("DTSU666", "Chint")),
    "dzg.go": ("dzg-dvh4013", Choice("DVH4013", "DZG")),
    # Voltage and current without a phase are averages there, not measured quantities.
    "wago87930.go": ("wago-879-30xx", Choice("879-3000, 879-3020, 879-3040", "Wago", (125, 8),
                                             leave_out=frozenset({"Voltage", "Current"}))),
    # Their maps have a register at every address between those that are taken.
    "mpm3pm.go": ("bernecker-mpm3pm", Choice("MPM3PM", "Bernecker Engineering", (125, 17))),
    # Has no register for one direction: the total is all there is.
    "ddm18sd.go": ("ddm18sd", Choice("DDM18SD", "DDM", leave_out=frozenset())),
    # Older firmware of these gives 11 words in one request.
    "carlogavazzi-em24.go": ("carlo-gavazzi-em24", Choice(
        "EM24-DIN (RS-485)", "Carlo Gavazzi", (11, 0))),
    "carlogavazzi-em24_e1.go": ("carlo-gavazzi-em24-e1", Choice(
        "EM24 E1 (Ethernet)", "Carlo Gavazzi", (11, 0), protocol="modbus-tcp")),
    "dmg610.go": ("lovato-dmg610", Choice("DMG610", "Lovato")),
    # The address of its export is far from its neighbours', and not where the WS100 has it.
    "ds100.go": ("bg-etech-ds100", Choice("DS100", "B+G e-tech",
                                          leave_out=AVERAGES | SUM | {"Export"})),
    "ws100.go": ("bg-etech-ws100", Choice("WS100", "B+G e-tech")),
    "eltako.go": ("eltako-dsz15dzmod", Choice("DSZ15DZMOD, DSZ16DZE", "Eltako")),
    "finder7m24.go": ("finder-7m24", Choice("7M.24", "Finder")),
    "finder7m38.go": ("finder-7m38", Choice("7M.38", "Finder")),
    "iem3000.go": ("schneider-iem3000", Choice("iEM3100, iEM3200, iEM3300 series (Modbus)",
                                               "Schneider Electric", leave_out=AVERAGES)),
    "inepro.go": ("inepro-pro380", Choice("PRO380 Modbus", "Inepro", leave_out=AVERAGES | SUM)),
    "janitza.go": ("janitza-b23", Choice("B21, B23, B24", "Janitza")),
    # These count one total only.
    "orno1p.go": ("orno-we514", Choice("OR-WE-514, OR-WE-515", "Orno", leave_out=frozenset())),
    "orno1p504.go": ("orno-we504", Choice("OR-WE-504", "Orno", leave_out=frozenset())),
    "orno1p525.go": ("orno-we525", Choice("OR-WE-525, OR-WE-526", "Orno")),
    "orno3p.go": ("orno-we516", Choice("OR-WE-516, OR-WE-517", "Orno")),
    # Its frequency would lie inside another register of the source.
    "pac2200.go": ("siemens-pac2200", Choice("7KM PAC2200", "Siemens",
                                             leave_out=frozenset({"Frequency"}))),
    "sdm54.go": ("eastron-sdm54", Choice("SDM54 Modbus", "Eastron", EASTRON, SUM | PHASE_ENERGY)),
    "sdm72.go": ("eastron-sdm72", Choice("SDM72DM", "Eastron", EASTRON)),
    "sdm72v2.go": ("eastron-sdm72-v2", Choice("SDM72DM-V2", "Eastron", EASTRON)),
    "semtr3y.go": ("solaredge-se-mtr-3y", Choice("SE-MTR-3Y", "SolarEdge")),
}
EVCC = {
    "acrel-adw300.yaml": ("acrel-adw300", Choice("ADW300", "Acrel")),
    "siemens-7kt1665.yaml": ("siemens-7kt1665", Choice("7KT1665, 7KT1666", "Siemens")),
    "mypv-wifi-meter.yaml": ("my-pv-wifi-meter", Choice("WiFi Meter", "my-PV",
                                                        protocol="modbus-tcp")),
}
FOLDERS = {"meters/rs485/": MBMD, "templates/definition/meter/": EVCC}


def entries(rows: list[dict[str, str]]) -> dict[str, dict[str, object]]:
    """Catalogue entries by model name, from the rows of the CSV."""
    made: dict[str, dict[str, object]] = {}
    wanted = {folder + name: choice for folder, names in FOLDERS.items()
              for name, choice in names.items()}
    for path, (model, choice) in sorted(wanted.items()):
        own = [row for row in rows if row["path"] == path]
        if not own:
            raise SystemExit(f"no map {path} in the CSV")
        made[model] = {
            "model": model, "make": choice.make, "label": choice.label,
            "protocol": choice.protocol,
            "source": f"{own[0]['source']} {own[0]['path']}", "licence": own[0]["licence"],
            "limits": {"registers_per_request": choice.limits[0], "gap": choice.limits[1]},
            "registers": registers(own, choice.leave_out),
        }
    return made


def registers(rows: list[dict[str, str]], leave_out: frozenset[str]) -> list[dict[str, object]]:
    """The registers of one map that make sense, energy first, then by address."""
    found = []
    for row in rows:
        name = row["name"]
        quantity, phase = (name[:-2], name[-2:]) if name[-2:] in PHASES else (name, "")
        known = QUANTITIES.get(quantity)
        if known is None or name in leave_out or not row["obis"] or row["unit"] != known[1]:
            continue
        rank = ENERGY_FIRST.index(name) if name in ENERGY_FIRST else len(ENERGY_FIRST)
        found.append(((rank, int(row["address"])), register(row, known, phase)))
    return [entry for _, entry in sorted(found, key=lambda pair: pair[0])]


def register(
        row: dict[str, str], known: tuple[str, str, str, int, int], phase: str,
) -> dict[str, object]:
    """One register of an entry."""
    our_name, _, unit, factor, float_scaler = known
    digits, power = decimal(row["scale"])
    digits *= factor
    while digits % 10 == 0:
        digits, power = digits // 10, power + 1
    return {
        "name": our_name + PHASES[phase], "obis": row["obis"],
        "function": int(row["function_code"]), "address": int(row["address"]),
        "count": int(row["count"]), "type": row["type"], "word_order": row["word_order"],
        "scale": written(digits, power), "unit": unit,
        "scaler": float_scaler if row["type"].startswith("float") else power,
    }


def decimal(text: str) -> tuple[int, int]:
    """(digits, power of ten) of a decimal, exactly."""
    whole, _, part = text.partition(".")
    return int(whole + part), -len(part)


def written(digits: int, power: int) -> str:
    """digits x 10^power in plain digits."""
    if power >= 0:
        return str(digits * 10**power)
    text = str(digits).rjust(1 - power, "0")
    return f"{text[:power]}.{text[power:]}"


def as_json(entry: dict[str, object]) -> str:
    """The entry with one register a line, as people read and compare it."""
    parts = []
    for key, value in entry.items():
        if key == "registers" and isinstance(value, list):
            lines = ",\n".join("    " + json.dumps(item) for item in value)
            parts.append(f'  "registers": [\n{lines}\n  ]')
        else:
            parts.append(f"  {json.dumps(key)}: {json.dumps(value)}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def main(arguments: list[str]) -> int:
    """Write the entries; returns the exit code."""
    if not 1 <= len(arguments) <= 2:
        print(__doc__, file=sys.stderr)
        return 2
    default = Path(__file__).resolve().parent.parent / "wum_edge" / "catalog"
    folder = Path(arguments[1]) if len(arguments) > 1 else default
    with open(arguments[0], newline="", encoding="utf-8") as file:
        made = entries(list(csv.DictReader(file)))
    for model, entry in made.items():
        (folder / f"{model}.json").write_text(as_json(entry), encoding="utf-8")
    print(f"{len(made)} entries in {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
