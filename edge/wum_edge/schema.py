"""The schema message, made of configuration and catalogue.

Left out: when it is sent (uplink/) and what names it (wum_shared.ids.schema_id).
"""

from wum_edge.config import Config
from wum_edge.meters.catalog import Model
from wum_shared.messages import Meter, Register, RegisterSet, Schema

PROFILE_ALL = 0              # All registers of the model at one capture time, by the schedule.


def schema(
        config: Config, models: dict[str, Model], tenant: str, concentrator: bytes,
        valid_from_s: int,
) -> Schema:
    """What the numbers of this configuration's rows mean.

    Meters stand as in the configuration, so a meter's place there is its index here. Each model
    in use is one register set, in the order of its first meter. `models` is by model name.
    """
    used: list[str] = []
    meters = []
    for meter in config.meters:
        if meter.model not in used:
            used.append(meter.model)
        meters.append(Meter(meter.serial, meter.delivery_point, meter.model,
                            (used.index(meter.model),), 0))
    sets = [RegisterSet(PROFILE_ALL, tuple([
        Register(r.obis, r.scaler, r.unit) for r in models[name].registers])) for name in used]
    return Schema(tenant, concentrator, valid_from_s, tuple(meters), tuple(sets),
                  (config.schedule,))


def register_set_index(config: Config, model: str) -> int:
    """Index of a model's register set in the schema of this configuration."""
    used: list[str] = []
    for meter in config.meters:
        if meter.model not in used:
            used.append(meter.model)
    return used.index(model)
