"""The schema message, made of configuration and catalogue.

Left out: when it is sent (uplink/) and what names it (wum_shared.ids.schema_id).
"""

from wum_edge.config import Config
from wum_edge.meters.catalog import Model
from wum_edge.meters.timekeeping import registers_of
from wum_shared.messages import Meter, Register, RegisterSet, Schedule, Schema
from wum_shared.obis import obis_to_text

PROFILE_ALL = 0              # All registers of the model at one capture time, by the schedule.
PROFILE_LOAD = 1             # A row of the meter's own load profile, captured when the meter did.


def schema(
        config: Config, models: dict[str, Model], tenant: str, concentrator: bytes,
        valid_from_s: int,
) -> Schema:
    """What the numbers of this configuration's rows mean.

    Meters stand as in the configuration, so a meter's place there is its index here. Each model
    in use is one register set, in the order of its first meter, and so are schedules; after them
    come the load profiles of those that keep one. `models` is by model name.
    """
    used = _used(config)
    meters = []
    schedules: list[Schedule] = []
    for index, meter in enumerate(config.meters):
        schedule = config.schedules[index]
        if schedule not in schedules:
            schedules.append(schedule)
        own = [used.index(meter.model)]
        profile = profile_set_index(config, models, meter.model)
        if profile is not None:
            own.append(profile)
        meters.append(Meter(meter.serial, meter.delivery_point, meter.model, tuple(own),
                            schedules.index(schedule)))
    sets = [RegisterSet(PROFILE_ALL, registers_of(models[name])) for name in used]
    for name in used:
        columns = profile_columns(models[name])
        if columns:
            sets.append(RegisterSet(PROFILE_LOAD, columns))
    return Schema(tenant, concentrator, valid_from_s, tuple(meters), tuple(sets),
                  tuple(schedules or [config.schedule]))


def profile_columns(model: Model) -> tuple[Register, ...]:
    """What stands in a row of the model's load profile; empty for a model that keeps none.

    A protocol's profile has `columns` of its own (obis, unit, scaler), or names `registers` of the
    model. One that names what the model has not cannot be archived.
    """
    profile = getattr(model.manner, "profile", None)
    if profile is None:
        return ()
    columns = getattr(profile, "columns", None)
    if columns is not None:
        return tuple([Register(column.obis, column.scaler, column.unit) for column in columns])
    found = []
    for name in profile.registers:
        for register in model.registers:
            if name in (register.name, obis_to_text(register.obis)):
                found.append(Register(register.obis, register.scaler, register.unit))
                break
        else:
            return ()
    return tuple(found)


def profile_set_index(config: Config, models: dict[str, Model], model: str) -> int | None:
    """Index of the register set of a model's load profile; None for a model that keeps none."""
    used = _used(config)
    index = len(used)
    for name in used:
        if profile_columns(models[name]):
            if name == model:
                return index
            index += 1
    return None


def register_set_index(config: Config, model: str) -> int:
    """Index of a model's register set in the schema of this configuration."""
    return _used(config).index(model)


def _used(config: Config) -> list[str]:
    """Models in use, in the order of their first meters."""
    used: list[str] = []
    for meter in config.meters:
        if meter.model not in used:
            used.append(meter.model)
    return used
