"""Imported first, for what it does: what is imported is not looked through for garbage again and again.

All of it stays. That takes a tenth of a start. Who has imported all that it needs calls `gc.enable`.
"""

import gc

gc.disable()
