"""Permissions, and the roles that are made of them. Every endpoint and page needs one of these.

Left out: who has which role (accounts.py), and the check itself (web/access.py).
"""

READ_REGISTRY = "registry.read"     # Sites, concentrators, meters, meshes.
EDIT_REGISTRY = "registry.edit"     # Sites, buses, meters; and what is configured.
EDIT_METERS = "meters.edit"         # Add, replace, move and archive meters.
ENROL = "concentrators.enrol"        # Claim a concentrator, withdraw a claim.
REVOKE = "concentrators.revoke"      # Send a concentrator away.
READ_COMMANDS = "commands.read"     # What was ordered, by whom, why, and what became of it.
ASK_METERS = "commands.ask"         # Read now, read again, set a meter's clock.
SWITCH = "commands.switch"          # Disconnect, reconnect, limit, cut a secondary load.
LEND = "commands.session"           # Open a transparent session with a meter.
MAINTAIN = "commands.maintain"      # Restart a concentrator, fetch its log.
APPROVE = "commands.approve"        # Agree, as a second person, to what somebody else asked for.
READ_READINGS = "readings.read"     # What meters measured: personal data.
READ_HEALTH = "health.read"         # Completeness, events, ingest, what was asked for again.
READ_PROCESSES = "processes.read"   # The head-end's own processes, its database, its backups.
READ_UPDATES = "updates.read"       # Releases, campaigns, what runs on which concentrator.
HAND_IN = "releases.add"            # Hand a signed release in.
RUN_UPDATES = "campaigns.edit"      # Ask for a campaign, pause, resume and abort one.
READ_PEOPLE = "people.read"         # Accounts and tokens, without any secret.
EDIT_PEOPLE = "people.edit"         # Make, change, disable accounts and tokens.
READ_AUDIT = "audit.read"           # Search and export the audit trail.
OWN_ACCOUNT = "own.account"         # One's own sessions, password and second factor.

MEANINGS = {
    READ_REGISTRY: "see sites, concentrators, meters and meshes",
    EDIT_REGISTRY: "import the registry and configure concentrators",
    EDIT_METERS: "add, replace, move and archive meters",
    ENROL: "claim concentrators",
    REVOKE: "revoke concentrators",
    READ_COMMANDS: "see commands",
    ASK_METERS: "read meters on demand and set their clocks",
    SWITCH: "disconnect, reconnect and limit consumers",
    LEND: "open sessions with meters",
    MAINTAIN: "restart concentrators and fetch their logs",
    APPROVE: "approve commands and campaigns",
    READ_READINGS: "see what meters measured",
    READ_HEALTH: "see completeness, events and ingest",
    READ_PROCESSES: "see the head-end's own processes in /metrics (accounts of the first tenant)",
    READ_UPDATES: "see releases and campaigns",
    HAND_IN: "hand releases in",
    RUN_UPDATES: "ask for campaigns, pause and abort them",
    READ_PEOPLE: "see accounts and tokens",
    EDIT_PEOPLE: "make, change and disable accounts and tokens",
    READ_AUDIT: "search and export the audit trail",
    OWN_ACCOUNT: "see and change one's own account",
}

_READER = frozenset({READ_REGISTRY, READ_READINGS, READ_HEALTH})

ROLES = {
    "installer": frozenset({
        READ_REGISTRY, EDIT_METERS, READ_HEALTH, ENROL, READ_COMMANDS, ASK_METERS, OWN_ACCOUNT}),
    "operator": _READER | {
        EDIT_REGISTRY, EDIT_METERS, ENROL, REVOKE, READ_COMMANDS, ASK_METERS, MAINTAIN, LEND,
        APPROVE, READ_PROCESSES, READ_UPDATES, HAND_IN, RUN_UPDATES, OWN_ACCOUNT},
    "dispatcher": _READER | {READ_COMMANDS, ASK_METERS, SWITCH, APPROVE, OWN_ACCOUNT},
    "analyst": _READER | {READ_COMMANDS, OWN_ACCOUNT},
    "auditor": frozenset({
        READ_REGISTRY, READ_HEALTH, READ_COMMANDS, READ_UPDATES, READ_PEOPLE, READ_AUDIT,
        OWN_ACCOUNT}),
    "administrator": frozenset(MEANINGS),
    "integrator": _READER | {READ_PROCESSES},
}
# What is of the whole installation, and of no tenant: whoever runs it has the first tenant.
OF_INSTALLATION = frozenset({READ_PROCESSES})
FIRST_TENANT = 1
TOKENS_ONLY = "integrator"          # A role that no person has.
OF_PEOPLE = [role for role in ROLES if role != TOKENS_ONLY]


def permissions_of(role: str, tenant: int = FIRST_TENANT) -> frozenset[str]:
    """What a role may do; nothing for a role that this version does not know."""
    allowed = ROLES.get(role, frozenset())
    return allowed if tenant == FIRST_TENANT else allowed - OF_INSTALLATION
