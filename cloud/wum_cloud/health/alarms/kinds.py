"""Which events are alarms: what nobody does by mistake, and what somebody has to look at.

Damage, noise, wrong clocks and concentrators that are behind are none: they have figures and rules
of their own. Left out: counting them (store.py) and whom they call (deploy/prometheus/alerts.yml).
"""

from dataclasses import dataclass

from wum_cloud.audit import acts
from wum_shared import status


@dataclass(frozen=True, slots=True)
class Alarm:
    """One kind. Its events stand where `counters` of ingest, `events` of concentrators or `acts` of
    the audit trail name them, or are `refusals`; `what` says it to a person, `then` what to do,
    `page` where to look.
    """

    kind: str
    what: str
    then: str
    page: str
    counters: tuple[str, ...] = ()
    refusals: bool = False  # Those of one account, which the trail keeps few of.
    events: tuple[int, ...] = ()
    acts: tuple[str, ...] = ()
    from_n: int = 1         # So many within a day make an alarm.


ALARMS = (
    Alarm("forged uplink", "Messages came whose seal does not hold, or on another's topic",
          "Somebody has a concentrator's account at the broker and not its keys: give it another "
          "password (wum-cloud new-passwords), or revoke it.", "/ingest",
          counters=("not genuine", "foreign")),
    Alarm("forged downlink", "A concentrator heard answers that the head-end did not seal",
          "Somebody can write at the broker what only the head-end may: change its password there "
          "(wum-cloud new-passwords --head-end) and look at who reaches the broker.", "/events",
          events=(status.EVENT_ACK_REFUSED,)),
    Alarm("claimed meters", "A concentrator claims meters of another one",
          "Look at both in the field. Its readings of these meters are set aside.", "/ingest",
          counters=("schema refused", "meter of another concentrator")),
    Alarm("meter not trusted", "A meter's messages were not genuine, or earlier ones again",
          "Look at the meter and its line: somebody may have put another one there.", "/events",
          events=(status.EVENT_METER_DOUBTED,)),
    Alarm("sign-in locked", "Names or addresses were locked after too many wrong passwords",
          "Ask whose name it is. From an address that nobody knows: shut it out.", "/audit",
          acts=(acts.SIGN_IN_LOCKED,)),
    Alarm("rights refused", "Somebody asked twenty times for what the account may not",
          "Ask who it is; disable the account or revoke the token where nobody knows.", "/audit",
          refusals=True, from_n=20),
)
