"""Theory that can be checked: what training converges to, beside the exact answer."""
