"""The second factor: RFC 6238's own numbers, setting it up, and who gets in with what."""

import html
import re
from types import SimpleNamespace

import httpx
import psycopg
import pyotp
import pytest

from tests.cloud.web.conftest import NAME, PASSWORD, SAME_ORIGIN
from tests.cloud.web.test_sign_in import token_of
from wum_cloud.people.factor import codes

NOW_S = 1234567890
RFC_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # "12345678901234567890", RFC 6238 appendix B.


@pytest.fixture(autouse=True)
def a_clock_that_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    """A step that ends between a code and its use would make a good code an old one."""
    monkeypatch.setattr(codes, "time", SimpleNamespace(time=lambda: NOW_S))


@pytest.mark.parametrize(("at_s", "code"), [
    (59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (1234567890, "005924"),
    (2000000000, "279037"), (20000000000, "353130")])
def test_the_numbers_of_the_standard(at_s: int, code: str) -> None:
    assert codes.step_of(RFC_SECRET, code, at_s) == at_s // 30


@pytest.mark.parametrize("off_s", [-61, -30, 0, 30, 61])
def test_a_clock_may_be_off_by_one_step_and_no_more(off_s: int) -> None:
    code = pyotp.TOTP(RFC_SECRET).at(NOW_S + off_s)
    assert (codes.step_of(RFC_SECRET, code, NOW_S) is not None) == (abs(off_s) <= 30)


@pytest.mark.parametrize("code", ["", "28708", "2870822", "28708a", "287-082", "٢٨٧٠٨٢", "000000"])
def test_what_is_no_code_is_refused(code: str) -> None:
    assert codes.step_of(RFC_SECRET, code, 59) is None
    assert codes.step_of(RFC_SECRET, "287 082", 59) == 1, "applications show a space"


async def try_it(client: httpx.AsyncClient, code: str = "", password: str = PASSWORD) -> int:
    client.cookies.clear()
    return (await client.post("/sign-in", headers=SAME_ORIGIN, data={
        "name": NAME, "password": password, "code": code})).status_code


async def set_up(operator: httpx.AsyncClient) -> str:
    """Switch it on; the secret."""
    csrf = token_of(await operator.get("/account"))
    page = await operator.post("/account/factor", headers=SAME_ORIGIN, data={"csrf": csrf})
    found = re.search(r"<code>([A-Z2-7]{32})</code>", page.text)
    assert found is not None
    assert html.unescape(page.text).count("data:image/svg+xml") == 1
    wrong = await operator.post("/account/factor/confirm", headers=SAME_ORIGIN, data={
        "csrf": csrf, "code": "000000"})
    assert wrong.status_code == 422 and await try_it_apart(operator) == 303, "not in force yet"
    done = await operator.post("/account/factor/confirm", headers=SAME_ORIGIN, data={
        "csrf": csrf, "code": code_of(found[1], -1)})
    assert done.status_code == 303
    return found[1]


async def try_it_apart(operator: httpx.AsyncClient) -> int:
    async with httpx.AsyncClient(
            transport=operator._transport, base_url=operator.base_url) as other:
        return await try_it(other)


def code_of(secret: str, steps: int = 0) -> str:
    return str(pyotp.TOTP(secret).at(NOW_S + 30 * steps))


async def test_with_it_a_password_alone_opens_nothing(
        operator: httpx.AsyncClient, database_url: str) -> None:
    secret = await set_up(operator)
    assert await try_it(operator) == 401
    assert await try_it(operator, "000000") == 401
    assert await try_it(operator, code_of(secret), "a wrong password") == 401
    assert await try_it(operator, code_of(secret)) == 303
    with psycopg.connect(database_url) as connection:
        kept = connection.execute("select totp_sealed from account where name = %s", [NAME])
        assert secret.encode() not in bytes(kept.fetchone()[0])  # type: ignore[index]


async def test_a_code_opens_once_and_an_older_one_never_again(
        operator: httpx.AsyncClient) -> None:
    secret = await set_up(operator)
    assert await try_it(operator, code_of(secret, -1)) == 401, "it was used to set it up"
    assert await try_it(operator, code_of(secret, 1)) == 303
    assert await try_it(operator, code_of(secret, 1)) == 401
    assert await try_it(operator, code_of(secret)) == 401


async def test_wrong_codes_lock_like_wrong_passwords(operator: httpx.AsyncClient) -> None:
    secret = await set_up(operator)
    for _ in range(5):
        assert await try_it(operator, "000000") == 401
    assert await try_it(operator, code_of(secret)) == 401


async def test_it_is_taken_away_by_the_password_or_by_an_administrator(
        operator: httpx.AsyncClient, system: httpx.AsyncClient) -> None:
    secret = await set_up(operator)
    csrf = token_of(await operator.get("/account"))
    wrong = await operator.post("/account/factor/off", headers=SAME_ORIGIN, data={
        "csrf": csrf, "password": "wrong"})
    assert wrong.status_code == 403
    again = await operator.post("/account/factor", headers=SAME_ORIGIN, data={"csrf": csrf})
    assert again.status_code == 409, "a second secret would replace the first one unasked"
    off = await operator.post("/account/factor/off", headers=SAME_ORIGIN, data={
        "csrf": csrf, "password": PASSWORD})
    assert off.status_code == 303 and await try_it_apart(operator) == 303
    secret = await set_up(operator)
    assert (await system.delete("/api/v1/accounts/%s/second-factor" % NAME)).status_code == 204
    assert (await operator.get("/account")).status_code == 303, "its sessions have ended"
    assert await try_it(operator) == 303
    assert secret


async def test_a_row_copied_from_another_account_opens_nothing(
        operator: httpx.AsyncClient, database_url: str) -> None:
    secret = await set_up(operator)
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "update account set totp_is_confirmed = true, totp_sealed ="
            " (select totp_sealed from account where name = %s)", [NAME])
    operator.cookies.clear()
    answer = await operator.post("/sign-in", headers=SAME_ORIGIN, data={
        "name": "root", "password": PASSWORD, "code": code_of(secret)})
    assert answer.status_code != 303 and "set-cookie" not in answer.headers
