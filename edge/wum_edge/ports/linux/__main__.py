"""The command line of the gateway on Linux: wum-edge.

Left out: what the commands do; each is a function of its own file.
"""

import argparse
import importlib.metadata
import logging
import sys
from pathlib import Path

from wum_edge.ports.linux import catalog_commands, meter_commands
from wum_edge.ports.linux.bad_question import BadQuestion
from wum_edge.ports.linux.catalog_files import BadCatalogFiles
from wum_edge.ports.linux.config_file import BadConfigFile

DONE = 0
NO_READING = 1       # The meter or the gateway could not do what was asked.
BAD_INPUT = 2        # The command line, the configuration or the catalogue is to be mended.

_EPILOG = """exit codes:
  0  done
  1  it could not be done: the meter gave no reading, the gateway cannot start,
     the plan does not fit
  2  the command line, the configuration or the catalogue is to be mended

examples:
  wum-edge check-config --config /etc/wum/edge.toml
  wum-edge plan --config /etc/wum/edge.toml
  wum-edge mesh --config /etc/wum/edge.toml
  wum-edge read SDM-0001 --config /etc/wum/edge.toml
  wum-edge run --config /etc/wum/edge.toml
  wum-edge discover E450-1 --config /etc/wum/edge.toml
  wum-edge discover cellar --config /etc/wum/edge.toml
  wum-edge decode recording.hex
  wum-edge meter limiter E450-1 --config /etc/wum/edge.toml
  wum-edge catalog list --protocol modbus-rtu
  wum-edge catalog try eastron-sdm630 --port /dev/ttyUSB0 --address 1
"""


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    options = _parser().parse_args(arguments)
    try:
        if options.command == "run":
            # The gateway needs the archive, the broker and the keys, and keeps what it imports for
            # years: the other commands need none of that, and it none of what they need.
            from wum_edge.ports.linux import starting
            return starting.run(options.config, options.status_s, options.epoch_s, options.log)
        from wum_edge.ports.linux import ask, decode, discover, meter_actions, planner
        logging.getLogger("wum_edge").addHandler(logging.NullHandler())  # Sentences say it all.
        if options.command in ("claim", "enrol"):
            return _enrolment(options)
        if options.command == "check-config":
            return ask.check_config(options.config, sys.stdout)
        if options.command == "reset":
            from wum_edge.ports.linux import reset
            return reset.reset(options.config, sys.stdout, is_sure=options.sure,
                               gives_up=options.give_up_readings)
        if options.command == "mesh":
            from wum_edge.ports.linux import mesh_picture
            from wum_edge.ports.linux.config_file import archive_of
            return mesh_picture.show(archive_of(options.config), sys.stdout)
        if options.command == "plan":
            return planner.print_plan(options.config, sys.stdout)
        if options.command == "read":
            return ask.read_meter(options.meter, options.config, sys.stdout, sys.stderr)
        if options.command == "discover":
            return discover.discover_meter(options.meter, options.config, sys.stdout, sys.stderr,
                                           primary=options.primary)
        if options.command == "decode":
            return decode.decode_file(options.file, sys.stdout, sys.stderr, options.keys)
        if options.command == "meter":
            return meter_actions.run(options)
        return catalog_commands.run(options)
    except (BadConfigFile, BadCatalogFiles, BadQuestion) as error:
        print(error, file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:              # Whoever read our output, `head` say, has seen enough.
        sys.stderr.close()
        return DONE


def _enrolment(options: argparse.Namespace) -> int:
    from wum_edge.ports.linux import enrolling
    from wum_edge.ports.linux.enrolment_broker import NotEnrolled, Where
    from wum_edge.ports.linux.keys import BadKeys
    try:
        if options.command == "claim":
            return enrolling.print_claim(options.keys, sys.stdout, again=options.again)
        port = options.port or (1883 if options.plain else 8883)
        where = Where(options.broker, port, options.ca_file, options.plain)
        return enrolling.enrol(options.keys, where, options.wait_s)
    except BadKeys as error:
        print(error, file=sys.stderr)
        return BAD_INPUT
    except (NotEnrolled, OSError) as error:
        print(error, file=sys.stderr)
        return NO_READING


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="wum-edge", epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter,
        description="The WUM gateway: reads meters on RS-485, keeps what it read for 45 days, and "
                    "delivers it to the head-end.")
    parser.add_argument("--version", action="version",
                        version="wum-edge " + importlib.metadata.version("wum-edge"))
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    run = commands.add_parser(
        "run", help="read all meters by the schedule and deliver, until it is told to end",
        description="Runs the gateway. SIGTERM and SIGINT end it; what is archived is never lost.")
    check = commands.add_parser(
        "check-config", help="look for mistakes in a configuration file",
        description="Names every mistake with its line and what is wanted. A good file gives a "
                    "summary: meters and requests of each line, and seconds for each sweep.")
    plan = commands.add_parser(
        "plan", help="what reading all meters costs, and whether it fits the period",
        description="Reckons bytes, turns and seconds of every line and meter type from the "
                    "catalogue, before anything is mounted, and says what to do where it does not "
                    "fit. The exit code is then 1.")
    mesh = commands.add_parser(
        "mesh", help="show the mesh as the running gateway sees it: neighbours, route, queue",
        description="Asks the gateway that runs with this configuration where it stands in its "
                    "mesh: its route, what it holds for others, and every neighbour with the "
                    "share of frames that arrives there. The exit code is 1 where none runs.")
    read = commands.add_parser(
        "read", help="read one meter now and print a table",
        description="Asks one meter for all registers of its model and prints them with units. "
                    "Nothing is archived or sent. A gateway that is running holds its lines: stop "
                    "it first.")
    read.add_argument("meter", metavar="METER", help="serial of the meter, as in the configuration")
    found = commands.add_parser(
        "discover", help="find the meters of an M-Bus line, or what a DLMS meter has",
        description="METER: asks one DLMS meter what it has, and prints a catalogue entry as "
                    "JSON: read it before you use it. LINE: searches a line for M-Bus meters and "
                    "prints them, with the models that fit what they send, for the "
                    "configuration. Stop a gateway that holds the line first.")
    found.add_argument(
        "meter", metavar="METER|LINE",
        help="serial of the DLMS meter or name of the M-Bus line, as in the configuration")
    found.add_argument("--primary", action="store_true", help="search an M-Bus line by primary "
                       "addresses (0..250) instead of by the numbers on the meters")
    recording = commands.add_parser(
        "decode", help="print what stands in recorded bytes of a meter",
        description="Decodes a recording (bytes, or hexadecimal digits) of IEC 62056-21, P1, "
                    "mode D, SML, wired M-Bus or a DLMS meter's own telegrams (HDLC, M-Bus or as "
                    "they are), and prints every value with its OBIS code and unit. What is "
                    "damaged or refused is named as what it is; the exit code is then 1.")
    recording.add_argument("--keys", metavar="FILE", type=Path, help="for ciphered telegrams: the "
                           "encryption key as 32 hexadecimal digits, and on the next line the "
                           "authentication key, if there is one")
    recording.add_argument("file", metavar="FILE", type=Path, help="the recording; /dev/stdin "
                           "for what is piped in")
    _add_run(run)
    for command in (run, check, plan, mesh, read, found):
        command.add_argument("--config", metavar="FILE", required=True, type=Path,
                             help="configuration file (TOML)")
    meter_commands.add_commands(commands.add_parser(
        "meter", help="look at one meter's clock, switch, limiter and calendar, or change them",
        description="Reads or changes one meter's settings. Every change is confirmed by reading "
                    "it back."))
    catalog = commands.add_parser(
        "catalog", help="what meter types are known", description="The catalogue of meter types.")
    catalog_commands.add_commands(catalog)
    _add_enrolment(commands)
    _add_reset(commands)
    return parser


def _add_run(run: argparse.ArgumentParser) -> None:
    run.add_argument("--status-s", metavar="SECONDS", type=float, default=60.0,
                     help="how often a line says how the gateway stands (default: 60)")
    run.add_argument("--epoch-s", metavar="SECONDS", type=int, default=86400,
                     help="how long keys are used before new ones are fetched (default: 86400)")
    run.add_argument("--log", choices=("text", "json"), default="text",
                     help="sentences for people, or a JSON object a line (default: text)")


def _add_enrolment(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    claim = commands.add_parser(
        "claim", help="show the claim code of a new concentrator, as text and as a picture",
        description="At the first start makes the identity, which never leaves the folder, and a "
                    "claim code that is good once. An operator types it in at the head-end.")
    claim.add_argument("--again", action="store_true", help="wipe all keys and the identity, and "
                       "make a new concentrator of it; readings stay (see reset)")
    enrol = commands.add_parser(
        "enrol", help="be let in by the head-end; or, when that was done, get new keys from it",
        description="With a claim code: waits until the head-end grants keys, and burns the code. "
                    "Without one: opens the next epoch, that is, new keys for both directions; a "
                    "gateway that runs does so by itself every day.")
    enrol.add_argument("--broker", metavar="HOST", required=True)
    enrol.add_argument("--port", metavar="PORT", type=int, help="(default: 8883, plain 1883)")
    enrol.add_argument("--ca-file", metavar="FILE", type=Path, help="who vouches for the broker "
                       "(default: the system's authorities)")
    enrol.add_argument("--plain", action="store_true", help="without TLS, to a broker on this "
                       "machine only")
    enrol.add_argument("--wait-s", metavar="SECONDS", type=float, default=600.0,
                       help="how long to wait for the head-end (default: 600)")
    for command in (claim, enrol):
        command.add_argument("--keys", metavar="DIR", required=True, type=Path,
                             help="folder of the keys, which the configuration names")


def _add_reset(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    wipe = commands.add_parser(
        "reset", help="factory settings: wipe keys and archive, for one that changes hands",
        description="Overwrites and deletes identity, keys, archive and what the head-end ordered. "
                    "Without --sure it says what would go. Stop the gateway first.")
    wipe.add_argument("--config", metavar="FILE", required=True, type=Path,
                      help="configuration file, which names the folders")
    wipe.add_argument("--sure", action="store_true", help="do it")
    wipe.add_argument("--give-up-readings", action="store_true",
                      help="even those that the head-end does not have")


if __name__ == "__main__":
    sys.exit(main())
