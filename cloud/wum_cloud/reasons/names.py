"""Why an interval is missing: the words, as the columns of the ledger have them.

Left out: what they say to a person (web/naming.py), who tells them (store.py).
"""

# Why an interval is missing, by the names of the columns; the reasons stand in docs/glossary.md.
SILENT, DAMAGED, EXCEPTION, NOT_TRIED = "silent", "damaged", "exception", "not_tried"
NEVER_READ, UNREACHABLE, AWAITED = "never_read", "unreachable", "awaited"
ARCHIVE_GAP, DROPPED, REFUSED, UNEXPLAINED = "archive_gap", "dropped", "refused", "unexplained"
REASONS = (SILENT, DAMAGED, EXCEPTION, NOT_TRIED, NEVER_READ, UNREACHABLE, AWAITED, ARCHIVE_GAP,
           DROPPED, REFUSED, UNEXPLAINED)
# Those that somebody can tell of a span, and which counts where several are told of one interval.
TOLD_REASONS = (SILENT, DAMAGED, EXCEPTION, NOT_TRIED, NEVER_READ, REFUSED, DROPPED, ARCHIVE_GAP,
                AWAITED)
