"""Small documents that tests of the gateway start from: a configuration and a catalogue entry."""

import json

import wum_edge
from wum_edge.meters.catalog import check_model


def entry():
    """A catalogue entry with two registers in one range and one far off."""
    return {
        "model": "two-and-one", "make": "Maker", "label": "Type 1", "protocol": "modbus-rtu",
        "source": "the maker's manual", "licence": "facts",
        "limits": {"registers_per_request": 125, "gap": 17},
        "registers": [
            {"name": "energy_import", "obis": "1-0:1.8.0", "function": 4, "address": 100,
             "count": 2, "type": "uint32", "word_order": "big", "scale": "10", "unit": "Wh",
             "scaler": 1},
            {"name": "voltage_l1", "obis": "1-0:32.7.0", "function": 4, "address": 0, "count": 1,
             "type": "uint16", "word_order": "big", "scale": "0.1", "unit": "V", "scaler": -1},
            {"name": "current_l1", "obis": "1-0:31.7.0", "function": 4, "address": 2, "count": 2,
             "type": "float32", "word_order": "big", "scale": "1", "unit": "A", "scaler": -2},
        ],
    }


def model():
    """The same, checked."""
    return check_model(entry())


def catalog_entry(name):
    """An entry of the real catalogue, unchecked."""
    folder = wum_edge.__file__.replace("__init__.py", "") + "catalog/"
    with open(folder + name + ".json") as file:
        return json.load(file)


def document(meters=2):
    """A configuration as TOML gives it, with that many meters on one line."""
    return {
        "concentrator": {"name": "cabinet-1", "keys": "keys", "archive": "archive"},
        "broker": {"host": "127.0.0.1", "port": 1883, "tls": False},
        "schedule": {"period_s": 900, "offset_s": 0},
        "line": [{"name": "a", "port": "/dev/ttyUSB0", "baud": 9600}],
        "meter": [{"serial": "M-%04d" % (n + 1), "line": "a", "address": n + 1,
                   "model": "two-and-one"} for n in range(meters)],
    }
