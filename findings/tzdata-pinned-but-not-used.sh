#!/bin/sh
# A pinned tzdata changes nothing where the system has zone files, and one process can hold two releases of the database
#
# Software   Python 3.11 (zoneinfo), tzdata 2026.6 (IANA 2026f), tzdata 2025.2 (2025b, as Debian 12 has it)
# Seen       2026-11-27
#
# `zoneinfo.ZoneInfo` looks into the folders of `zoneinfo.TZPATH` first and asks the package `tzdata` only for a zone that has no
# file there. It compares no releases, and decides zone by zone. So a fresh `tzdata` in requirements.txt is not used on any
# Linux with an older system package; and where that lacks a zone (Debian 13 and Ubuntu 24.04 have put old names into a package
# of their own) the process reads two releases at once, and nothing says which.
#
# 2026-12-01 12:00 on the clocks of Alberta, which stays on summer time from autumn 2026 on, is, in UTC:
#
#       system's data      zone               read as
#       none               America/Edmonton   18:00
#       2025b              America/Edmonton   19:00
#       2025b              Canada/Mountain    19:00
#       2025b without it   Canada/Mountain    18:00     in the same process as the line below
#       2025b without it   America/Edmonton   19:00
#
# Why care   Who pins tzdata, to be right about a law of last month, is an hour wrong in production and right on a
#            laptop or in a slim image without zone files. Compare the releases yourself (the first line of tzdata.zi in
#            both places) and call zoneinfo.reset_tzpath, or read the newer file with ZoneInfo.from_file.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check tzdata==2026.6
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --target "$folder/old" tzdata==2025.2
cp -r "$folder/old/tzdata/zoneinfo" "$folder/system"
cp -r "$folder/old/tzdata/zoneinfo" "$folder/without"
rm "$folder/without/Canada/Mountain"

cat > "$folder/read.py" <<'PYTHON'
import sys
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

moment = datetime(2026, 12, 1, 12)
print(*(f"{moment.replace(tzinfo=ZoneInfo(name)).astimezone(UTC):%H:%M}" for name in sys.argv[1:]))
PYTHON
none=$(PYTHONTZPATH="" "$folder/venv/bin/python" "$folder/read.py" America/Edmonton)
system=$(PYTHONTZPATH="$folder/system" "$folder/venv/bin/python" "$folder/read.py" America/Edmonton Canada/Mountain)
without=$(PYTHONTZPATH="$folder/without" "$folder/venv/bin/python" "$folder/read.py" America/Edmonton Canada/Mountain)

printf '%-18s %-18s %s\n' "system's data" America/Edmonton Canada/Mountain
printf '%-18s %-18s %s\n' none $none ""
printf '%-18s %-18s %s\n' 2025b $system
printf '%-18s %-18s %s\n' "2025b without it" $without
[ "$none / $system / $without" = "18:00 / 19:00 19:00 / 19:00 18:00" ] || { echo "The behaviour has changed." >&2; exit 1; }
