"""The page of whoever looks after an order: one hand, one tap."""
