"""The broker of the demo: mosquitto where the machine has it, else amqtt. On loopback only.

Every concentrator has an account and rights of its own, written by `wum-cloud broker-files`;
nobody comes in without a password.
"""

import os
import shutil
import sys
from pathlib import Path

PID = "mosquitto.pid"
# Debian puts mosquitto where only root's PATH looks.
_ALSO_IN = "/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin"


def mosquitto_program() -> str | None:
    """Where mosquitto is on this machine, if it is."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path=_ALSO_IN)


def broker_command(folder: Path, port: int) -> tuple[str, list[str]]:
    """Name and command line of a broker over the files in `folder`; writes its configuration."""
    program = mosquitto_program()
    if program is None or os.environ.get("WUM_DEMO_BROKER") == "amqtt":
        return "amqtt", [sys.executable, "-m", "demo.amqtt_broker", str(folder), str(port)]
    lines = [
        f"listener {port} 127.0.0.1",
        "allow_anonymous false",
        f"password_file {folder / 'passwords'}",
        f"acl_file {folder / 'acl'}",
        "persistence false",  # The archives are the queue: what the broker loses is sent again.
        "log_dest stderr",
        f"pid_file {folder / PID}",
        "max_packet_size 1048576",
    ]
    if os.geteuid() == 0:
        lines.append("user root")  # Its own account could not read the files of root's project.
    configuration = folder / "mosquitto.conf"
    configuration.write_text("\n".join(lines) + "\n")
    return "mosquitto", [program, "-c", str(configuration)]
