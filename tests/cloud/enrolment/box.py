"""A concentrator out of its box, and the steps by which it is let in."""

import secrets

from wum_cloud.audit.acts import Actor
from wum_cloud.database import Pool
from wum_cloud.enrolment.accounts import accounts_now
from wum_cloud.enrolment.claims.claiming import Wanted, answer_request, claim
from wum_cloud.enrolment.epochs import Opener
from wum_cloud.enrolment.trust.documents import order_seed
from wum_cloud.joins.first_configuration import first_configuration
from wum_cloud.registry.cipher import SodiumAgreement, SodiumCipher, SodiumSigner
from wum_cloud.registry.keys import Vault
from wum_cloud.registry.reach import Reach
from wum_shared import enrolment
from wum_shared.claim import code_to_text, secrets_of
from wum_shared.ids import concentrator_id

HERE = Reach(1)
INES = Actor(1, "ines", "::1")


class Box:
    """A concentrator out of its box."""

    def __init__(self) -> None:
        self.code = secrets.token_bytes(16)
        self.seed = secrets.token_bytes(32)
        self.key = SodiumSigner.public(self.seed)
        self.id = concentrator_id(self.key)
        self.secrets = secrets_of(self.code)
        self.nonce = secrets.token_bytes(16)

    def request(self) -> bytes:
        return enrolment.make_request(
            SodiumSigner(), self.seed, self.key, self.secrets, self.nonce)

    def grant(self, sealed: bytes) -> enrolment.Grant:
        return enrolment.open_grant(SodiumCipher(), self.secrets, self.nonce, sealed)

    def opening(self, trust: bytes, epoch: int, secret: bytes) -> bytes:
        return enrolment.make_opening(
            SodiumSigner(), self.seed, self.id, epoch, trust, SodiumAgreement().public(secret))

    def check(
            self, answer: bytes, trust: bytes, epoch: int, secret: bytes) -> enrolment.Opened:
        """What an answer says that is good."""
        uplink = parts(trust)[1]
        _, down = enrolment.epoch_keys(
            SodiumAgreement(), secret, uplink, trust, self.id, epoch)
        return enrolment.check_opened(
            SodiumCipher(), down, self.id, epoch, "default", answer)


def named_root(trust: bytes) -> bytes:
    """The root of the documents after this one."""
    return enrolment.named_root(trust, bytes(32))


def parts(trust: bytes) -> tuple[int, bytes]:
    """(number, uplink key) of a trust document."""
    trusted = enrolment.kept_trust(named_root(trust), trust)
    return trusted.number, trusted.uplink_key


FIRST = first_configuration(order_seed)


async def claimed(pool: Pool, vault: Vault, box: Box, name: str = "cabinet", **more: object) -> int:
    async with pool.connection() as connection:
        return await claim(connection, vault, HERE, INES, Wanted(
            code_to_text(box.code), name, **more))  # type: ignore[arg-type]


async def request(pool: Pool, vault: Vault, box: Box) -> enrolment.Grant:
    async with pool.connection() as connection:
        topic, sealed = await answer_request(
            connection, vault, box.secrets.name, box.request(), FIRST)
    assert topic == "wum/0/%s/down/enrol" % box.secrets.name.hex()
    return box.grant(sealed)


async def opened(pool: Pool, vault: Vault, box: Box, message: bytes) -> bytes:
    async with pool.connection() as connection:
        topic, sealed = await Opener(vault).answer(connection, box.id, message)
    assert topic == "wum/0/%s/down/enrol" % box.id.hex()
    return sealed


async def users(pool: Pool) -> set[str]:
    async with pool.connection() as connection:
        accounts, _ = await accounts_now(connection)
    return {account.device_id.hex() for account in accounts}


async def enrolled(pool: Pool, vault: Vault) -> tuple[Box, bytes]:
    """A concentrator with the keys of epoch 1, and its trust document."""
    box = Box()
    await claimed(pool, vault, box, box.id.hex())
    trust = (await request(pool, vault, box)).trust
    await opened(pool, vault, box, box.opening(trust, 1, secrets.token_bytes(32)))
    return box, trust
