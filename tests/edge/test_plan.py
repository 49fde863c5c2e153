"""Whether the meters fit the hour is known before one is mounted."""

from tests.edge.samples import catalog_entry, document, entry
from wum_edge import plan
from wum_edge.config import check
from wum_edge.meters.catalog import check_model, protocols


def twelve():
    """A model with twelve registers of two words side by side."""
    model = entry()
    model["registers"] = [
        {"name": "r%d" % n, "obis": "1-0:%d.8.0" % (n + 1), "function": 4, "address": 2 * n,
         "count": 2, "type": "uint32", "word_order": "big", "scale": "1", "unit": "Wh",
         "scaler": 0} for n in range(12)]
    return model


def planned(change=None, meters=64, models=None):
    """(configuration, catalogue) of a street on one line, read each hour."""
    models = models or {"two-and-one": check_model(twelve())}
    written = document(meters)
    written["schedule"] = {"period_s": 3600}
    if change:
        change(written)
    return check(written, protocols(models)), models


def test_64_modbus_meters_cost_what_was_measured_on_a_paced_wire():
    line = plan.plan(*planned())[0]
    assert line.meters[0].size == 61 and line.meters[0].turns == 1
    assert 5570000 <= line.took_us <= 5590000


def test_each_baud_costs_what_the_wire_takes():
    for baud, tenths in ((2400, 185), (9600, 56), (19200, 34), (115200, 17)):
        config = planned(lambda bad, baud=baud: bad["line"][0].update({"baud": baud}))
        took_us = plan.plan(*config)[0].took_us
        assert abs(took_us - tenths * 100000) <= 60000, (baud, took_us)


def test_what_fits_with_room_to_spare_is_not_worth_a_word():
    assert plan.sentences(*planned()) == [] and plan.fits(*planned())


def test_what_does_not_fit_says_how_long_it_takes_and_what_to_do():
    def change(bad):
        bad["schedule"]["period_s"] = 60
        bad["line"][0]["baud"] = 300
    config = planned(change)
    assert not plan.fits(*config)
    said = ("line a: 64 Modbus meters at 300 baud take 2 min of every 60 s: raise the baud to at "
            "least 1200, or share them among 4 lines.")
    assert plan.sentences(*config) == [said]


def test_what_no_baud_can_do_says_so():
    def change(bad):
        bad["schedule"]["period_s"] = 1
        bad["line"][0]["baud"] = 115200
    said = plan.sentences(*planned(change))
    assert len(said) == 1 and "no baud is enough: share them among 3 lines, or raise" in said[0]


def test_a_tight_plan_is_told_before_it_breaks():
    def change(bad):
        bad["schedule"]["period_s"] = 6
    config = planned(change)
    assert plan.fits(*config)
    assert "which leaves little for re-reads, commands and back-fill" in plan.sentences(*config)[0]


def test_a_meter_with_characters_of_its_own_is_reckoned_with_them():
    def change(bad):
        bad["meter"][0].update({"baud": 300})
    config, models = planned(change, meters=2)
    slow, usual = plan.plan(config, models)[0].meters
    assert slow.took_us > 20 * usual.took_us and slow.setting.baud == 300
    # Another baud of the line changes nothing for it.
    again = plan.plan(config, models, baud=115200)[0].meters
    assert again[0].took_us == slow.took_us and again[1].took_us < usual.took_us


def test_dead_meters_have_a_price_once_and_for_each_sweep():
    line = plan.plan(*planned())[0]
    assert 2000000 <= line.first_us <= 4200000      # Four whole timeouts of 500 ms, and a re-read.
    assert 100000 <= line.dead_us <= 300000         # One probe a sweep.
    few = plan.plan(*planned(meters=2))[0]
    assert few.first_us < line.first_us


def test_64_dlms_meters_at_300_baud_do_not_fit_the_hour():
    models = {"dlms-three-phase": check_model(catalog_entry("dlms-three-phase"))}
    assert plan.profile_columns(models["dlms-three-phase"])

    def change(bad):
        for meter in bad["meter"]:
            meter["model"], meter["address"] = "dlms-three-phase", meter["address"] + 16
        bad["line"][0]["baud"] = 300
    config = planned(change, models=models)
    assert not plan.fits(*config)
    said = plan.sentences(*config)
    assert len(said) == 1 and said[0].startswith("line a: 64 DLMS meters at 300 baud take ")
    assert "raise the baud to at least " in said[0] and " lines." in said[0]
    usual = planned(lambda bad: (change(bad), bad["line"][0].pop("baud")), models=models)
    assert plan.fits(*usual) and plan.sentences(*usual) == []


def test_a_sweep_that_takes_a_quarter_of_the_hour_is_refused_without_any_back_fill():
    short = dict(catalog_entry("dlms-three-phase"))
    del short["profile"]
    models = {"dlms-three-phase": check_model(short)}

    def change(bad):
        for meter in bad["meter"]:
            meter["model"], meter["address"] = "dlms-three-phase", meter["address"] + 16
        bad["line"][0]["baud"] = 300
    config = planned(change, models=models)
    line = plan.plan(*config)[0]
    assert line.fill_us == 0 and line.took_us < 2700 * 1000000     # The hour itself would do.
    assert not plan.fits(*config)
    said = plan.sentences(*config)
    assert len(said) == 1 and "are of one moment only when it ends within 15 min: raise" in said[0]
    usual = planned(lambda bad: (change(bad), bad["line"][0].pop("baud")), models=models)
    assert plan.fits(*usual) and plan.sentences(*usual) == []


def test_under_a_minute_nobody_minds_of_which_moment_a_reading_is():
    assert [plan.spread_s(period_s) for period_s in (6, 60, 240, 900, 3600)] == [
        60, 60, 60, 225, 900]


def test_what_security_and_profile_of_dlms_cost_was_measured_frame_by_frame():
    written = catalog_entry("dlms-three-phase")
    written["registers"] = written["registers"][:12]
    written["profile"] = {"obis": "1-0:99.1.0", "period_s": 3600, "columns": [
        {"register": one["name"]} for one in written["registers"][:4]]}
    written.pop("events", None)
    models = {"dlms-three-phase": check_model(written)}
    keys = {"system_title": "57554d0000000001", "encryption_key": "00" * 16,
            "authentication_key": "11" * 16}
    for access, size, turns in (
            ({}, 535, 5), ({"authentication": "lls", "password": "00000000"}, 560, 5),
            ({"authentication": "hls-md5", "password": "00000000"}, 687, 6),
            ({"authentication": "hls-sha1", "password": "00000000"}, 695, 6),
            (dict(keys, authentication="hls-gmac"), 713, 6),
            (dict(keys, authentication="hls-gmac", protection="encrypted"), 770, 6),
            (dict(keys, authentication="hls-gmac", protection="both"), 866, 6),
            (dict(keys, authentication="hls-gmac", protection="both", dedicated=True), 883, 6)):
        def change(bad, access=access):
            for meter in bad["meter"]:
                meter["model"], meter["address"] = "dlms-three-phase", meter["address"] + 16
                meter["access"] = dict(access, address_bytes=1)
        meter = plan.plan(*planned(change, models=models))[0].meters[0]
        # Momentary values of two bytes are reckoned with four: 16 bytes of these twelve registers.
        assert 0 <= meter.size - size <= size * 0.05 and meter.turns == turns, (access, meter.size)


def test_durations_are_for_people():
    assert [plan.duration(s) for s in (12, 119, 120, 2700, 3600, 7800)] == [
        "12 s", "119 s", "2 min", "45 min", "1 h", "2 h 10 min"]


def test_meters_that_are_read_less_often_take_their_part_of_the_shortest_period():
    def change(bad):
        for meter in bad["meter"][1:]:
            meter["period_s"] = 36000

    often = plan.plan(*planned())[0]
    mixed = plan.plan(*planned(change))[0]
    assert mixed.period_s == 3600 and often.period_s == 3600
    each_us = often.took_us // 64
    assert abs(mixed.took_us - (each_us + 63 * each_us // 10)) <= 64
    assert [meter.period_s for meter in mixed.meters[:2]] == [3600, 36000]
