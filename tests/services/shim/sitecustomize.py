"""What a test wants of the process that has this folder on its path, before its program begins."""

import read_only_disk  # noqa: F401
import wrong_clock  # noqa: F401
