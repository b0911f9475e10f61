"""Who is kept out: addresses with too many wrong signatures, and VDNs that call too often. Both are guesses."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

from gateway.simulator.guesses import Guesses


@dataclass
class Guard:
    """Counts refused signatures in a row by address, and remembers the last call of each VDN. For any thread.

    Every `now` is aware, and by the simulator's clock.
    """

    guesses: Guesses
    _refused: dict[str, int] = field(default_factory=dict)
    _locked_until: dict[str, datetime] = field(default_factory=dict)
    _last_call: dict[int, datetime] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def is_locked(self, address: str, now: datetime) -> bool:
        """Tell whether `address` is locked."""
        with self._lock:
            until = self._locked_until.get(address)
            return until is not None and now < until

    def refused(self, address: str, now: datetime) -> None:
        """Take note of a refused signature, which may lock the address."""
        with self._lock:
            count = self._refused.get(address, 0) + 1
            if self.guesses.lock_after and count >= self.guesses.lock_after:
                self._locked_until[address] = now + timedelta(seconds=self.guesses.lock_s)
                count = 0
            self._refused[address] = count

    def accepted(self, address: str) -> None:
        """Take note of a good signature, which ends the row."""
        with self._lock:
            self._refused.pop(address, None)

    def is_too_soon(self, vdn: int, now: datetime) -> bool:
        """Tell whether `vdn` calls sooner than it may; if not, take note of the call."""
        with self._lock:
            last = self._last_call.get(vdn)
            if self.guesses.call_every_s and last and now < last + timedelta(seconds=self.guesses.call_every_s):
                return True
            self._last_call[vdn] = now
            return False
