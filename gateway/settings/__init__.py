"""Settings: read from TOML files and the environment, validated in one go, frozen.

The only part of the gateway that reads files and environment. `load_settings` gives `Settings`, or one
`SettingsError` that names every fault.
"""

from gateway.settings.changes import changed_settings
from gateway.settings.kept import KeptSettings
from gateway.settings.load import SettingsError, effective_toml, load_kept, load_settings, restore_settings
from gateway.settings.model import Client, Secret, Settings, Tenant

__all__ = [
    "Client",
    "KeptSettings",
    "Secret",
    "Settings",
    "SettingsError",
    "Tenant",
    "changed_settings",
    "effective_toml",
    "load_kept",
    "load_settings",
    "restore_settings",
]
