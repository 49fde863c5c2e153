"""The meters that benchmarks of the bus read: twelve registers of one type for each protocol, and
the gateway's own core with a configuration of so many of them on one line.
"""

import json

from wum_edge.config import Config, check
from wum_edge.meters.catalog import Model, check_model
from wum_edge.meters.sweep import Sweep, meters_of_line

QUANTITIES = (
    ("energy_import", "1-0:1.8.0", "Wh"), ("energy_export", "1-0:2.8.0", "Wh"),
    ("reactive_import", "1-0:3.8.0", "varh"), ("reactive_export", "1-0:4.8.0", "varh"),
    ("voltage_l1", "1-0:32.7.0", "V"), ("voltage_l2", "1-0:52.7.0", "V"),
    ("voltage_l3", "1-0:72.7.0", "V"), ("current_l1", "1-0:31.7.0", "A"),
    ("current_l2", "1-0:51.7.0", "A"), ("current_l3", "1-0:71.7.0", "A"),
    ("power", "1-0:16.7.0", "W"), ("power_factor", "1-0:13.7.0", ""))


def modbus_entry() -> dict[str, object]:
    """Twelve floats side by side: one range of 24 words, 61 bytes both ways."""
    return {
        "model": "twelve-registers", "make": "Benchmark", "label": "Modbus",
        "protocol": "modbus-rtu", "source": "this benchmark", "licence": "facts",
        "registers": [
            {"name": name, "obis": obis, "function": 4, "address": 2 * place, "count": 2,
             "type": "float32", "word_order": "big", "scale": "1", "unit": unit, "scaler": -1}
            for place, (name, obis, unit) in enumerate(QUANTITIES)],
    }


def iec_entry() -> dict[str, object]:
    """The same by readout at a fixed 9600 baud, reaction time 200 ms."""
    return {
        "model": "twelve-read-out", "make": "Benchmark", "label": "IEC 62056-21",
        "protocol": "iec62056-21", "source": "this benchmark", "licence": "facts",
        "sign_on": {"baud": 9600, "fixed": True, "characters": "8N1"}, "reads": "readout",
        "registers": [{"name": name, "obis": obis, "unit": unit,
                       "scaler": {"V": -1, "A": -2}.get(unit, 0)}
                      for name, obis, unit in QUANTITIES],
    }


def configured(
        entry: dict[str, object], count: int, *, port: str = "/dev/null",
        timeout_ms: int = 500, access: dict[str, object] | None = None, first: int = 1,
) -> tuple[Config, dict[str, Model]]:
    """A configuration with meters of that type at addresses from `first`, and its catalogue."""
    model = check_model(json.loads(json.dumps(entry)))
    meter: dict[str, object] = {"line": "a", "model": model.model, "timeout_ms": timeout_ms}
    if access:
        meter["access"] = access
    document = {
        "concentrator": {"name": "benchmark", "keys": "keys", "archive": "archive"},
        "broker": {"host": "127.0.0.1", "tls": False},
        "line": [{"name": "a", "port": port}],
        "meter": [{**meter, "serial": f"M-{n}", "address": n}
                  for n in range(first, first + count)],
    }
    return check(document, {model.model: model.protocol}), {model.model: model}


def sweep_of(config: Config, models: dict[str, Model]) -> Sweep:
    """The sweeps of its one line."""
    return Sweep("a", meters_of_line(config, models, "a"))
