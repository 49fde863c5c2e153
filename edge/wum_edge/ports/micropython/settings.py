"""What was put on a board's flash when it was set up: three files of JSON, and catalogue entries.

    gateway.json    the configuration, as docs/configuration has it; a line's port is "uart:1"
    keys.json       id, tenant, epoch, uplink, downlink (key and context IV), broker user, password
    board.json      wifi, time (host, port), uarts by number: tx, rx and direction pins
    ca.pem          the authority of the broker's certificate
    catalog/        the entries of the models that gateway.json names

`wum-firmware board` writes them. Left out: what a configuration must be (config.py).
"""

import json
import os
from binascii import unhexlify
from collections import namedtuple

from wum_edge import config
from wum_edge.errors import CatalogError, ConfigError
from wum_edge.meters.catalog import check_model
from wum_edge.ports.micropython import mesh_setting
from wum_edge.uplink.keys import Keys
from wum_shared.messages import DirectionKey

UART = "uart:"


class NotSetUp(Exception):
    """A file is missing or wrong; the text names it and says what to do."""


class Settings(namedtuple("Settings", ("config", "models", "keys", "user", "password", "board",
                                       "own", "mesh", "provisioned_s"))):
    """`models` by name; `board` is a plain dict, `own` the document of the configuration; `mesh`
    keys as mesh.keys_of has them, or None; `provisioned_s`: when this flash was made.
    """

    __slots__ = ()


def read_settings(folder):
    """All of it. Raises NotSetUp."""
    own = _document(folder + "/gateway.json")
    models = _models(folder + "/catalog")
    protocols = {}
    for name in models:
        protocols[name] = models[name].protocol
    try:
        checked = config.check(own, protocols)
    except ConfigError as error:
        raise NotSetUp("gateway.json: " + "; ".join(
            ["%s: wanted %s, got %s" % mistake for mistake in error.mistakes]))
    why = why_not(checked)
    if why:
        raise NotSetUp("gateway.json: " + why)
    return _with_keys(folder, checked, models, own)


def surroundings(folder):
    """What board.json says; nothing where it cannot be read."""
    try:
        return _document(folder + "/board.json")
    except NotSetUp:
        return {}


def why_not(checked):
    """Why a board cannot work with a configuration; empty where it can."""
    for line in checked.lines:
        if not line.port.startswith(UART):
            return 'line %s: port: a board has "uart:1", got %s' % (line.name, line.port)
    return "" if checked.mesh is None else mesh_setting.why_not(checked.mesh)


def read_authority(folder):
    """The certificate that the broker's must be signed by. Raises NotSetUp."""
    try:
        with open(folder + "/ca.pem", "rb") as file:
            return file.read()
    except OSError as error:
        raise NotSetUp("ca.pem cannot be read (%s): a board knows no authorities; name ca_file in "
                       "the configuration and set it up again, wum-firmware board" % error)


def _with_keys(folder, checked, models, own):
    board = _document(folder + "/board.json")
    given = _document(folder + "/keys.json")
    try:
        keys = Keys(unhexlify(given["id"]), given["tenant"], given["epoch"],
                    _direction(given["uplink"]), _direction(given["downlink"]))
        if checked.mesh is not None and "mesh" not in given:
            raise NotSetUp("keys.json has no key of the mesh that gateway.json names: wum-firmware "
                           "mesh NETWORK.mesh --admit KEYS, and set the board up again")
        mesh = mesh_setting.keys_of(given["mesh"]) if checked.mesh is not None else None
        return Settings(checked, models, keys, given["broker_user"], given["broker_password"],
                        board, own, mesh, given.get("provisioned_s", 0))
    except (KeyError, TypeError, ValueError) as error:
        raise NotSetUp("keys.json: %r. Set the board up again: wum-firmware board" % error)


def _direction(given):
    key, context = unhexlify(given[0]), unhexlify(given[1])
    if len(key) != 32 or len(context) != 12:
        raise ValueError("a key of %d and a context IV of %d bytes" % (len(key), len(context)))
    return DirectionKey(key, context)


def _models(folder):
    try:
        names = [name for name in os.listdir(folder) if name.endswith(".json")]
    except OSError:
        names = []
    models = {}
    for name in names:
        try:
            model = check_model(_document(folder + "/" + name), name[:-5])
        except CatalogError as error:
            raise NotSetUp("catalog/%s: %s" % (name, error))
        models[model.model] = model
    return models


def _document(path):
    try:
        with open(path) as file:
            found = json.loads(file.read())   # A stream is read byte by byte.
    except OSError as error:
        raise NotSetUp("%s cannot be read (%s): set the board up, wum-firmware board" % (
            path, error))
    except ValueError:
        raise NotSetUp("%s is no JSON: set the board up again, wum-firmware board" % path)
    if not isinstance(found, dict):
        raise NotSetUp("%s: wanted an object" % path)
    return found
