"""Why a mutant may compute the same on all that is legal: the reasons that several methods share."""

REFUSED = "a check of what is legal, which the tests of borders judge"
COMMUTES = "a product of two vectors commutes"
SIGN = "it is squared, or its absolute value or length taken"
NEGATIVE = "NumPy takes any negative length for the one that is missing"
ROUNDING = "how much rounding is forgiven, within what the laws allow"
