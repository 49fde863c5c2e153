"""Reading status flags, time quality, and why a meter gave nothing.

Numbers are part of the contract: never reuse one, only add.
"""

# Status of one reading: bits of one integer; 0 means measured and delivered as read.
ABSENT = 0x01         # No value: the meter did not deliver this register this time.
REFUSED = 0x02        # No value: the meter answered that it will not (goes with ABSENT).
OUT_OF_RANGE = 0x04   # No value: the meter sent a number that is none (NaN, or past 2**62).
LATE = 0x08           # Read again after the rest of the row, within the row's capture spread.
ESTIMATED = 0x10      # Made by estimation, never by a meter. Reserved until the head-end estimates.
FROM_PROFILE = 0x20   # Not read when it was due, but later from the meter's own load profile.
# Of a meter's clock (0-0:1.0.0, by how much it is ahead of the capture time). That it is summer
# there is no doubt, and no flag: it would stand beside half of the year's readings.
CLOCK_INVALID = 0x40  # The meter says that its time is none, or sent a time that cannot be.
CLOCK_DOUBTFUL = 0x80  # It says that its time may be wrong, or not which season it is of.
CLOCK_LOCAL = 0x100   # No value: how far its time is from UTC nobody says (goes with ABSENT).

# Time quality of a row, missed row or event.
SYNCHRONISED = 0      # The clock agrees with a trusted source.
FREE_RUNNING = 1      # It did once, and has run alone for longer than the policy allows.
NEVER_SET = 2         # It never did since power came: the time is only an order.

# Outcome of a whole row that a meter did not give.
SILENT = 1            # Not one byte within the deadline.
BAD_CHECK = 2         # An answer whose check (CRC, BCC, FCS) does not hold, or a broken frame.
EXCEPTION = 3         # The meter answered with an exception.
FOREIGN = 4           # A whole answer of another meter or an earlier request, heard instead.
NOT_TRIED = 5         # The sweep's time was spent before this meter's turn.

# What a DLMS meter names: data-access-result and action-result (IEC 62056-5-3), association.
HARDWARE_FAULT = 20
TEMPORARY_FAILURE = 21
ACCESS_DENIED = 22
OBJECT_UNDEFINED = 23
CLASS_INCONSISTENT = 24
OBJECT_UNAVAILABLE = 25
TYPE_UNMATCHED = 26
SCOPE_VIOLATED = 27
BLOCK_UNAVAILABLE = 28
LONG_TRANSFER_ABORTED = 29
NO_LONG_TRANSFER = 30
BLOCK_NUMBER_INVALID = 31
OTHER_REASON = 32
SERVICE_REFUSED = 33      # The request as a whole, not one object of it.
ASSOCIATION_REFUSED = 34
NOT_GENUINE = 35          # The tag of a ciphered message does not hold.
COUNTER_DECREASED = 36    # The meter's invocation counter went back.
NOT_SPOKEN = 37           # The meter wants something legal that is not spoken here.
WRONG_UNIT = 38           # It counts in another unit than the catalogue says.

OUTCOMES = {
    SILENT: "silent", BAD_CHECK: "bad check", EXCEPTION: "exception answer",
    FOREIGN: "answer of another request", NOT_TRIED: "not tried",
    HARDWARE_FAULT: "hardware fault", TEMPORARY_FAILURE: "temporary failure",
    ACCESS_DENIED: "read-write denied", OBJECT_UNDEFINED: "object undefined",
    CLASS_INCONSISTENT: "object class inconsistent", OBJECT_UNAVAILABLE: "object unavailable",
    TYPE_UNMATCHED: "type unmatched", SCOPE_VIOLATED: "scope of access violated",
    BLOCK_UNAVAILABLE: "data block unavailable",
    LONG_TRANSFER_ABORTED: "long transfer aborted",
    NO_LONG_TRANSFER: "no long transfer in progress",
    BLOCK_NUMBER_INVALID: "data block number invalid", OTHER_REASON: "other reason",
    SERVICE_REFUSED: "service refused", ASSOCIATION_REFUSED: "association refused",
    NOT_GENUINE: "not genuine", COUNTER_DECREASED: "invocation counter decreased",
    NOT_SPOKEN: "not spoken here", WRONG_UNIT: "wrong unit",
}

# Kinds of events.
EVENT_STARTED = 1             # The agent started: note says version and reason.
EVENT_METER_SILENT = 2        # First sweep without an answer.
EVENT_METER_BACK = 3          # First answer after silence.
EVENT_CLOCK_STEPPED = 4       # The clock moved by more than the policy: note says by how much.
EVENT_ARCHIVE_DROPPED = 5     # Records given up by retention or a full store: note says which.
EVENT_ARCHIVE_DAMAGED = 6     # A damaged segment was found: note says which records.
EVENT_CONFIGURATION = 7       # Another configuration is in force.
EVENT_ACK_REFUSED = 8         # An acknowledgement was not genuine or not ours.
EVENT_LINE_GONE = 9           # A line cannot be used (adapter unplugged): note says which and why.
EVENT_LINE_BACK = 10          # It can be used again.
EVENT_BATCH_SET_ASIDE = 11    # The head-end keeps a batch, or part of it, in quarantine.
EVENT_COUNTER_DOUBTFUL = 12   # Nothing is sent any more: message counters may have been used.
EVENT_METER_CLOCK_OFF = 13    # A meter's clock is off by more than the policy: note says how far.
EVENT_METER_CLOCK_SET = 14    # It was set: note says by how much.
EVENT_OF_METER = 15           # An entry of the meter's own event log: its code and its words.
EVENT_ADDRESS_CLASH = 16      # Two meters answer at one address: note says which.
EVENT_METER_DOUBTED = 17      # A meter's message was not genuine, or was an earlier one repeated.
EVENT_LINE_NOISY = 18         # Answers of many meters of a line are damaged: note says how many.
EVENT_FLASH_REFUSED = 19      # Flash took no records for a while: note says how long, and why.
EVENT_COUNTER_BACK = 20       # A meter's counter went back: note says which, from what to what.
EVENT_COUNTER_ACCEPTED = 21   # Somebody let a meter's invocation counter begin again.
EVENT_GROUP_ORDER = 22        # The moment of an order to a group: note says what came of it.

EVENTS = {
    EVENT_STARTED: "agent started", EVENT_METER_SILENT: "meter silent",
    EVENT_METER_BACK: "meter back", EVENT_CLOCK_STEPPED: "clock stepped",
    EVENT_ARCHIVE_DROPPED: "archive dropped records",
    EVENT_ARCHIVE_DAMAGED: "archive damaged", EVENT_CONFIGURATION: "configuration applied",
    EVENT_ACK_REFUSED: "acknowledgement refused", EVENT_LINE_GONE: "line gone",
    EVENT_LINE_BACK: "line back", EVENT_BATCH_SET_ASIDE: "batch set aside",
    EVENT_COUNTER_DOUBTFUL: "message counter doubtful",
    EVENT_METER_CLOCK_OFF: "meter clock off", EVENT_METER_CLOCK_SET: "meter clock set",
    EVENT_OF_METER: "meter event", EVENT_ADDRESS_CLASH: "two meters at one address",
    EVENT_METER_DOUBTED: "meter not trusted", EVENT_LINE_NOISY: "noise on a line",
    EVENT_FLASH_REFUSED: "flash took no records",
    EVENT_COUNTER_BACK: "meter's counter went back",
    EVENT_COUNTER_ACCEPTED: "invocation counter accepted",
    EVENT_GROUP_ORDER: "order to a group",
}

# Why a range of sequence numbers has no records any more.
LOST_RETENTION = 1            # Older than the retention.
LOST_FULL = 2                 # The store was full.
LOST_DAMAGED = 3              # The segment that held them is damaged.
LOST_DROPPED = 4              # Dropped once they were acknowledged: too old, or the store full.
LOST_REPLACED = 5             # Of an archive that is gone, as its successor says.

LOST = {LOST_RETENTION: "retention", LOST_FULL: "store full", LOST_DAMAGED: "damaged",
        LOST_DROPPED: "dropped after acknowledgement", LOST_REPLACED: "archive replaced"}

# What became of a part of a gap request.
GAP_SENT = 0                  # It is there, and comes as batches.
GAP_NEVER_READ = 1            # The archive has that time, and nothing of that meter in it.
GAP_METER_SILENT = 2          # The meter was asked and gave nothing: the outcome stands beside.
GAP_DROPPED = 3               # Given up: the store was full, or it was past the retention.
GAP_DAMAGED = 4               # What held it is damaged.
GAP_NOT_HERE = 5              # Of another archive, which is gone, or from before this one began.
GAP_METER_UNKNOWN = 6         # No schema of this archive names the meter.

GAPS = {
    GAP_SENT: "sent again", GAP_NEVER_READ: "never read", GAP_METER_SILENT: "meter gave nothing",
    GAP_DROPPED: "dropped", GAP_DAMAGED: "archive damaged", GAP_NOT_HERE: "not in this archive",
    GAP_METER_UNKNOWN: "meter unknown to it",
}

# Answers of the head-end to a batch.
STORED = 0
SCHEMA_UNKNOWN = 1
SET_ASIDE = 2
VERSION_UNSUPPORTED = 3
BASE_UNKNOWN = 4              # The delta's base is not there: send these records in full.

ANSWERS = {
    STORED: "stored", SCHEMA_UNKNOWN: "schema unknown", SET_ASIDE: "set aside",
    VERSION_UNSUPPORTED: "version unsupported", BASE_UNKNOWN: "base unknown",
}
