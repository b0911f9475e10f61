"""Who may call, and what they may ask for. Decided before anything is looked up, denied unless allowed."""
