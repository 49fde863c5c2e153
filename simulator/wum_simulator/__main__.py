"""wum-simulator: meters on a pty, and faults on command."""

import argparse
import asyncio
import json
import logging
import sys
from pathlib import Path

from wum_simulator.catalog import UnknownModel, model, model_names
from wum_simulator.line import Busy
from wum_simulator.request import Refused, ask
from wum_simulator.world import World, compression

DEFAULT_MODEL = "eastron-sdm630"
DEFAULT_PULSE_MODEL = "elster-bk-g4-pulse"
_DESCRIPTION = """\
A street of meters on this machine, which follow recorded consumption of real homes. `serve` makes
a serial line (a pty) or a TCP port on which they answer in their protocols, `pulses` a socket on
which they are heard as pulse inputs; the other commands talk to a run of these through its control
socket."""


def main() -> None:
    """The command line."""
    arguments = _parser().parse_args()
    try:
        arguments.run(arguments)
    except (Busy, Refused, UnknownModel, ValueError) as error:
        sys.exit(f"wum-simulator: {error}")
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        sys.exit(f"wum-simulator: {where}{error.strerror or error}")


def _serve(arguments: argparse.Namespace) -> None:
    # Only here: they bring pymodbus, for which the small commands need not wait.
    from wum_simulator.bus import Timing
    from wum_simulator.serve import Description, serve

    _log_to_stderr(arguments.verbose)
    # Its errors are faults that we ordered; at DEBUG it writes every byte.
    logging.getLogger("pymodbus").setLevel(logging.CRITICAL)
    logging.getLogger("asyncio").setLevel(logging.WARNING)
    world = World(
        arguments.seed, compression(arguments.start_s, arguments.wall_s, arguments.speed))
    asyncio.run(serve(world, Description(
        arguments.link, arguments.model or [DEFAULT_MODEL], arguments.meters,
        arguments.first_address, arguments.first_consumer, arguments.control,
        Timing(arguments.baud, arguments.delay_ms), arguments.fault_share,
        *([_listen(arguments.listen)] if arguments.listen else []))))


def _pulses(arguments: argparse.Namespace) -> None:
    from wum_simulator.serve_pulses import PulseDescription, run_pulses

    _log_to_stderr(arguments.verbose)
    world = World(
        arguments.seed, compression(arguments.start_s, arguments.wall_s, arguments.speed))
    run_pulses(world, PulseDescription(
        arguments.socket, arguments.model or [DEFAULT_PULSE_MODEL], arguments.meters,
        arguments.first_input, arguments.first_consumer, tuple(arguments.contact),
        arguments.control))


def _air(arguments: argparse.Namespace) -> None:
    from wum_simulator.serve_air import AirDescription, hears_of, run_air

    _log_to_stderr(arguments.verbose)
    run_air(World(arguments.seed), AirDescription(
        arguments.link, dict(hears_of(text) for text in arguments.hears),
        duty_permyriad=arguments.duty_permyriad, control=arguments.control,
        chips=frozenset(arguments.chip)))


def _board(arguments: argparse.Namespace) -> None:
    from wum_simulator.serve_board import run_board

    wires = {}
    for text in arguments.uart:
        number, _, to = text.partition("=")
        if not number.isdigit() or not to:
            raise ValueError(f"--uart: wanted NUMBER=PATH, like 1=/run/bus, got {text}")
        wires[int(number)] = to
    sys.exit(run_board(World(0), arguments.flash, wires, arguments.radio,
                       arguments.flash_mb * 1024 * 1024))


def _modem(arguments: argparse.Namespace) -> None:
    request: dict[str, object] = {"do": "modem", "modem": arguments.modem}
    name = "happens" if arguments.what in ("reboot", "unplug", "plug") else "fault"
    _print(ask(arguments.control, {**request, name: arguments.what}))


def _contact(arguments: argparse.Namespace) -> None:
    _print(ask(arguments.control, {
        "do": "contact", "input": arguments.input, "closed": arguments.to == "closed"}))


def _log_to_stderr(verbose: bool) -> None:
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.INFO, stream=sys.stderr,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s")


def _listen(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise ValueError(f"listen: wanted HOST:PORT, got {text!r}")
    return host.strip("[]"), int(port)


def _order(arguments: argparse.Namespace) -> None:
    if arguments.kind == "clear":
        request: dict[str, object] = {"do": "clear", "address": arguments.address}
    else:
        request = {"do": "fault", "kind": arguments.kind, "address": arguments.address}
        request |= {name: getattr(arguments, name) for name in (
            "first", "last", "times", "rate", "ms", "code") if hasattr(arguments, name)}
    _print(ask(arguments.control, request))


def _wrong(arguments: argparse.Namespace) -> None:
    _print(ask(arguments.control, {
        "do": "wrong", "what": arguments.what, "address": arguments.address,
        "amount": arguments.amount, "at_s": arguments.at_s}))


def _registers(arguments: argparse.Namespace) -> None:
    _print(ask(arguments.control, {
        "do": "registers", "address": arguments.address, "at_s": arguments.at_s}))


def _answers(arguments: argparse.Namespace) -> None:
    _print(ask(arguments.control, {"do": "answers", "address": arguments.address}))


def _status(arguments: argparse.Namespace) -> None:
    _print(ask(arguments.control, {"do": "status"}))


def _models(arguments: argparse.Namespace) -> None:
    for name in model_names():
        print(f"{name:24} {model(name).protocol}")


def _print(answer: dict[str, object]) -> None:
    print(json.dumps(answer, indent=2))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="wum-simulator", description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_serve(commands.add_parser(
        "serve", help="make a line with meters on it, and answer until a signal ends it"))
    _add_pulses(commands.add_parser(
        "pulses", help="give the pulses of meters on a socket, as a concentrator's inputs"))
    _add_air(commands.add_parser(
        "air", help="make serial LoRa modems that hear each other by radio, on ptys"))
    _add_board(commands.add_parser(
        "board", help="run a gateway on a virtual MicroPython board, until a signal ends it"))
    modem = _with_control(commands.add_parser(
        "modem", help="let something happen to a modem of `air`"), _modem)
    modem.add_argument("--modem", type=int, required=True, metavar="N", help="counted from 1")
    modem.add_argument("what", metavar="WHAT", choices=(
        "mute", "busy", "error", "garbage", "none", "reboot", "unplug", "plug"),
        help="mute, busy, error, garbage (until none), reboot, unplug, plug")
    _add_fault(commands.add_parser(
        "fault", help="let something go wrong on a line, or end that"))
    _add_wrong(_with_control(commands.add_parser(
        "wrong", help="let a meter or its mounting go wrong: counters, wires, clock"), _wrong))
    contact = _with_control(commands.add_parser(
        "contact", help="close or open a contact of `pulses`: a magnet, a cover"), _contact)
    contact.add_argument("--input", type=int, required=True, metavar="INPUT",
                         help="one that `pulses --contact` was given")
    contact.add_argument("to", choices=("closed", "open"), metavar="TO", help="closed or open")
    for name, run, text in (
            ("registers", _registers, "print what a meter shows, as JSON"),
            ("answers", _answers, "print the last answers that a meter gave, as JSON")):
        command = _with_control(commands.add_parser(name, help=text), run)
        command.add_argument("--address", type=int, required=True,
                             help="the meter's address; of a pulse meter its input")
        if name == "registers":
            command.add_argument(
                "--at", dest="at_s", type=int, metavar="SECONDS",
                help="UTC seconds since 1970 (default: the line's clock now)")
    _with_control(commands.add_parser(
        "status", help="print a line's clock, meters and faults, as JSON"), _status)
    commands.add_parser(
        "models", help="list the meter types that can be played and their protocols: those of "
                       "pulse by `pulses`, all others by `serve`").set_defaults(run=_models)
    return parser


def _add_serve(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=_serve)
    add = parser.add_argument
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument(
        "--link", type=Path, metavar="PATH",
        help="where to put the link to the line; open it like a serial port")
    where.add_argument(
        "--listen", metavar="HOST:PORT",
        help="let the line be on TCP instead, as behind a serial server")
    add("--seed", type=int, default=7, help="all chance comes from it (default 7)")
    add("--meters", type=int, default=1, metavar="N", help="how many (default 1, at most 247)")
    add("--model", action="append", metavar="NAME",
        help=f"meter type, see `models`; repeated, they are dealt round (default {DEFAULT_MODEL})")
    add("--first-address", type=int, default=1, metavar="N", help="of the meters (default 1)")
    add("--first-consumer", type=int, default=0, metavar="N",
        help="how far along the street's 68 consumers the first meter stands (default 0); lines "
             "of one street share a seed and go on where the line before ended")
    add("--control", type=Path, metavar="SOCKET", help="where to listen for the other commands")
    add("--baud", type=int, default=0, metavar="RATE",
        help="let the line take the time of a wire at this rate, both ways (default: none)")
    add("--delay-ms", type=int, default=0, metavar="MS",
        help="how long a meter thinks before it answers (default 0)")
    add("--fault-share", type=float, default=0.0, metavar="SHARE",
        help="part of each meter's minutes, 0..1, in which the seed gives it a fault (default 0)")
    _add_times(parser)


def _add_pulses(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=_pulses)
    add = parser.add_argument
    add("--socket", type=Path, required=True, metavar="PATH",
        help="where edges are heard; a gateway's line has the port edges:PATH")
    add("--seed", type=int, default=7, help="all chance comes from it (default 7)")
    add("--meters", type=int, default=1, metavar="N", help="how many (default 1)")
    add("--model", action="append", metavar="NAME",
        help="pulse meter type, see `models`; repeated, they are dealt round "
             f"(default {DEFAULT_PULSE_MODEL})")
    add("--first-input", type=int, default=1, metavar="N", help="of the meters (default 1)")
    add("--first-consumer", type=int, default=0, metavar="N", help="as for `serve`")
    add("--contact", type=int, action="append", default=[], metavar="INPUT",
        help="another input, which `contact` moves: a magnet, a cover; may be repeated")
    add("--control", type=Path, metavar="SOCKET", help="where to listen for the other commands")
    _add_times(parser)


def _add_air(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=_air)
    add = parser.add_argument
    add("--link", type=Path, action="append", required=True, metavar="PATH",
        help="a modem's serial port (RUI3 commands of a RAK3172, 115200 baud); repeat for more")
    add("--hears", action="append", default=[], metavar="A-B=DB",
        help="modems A and B (counted from 1) hear each other with this signal to noise")
    add("--chip", type=int, action="append", default=[], metavar="N",
        help="the N-th link is an SX126x for a virtual board's `lora`, no serial modem")
    add("--duty-permyriad", type=int, default=1000, metavar="N",
        help="of the law, in 1/10,000 (default 1000): who breaks it ends the run")
    add("--seed", type=int, default=7, help="all chance comes from it (default 7)")
    add("--control", type=Path, metavar="SOCKET", help="where to listen for the other commands")
    add("--verbose", action="store_true", help="log more")


def _add_board(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=_board)
    add = parser.add_argument
    add("--flash", type=Path, required=True, metavar="FOLDER",
        help="what `wum-firmware board` wrote; it outlives the board. SIGUSR1 cuts its power")
    add("--uart", action="append", default=[], metavar="N=PATH",
        help="where a UART's wire leads: a pty, or tcp://HOST:PORT; repeat for more")
    add("--radio", default="", metavar="PATH", help="a pty of `air` with --chip")
    add("--flash-mb", type=int, default=8, metavar="MB", help="how much it holds (default 8)")


def _add_times(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--start-s", type=float, metavar="SECONDS",
        help="let the clock show this (UTC seconds) at wall time --wall-s (default: real time)")
    add("--wall-s", type=float, metavar="SECONDS", help="see --start-s (default: now)")
    add("--speed", type=float, default=1.0, metavar="TIMES",
        help="how fast it runs from --start-s, never past the wall clock; 0: it stands still")
    add("--verbose", action="store_true", help="log more")


def _add_fault(parser: argparse.ArgumentParser) -> None:
    kinds = parser.add_subparsers(required=True, metavar="KIND", dest="kind")
    texts = {
        "silence": "say nothing", "noise": "hit bytes: flipped bits, lost and added bytes",
        "slow": "answer late", "wrong-crc": "answer with a check that does not hold",
        "exception": "refuse, with a code", "stale": "say the line's answer before again",
        "twins": "let a second meter with the same address answer too",
        "echo": "give back to the master what it says",
    }
    for kind, text in texts.items():
        command = _with_control(kinds.add_parser(kind, help=text), _order)
        add = command.add_argument
        add("--address", type=int, help="the meter's address (default: all)")
        add("--first", type=int, default=0, help="only reads that touch registers from here ...")
        add("--last", type=int, default=65535, help="... to here")
        add("--times", type=int, help="for so many answers (default: until it is cleared)")
        if kind == "noise":
            add("--rate", type=float, default=0.1, help="share of bytes, 0..1 (default 0.1)")
        if kind == "slow":
            add("--ms", type=int, default=800, help="later by this (default 800)")
        if kind == "twins":
            add("--ms", type=int, default=0,
                help="the second one answers later by this (default 0: both at once)")
        if kind == "exception":
            add("--code", type=int, default=4, help="exception code (default 4, device failure)")
    clear = _with_control(kinds.add_parser("clear", help="end faults"), _order)
    clear.add_argument("--address", type=int, help="of this meter only (default: all)")


def _add_wrong(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("what", metavar="WHAT", help="reset, rollover, replaced, inverted-ct, magnet, "
        "open-neutral, clock-drift or clock-off")
    add("--address", type=int, required=True, help="the meter's address")
    add("--amount", type=int, default=0, help="Wh to roll over from, phase 1..3 of the inverted "
        "CT, percent of the magnet, ppm of the drift, seconds that the clock is off")
    add("--at", dest="at_s", type=int, metavar="SECONDS",
        help="UTC seconds since 1970 from which it is so (default: the line's clock now)")


def _with_control(parser: argparse.ArgumentParser, run: object) -> argparse.ArgumentParser:
    parser.set_defaults(run=run)
    parser.add_argument("--control", type=Path, required=True, metavar="SOCKET",
                        help="the control socket that `serve` or `pulses` was given")
    return parser


if __name__ == "__main__":
    main()
