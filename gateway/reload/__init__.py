"""New settings while the gateway serves: a new app is made of them and takes the place of the old one.

Knows settings and telemetry, and an app as something that WSGI calls; what an app is made of is the factory's.
"""

from gateway.reload.each_process import EachProcess
from gateway.reload.published import siblings
from gateway.reload.resources import Resources
from gateway.reload.served import SETTINGS_STATE, ServedApp
from gateway.reload.signals import on_signals

__all__ = ["SETTINGS_STATE", "EachProcess", "Resources", "ServedApp", "on_signals", "siblings"]
