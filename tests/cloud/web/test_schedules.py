"""Schedules in the console and over the API: made, changed, refused, used by meters, forgotten."""

import httpx

from tests.cloud.web.people import CSRF, People
from tests.cloud.web.test_configuration import API, WHY, become, imported, people

__all__ = ["people"]
URL = "/api/v1/schedules"


def fields(name: str, **more: object) -> dict[str, object]:
    return {"csrf": CSRF, "name": name, "every": "1", "unit": "h", **more}


async def test_a_schedule_with_parts_reaches_the_configuration_of_its_meters(
        people: People, system: httpx.AsyncClient) -> None:
    await imported(people, system)
    ana = people.browser("operator")
    for name, more in (("volts", {"registers": "32.7.0  52.7.0"}),
                       ("billing", {"registers": "*.8.1", "unit": "d", "offset_s": "60"}),
                       ("hourly", {"every": "15", "unit": "min", "parts": ["volts", "billing"]})):
        done = await ana.post("/schedules", data=fields(name, **more))
        assert done.status_code == 303, done.text
    listed = {one["name"]: one for one in (await system.get(URL)).json()["items"]}
    assert listed["volts"]["registers"] == "32.7.0 52.7.0" and listed["volts"]["meters"] == 0
    assert listed["billing"]["period_s"] == 86400 and listed["billing"]["part_of"] == ["hourly"]
    assert listed["hourly"]["parts"] == ["volts", "billing"] and listed["hourly"]["meters"] == 4
    wanted = (await system.get(API)).json()["wanted"]
    assert [one["name"] for one in wanted["register_set"]] == ["billing", "volts"]
    assert {one["register_sets"] for one in wanted["meter"]} == {"volts billing"}
    assert (await system.post(API, json=WHY)).status_code == 202
    become(people, "done")
    await ana.post("/schedules", data=fields("volts", registers="*.7.0", every="30", unit="min"))
    assert (await system.get(API)).json()["changes"] == [
        {"what": "register set volts.registers", "before": "32.7.0 52.7.0", "after": "*.7.0"},
        {"what": "register set volts, schedule", "before": "every 1 h", "after": "every 30 min"}]
    shown = (await ana.get("/schedules")).text
    assert "every 15 min" in shown and "part of hourly" in shown and "*.7.0" in shown
    form = (await ana.get("/schedules/edit?name=hourly")).text
    assert 'value="billing" checked' in form and 'value="volts" checked' in form
    assert "4 meters are read by it" in form and "readonly" in form
    assert people.do("select count(*) from audit_entry where act = 'schedule saved'"
                     " and subject = 'volts' and detail ->> 'before' = %s",
                     "every 3600 s, offset 0 s, registers 32.7.0 52.7.0") == 1


async def test_what_a_schedule_cannot_be_is_said_at_its_field(
        people: People, system: httpx.AsyncClient) -> None:
    await imported(people, system)
    ana = people.browser("operator")
    assert (await system.put(URL + "/volts", json={
        "period_s": 3600, "registers": "32.7.0"})).status_code == 204
    for name, wanted, said in (
            ("x", {"period_s": 60, "offset_s": 60}, "less than the period"),
            ("x", {"period_s": 60, "registers": "32.7"}, "C.D.E or A-B:C.D.E"),
            ("x", {"period_s": 60, "parts": ["hourly"]}, "of which registers they are"),
            ("x", {"period_s": 60, "parts": ["nowhere"]}, "of which registers they are"),
            ("x", {"period_s": 60, "parts": ["volts", "volts"]}, "each once"),
            ("x", {"period_s": 60, "parts": ["volts"], "registers": "1.8.0"}, "has none itself"),
            ("hourly", {"period_s": 60, "registers": "1.8.0"}, "4 meters are read by hourly"),
            ("a#b", {"period_s": 60}, "without space and / + #")):
        refused = await system.put(URL + "/" + name.replace("#", "%23"), json=wanted)
        assert refused.status_code == 422 and said in refused.text, refused.text
    for wanted in ({"period_s": 0}, {"period_s": 86401}, {"period_s": "often"}, {}):
        assert (await system.put(URL + "/x", json=wanted)).status_code == 422
    shown = await ana.post("/schedules", data=fields("volts", is_new="yes"))
    assert shown.status_code == 422 and "There is a schedule volts already" in shown.text
    assert 'id="name"' in shown.text and 'aria-invalid="true"' in shown.text
    assert (await system.get(URL)).json()["items"][-1]["registers"] == "32.7.0", "as it was"
    meter = await ana.post("/meter-acts/schedule", data={
        "csrf": CSRF, "serial": "M0000001", "schedule": "volts"})
    assert meter.status_code == 422 and "no schedule &#34;volts&#34; for whole" in meter.text


async def test_only_what_nothing_has_is_forgotten(
        people: People, system: httpx.AsyncClient) -> None:
    await imported(people, system)
    await system.put(URL + "/volts", json={"period_s": 3600, "registers": "32.7.0"})
    await system.put(URL + "/whole", json={"period_s": 900, "parts": ["volts"]})
    for name, said in (("hourly", "4 meters are read by hourly"), ("volts", "a part of whole")):
        refused = await system.delete(URL + "/" + name)
        assert refused.status_code == 422 and said in refused.text
    assert (await system.put(URL + "/volts", json={"period_s": 60})).status_code == 422
    ana = people.browser("operator")
    for name in ("whole", "volts"):
        done = await ana.post("/schedules/remove", data={"csrf": CSRF, "name": name})
        assert done.status_code == 303
    assert (await system.delete(URL + "/whole")).status_code == 404
    assert [one["name"] for one in (await system.get(URL)).json()["items"]] == [
        "hourly", "quarter"]
