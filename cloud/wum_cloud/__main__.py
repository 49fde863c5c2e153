"""`wum-cloud`: the head-end's command line. Every subcommand imports its own rooms when it runs.

Left out: what the subcommands do. A mistake of the person or the world ends in one sentence on
standard error and exit code 1; a mistake of ours in a traceback.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from pathlib import Path

from wum_cloud import logs
from wum_cloud.commands.network_keys.arguments import add_network_key
from wum_cloud.commands.sessions.arguments import add_session
from wum_cloud.expected import expected
from wum_cloud.ingest.ripples.arguments import add_ripple
from wum_cloud.people.arguments import add_people
from wum_cloud.registry.arguments import add_meter, add_registry
from wum_cloud.settings import Settings, required, settings_from

_Command = Callable[[Settings, argparse.Namespace], Awaitable[int] | int]


def main() -> None:
    """Entry point of the console script."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command line (without the program's name); return the exit code."""
    parsed = _parser().parse_args(arguments)
    try:
        settings = settings_from(os.environ)
        logs.begin(settings.log)
        outcome = parsed.command(settings, parsed)
        return outcome if isinstance(outcome, int) else asyncio.run(outcome)
    except expected() as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="wum-cloud", description="The WUM head-end. Settings come from the environment.")
    parser.add_argument("--version", action="version", version="wum-cloud " + version("wum-cloud"))
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, command: _Command, help_: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=help_, description=help_)
        added.set_defaults(command=command)
        return added

    add("migrate", _migrate, "Bring the database up to date; make the key file where it is new.")
    register = add("register", _register, "Register a concentrator from its registration file.")
    register.add_argument("file", type=Path, metavar="FILE")
    register.add_argument("--name", help="what people call it (default: its id)")
    register.add_argument("--site", help="where it stands; made where it is new")
    register.add_argument("--time-zone", help="IANA name of the site's time zone")
    register.add_argument("--mesh", metavar="NAME", help="the mesh that it is in: those of one "
                          "name may be carried by its gateways")
    register.add_argument("--carries", action=argparse.BooleanOptionalAction, help="whether it is "
                          "a gateway of its mesh, which speaks and hears for the others")
    register.add_argument("--trust-to", type=Path, metavar="DIR", help="write the trust document "
                          "there, for its folder of keys: with it keys change by themselves")
    files = add("broker-files", _broker_files, "Write mosquitto's password and rights files.")
    files.add_argument("folder", type=Path, metavar="DIR")
    files.add_argument("--certificate", type=Path, metavar="FILE", help="write mosquitto.conf too: "
                       "TLS with this certificate, nobody anonymous")
    files.add_argument("--key", type=Path, metavar="FILE", help="the certificate's key")
    files.add_argument("--port", type=int, default=8883, help="of TLS (default: 8883)")
    files.add_argument("--head-end-port", type=int, default=8884, help="the head-end's own, with "
                       "TLS: WUM_BROKER_PORT (default: 8884)")
    files.add_argument("--head-end-host", default="127.0.0.1", help="the address that it listens "
                       "on (default: 127.0.0.1)")
    files.add_argument("--plain-port", type=int, help="without TLS too, for this machine alone "
                       "(default: none)")
    _add_enrolment(add)
    add_ripple(add, _ripple)
    add_network_key(add, _network_key)
    add_session(add, _session)
    add("ingest", _ingest, "Store what concentrators send, then acknowledge it.")
    add("web", _web, "Serve the API and the console.")
    for name, what in (
            ("backup", "Write database, key file and broker password into one sealed file."),
            ("restore", "Read such a file into an empty database.")):
        kept = add(name, _backup, what)
        kept.set_defaults(is_back=name == "restore")
        kept.add_argument("file", type=Path, metavar="FILE")
        kept.add_argument("--passphrase-file", type=Path, required=True, metavar="FILE",
                          help="holds the passphrase, for its owner alone")
    add("doctor", _doctor, "Say what is missing or misconfigured; exit code 1 if anything is.")
    _add_people(add)
    return parser


_Add = Callable[[str, _Command, str], argparse.ArgumentParser]


def _add_enrolment(add: _Add) -> None:
    trust = add("trust", _trust, "Make the next trust document: a new uplink key, signed by the "
                "root. Concentrators take it when they open their next epoch.")
    trust.add_argument("root", type=Path, metavar="ROOT.KEY", help="the root's key; made where it "
                       "is new. Keep it off this machine")
    trust.add_argument("--next-root", type=Path, metavar="NEW.KEY", help="another root, made where "
                       "it is new, signs the documents after this one; bring it the next time")
    trust.add_argument("--approver", metavar="KEY", action="append", help="public key "
                       "(`wum-firmware approver`) of one who may sign above the cap of a "
                       "concentrator; all of them, each time that they change. --approver none: "
                       "nobody from now on")
    trust.add_argument("--consents", metavar="N", type=int, default=1, help="how many of them have "
                       "to sign (default: %(default)s)")
    trust.add_argument("--destroy", action="store_true", help="forget the uplink key before this "
                       "one at once, not after 52 days: for one that may have been stolen")
    passwords = add("new-passwords", _new_passwords, "Give every concentrator another password at "
                    "the broker, with its next epoch; every 30 days it happens by itself.")
    passwords.add_argument("--head-end", action="store_true", help="the head-end's own instead, "
                           "at once")
    passwords.add_argument("--tenant", default="default")
    add("new-key-file", _new_key_file, "Put another key into WUM_KEY_FILE and seal every secret of "
        "the database with it. Stop ingest and web first.")
    claim = add("claim", _claim, "Let a new concentrator in, when it comes with this claim code.")
    claim.add_argument("code", metavar="CODE", help="as its label or `wum-edge claim` shows it; - "
                       "reads it from standard input, where no list of processes shows it")
    claim.add_argument("--name", required=True, help="what it is to be called")
    claim.add_argument("--site", help="where it stands")
    claim.add_argument("--hours", type=int, default=24, help="how long it may take (default: 24)")
    claim.add_argument("--tenant", default="default")
    revoke = add("revoke", _revoke, "Take nothing of a concentrator any more.")
    revoke.add_argument("id", metavar="ID", help="16 hexadecimal digits")
    revoke.add_argument("--tenant", default="default")


def _add_people(add: _Add) -> None:
    add_people(add, _token, _password, _account)
    site = add("site", _site, "Put a site into the tree of sites.")
    site.add_argument("name", metavar="NAME")
    site.add_argument("--under", required=True, metavar="PARENT", help="the site that it lies in; "
                      "empty: in none")
    site.add_argument("--tenant", default="default")
    add_registry(add, _registry)
    add_meter(add, _meter)
    audit = add("audit", _audit, "Check the audit trail, or write it into a file.")
    audit.add_argument("act", choices=("verify", "export"))
    audit.add_argument("file", nargs="?", type=Path, metavar="FILE", help="where the export goes; "
                       "or the export to check, instead of the database")
    audit.add_argument("--anchor", type=Path, metavar="FILE", help="a file on another machine "
                       "that keeps the ends of the chains from one check to the next")


async def _migrate(settings: Settings, _: argparse.Namespace) -> int:
    from wum_cloud.database import migrate
    from wum_cloud.registry.keys import make_key_file
    applied = await migrate(settings.database_url)
    for name in applied:
        print("Applied %s." % name)
    if not applied:
        print("The database is up to date.")
    if settings.key_file is not None and make_key_file(settings.key_file):
        print("Made a new key file: %s. Back it up apart from the database: without it no "
              "concentrator's message can be opened." % settings.key_file)
    return 0


async def _register(settings: Settings, arguments: argparse.Namespace) -> int:
    from wum_cloud.database import connect
    from wum_cloud.registry.keys import open_vault
    from wum_cloud.registry.register import Wishes, register
    vault = open_vault(required(
        settings.key_file, "WUM_KEY_FILE", "the key file that `wum-cloud migrate` makes"))
    wishes = Wishes(arguments.name, arguments.site, arguments.time_zone, arguments.mesh,
                    arguments.carries)
    async with await connect(settings.database_url) as connection:
        device_id, tenant = await register(connection, vault, arguments.file, wishes)
        if arguments.trust_to is not None:
            from wum_cloud.enrolment.trust.handing import hand_trust
            print(await hand_trust(connection, arguments.trust_to, tenant))
    print("Registered concentrator %s for tenant %s. Write the broker's files again: "
          "wum-cloud broker-files DIR." % (device_id.hex(), tenant))
    return 0


async def _broker_files(settings: Settings, arguments: argparse.Namespace) -> int:
    from wum_cloud.database import connect
    from wum_cloud.enrolment.accounts import accounts_now
    from wum_cloud.registry.broker_files import (
        Listeners,
        write_broker_files,
        write_configuration,
    )
    password_file = required(
        settings.broker_password_file, "WUM_BROKER_PASSWORD_FILE",
        "the head-end's broker password, which is made where it is new")
    async with await connect(settings.database_url) as connection:
        accounts, meshes = await accounts_now(connection)
    write_broker_files(arguments.folder, accounts, settings.broker_user, password_file, meshes)
    if arguments.certificate is not None and arguments.key is not None:
        write_configuration(arguments.folder, Listeners(
            arguments.certificate, arguments.key, arguments.port,
            arguments.head_end_port, arguments.head_end_host, arguments.plain_port))
    print("Wrote passwords and acl for %d concentrators and the head-end into %s." % (
        len(accounts), arguments.folder))
    return 0


async def _ingest(settings: Settings, _: argparse.Namespace) -> int:
    from wum_cloud.campaigns.serving.keeper import campaigning
    from wum_cloud.commands.sending.keeper import commanding
    from wum_cloud.enrolment.accounts import keeping_accounts
    from wum_cloud.enrolment.destroying import destroying
    from wum_cloud.enrolment.keeper import enrolling
    from wum_cloud.enrolment.trust.documents import order_seed
    from wum_cloud.figures.telling import telling
    from wum_cloud.history.keeper import keeping
    from wum_cloud.ingest.downlink import Downlink
    from wum_cloud.ingest.process import serve
    from wum_cloud.joins.first_configuration import first_configuration
    from wum_cloud.ledger.keeper import keep
    counters = Downlink()
    return await serve(settings, [
        keep, keeping(settings.keep_days), keeping_accounts(settings),
        enrolling(settings, first_configuration(order_seed)),
        destroying, commanding(settings, order_seed, counters),
        campaigning(settings, counters), telling("ingest")])


async def _trust(settings: Settings, arguments: argparse.Namespace) -> int:
    from wum_cloud.enrolment.trust.documents import approvers_of, make_document
    from wum_cloud.registry.keys import open_vault
    vault = open_vault(required(
        settings.key_file, "WUM_KEY_FILE", "the key file that `wum-cloud migrate` makes"))
    number = await make_document(
        settings.database_url, vault, arguments.root, arguments.next_root,
        destroys=arguments.destroy,
        approvers=approvers_of(arguments.approver, arguments.consents))
    print("Trust document %d is in force. Keep %s off this machine: whoever has it can speak for "
          "the head-end." % (number, arguments.next_root or arguments.root))
    return 0


async def _new_passwords(settings: Settings, arguments: argparse.Namespace) -> int:
    if not arguments.head_end:
        from wum_cloud.enrolment.passwords import make_due
        return await make_due(settings.database_url, arguments.tenant)
    from wum_cloud.registry.broker_files import change_password
    change_password(required(
        settings.broker_password_file, "WUM_BROKER_PASSWORD_FILE", "the broker password"))
    print("The head-end has a new password at the broker. Where WUM_BROKER_FOLDER is set, ingest "
          "tells the broker; else run `wum-cloud broker-files` and let the broker read them.")
    return 0


async def _new_key_file(settings: Settings, _: argparse.Namespace) -> int:
    from wum_cloud.registry.rekeying.commands import new_key_file
    return await new_key_file(settings.database_url, required(
        settings.key_file, "WUM_KEY_FILE", "the key file that `wum-cloud migrate` makes"))


async def _claim(settings: Settings, arguments: argparse.Namespace) -> int:
    from wum_cloud.enrolment.claims.claiming import Wanted
    from wum_cloud.enrolment.commands import claim
    from wum_cloud.registry.keys import open_vault
    vault = open_vault(required(
        settings.key_file, "WUM_KEY_FILE", "the key file that `wum-cloud migrate` makes"))
    code = sys.stdin.readline() if arguments.code == "-" else arguments.code
    return await claim(settings.database_url, vault, arguments.tenant, Wanted(
        code, arguments.name, arguments.site, arguments.hours))


async def _session(settings: Settings, arguments: argparse.Namespace) -> int:
    from wum_cloud.commands.sessions.lending import lend
    from wum_cloud.enrolment.trust.documents import order_seed
    from wum_cloud.ingest.downlink import Downlink
    return await lend(settings, order_seed, Downlink(), arguments.number, arguments.listen)


async def _ripple(settings: Settings, arguments: argparse.Namespace) -> int:
    from wum_cloud.ingest.ripples.commands import Wish, ripple
    return await ripple(settings.database_url, Wish(
        arguments.tenant, arguments.mesh, arguments.group, arguments.after_s, arguments.wait,
        arguments.file))


async def _network_key(settings: Settings, arguments: argparse.Namespace) -> int:
    from wum_cloud.commands.network_keys.commands import network_key
    return await network_key(settings, arguments)


async def _revoke(settings: Settings, arguments: argparse.Namespace) -> int:
    from wum_cloud.enrolment.commands import revoke
    return await revoke(settings.database_url, arguments.tenant, arguments.id)


def _web(settings: Settings, _: argparse.Namespace) -> int:
    from wum_cloud.web.server import serve
    return serve(settings)


async def _doctor(settings: Settings, _: argparse.Namespace) -> int:
    from wum_cloud.doctor import examine
    return await examine(settings)


async def _backup(settings: Settings, arguments: argparse.Namespace) -> int:
    from wum_cloud.backup.commands import backup, restore
    act = restore if arguments.is_back else backup
    return await act(settings, arguments.file, arguments.passphrase_file)


async def _token(settings: Settings, arguments: argparse.Namespace) -> int:
    from wum_cloud.people import commands
    if arguments.act == "list":
        return await commands.print_tokens(settings, arguments.tenant)
    if not arguments.name:
        return _nameless("token", arguments)
    if arguments.act == "create":
        return await commands.print_new_token(
            settings, arguments.name, arguments.account, arguments.role, arguments.days)
    return await commands.revoke(settings, arguments.tenant, arguments.name)


async def _password(settings: Settings, arguments: argparse.Namespace) -> int:
    from wum_cloud.people.commands import print_new_password
    return await print_new_password(settings.database_url, arguments.name)


async def _account(settings: Settings, arguments: argparse.Namespace) -> int:
    from wum_cloud.people import commands
    from wum_cloud.people.members.arrange import Place
    act, tenant, name = arguments.act, arguments.tenant, arguments.name
    if act == "list":
        return await commands.print_accounts(settings, tenant)
    if not name:
        return _nameless("account", arguments)
    if act == "add":
        return await commands.print_new_account(settings, tenant, name, Place(
            arguments.role or "(none)", arguments.branch or None))
    if act == "factor-off":
        return await commands.drop_factor(settings, tenant, name)
    if act in ("export", "forget"):
        from wum_cloud.people.personal import commands as personal
        run = personal.print_data if act == "export" else personal.forget
        return await run(settings.database_url, tenant, name)
    is_disabled = {"disable": True, "enable": False}.get(act)
    return await commands.change_account(
        settings, tenant, name, arguments.role, arguments.branch, is_disabled)


async def _site(settings: Settings, arguments: argparse.Namespace) -> int:
    from wum_cloud.registry.sites.commands import move
    return await move(settings.database_url, arguments.tenant, arguments.name,
                      arguments.under or None)


async def _registry(settings: Settings, arguments: argparse.Namespace) -> int:
    from wum_cloud.registry.bulk import commands
    if arguments.act == "export":
        return await commands.export_file(
            settings.database_url, arguments.tenant, arguments.file)
    return await commands.import_file(
        settings.database_url, arguments.tenant, arguments.file, dry_run=arguments.dry_run)


async def _meter(settings: Settings, arguments: argparse.Namespace) -> int:
    from wum_cloud.joins.meter_acts import act
    return await act(settings.database_url, arguments)


async def _audit(settings: Settings, arguments: argparse.Namespace) -> int:
    from wum_cloud.audit import commands
    if arguments.act == "verify":
        if arguments.file is not None:
            return commands.verify_file(arguments.file)
        return await commands.verify(settings.database_url, arguments.anchor)
    if arguments.file is None:
        print("wum-cloud audit export: the FILE is missing.", file=sys.stderr)
        return 2
    return await commands.export(settings.database_url, arguments.file)


def _nameless(command: str, arguments: argparse.Namespace) -> int:
    print("wum-cloud %s %s: the %s's NAME is missing." % (command, arguments.act, command),
          file=sys.stderr)
    return 2


if __name__ == "__main__":
    main()
