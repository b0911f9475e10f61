"""Settings: read from TOML files and the environment, validated in one go, frozen.

The only part of the gateway that reads files and environment. `load_settings` gives `Settings`, or one
`SettingsError` that names every fault.
"""

from gateway.settings.load import SettingsError, effective_toml, load_settings
from gateway.settings.model import Client, Secret, Settings, Tenant

__all__ = ["Client", "Secret", "Settings", "SettingsError", "Tenant", "effective_toml", "load_settings"]
