"""Standard quantities: which OBIS code (IEC 62056-61) stands in which column of `reading`.

One code, one column, everywhere: a column means the same for every meter. What a model has
beyond them stands in `extra`, numbered within its register set.
"""

from wum_shared.obis import obis_from_text

COLUMNS = (
    "a_plus", "a_minus", "r_plus", "r_minus", "u_l1", "u_l2", "u_l3", "i_l1", "i_l2", "i_l3",
    "p", "q", "pf", "f", "p_l1", "p_l2", "p_l3",
)

_OBIS_BY_COLUMN = {
    "a_plus": "1-0:1.8.0",      # Active energy, import.
    "a_minus": "1-0:2.8.0",     # Active energy, export.
    "r_plus": "1-0:3.8.0",      # Reactive energy, import.
    "r_minus": "1-0:4.8.0",     # Reactive energy, export.
    "u_l1": "1-0:32.7.0", "u_l2": "1-0:52.7.0", "u_l3": "1-0:72.7.0",
    "i_l1": "1-0:31.7.0", "i_l2": "1-0:51.7.0", "i_l3": "1-0:71.7.0",
    "p": "1-0:16.7.0",          # Active power, import less export, all phases.
    "q": "1-0:131.7.0",         # Reactive power, import less export, all phases.
    "pf": "1-0:13.7.0",
    "f": "1-0:14.7.0",
    "p_l1": "1-0:36.7.0", "p_l2": "1-0:56.7.0", "p_l3": "1-0:76.7.0",
}

COLUMN_BY_OBIS = {obis_from_text(text): column for column, text in _OBIS_BY_COLUMN.items()}

assert tuple(_OBIS_BY_COLUMN) == COLUMNS
