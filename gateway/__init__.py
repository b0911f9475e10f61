"""Campaign Gateway: a simple, fast, honest `GET /campaigns` in front of Huawei CC-iSales.

`README.md` beside this file is the architecture page; `factory/` is the place where all parts meet.
"""

__version__ = "0.1.0"
