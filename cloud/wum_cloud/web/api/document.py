"""The OpenAPI document: what FastAPI cannot know of the API is added here.

How a caller says who it is, and the one form of every refusal. Left out: pages, which are for
people and stand in no document.
"""

from fastapi import FastAPI

from wum_cloud.web.api.problems import MEDIA_TYPE, Mistake, Problem

_REFUSALS = {
    "401": "Nobody is signed in, or the token is unknown.",
    "403": "The caller's role may not do this, or not for the whole tenant.",
    "404": "There is no such thing, or not for this caller.",
    "422": "The question has mistakes; each is named.",
    "500": "The head-end made a mistake.",
    "503": "The database does not answer; ask again later.",
}
_SECURITY_SCHEMES = {
    "token": {"type": "http", "scheme": "bearer", "description": "Made by `wum-cloud token`."},
    "session": {"type": "apiKey", "in": "cookie", "name": "__Host-wum_session",
                "description": "Of somebody who is signed in to the console."},
}


def complete(app: FastAPI) -> None:
    """Make the document of `app` name security schemes and problem details (RFC 9457)."""
    plain = app.openapi

    def whole() -> dict[str, object]:
        if app.openapi_schema is None:
            app.openapi_schema = _completed(plain())
        return app.openapi_schema

    app.openapi = whole  # type: ignore[method-assign]


def _completed(document: dict[str, object]) -> dict[str, object]:
    components = document.setdefault("components", {})
    paths = document["paths"]
    assert isinstance(components, dict) and isinstance(paths, dict)
    schemas = components.setdefault("schemas", {})
    for form in (Mistake, Problem):
        schema = form.model_json_schema(ref_template="#/components/schemas/{model}")
        schema.pop("$defs", None)
        schemas[form.__name__] = schema
    for stranger in ("HTTPValidationError", "ValidationError"):
        schemas.pop(stranger, None)
    components["securitySchemes"] = _SECURITY_SCHEMES
    document["security"] = [{name: []} for name in _SECURITY_SCHEMES]
    for methods in paths.values():
        for operation in methods.values():
            operation["responses"].update(_refusals())
    return document


def _refusals() -> dict[str, object]:
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": words, "content": content}
            for status, words in _REFUSALS.items()}
