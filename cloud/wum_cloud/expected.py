"""What a subcommand may end with that a person has to read: one sentence, and no traceback."""


def expected() -> tuple[type[Exception], ...]:
    """Errors that are sentences for a person. Imported late: `--help` needs no database."""
    from wum_cloud.audit.commands import AuditFileError
    from wum_cloud.backup.sealed import BackupError
    from wum_cloud.commands.kinds import CommandRefused
    from wum_cloud.database import DatabaseError
    from wum_cloud.enrolment.claims.claiming import ClaimRefused
    from wum_cloud.ingest.ripples.commands import RippleRefused
    from wum_cloud.migrations.store import MigrationError
    from wum_cloud.people.accounts import PasswordFileError, PeopleRefused
    from wum_cloud.registry.bulk.file import BulkRefused
    from wum_cloud.registry.keys import KeyFileError
    from wum_cloud.registry.life.acting import MeterRefused, Questioned
    from wum_cloud.registry.registration import RegistrationRefused
    from wum_cloud.registry.sites.tree import SiteRefused
    from wum_cloud.settings import SettingsError
    return (SettingsError, DatabaseError, MigrationError, KeyFileError, RegistrationRefused,
            PasswordFileError, PeopleRefused, AuditFileError, BackupError, SiteRefused,
            ClaimRefused, RippleRefused, BulkRefused, CommandRefused, MeterRefused, Questioned)
