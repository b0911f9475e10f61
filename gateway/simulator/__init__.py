"""A look-alike of CC-iSales, Huawei's outbound-call element, for demos and tests.

It answers `GET /rest/isales/v1/openapi/campaigns/{vdnId}` as the vendor's interface description says, over real
sockets, and misbehaves on demand. It imports nothing of the gateway and checks signatures with code of its own: what
the two agree on, they agree on because of the description.

The way of a call:

    http_server     keeps connections open; one thread each
    app             routes, `Date`, error pages
    interface       the order of the checks; what is counted and logged
    signature, keys who signed, and whether the VDN is theirs          -> 401
    faults          is a fault armed? then it is played instead of the answer
    query           reads the parameters with the vendor's limits      -> 200 with a failure envelope
    campaigns       the 250 campaigns that each VDN has
    envelope        filters, pages, counts                             -> 200 with the page

`server` runs all that in a thread (`SimulatorServer`) or in the foreground (`run`). `control` lets other processes
read the counts, arm faults, put the clock wrong and revoke keys, under `/simulator/`; `fault_kinds` is the table of
what can go wrong. A tenant whose keys are being rotated is two `Tenant`s with the same VDNs, one for each key pair.

Five words: a *call* is a request of the campaign interface. It is *refused* when it is answered 401. The *envelope*
is the JSON object around every other answer, with its *result code*. A *fault* is a way to answer wrongly that is
armed for some calls, or until it is cleared.

What nobody has published, such as how far clocks may differ, when an address is locked and how names are compared, is
in `guesses`, where it can be set; `guard` keeps out who has shown too many wrong signatures or calls too often.

Where the description is silent, the simulator is the stricter one, so that a client that satisfies it has nothing
to fear:

- The query must be sent in the very encoding that is signed: `+` for a space is refused, and so is `%2d` for `-`.
- `statusV2` is taken and has no effect.
- Unknown and repeated parameters are too many (02000011). Only the first fault of a query is reported.
- `curPage=` and `rowsPerPage=` without a value mean 1 and 10, but the parameters must be there.
- An int has at most ten digits, a sign only when negative, and 32 bits; else it is of the wrong type (02000006).
- Illegal characters in a parameter are control characters and bytes that are not UTF-8.
- A key is good for its own VDNs; with another's VDN it is refused like an unknown key.
- `totalSize` counts what the filters leave, whatever the page; the two counts beside it are the tenant's.
- A campaign with bare dates begins at the first second of its day, and ends at the last.
- Newest campaigns come first. A page past the end is empty, and still a success.
"""
