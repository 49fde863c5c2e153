"""The words of the console, through gettext: English is the source, catalogues stand in locale/.

    pybabel extract -F cloud/babel.cfg -k gettext -o cloud/wum_cloud/web/locale/console.pot cloud
    pybabel init -D console -l ro -i .../console.pot -d cloud/wum_cloud/web/locale

One language a process until a second catalogue exists; the choice then belongs to the visitor.
"""

from gettext import translation
from pathlib import Path

LOCALE = "en_GB"    # Days before months, 24 hours; Babel's name for it.
DOMAIN = "console"

words = translation(DOMAIN, Path(__file__).parent / "locale", ["en"], fallback=True)
gettext = words.gettext
ngettext = words.ngettext
