"""Accounts of every role, sites in a tree, and another tenant, for the tests of rights."""

import secrets

import httpx
import psycopg

from wum_cloud.people.passwords import hash_of_secret

CSRF = "csrf of the tests"
# The audit trail with the names of who acted and on whom, to be selected from.
TRAIL = """(select e.chain, e.number, e.at, e.act, e.detail, coalesce(f.text, e.address) as address,
                   coalesce(w.text || substr(e.account, 28), e.account) as account,
                   coalesce(s.text, e.subject) as subject
              from audit_entry e
              left join audit_word w on w.chain = e.chain
                    and w.pseudonym = split_part(e.account, ' ', 1)
              left join audit_word s on s.chain = e.chain and s.pseudonym = e.subject
              left join audit_word f on f.chain = e.chain and f.pseudonym = e.address) trail"""


class People:
    """Makes accounts with open sessions, without the cost of a password."""

    def __init__(self, url: str, transport: httpx.ASGITransport) -> None:
        self.url = url
        self._transport = transport

    def do(self, statement: str, *parameters: object) -> int:
        """Run a statement; the number that it returns, where it does."""
        with psycopg.connect(self.url) as connection:
            cursor = connection.execute(statement.encode(), parameters)
            row = cursor.fetchone() if cursor.description else None
        return 0 if row is None else int(row[0])

    def tenant(self, name: str) -> int:
        """Another tenant."""
        return self.do("insert into tenant (name) values (%s) returning tenant_id", name)

    def site(self, name: str, parent: int | None = None, tenant: int = 1) -> int:
        """A site, in another one or at the top."""
        return self.do("insert into site (tenant_id, name, parent_site_id) values (%s, %s, %s)"
                       " returning site_id", tenant, name, parent)

    def in_mesh(self, name: str) -> None:
        """Every concentrator is in the mesh of this name, and has reported."""
        self.do("update concentrator set mesh = %s", name)
        self.do("insert into mesh_station select concentrator_id, 5, 1, 0, 1, now(), now(), true,"
                " 1, 0, 0, 0, 0, 900 from concentrator on conflict do nothing")

    def concentrator(self, device_id: bytes, site: int | None, tenant: int = 1) -> int:
        """A concentrator with one meter, whose serial is its id."""
        number = self.do(
            "insert into concentrator (tenant_id, device_id, identity_key, name, site_id,"
            " broker_password_hash) values (%s, %s, %s, %s, %s, 'x') returning concentrator_id",
            tenant, device_id, bytes(32), device_id.hex(), site)
        point = self.do("insert into delivery_point (tenant_id, name) values (%s, %s)"
                        " returning delivery_point_id", tenant, device_id.hex())
        self.do("insert into meter (tenant_id, serial, model, delivery_point_id, concentrator_id,"
                " period_s, offset_s) values (%s, %s, 'm', %s, %s, 900, 0)",
                tenant, device_id.hex(), point, number)
        return number

    def browser(self, role: str, site: int | None = None, tenant: int = 1,
                name: str | None = None) -> httpx.AsyncClient:
        """A client with a session of a new account. Its forms carry CSRF."""
        token = secrets.token_urlsafe(8)
        account = self.do(
            "insert into account (tenant_id, name, password_hash, role, site_id)"
            " values (%s, %s, 'x', %s, %s) returning account_id", tenant, name or role, role, site)
        self.do("insert into session (token_hash, account_id, csrf_token) values (%s, %s, %s)",
                hash_of_secret(token), account, CSRF)
        return self._client({"Cookie": "wum_session=" + token, "Sec-Fetch-Site": "same-origin"})

    def machine(self, role: str, account: str, *, is_over: bool = False) -> httpx.AsyncClient:
        """A client with a token of `role` that acts as `account`."""
        token = "wum_" + secrets.token_urlsafe(8)
        self.do("insert into api_token (token_hash, account_id, name, role, expires_at)"
                " select %s, account_id, %s, %s, case when %s then now() end"
                " from account where name = %s", hash_of_secret(token), role, role, is_over,
                account)
        return self._client({"Authorization": "Bearer " + token})

    def _client(self, headers: dict[str, str]) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            transport=self._transport, base_url="http://localhost:8000", headers=headers)
