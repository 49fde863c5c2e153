"""`wum-edge plan`: prints whether this mix of meters at these bauds fits the period, and its cost.

Left out: the reckoning (wum_edge/plan.py). It needs no meter, no line and no keys.
"""

from pathlib import Path
from typing import TextIO

from wum_edge import plan
from wum_edge.meters.catalog import protocols
from wum_edge.ports.linux.catalog_files import read_catalog
from wum_edge.ports.linux.config_file import own_entries, read_config
from wum_edge.ports.linux.table import print_table

FITS = 0
TOO_MUCH = 1


def print_plan(path: Path, out: TextIO) -> int:
    """Print the plan of a configuration. 0 when it fits, 1 when it does not. Raises BadConfigFile
    with every mistake, duplicate addresses among them.
    """
    models = read_catalog(own_entries(path))
    checked = read_config(path, protocols(models), files=False)
    lines = plan.plan(checked, models)
    for line in lines:
        _print_line(line, out)
    said = plan.sentences(checked, models)
    for sentence in said:
        print(sentence, file=out)
    if not said:
        periods = sorted({line.period_s for line in lines})
        print("Everything fits %s with room to spare." % " and ".join(
            [plan.duration(period_s) for period_s in periods]), file=out)
    return FITS if plan.fits(checked, models) else TOO_MUCH


def _print_line(line: plan.LinePlan, out: TextIO) -> None:
    share = line.took_us / 1e4 / line.period_s
    many = "1 meter" if len(line.meters) == 1 else f"{len(line.meters)} meters"
    print(f"line {line.line}: {many}, {line.took_us / 1e6:.1f} s of each "
          f"{plan.duration(line.period_s)} ({share:.1f} %)", file=out)
    if not line.meters:
        return
    groups: dict[tuple[object, ...], list[plan.MeterPlan]] = {}
    for meter in line.meters:
        groups.setdefault(meter[1:-1], []).append(meter)
    print_table(
        ["  meters", "model", "characters", "bytes", "turns", "s each", "s", "of the period"],
        [_row(own) for own in groups.values()], out,
        numbers={0, 3, 4, 5, 6, 7})
    if any(meter.protocol != "pulse" for meter in line.meters):
        who = "four dead ones" if len(line.meters) >= plan.DEAD else "all of them dead"
        print(f"  {who} would cost {line.first_us / 1e6:.1f} s once, and then "
              f"{line.dead_us / 1e6:.2f} s of each sweep", file=out)
    if line.fill_us:
        print(f"  a day of load profile of each, filled in after an outage: "
              f"{line.fill_us / 1e6:.1f} s", file=out)


def _row(own: list[plan.MeterPlan]) -> list[str]:
    first = own[0]
    setting = first.setting
    characters = "-" if first.protocol == "pulse" else (
        f"{setting.baud} {setting.data_bits}{setting.parity}{setting.stop_bits}")
    all_us = first.took_us * len(own)
    known = first.size is not None
    return [str(len(own)), first.model, characters, str(first.size) if known else "-",
            str(first.turns) if known else "-", f"{first.took_us / 1e6:.3f}" if known else "-",
            f"{all_us / 1e6:.1f}" if known else "-",
            f"{all_us / 1e4 / first.period_s:.2f} %" if known else "-"]
