"""Parameters: an API that ignores what it does not know answers another question than was asked.

`?limt=5` or a second `search` is refused, as an unknown field of a body would be.
"""

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute


async def only_known_parameters(request: Request) -> None:
    """Refuse a query parameter that the operation does not have, or that is given twice.

    Raises RequestValidationError.
    """
    route = request.scope["route"]
    assert isinstance(route, APIRoute)
    known = [str(field.alias) for field in route.dependant.query_params]
    given = [name for name, _ in request.query_params.multi_items()]
    mistakes = [_mistake(name, "This operation has no such parameter; it has %s." % (
        ", ".join(known) or "none")) for name in dict.fromkeys(given) if name not in known]
    mistakes += [_mistake(name, "Given %d times, wanted once." % given.count(name))
                 for name in known if given.count(name) > 1]
    if mistakes:
        raise RequestValidationError(mistakes)


def _mistake(name: str, what: str) -> dict[str, object]:
    return {"type": "extra_forbidden", "loc": ("query", name), "msg": what}
