"""Who may call, what they may ask for, and how often.

Access is decided before anything is looked up, and denied unless allowed. Limits are for what no fresh page answers.
"""
