"""A meter that nobody knows proposes its own catalogue entry, and is read by it."""

import json

from tests.simulator.dlms_bench import CODES, NOW_S, Played, read_all, reader_of, wire_of
from wum_edge.meters.catalog import check_model
from wum_edge.meters.dlms.discovery import discover, proposal
from wum_edge.meters.turn import converse


def test_a_discovered_entry_is_a_catalogue_entry_and_reads_the_meter():
    played = Played()
    line, reader = wire_of(played), reader_of(played)
    session = converse(reader.session(), line)
    found = converse(discover(session), line)
    assert len(found.objects) == len(played.cosem.objects) and len(found.registers) == len(CODES)
    model = check_model(json.loads(proposal(found, "found-here", "dlms-hdlc")), "found-here")
    assert model.manner.profile.registers == (
        "active_import_energy", "active_export_energy", "reactive_import_energy",
        "reactive_export_energy")
    assert model.manner.switch and model.manner.events is not None
    reader = reader_of(played, model)
    take = read_all(reader, line, range(len(model.registers)))
    assert take.values == {place: 1000 * place + 7 for place in range(len(CODES))}
    rows = converse(reader.read_profile(NOW_S, NOW_S), line)
    assert rows[0].values == (12, 1012, 2012, 3012)


def test_what_a_meter_lists_and_does_not_grant_is_left_out():
    played = Played()
    played.registers[3].refusals[3] = 3
    line = wire_of(played)
    session = converse(reader_of(played).session(), line)
    found = converse(discover(session), line)
    assert len(found.registers) == len(CODES) - 1
