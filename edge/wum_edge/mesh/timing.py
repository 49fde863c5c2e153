"""Times and thresholds that both sides of a burst must have alike. docs/mesh-protocol.md, 6."""

HOST_US = 24_000             # What two hosts and a turnaround may take between two frames.
# From so many granted frames on a burst begins with an empty one: a parent that does not hear it
# polls the next child after a tenth of a second instead of half of one.
LEAD_GRANT = 3
# What a gateway leaves for asks after a chain of bursts: more while some come.
ASKS_US, ASKS_MAX_US = 250_000, 2_000_000
# Priorities of polls, which tell other networks, too, whose time they are about.
GATEWAYS, RELAYS = 0, 1
TUNE_US = 20_000             # A parent's host must turn its modem to the burst's sync word first.
# Signal to noise, in quarters of a dB, that a spreading factor needs (SX126x data sheet, 6.1.1).
THRESHOLD_Q4 = {0: 900, 5: -10, 6: -20, 7: -30, 8: -40, 9: -50, 10: -60, 11: -70, 12: -80}
NEAR_Q4 = 20                 # Who hears a receiver so well is heard there too, and holds.
# What a port reports for a frame that came by wire: far above what any radio hears, so that the
# wire's threshold (spreading factor 0) passes those frames alone.
WIRE_SNR_Q4 = 1_000
_WORDS = 15                  # Sync words of bursts; 0 is the one that everybody listens to.

# What a station is at: nothing, waiting for an answer to its poll, or answering one.
IDLE, POLLING, ANSWERING = 0, 1, 2


# A burst of at most half of a grant of so many, from a child that has more, tells that the law
# binds it: it is left alone until it may send half a burst. Both sides reckon alike: none asks.
LARGE_GRANT, SAVED_FRAMES = 6, 8


def is_short(announced: int, grant: int) -> bool:
    """Whether so many frames are few, of a grant that was large."""
    return grant >= LARGE_GRANT and announced <= grant // 2


def saving_us(frame_us: int, duty_permyriad: int) -> int:
    """How long it takes until the law lets a station send half a burst."""
    return SAVED_FRAMES * frame_us * 10_000 // duty_permyriad


def word_of(receiver: int) -> int:
    """Sync word of the frames that `receiver` has polled: a modem that waits for them does not
    lock on its neighbours' bursts.
    """
    return 1 + receiver % _WORDS
