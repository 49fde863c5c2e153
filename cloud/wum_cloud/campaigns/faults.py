"""Why a concentrator did not come to run a release: classes, and which of them are worth a retry.

A class is told from the concentrator's own words (docs/updates.md has them all). Pure.
"""

SILENT = "silent"             # Nothing was heard of it in its time.
CRASHED = "crashed"           # It ended before it could tell, three times,
HUNG = "hung"                 # or had to be ended.
NO_ARCHIVE, NO_METER, NO_HEADEND = "no archive", "no meter", "no head-end"
DAMAGED = "damaged"
NO_ROOM = "no room"
WINDOW = "window"
REFUSED = "refused"           # It does not take it: not genuine, another class, below its floor.
CONTENT, FORMATS = "content", "formats"
BUSY = "busy"                 # It does something else at the moment.
WORSE = "reads worse"         # It runs it, and gives fewer readings than before,
WORSE_WAVE = "wave reads worse"             # or its wave does.
FELL_BACK = "fell back"       # It was confirmed, and something else runs.
NOT_BACK = "not back"         # It was to go back, and did not.
CALLED_OFF = "called off"
UNKNOWN = "unknown"

# What the words begin with or contain, the first that fits. Those of the gateway's boot record and
# of its offers (update/boot.py, update/offer.py); a test of both rooms compares.
_WORDS = (
    ("it ended before it could tell", CRASHED), ("it hung", HUNG),
    ("its slot is damaged", DAMAGED), ("the archive took no record", NO_ARCHIVE),
    ("no meter answered", NO_METER), ("the head-end did not answer", NO_HEADEND),
    ("it was called off", CALLED_OFF), ("window was over", WINDOW), ("window is over", WINDOW),
    ("do not make what was signed", CONTENT), ("flash had no room", NO_ROOM), ("no room", NO_ROOM),
    ("flash refused", NO_ROOM),
    ("cannot read each other's archives", FORMATS), ("a version is on trial", BUSY),
    ("too many orders wait", BUSY), ("could not be put on record", BUSY),
    ("its time was over", SILENT), ("is not genuine", REFUSED), ("another device class", REFUSED),
    ("another vendor", REFUSED), ("below the floor", REFUSED), ("is older than", REFUSED),
    ("is already there", REFUSED), ("does not know such an order", REFUSED),
    ("a replay, or out of order", REFUSED), ("is above its own release", REFUSED),
    ("is not trusted any more", REFUSED),
)

# How often it is tried again, and after how many seconds. What would end the same way is not.
RETRIES = {
    NO_HEADEND: (2, 1800), NO_METER: (1, 3600), WINDOW: (2, 60), BUSY: (3, 900),
    DAMAGED: (1, 300), SILENT: (1, 900), CONTENT: (1, 300),
}


def fault_of(words: str) -> str:
    """The class of what a concentrator said."""
    for part, fault in _WORDS:
        if part in words:
            return fault
    return UNKNOWN


def retry_after(fault: str, tries: int) -> int | None:
    """Seconds until the next try after `tries` of them; None: there is none."""
    most, after_s = RETRIES.get(fault, (0, 0))
    return after_s if tries <= most else None
