"""What the fields of a new meter offer, and that names are taken where ids were."""

import csv

import httpx

from tests.cloud.registry.known_models import COLUMNS, known_models
from tests.cloud.registry.town_file import device
from tests.cloud.web.people import CSRF, People
from tests.cloud.web.test_configuration import imported, people
from wum_cloud.registry.choices import models

__all__ = ["people"]


def test_every_model_of_the_catalogue_is_offered() -> None:
    path = models.Path(models.__file__).parent / "models.csv"
    rows = list(csv.reader(path.read_text(encoding="utf-8").splitlines()))
    assert rows == [list(COLUMNS), *known_models()], (
        "run python tests/cloud/registry/known_models.py > " + str(path))


async def test_fields_offer_what_there_is_by_what_was_typed(
        people: People, system: httpx.AsyncClient) -> None:
    await imported(people, system)
    ana = people.browser("operator")
    for address, there, not_there in (
            ("concentrators?concentrator=CABI", 'value="cabinet 0"', "nothing"),
            ("concentrators?concentrator=" + device(0)[-4:], 'value="cabinet 0"', "nothing"),
            ("concentrators?concentrator=nowhere", "", "<option"),
            ("buses?concentrator=cabinet 0", 'value="rs485">/dev/ttyS1, 9600 8N1', "nothing"),
            ("buses?concentrator=" + device(0), 'value="rs485"', "nothing"),
            ("buses?concentrator=other", "", "<option"),
            ("points?delivery_point=0001", "has meter M0000001", "DP0000002"),
            ("models?model=sdm630", 'value="eastron-sdm630">Eastron SDM630', "nothing"),
            ("models?model=%25", "", "<option"),
            ("sites?branch=strada", 'value="Strada 0">in Ciocana', "UTC"),
            ("sites?branch=nowhere", "", "<option")):
        answer = await ana.get("/choices/" + address)
        assert answer.status_code == 200 and there in answer.text, answer.text
        assert not_there not in answer.text


async def test_a_new_meter_is_added_by_names_and_a_wrong_name_is_marked(
        people: People, system: httpx.AsyncClient) -> None:
    await imported(people, system)
    ana = people.browser("operator")
    form = (await ana.get("/new-meter")).text
    for offered in ('value="cabinet 0"', 'value="eastron-sdm630"', "<option>hourly</option>",
                    'hx-get="/choices/buses"'):
        assert offered in form
    wanted = {"csrf": CSRF, "serial": "N1", "model": "eastron-sdm630", "delivery_point": "DP-N",
              "concentrator": "cabinet 0", "bus": "rs485", "address": "44",
              "schedule": "quarter", "reason": "a new house"}
    wrong = await ana.post("/new-meter", data={**wanted, "concentrator": "cabinet 9"})
    assert wrong.status_code == 422 and "There is no concentrator" in wrong.text
    assert 'value="cabinet 9"' in wrong.text and 'aria-invalid="true"' in wrong.text
    added = await ana.post("/new-meter", data=wanted)
    assert added.status_code == 303 and added.headers["location"] == "/life/N1?done=added"
    life = (await ana.get("/life/N1")).text
    assert 'name="concentrator" required' in life and 'value="cabinet 0"' in life
