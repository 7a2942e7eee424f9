"""From facts and rules to what should be said, and why: fold, triggers, planner, reconcile, explain. Pure."""
