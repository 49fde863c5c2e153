"""What is checked where there is no such account costs what a real check costs."""

import time

from wum_cloud.people.passwords import NOBODYS_HASH, hash_password, is_password


async def cost(kept: str) -> float:
    """Seconds of processor that a wrong password takes; the least of three."""
    taken = []
    for _ in range(3):
        began = time.process_time()
        assert not await is_password(kept, "a password that is wrong")
        taken.append(time.process_time() - began)
    return min(taken)


async def test_nobodys_hash_has_the_form_and_the_cost_of_a_real_one() -> None:
    real = await hash_password("a password that is right")
    assert await is_password(real, "a password that is right")
    form, *rest = ([(len(part), part if "=" in part else "") for part in kept.split("$")]
                   for kept in (real, NOBODYS_HASH))
    assert rest == [form]
    assert await cost(NOBODYS_HASH) > await cost(real) / 2
