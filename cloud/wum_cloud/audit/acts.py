"""What the audit trail speaks of: who acted, from where, and a word for each kind of act.

Left out: keeping it (store.py) and its chain (chain.py).
"""

import getpass
from dataclasses import dataclass

SIGNED_IN = "signed in"
SIGN_IN_FAILED = "sign-in failed"
SIGN_IN_LOCKED = "sign-in locked"
SIGNED_OUT = "signed out"
SESSIONS_ENDED = "other sessions ended"
PASSWORD_CHANGED = "password changed"
PASSWORD_RESET = "password reset"
FACTOR_PROPOSED = "second factor proposed"
FACTOR_ON = "second factor on"
FACTOR_OFF = "second factor off"
ACCOUNT_MADE = "account made"
ACCOUNT_CHANGED = "account changed"
ACCOUNT_FORGOTTEN = "account forgotten"             # Its name is kept nowhere any more.
DATA_EXPORTED = "personal data exported"            # What is kept about an account.
TOKEN_MADE = "token made"
TOKEN_REVOKED = "token revoked"
SITE_MOVED = "site moved"
CONCENTRATOR_REGISTERED = "concentrator registered"
CONCENTRATOR_CLAIMED = "concentrator claimed"       # A person typed its code in.
CLAIM_WITHDRAWN = "claim withdrawn"
CONCENTRATOR_GRANTED = "concentrator let in"        # It has the code and an identity.
EPOCH_OPENED = "epoch opened"                       # It has new keys; the code, if any, is burned.
CONCENTRATOR_REVOKED = "concentrator revoked"
GROUP_ORDERED = "group ordered"                     # By a ripple through a mesh.
PASSWORDS_DUE = "new broker passwords ordered"
COMMAND_REQUESTED = "command requested"
COMMAND_APPROVED = "command approved"
COMMAND_CONSENTED = "command consented"             # By approvers' own signatures.
COMMAND_WITHDRAWN = "command withdrawn"
COMMAND_ENDED = "command ended"                     # Said by the concentrator, under its signature.
KEY_FILE_CHANGED = "key file changed"
COMMAND_GROUP_SET = "command group set"             # Its meters, or its mesh.
COMMAND_GROUP_DROPPED = "command group dropped"
NETWORK_KEY_BEGUN = "network key changed"           # A new one, beside the one so far.
NETWORK_KEY_FINISHED = "network key finished"       # The new one alone.
NETWORK_KEY_EXPORTED = "network key exported"       # For the workbench.
SESSION_LENT = "session lent"                       # To a tool at the machine.
TRUST_MADE = "trust document made"
REFUSED = "refused"                                 # Somebody lacked a permission.
AUDIT_EXPORTED = "audit trail exported"
CONFIGURATION_SET = "configuration set"           # Of a group, a concentrator, a meter.
CONFIGURATION_SENT = "configuration sent"
CONCENTRATOR_PLANNED = "concentrator planned"
PLAN_FORGOTTEN = "plan forgotten"
SCHEDULE_SAVED = "schedule saved"
SCHEDULE_REMOVED = "schedule removed"
REGISTRY_CHECKED = "registry file checked"           # Nothing of it is imported by that.
REGISTRY_IMPORT_BEGUN = "registry import begun"
METER_ADDED = "meter added"
METER_REPLACED = "meter replaced"
METER_MOVED = "meter moved"                         # To another address or delivery point.
METER_ARCHIVED = "meter archived"
REGISTRY_IMPORTED = "registry imported"
REGISTRY_EXPORTED = "registry exported"
RELEASE_TAKEN = "release taken in"
RELEASE_SIGNED = "release signed anew"
RELEASE_KEYS_ROTATED = "release keys rotated"
CAMPAIGN_REQUESTED = "campaign requested"
CAMPAIGN_APPROVED = "campaign approved"
CAMPAIGN_WITHDRAWN = "campaign withdrawn"
CAMPAIGN_PAUSED = "campaign paused"
CAMPAIGN_RESUMED = "campaign resumed"
CAMPAIGN_ABORTED = "campaign aborted"
CAMPAIGN_ENDED = "campaign ended"                   # By itself: it is through, or it stopped.

NOBODYS = 0             # The chain of acts that are of no tenant.
_LENGTH_MAX = 200       # Characters of anything that is kept; what is longer is cut.


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts. `address` is empty for somebody on the machine itself."""

    chain: int          # The tenant's number, or NOBODYS.
    name: str
    address: str
    person: str = ""    # The account that `name` begins with: kept under a pseudonym.


class Named(str):
    """The name of an account as the subject or a detail of an act: kept under a pseudonym."""

    __slots__ = ()


def at_the_machine(tenant: int) -> Actor:
    """Whoever types a command of `wum-cloud`: the system's account is all that is known."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):     # A user without a name, as in a container.
        user = "?"
    return Actor(tenant, "command line (%s)" % user, "")


def cut(text: str) -> str:
    """`text` as the audit trail keeps it: printable, and no longer than it may be."""
    shown = "".join([c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text])
    return shown[:_LENGTH_MAX]
