"""Who may do what: tokens, the policy, and what guards every request."""
