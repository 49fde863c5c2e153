"""The schema message, made of configuration and catalogue.

Left out: when it is sent (uplink/) and what names it (wum_shared.ids.schema_id).
"""

from wum_edge.config import Config
from wum_edge.meters.catalog import Model
from wum_edge.meters.timekeeping import CLOCK, keeps_time
from wum_edge.portions import Portion, split
from wum_shared.messages import Meter, Register, RegisterSet, Schedule, Schema
from wum_shared.obis import obis_to_text

PROFILE_ALL = 0              # All registers of the model at one capture time, by the schedule.
PROFILE_LOAD = 1             # A row of the meter's own load profile, captured when the meter did.


def schema(
        config: Config, models: dict[str, Model], tenant: str, concentrator: bytes,
        valid_from_s: int,
) -> Schema:
    """What the numbers of this configuration's rows mean.

    Meters stand as in the configuration, so a meter's place there is its index here. Register sets
    are in the order of `Sets`, schedules in that of the first meter that has them. `models` is by
    model name.
    """
    sets = Sets(config, models)
    meters = []
    schedules: list[Schedule] = []
    for index, meter in enumerate(config.meters):
        portions = sets.of(index)
        for portion in portions:
            if portion.schedule not in schedules:
                schedules.append(portion.schedule)
        own = [portion.register_set for portion in portions]
        due = [schedules.index(portion.schedule) for portion in portions]
        profile = sets.profile(meter.model)
        if profile is not None:
            own.append(profile)
            due.append(due[0])
        meters.append(Meter(meter.serial, meter.delivery_point, meter.model, tuple(own),
                            tuple(due)))
    return Schema(tenant, concentrator, valid_from_s, tuple(meters), sets.registers(),
                  tuple(schedules or [config.schedule]))


class Sets:
    """The register sets of a configuration and their indices in its schema: what each meter's model
    is read in, in the order of the first meter that has it; after them the load profiles of the
    models that keep one.
    """

    def __init__(self, config: Config, models: dict[str, Model]) -> None:
        self._models = models
        self._kinds: list[tuple[str, tuple[int, ...], bool]] = []
        self._portions = [self._split(config, index) for index in range(len(config.meters))]
        self._profiles = [name for name in _used(config) if profile_columns(models[name])]

    def of(self, index: int) -> "tuple[Portion, ...]":
        """The portions of a meter, by its place in the configuration."""
        return self._portions[index]

    def profile(self, model: str) -> int | None:
        """Index of the set of a model's load profile; None for a model that keeps none."""
        if model not in self._profiles:
            return None
        return len(self._kinds) + self._profiles.index(model)

    def registers(self) -> tuple[RegisterSet, ...]:
        """All of them, as a schema has them."""
        sets = []
        for name, places, has_clock in self._kinds:
            own = self._models[name].registers
            columns = [Register(own[p].obis, own[p].scaler, own[p].unit) for p in places]
            sets.append(RegisterSet(PROFILE_ALL, tuple(columns + [CLOCK] * has_clock)))
        for name in self._profiles:
            sets.append(RegisterSet(PROFILE_LOAD, profile_columns(self._models[name])))
        return tuple(sets)

    def _split(self, config: Config, index: int) -> "tuple[Portion, ...]":
        model = self._models[config.meters[index].model]
        codes = [register.obis for register in model.registers]
        found: list[Portion] = []
        for schedule, places in split(
                codes, config.schedules[index], list(config.register_sets[index])):
            has_clock = not found and keeps_time(model)      # It stands in one row of a visit.
            kind = (model.model, places, has_clock)
            if kind not in self._kinds:
                self._kinds.append(kind)
            found.append(Portion(self._kinds.index(kind), places, has_clock, schedule))
        return tuple(found)


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


def _used(config: Config) -> list[str]:
    """Models in use, in the order of their first meters."""
    used: list[str] = []
    for meter in config.meters:
        if meter.model not in used:
            used.append(meter.model)
    return used
