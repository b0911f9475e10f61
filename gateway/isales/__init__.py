"""CC-iSales, the vendor's outbound-call element: all that knows the vendor's words, and no caller's.

One straight line, each step one module (`gateway/README.md` has all of it):

    CampaignQuery + Tenant
      -> request      a `VendorRequest`: path and decoded parameters
      -> retry        another attempt where one can help (retry_policy), within a budget (retry_budget)
      -> hostile_queries  not what a firewall has just stopped
      -> key_trials   wrong keys are shown rarely
      -> slots        at most so many calls at once
      -> breaker      not while calls are in vain (circuit) or unwanted (way)
      -> second_signature  what to sign with: the keys (credentials) and the clock that worked last (known_credentials)
      -> send         signed afresh for each attempt (signing), put on the wire (transport), and judged (outcome)
      -> envelope     strict JSON, and the result code that decides
      -> schemas      the vendor's fields, tolerantly
      -> translate    a `CampaignPage`, and the drift that was met on the way (drift)

Words: an *envelope* is the JSON object around every answer; a *result code* in it says success or not, whatever the
HTTP status; *drift* is where an answer departs from the vendor's interface description. `Send` is the signature of all
steps from the retry to the envelope, so each is a wrapper of the next and the factory can stack more of them.
"""
