"""What was put on a board's flash when it was set up: files of JSON, and catalogue entries.

    gateway.json    the configuration, as docs/configuration has it; a line's port is "uart:1"
    keys.json       id, tenant, epoch, uplink, downlink (key and context IV), broker user, password
                    of the workbench; without it a board makes its own, and is claimed
    mesh.json       the key and address of a board in a mesh that has no keys.json
    board.json      wifi, time (host, port), uarts by number: tx, rx and direction pins
    ca.pem          the authority of the broker's certificate
    catalog/        the entries of the models that gateway.json, or the head-end, names

`wum-firmware board` writes them. Over gateway.json lies what the head-end ordered. Left out: what a
configuration must be (config.py).
"""

import json
import os
from binascii import unhexlify
from collections import namedtuple

from wum_edge import config
from wum_edge.configuration.kept import Kept
from wum_edge.configuration.merging import merged
from wum_edge.errors import CatalogError, ConfigError
from wum_edge.meters.catalog import check_model
from wum_edge.ports.micropython import mesh_setting
from wum_edge.ports.micropython.flash import BoardFlash
from wum_edge.uplink.keys import Keys
from wum_shared.ids import id_to_text
from wum_shared.messages import DirectionKey

UART = "uart:"


class NotSetUp(Exception):
    """A file is missing or wrong; the text names it and says what to do."""


class Settings(namedtuple("Settings", (
        "config", "models", "protocols", "keys", "user", "passwords", "board", "own", "kept",
        "claimed", "mesh", "provisioned_s", "warning"))):
    """`models` that are configured, by name; `protocols` of all that are there. `board` is a plain
    dict, `own` reads the document of gateway.json, `kept` is what the head-end ordered. `passwords`
    gives the broker's. `claimed` is claiming.Own, None with keys of the workbench. `keys`, `user`:
    None before the board is let in. `mesh`: keys as mesh.keys_of has them, or None;
    `provisioned_s`: when this flash was made; `warning`: what somebody should know.
    """

    __slots__ = ()


def read_settings(folder, flash):
    """All of it; `flash` is the archive's. Raises NotSetUp."""
    own = _document(folder + "/gateway.json")
    protocols = _protocols(folder + "/catalog")
    kept, warning, found = Kept(flash), "", None
    if kept.current is not None:
        try:
            found = _checked(folder, merged(own, kept.current.parts), protocols)
        except NotSetUp as error:
            warning = ("configuration %d of the head-end does not fit what is set up here any "
                       "more, which is used alone: %s" % (kept.current.number, error))
    checked, models = found or _checked(folder, own, protocols)
    board = _document(folder + "/board.json")
    found = _of_workbench(folder, checked) if "keys.json" in os.listdir(folder) else (
        _of_its_own(folder, checked))
    keys, user, passwords, claimed, mesh, provisioned_s = found
    if mesh is not None and claimed is not None:
        from wum_edge.ports.micropython import mesh_keyring  # Late: most boards have no mesh.
        mesh, why = mesh_keyring.in_force(mesh, claimed.flash)
        warning = warning or why
    # Whoever takes no orders holds no document: it is as large as the state of ten meters.
    return Settings(checked, models, protocols, keys, user, passwords, board,
                    lambda: _document(folder + "/gateway.json"), kept, claimed, mesh,
                    provisioned_s, warning)


def surroundings(folder):
    """What board.json says; where it cannot be read, that MicroPython's console is there."""
    try:
        return _document(folder + "/board.json")
    except NotSetUp:
        return {"console": {}}


def check_document(folder, document):
    """Raises NotSetUp for what is no configuration of this board."""
    _checked(folder, document, _protocols(folder + "/catalog"))


def own_keys(folder):
    """Who this board is, made where it is new; None for keys of the workbench. Raises NotSetUp.
    Late: others load nothing of it.
    """
    from wum_edge.ports.micropython.claiming import BadKeys, Own
    if "keys.json" in os.listdir(folder):
        return None
    try:
        own = Own(BoardFlash(folder + "/keys"))
        own.begin()
    except BadKeys as error:
        raise NotSetUp(str(error))
    except OSError as error:
        raise NotSetUp("its keys cannot be kept: %s" % error)
    return own


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


def _checked(folder, document, protocols):
    """The configuration, and the models in it by name. Raises NotSetUp."""
    try:
        checked = config.check(document, protocols)
    except ConfigError as error:
        raise NotSetUp("gateway.json: " + "; ".join(
            ["%s: wanted %s, got %s" % mistake for mistake in error.mistakes]))
    why = why_not(checked)
    if why:
        raise NotSetUp("gateway.json: " + why)
    models = {}
    for meter in checked.meters:
        if meter.model not in models:
            models[meter.model] = _model(folder + "/catalog", meter.model)
    return checked, models


def _of_its_own(folder, checked):
    """Of a board that is claimed, or waits for that."""
    mesh, provisioned_s = None, 0
    if checked.mesh is not None:
        given = _document(folder + "/mesh.json")
        try:
            mesh, provisioned_s = _mesh_keys(given), given.get("provisioned_s", 0)
        except (KeyError, TypeError, ValueError) as error:
            raise NotSetUp("mesh.json: %r. Set the board up again: wum-firmware board" % error)
    own = own_keys(folder)
    if not own.is_enrolled and checked.broker is None:
        raise NotSetUp("keys/own has no keys: a board without an uplink is not claimed by a code, "
                       "it gets its first keys from the workbench: wum-firmware board --keys")
    if not own.is_enrolled:
        return None, None, None, own, None, 0
    keys = own.epoch_keys()
    return (keys, id_to_text(keys.concentrator), own.passwords, own, mesh, provisioned_s)


def _of_workbench(folder, checked):
    given = _document(folder + "/keys.json")
    try:
        keys = Keys(unhexlify(given["id"]), given["tenant"], given["epoch"],
                    _direction(given["uplink"]), _direction(given["downlink"]))
        if checked.mesh is not None and "mesh" not in given:
            raise NotSetUp("keys.json has no key of the mesh that gateway.json names: wum-firmware "
                           "mesh NETWORK.mesh --admit KEYS, and set the board up again")
        mesh = _mesh_keys(given["mesh"]) if checked.mesh is not None else None
        password = given["broker_password"]
        return (keys, given["broker_user"], lambda: [password], None, mesh,
                given.get("provisioned_s", 0))
    except (KeyError, TypeError, ValueError) as error:
        raise NotSetUp("keys.json: %r. Set the board up again: wum-firmware board" % error)


def _mesh_keys(given):
    from wum_edge.ports.micropython import mesh_keys  # Late: most boards have no mesh.
    return mesh_keys.keys_of(given)


def _direction(given):
    key, context = unhexlify(given[0]), unhexlify(given[1])
    if len(key) != 32 or len(context) != 12:
        raise ValueError("a key of %d and a context IV of %d bytes" % (len(key), len(context)))
    return DirectionKey(key, context)


def _protocols(folder):
    """Of every model that is there, by name. Each entry is read for itself: they take much heap."""
    try:
        names = [name[:-5] for name in os.listdir(folder) if name.endswith(".json")]
    except OSError:
        names = []
    found = {}
    for name in names:
        found[name] = _document("%s/%s.json" % (folder, name)).get("protocol")
    return found


def _model(folder, name):
    """Raises NotSetUp."""
    try:
        return check_model(_document("%s/%s.json" % (folder, name)), name)
    except CatalogError as error:
        raise NotSetUp("catalog/%s.json: %s" % (name, error))


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
